"""The source on its closed-cycle cryocooler: heat capacity, cooling power, heater.  All numbers are *assumed*."""

from dataclasses import dataclass

BASE_K, ROOM_K = 18.0, 295.0
COOLING_W_PER_K = 1.2
"""Cooling power above the base temperature, up to `STRONGEST_W`."""
STRONGEST_W = 60.0
HEAT_CAPACITY_J_K = 25.0
STEP_S = 0.05


@dataclass
class ColdHead:
    """Temperature of the source; `heater_W` holds until it is changed."""

    temperature_K: float = 25.0
    heater_W: float = 0.0
    at_s: float = 0.0

    def advance(self, now: float) -> float:
        """Move on to `now` (never back) and return the temperature."""
        while now - self.at_s > STEP_S:
            self._step(STEP_S)
        if now > self.at_s:
            self._step(now - self.at_s)
        return self.temperature_K

    def _step(self, duration_s: float) -> None:
        cooling_W = min(STRONGEST_W, COOLING_W_PER_K * (self.temperature_K - BASE_K))
        self.temperature_K += (self.heater_W - cooling_W) / HEAT_CAPACITY_J_K * duration_s
        self.at_s += duration_s
