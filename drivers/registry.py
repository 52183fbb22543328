"""From a driver's name in the configuration to its class, imported only when used."""

from importlib import import_module
from typing import Any

from config.laboratory import InstrumentConfiguration
from drivers.driver import Driver
from drivers.links import open_link
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
}


def driver_class(driver: str) -> type[Driver]:
    """The class of a driver; `KeyError` with the known names if there is none."""
    try:
        module, _, name = DRIVERS[driver].partition(":")
    except KeyError:
        raise KeyError(f"no driver {driver!r}; known are {', '.join(sorted(DRIVERS))}") from None
    found: type[Driver] = getattr(import_module(module), name)
    return found


def connect(name: str, configuration: InstrumentConfiguration, log: WireLog | None = None) -> Any:
    """Open the link of a configured instrument and put its driver on it.  Sends nothing yet; call `identify` next."""
    found = driver_class(configuration.driver)
    link = open_link(
        name,
        configuration.address,
        found.framing,
        found.probe,
        serial=found.serial,
        bare_socket=found.bare_socket,
        timeout_s=found.timeout_s,
        pace_s=found.pace_s,
        log=log,
    )
    return found(name, link, **configuration.options)
