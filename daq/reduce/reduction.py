"""A run reduced burst by burst, as its shots come into the file; live, replayed and offline alike.

A shot that turns out to be bad after it was added is read again and taken out.  All sums are integers: whoever has seen the
same good shots has the same bits.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from daq.record.blocks import ShotBlock
from daq.record.run_file import BLOCK_SHOTS, RunFile
from daq.reduce.profiles import Profiles
from daq.reduce.reducer import Reducer

STEPS = 2**32
"""The steps of each file are counted on from a multiple of this: more than any file has."""
ROOMS = 2
"""Blocks in memory: one is worked on while the next is read and unpacked."""
ROOM_BYTES = 2**23
"""Two such blocks mostly stay in the processor's cache."""


@dataclass
class _Part:
    """One file: its steps are counted from `rows` on; `added` bool[shots] says which shots are in the sums."""

    rows: int
    added: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))


class Reduction:
    """Sums over the good shots with beam of a run and of what it continues, whose files are given oldest first; `before` of
    them are left to others.

    `ValueError` when none of the run's clusters arrives inside the trace, or a file has another time axis or scale.
    """

    def __init__(self, run: RunFile, before: int = 0) -> None:
        first, last = run.sizes
        self._reducer = Reducer(run.axis, run.element, range(first, last + 1), run.calibrations)
        self._axis, self._before = run.axis, before
        self._parts: dict[str, _Part] = {}
        self._at_once = max(1, min(BLOCK_SHOTS, ROOM_BYTES // run.room(1).nbytes))
        self._rooms = [run.room(self._at_once) for _ in range(ROOMS)]
        self.shots = 0
        """Good shots looked at so far, with beam or without."""
        self.newest: tuple[int, int] | None = None
        """The shot that was added last, and its step, as its file counts them."""

    def update(self, run: RunFile, wait: Callable[[int], None] = lambda burst: None) -> Iterator[int]:
        """Bring the sums to what the file tells now; gives `shots` after each burst.  `wait` is called before each one."""
        part = self._part(run)
        good = np.zeros(len(run.states), bool)
        recorded = run.recorded
        good[recorded] = run.bad[recorded] == 0
        added = np.zeros(len(good), bool)
        added[: len(part.added)] = part.added
        for block in self._blocks(run, np.flatnonzero(added & ~good)):
            self._apply(run, part, block, self._reducer.remove)
        last = -1
        for block in self._blocks(run, np.flatnonzero(good & ~added)):
            if block.burst != last:
                if last >= 0:
                    yield self.shots
                wait(block.burst)
                last = block.burst
            self._apply(run, part, block, self._reducer.add)
        part.added = good
        yield self.shots

    def add(self, run: RunFile, numbers: NDArray[np.int64]) -> None:
        """Add these recorded shots, and no others."""
        part = self._part(run)
        for block in self._blocks(run, numbers):
            self._apply(run, part, block, self._reducer.add)

    def profiles(self) -> Profiles:
        """A snapshot; what comes later does not change it."""
        return self._reducer.profiles()

    def _part(self, run: RunFile) -> _Part:
        if run.axis != self._axis:
            raise ValueError(f"{run.path.name} was recorded with another time axis or scale")
        return self._parts.setdefault(run.run_id, _Part(STEPS * (self._before + len(self._parts))))

    def _blocks(self, run: RunFile, numbers: NDArray[np.int64]) -> Iterator[ShotBlock]:
        """The blocks of these shots, each good until the next one is asked for, which is unpacked and checked meanwhile."""
        groups = run.grouped(numbers, self._at_once)
        with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as reader:
            coming = deque(
                (room, reader.submit(run.checked, group, room)) for room in self._rooms for group in islice(groups, 1)
            )
            while coming:
                room, reading = coming.popleft()
                yield reading.result()
                coming.extend((room, reader.submit(run.checked, group, room)) for group in islice(groups, 1))

    def _apply(self, run: RunFile, part: _Part, block: ShotBlock, change: "_Change") -> None:
        step = run.steps[block.step]
        if not step.background:
            change(replace(step, index=part.rows + step.index), replace(block, step=part.rows + block.step))
        if change == self._reducer.add:
            self.newest = int(block.numbers[-1]), block.step
        self.shots += len(block.numbers) if change == self._reducer.add else -len(block.numbers)


_Change = Callable[..., None]
