"""Sums over blocks of one step, in place and for all windows at once: as wide as the widest, whose bins the others have too."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daq.record.blocks import Step
from daq.reduce.charge import baselines, charges, products
from daq.reduce.profiles import SpectrumSums, StepSums
from daq.reduce.windows import Window


@dataclass(frozen=True)
class Places:
    """Which samples are summed: `bins` intp[samples per bin, windows, bins], `ion_free` intp[samples] for the baseline;
    `saturated_code` is that of a clipped sample."""

    bins: NDArray[np.intp]
    ion_free: NDArray[np.intp]
    saturated_code: int


class Tally:
    """Sums of `StepSums` and `SpectrumSums` over the blocks of `step` added here, less those taken out."""

    def __init__(self, step: Step, places: Places, samples: int) -> None:
        _, windows, bins = places.bins.shape
        self.step, self._places = step, places
        self._shots = self._number_sum = self._saturated = self._baseline = 0
        self._charge = np.zeros((windows, bins), np.int64)
        self._product = np.zeros((windows, bins, bins), np.int64)
        self._codes = np.zeros(samples, np.int64)

    def add(self, numbers: NDArray[np.int64], traces: NDArray[np.int16], sign: int) -> None:
        """Add the shots `numbers` with `traces` int16[shots, samples] `sign` times, 1 or -1."""
        baseline = baselines(traces, self._places.ion_free)
        charge = charges(traces, self._places.bins, baseline)
        product = products(charge)
        self._shots += sign * len(traces)
        self._number_sum += sign * int(numbers.sum())
        self._saturated += sign * int((traces.max(axis=1) >= self._places.saturated_code).sum())
        self._baseline += sign * int(baseline.sum())
        change = np.add if sign > 0 else np.subtract
        for total, part in (
            (self._charge, charge.sum(axis=0)),
            (self._product, product),
            (self._codes, traces.sum(axis=0, dtype=np.int32)),
        ):
            change(total, part, out=total)

    def sums(self, windows: tuple[Window, ...]) -> tuple[StepSums, SpectrumSums]:
        """What has come together, each window with the bins of its own.  Not to be added to any more."""
        bins = [window.bins for window in windows]
        charge = tuple(total[:n].copy() for total, n in zip(self._charge, bins, strict=True))
        product = tuple(total[:n, :n].copy() for total, n in zip(self._product, bins, strict=True))
        return (
            StepSums(self.step, self._shots, self._number_sum, self._saturated, charge, product),
            SpectrumSums(self._shots, self._codes, self._baseline),
        )
