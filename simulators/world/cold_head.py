"""The source on its closed-cycle cryocooler: heat capacity, cooling power, heater.  All numbers are *assumed*."""

from collections.abc import Callable
from dataclasses import dataclass

BASE_K, ROOM_K = 18.0, 295.0
COOLING_W_PER_K = 1.2
"""Cooling power above the base temperature, up to `STRONGEST_W`."""
STRONGEST_W = 60.0
HEAT_CAPACITY_J_K = 25.0
LEAK_W_PER_K = 0.05
"""Heat that leaks in from the room while nothing cools."""
STEP_S = 0.05


@dataclass
class ColdHead:
    """Temperature of the source; `heater_W` holds until it is changed."""

    temperature_K: float = 25.0
    heater_W: float = 0.0
    at_s: float = 0.0
    compressor_runs: Callable[[float], bool] = lambda now: True

    def advance(self, now: float) -> float:
        """Move on to `now` (never back) and return the temperature.  Without its compressor it warms towards the room."""
        cooled = self.compressor_runs(now)
        while now - self.at_s > STEP_S:
            self._step(STEP_S, cooled)
        if now > self.at_s:
            self._step(now - self.at_s, cooled)
        return self.temperature_K

    def _step(self, duration_s: float, cooled: bool) -> None:
        if cooled:
            cooling_W = min(STRONGEST_W, COOLING_W_PER_K * (self.temperature_K - BASE_K))
        else:
            cooling_W = LEAK_W_PER_K * (self.temperature_K - ROOM_K)
        self.temperature_K += (self.heater_W - cooling_W) / HEAT_CAPACITY_J_K * duration_s
        self.at_s += duration_s
