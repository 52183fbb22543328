"""How many shots a target standard error saves, and how near to the least possible it stops.

    python -P benchmarks/sharing.py [SEEDS]

V11 at 25, 40, 60 and 100 K until its moment is known to 0.05 uB (statistical) at each, against as many shots everywhere as
the neediest temperature takes.  And at 25 K the shots at the stop against those of an oracle that knows the mean error of
many experiments.  Shots come from the simulated beam line directly; wires and engine play no part.
"""

import sys
from collections.abc import Sequence

import numpy as np

from config.laboratory import SHIPPED, read_laboratory
from daq.analysis.running import RunningErrors
from daq.plan.checking import timing_of
from daq.plan.expansion import PlannedStep, steps
from daq.plan.plan import Interleave, Plan, Scan, Stop, read_plan
from daq.plan.sharing import Known
from daq.record.blocks import ShotBlock, Step, TraceAxis
from simulators.world.beamline import Beamline
from simulators.world.conditions import Capture, ShotConditions
from simulators.world.truth import read_truth

LABORATORY, CALIBRATIONS = read_laboratory()
TARGET_uB, FINE_uB, SIZE = 0.05, 0.025, 11
"""For the four temperatures; for the stop at one, far from the fewest ions that allow an analysis at all."""
INTERVAL_S, SAMPLES = 2e-9, 25_000
CAPTURE = Capture(1, SAMPLES, INTERVAL_S, 0.0, LABORATORY.mcp.full_scale_V / 65536, LABORATORY.mcp.offset_V)
AXIS = TraceAxis(0.0, INTERVAL_S, SAMPLES, (CAPTURE.volts_per_code,), (CAPTURE.offset_V,))
BLOCK = 100
IONS_FEW, IONS_MANY = 3.0, 10.0
"""Of the most abundant cluster in a shot: few to look at the stop, more to save time at 100 K."""
TEMPERATURES_K, VELOCITIES_m_s = [25.0, 40.0, 60.0, 100.0], [432.0, 499.0, 577.0, 706.0]


class Machine:
    """Takes the steps of a plan on a beam line of its own, and knows what a run would know."""

    def __init__(self, plan: Plan, seed: int, ions: float) -> None:
        truth = read_truth()
        few = truth.model_copy(update={"machine": truth.machine.model_copy(update={"ions_at_maximum": ions})})
        self._plan, self._line = plan, Beamline(few, seed)
        self._errors = RunningErrors(AXIS, "V", [SIZE], CALIBRATIONS)
        self.shots: dict[int, int] = {}
        self._next = 0

    def of(self, point: int) -> Known | None:
        error_uB = self.error_uB(point)
        return (
            None if error_uB is None else Known(self.shots[point], error_uB / (self._plan.stop.standard_error_uB or TARGET_uB))
        )

    def budget(self) -> float | None:
        return None

    def error_uB(self, point: int) -> float | None:
        return self._errors.error_uB(point) if self.shots.get(point) else None

    def moment_uB(self) -> float:
        """The moment at the first point; NaN if there is none."""
        moment = self._errors.results(0).cluster(SIZE).moment_uB
        return np.nan if moment is None else moment

    def take(self, step: PlannedStep) -> None:
        """All shots of a step."""
        known = Step(step.index, step.field_T, step.field_T, step.source_temperature_K, 6.0, step.velocity_m_s, step.point)
        for first in range(0, step.shots, BLOCK):
            numbers = np.arange(self._next, self._next + min(BLOCK, step.shots - first))
            self._next += len(numbers)
            traces = self._line.expose([self._shot(step, number) for number in numbers.tolist()], numbers, CAPTURE)
            tags = np.arange(len(numbers)) / 20.0
            self._errors(known, ShotBlock(step.index, step.index, numbers, tags, traces[:, None]))
        self.shots[step.point] = self.shots.get(step.point, 0) + step.shots

    def _shot(self, step: PlannedStep, number: int) -> ShotConditions:
        timing = timing_of(self._plan, step.set_points, LABORATORY, CALIBRATIONS)
        edge = {name: timing.pulses[line.output].delay_s for name, line in LABORATORY.timing.lines.items()}
        return ShotConditions(
            t0_s=number / 20.0,
            gas_valve_s=edge["gas_valve"],
            flash_lamp_s=edge["flash_lamp"],
            q_switch_s=edge["q_switch"],
            ionisation_s=edge["ionisation"],
            digitizer_s=edge["digitizer"],
            chopper_Hz=100.0,
            chopper_phase_deg=timing.chopper_phase_deg,
            chopper_locked=True,
            lamp_voltage_V=1000.0,
            ablation_armed=True,
            ionisation_energy_mJ=150.0,
            source_temperature_K=step.source_temperature_K,
            helium_pressure_bar=6.0,
            magnet_current_A=200.0 if step.field_T else 0.0,
        )


