"""The states of a run, as data: an enum, the allowed transitions, and a snapshot that anybody may look at."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class State(StrEnum):
    """Where the engine is.  `fault` is reached from everywhere and left only by reporting it."""

    IDLE = "idle"
    PREPARING = "preparing"
    RUNNING = "running"
    FINISHING = "finishing"
    FAULT = "fault"


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
