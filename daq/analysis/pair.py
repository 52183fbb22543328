"""The two profiles of one cluster with all that the models need to know, or a sentence why there is nothing to fit."""

from dataclasses import dataclass

import numpy as np

from config.calibration import Calibrations
from daq.analysis.bending import REGRESSION
from daq.analysis.counted import CountedFit
from daq.analysis.drift import untold_drift
from daq.analysis.fit import JointFit, Vector, core
from daq.analysis.lacking import ions_lacking, shots_lacking, signal_of
from daq.analysis.models import Conditions
from daq.analysis.results import Signal
from daq.analysis.thermal import zeeman_ratio
from daq.conversions.deflection import deflection_per_uB_m
from daq.conversions.flight_time import position_at_time_m, sensitivity_s_per_m, undeflected_time_s
from daq.reduce.profiles import Choice, Profile, Profiles
from daq.reduce.windows import ACCEPTANCE_m

MISPLACED_s = 50e-9
"""How far from its time the peak of zero field may lie: twice what light and trigger of a machine are off before its mass
is calibrated, half of what a window holds on each side (assumed)."""
CALIBRATED_FIELD = 0.8, 1.02
"""Full fields at which C is believed, in parts of the field it was calibrated at: iron saturates (assumed)."""
SLOPE_ERROR = 0.5
"""Relative, of the calibrated slope of the gradient (assumed)."""
THERMALISED_bar = 6.0
"""At which clusters have the temperature of their source, but for the excess; at 2 bar they are hotter (paper)."""
SAME_VELOCITY, SAME_TEMPERATURE_K, SAME_PRESSURE = 0.01, 2.0, 0.1
"""How far steps of one condition may differ (relative, K, relative)."""


@dataclass(frozen=True)
class Beam:
    """What holds for all clusters of an analysis.

    Flight times may have changed by `untold_drift` (relative) between the fields, if no clusters tell by how much.  At the
    pressure of the helium the clusters were made.
    """

    off_set_T: float
    on_set_T: float
    off_T: float
    on_T: float
    velocity_m_s: float
    cluster_temperature_K: float
    untold_drift: float = 0.0
    helium_pressure_bar: float = THERMALISED_bar


@dataclass(frozen=True)
class Pair:
    """One cluster at both fields.  `intensity` and its relative error: signal at full over zero field, per shot."""

    size: int
    off: Profile
    on: Profile
    position_m: Vector
    sensitivity_s_per_m: float
    at: Conditions
    intensity: float
    intensity_error: float
    choice: Choice

    @property
    def signal(self) -> Signal:
        return "counted" if self.choice.counted else "charge"


def beam(profiles: Profiles, calibrations: Calibrations) -> Beam:
    """The conditions of a run: the set fields of least and greatest strength, the common velocity and temperature.

    `ValueError` if the steps at these fields were not taken under one condition.
    """
    off, on = (choose(profiles.fields_T, key=abs) for choose in (min, max))
    steps = [sums.step for sums in profiles.steps if sums.shots and sums.step.field_set_T in (off, on)]
    velocity = np.array([step.velocity_m_s for step in steps])
    temperature = np.array([step.source_temperature_K for step in steps])
    pressure = np.array([step.helium_pressure_bar for step in steps])
    for name, unit, values, allowed in (
        ("velocity", "m/s", velocity, SAME_VELOCITY * velocity.mean()),
        ("source temperature", "K", temperature, SAME_TEMPERATURE_K),
        ("helium pressure", "bar", pressure, SAME_PRESSURE * pressure.mean()),
    ):
        _check_one(name, unit, values, float(allowed))
    excess_K = calibrations.temperature.cluster_excess_K.value
    return Beam(
        off,
        on,
        profiles.field_T(off),
        profiles.field_T(on),
        profiles.velocity_m_s(on),
        profiles.source_temperature_K(on) + excess_K,
        untold_drift(profiles, off, on),
        float(pressure.mean()),
    )


