"""The preamble of an Infiniium's waveform: what one channel's block of segments holds (protocol sheet, section 5)."""

import math
from dataclasses import dataclass
from typing import Self

from drivers.driver import INTEGER, NUMBER

FIELDS = 25
"""Of them the last, the number of segments, is there in segmented mode only."""
WORD, SEGMENTED = 2, 2
HIGHEST = 32767


@dataclass(frozen=True)
class Preamble:
    """Sample i of a segment lies `start_s + i * interval_s` after its trigger; volt = `offset_V` + code × `scale_V`."""

    format: int
    mode: int
    points: int
    segments: int
    interval_s: float
    start_s: float
    scale_V: float
    offset_V: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the 25 fields of a segmented acquisition; `ValueError` when they are anything else."""
        fields = [field.strip(" ") for field in text.split(",")]
        if len(fields) != FIELDS:
            raise ValueError(f"{len(fields)} fields instead of {FIELDS}")
        found = cls(
            format=_integer(fields[0]),
            mode=_integer(fields[18]),
            points=_integer(fields[2]),
            segments=_integer(fields[24]),
            interval_s=_number(fields[4]),
            start_s=_number(fields[5]),
            scale_V=_number(fields[7]),
            offset_V=_number(fields[8]),
        )
        if found.points < 0 or found.segments < 0 or not 0 < found.interval_s < 1 or abs(found.start_s) > 1:
            raise ValueError("an impossible time axis")
        if not 0 < found.scale_V < 1 or abs(found.offset_V) > 100:
            raise ValueError("an impossible voltage axis")
        return found

    def code_at(self, volt: float) -> int:
        """The code of a voltage, at most the highest of WORD data.  Beyond the upper end of the screen samples count as clipped
        (*assumed*: no sheet tells the codes of clipped samples)."""
        return min(math.floor((volt - self.offset_V) / self.scale_V), HIGHEST)

    def why_not(self, segments: int) -> str | None:
        """What is wrong with this waveform when `segments` segments in WORD format are expected; None when nothing is."""
        if (self.format, self.mode) != (WORD, SEGMENTED):
            return f"delivers format {self.format} in mode {self.mode}; WORD (2) and segmented (2) are needed"
        if self.segments != segments:
            return f"announces {self.segments} segments, though it counted {segments}"
        return None


def _integer(field: str) -> int:
    if INTEGER.fullmatch(field) is None:
        raise ValueError(f"{field!r} instead of an integer")
    return int(field)


def _number(field: str) -> float:
    if NUMBER.fullmatch(field) is None:
        raise ValueError(f"{field!r} instead of a number")
    return float(field)
