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


def _points(text: str) -> int:
    value = int(number(text))
    if not 16 <= value <= MEMORY_POINTS:
        raise ScpiError(OUT_OF_RANGE)
    return value


def settings() -> dict[str, Any]:
    """Plain settings: header, power-up value, how an argument is read (section 3)."""
    table = {
        "header": (":SYSTem:HEADer", 1, switch),
        "gui": (":SYSTem:GUI", 1, switch),
        "longform": (":SYSTem:LONGform", 1, switch),
        "range": (":TIMebase:RANGe", 1e-6, number),
        "position": (":TIMebase:POSition", 0.0, number),
        "reference": (":TIMebase:REFerence", "CENT", _one_of("LEFT", "CENTer", "RIGHt")),
        "points": (":ACQuire:POINts[:ANALog]", 4000, _points),
        "interpolate": (":ACQuire:INTerpolate", 1, switch),
        "average": (":ACQuire:AVERage", 0, switch),
        "mode": (
            ":ACQuire:MODE",
            "RTIM",
            _one_of("RTIMe", "ETIMe", "PDETect", "HRESolution", "SEGMented", "SEGPdetect", "SEGHres"),
        ),
        "trigger_mode": (":TRIGger:MODE", "EDGE", _one_of("EDGE")),
        "sweep": (":TRIGger:SWEep", "AUTO", _one_of("AUTO", "TRIGgered", "SINGle")),
        "slope": (":TRIGger:EDGE:SLOPe", "POS", _one_of("POSitive", "NEGative", "EITHer")),
        "trigger_source": (":TRIGger:EDGE:SOURce", "CHAN1", _one_of("CHAN1", "CHAN2", "CHAN3", "CHAN4", "AUX", "LINE")),
        "format": (":WAVeform:FORMat", "WORD", _one_of("BYTE", "WORD")),
        "order": (":WAVeform:BYTeorder", "MSBF", _one_of("LSBFirst", "MSBFirst")),
        "streaming": (":WAVeform:STReaming", 1, switch),
        "all": (":WAVeform:SEGMented:ALL", 0, switch),
        "source": (":WAVeform:SOURce", "CHAN1", _channel_word),
        "time_tags": (":ACQuire:SEGMented:TTAGs", 0, switch),
        "automatic_rate": (":ACQuire:SRATe:ANALog:AUTO", 1, switch),
    }
    return {name: (spellings(header), default, kind) for name, (header, default, kind) in table.items()}


def _channel_word(text: str) -> str:
    word = text.upper().replace("CHANNEL", "CHAN")
    if word not in ("CHAN1", "CHAN2", "CHAN3", "CHAN4"):
        raise ScpiError(BAD_DATA)
    return word
