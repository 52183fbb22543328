"""Set points that a simulated Danfysik 8500 gives itself: a table of steps, and stacks of ramps (protocol sheet, PM).

*Assumed*: a stack's ramp is walked in steps of its unit of time, 1 s (`SLOW`) or 0.1 s (`FAST`); `MULT` repeats all of it;
`SYNC` puts off its start by so many seconds; one table or stack runs at a time, and a new one replaces it.
"""

from collections import deque
from dataclasses import dataclass, field

PPM = 1_000_000
STACKS, LONGEST_TIME, MOST_REPEATS, MOST_STEPS = 16, 65535, 999_999, 1_000_000
SLOW_S, FAST_S = 1.0, 0.1


@dataclass
class Stack:
    """Ramps in a row: start, stop (ppm) and how many units of time."""

    unit_s: float = SLOW_S
    ramps: list[tuple[int, int, int]] = field(default_factory=list)
    repeats: int = 1
    delay_s: float = 0.0

    def steps(self) -> list[tuple[float, int]]:
        """Seconds after its start, and the set point from then on; the last one ends it."""
        found: list[tuple[float, int]] = []
        at_s = self.delay_s
        for _ in range(self.repeats):
            for start, stop, time in self.ramps:
                if len(found) + time > MOST_STEPS:
                    return found
                found += [(at_s + n * self.unit_s, start + (stop - start) * n // time) for n in range(time)]
                at_s += time * self.unit_s
                found.append((at_s, stop))
        return found


class Ramps:
    """The table, the stacks, and what is still to come of the one that runs."""

    def __init__(self) -> None:
        self._step_s = 1.0
        self._table: list[int] = []
        self._stacks = {number: Stack() for number in range(STACKS)}
        self._coming: deque[tuple[float, int]] = deque()
        self._running: int | None = None

    def due(self, now: float) -> list[tuple[float, int]]:
        """Set points (when, ppm) since the last call."""
        found = []
        while self._coming and self._coming[0][0] <= now:
            found.append(self._coming.popleft())
        if not self._coming:
            self._running = None
        return found

    def status(self) -> str:
        """What `S2` tells: the stack that runs (form after PM; the rest assumed)."""
        return f"R{self._running}," if self._running is not None else "R,"

    def stop(self) -> None:
        self._coming.clear()
        self._running = None

    def set_table(self, argument: str) -> None:
        """`RAMPSET C` empties it, `RAMPSET t` is the time of a step."""
        if argument == "C":
            self._table.clear()
        else:
            self._step_s = _real(argument, 0.0, LONGEST_TIME)

    def add_step(self, argument: str) -> None:
        """`R x`: a fraction of the rated current."""
        self._table.append(round(_real(argument, 0.0, 1.0) * (PPM - 1)))

    def run_table(self, now: float) -> None:
        self._running = None
        self._coming = deque((now + n * self._step_s, ppm) for n, ppm in enumerate(self._table))

    def clear(self, number: int) -> None:
        self._stacks[number] = Stack()

    def pace(self, number: int, unit_s: float) -> None:
        self._stacks[number].unit_s = unit_s

    def add_ramp(self, number: int, start: int, stop: int, time: int) -> None:
        if not (0 <= start < PPM and 0 <= stop < PPM and 1 <= time <= LONGEST_TIME):
            raise ValueError(start, stop, time)
        self._stacks[number].ramps.append((start, stop, time))

    def repeat(self, number: int, times: int) -> None:
        if not 1 <= times <= MOST_REPEATS:
            raise ValueError(times)
        self._stacks[number].repeats = times

    def put_off(self, number: int, delay_s: int) -> None:
        self._stacks[number].delay_s = float(delay_s)

    def run_stack(self, number: int, now: float) -> None:
        self._running = number
        self._coming = deque((now + after_s, ppm) for after_s, ppm in self._stacks[number].steps())


def _real(text: str, low: float, high: float) -> float:
    value = float(text)
    if not low <= value <= high:
        raise ValueError(text)
    return value
