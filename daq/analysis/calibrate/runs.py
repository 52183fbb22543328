"""Run files to calibrations."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from config.calibration import Calibrations, Measured
from daq.analysis.calibrate.chopper import calibrate_chopper, seeming_moments
from daq.analysis.calibrate.estimate import CannotCalibrate, Estimate
from daq.analysis.calibrate.field import LINEAR_T, PROBE, SAME_A, calibrate_field
from daq.analysis.calibrate.gradient import Seen, calibrate_gradient
from daq.analysis.calibrate.made import Made, Row
from daq.analysis.calibrate.mass import calibrate_mass, find_peaks
from daq.analysis.calibrate.position import Spot, calibrate_position
from daq.analysis.calibrate.spectra import Spectra, grouped
from daq.analysis.calibrate.spots import signal, spots
from daq.analysis.lacking import ZERO_T
from daq.analysis.runs import analyse_run, reduce_run
from daq.record.blocks import Step
from daq.record.run_file import RunFile
from daq.record.series import Series
from daq.reduce import Profiles
from daq.reduce.reduction import STEPS

ATOM, SAME = 1, 0.01
"""The size that C comes from.  Fields and velocities that differ by a larger share make no one C (assumed)."""
WANTED_SHARE = 0.0025
"""Of the flight time, to which the time zero should be known (paper sheet)."""

Wanted = Callable[[Step], bool]


def mass(runs: Sequence[Series]) -> Made:
    """t0 and k from the shots at zero field."""
    old = runs[0].last.calibrations.mass
    lasted_s = sum(_lasted_s(part) for run in runs for part in run.parts)
    found = calibrate_mass([find_peaks(_zero_field(run), run.last.element, _sizes(run), old) for run in runs], lasted_s)
    notes = [
        f"{len(found.used)} peaks in {lasted_s / 60:.0f} min; a mass near 2000 u is known to {found.error_at_2000_u:.3f} u, "
        "drift of the high voltage included"
    ]
    if found.left_out:
        notes.append(f"left out, since they lie off the line: {', '.join(found.left_out)}")
    rows = [Row("t0", "ns", found.t0_s, old.t0_s, 1e9), Row("k", "ns/√u", found.k_s_per_sqrt_u, old.k_s_per_sqrt_u, 1e9)]
    return Made(rows, notes, {"mass": dict(found.calibration())})


def field(runs: Sequence[Series]) -> Made:
    """Field against current from what the Hall probe read in each step."""
    old = runs[0].last.calibrations.field
    readings = [reading for run in runs for part in run.parts for reading in _readings(part)]
    if not readings:
        raise CannotCalibrate("its plan does not scan the current of the magnet, as hysteresis-loop does")
    found = calibrate_field(*zip(*readings, strict=True))
    new = found.calibration()
    inside = (found.current_A > max(old.current_A[0], SAME_A)) & (found.current_A <= old.current_A[-1])
    rows = [Row("remanence", "mT", found.remanence_T, old.remanence_T, 1e3), Row("turns factor", "", found.turns)]
    for current_A, field_T, error_T in np.column_stack([found.current_A, found.field_T, found.error_T])[inside].tolist():
        before = float(np.interp(current_A, old.current_A, old.field_T))
        known = Measured(value=before, uncertainty=old.relative_uncertainty * before)
        rows.append(Row(f"field at {current_A:.0f} A", "T", Estimate(field_T, error_T, PROBE * field_T), known))
    notes = [
        f"rising branches used: {found.loops}; the falling one lies {1e3 * found.loop_T:.1f} mT above",
        f"two wires: straight to {1e3 * found.bend_T:.1f} mT below {LINEAR_T:g} T; at {found.current_A[-1]:.0f} A the iron "
        f"has taken {found.saturation:.1%}",
    ]
    if found.from_virgin:
        notes.append("the only rise began before full current was ever reached; repeat the loop for a magnetised magnet")
    return Made(rows, notes, {"field": dict(new)})


def chopper(runs: Sequence[Series]) -> Made:
    """Time zero of the chopper from moments at several velocities."""
    calibrations = _in_force(runs, "velocity", "position", "deflection")
    found = [point.results for run in runs for point in analyse_run(run)]
    if all(one.field_T is None for one in found):
        raise CannotCalibrate("only one field was recorded; zero and full field are needed")
    made = calibrate_chopper(seeming_moments(found, calibrations), calibrations.velocity)
    zero, old = made.time_zero_s, calibrations.velocity.time_zero_s
    split = ", ".join(f"{cluster} {moment:.3f} µB" for cluster, moment in made.moments_uB.items())
    notes = [
        f"{made.velocities} velocities, χ² per degree of freedom {made.chi2:.1f}; known to {made.share:.2%} of the flight time",
        f"moments that go with it: {split}",
    ]
    if made.share > WANTED_SHARE:
        times = made.times_the_shots(WANTED_SHARE)
        beyond = f"is out of reach of more shots: {1e6 * zero.systematic:.0f} µs are systematic"
        notes.append(f"{WANTED_SHARE:.2%} {beyond if times is None else f'would take about {times:.0f} times the shots'}")
    rows = [Row("time zero", "µs", zero, old, 1e6)]
    return Made(rows, notes, {"velocity": {"time_zero_s": zero.measured()}})


def position(runs: Sequence[Series]) -> Made:
    """s and q from a scan of the narrow focus."""
    old = runs[0].last.calibrations
    found: list[Spot] = []
    for number, run in enumerate(runs):
        stage_m, when_s = _stage(run)
        reduced = _reduced(run)
        zero = [sums.step.index for sums in reduced.steps if abs(sums.step.field_set_T) < ZERO_T]
        found += spots(reduced, {index: stage_m[index] for index in zero if index in stage_m}, when_s, old, number)
    if not found:
        raise CannotCalibrate("its plan does not scan the stage without field, as position-scan does")
    made = calibrate_position(found, old.position)
    rows = [
        Row(f"s at {made.reference_mass_u:.0f} u", "ns/mm", made.sensitivity_s_per_m, old.position.sensitivity_s_per_m, 1e6),
        Row("q there", "ns/mm²", made.curvature_s_per_m2, old.position.curvature_s_per_m2, 1e3),
    ]
    notes = [
        f"{made.positions} places of the stage, {len(made.clusters)} clusters, χ² per degree of freedom {made.chi2:.1f}",
        f"the beam's middle is where the stage stands at {1e3 * made.centre_m:.3f} mm",
    ]
    if not made.drift_known:
        notes.append("the stage went one way only, so drift counts as error; scan there and back")
    return Made(rows, notes, {"position": dict(made.calibration())})


def gradient(runs: Sequence[Series]) -> Made:
    """C from a scan of the narrow focus across aluminium, without and with field."""
    calibrations = _in_force(runs, "velocity")
    element = next((run.last.element for run in runs if run.last.element != "Al"), "Al")
    if element != "Al":
        raise CannotCalibrate(f"the rod was {element}; the moment of aluminium is known, so that is needed")
    seen: list[Seen] = []
    steps: list[Step] = []
    for run in runs:
        reduced = _reduced(run)
        if all(window.size != ATOM for window in reduced.windows):
            raise CannotCalibrate(
                f"{run.last.path.name} holds no aluminium atoms, by its sizes or by its trace; record Al1, as "
                "aluminium-calibration does"
            )
        stage_m, _ = _stage(run)
        for sums in reduced.steps:
            if sums.step.index in stage_m and sums.shots > 1:
                profile = reduced.selected(frozenset([sums.step.index])).profile(ATOM, sums.step.field_set_T)
                with_field = abs(sums.step.field_set_T) >= ZERO_T
                seen.append(Seen(stage_m[sums.step.index], with_field, *signal(profile)))
                steps += [sums.step] if with_field else []
    if not seen or not steps:
        raise CannotCalibrate("its plan does not scan the stage at zero and at full field, as aluminium-calibration does")
    field_T = _one("field", "T", [abs(step.field_T) for step in steps])
    velocity_m_s = _one("velocity", "m/s", [step.velocity_m_s for step in steps])
    made = calibrate_gradient(seen, field_T, velocity_m_s, calibrations.velocity)
    rows = [
        Row(f"C at {field_T:.3f} T", "T·m", made.C_T_m, calibrations.deflection.C_T_m),
        Row("half splitting", "mm", made.bend_m, None, 1e3),
        Row("share of 2P3/2", "", made.excited),
    ]
    notes = [f"χ² per degree of freedom {made.chi2:.1f}"]
    if made.C_T_m.systematic > math.sqrt(2) * made.without_velocity.systematic:
        notes.append("the velocity is the largest part of the systematic error")
    return Made(rows, notes, {"deflection": made.calibration()}, calibrations.velocity)


def _one(name: str, unit: str, found: Sequence[float]) -> float:
    """The mean of what was meant to be the same in all steps with field."""
    if not all(0 < one < math.inf for one in found):
        raise CannotCalibrate(f"the {name} of some steps with field is not in the file; C needs it of each")
    mean = float(np.mean(found))
    if np.ptp(found) > SAME * mean:
        raise CannotCalibrate(
            f"the steps with field were taken at {min(found):.4g} to {max(found):.4g} {unit}; C holds for one {name}, "
            f"so at most {SAME:.0%} between them is allowed"
        )
    return mean


Maker = Callable[[Sequence[Series]], Made]
MAKERS: Mapping[str, Maker] = {
    "mass": mass,
    "field": field,
    "chopper": chopper,
    "position": position,
    "gradient": gradient,
}
"""By what the command line calls them.  All raise `CannotCalibrate`, or `RunFileError`."""


def _in_force(runs: Sequence[Series], *parts: str) -> Calibrations:
    """The calibrations that runs were taken with; `CannotCalibrate` where these parts of them are not the same in all."""
    first = runs[0].last
    for other in (part for run in runs for part in run.parts):
        differ = [name for name in parts if getattr(other.calibrations, name) != getattr(first.calibrations, name)]
        if differ:
            raise CannotCalibrate(
                f"{first.path.name} and {other.path.name} were taken with different calibrations of {' and '.join(differ)}; "
                "only runs that were taken with the same can be used together"
            )
    return first.calibrations


def _zero_field(series: Series) -> Spectra:
    parts = [(part, _good(part, lambda step: abs(step.field_set_T) < ZERO_T)) for part in series.parts]
    total = sum(len(numbers) for _, numbers in parts)
    if total == 0:
        fields = sorted({step.field_set_T for part in series.parts for step in part.steps})
        raise CannotCalibrate(f"no shots at zero field were recorded; fields here are {fields} T")
    if any(part.axis != series.last.axis for part in series.parts):
        raise CannotCalibrate("its files were recorded with different time axes")
    blocks = chain.from_iterable(map(part.block, part.grouped(numbers)) for part, numbers in parts)
    return grouped(blocks, series.last.axis, total)


def _lasted_s(part: RunFile) -> float:
    """Laboratory time from the first burst to the last."""
    return float(np.ptp(part.bursts["armed_at"])) if len(part.bursts["armed_at"]) else 0.0


def _readings(part: RunFile) -> Iterator[tuple[float, float]]:
    """Current in A and field in T of each step that set the current."""
    for step in part.steps:
        for name in ("current_A", "set_current_A"):
            quantity = f"{_named(part, 'magnet supply')}.{name}"
            if quantity in step.others and math.isfinite(step.field_T):
                yield step.others[quantity], step.field_T


def _stage(series: Series) -> tuple[dict[int, float], dict[int, float]]:
    """Where the stage stood in m and when each step began in s, by index in the reduced run."""
    stage_m, when_s = {}, {}
    for rank, part in enumerate(series.parts):
        quantities = [f"{_named(part, 'stage')}.{name}" for name in ("axis1_position_mm", "axis1_set_position_mm")]
        for step in part.steps:
            name = next((one for one in quantities if one in step.others), None)
            if name is not None and not step.background:
                stage_m[rank * STEPS + step.index] = 1e-3 * step.others[name]
                when_s[rank * STEPS + step.index] = float(part.step_columns["started"][step.index])
    return stage_m, when_s


def _reduced(series: Series) -> Profiles:
    """`CannotCalibrate` for a run whose traces hold none of its clusters."""
    try:
        return reduce_run(series)
    except ValueError as error:
        raise CannotCalibrate(str(error)) from None


def _named(part: RunFile, role: str) -> str:
    """The instrument of this role that took part in the run."""
    instruments = part.laboratory.get("instruments", {})
    return next((name for name, one in instruments.items() if one["role"] == role and not one.get("spare")), "")


def _good(part: RunFile, wanted: Wanted) -> NDArray[np.int64]:
    """Numbers of the good shots with beam in the steps that are wanted."""
    recorded = part.recorded
    steps = np.array([wanted(step) and not step.background for step in part.steps], bool)
    kept = (part.bad[recorded] == 0) & steps[part.shot_steps[recorded]]
    return np.asarray(recorded[kept])


def _sizes(series: Series) -> range:
    first, last = series.last.sizes
    return range(first, last + 1)
