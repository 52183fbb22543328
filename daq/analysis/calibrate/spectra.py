"""Mean traces of consecutive groups of shots: what differs between groups is the error of whatever is made of their mean."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daq.analysis.calibrate.estimate import CannotCalibrate
from daq.record.blocks import ShotBlock, TraceAxis
from daq.reduce.reducer import MCP

GROUPS = 32
FEWEST_SHOTS = 64


@dataclass(frozen=True)
class Spectra:
    """`groups` float64[groups, samples]: mean trace of each group in codes above the baseline; `shots` int64[groups]."""

    axis: TraceAxis
    shots: NDArray[np.int64]
    groups: NDArray[np.float64]

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean trace of all shots, float64[samples]."""
        return np.asarray(np.average(self.groups, axis=0, weights=self.shots))


def grouped(blocks: Iterable[ShotBlock], axis: TraceAxis, total: int) -> Spectra:
    """The `total` shots of these blocks, in their order, in `GROUPS` groups of about the same number.

    Groups follow each other in time, so a drift of the machine widens the errors as it should.
    """
    if total < FEWEST_SHOTS:
        raise CannotCalibrate(f"only {total} shots are usable; at least {FEWEST_SHOTS} are needed")
    codes, shots = np.zeros((GROUPS, axis.samples), np.int64), np.zeros(GROUPS, np.int64)
    done = 0
    for block in blocks:
        group = (done + np.arange(len(block.traces))) * GROUPS // total
        for one in np.unique(group):
            mine = block.traces[group == one, MCP]
            codes[one] += mine.sum(axis=0, dtype=np.int64)
            shots[one] += len(mine)
        done += len(block.traces)
    means = codes / np.maximum(shots, 1)[:, None]
    return Spectra(axis, shots, means - np.median(means, axis=1)[:, None])
