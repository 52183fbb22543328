"""Every quantity of every instrument, read once: what the whole laboratory was like at the start and the end of a run."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from threading import Thread

from daq.engine.clock import Clock
from daq.engine.instruments import Instruments, at_once
from daq.record.messages import Channel, Snapshot
from daq.record.recorder import RecordingError
from drivers.errors import DriverError, LinkError
from drivers.quantity import Quantity
from drivers.roles import Instrument


def snapshot_channels(instruments: Instruments) -> tuple[Channel, ...]:
    """What a snapshot holds, in its order."""
    return tuple(
        Channel(f"{name}.{quantity.name}", quantity.unit)
        for name in instruments.by_name
        for quantity in _of_interest(instruments, name)
    )


class Snapshots:
    """Takes snapshots beside the run: a slow unit takes seconds, and neither shots nor the way to the safe state wait for it.

    The digitizer is read at once, since later its link belongs to the shots.
    """

    def __init__(self, instruments: Instruments, clock: Clock, tell: Callable[[Snapshot], None]) -> None:
        self._instruments, self._clock, self._tell = instruments, clock, tell
        self._thread: Thread | None = None

    def begin(self, when: str) -> None:
        """Start reading everything; it is told when it is complete."""
        self.wait()
        digitizer = self._instruments.laboratory.named("digitizer")
        own = _read(self._instruments.by_name[digitizer], _of_interest(self._instruments, digitizer))
        self._thread = Thread(target=self._take, args=(when, {digitizer: own}), name="snapshot", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Return when the last snapshot is complete."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _take(self, when: str, found: dict[str, Mapping[str, str]]) -> None:
        time_s = self._clock.now()
        tasks = {
            name: partial(_read, instrument, _of_interest(self._instruments, name))
            for name, instrument in self._instruments.by_name.items()
            if name not in found
        }
        for name, values in at_once(tasks).items():
            found[name] = {} if isinstance(values, DriverError) else values
        texts = {f"{name}.{quantity}": text for name, values in found.items() for quantity, text in values.items()}
        with suppress(RecordingError):
            # The run itself says when nothing can be written any more.
            self._tell(Snapshot(when, time_s, tuple(texts.get(one.name, "") for one in snapshot_channels(self._instruments))))


def _of_interest(instruments: Instruments, name: str) -> list[Quantity]:
    everything = instruments.laboratory.instruments[name].snapshot == "all"
    known = instruments.by_name[name].quantities.values()
    return [quantity for quantity in known if quantity.access != "write" and (everything or quantity.polled)]


def _read(instrument: Instrument, quantities: Sequence[Quantity]) -> Mapping[str, str]:
    """As text; what cannot be read has the reason in its place, and after a failure of the wire nothing more is asked."""
    texts: dict[str, str] = {}
    gone = ""
    for quantity in quantities:
        if gone:
            texts[quantity.name] = gone
            continue
        try:
            value = instrument.read(quantity.name)
            texts[quantity.name] = f"{value:.9g}" if isinstance(value, float) else str(value)
        except LinkError as error:
            gone = texts[quantity.name] = f"({error.what})"
        except DriverError as error:
            texts[quantity.name] = f"({error.what})"
    return texts
