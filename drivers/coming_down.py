"""High voltages on their way to zero, judged by the outputs' own read-back."""

import time
from collections.abc import Callable

from drivers.driver import Pause
from drivers.roles import SafeResult

NO_VOLTAGE_V = 20.0
"""Below this an output counts as down (*assumed*: well under what an MCP needs, above the read-back's offset)."""
FALL_S = 5.0
"""Within this (wall time) an output on its way to zero has visibly fallen."""


def come_down(magnitudes_V: Callable[[], list[float]], fall_V: float, pause: Pause) -> SafeResult:
    """Look until every output is down or has fallen by `fall_V`; unconfirmed when one has not within `FALL_S`.

    `fall_V` is more than the last digits of the read-back dance by, and less than the slowest ramp falls in `FALL_S`.
    """
    first = left = magnitudes_V()
    deadline = time.monotonic() + FALL_S
    while max(left) > NO_VOLTAGE_V:
        if all(now <= max(NO_VOLTAGE_V, before - fall_V) for now, before in zip(left, first, strict=True)):
            return SafeResult(True, f"ramping to zero, {max(left):.0f} V left")
        if time.monotonic() > deadline:
            return SafeResult(False, f"set points zero, but {max(left):.0f} V stay")
        pause(0.2)
        left = magnitudes_V()
    return SafeResult(True, "no voltage")