def _check_one(name: str, unit: str, values: Vector, allowed: float) -> None:
    if not np.isfinite(values).all():
        raise ValueError(f"the {name} of a step was not read, so nobody knows its condition; record this point again")
    if np.ptp(values) > allowed:
        raise ValueError(
            f"the steps differ in {name} ({values.min():g} to {values.max():g} {unit}, {allowed:.2g} {unit} are allowed), "
            "so they are not one measurement; record this point again"
        )


def calibrated_elsewhere(beam: Beam, calibrations: Calibrations) -> str:
    """Why the calibration of C does not hold at the full field, or nothing."""
    made_T = calibrations.deflection.field_T
    lowest_T, highest_T = (share * made_T for share in CALIBRATED_FIELD)
    if lowest_T <= abs(beam.on_T) <= highest_T:
        return ""
    return (
        f"C was calibrated at {made_T:g} T and holds from {lowest_T:.2f} to {highest_T:.2f} T, but the full field was "
        f"{beam.on_T:.2f} T; calibrate C there"
    )


def pair(profiles: Profiles, size: int, beam: Beam, calibrations: Calibrations) -> Pair | str:
    """The profiles of a size at both fields, or the reason why they cannot be fitted."""
    for field_T in (beam.off_set_T, beam.on_set_T):
        if reason := shots_lacking(profiles.shots(field_T), field_T):
            return reason
    choice = profiles.choice(size)
    off, on = (profiles.profile(size, field_T, choice.counted) for field_T in (beam.off_set_T, beam.on_set_T))
    if reason := ions_lacking(off, on, choice):
        return reason
    (off_signal, off_error), (on_signal, on_error) = signal_of(off), signal_of(on)
    position = np.asarray(
        position_at_time_m(off.time_s, off.mass_u, calibrations.mass, calibrations.position), dtype=np.float64
    )
    late_s = core(off.time_s, off.values)[0] - float(undeflected_time_s(off.mass_u, calibrations.mass))
    if abs(late_s) > MISPLACED_s:
        return (
            f"its peak at zero field lies {1e9 * late_s:+.0f} ns from where the calibration puts it, allowed are "
            f"{1e9 * MISPLACED_s:g} ns; calibrate the mass again"
        )
    # A field and its gradient change sign together, so the bend does not.
    strengths_T = abs(beam.off_T), abs(beam.on_T)
    per_uB = [deflection_per_uB_m(off.mass_u, beam.velocity_m_s, T, calibrations.deflection) for T in strengths_T]
    h = [zeeman_ratio(T, beam.cluster_temperature_K) for T in strengths_T]
    intensity = on_signal / off_signal
    error = float(np.hypot(on_error / off_signal, intensity * off_error / off_signal))
    s = sensitivity_s_per_m(off.mass_u, calibrations.position)
    return Pair(size, off, on, position, s, Conditions(*per_uB, *h), intensity, error, choice)


def joint_fit(pair: Pair, calibrations: Calibrations, acceptance_m: float = ACCEPTANCE_m) -> JointFit | CountedFit:
    """The fit of a pair, of counted ions or of charge, with what the calibrated slope of the gradient lets κ be.

    Ions farther from the middle than `acceptance_m` are not ionised.
    """
    kappa_per_m = REGRESSION * abs(calibrations.deflection.relative_gradient_slope_per_m)
    kind = CountedFit if pair.choice.counted else JointFit
    return kind(pair.off, pair.on, pair.position_m, (kappa_per_m, max(SLOPE_ERROR * kappa_per_m, 1.0)), acceptance_m)


def centroid_shift_uB(pair: Pair) -> tuple[float, float]:
    """Shift of the mean position between the fields in µB and its statistical error, less the common drift."""
    (off, off_error), (on, on_error) = (_centroid(profile, pair.position_m) for profile in (pair.off, pair.on))
    return (on - off - pair.at.offset_m) / pair.at.on_m_per_uB, float(np.hypot(on_error, off_error)) / pair.at.on_m_per_uB


def _centroid(profile: Profile, position_m: Vector) -> tuple[float, float]:
    total = float(profile.values.sum())
    middle = float(position_m @ profile.values) / total
    weight = (position_m - middle) / total
    return middle, float(np.sqrt(weight @ profile.covariance @ weight))
