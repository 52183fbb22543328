"""A calibration as it was made from runs, and how it goes into a set of calibrations."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from config.calibration import Calibrations, Measured, VelocityCalibration
from daq.analysis.calibrate.estimate import Estimate
from daq.conversions.deflection import with_flight_told


@dataclass(frozen=True)
class Row:
    """One number that was measured, beside what the run file's calibration says of it; shown times `scale`, in `unit`."""

    name: str
    unit: str
    estimate: Estimate
    old: Measured | None = None
    scale: float = 1.0


@dataclass(frozen=True)
class Made:
    """`changed` holds what was measured and nothing else, by part of `Calibrations` and its keys; where that is a C
    from atoms, `velocity` is the calibration that told how fast they were."""

    rows: Sequence[Row]
    notes: Sequence[str]
    changed: Mapping[str, Mapping[str, Any]]
    velocity: VelocityCalibration | None = None

    def applied(self, old: Calibrations) -> Calibrations:
        """`old` with what was measured; the rest is kept, but for a C from atoms, which goes with the time zero in force."""
        parts = {part: getattr(old, part).model_copy(update=dict(measured)) for part, measured in self.changed.items()}
        new = old.model_copy(update=parts)
        C = with_flight_told(new.deflection, self.velocity or old.velocity, new.velocity)
        return new.model_copy(update={"deflection": C})

    def said_of(self, old: Calibrations) -> list[str]:
        """A sentence for each number that `old` knows better, and for a C that `applied` brings to another time zero."""
        said = []
        for part, measured in self.changed.items():
            known = dict(_uncertainties(getattr(old, part)))
            said += [
                f"{part}.{key} was known better before: to ± {known[key]:.2g}, from these runs to ± {now:.2g}"
                for key, now in _uncertainties(measured.items())
                if now > known.get(key, math.inf)
            ]
        C, new = self.changed.get("deflection", {}).get("C_T_m", old.deflection.C_T_m), self.applied(old).deflection.C_T_m
        if new != C:
            said.append(f"C from atoms goes with time zero and flight path: {C.value:.5g} becomes {new.value:.5g} T·m")
        return said


def _uncertainties(measured: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, float]]:
    """Of each key that has one, in its unit; a part's own is relative."""
    for key, value in measured:
        if isinstance(value, Measured):
            yield key, value.uncertainty
        elif key == "relative_uncertainty":
            yield key, value
