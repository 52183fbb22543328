"""One burst: armed in the ledger, armed in the digitizer, waited for, collected, numbered."""

from dataclasses import dataclass
from threading import Event

from daq.engine.clock import Clock
from daq.engine.ledger import tally
from daq.record.blocks import ShotBlock, TraceAxis
from daq.record.layout import Cause, FiredSource
from daq.record.messages import Armed, Fired
from daq.record.recorder import Recorder
from drivers.errors import DriverError
from drivers.roles import Digitizer, Segments

POLL_S = 0.005
GRACE_PERIODS = 20
GRACE_S = 2.0
"""A burst may last this much longer (wall time) than its shots take before the triggers count as stopped."""


class TriggersStopped(Exception):
    """The digitizer waits for triggers that do not come."""


@dataclass(frozen=True)
class Burst:
    """What became of a burst."""

    fired: int
    lost: int
    doubles: int


class BurstTaker:
    """Takes bursts one after the other, numbering the shots of the run."""

    def __init__(self, digitizer: Digitizer, recorder: Recorder, axis: TraceAxis, rate_Hz: float, clock: Clock) -> None:
        self.next_shot = 0
        self._next_burst = 0
        self._digitizer = digitizer
        self._recorder = recorder
        self._axis = axis
        self._rate_Hz = rate_Hz
        self._clock = clock

    def take(self, step: int, shots: int, interrupt: Event) -> Burst:
        """Take a burst of `shots` recorded shots; fewer when interrupted.  Whatever happens, its shots are accounted for."""
        burst, first = self._next_burst, self.next_shot
        self._recorder.arm(Armed(burst, step, first, shots, self._clock.now()))
        self._next_burst += 1
        self._digitizer.arm(shots)
        armed_at = self._clock.now()
        try:
            complete = self._wait(shots, armed_at, interrupt)
            segments = self._digitizer.collect()
            self._check(segments)
        except DriverError:
            self._lose(burst, first, min(shots, int((self._clock.now() - armed_at) * self._rate_Hz)))
            raise
        result = self._record(burst, step, first, segments)
        if not complete and not interrupt.is_set():
            raise TriggersStopped(
                f"only {len(segments.time_tags_s)} of {shots} triggers came; the delay generator has stopped, "
                "or the digitizer's trigger is disconnected"
            )
        return result

    def _wait(self, shots: int, armed_at: float, interrupt: Event) -> bool:
        """Wait for the burst; False if it was stopped short."""
        expected_s = shots / self._rate_Hz
        limit_s = expected_s + GRACE_PERIODS / self._rate_Hz + GRACE_S * self._clock.speed
        self._clock.wait(expected_s * 0.95, interrupt)
        while not self._digitizer.finished():
            if interrupt.is_set() or self._clock.now() - armed_at > limit_s:
                self._digitizer.stop()
                return False
            interrupt.wait(POLL_S)
        return True

    def _check(self, segments: Segments) -> None:
        came = (segments.traces.shape[2], segments.interval_s, segments.start_s)
        if len(segments.time_tags_s) and came != (self._axis.samples, self._axis.interval_s, self._axis.start_s):
            raise DriverError(self._digitizer.name, f"changed its record from {self._axis} to {came} during the run")

    def _record(self, burst: int, step: int, first: int, segments: Segments) -> Burst:
        counted = tally(segments.time_tags_s, first, self._rate_Hz)
        recorded = len(counted.kept)
        if recorded:
            every = recorded == len(segments.time_tags_s)
            traces = segments.traces if every else segments.traces[counted.kept]
            tags = segments.time_tags_s[counted.kept]
            self._recorder.record(ShotBlock(step, burst, counted.numbers, tags, traces))
        self._recorder.tell(
            Fired(
                burst,
                counted.fired,
                int(FiredSource.TIME_TAGS),
                counted.missed,
                (int(Cause.DIGITIZER_MISSED),) * len(counted.missed),
            )
        )
        self.next_shot = first + counted.fired
        return Burst(counted.fired, len(counted.missed), counted.doubles)

    def _lose(self, burst: int, first: int, fired: int) -> None:
        numbers = tuple(range(first, first + fired))
        causes = (int(Cause.DIGITIZER_FAILED),) * fired
        self._recorder.tell(Fired(burst, fired, int(FiredSource.COMMANDED), numbers, causes))
        self.next_shot = first + fired
