"""What an operator sets on an Infiniium: its quantities, as data (section 3 of the protocol sheet)."""

from collections.abc import Iterator

from drivers.quantity import Quantity

CHANNELS = (1, 2, 3, 4)
SOURCES = ("CHANnel1", "CHANnel2", "CHANnel3", "CHANnel4", "AUX", "LINE")


def short(word: str) -> str:
    """The short form of a word as the instrument answers it: its capitals and what follows them (`CHANnel2` → `CHAN2`)."""
    return "".join(char for char in word if not char.islower())


def acquisition() -> Iterator[Quantity]:
    """Time base and acquisition."""
    yield _choice("mode", ":ACQuire:MODE", "RTIMe", "ETIMe", "PDETect", "HRESolution", "SEGMented", "SEGPdetect", "SEGHres")
    yield _count("points", ":ACQuire:POINts:ANALog", 16, 2_000_000_000)
    yield _count("segments", ":ACQuire:SEGMented:COUNt", 2, 1_000_000)
    yield _count("segment", ":ACQuire:SEGMented:INDex", 1, 1_000_000)
    yield Quantity("captured_segments", "", int, query=":WAVeform:SEGMented:COUNt?", low=0, source="section 3")
    yield _switch("interpolated", ":ACQuire:INTerpolate")
    yield _switch("averaged", ":ACQuire:AVERage")
    yield _count("averages", ":ACQuire:AVERage:COUNt", 2, 65534)
    yield _number("bandwidth_Hz", "Hz", ":ACQuire:BANDwidth", 1e6, 80e9)
    yield _count("complete_percent", ":ACQuire:COMPlete", 0, 100)
    yield _number("time_range_s", "s", ":TIMebase:RANGe", 5e-12, 200.0)
    yield _number("time_position_s", "s", ":TIMebase:POSition", -200.0, 200.0)
    yield _choice("time_reference", ":TIMebase:REFerence", "LEFT", "CENTer", "RIGHt")


def of_channel(channel: int) -> Iterator[Quantity]:
    word, name = f":CHANnel{channel}", f"channel{channel}"
    yield _switch(f"{name}_shown", f"{word}:DISPlay")
    yield _choice(f"{name}_input", f"{word}:INPut", "DC", "DC50", "AC", "LFR1", "LFR2")
    yield _number(f"{name}_range_V", "V", f"{word}:RANGe", 8e-3, 40.0)
    yield _number(f"{name}_offset_V", "V", f"{word}:OFFSet", -20.0, 20.0)
    yield _number(f"{name}_probe", "", f"{word}:PROBe", 1e-4, 1000.0)


def trigger() -> Iterator[Quantity]:
    yield _choice("trigger_mode", ":TRIGger:MODE", "EDGE")
    yield _choice("trigger_source", ":TRIGger:EDGE:SOURce", *SOURCES)
    yield _choice("trigger_slope", ":TRIGger:EDGE:SLOPe", "POSitive", "NEGative", "EITHer")
    yield _choice("trigger_coupling", ":TRIGger:EDGE:COUPling", "DC", "AC", "LFReject")
    yield _choice("trigger_sweep", ":TRIGger:SWEep", "AUTO", "TRIGgered", "SINGle")
    yield _number("trigger_hold_off_s", "s", ":TRIGger:HOLDoff", 0.0, 20.0)
    for source in ("AUX", *(f"CHANnel{channel}" for channel in CHANNELS)):
        yield Quantity(
            f"trigger_level_{source.lower()}_V",
            "V",
            float,
            "read-write",
            f":TRIGger:LEVel? {source}",
            f":TRIGger:LEVel {source},{{value:.4E}}",
            -20.0,
            20.0,
            source="section 3",
        )


def _number(name: str, unit: str, word: str, low: float, high: float) -> Quantity:
    return Quantity(name, unit, float, "read-write", f"{word}?", f"{word} {{value:.6E}}", low, high, source="section 3")


def _count(name: str, word: str, low: int, high: int) -> Quantity:
    return Quantity(name, "", int, "read-write", f"{word}?", f"{word} {{value}}", low, high, source="section 3")


def _switch(name: str, word: str) -> Quantity:
    return Quantity(name, "", bool, "read-write", f"{word}?", f"{word} {{value}}", source="section 3")


def _choice(name: str, word: str, *choices: str) -> Quantity:
    return Quantity(name, "", str, "read-write", f"{word}?", f"{word} {{value}}", choices=choices, source="section 3")
