"""From arrival times to ADC codes: single-ion pulses of the MCP on noise."""

from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simulators.world.conditions import Capture
from simulators.world.truth import Machine

POOL_SAMPLES = 1 << 22
FWHM = 2.354820045
HIGHEST_CODE = 32767


class Noise:
    """A long stretch of ADC noise from which each shot takes a piece at a random place: exact statistics, at memory speed."""

    def __init__(self, seed: int) -> None:
        self._unit = np.random.default_rng([seed, 0x0153]).standard_normal(POOL_SAMPLES, dtype=np.float32)
        self._codes: dict[float, NDArray[np.int16]] = {}

    def codes(self, rms_codes: float) -> NDArray[np.int16]:
        if rms_codes not in self._codes:
            self._codes = {rms_codes: np.rint(self._unit * np.float32(rms_codes)).astype(np.int16)}
        return self._codes[rms_codes]


class Pulses(Protocol):
    """Ions of a burst: the shot each belongs to, when its pulse arrives after the trigger, and how high it is."""

    @property
    def shot(self) -> NDArray[np.int64]: ...

    @property
    def arrival_s(self) -> NDArray[np.float64]: ...

    @property
    def height_V(self) -> NDArray[np.float64]: ...


def traces(pulses: Pulses, starts: NDArray[np.int64], noise: Noise, machine: Machine, capture: Capture) -> NDArray[np.int16]:
    """Codes int16[shots, samples]; `starts` says where in the noise each shot's piece begins.  The ADC saturates."""
    shots = len(starts)
    pool = noise.codes(machine.noise_V / capture.volts_per_code)
    result = np.empty((shots, capture.samples), dtype=np.int16)
    baseline = round((machine.baseline_V - capture.offset_V) / capture.volts_per_code)
    for row, start in enumerate(starts):
        np.add(pool[start : start + capture.samples], np.int16(baseline), out=result[row])
    _add_pulses(result, pulses, machine, capture, baseline)
    return result


def _add_pulses(result: NDArray[np.int16], pulses: Pulses, machine: Machine, capture: Capture, baseline: int) -> None:
    sigma = machine.pulse_s / FWHM / capture.interval_s
    reach = max(2, int(np.ceil(4 * sigma)))
    centre = (pulses.arrival_s - capture.start_s) / capture.interval_s
    inside = (centre > reach) & (centre < capture.samples - reach - 1)
    centre, shot = centre[inside], pulses.shot[inside]
    height = pulses.height_V[inside] / capture.volts_per_code
    nearest = np.rint(centre).astype(np.int64)
    offsets = np.arange(-reach, reach + 1)
    shape = np.exp(-(((nearest - centre)[:, None] + offsets) ** 2) / (2 * sigma**2)) * height[:, None]
    where = nearest[:, None] + offsets
    signal = np.zeros(capture.samples)
    for row, (first, last) in enumerate(pairwise(np.searchsorted(shot, np.arange(len(result) + 1)).tolist())):
        touched = where[first:last].ravel()
        np.add.at(signal, touched, shape[first:last].ravel())
        codes = result[row, touched] + np.rint(signal[touched])
        result[row, touched] = np.minimum(codes, HIGHEST_CODE).astype(np.int16)
        signal[touched] = 0.0
