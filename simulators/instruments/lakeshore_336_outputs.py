"""Outputs, relays and autotuning of the simulated Lake Shore 336."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from simulators.instruments.lakeshore_336_inputs import KELVIN, Input, Parameters

CURRENTS_A = {1: 0.707, 2: 1.0, 3: 1.141, 4: 2.0}
"""Highest currents of HTRSET (LS, SO)."""
STRONGEST_W = {1: 100.0, 2: 50.0}
LOADS_OHM = {1: 25.0, 2: 50.0}
SHARE = {0: 0.0, 1: 0.01, 2: 0.1, 3: 1.0}
"""Of the highest power, for each heater range (assumed)."""
CLOSED_LOOP, ZONES, OPEN_LOOP, MONITOR, WARM_UP = 1, 2, 3, 4, 5
SHOWS_CURRENT = 1
HEATER_FAULTS = {"heater_open": 1, "heater_short": 2}
"""With their code of HTRST."""
FOLLOW_ALARM = 2
LOW, HIGH, BOTH = 0, 1, 2
LEAST_RATE_K_MIN = 0.1
TUNED = (4.0, 4.0, 0.0)
"""What autotuning finds for this cold head (assumed)."""
TUNING_STAGES, STAGE_S = 10, 6.0


@dataclass
class Output:
    """A control loop with its heater (1, 2) or its voltage (3, 4)."""

    number: int
    mode: list[int]
    """Mode, input (0 none, 1 A ...), on after power-up."""
    range: int = 0
    set_K: float = 25.0
    """Where the ramp has got to."""
    target_K: float = 25.0
    ramp_on: int = 0
    ramp_K_min: float = 0.0
    pid: list[float] = field(default_factory=lambda: list(TUNED))
    manual: float = 0.0
    heater: list[float] = field(default_factory=lambda: [1, 4, 2.0, 2])
    """Resistance, highest current, the user's current, display."""
    analog: list[float] = field(default_factory=lambda: [0, KELVIN, 1000.0, 0.0, 0])
    """Of a monitor: input, units, what 100 % and what 0 % (-100 % if bipolar) stands for, bipolar."""
    zones: dict[int, list[float]] = field(
        default_factory=lambda: {zone: [0.0, 50.0, 20.0, 0.0, 0.0, 0, 0, 0.0] for zone in range(1, 11)}
    )
    """Upper bound, P, I, D, manual output, range, input, rate."""
    load: int = 0
    """What is wrong with the heater, and what HTRST has yet to tell of it."""
    told: int = 0
    integral_W: float = 0.0
    level: float = 0.0
    """Share of the range that is given out."""

    @property
    def is_heater(self) -> bool:
        return self.number in STRONGEST_W

    @property
    def highest_W(self) -> float:
        if not self.is_heater:
            return float(self.range)
        resistance, most, user_A, _ = self.heater
        current_A = CURRENTS_A.get(int(most), user_A)
        return SHARE[self.range] * min(STRONGEST_W[self.number], current_A**2 * LOADS_OHM[int(resistance)])

    @property
    def highest_range(self) -> int:
        return 3 if self.is_heater else 1

    @property
    def power_W(self) -> float:
        return self.level * self.highest_W

    @property
    def percent(self) -> float:
        """Of power, or of current where that is shown."""
        return 100 * (self.level**0.5 if self.is_heater and self.heater[3] == SHOWS_CURRENT else self.level)

    @property
    def ramping(self) -> bool:
        return bool(self.ramp_on) and self.set_K != self.target_K

    def set_ramp(self, on: float, rate_K_min: float) -> None:
        if 0 < rate_K_min < LEAST_RATE_K_MIN:
            raise ValueError(rate_K_min)
        self.ramp_on, self.ramp_K_min = int(on), rate_K_min

    def ramp(self, step_s: float) -> None:
        if self.ramp_on and self.ramp_K_min:
            step_K = self.ramp_K_min / 60 * step_s
            self.set_K += max(-step_K, min(step_K, self.target_K - self.set_K))
        else:
            self.set_K = self.target_K

    def drive(self, sensor: Input, monitored: Input, step_s: float) -> None:
        """The level of the next step.  An invalid sensor leaves a loop without power (assumed)."""
        if self.load and self.range:
            self.range, self.told = 0, self.load
        level, integral_W, highest_W = 0.0, 0.0, self.highest_W
        if highest_W:
            match self.mode[0]:
                case 1 | 2 if not sensor.status:
                    level, integral_W = self._loop(self.set_K - sensor.temperature_K, highest_W, step_s)
                case 3:
                    level = self.manual / 100
                case 4:
                    level = self._monitor(monitored)
                case 5 if not sensor.status:
                    level = float(sensor.temperature_K < self.set_K)
        self.level, self.integral_W = level, integral_W

    def load_zone(self) -> None:
        """The first zone that holds the set point gives PID, manual output, range, input and rate."""
        for bound_K, p, i, d, manual, heater, sensor, rate in self.zones.values():
            if self.set_K <= bound_K:
                self.pid, self.manual, self.range = [p, i, d], manual, int(heater)
                self.mode[1], self.ramp_K_min = int(sensor) or self.mode[1], rate
                return

    def _loop(self, error_K: float, highest_W: float, step_s: float) -> tuple[float, float]:
        proportional, integral, _ = self.pid
        more_W = integral / 10 * error_K * step_s
        wanted_W = proportional * error_K + self.integral_W + more_W
        power_W = min(highest_W, max(0.0, wanted_W))
        return power_W / highest_W, self.integral_W + (more_W if power_W == wanted_W else 0.0)

    def _monitor(self, monitored: Input) -> float:
        _, units, high, low, bipolar = self.analog
        if high == low or monitored.status:
            return 0.0
        share = (monitored.reading(int(units)) - low) / (high - low)
        return max(-1.0, min(1.0, 2 * share - 1)) if bipolar else max(0.0, min(1.0, share))


@dataclass
class Autotune:
    """Tuning of one output: ten stages, then PID as found; an error where the loop does not regulate."""

    output: Output | None = None
    mode: int = 0
    started_s: float = 0.0
    stage: int = 0
    failed: bool = False
    done: bool = False

    def step(self, now: float, regulates: bool) -> None:
        if self.output is None:
            return
        self.stage = int((now - self.started_s) / STAGE_S)
        if not regulates:
            self.output, self.failed = None, True
        elif self.stage >= TUNING_STAGES:
            self.output.pid[: self.mode + 1] = TUNED[: self.mode + 1]
            self.output, self.stage, self.done = None, 0, True

    def told(self) -> str:
        """Active, output, error, stage."""
        return f"{self.output is not None:d},{self.output.number if self.output else 0},{self.failed:d},{self.stage:02d}"


@dataclass
class Relay:
    mode: int = 0
    input: str = "A"
    kind: int = LOW

    def set(self, p: Parameters) -> None:
        """Mode, input and kind of alarm; what is empty stays."""
        mode, letter = p.whole(0, FOLLOW_ALARM, keep=self.mode), p.input(keep=self.input)
        self.kind = p.last(LOW, BOTH, keep=self.kind)
        self.mode, self.input = mode, letter

    def closed(self, inputs: Mapping[str, Input]) -> bool:
        if self.mode != FOLLOW_ALARM:
            return bool(self.mode)
        one = inputs[self.input]
        return (one.low and self.kind != HIGH) or (one.high and self.kind != LOW)
