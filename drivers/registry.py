"""From a driver's name in the configuration to its class, imported only when used."""

import difflib
import inspect
from dataclasses import replace
from importlib import import_module
from typing import Any

from config.errors import ConfigurationError
from config.laboratory import InstrumentConfiguration
from drivers.driver import Driver
from drivers.links import Probe, open_link
from drivers.links.link import WireLog

DRIVERS = {
    "srs_dg645": "drivers.srs_dg645:DG645",
    "keysight_infiniium": "drivers.keysight_infiniium:Infiniium",
    "danfysik_8500": "drivers.danfysik_8500:Danfysik8500",
    "lakeshore_425": "drivers.lakeshore_425:LakeShore425",
    "lakeshore_336": "drivers.lakeshore_336:LakeShore336",
    "srs_sr542": "drivers.srs_sr542:SR542",
    "quantel_bss": "drivers.quantel_bss:BigSkyBSS",
    "coherent_compexpro": "drivers.coherent_compexpro:COMPexPro",
    "bronkhorst_elpress": "drivers.bronkhorst_elpress:ELPress",
    "bnc_575": "drivers.bnc_575:BNC575",
    "spectraphysics_quantaray": "drivers.spectraphysics_quantaray:QuantaRay",
    "thorlabs_mc2000b": "drivers.thorlabs_mc2000b:MC2000B",
    "caen_dt1470et": "drivers.caen_dt1470et:CaenDT1470ET",
    "iseg_nhq": "drivers.iseg_nhq:IsegNHQ",
    "alicat_pc": "drivers.alicat_pc:AlicatPC",
    "cryomech_cpa": "drivers.cryomech_cpa:CryomechCPA",
    "cryomech_cpa_rtu": "drivers.cryomech_cpa:CryomechCPASerial",
    "sumitomo_f70": "drivers.sumitomo_f70:SumitomoF70",
    "newport_esp301": "drivers.newport_esp301:ESP301",
    "pfeiffer_tpg362": "drivers.pfeiffer_tpg362:TPG362",
    "gentec_maestro": "drivers.gentec_maestro:GentecMaestro",
    "ophir_ea1": "drivers.ophir_ea1:OphirEA1",
    "coherent_energymax": "drivers.coherent_energymax:EnergyMax",
    "spectrum_m4i": "drivers.spectrum_m4i:SpectrumM4i",
}

NOT_OPTIONS = ("name", "link", "address", "pause")
"""What a driver's constructor takes from us and not from the configuration."""


def driver_class(driver: str) -> type[Driver]:
    """The class of a driver; `ConfigurationError` with the known names if there is none."""
    try:
        module, _, name = DRIVERS[driver].partition(":")
    except KeyError:
        nearest = difflib.get_close_matches(driver, DRIVERS, n=1)
        meant = f" (did you mean {nearest[0]!r}?)" if nearest else ""
        raise ConfigurationError(f"there is no driver {driver!r}{meant}; known are {', '.join(sorted(DRIVERS))}") from None
    found: type[Driver] = getattr(import_module(module), name)
    return found


def check_options(name: str, configuration: InstrumentConfiguration) -> None:
    """Hold an instrument's options against its driver's constructor; `ConfigurationError` names the first that is wrong."""
    try:
        found = driver_class(configuration.driver)
    except ConfigurationError as error:
        raise ConfigurationError(f"instrument {name!r}: {error}") from None
    if configuration.role != found.role:
        raise ConfigurationError(
            f"instrument {name!r} has the role {configuration.role!r}, but driver {configuration.driver!r} is for a "
            f"{found.role}; correct one of them"
        )
    parameters = inspect.signature(found).parameters
    known = {key: parameter for key, parameter in parameters.items() if key not in NOT_OPTIONS}
    where = f"instrument {name!r} with driver {configuration.driver!r}"
    for key, value in configuration.options.items():
        if key not in known:
            raise ConfigurationError(f"{where} has no option {key!r}; it has {', '.join(known) or 'none'}")
        kind = known[key].annotation
        right = isinstance(value, int | float if kind is float else kind) and (kind is bool) == isinstance(value, bool)
        if not right:
            raise ConfigurationError(f"{where}: option {key} = {value!r} must be {kind.__name__}")
    for key, parameter in known.items():
        if parameter.default is inspect.Parameter.empty and key not in configuration.options:
            raise ConfigurationError(f"{where} needs the option {key}")


def connect(name: str, configuration: InstrumentConfiguration, log: WireLog | None = None) -> Any:
    """Open the link of a configured instrument and put its driver on it.  Sends nothing yet; call `identify` next."""
    check_options(name, configuration)
    found: Any = driver_class(configuration.driver)
    if not found.on_a_wire:
        unit = found(name, configuration.address, **configuration.options)
        unit.open()
        return unit
    link = open_link(
        name,
        configuration.address,
        found.framing,
        found.probe,
        serial=replace(found.serial, **(configuration.serial.model_dump(exclude_none=True) if configuration.serial else {})),
        bare_socket=found.bare_socket,
        timeout_s=found.timeout_s,
        quiet_s=found.quiet_s,
        pace_s=found.pace_s,
        log=log,
    )
    try:
        return found(name, link, **configuration.options)
    except BaseException:
        link.close()
        raise


class NoLink:
    """Stands where a link would: whoever uses it asked an instrument that is not connected."""

    def use_probe(self, probe: Probe) -> None:
        """Nothing to resynchronise."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("this driver is not connected; it only tells what its configuration says")


def unconnected(name: str, configuration: InstrumentConfiguration) -> Any:
    """A driver that tells what is known without its instrument: its quantities with this unit's limits."""
    check_options(name, configuration)
    found: Any = driver_class(configuration.driver)
    return found(name, NoLink() if found.on_a_wire else configuration.address, **configuration.options)
