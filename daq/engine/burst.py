"""Bursts of one step: armed in the ledger, armed in the digitizer, waited for, collected, numbered, recorded.

The next burst is armed before the last one is recorded, so that only the digitizer's own read-out costs shots.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from threading import Event
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from daq.engine.clock import Clock
from daq.engine.ledger import Tally, tally
from daq.record.blocks import ShotBlock, TraceAxis
from daq.record.layout import Cause, FiredSource
from daq.record.messages import Armed, Fired, ToWriter
from drivers.errors import DriverError
from drivers.roles import Digitizer, Segments

POLL_S = 0.001
AHEAD = 0.97
"""Share of a burst's time that is slept through before the digitizer is asked."""
GRACE_PERIODS = 20
GRACE_S = 2.0
"""A burst may last this much longer (wall time) than its shots take before the triggers count as stopped."""
COUNTER_TOLERANCE = 2
"""Triggers by which a counter may differ from the digitizer: one at either edge of the time compared."""
READ_S = 120.0
"""Longest that a read-out of the digitizer may take, wall time: its own deadlines end it long before."""
LATENCY_S = 0.02
"""By which the end of a burst may be noticed late, wall time."""


class TriggersStopped(Exception):
    """The digitizer waits for triggers that do not come."""


class Ledger(Protocol):
    """Where shots are written down: the recorder."""

    def arm(self, message: Armed) -> None: ...

    def room(self, shape: tuple[int, int, int]) -> NDArray[np.int16]: ...

    def record(self, block: ShotBlock) -> None: ...

    def tell(self, message: ToWriter) -> None: ...


@dataclass(frozen=True)
class Burst:
    """What became of a burst.  `unseen` are triggers that a counter saw and the digitizer did not, though it was armed."""

    block: ShotBlock | None
    fired: int
    recorded: int
    lost: int
    doubles: int
    unseen: int
    armed_s: float
    first: int


@dataclass(frozen=True)
class _Armed:
    number: int
    first: int
    shots: int
    asked_s: float
    armed_s: float
    counted: int | None


class _End(Enum):
    """Why a burst is over: all its triggers came, somebody wanted the run's attention, or no more came."""

    COMPLETE = auto()
    INTERRUPTED = auto()
    LATE = auto()


@dataclass(frozen=True)
class _Taken:
    armed: _Armed
    segments: Segments
    tally: Tally
    end: "_End"
    unseen: int | None


