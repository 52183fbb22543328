"""Drivers: one instrument model, one file.  They speak the wire and know nothing of the experiment."""
