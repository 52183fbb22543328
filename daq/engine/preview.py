"""What a reviewed plan looks like to whoever is asked whether it should run."""

from itertools import islice

from daq.engine.review import Review
from daq.face.preview import PlannedEvent, Preview
from daq.plan.expansion import PlannedStep, steps
from daq.plan.plan import CONDITIONS

SHOWN = 24
"""Steps that are listed."""
HEADINGS = {
    "field_T": "field / T",
    "source_temperature_K": "source / K",
    "helium_pressure_bar": "He / bar",
    "velocity_m_s": "m/s",
}


def preview(reviewed: Review, listed: int = SHOWN) -> Preview:
    """Its first `listed` steps, with the set points in which they differ."""
    plan, timing, expected = reviewed.plan, reviewed.timing, reviewed.forecast
    first = list(islice(steps(plan), listed + 1))
    names = [name for name in plan.names() if name in CONDITIONS or len({step.set_points[name] for step in first}) > 1]
    rows = (
        (str(step.index), *(_shown(step, name) for name in names), str(step.shots), step.background or "")
        for step in first[:listed]
    )
    return Preview(
        title=plan.title,
        element=plan.element,
        sizes=(plan.sizes[0], plan.sizes[1]),
        shots=plan.shots,
        points=plan.points,
        headings=("step", *(HEADINGS.get(name, name) for name in names), "shots", ""),
        steps=tuple(rows),
        more_steps=len(first) > listed,
        period_s=1 / timing.rate_Hz,
        events=tuple(PlannedEvent(one.name, one.time_s, one.width_s, one.jitter_s, one.output) for one in timing.events),
        duration_s=expected.duration_s,
        disk_bytes=expected.disk_bytes,
        duty=expected.duty,
        readout_s=expected.readout_s,
        at_most=plan.open_ended,
    )


def _shown(step: PlannedStep, name: str) -> str:
    value = step.set_points[name]
    return value if isinstance(value, str) else f"{value:g}"
