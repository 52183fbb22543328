"""A burst's set-up as an Infiniium is told it, and as it should read back (protocol sheet, sections 3 and 4)."""

import sys

from drivers.errors import LimitError
from drivers.roles import DigitizerSetup

CHANNELS = (1, 2, 3, 4)
DIVISIONS = 8
"""Of the screen, from bottom to top."""
BYTE_ORDER = {"little": "LSBFirst", "big": "MSBFirst"}[sys.byteorder]
"""Of this computer, so that samples are received as they are used."""
TRANSFER = (
    ":WAVeform:FORMat WORD",
    f":WAVeform:BYTeorder {BYTE_ORDER}",
    ":WAVeform:STReaming OFF",
    ":WAVeform:SEGMented:ALL ON",
)


def check(name: str, setup: DigitizerSetup) -> None:
    """Raise `LimitError` for what no oscilloscope of this family can do."""
    count = len(setup.channels)
    if not count or len(set(setup.channels)) != count or not set(setup.channels) <= set(CHANNELS):
        raise LimitError(name, f"channels = {setup.channels} must be different ones of {CHANNELS}")
    if len(setup.full_scale_V) != count or len(setup.offset_V) != count:
        raise LimitError(name, f"needs one full scale and one offset for each of {count} channels")
    if setup.samples < 1 or not setup.sample_rate_Hz > 0 or not all(full_scale_V > 0 for full_scale_V in setup.full_scale_V):
        raise LimitError(name, "samples, sample rate and full scale must be greater than 0")


def commands(setup: DigitizerSetup) -> tuple[str, ...]:
    """Everything in the order that the instrument needs; one command a message."""
    return (*_vertical(setup), *_horizontal(setup), *_trigger(setup), *TRANSFER)


def expected_numbers(setup: DigitizerSetup) -> list[tuple[str, float, float]]:
    """Query, number, tolerance: of the vertical settings 1 % of the full scale, since the preamble carries the exact ones."""
    level_V = setup.trigger_level_V
    expected = [
        (":ACQuire:SRATe:ANALog?", setup.sample_rate_Hz, 1e-3 * setup.sample_rate_Hz),
        (f":TRIGger:LEVel? {setup.trigger_source}", level_V, 0.01 + 0.01 * abs(level_V)),
        (":TIMebase:POSition?", 0.0, 1 / setup.sample_rate_Hz),
        (":ACQuire:INTerpolate?", 0, 0),
        (":ACQuire:AVERage?", 0, 0),
    ]
    for channel, full_scale_V, offset_V in zip(setup.channels, setup.full_scale_V, setup.offset_V, strict=True):
        expected.append((f":CHANnel{channel}:DISPlay?", 1, 0))
        expected.append((f":CHANnel{channel}:SCALe?", full_scale_V / DIVISIONS, 0.01 * full_scale_V / DIVISIONS))
        expected.append((f":CHANnel{channel}:OFFSet?", offset_V, 0.01 * full_scale_V))
    return expected


def expected_words(setup: DigitizerSetup) -> list[tuple[str, str]]:
    """Query and word, in its long form.  That a byte order is told as `LSBF` is *assumed*."""
    return [
        *((f":CHANnel{channel}:INPut?", "DC50") for channel in setup.channels),
        (":TIMebase:REFerence?", "LEFT"),
        (":TRIGger:EDGE:SOURce?", setup.trigger_source),
        (":TRIGger:EDGE:SLOPe?", "POSitive"),
        (":TRIGger:SWEep?", "TRIGgered"),
        (":ACQuire:MODE?", "SEGMented"),
        (":WAVeform:FORMat?", "WORD"),
        (":WAVeform:BYTeorder?", BYTE_ORDER),
    ]


def _vertical(setup: DigitizerSetup) -> list[str]:
    texts = [f":CHANnel{channel}:DISPlay OFF" for channel in CHANNELS if channel not in setup.channels]
    for channel, full_scale_V, offset_V in zip(setup.channels, setup.full_scale_V, setup.offset_V, strict=True):
        texts += [
            f":CHANnel{channel}:DISPlay ON",
            f":CHANnel{channel}:INPut DC50",
            f":CHANnel{channel}:SCALe {full_scale_V / DIVISIONS:.6E}",
            f":CHANnel{channel}:OFFSet {offset_V:.6E}",
        ]
    return texts


def _horizontal(setup: DigitizerSetup) -> tuple[str, ...]:
    return (
        ":ACQuire:MODE SEGMented",
        ":ACQuire:INTerpolate OFF",
        ":ACQuire:AVERage OFF",
        ":TIMebase:REFerence LEFT",
        f":TIMebase:RANGe {setup.samples / setup.sample_rate_Hz:.9E}",
        ":TIMebase:POSition 0",
        f":ACQuire:SRATe:ANALog {setup.sample_rate_Hz:.6E}",
        f":ACQuire:POINts:ANALog {setup.samples}",
    )


def _trigger(setup: DigitizerSetup) -> tuple[str, ...]:
    """The level after source and vertical scale, which bound it (section 10, 3)."""
    return (
        ":TRIGger:MODE EDGE",
        ":TRIGger:SWEep TRIGgered",
        f":TRIGger:EDGE:SOURce {setup.trigger_source}",
        ":TRIGger:EDGE:SLOPe POSitive",
        f":TRIGger:LEVel {setup.trigger_source},{setup.trigger_level_V:.4E}",
    )
