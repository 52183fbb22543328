"""Sums over blocks of one step, in place and for all windows at once: as wide as the widest, whose bins the others have too."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daq.record.blocks import Step
from daq.reduce.charge import Levels, charges, levels, products
from daq.reduce.counting import MARGIN, counted, pulses
from daq.reduce.profiles import Counts, QuietSums, SpectrumSums, StepSums
from daq.reduce.windows import Window


@dataclass(frozen=True)
class Places:
    """Which samples are looked at: `stretches` intp[windows, samples], of the windows with the `MARGIN` of counting, and
    `ion_free` intp[samples] for the baseline.

    `saturated_code` is that of a clipped sample; `added` samples make a pulse, 0 where ions are not counted.
    """

    stretches: NDArray[np.intp]
    samples_per_bin: int
    ion_free: NDArray[np.intp]
    saturated_code: int
    added: int

    @property
    def bins(self) -> int:
        """Bins of the widest window."""
        return int(self.stretches.shape[1]) // self.samples_per_bin - sum(MARGIN)

    @property
    def inside(self) -> slice:
        """The windows' own samples."""
        return slice(MARGIN[0] * self.samples_per_bin, self.stretches.shape[1] - MARGIN[1] * self.samples_per_bin)


class Tally:
    """Sums of `StepSums` and `SpectrumSums` over the blocks of `step` added here, less those taken out."""

    def __init__(self, step: Step, places: Places, samples: int) -> None:
        windows, bins = len(places.stretches), places.bins
        self.step, self._places = step, places
        self._shots = self._number_sum = self._saturated = 0
        self._quiet = np.zeros(3, np.int64)
        self._charge = np.zeros((windows, bins), np.int64)
        self._product = np.zeros((windows, bins, bins), np.int64)
        self._ions, self._live = np.zeros((2, windows, bins), np.int64)
        self._clipped = np.zeros(windows, np.int64)
        self._codes = np.zeros(samples, np.int64)

    def add(self, numbers: NDArray[np.int64], traces: NDArray[np.int16], sign: int) -> None:
        """Add the shots `numbers` with `traces` int16[shots, samples] `sign` times, 1 or -1."""
        places = self._places
        quiet = levels(traces, places.ion_free)
        codes = np.take(traces, places.stretches, axis=1, mode="clip")
        charge = charges(codes[:, :, places.inside], places.samples_per_bin, quiet.baseline)
        self._shots += sign * len(traces)
        self._number_sum += sign * int(numbers.sum())
        self._saturated += sign * int((traces.max(axis=1) >= places.saturated_code).sum())
        change = np.add if sign > 0 else np.subtract
        for total, part in (
            (self._quiet, [quiet.baseline.sum(), (quiet.baseline**2).sum(), (quiet.noise**2).sum()]),
            (self._charge, charge.sum(axis=0)),
            (self._product, products(charge)),
            (self._codes, traces.sum(axis=0, dtype=np.int32)),
            *(self._counted(codes, quiet) if places.added else ()),
        ):
            change(total, part, out=total)

    def _counted(self, codes: NDArray[np.int16], quiet: Levels) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Totals of counting, and what these shots add to them."""
        places = self._places
        yield from zip(
            (self._ions, self._live), counted(pulses(codes, places.samples_per_bin, quiet, places.added)), strict=True
        )
        yield self._clipped, np.count_nonzero(codes[:, :, places.inside].max(axis=2) >= places.saturated_code, axis=0)

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
