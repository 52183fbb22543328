"""When the light really came: the leading edge of the photodiode's pulse, measured in every shot."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from daq.record.blocks import ShotBlock, Step, TraceAxis
from daq.record.messages import Measured

CHANNEL = 1
"""Of a block, after the MCP's."""
FRACTION = 0.5
"""Of its own height, at which a pulse is timed, so that its height does not matter (constant fraction)."""
LEAST_NOISES = 10.0
"""A pulse is this many times higher than the noise; otherwise there was no light."""
STRIDE = 17


def ionisation_times_s(traces: NDArray[np.int16], start_s: float, interval_s: float) -> NDArray[np.float64]:
    """Time of the light in each of `traces` int16[shots, samples], float64[shots] in s on the traces' axis; NaN without light.

    The crossing of half the height on the leading edge, interpolated between two samples.
    """
    base = np.median(traces[:, ::STRIDE], axis=1)
    noise = max(1.0, float(np.median(np.abs(traces[:, ::STRIDE] - base[:, None]))) * 1.4826)
    peak = traces.argmax(axis=1)
    height = traces.max(axis=1) - base
    level = base + FRACTION * height
    # The last sample below the level before the peak: the first one when looking back.
    before = (traces < level[:, None]) & (np.arange(traces.shape[1]) < peak[:, None])
    last = traces.shape[1] - 1 - before[:, ::-1].argmax(axis=1)
    lit = (height > LEAST_NOISES * noise) & before.any(axis=1)
    row = np.arange(len(traces))
    last = np.where(lit, last, 0)
    low = traces[row, last].astype(np.float64)
    high = traces[row, np.minimum(last + 1, traces.shape[1] - 1)].astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        place = last + (level - low) / (high - low)
    return np.where(lit, start_s + interval_s * place, np.nan)


class IonisationTimes:
    """A follower that writes the measured times down."""

    def __init__(self, axis: TraceAxis, tell: Callable[[Measured], None]) -> None:
        self._axis, self._tell = axis, tell

    def __call__(self, step: Step, block: ShotBlock) -> None:
        times_s = ionisation_times_s(block.traces[:, CHANNEL], self._axis.start_s, self._axis.interval_s)
        self._tell(Measured(block.numbers.astype(np.int64).tobytes(), times_s.tobytes()))
