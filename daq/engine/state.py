"""The states of a run, as data: an enum, the allowed transitions, and a snapshot that anybody may look at."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class State(StrEnum):
    """Where the engine is."""

    IDLE = "idle"
    PREPARING = "preparing"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHING = "finishing"
    FAULT = "fault"


MEANING = {
    State.IDLE: "no run; instruments are as the last run or the operator left them",
    State.PREPARING: "instruments are set up, the source reaches its conditions, the chopper locks, a trial shot is taken",
    State.RUNNING: "set points are reached and shots are taken, burst by burst; lamps, valve and chopper keep their rate",
    State.PAUSED: "triggers are stopped, the partial burst is recorded, set points are kept; nothing fires",
    State.FINISHING: "lasers and field go to rest, what is recorded is settled, the file is closed",
    State.FAULT: "the run has failed; instruments are in their safe state as far as each confirmed it",
}
TRANSITIONS: dict[tuple[State, State], str] = {
    (State.IDLE, State.PREPARING): "a plan is started",
    (State.PREPARING, State.RUNNING): "everything has settled and the file stands",
    (State.PREPARING, State.PAUSED): "pause, or an interlock; afterwards everything is prepared anew",
    (State.PAUSED, State.PREPARING): "resume, or the interlock's cause has gone, before the lasers were started",
    (State.PREPARING, State.FINISHING): "stopped, or an instrument cannot be prepared",
    (State.RUNNING, State.PAUSED): "pause, an instrument whose policy is pause or retry fails, or the disk is nearly full",
    (State.PAUSED, State.RUNNING): "resume, the instrument is back, or the disk is free again",
    (State.RUNNING, State.FINISHING): "the plan is complete, stop, or a fault whose policy is stop",
    (State.PAUSED, State.FINISHING): "stop, or the instrument does not come back",
    (State.FINISHING, State.IDLE): "complete or stopped",
    (State.FINISHING, State.FAULT): "failed",
    (State.FAULT, State.IDLE): "the failure was reported",
}
"""What leads from one state to the other; nothing else does."""


class Ending(StrEnum):
    """Why a run ended; stands as `status` in the run file."""

    COMPLETE = "complete"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True)
class Progress:
    """A snapshot of a run: `doing` in the operator's words, shots so far and in all, laboratory time left."""

    state: State
    doing: str
    fired: int
    recorded: int
    lost: int
    shots: int
    left_s: float


@dataclass(frozen=True)
class Summary:
    """How a run ended.  `path` is None when it failed before its file was made; `unsafe` says for which instruments the
    final state could not be confirmed."""

    path: Path | None
    ending: Ending
    reason: str
    fired: int
    recorded: int
    lost: int
    unsafe: tuple[str, ...] = ()
