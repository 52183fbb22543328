"""What housekeeping finds, and what follows from it: lines in the log, bad shots, instruments in trouble."""

from collections.abc import Mapping

from daq.engine.bad_shots import BadTimes
from daq.engine.clock import Clock
from daq.engine.control import Control
from daq.engine.counters import LONGEST_GAP_S, Reading, TriggerCount
from daq.engine.logbook import Logbook
from daq.engine.pausing import Pauses
from daq.record.layout import BadShot
from daq.record.recorder import RecordingError
from drivers.quantity import Quantity


class Watch:
    """Told by the housekeeping threads.

    While the run pauses nothing is held against anybody: without triggers a chopper is not locked and a laser not ready;
    before it goes on, everything has to be fit again.  While a step is being reached, the `chopper` may be on its way to a
    new phase; that it locks is waited for.
    """

    def __init__(
        self,
        control: Control,
        pauses: Pauses,
        logbook: Logbook,
        bad_times: BadTimes,
        clock: Clock,
        rate_Hz: float,
        chopper: str,
    ) -> None:
        self._control, self._pauses, self._logbook, self._bad_times = control, pauses, logbook, bad_times
        self._clock, self._rate_Hz = clock, rate_Hz
        self._counts: dict[str, TriggerCount] = {}
        self._gap_s: dict[str, float] = {}
        self._targets: Mapping[str, tuple[float, float]] = {}
        self._good_s: dict[str, float] = {}
        self._lost: set[str] = set()
        self._since_s, self._reaching, self._chopper = 0.0, False, chopper

    def reaching(self) -> None:
        """The next step's set points are being changed."""
        self._reaching = True
        self.expect({})

    def reached(self, targets: Mapping[str, tuple[float, float]]) -> None:
        """A step is reached: these channels should stay at their value within a tolerance."""
        self.expect(targets)
        self._reaching = False

    def expect(self, targets: Mapping[str, tuple[float, float]]) -> None:
        """These channels should stay at their value within a tolerance from now on, and no others."""
        for channel in self._targets:
            self._bad_times.end(channel, self._clock.now())
        self._targets, self._since_s, self._good_s = dict(targets), self._clock.now(), {}

    def reading(self, instrument: str, quantity: Quantity, asked_s: float, value: float) -> None:
        channel = f"{instrument}.{quantity.name}"
        try:
            self._logbook.reading(channel, asked_s, value)
            if quantity.counts:
                self._count(instrument, channel, Reading(asked_s, self._clock.now(), int(value)))
            self._compare(channel, asked_s, value)
        except RecordingError as error:
            self._control.fail(str(error))

    def unfit(self, instrument: str, reason: str, good_s: float, asked_s: float) -> None:
        if self._excused(asked_s) or (instrument == self._chopper and (self._reaching or asked_s < self._since_s)):
            return
        try:
            self._bad_times.begin(instrument, BadShot.INSTRUMENT_UNFIT, good_s)
            if self._control.unfit(instrument, reason, asked_s):
                self._logbook.event(reason)
        except RecordingError as error:
            self._control.fail(str(error))

    def lost(self, instrument: str, reason: str, good_s: float, asked_s: float) -> None:
        self._lost.add(instrument)
        self.unfit(instrument, reason, good_s, asked_s)

    def fit(self, instrument: str, asked_s: float) -> None:
        self._bad_times.end(instrument, asked_s)
        # Who was away may have been switched off, and has forgotten what it was set to.
        returned = self._control.back(instrument) if instrument in self._lost else self._control.fit(instrument)
        self._lost.discard(instrument)
        if returned:
            try:
                self._logbook.event(f"{instrument} is fit again")
            except RecordingError as error:
                self._control.fail(str(error))

    def _excused(self, asked_s: float) -> bool:
        return self._pauses.holding or asked_s < self._pauses.released_s

    def _compare(self, channel: str, asked_s: float, value: float) -> None:
        # The run may put others in their place meanwhile.
        targets = self._targets
        if channel not in targets or asked_s < self._since_s or self._excused(asked_s):
            return
        target, within = targets[channel]
        if abs(value - target) <= within:
            self._good_s[channel] = asked_s
            self._bad_times.end(channel, asked_s)
        elif self._bad_times.begin(channel, BadShot.OFF_SET_POINT, self._good_s.get(channel, self._since_s)):
            self._logbook.event(f"{channel} has left its set point: it is {value:g}, not {target:g} within {within:g}")

    def _count(self, instrument: str, channel: str, reading: Reading) -> None:
        """Triggers that a unit did not count: said at once, and a fault of the unit when there are many in a row."""
        count = self._counts.setdefault(channel, TriggerCount(self._rate_Hz))
        if self._excused(reading.asked_s):
            count.restart()
            return
        missed = count.missed(reading)
        if not missed:
            self._gap_s.pop(channel, None)
            return
        self._logbook.event(f"{channel} did not count {missed} of the triggers")
        self._gap_s[channel] = self._gap_s.get(channel, 0.0) + missed / self._rate_Hz
        if self._gap_s[channel] > LONGEST_GAP_S:
            reason = f"{instrument} has missed all triggers for {self._gap_s[channel]:.0f} s"
            self.unfit(instrument, reason, reading.asked_s - self._gap_s[channel], reading.asked_s)
