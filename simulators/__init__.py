"""A whole simulated laboratory that answers on the wire."""
