"""Sums over blocks of one step, in place and for all windows at once: as wide as the widest, whose bins the others have too."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from daq.record.blocks import Step
from daq.reduce.charge import products
from daq.reduce.counting import counted
from daq.reduce.extract import Extract, Places
from daq.reduce.profiles import Counts, QuietSums, SpectrumSums, StepSums
from daq.reduce.windows import Window


class Tally:
    """Sums of `StepSums` and `SpectrumSums` over the blocks of `step` added here, less those taken out."""

    def __init__(self, step: Step, places: Places, samples: int) -> None:
        windows, bins = len(places.first), places.bins
        self.step, self._places = step, places
        self._shots = self._number_sum = self._saturated = 0
        self._quiet = np.zeros(3, np.int64)
        self._charge = np.zeros((windows, bins), np.int64)
        self._product = np.zeros((windows, bins, bins), np.int64)
        self._ions, self._live = np.zeros((2, windows, bins), np.int64)
        self._clipped = np.zeros(windows, np.int64)
        self._codes = np.zeros(samples, np.int64)

    def add(self, shots: Extract, sign: int) -> None:
        """Add these shots `sign` times, 1 or -1."""
        quiet, charge = shots.levels, shots.charge
        self._shots += sign * len(shots.numbers)
        self._number_sum += sign * int(shots.numbers.sum())
        self._saturated += sign * shots.saturated
        change = np.add if sign > 0 else np.subtract
        for total, part in (
            (self._quiet, [quiet.baseline.sum(), (quiet.baseline**2).sum(), (quiet.noise**2).sum()]),
            (self._charge, charge.sum(axis=0, dtype=np.int64)),
            (self._product, products(charge)),
            (self._codes, shots.codes),
            *self._counted(shots),
        ):
            change(total, part, out=total)

    def _counted(self, shots: Extract) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Totals of counting, and what these shots add to them."""
        if shots.found is not None and shots.clipped is not None:
            yield from zip((self._ions, self._live), counted(shots.found), strict=True)
            yield self._clipped, shots.clipped

    def sums(self, windows: tuple[Window, ...]) -> tuple[StepSums, SpectrumSums]:
        """What has come together, each window with the bins of its own.  Not to be added to any more."""
        bins = [window.bins for window in windows]
        charge = tuple(total[:n].copy() for total, n in zip(self._charge, bins, strict=True))
        product = tuple(total[:n, :n].copy() for total, n in zip(self._product, bins, strict=True))
        counts: tuple[Counts, ...] = ()
        clipped: tuple[int, ...] = ()
        if self._places.added:
            found = zip(self._ions, self._live, bins, strict=True)
            counts = tuple(Counts(ions[:n].copy(), live[:n].copy()) for ions, live, n in found)
            clipped = tuple(self._clipped.tolist())
        quiet = QuietSums(*self._quiet.tolist())
        return (
            StepSums(self.step, self._shots, self._number_sum, self._saturated, charge, product, counts, clipped, quiet),
            SpectrumSums(self._shots, self._codes, quiet.baseline),
        )
