"""A simulated laboratory: the instruments of a configuration, wired to each other and to one beam line."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.errors import ConfigurationError
from config.laboratory import Event, InstrumentConfiguration, Laboratory
from simulators.instruments.bronkhorst_elpress import ELPress
from simulators.instruments.coherent_compexpro import COMPexPro
from simulators.instruments.danfysik_8500 import Danfysik8500
from simulators.instruments.instrument import SimulatedInstrument
from simulators.instruments.keysight_infiniium import Infiniium
from simulators.instruments.lakeshore_336 import LakeShore336
from simulators.instruments.lakeshore_425 import LakeShore425
from simulators.instruments.quantel_bss import BigSkyBSS
from simulators.instruments.srs_dg645 import DG645
from simulators.instruments.srs_sr542 import SR542
from simulators.world.beamline import Beamline
from simulators.world.cold_head import ROOM_K, ColdHead
from simulators.world.conditions import Capture, ShotConditions
from simulators.world.truth import Truth

SERIAL_DRIVERS = {
    "danfysik_8500",
    "lakeshore_425",
    "srs_sr542",
    "quantel_bss",
    "coherent_compexpro",
    "bronkhorst_elpress",
    "srs_dg645",
    "lakeshore_336",
}
"""Drivers of instruments that have a serial line."""


class SimulatedLaboratory:
    """All instruments of `laboratory` by name.  They meet in the beam line, which decides what the digitizer sees."""

    def __init__(self, laboratory: Laboratory, truth: Truth, seed: int, *, cold: bool = False, canned: bool = False) -> None:
        self._laboratory = laboratory
        self.beamline = Beamline(truth, seed)
        warm = not cold
        magnet = laboratory.magnet
        self._delay_generator = DG645()
        self._cold_head = LakeShore336(ColdHead(ROOM_K if cold else 25.0))
        self._ablation = BigSkyBSS(self._count)
        self._ionisation = COMPexPro(self._count, warm)
        self._chopper = SR542(self._delay_generator.rate_Hz, warm)
        makers: Mapping[str, Callable[[Mapping[str, Any]], SimulatedInstrument]] = {
            "srs_dg645": lambda options: self._delay_generator,
            "quantel_bss": lambda options: self._ablation,
            "coherent_compexpro": lambda options: self._ionisation,
            "srs_sr542": lambda options: self._chopper,
            "lakeshore_336": lambda options: self._cold_head,
            "lakeshore_425": lambda options: LakeShore425(self._field_T, seed),
            "danfysik_8500": lambda options: Danfysik8500(
                float(options["rated_current_A"]), magnet.slew_A_s, float(options["read_back_A_per_count"])
            ),
            "bronkhorst_elpress": lambda options: ELPress(float(options["full_scale_bar"]), int(options["node"])),
            "keysight_infiniium": lambda options: Infiniium(self._triggers, self._capture, canned),
        }
        self.instruments = {name: _make(name, configured, makers) for name, configured in laboratory.instruments.items()}
        self._supply = self._only(Danfysik8500)
        self._helium = self._only(ELPress)

    def _only(self, kind: type[Any]) -> Any:
        found = [instrument for instrument in self.instruments.values() if isinstance(instrument, kind)]
        if len(found) != 1:
            raise ConfigurationError(f"laboratory {self._laboratory.name!r} needs exactly one {kind.__name__}")
        return found[0]

    def _field_T(self, now: float) -> float:
        return self.beamline.field_T(now, self._supply.current_A(now))

    def _count(self, since: float, until: float) -> int:
        return len(self._delay_generator.fired(since, until))

    def _edge_s(self, event: Event) -> float | None:
        edge = self._delay_generator.edges().get(self._laboratory.timing.lines[event].output)
        return None if edge is None else edge[0]

    def _triggers(self, since: float, until: float) -> NDArray[np.float64]:
        """Edges at the digitizer's trigger input."""
        edge_s = self._edge_s("digitizer")
        if edge_s is None:
            return np.empty(0)
        return self._delay_generator.fired(since - edge_s, until - edge_s) + edge_s

    def _capture(self, times: NDArray[np.float64], capture: Capture) -> Callable[[], NDArray[np.int16]]:
        """The conditions of these shots, now; temperature, pressure and current hardly change between a burst and its
        read-out, since the engine waits until they have settled."""
        edge_s = self._edge_s("digitizer") or 0.0
        t0_s = times - edge_s
        numbers = np.searchsorted(self._delay_generator.fired(-1.0, float(t0_s[-1]) + 1e-6), t0_s - 1e-6)
        shots = self._conditions(t0_s)
        return lambda: self.beamline.expose(shots, numbers, capture)

    def _conditions(self, t0_s: NDArray[np.float64]) -> list[ShotConditions]:
        now = float(t0_s[-1])
        chopper_Hz, phase_deg, locked = self._chopper.opening(now)
        common = {
            "gas_valve_s": self._edge_s("gas_valve"),
            "flash_lamp_s": self._edge_s("flash_lamp"),
            "q_switch_s": self._edge_s("q_switch"),
            "ionisation_s": self._edge_s("ionisation"),
            "digitizer_s": self._edge_s("digitizer"),
            "chopper_Hz": chopper_Hz,
            "chopper_phase_deg": phase_deg,
            "chopper_locked": locked,
            "lamp_voltage_V": self._ablation.lamp_voltage_V(now),
            "ablation_armed": self._ablation.armed(now),
            "ionisation_energy_mJ": self._ionisation.energy_mJ(now),
            "source_temperature_K": self._cold_head.temperature_K(now),
            "helium_pressure_bar": self._helium.pressure_bar(now),
            "magnet_current_A": self._supply.current_A(now),
        }
        return [ShotConditions(t0_s=float(time), **common) for time in t0_s]


def _make(
    name: str,
    configured: InstrumentConfiguration,
    makers: Mapping[str, Callable[[Mapping[str, Any]], SimulatedInstrument]],
) -> SimulatedInstrument:
    maker = makers.get(configured.driver)
    if maker is None:
        known = ", ".join(sorted(makers))
        raise ConfigurationError(
            f"instrument {name!r}: there is no simulator for driver {configured.driver!r}; known are {known}"
        )
    try:
        return maker(configured.options)
    except (KeyError, ValueError, TypeError) as error:
        raise ConfigurationError(f"instrument {name!r}: its options do not suit its simulator ({error})") from None
