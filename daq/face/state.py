"""What is shown: a laboratory in parts, each replaced as a whole when something in it changes.

Times are seconds since 1970 (UTC) by the clock of the engine's computer; `Snapshot.now` is that clock, so that ages are right
on another computer too.
"""

from typing import Any

import msgspec

from daq.face.reduced import Moments, Reduced, ShotTimes, Trace

Value = float | int | bool | str


class Part(msgspec.Struct, frozen=True, tag=True):
    """Base of all parts."""


class MachinePart(Part, frozen=True):
    """What answers at the instruments' addresses: a real machine, or a simulated one to practise on."""

    simulated: bool


class RunPart(Part, frozen=True):
    """The run that goes on or was the last one.  `left_s` is laboratory time, `speed` of that against wall time."""

    state: str
    doing: str
    title: str = ""
    run_file: str = ""
    fired: int = 0
    recorded: int = 0
    lost: int = 0
    shots: int = 0
    left_s: float = 0.0
    speed: float = 1.0
    paused: bool = False


class Queued(msgspec.Struct, frozen=True):
    """A plan that waits."""

    ticket: int
    name: str
    title: str
    shots: int
    duration_s: float
    by: str


class QueuePart(Part, frozen=True):
    """Plans that wait; `held` says why they do, if not for the run that goes on."""

    waiting: tuple[Queued, ...] = ()
    held: str = ""


class Reading(msgspec.Struct, frozen=True):
    """One value of a quantity and when it was read; `stale` when that is longer ago than declared."""

    value: Value
    unit: str
    at: float
    stale: bool = False


class InstrumentPart(Part, frozen=True):
    """One instrument.  It is `live` only by fresh answers; `error` says why it is not."""

    name: str
    role: str
    driver: str
    identity: str
    live: bool
    state: str
    fit: bool
    warnings: tuple[str, ...] = ()
    error: str = ""
    answered: float = 0.0
    readings: dict[str, Reading] = {}


class Settable(msgspec.Struct, frozen=True):
    """A quantity that can be set by hand: `kind` is float, int, bool or str; limits in its unit, None where there is none."""

    name: str
    unit: str
    kind: str
    low: float | None = None
    high: float | None = None
    choices: tuple[Value, ...] = ()
    about: str = ""


class SettablePart(Part, frozen=True):
    """What can be set of one instrument."""

    name: str
    quantities: tuple[Settable, ...]


class InterlockPart(Part, frozen=True):
    """One interlock: its condition in words, what it does, and how it stands (`ok`, `pending`, `active`, `latched`, …)."""

    name: str
    condition: str
    action: str
    state: str
    text: str = ""
    since: float = 0.0
    holds_start: bool = False


class AlarmPart(Part, frozen=True):
    """One alarm; it goes when its cause has gone and it is acknowledged."""

    name: str
    text: str
    since: float
    active: bool
    acknowledged: str = ""
    shelved_until: float = 0.0
    gone: bool = False
    """Nothing to show any more."""


class ControlPart(Part, frozen=True):
    """Who may act."""

    holder: str = ""
    since: float = 0.0


class GuardPart(Part, frozen=True):
    """The process that makes safe when the engine is gone."""

    alive: bool
    restarts: int = 0
    text: str = ""


class EmergencyPart(Part, frozen=True):
    """An emergency stop: `active` until it is reset, with one line per instrument."""

    active: bool
    by: str = ""
    at: float = 0.0
    done: bool = False
    outcomes: tuple[str, ...] = ()


class LogPart(Part, frozen=True):
    """The newest lines of the laboratory's log, oldest first."""

    lines: tuple[str, ...] = ()


AnyPart = (
    MachinePart
    | RunPart
    | QueuePart
    | InstrumentPart
    | SettablePart
    | InterlockPart
    | AlarmPart
    | ControlPart
    | GuardPart
    | EmergencyPart
    | LogPart
    | Reduced
    | Moments
    | Trace
    | ShotTimes
)


def key(part: AnyPart) -> str:
    """What a newer part replaces: the part of the same kind, and name where it has one."""
    return f"{type(part).__name__}:{getattr(part, 'name', '')}"


class Change(msgspec.Struct, frozen=True):
    """A part as it is since change number `sequence`."""

    sequence: int
    part: AnyPart


class Snapshot(msgspec.Struct, frozen=True):
    """Everything up to change number `sequence`; `now` is the engine's clock."""

    laboratory: str
    sequence: int
    now: float
    parts: tuple[AnyPart, ...] = ()
    age_s: float = 0.0
    """So long ago this was true (wall time): 0 in the engine's process; a client counts from when it last heard the service."""

    def of(self, kind: type[Any]) -> list[Any]:
        """All parts of a kind."""
        return [part for part in self.parts if isinstance(part, kind)]
