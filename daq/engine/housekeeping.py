"""Watching the instruments: one thread for each, so that a dead one delays nobody else."""

from collections.abc import Callable, Collection, Mapping
from threading import Event, Thread
from types import TracebackType
from typing import Protocol

from daq.engine.clock import Clock
from daq.engine.instruments import Instruments
from daq.record.messages import Channel
from drivers.errors import DriverError, LinkClosed, Refused
from drivers.quantity import Quantity, Value
from drivers.roles import Instrument, Status

PATIENCE = 3
"""Failed polls in a row after which an instrument counts as lost."""


class Watcher(Protocol):
    """Who is told; from many threads at once."""

    def answered(self, instrument: str, status: Status, asked_s: float) -> None:
        """What an instrument, asked at this laboratory time, says of itself."""

    def silent(self, instrument: str, error: DriverError, asked_s: float) -> None:
        """An instrument did not answer, or not in a way that makes sense."""

    def looked(self, instrument: str) -> None:
        """An instrument has been polled, whatever came of it."""

    def reading(self, instrument: str, quantity: Quantity, asked_s: float, value: Value) -> None:
        """A reading, asked for at this laboratory time."""

    def unfit(self, instrument: str, reason: str, good_s: float, asked_s: float) -> None:
        """An instrument, asked at this laboratory time, calls itself unfit; at `good_s` it was still well.

        Told before `answered`: what a run does about its instruments comes before what interlocks do about the run.
        """

    def lost(self, instrument: str, reason: str, good_s: float, asked_s: float) -> None:
        """An instrument, asked at this laboratory time, is lost; at `good_s` it was still well."""

    def fit(self, instrument: str, asked_s: float) -> None:
        """An instrument answers and calls itself fit."""


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
    """A context in which every instrument is polled at its own period, for what its driver declares and what is wanted `also`
    (`instrument.quantity`).

    An instrument of which `spared` is true is left alone meanwhile: the digitizer's link belongs to the shots, which show at
    once when it fails.  One that was lost is asked again at every period, on a new wire if somebody made one.
    """

    def __init__(
        self,
        instruments: Instruments,
        clock: Clock,
        watcher: Watcher,
        also: Collection[str] = (),
        spared: Callable[[str], bool] = lambda name: False,
    ) -> None:
        self._instruments, self._clock, self._watcher = instruments, clock, watcher
        self._also, self._spared = also, spared
        self._end = Event()
        self._threads = [
            Thread(target=self._watch, args=(name,), name=f"watch-{name}", daemon=True) for name in instruments.by_name
        ]

    def __enter__(self) -> "Housekeeping":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _watch(self, name: str) -> None:
        failures, good_s = 0, self._clock.now()
        failing_s = good_s
        period_s = self._instruments.laboratory.instruments[name].poll_s
        while not self._end.is_set():
            if self._spared(name):
                self._clock.wait(period_s, self._end)
                continue
            asked_s = self._clock.now()
            try:
                fit = self._attempt(name, good_s)
                failures = 0
            except DriverError as error:
                if name in self._instruments.away:
                    # Whoever opens its wire anew gets to know how it is.
                    self._clock.wait(period_s, self._end)
                    continue
                self._watcher.silent(name, error, asked_s)
                # A lost wire tells nothing of the instrument; it was well until the wire failed.
                failing_s = failing_s if failures else self._clock.now()
                good_s = failing_s
                failures = PATIENCE if isinstance(error, LinkClosed) else failures + 1
                polls = "" if isinstance(error, LinkClosed) else f" ({PATIENCE} polls in a row failed)"
                if failures >= PATIENCE:
                    self._watcher.lost(name, f"{error}{polls}", good_s, asked_s)
                fit = False
            if fit:
                good_s = asked_s
                self._watcher.fit(name, asked_s)
            self._watcher.looked(name)
            self._clock.wait(period_s, self._end)

    def _attempt(self, name: str, good_s: float) -> bool:
        try:
            return self._poll(name, good_s)
        except DriverError:
            raise
        except Exception as error:  # a fault of ours must not end the watch over this instrument
            raise DriverError(name, f"cannot be watched: {type(error).__name__}: {error}") from error

    def _poll(self, name: str, good_s: float) -> bool:
        """Log what an instrument tells; whether it is fit for a run."""
        instrument = self._instruments.by_name[name]
        asked_s = self._clock.now()
        status = instrument.status()
        if not status.ok:
            reason = f"{name} is not fit for a run: {', '.join((status.state, *status.warnings))}"
            self._watcher.unfit(name, reason, good_s, asked_s)
        self._watcher.answered(name, status, asked_s)
        for quantity in self._wanted(name, instrument):
            if self._end.is_set():
                break
            asked_s = self._clock.now()
            try:
                value = instrument.read(quantity.name)
            except Refused:
                # What an unfit instrument cannot measure (no probe, an interlock) is no silence: it has said why.
                if status.ok:
                    raise
                continue
            self._watcher.reading(name, quantity, asked_s, value)
        return status.ok

    def _wanted(self, name: str, instrument: Instrument) -> list[Quantity]:
        more = [one for one in instrument.quantities.values() if not one.polled and f"{name}.{one.name}" in self._also]
        return watched(instrument) + more


def _polled(instruments: Instruments) -> Mapping[str, Instrument]:
    digitizer = instruments.laboratory.named("digitizer")
    return {name: instrument for name, instrument in instruments.by_name.items() if name != digitizer}
