"""A simulated laboratory: the instruments of a configuration, wired to each other and to one beam line."""

from collections.abc import Callable, Mapping
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from config.errors import ConfigurationError
from config.laboratory import Event, InstrumentConfiguration, Laboratory, Role
from simulators.instruments.alicat_pc import AlicatPC
from simulators.instruments.bnc_575 import BNC575
from simulators.instruments.bronkhorst_elpress import ELPress
from simulators.instruments.caen_dt1470et import CaenDT1470ET
from simulators.instruments.coherent_compexpro import COMPexPro
from simulators.instruments.coherent_energymax import EnergyMax
from simulators.instruments.cryomech_cpa import CryomechCPA
from simulators.instruments.danfysik_8500 import Danfysik8500
from simulators.instruments.gentec_maestro import GentecMaestro
from simulators.instruments.instrument import SimulatedInstrument
from simulators.instruments.iseg_nhq import IsegNHQ
from simulators.instruments.keysight_infiniium import Infiniium
from simulators.instruments.lakeshore_336 import LakeShore336
from simulators.instruments.lakeshore_425 import LakeShore425
from simulators.instruments.newport_esp301 import ESP301
from simulators.instruments.ophir_ea1 import OphirEA1
from simulators.instruments.pfeiffer_tpg362 import TPG362
from simulators.instruments.quantel_bss import BigSkyBSS
from simulators.instruments.spectraphysics_quantaray import QuantaRay
from simulators.instruments.srs_dg645 import DG645
from simulators.instruments.srs_sr542 import SR542
from simulators.instruments.sumitomo_f70 import SumitomoF70
from simulators.instruments.thorlabs_mc2000b import MC2000B
from simulators.world.beamline import Beamline
from simulators.world.cold_head import ROOM_K, ColdHead
from simulators.world.conditions import Capture, ShotConditions
from simulators.world.truth import Truth

NETWORK_ONLY = {"keysight_infiniium", "ophir_ea1", "cryomech_cpa"}
"""Drivers of instruments without a serial line."""
LAMP_V_AT_FULL_LEVEL = 1400.0
"""What the full PFN level of the one laser does, the other does at this lamp voltage (*assumed*)."""
PICKED_OFF = 0.02
"""Share of an ionisation pulse that reaches the energy meter (*assumed*)."""
BASE_MBAR, MBAR_PER_BAR = (1e-7, 2e-8), (2e-5, 1e-7)
"""Source and detection chamber without helium, and more for each bar behind the valve (*assumed*)."""
SAME_S = 1e-6
"""Within this much two T0s are one: an edge is added to their times and taken off again."""
Options = Mapping[str, Any]
Maker = Callable[[Options], SimulatedInstrument]


