"""Calibrations applied: current and field, velocity and delay, flight time, mass and position, deflection.  Pure functions."""
