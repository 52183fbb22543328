"""Velocity against ionisation delay: ionisation = opening + time zero + path / v.

The paper defines the velocity by the time between chopper and ionisation, 1.68 m apart.  `time_zero_s` is what the
programmed chopper opening is early by.  Delays are counted from T0, as the delay generator is programmed.
"""

import math

from config.calibration import VelocityCalibration


def ionisation_delay_s(velocity_m_s: float, opening_s: float, calibration: VelocityCalibration) -> float:
    """Delay of the ionisation pulse that picks clusters of this velocity out of the chopper opening at `opening_s`."""
    if not velocity_m_s > 0 or not math.isfinite(velocity_m_s):
        raise ValueError(f"velocity {velocity_m_s:g} m/s cannot be selected; it must be positive and finite")
    return opening_s + calibration.time_zero_s.value + calibration.flight_path_m / velocity_m_s


def velocity_for_delay_m_s(ionisation_s: float, opening_s: float, calibration: VelocityCalibration) -> float:
    """Velocity of the clusters ionised at `ionisation_s`, the inverse of `ionisation_delay_s`."""
    flight_s = ionisation_s - opening_s - calibration.time_zero_s.value
    if not flight_s > 0:
        raise ValueError(
            f"ionisation at {ionisation_s:g} s comes before any cluster chopped at {opening_s:g} s arrives; set it later"
        )
    return calibration.flight_path_m / flight_s


def velocity_relative_uncertainty(
    velocity_m_s: float, calibration: VelocityCalibration, beside_m_s: float | None = None
) -> float:
    """δv/v: the calibration's relative uncertainty and the uncertainty of the chopper's time zero, added in quadrature.

    `beside_m_s`: of the ratio to this velocity, told by the same flight path and time zero.  The path cancels, the time zero
    as far as the velocities are alike.
    """
    if beside_m_s is not None:
        return calibration.time_zero_s.uncertainty * abs(velocity_m_s - beside_m_s) / calibration.flight_path_m
    time_zero = calibration.time_zero_s.uncertainty * velocity_m_s / calibration.flight_path_m
    return math.hypot(calibration.relative_uncertainty, time_zero)
