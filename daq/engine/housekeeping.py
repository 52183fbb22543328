"""Watching the instruments while a run goes on: one thread per instrument, so that a dead one delays nobody else."""

from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType

from config.laboratory import Laboratory
from daq.engine.clock import Clock
from daq.engine.instruments import Instruments
from daq.record.messages import Channel
from daq.record.recorder import RecordingError
from drivers.errors import DriverError, LinkClosed
from drivers.quantity import Quantity
from drivers.roles import Instrument

PATIENCE = 3
"""Failed polls in a row after which an instrument counts as lost."""

Log = Callable[[str, float, float], None]
Alarm = Callable[[str], None]


def watched(instrument: Instrument) -> list[Quantity]:
    """The quantities worth logging, as their driver declares them."""
    return [quantity for quantity in instrument.quantities.values() if quantity.polled]


def channels(instruments: Instruments) -> tuple[Channel, ...]:
    """What will be logged, for the run file."""
    return tuple(
        Channel(f"{name}.{quantity.name}", quantity.unit)
        for name, instrument in _polled(instruments).items()
        for quantity in watched(instrument)
    )


class Housekeeping:
    """A context in which every instrument is polled at its own period.

    `log(channel, laboratory time, value)` gets each reading, `alarm(sentence)` each reason to stop.  The digitizer is left
    alone: its link belongs to the shots, which show at once when it fails.
    """

    def __init__(self, instruments: Instruments, clock: Clock, log: Log, alarm: Alarm) -> None:
        self._clock, self._log, self._alarm = clock, log, alarm
        self._end = Event()
        laboratory: Laboratory = instruments.laboratory
        self._threads = [
            Thread(
                target=self._watch, args=(instrument, laboratory.instruments[name].poll_s), name=f"watch-{name}", daemon=True
            )
            for name, instrument in _polled(instruments).items()
        ]

    def __enter__(self) -> "Housekeeping":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _watch(self, instrument: Instrument, period_s: float) -> None:
        failures = 0
        while not self._end.is_set():
            try:
                self._poll(instrument)
                failures = 0
            except (LinkClosed, RecordingError) as error:
                self._alarm(str(error))
                return
            except DriverError as error:
                failures += 1
                if failures == PATIENCE:
                    self._alarm(f"{error} ({PATIENCE} polls in a row failed)")
                    return
            self._clock.wait(period_s, self._end)

    def _poll(self, instrument: Instrument) -> None:
        status = instrument.status()
        if not status.ok:
            self._alarm(f"{instrument.name} is not fit for a run: {', '.join((status.state, *status.warnings))}")
        for quantity in watched(instrument):
            if self._end.is_set():
                return
            value = float(instrument.read(quantity.name))
            self._log(f"{instrument.name}.{quantity.name}", self._clock.now(), value)


def _polled(instruments: Instruments) -> dict[str, Instrument]:
    digitizer = instruments.laboratory.named("digitizer")
    return {name: instrument for name, instrument in instruments.by_name.items() if name != digitizer}
