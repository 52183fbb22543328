"""Single quantities set and read by hand, outside runs: what scripts and the operator do."""

from collections.abc import Callable
from threading import Event
from typing import cast

from config.calibration import Calibrations
from config.errors import ConfigurationError
from config.laboratory import Laboratory, Role
from daq.conversions.magnet import current_for_field
from daq.engine.clock import Clock
from daq.engine.instruments import Instruments
from daq.engine.settling import Target, settle
from daq.face.state import Settable
from daq.plan.plan import SETTLE, SetPoint, Settle
from daq.plan.quantities import readable, settable
from drivers.quantity import Value
from drivers.roles import Instrument, MagnetSupply

LEAST_WITHIN = 1e-3
USUAL_SHARE = 0.01
USUAL_PATIENCE_S = 300.0
"""Where no criterion is given: within a hundredth of the set point in five minutes."""


class Manual:
    """Quantities by name: `instrument.quantity`, or `field_T` of the magnet supply's instrument, which the probe tells."""

    def __init__(self, laboratory: Laboratory, calibrations: Calibrations, instruments: Instruments, clock: Clock) -> None:
        self._laboratory, self._calibrations = laboratory, calibrations
        self._instruments, self._clock = instruments, clock
        self._field = f"{laboratory.named('magnet supply')}.field_T"
        self._prepared: set[str] = set()

    def all_prepared(self) -> None:
        """A run has put every instrument into its mode."""
        self._prepared = set(self._instruments.by_name)

    def forget(self, name: str) -> None:
        """An instrument may have lost its mode: it is prepared again before it is next used."""
        self._prepared.discard(name)

    def _instrument(self, name: str) -> Instrument:
        """An instrument in the mode that its driver relies on."""
        found = self._instruments.by_name[name]
        if name not in self._prepared:
            found.prepare()
            self._prepared.add(name)
        return found

    def _of_role(self, role: Role) -> Instrument:
        return self._instrument(self._laboratory.named(role))

    def unit(self, name: str) -> str:
        """The unit of a quantity that can be read."""
        return "T" if name == self._field else readable(name, self._instruments.quantities())[1].unit

    def settable(self, name: str) -> bool:
        """Whether a quantity that can be read can be set as well."""
        if name == self._field:
            return True
        try:
            settable(name, self._instruments.quantities())
        except ConfigurationError:
            readable(name, self._instruments.quantities())
            return False
        return True

    def settables(self, instrument: str) -> tuple[Settable, ...]:
        """Everything that can be set of one instrument, with its limits."""
        found = []
        if self._field == f"{instrument}.field_T":
            highest_T = self._laboratory.magnet.highest_field_T
            found.append(Settable("field_T", "T", "float", -highest_T, highest_T, about="by the calibration of the field"))
        for name, quantity in self._instruments.by_name[instrument].quantities.items():
            if quantity.access != "read":
                words = tuple(quantity.words.values()) if quantity.words and quantity.kind is str else ()
                choices, about = quantity.choices or words, quantity.about
                kind = quantity.kind.__name__
                found.append(Settable(name, quantity.unit, kind, quantity.low, quantity.high, choices, about))
        return tuple(found)

    def read(self, name: str) -> Value:
        """The value now.  `ConfigurationError` for a name that does not exist, `DriverError` from the instrument."""
        if name == self._field:
            return self._of_role("field probe").read("field_T")
        instrument, quantity = readable(name, self._instruments.quantities())
        return self._instrument(instrument).read(quantity.name)

    def set(self, name: str, value: SetPoint, criterion: Settle | None, wait: bool, interrupt: Event) -> None:
        """Set a quantity, and wait if asked until its read-back has settled.

        Raises `ConfigurationError`, `DriverError`, `SettlingError`, `Interrupted`.
        """
        targets = self._set_field(float(value), criterion) if name == self._field else self._set(name, value, criterion)
        if wait and targets:
            settle(targets, self._clock, interrupt)

    def _set(self, name: str, value: SetPoint, criterion: Settle | None) -> list[Target]:
        found = settable(name, self._instruments.quantities())
        instrument = self._instrument(found.instrument)
        instrument.write(found.command.name, value)
        if found.read_back is None or not found.settles or isinstance(value, str):
            return []
        reading, target = found.read_back.name, float(value)
        usual = Settle(within=max(USUAL_SHARE * abs(target), LEAST_WITHIN), at_most_s=USUAL_PATIENCE_S)
        read: Callable[[], float] = lambda: float(instrument.read(reading))  # noqa: E731
        return [Target(name, read, target, criterion or usual)]

    def _set_field(self, field_T: float, criterion: Settle | None) -> list[Target]:
        highest_T = self._laboratory.magnet.highest_field_T
        if abs(field_T) > highest_T:
            raise ConfigurationError(f"{self._field} = {field_T:g} T is above the {highest_T:g} T that the magnet allows")
        try:
            current_A = current_for_field(field_T, self._calibrations.field)
        except ValueError as error:
            raise ConfigurationError(str(error)) from None
        magnet = cast(MagnetSupply, self._of_role("magnet supply"))
        if magnet.status().state == "off":
            magnet.switch_on()
        magnet.write("set_current_A", current_A)
        probe = self._of_role("field probe")
        return [Target(self._field, lambda: float(probe.read("field_T")), field_T, criterion or SETTLE["field_T"])]