class SimulatedLaboratory:
    """All instruments of `laboratory` by name.

    Those that take part in runs meet in the beam line, which decides what the digitizer sees; spares only answer.
    """

    def __init__(self, laboratory: Laboratory, truth: Truth, seed: int, *, cold: bool = False, canned: bool = False) -> None:
        self._laboratory = laboratory
        self.narrow_focus = False
        """Whether the lens that makes the narrow ionising focus is in; axis 1 of the stage carries it."""
        self.beamline = Beamline(truth, seed)
        makers = self._makers(seed, warm=not cold, canned=canned)
        self.instruments = {name: _make(name, configured, makers) for name, configured in laboratory.instruments.items()}
        self._delay_generator = self._taking_part("delay generator")
        self._ablation = self._taking_part("ablation laser")
        self._ionisation = self._taking_part("ionisation laser")
        self._chopper = self._taking_part("chopper")
        self._cold_head = self._taking_part("cold head")
        self._supply = self._taking_part("magnet supply")
        self._helium = self._taking_part("pressure controller")

    def _makers(self, seed: int, *, warm: bool, canned: bool) -> Mapping[str, Maker]:
        magnet = self._laboratory.magnet
        meters: dict[str, Maker] = {
            "gentec_maestro": lambda options: GentecMaestro(self._ionisation_pulses, self._metered_J),
            "ophir_ea1": lambda options: OphirEA1(self._ionisation_pulses, self._metered_J),
            "coherent_energymax": lambda options: EnergyMax(self._ionisation_pulses, self._metered_J),
        }
        return {
            "srs_dg645": lambda options: DG645(self._reference_out_Hz),
            "bnc_575": lambda options: BNC575(),
            "quantel_bss": lambda options: BigSkyBSS(self._lamp_pulses),
            "spectraphysics_quantaray": lambda options: QuantaRay(self._lamp_pulses, warm),
            "coherent_compexpro": lambda options: COMPexPro(self._ionisation_pulses, warm),
            "srs_sr542": lambda options: SR542(self._rate_Hz, warm),
            "thorlabs_mc2000b": lambda options: MC2000B(self._rate_Hz, warm),
            "lakeshore_336": lambda options: LakeShore336(
                ColdHead(25.0 if warm else ROOM_K, compressor_runs=self._compressor_runs)
            ),
            "lakeshore_425": lambda options: LakeShore425(self._field_T, seed),
            "danfysik_8500": lambda options: Danfysik8500(
                float(options["rated_current_A"]), magnet.slew_A_s, float(options["read_back_A_per_count"])
            ),
            "bronkhorst_elpress": lambda options: ELPress(float(options["full_scale_bar"]), int(options.get("node", 3))),
            "alicat_pc": lambda options: AlicatPC(float(options["full_scale_bar"]), str(options.get("unit_id", "A"))),
            "keysight_infiniium": lambda options: Infiniium(self._triggers, self._capture, canned),
            "caen_dt1470et": lambda options: CaenDT1470ET(seed=seed),
            "iseg_nhq": lambda options: IsegNHQ(seed),
            "cryomech_cpa": lambda options: CryomechCPA(warm),
            "cryomech_cpa_rtu": lambda options: CryomechCPA(warm, rtu=True),
            "sumitomo_f70": lambda options: SumitomoF70(warm),
            "newport_esp301": lambda options: ESP301(homed=warm),
            "pfeiffer_tpg362": lambda options: TPG362(self._pressures_mbar),
            **meters,
        }

    def _taking_part(self, role: Role) -> Any:
        return self.instruments[self._laboratory.named(role)]

    def _rate_Hz(self, now: float) -> float:
        rate_Hz: float = self._delay_generator.rate_Hz(now)
        return rate_Hz

    def _reference_out_Hz(self, now: float) -> float:
        """Edges from the chopper to the delay generator's trigger input."""
        edges_Hz: float = self._chopper.reference_out_Hz(now)
        return edges_Hz

    def _field_T(self, now: float) -> float:
        return self.beamline.field_T(now, self._supply.current_A(now))

    def _pulsed(self, event: Event, since: float, until: float) -> NDArray[np.float64]:
        """T0s in (since, until] at which the line of an event has a pulse."""
        output = self._laboratory.timing.lines[event].output
        if output not in self._delay_generator.edges():
            return np.empty(0)
        times: NDArray[np.float64] = self._delay_generator.fired(since, until, output)
        return times

    def _lamp_pulses(self, since: float, until: float) -> int:
        return len(self._pulsed("flash_lamp", since, until))

    def _ionisation_pulses(self, since: float, until: float) -> int:
        return len(self._pulsed("ionisation", since, until))

    def _metered_J(self, now: float) -> float:
        return PICKED_OFF * float(self._ionisation.energy_mJ(now)) / 1000

    def _pressures_mbar(self, now: float) -> tuple[float, float]:
        helium_bar = max(float(self._helium.pressure_bar(now)), 0.0)
        source, detection = (base + slope * helium_bar for base, slope in zip(BASE_MBAR, MBAR_PER_BAR, strict=True))
        return source, detection

    def _compressor_runs(self, now: float) -> bool:
        """The compressor of the cold head, if one takes part; a laboratory without one cools all the same."""
        for name, configured in self._laboratory.taking_part().items():
            instrument = self.instruments[name]
            if configured.role == "compressor" and isinstance(instrument, CryomechCPA | SumitomoF70):
                return instrument.running(now)
        return True

    def _lamp_voltage_V(self, now: float) -> float:
        if isinstance(self._ablation, QuantaRay):
            return LAMP_V_AT_FULL_LEVEL * self._ablation.level_percent(now) / 100
        voltage_V: float = self._ablation.lamp_voltage_V(now)
        return voltage_V

    def _focus_stage_m(self, now: float) -> float | None:
        """Where the stage holds the narrow focus, from its home mark."""
        stages = (self.instruments[name] for name, one in self._laboratory.taking_part().items() if one.role == "stage")
        stage = next((one for one in stages if isinstance(one, ESP301)), None)
        return 1e-3 * stage.position_mm(1, now) if self.narrow_focus and stage is not None else None

    def _edge_s(self, event: Event) -> float | None:
        edge = self._delay_generator.edges().get(self._laboratory.timing.lines[event].output)
        return None if edge is None else edge[0]

    def _edge_of_each(self, event: Event, t0_s: NDArray[np.float64]) -> list[float | None]:
        """Edge of an event after each of these T0s; None where its line has no pulse."""
        edge_s, pulsed = self._edge_s(event), self._pulsed(event, float(t0_s[0]) - SAME_S, float(t0_s[-1]) + SAME_S)
        nearest = np.searchsorted(pulsed, t0_s - SAME_S)
        there = np.append(pulsed, np.inf)[nearest] < t0_s + SAME_S
        return [edge_s if one else None for one in there]

    def _triggers(self, since: float, until: float) -> NDArray[np.float64]:
        """Edges at the digitizer's trigger input."""
        edge_s = self._edge_s("digitizer")
        if edge_s is None:
            return np.empty(0)
        return self._pulsed("digitizer", since - edge_s, until - edge_s) + edge_s

    def _capture(self, times: NDArray[np.float64], capture: Capture) -> Callable[[], NDArray[np.int16]]:
        """The conditions of these shots, now; temperature, pressure and current hardly change between a burst and its
        read-out, since the engine waits until they have settled."""
        edge_s = self._edge_s("digitizer") or 0.0
        t0_s = times - edge_s
        numbers = np.searchsorted(self._delay_generator.fired(-1.0, float(t0_s[-1]) + SAME_S), t0_s - SAME_S)
        shots = self._conditions(t0_s)
        photodiode = self._laboratory.photodiode
        if photodiode is not None and capture.channel == photodiode.channel:
            return lambda: self.beamline.light(shots, numbers, capture)
        return lambda: self.beamline.expose(shots, numbers, capture)

    def _conditions(self, t0_s: NDArray[np.float64]) -> list[ShotConditions]:
        now = float(t0_s[-1])
        edges: dict[str, list[Any]] = {f"{event}_s": self._edge_of_each(event, t0_s) for event in get_args(Event)}
        common = {
            "lamp_voltage_V": self._lamp_voltage_V(now),
            "source_temperature_K": self._cold_head.temperature_K(now),
            "helium_pressure_bar": self._helium.pressure_bar(now),
            "magnet_current_A": self._supply.current_A(now),
            "focus_stage_m": self._focus_stage_m(now),
        }
        armed, energy_mJ = self._ablation.armed(now), self._ionisation.energy_mJ(now)
        shots = []
        for place, time in enumerate(t0_s.tolist()):
            chopper_Hz, phase_deg, locked = self._chopper.opening(time)
            shots.append(
                ShotConditions(
                    t0_s=time,
                    chopper_Hz=chopper_Hz,
                    chopper_phase_deg=phase_deg,
                    chopper_locked=locked,
                    ablation_armed=armed and not self._ablation.misfires.at(time),
                    ionisation_energy_mJ=0.0 if self._ionisation.misfires.at(time) else energy_mJ,
                    **{name: edge[place] for name, edge in edges.items()},
                    **common,
                )
            )
        return shots


def _make(name: str, configured: InstrumentConfiguration, makers: Mapping[str, Maker]) -> SimulatedInstrument:
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
