"""The instruments of a laboratory, opened and identified together, found by role."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from threading import RLock
from types import TracebackType
from typing import TypeVar, cast

from config.laboratory import InstrumentConfiguration, Laboratory, Role
from drivers.errors import DriverError, WrongInstrument
from drivers.quantity import Quantity
from drivers.registry import connect
from drivers.roles import (
    Chopper,
    ColdHead,
    DelayGenerator,
    Digitizer,
    FieldProbe,
    Identity,
    Instrument,
    Laser,
    MagnetSupply,
    PressureController,
)

Answer = TypeVar("Answer")


class InstrumentsError(Exception):
    """One or more instruments are not there or not what the configuration says."""


class Instruments:
    """The instruments that take part in runs.  Entering connects and identifies every one, or none and says why."""

    def __init__(self, laboratory: Laboratory) -> None:
        self.laboratory = laboratory
        self.by_name: dict[str, Instrument] = {}
        self.identities: dict[str, Identity] = {}
        self.away: set[str] = set()
        """Whose wire is being opened anew."""
        self._open = ExitStack()
        self._opening = {name: RLock() for name in laboratory.taking_part()}

    def __enter__(self) -> "Instruments":
        configured = self.laboratory.taking_part()
        found = at_once({name: partial(connect_and_identify, name, configured[name]) for name in configured})
        failed = [str(result) for result in found.values() if isinstance(result, DriverError)]
        for name, result in found.items():
            if not isinstance(result, DriverError):
                self.by_name[name], self.identities[name] = result
                self._open.callback(self._close, name)
        if failed:
            self._open.close()
            raise InstrumentsError("; ".join(failed))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._open.close()

    def _close(self, name: str) -> None:
        self.by_name[name].close()

    def quantities(self) -> dict[str, Mapping[str, Quantity]]:
        """What each instrument declares, with the limits of this unit."""
        return {name: instrument.quantities for name, instrument in self.by_name.items()}

    def reconnect(self, name: str) -> None:
        """Open the wire of one instrument anew and make sure that it is still the one it was.

        Raises `DriverError`; the old wire is closed in any case, so that a device with one socket lets us in again.
        """
        with self._opening[name]:
            self.away.add(name)
            try:
                self._reconnect(name)
            finally:
                self.away.discard(name)

    def reopened(self, name: str, broken: Instrument) -> Instrument:
        """The instrument on a new wire, instead of `broken`; who comes second gets that of the first.  Raises `DriverError`."""
        with self._opening[name]:
            if self.by_name[name] is broken:
                self.reconnect(name)
            return self.by_name[name]

    def _reconnect(self, name: str) -> None:
        self.by_name[name].close()
        instrument, identity = connect_and_identify(name, self.laboratory.instruments[name])
        before = self.identities[name]
        if identity != before:
            instrument.close()
            raise WrongInstrument(name, f"is now {identity}; it was {before}")
        instrument.inherit(self.by_name[name])
        self.by_name[name] = instrument

    def _of(self, role: Role) -> Instrument:
        return self.by_name[self.laboratory.named(role)]

    @property
    def delay_generator(self) -> DelayGenerator:
        return cast(DelayGenerator, self._of("delay generator"))

    @property
    def ablation_laser(self) -> Laser:
        return cast(Laser, self._of("ablation laser"))

    @property
    def ionisation_laser(self) -> Laser:
        return cast(Laser, self._of("ionisation laser"))

    @property
    def magnet(self) -> MagnetSupply:
        return cast(MagnetSupply, self._of("magnet supply"))

    @property
    def field_probe(self) -> FieldProbe:
        return self._of("field probe")

    @property
    def helium(self) -> PressureController:
        return cast(PressureController, self._of("pressure controller"))

    @property
    def cold_head(self) -> ColdHead:
        return cast(ColdHead, self._of("cold head"))

    @property
    def chopper(self) -> Chopper:
        return cast(Chopper, self._of("chopper"))

    @property
    def digitizer(self) -> Digitizer:
        return cast(Digitizer, self._of("digitizer"))


def connect_and_identify(name: str, configuration: InstrumentConfiguration) -> tuple[Instrument, Identity]:
    """An open instrument that is the one the configuration says; the caller closes it."""
    instrument: Instrument = connect(name, configuration)
    try:
        return instrument, instrument.identify()
    except DriverError:
        instrument.close()
        raise


def at_once(tasks: Mapping[str, Callable[[], Answer]]) -> dict[str, Answer | DriverError]:
    """Run one task per instrument in parallel; a failing instrument's error stands in its place."""

    def attempt(task: Callable[[], Answer]) -> Answer | DriverError:
        try:
            return task()
        except DriverError as error:
            return error

    if not tasks:
        return {}
    with ThreadPoolExecutor(len(tasks), thread_name_prefix="instrument") as pool:
        return dict(zip(tasks, pool.map(attempt, tasks.values()), strict=True))
