"""The record of a simulated Infiniium: what of each trigger is sampled and read with the present settings.

*Assumed*: a record ends with the screen; interpolation doubles the points, in straight lines.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.world.conditions import Capture

FULL_CODES, DIVISIONS, FINER = 65_536, 8, 2
PULSE_V = 4.0
"""Height of the pulses at the trigger input (TTL into 50 ohm; assumed)."""


def sampled(values: Mapping[str, Any], number: int, channel: Mapping[str, Any], range_s: float, rate_Hz: float) -> Capture:
    """A record of this channel: as many points as are asked for and fit on the screen."""
    on_screen, asked = max(1, round(range_s * rate_Hz)), int(values[":ACQuire:POINts[:ANALog]"])
    samples = on_screen if values[":ACQuire:POINts:AUTO"] else min(asked, on_screen)
    before_s = samples / rate_Hz * values[":TIMebase:REFerence:PERCent"] / 100
    return Capture(
        channel=number,
        samples=samples,
        interval_s=1 / rate_Hz,
        start_s=float(values[":TIMebase:POSition"]) - before_s,
        volts_per_code=channel[":CHANnel<n>:SCALe"] * DIVISIONS / FULL_CODES,
        offset_V=channel[":CHANnel<n>:OFFSet"],
    )


def finer(capture: Capture) -> Capture:
    """The same record as it is read with interpolation."""
    return replace(capture, samples=capture.samples * FINER, interval_s=capture.interval_s / FINER)


def interpolated(codes: NDArray[np.int16]) -> NDArray[np.int16]:
    """A point between each two."""
    more = np.repeat(codes, FINER, axis=1)
    more[:, 1:-1:FINER] = (codes[:, :-1].astype(np.int32) + codes[:, 1:]) // 2
    return more


def sees_pulses(values: Mapping[str, Any], levels: Mapping[str, float]) -> bool:
    """Whether the trigger's set-up suits pulses at the trigger input, of which rising edges are modelled."""
    suits = values[":TRIGger:EDGE:SOURce"] == "AUX" and values[":TRIGger:EDGE:SLOPe"] != "NEG"
    return suits and 0 < levels.get("AUX", 0.0) < PULSE_V


def taken(times: NDArray[np.float64], busy_s: float) -> NDArray[np.float64]:
    """Triggers that do not come while the one before is still busy."""
    if not np.any(np.diff(times) < busy_s):
        return times
    found = times[:1].tolist()
    for time in times[1:].tolist():
        if time - found[-1] >= busy_s:
            found.append(time)
    return np.array(found)
