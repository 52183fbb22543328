"""A driver and a simulated instrument without a wire: time passes only while the driver waits."""

from typing import TypeVar

from drivers.driver import Driver
from drivers.links import Link
from simulators.instruments.instrument import SimulatedInstrument

Made = TypeVar("Made", bound=Driver)


class Bench:
    """A transport that hands what is sent to the instrument; `now` is laboratory time and the clock of the link."""

    def __init__(self, instrument: SimulatedInstrument, now: float = 0.0) -> None:
        self._instrument = instrument
        self.now = now
        self._sent, self._replies = bytearray(), bytearray()

    def clock(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds

    def send(self, data: bytes) -> None:
        self._sent += data
        for message in self._instrument.split(self._sent):
            answer = self._instrument.answer(message, self.now)
            self._replies += bytes(answer() if callable(answer) else answer)

    def receive(self, wanted: int, last_byte: int | None, timeout_s: float) -> bytes:
        if not self._replies:
            self.now += timeout_s
        piece = bytes(self._replies[:wanted])
        if last_byte is not None and last_byte in piece:
            piece = piece[: piece.index(last_byte) + 1]
        del self._replies[: len(piece)]
        return piece

    def receive_into(self, view: memoryview, timeout_s: float) -> int:
        piece = self.receive(len(view), None, timeout_s)
        view[: len(piece)] = piece
        return len(piece)

    def waiting(self) -> bool:
        return bool(self._replies)

    def close(self) -> None:
        """Nothing to give back."""


def on_bench(driver: type[Made], instrument: SimulatedInstrument, now: float = 0.0, **options: object) -> tuple[Made, Bench]:
    """A new link to an instrument, whatever state it is in at that time."""
    bench = Bench(instrument, now)
    link = Link("unit", bench, driver.framing, driver.probe, timeout_s=driver.timeout_s, quiet_s=0.05, clock=bench.clock)
    return driver("unit", link, **{"pause": bench.pause, **options}), bench
