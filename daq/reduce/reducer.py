"""Blocks of traces into running sums, live and offline alike.

`add` may be called with any partition of the shots into blocks, in any order: all sums are integers, so results are
bit-equal.
"""

from collections.abc import Iterable

import numpy as np

from config.calibration import Calibrations
from daq.record.blocks import ShotBlock, Step, TraceAxis
from daq.reduce.counting import MARGIN, added_samples
from daq.reduce.extract import Extract, Places, extract
from daq.reduce.profiles import Profiles, SpectrumSums, StepSums
from daq.reduce.tally import Tally
from daq.reduce.windows import cluster_windows, ion_free_samples, stretches

MCP = 0
"""Channel of a block that holds the MCP signal."""
HIGHEST_CODE = 32767
"""Where the digitizer does not tell from which code on samples may be clipped."""


class Reducer:
    """Adds blocks to sums per step and spectra per set field.

    `sizes` are the clusters of `element` to make profiles of.  Without `counting` there is charge only.
    """

    def __init__(
        self,
        axis: TraceAxis,
        element: str,
        sizes: Iterable[int],
        calibrations: Calibrations,
        counting: bool = True,
    ) -> None:
        self._axis, self._element = axis, element
        self._windows, self._outside = cluster_windows(axis, element, sizes, calibrations)
        if not self._windows:
            raise ValueError(f"none of the sizes of {element} given arrives inside the trace; record longer or name others")
        ion_free = ion_free_samples(axis, element, self._windows, calibrations)
        first, samples = stretches(self._windows, *MARGIN)
        saturated_code = axis.highest_code[MCP] if axis.highest_code else HIGHEST_CODE
        added = added_samples(axis.interval_s) if counting else 0
        self._places = Places(first, samples, self._windows[0].samples_per_bin, ion_free, saturated_code, added)
        self._steps: dict[int, StepSums] = {}
        self._spectra: dict[float, SpectrumSums] = {}
        self._tally: Tally | None = None
        """Of the latest blocks, all of one step, which are not in the others yet."""

    def add(self, step: Step, block: ShotBlock) -> None:
        """Add the shots of a block taken under the conditions of `step`; `ValueError` if the two do not belong together."""
        self._belongs(step, block)
        self.add_extract(step, self.extract(block))

    def remove(self, step: Step, block: ShotBlock) -> None:
        """Take out the shots of a block that were added before, bit for bit."""
        self._belongs(step, block)
        self.remove_extract(step, self.extract(block))

    def extract(self, block: ShotBlock) -> Extract:
        """What `add_extract` needs of a block; any thread may make it.  `ValueError` if the traces do not fit."""
        shape = block.traces.shape
        if len(shape) != 3 or shape[1] < 1 or shape[2] != self._axis.samples:
            raise ValueError(f"traces of shape {shape} do not fit; (shots, channels, {self._axis.samples}) is expected")
        if block.traces.dtype != np.int16:
            raise ValueError(f"traces of type {block.traces.dtype} do not fit; int16 codes are expected")
        if len(block.numbers) != shape[0]:
            raise ValueError(f"{len(block.numbers)} shot numbers do not fit {shape[0]} traces")
        return extract(block.numbers, block.traces[:, MCP], self._places)

    def add_extract(self, step: Step, shots: Extract) -> None:
        """Add what was extracted from shots taken under the conditions of `step`."""
        self._tally_of(step).add(shots, 1)

    def remove_extract(self, step: Step, shots: Extract) -> None:
        """Take out what was added before, bit for bit."""
        self._tally_of(step).add(shots, -1)

    def profiles(self) -> Profiles:
        """A snapshot; later blocks do not change it."""
        self._put_down()
        steps = tuple(self._steps[index] for index in sorted(self._steps))
        return Profiles(self._axis, self._element, self._windows, self._outside, steps, dict(self._spectra))

    def _tally_of(self, step: Step) -> Tally:
        if self._tally is None or self._tally.step != step:
            self._put_down()
            if step.index in self._steps:
                self._steps[step.index].check(step)
            self._tally = Tally(step, self._places, self._axis.samples)
        return self._tally

    def _put_down(self) -> None:
        """What the tally holds into the sums."""
        if self._tally is None:
            return
        sums, spectrum = self._tally.sums(self._windows)
        self._tally = None
        index, field_T = sums.step.index, sums.step.field_set_T
        steps, spectra = self._steps, self._spectra
        steps[index] = steps[index] + sums if index in steps else sums
        spectra[field_T] = spectra[field_T] + spectrum if field_T in spectra else spectrum
        if not steps[index].shots:
            del steps[index]
        if not spectra[field_T].shots:
            del spectra[field_T]

    @staticmethod
    def _belongs(step: Step, block: ShotBlock) -> None:
        if block.step != step.index:
            raise ValueError(f"a block of step {block.step} was given with the conditions of step {step.index}")
