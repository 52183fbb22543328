"""A plan before anything is touched: its steps, the time line of a shot, what it will need."""

import msgspec


class PlannedEvent(msgspec.Struct, frozen=True):
    """An event of a shot: when after T0 at the unit, how long, how sure, and by which output."""

    name: str
    time_s: float
    width_s: float
    jitter_s: float
    output: str


class Preview(msgspec.Struct, frozen=True):
    """A plan that a laboratory can do.

    `steps` are the first ones, a text for each of `headings`; there may be more of them.  `duration_s` is laboratory time, at
    most for a plan that stops by itself; `duty` the share of the shots fired in a step that is recorded.
    """

    title: str
    element: str
    sizes: tuple[int, int]
    shots: int
    points: int
    headings: tuple[str, ...]
    steps: tuple[tuple[str, ...], ...]
    more_steps: bool
    period_s: float
    events: tuple[PlannedEvent, ...]
    duration_s: float
    disk_bytes: int
    duty: float
    readout_s: float
    at_most: bool
