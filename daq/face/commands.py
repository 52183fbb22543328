"""What can be asked: one type per command, and the answer.

Values are checked when a command is decoded (types, lengths), and again by whoever acts on it.
"""

import sys
from typing import Annotated

import msgspec
from msgspec import Meta

from daq.face.preview import Preview

Name = Annotated[str, Meta(min_length=1, max_length=100)]
FilePath = Annotated[str, Meta(min_length=1, max_length=2_000)]
Line = Annotated[str, Meta(max_length=2_000)]
Text = Annotated[str, Meta(max_length=20_000)]
PlanText = Annotated[str, Meta(max_length=200_000)]
Seconds = Annotated[float, Meta(gt=0, le=7 * 86400)]
Finite = Annotated[float, Meta(ge=-sys.float_info.max, le=sys.float_info.max)]
"""Neither NaN nor infinite."""


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True, array_like=True):
    """Base of all commands.  Encoded as a list, its name first: fields in a list cannot be unknown or given twice."""


class CheckPlan(Request, frozen=True):
    """Hold a plan (its TOML) against the laboratory; touches no instrument."""

    toml: PlanText


class QueuePlan(Request, frozen=True):
    """Run this plan when those before it have ended; at once if there is none and nothing holds the start back."""

    toml: PlanText
    name: Name


class QueueRest(Request, frozen=True):
    """Do what is left of an interrupted run's plan in the same way; its file, as the service's computer calls it."""

    run_file: FilePath


class Unqueue(Request, frozen=True):
    """Take a plan that has not begun out of the queue, by its ticket."""

    ticket: int


class Pause(Request, frozen=True):
    """Stop the triggers after reading the partial burst, and wait."""


class Resume(Request, frozen=True):
    """Go on after a pause."""


class Stop(Request, frozen=True):
    """End the run in the safe state after reading the partial burst; plans behind it stay in the queue, which is held."""


class ReleaseQueue(Request, frozen=True):
    """Let a held queue go on."""


class EmergencyStop(Request, frozen=True):
    """Everything to its safe state at once.  Needs no control; a second one during the first changes nothing."""


class ResetEmergency(Request, frozen=True):
    """Allow runs and set points again after an emergency stop."""


class Read(Request, frozen=True):
    """Read one quantity now, `instrument.quantity`."""

    quantity: Name


class Set(Request, frozen=True):
    """Set one quantity by hand; its limits are those of the driver."""

    quantity: Name
    value: Finite | int | bool | Line


class Note(Request, frozen=True):
    """Write what the operator has to say into the run's log."""

    text: Text


class Acknowledge(Request, frozen=True):
    """An alarm has been seen; a latched interlock whose condition is gone is released."""

    alarm: Name


class Shelve(Request, frozen=True):
    """Keep an alarm silent for so long."""

    alarm: Name
    for_s: Seconds


class TakeControl(Request, frozen=True):
    """Be the one who may act.  With `force` whoever holds it is asked no more; that is logged."""

    force: bool = False


class GiveControl(Request, frozen=True):
    """Let somebody else have it."""


Command = (
    CheckPlan
    | QueuePlan
    | QueueRest
    | Unqueue
    | Pause
    | Resume
    | Stop
    | ReleaseQueue
    | EmergencyStop
    | ResetEmergency
    | Read
    | Set
    | Note
    | Acknowledge
    | Shelve
    | TakeControl
    | GiveControl
)
FREE = (CheckPlan, EmergencyStop, Read, Note, TakeControl, GiveControl)
"""What anybody may ask who may connect; the rest needs control."""


class Answer(msgspec.Struct, frozen=True):
    """`ok` with what came of it, or one sentence that says why not and what to do."""

    ok: bool
    text: str = ""
    value: float | int | bool | str | None = None
    preview: Preview | None = None
    """Of a plan that was checked and can run."""
