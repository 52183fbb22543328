"""Plain settings of the simulated Infiniium: header, power-up value, what an argument may be (section 3 of the sheet)."""

from collections.abc import Callable
from typing import Any

from simulators.instruments.scpi import spellings

MEMORY_POINTS = 200_000_000
"""Acquisition memory (TUM, assumed)."""
UNDEFINED, MISSING, OUT_OF_RANGE, BAD_DATA, CONFLICT = -113, -109, -222, -104, -221


class ScpiError(Exception):
    """A refused unit, with its number."""

    def __init__(self, number: int) -> None:
        super().__init__(str(number))
        self.number = number


def number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ScpiError(BAD_DATA) from None


def switch(text: str) -> int:
    found = {"ON": 1, "1": 1, "OFF": 0, "0": 0}.get(text.upper())
    if found is None:
        raise ScpiError(BAD_DATA)
    return found


def _one_of(*words: str) -> Callable[[str], str]:
    """A keyword in its long or short form; the short form (capitals) is what a query answers."""
    table = {spelling: "".join(c for c in word if not c.islower()) for word in words for spelling in (word.upper(),)}
    table |= {short: short for short in table.values()}

    def parse(text: str) -> str:
        if text.upper() not in table:
            raise ScpiError(BAD_DATA)
        return table[text.upper()]

    return parse


def _between(low: float, high: float, kind: Callable[[float], float] = float) -> Callable[[str], float]:
    """A number within limits, which are assumed where the sheet gives none."""

    def parse(text: str) -> float:
        value = kind(number(text))
        if not low <= value <= high:
            raise ScpiError(OUT_OF_RANGE)
        return value

    return parse


SETTINGS: dict[str, tuple[Any, Callable[[str], Any]]] = {
    ":SYSTem:HEADer": (1, switch),
    ":SYSTem:GUI": (1, switch),
    ":SYSTem:LONGform": (1, switch),
    ":SYSTem:LOCK": (0, switch),
    ":DISPlay:MAIN": (1, switch),
    ":TIMebase:POSition": (0.0, _between(-200.0, 200.0)),
    ":TIMebase:REFerence": ("CENT", _one_of("LEFT", "CENTer", "RIGHt")),
    ":TIMebase:REFerence:PERCent": (50, _between(0, 100, int)),
    ":ACQuire:POINts[:ANALog]": (4000, _between(16, MEMORY_POINTS, int)),
    ":ACQuire:POINts:AUTO": (0, switch),
    ":ACQuire:INTerpolate": (1, switch),
    ":ACQuire:AVERage": (0, switch),
    ":ACQuire:AVERage:COUNt": (16, _between(2, 65534, int)),
    ":ACQuire:COMPlete": (90, _between(0, 100, int)),
    ":ACQuire:BANDwidth": (2.5e9, _between(1e6, 2.5e9)),
    ":ACQuire:MODE": ("RTIM", _one_of("RTIMe", "ETIMe", "PDETect", "HRESolution", "SEGMented", "SEGPdetect", "SEGHres")),
    ":ACQuire:SRATe:ANALog:AUTO": (1, switch),
    ":ACQuire:SEGMented:TTAGs": (0, switch),
    ":ACQuire:SEGMented:AUToplay": (0, switch),
    ":ACQuire:SEGMented:PLAY": (0, switch),
    ":ACQuire:SEGMented:PRATe": (1.0, _between(0.0, 1000.0)),
    ":TRIGger:MODE": ("EDGE", _one_of("EDGE")),
    ":TRIGger:SWEep": ("AUTO", _one_of("AUTO", "TRIGgered", "SINGle")),
    ":TRIGger:HOLDoff": (1e-7, _between(0.0, 20.0)),
    ":TRIGger:EDGE:SLOPe": ("POS", _one_of("POSitive", "NEGative", "EITHer")),
    ":TRIGger:EDGE:COUPling": ("DC", _one_of("DC", "AC", "LFReject")),
    ":TRIGger:EDGE:SOURce": ("CHAN1", _one_of("CHANnel1", "CHANnel2", "CHANnel3", "CHANnel4", "AUX", "LINE")),
    ":WAVeform:FORMat": ("WORD", _one_of("BYTE", "WORD")),
    ":WAVeform:BYTeorder": ("MSBF", _one_of("LSBFirst", "MSBFirst")),
    ":WAVeform:STReaming": (1, switch),
    ":WAVeform:SEGMented:ALL": (0, switch),
    ":WAVeform:SOURce": ("CHAN1", _one_of("CHANnel1", "CHANnel2", "CHANnel3", "CHANnel4")),
    ":WAVeform:VIEW": ("ALL", _one_of("ALL", "MAIN")),
    "*ESE": (0, _between(0, 255, int)),
    "*SRE": (0, _between(0, 255, int)),
}
"""Header, power-up value, and what an argument may be (section 3)."""
CHANNEL_SETTINGS: dict[str, tuple[Any, Callable[[str], Any]]] = {
    ":CHANnel<n>:SCALe": (0.05, _between(1e-3, 1.0)),
    ":CHANnel<n>:OFFSet": (0.0, _between(-20.0, 20.0)),
    ":CHANnel<n>:DISPlay": (0, switch),
    ":CHANnel<n>:INPut": ("DC50", _one_of("DC", "DC50", "DCFifty", "AC", "LFR1", "LFR2")),
    ":CHANnel<n>:PROBe": (1.0, _between(1e-4, 1000.0)),
}
SPELLINGS = {spellings(header): header for header in SETTINGS}
CHANNEL_SPELLINGS = {spellings(header): header for header in CHANNEL_SETTINGS}


def shown(value: object) -> str:
    """How a query answers it: NR3 with five digits (width unconfirmed), else as it is."""
    return f"{value:.5E}" if isinstance(value, float) else str(value)
