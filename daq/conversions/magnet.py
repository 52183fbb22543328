"""Magnet current against field at the beam: straight lines between the points of the calibration (rising branch).

The curve starts at the remanence: no current leaves a field of about 10 mT (*assumed* until measured).
"""

import numpy as np

from config.calibration import FieldCalibration


def current_for_field(field_T: float, calibration: FieldCalibration) -> float:
    """Current in A for a field in T.  A field of exactly 0 asks for the lowest current, which leaves the remanence.

    `ValueError` for any other field outside the calibrated range; nothing is extrapolated, the iron saturates.
    """
    fields, currents = calibration.field_T, calibration.current_A
    if field_T == 0.0:
        return currents[0]
    if not fields[0] <= field_T <= fields[-1]:
        raise ValueError(
            f"field {field_T:g} T is outside the calibration; allowed are 0 (no current) and {fields[0]:g} to {fields[-1]:g} T"
        )
    return float(np.interp(field_T, fields, currents))


def field_for_current(current_A: float, calibration: FieldCalibration) -> float:
    """Field in T at a current in A; `ValueError` outside the calibrated range."""
    fields, currents = calibration.field_T, calibration.current_A
    if not currents[0] <= current_A <= currents[-1]:
        raise ValueError(
            f"current {current_A:g} A lies outside the calibration; allowed are {currents[0]:g} to {currents[-1]:g} A"
        )
    return float(np.interp(current_A, currents, fields))