def plan(temperatures: int, target_uB: float) -> Plan:
    """The vanadium plan at so many of the temperatures, with the target."""
    scan = {"source_temperature_K": TEMPERATURES_K[:temperatures], "velocity_m_s": VELOCITIES_m_s[:temperatures]}
    return read_plan(SHIPPED / "plans" / "vanadium-25K.toml").model_copy(
        update={
            "scan": [Scan(values=scan)],
            "interleave": Interleave(field_T=[0.0, 2.4], shots_per_group=100, cycles=10_000),
            "stop": Stop(standard_error_uB=target_uB, clusters=[SIZE]),
        }
    )


def until_known(wanted: Plan, seed: int, ions: float) -> Machine:
    """A plan taken to its end."""
    machine = Machine(wanted, seed, ions)
    for step in steps(wanted, machine):
        machine.take(step)
    return machine


def oracle(seeds: Sequence[int]) -> tuple[float, float]:
    """Shots at which the mean error of many experiments is the target, and how much their moments really scatter there."""
    counts = np.arange(2400, 9601, 800)
    wanted = plan(1, FINE_uB).model_copy(update={"stop": Stop()})
    errors, moments = np.empty((len(seeds), len(counts))), np.empty((len(seeds), len(counts)))
    for row, seed in enumerate(seeds):
        machine, taking = Machine(wanted, seed, IONS_FEW), steps(wanted)
        for column, shots in enumerate(counts):
            while sum(machine.shots.values()) < shots:
                machine.take(next(taking))
            errors[row, column], moments[row, column] = machine.error_uB(0) or np.nan, machine.moment_uB()
    known = ~np.isnan(errors).any(axis=0)
    counts, errors, moments = counts[known], errors[:, known], moments[:, known]
    mean_uB = errors.mean(axis=0)
    enough = float(np.exp(np.interp(-np.log(FINE_uB), -np.log(mean_uB), np.log(counts))))
    scatter_uB = moments.std(axis=0, ddof=1)
    return enough, float(np.interp(enough, counts, scatter_uB))


def main() -> None:
    seeds = range(1, 1 + (int(sys.argv[1]) if len(sys.argv) > 1 else 12))
    enough, scatter_uB = oracle(seeds)
    wrong = [until_known(plan(1, FINE_uB), seed, IONS_FEW).shots[0] / enough - 1 for seed in seeds]
    listed = ", ".join(f"{one:+.0%}" for one in wrong)
    print(f"oracle: at 25 K {enough:,.0f} shots give {FINE_uB} uB (moments of {len(seeds)} runs scatter by {scatter_uB:.3f})")
    print(f"stop: {listed} of that; on average {np.mean(wrong):+.1%} (limit 5 %)", flush=True)
    machine = until_known(plan(4, TARGET_uB), 1, IONS_MANY)
    total, uniform = sum(machine.shots.values()), len(machine.shots) * max(machine.shots.values())
    reached = ", ".join(
        f"{T:g} K {machine.shots[i]:,} shots to {machine.error_uB(i):.3f}" for i, T in enumerate(TEMPERATURES_K)
    )
    print(f"sharing: {reached} uB; {total:,} shots, uniform {uniform:,}: ratio {total / uniform:.2f} (limit 0.5)")


if __name__ == "__main__":
    main()