class BurstTaker:
    """Takes the bursts of steps one after the other, numbering the shots of the run.

    `halt` stops the triggers; it is called before an interrupted burst is read.  `count` reads a trigger counter, where the
    delay generator has one.  `early_s` before ionisation the digitizer is triggered.
    """

    def __init__(
        self,
        digitizer: Callable[[], Digitizer],
        ledger: Ledger,
        axis: TraceAxis,
        rate_Hz: float,
        clock: Clock,
        interrupt: Event,
        halt: Callable[[], None] = lambda: None,
        early_s: float = 0.0,
        count: Callable[[], int] | None = None,
    ) -> None:
        self.next_shot = 0
        self._next_burst = 0
        self._digitizer, self._ledger, self._axis, self._rate_Hz = digitizer, ledger, axis, rate_Hz
        self._clock, self._interrupt, self._halt = clock, interrupt, halt
        self._count, self._early_s = count, early_s

    def take(self, step: int, shots: int, shots_per_burst: int, planned: int) -> Iterator[Burst]:
        """Take `shots` recorded shots of a step in bursts, fewer when interrupted; their numbers in the plan go on from
        `planned`.  Whatever happens, every shot that was armed is accounted for."""
        left = shots
        armed: _Armed | None = self._arm(step, min(left, shots_per_burst))
        try:
            while armed is not None:
                taken = self._collect(armed)
                armed = None
                left -= len(taken.tally.kept)
                if taken.end is _End.COMPLETE and left and not self._interrupt.is_set():
                    armed = self._arm(step, min(left, shots_per_burst))
                block = _block(taken, step, planned)
                if block is not None:
                    self._ledger.record(block)
                    planned += len(block.numbers)
                yield _described(taken, block)
                if taken.end is _End.LATE:
                    raise _stopped(taken)
        finally:
            if armed is not None:
                self._lose(armed)

    def _arm(self, step: int, shots: int) -> _Armed:
        burst, first = self._next_burst, self.next_shot
        asked_s = self._clock.now()
        counted = self._count() if self._count is not None else None
        self._ledger.arm(Armed(burst, step, first, shots, asked_s))
        self._next_burst += 1
        armed = _Armed(burst, first, shots, asked_s, self._clock.now(), counted)
        try:
            self._digitizer().arm(shots)
        except DriverError:
            self._lose(armed)
            raise
        return armed

    def _collect(self, armed: _Armed) -> _Taken:
        """Wait for a burst, read it, and number its shots."""
        end = self._wait(armed)
        finished_s = self._clock.now()
        self._clock.expect(READ_S)
        segments = self._digitizer().collect(self._ledger.room)
        self._check(segments)
        counted = tally(segments.time_tags_s, armed.first, self._rate_Hz)
        if end is _End.COMPLETE and not len(counted.kept):
            raise TriggersStopped("none of the digitizer's segments lies on a shot of the machine; check its trigger")
        self.next_shot = armed.first + counted.fired
        unseen = self._unseen(armed, counted.fired, finished_s)
        source = FiredSource.TIME_TAGS if unseen is None else FiredSource.COUNTED
        causes = (int(Cause.DIGITIZER_MISSED),) * len(counted.missed)
        self._ledger.tell(
            Fired(armed.number, counted.fired, int(source), counted.missed, causes, -1 if unseen is None else unseen)
        )
        return _Taken(armed, segments, counted, end, unseen)

    def _wait(self, armed: _Armed) -> _End:
        """Wait for the burst; stop it short where it does not end by itself or should not."""
        digitizer = self._digitizer()
        expected_s = armed.shots / self._rate_Hz
        limit_s = expected_s + GRACE_PERIODS / self._rate_Hz + GRACE_S * self._clock.speed
        self._clock.wait(armed.armed_s + expected_s * AHEAD - self._clock.now(), self._interrupt)
        self._clock.expect(limit_s / self._clock.speed)
        while not digitizer.finished():
            interrupted = self._interrupt.is_set()
            if interrupted or self._clock.now() - armed.armed_s > limit_s:
                self._halt()
                digitizer.stop()
                return _End.INTERRUPTED if interrupted else _End.LATE
            self._interrupt.wait(POLL_S)
        return _End.COMPLETE

    def _unseen(self, armed: _Armed, fired: int, finished_s: float) -> int | None:
        """Triggers that a counter saw and the digitizer, armed, did not: before its first segment, where time tags cannot
        tell.  None without a counter."""
        if self._count is None or armed.counted is None:
            return None
        counted = self._count() - armed.counted
        outside_s = armed.armed_s - armed.asked_s + self._clock.now() - finished_s
        surplus = counted - fired - outside_s * self._rate_Hz
        edges = COUNTER_TOLERANCE + LATENCY_S * self._clock.speed * self._rate_Hz
        return max(0, round(surplus)) if surplus > edges else 0

    def _check(self, segments: Segments) -> None:
        came = (segments.traces.shape[2], segments.interval_s, segments.start_s - self._early_s)
        if len(segments.time_tags_s) and came != (self._axis.samples, self._axis.interval_s, self._axis.start_s):
            raise DriverError(self._digitizer().name, f"changed its record from {self._axis} to {came} during the run")

    def _lose(self, armed: _Armed) -> None:
        """The shots of a burst that cannot be read: as many as the machine fired since it was armed."""
        fired = min(armed.shots, int((self._clock.now() - armed.armed_s) * self._rate_Hz))
        numbers = tuple(range(armed.first, armed.first + fired))
        causes = (int(Cause.DIGITIZER_FAILED),) * fired
        self._ledger.tell(Fired(armed.number, fired, int(FiredSource.COMMANDED), numbers, causes))
        self.next_shot = armed.first + fired


def _block(taken: _Taken, step: int, planned: int) -> ShotBlock | None:
    kept, segments = taken.tally.kept, taken.segments
    if not len(kept):
        return None
    traces = segments.traces if len(kept) == len(segments.time_tags_s) else segments.traces[kept]
    # The writer reads them where they lie.
    traces.flags.writeable = False
    return ShotBlock(step, taken.armed.number, taken.tally.numbers, segments.time_tags_s[kept], traces, planned)


def _described(taken: _Taken, block: ShotBlock | None) -> Burst:
    counted, armed = taken.tally, taken.armed
    recorded, lost = len(counted.kept), len(counted.missed)
    return Burst(block, counted.fired, recorded, lost, counted.doubles, taken.unseen or 0, armed.armed_s, armed.first)


def _stopped(taken: _Taken) -> TriggersStopped:
    return TriggersStopped(
        f"only {len(taken.segments.time_tags_s)} of {taken.armed.shots} triggers came; the delay generator has stopped, "
        "or the digitizer's trigger is disconnected"
    )
