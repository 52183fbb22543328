"""What can be set on a simulated DG645: defaults, limits, formats of replies.

Pages are those of the manual; *assumed* where it is silent: digits of replies beyond those of DLAY, steps' limits.
"""

from dataclasses import dataclass

INTEGER, HERTZ, VOLT, SECOND = "{:.0f}", "{:.6f}", "{:.2f}", "{:.12f}"


@dataclass(frozen=True)
class Setting:
    """One number: its factory value (p. 37), limits (p. 48-59) and the form of the reply."""

    default: float
    low: float
    high: float
    form: str = INTEGER
    clips: bool = False
    """Takes a positive number outside its limits as the nearest one, without an error."""


SINGLE: dict[str, Setting] = {
    "TSRC": Setting(5, 0, 6),
    "TRAT": Setting(1000.0, 100e-6, 10e6, HERTZ, clips=True),
    "TLVL": Setting(1.0, -3.5, 3.5, VOLT),
    "INHB": Setting(1, 0, 5),
    "ADVT": Setting(0, 0, 1),
    "HOLD": Setting(0.0, 0.0, 2000.0, SECOND),
    "BURM": Setting(0, 0, 1),
    "BURC": Setting(5, 1, 2**32 - 1),
    "BURP": Setting(100e-6, 100e-9, 2000.0, SECOND),
    "BURD": Setting(0.0, 0.0, 2000.0, SECOND),
    "BURT": Setting(0, 0, 1),
    "SHDP": Setting(1, 0, 1),
    "SSTR": Setting(1000.0, 0.0, 10e6, HERTZ),
    "SSTL": Setting(0.1, 0.0, 7.0, VOLT),
    "SSHD": Setting(1e-9, 0.0, 2000.0, SECOND),
    "SSBC": Setting(1, 0, 2**32 - 1),
    "SSBD": Setting(1e-9, 0.0, 2000.0, SECOND),
    "SSBP": Setting(100e-9, 0.0, 2000.0, SECOND),
}
OF_OUTPUT: dict[str, Setting] = {
    "LAMP": Setting(2.5, 0.5, 5.0, VOLT),
    "LOFF": Setting(0.0, -2.0, 2.0, VOLT),
    "LPOL": Setting(1, 0, 1),
    "SSLA": Setting(0.1, 0.0, 5.0, VOLT),
    "SSLO": Setting(0.1, 0.0, 4.0, VOLT),
}
"""Per output: 0 T0, 1 AB to 4 GH (p. 56-57)."""
OF_DIVIDER: dict[str, Setting] = {
    "PRES": Setting(1, 1, 2**16 - 1),
    "PHAS": Setting(0, 0, 2**16 - 2),
    "SSPS": Setting(1, 0, 2**16 - 1),
    "SSPH": Setting(1, 0, 2**16 - 1),
}
"""Per prescaler: 0 trigger input, which has no phase, 1 AB to 4 GH (p. 52-53)."""
LONGEST_PRESCALE = 2**30 - 1
"""Of the trigger input."""
OF_CHANNEL: dict[str, Setting] = {"SSDL": Setting(1e-9, 0.0, 2000.0, SECOND)}
"""Per edge: 2 A to 9 H."""
OF_PORT: dict[str, Setting] = {"IFCF": Setting(1, 0, 2**16), "EPHY": Setting(1, 0, 1)}
"""Interfaces; addresses are not modelled.  They outlive `*RST` and the mains."""
REGISTERS: dict[str, Setting] = {
    "*ESE": Setting(0, 0, 255),
    "*SRE": Setting(0, 0, 255),
    "*PSC": Setting(1, 0, 1),
    "INSE": Setting(0, 0, 255),
}
"""Status registers: untouched by `*RST` (p. 49, 60)."""
INDEXES: dict[str, range] = {
    **dict.fromkeys(OF_OUTPUT, range(5)),
    "PRES": range(5),
    "SSPS": range(5),
    "PHAS": range(1, 5),
    "SSPH": range(1, 5),
    **dict.fromkeys(OF_CHANNEL, range(2, 10)),
    "IFCF": range(11),
    "EPHY": range(2),
}
INDEXED = OF_OUTPUT | OF_DIVIDER | OF_CHANNEL | OF_PORT
STEPS: dict[str, tuple[str, str]] = {
    "SPTR": ("TRAT", "SSTR"),
    "SPTL": ("TLVL", "SSTL"),
    "SPHD": ("HOLD", "SSHD"),
    "SPBC": ("BURC", "SSBC"),
    "SPBD": ("BURD", "SSBD"),
    "SPBP": ("BURP", "SSBP"),
    "SPLA": ("LAMP", "SSLA"),
    "SPLO": ("LOFF", "SSLO"),
    "SPPS": ("PRES", "SSPS"),
    "SPPH": ("PHAS", "SSPH"),
    "SPDL": ("DLAY", "SSDL"),
}
"""A step up or down: what moves, and by how much (p. 53-57)."""


def limits(name: str, index: int) -> tuple[float, float]:
    """Lowest and highest value of an indexed setting."""
    setting = INDEXED[name]
    return setting.low, LONGEST_PRESCALE if (name, index) == ("PRES", 0) else setting.high


def factory() -> tuple[dict[str, float], dict[tuple[str, int], float]]:
    """Values of `*RST`: single ones, and indexed ones by name and index."""
    single = {name: one.default for name, one in SINGLE.items()}
    return single, {(name, index): INDEXED[name].default for name in INDEXED if name not in OF_PORT for index in INDEXES[name]}


def ports() -> dict[tuple[str, int], float]:
    """Interface settings of a new unit: everything on (p. 43)."""
    return {(name, index): one.default for name, one in OF_PORT.items() for index in INDEXES[name]}
