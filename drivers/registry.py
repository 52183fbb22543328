"""From a driver's name in the configuration to its class, imported only when used."""

import inspect
from importlib import import_module
from typing import Any

from config.errors import ConfigurationError
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

NOT_OPTIONS = ("name", "link", "pause")
"""What a driver's constructor takes from us and not from the configuration."""


def driver_class(driver: str) -> type[Driver]:
    """The class of a driver; `ConfigurationError` with the known names if there is none."""
    try:
        module, _, name = DRIVERS[driver].partition(":")
    except KeyError:
        raise ConfigurationError(f"there is no driver {driver!r}; known are {', '.join(sorted(DRIVERS))}") from None
    found: type[Driver] = getattr(import_module(module), name)
    return found


def check_options(name: str, configuration: InstrumentConfiguration) -> None:
    """Hold an instrument's options against its driver's constructor; `ConfigurationError` names the first that is wrong."""
    parameters = inspect.signature(driver_class(configuration.driver)).parameters
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
    try:
        return found(name, link, **configuration.options)
    except BaseException:
        link.close()
        raise
