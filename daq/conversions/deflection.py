"""Deflection against moment: d = µ_z C / (m v²), d > 0 towards the strong field.

C is what a calibration gives.  It holds at the field it was made at; between that field and zero it is *assumed*
proportional to the field (iron saturation changes G/B by some per cent); moments come from the calibrated field,
the rest is correction.
"""

from scipy.constants import atomic_mass, physical_constants

from config.calibration import DeflectionCalibration, Measured, VelocityCalibration
from daq.conversions.velocity import ionisation_delay_s, velocity_for_delay_m_s

BOHR_MAGNETON_J_T: float = physical_constants["Bohr magneton"][0]


def C_at_field_T_m(field_T: float, calibration: DeflectionCalibration) -> float:
    """C in T·m at a field in T, proportional to its magnitude (a moment follows |B|, whichever way the field points).

    `ValueError` above 1.02 times the calibrated field: saturation forbids extrapolation.
    """
    highest_T = 1.02 * calibration.field_T
    if not abs(field_T) <= highest_T:
        raise ValueError(
            f"C is calibrated at {calibration.field_T:g} T and not known at {field_T:g} T; allowed are 0 to {highest_T:g} T"
        )
    return calibration.C_T_m.value * abs(field_T) / calibration.field_T


def deflection_per_uB_m(mass_u: float, velocity_m_s: float, field_T: float, calibration: DeflectionCalibration) -> float:
    """Deflection in m of a cluster with a projection of 1 µB along the field."""
    energy_J = mass_u * float(atomic_mass) * velocity_m_s**2
    return BOHR_MAGNETON_J_T * C_at_field_T_m(field_T, calibration) / energy_J


def moment_uB(
    deflection_m: float, mass_u: float, velocity_m_s: float, field_T: float, calibration: DeflectionCalibration
) -> float:
    """Projection of the moment in µB that bends by `deflection_m`, the inverse of `deflection_per_uB_m`; not at zero field."""
    return deflection_m / deflection_per_uB_m(mass_u, velocity_m_s, field_T, calibration)


def with_flight_told(
    calibration: DeflectionCalibration, before: VelocityCalibration, now: VelocityCalibration
) -> DeflectionCalibration:
    """C of atoms whose velocity was told by `before`, as it is where `now` tells it: the same flight, and C ∝ v².

    So what is wrong with time zero or flight path stays the same for atoms and clusters, and mostly cancels in a moment.  A C
    that comes from no atoms stays.
    """
    velocity_m_s, C = calibration.velocity_m_s, calibration.C_T_m
    if velocity_m_s is None or before == now:
        return calibration
    told_m_s = velocity_for_delay_m_s(ionisation_delay_s(velocity_m_s, 0.0, before), 0.0, now)
    grown = (told_m_s / velocity_m_s) ** 2
    C = Measured(value=grown * C.value, uncertainty=grown * C.uncertainty)
    return calibration.model_copy(update={"C_T_m": C, "velocity_m_s": told_m_s})
