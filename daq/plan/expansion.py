"""From a plan to what the engine does, lazily: steps, and the bursts of each step."""

from collections.abc import Iterator
from dataclasses import dataclass

from daq.plan.plan import Plan, field_order


@dataclass(frozen=True)
class PlannedStep:
    """Set points to reach before `shots` shots are taken in bursts."""

    index: int
    field_T: float
    source_temperature_K: float
    helium_pressure_bar: float
    velocity_m_s: float
    shots: int

    def bursts(self, shots_per_burst: int) -> Iterator[int]:
        """Sizes of the bursts; the last may be shorter."""
        for first in range(0, self.shots, shots_per_burst):
            yield min(shots_per_burst, self.shots - first)


def steps(plan: Plan) -> Iterator[PlannedStep]:
    """All steps in order."""
    order = field_order(plan.interleave)
    for index in range(plan.interleave.cycles * len(order)):
        yield PlannedStep(
            index=index,
            field_T=order[index % len(order)],
            source_temperature_K=plan.conditions.source_temperature_K,
            helium_pressure_bar=plan.conditions.helium_pressure_bar,
            velocity_m_s=plan.conditions.velocity_m_s,
            shots=plan.interleave.shots_per_group,
        )
