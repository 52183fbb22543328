"""A run reduced burst by burst, as its shots come into the file; live, replayed and offline alike.

A shot that turns out to be bad after it was added is read again and taken out.  All sums are integers: whoever has seen the
same good shots has the same bits.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from daq.record.run_file import BLOCK_SHOTS, RunFile
from daq.reduce.extract import Extract
from daq.reduce.profiles import Profiles
from daq.reduce.reducer import Reducer

STEPS = 2**32
"""The steps of each file are counted on from a multiple of this: more than any file has."""
READERS = 2
"""HDF5 unpacks for one thread at a time: a second one works out what goes into the sums meanwhile."""
AHEAD = READERS + 1
"""Groups of shots on their way."""
ROOM_BYTES = 10**7
"""Traces that are unpacked at once: few enough for the processor's cache, many enough for numpy's overhead to be small."""


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
        at_once = max(1, min(BLOCK_SHOTS, ROOM_BYTES // run.room(1).nbytes))
        self._rooms: SimpleQueue[NDArray[np.int16]] = SimpleQueue()
        for _ in range(READERS):
            self._rooms.put(run.room(at_once))
        self.shots = 0
        """Good shots looked at so far, with beam or without."""
        self.newest: tuple[str, int, int] | None = None
        """The file (`run_id`) of the shot that was added last, the shot and its step as that file counts them."""

    def update(self, run: RunFile, wait: Callable[[int], None] = lambda burst: None) -> Iterator[int]:
        """Bring the sums to what the file tells now; gives `shots` after each burst.  `wait` is called before each one."""
        part = self._part(run)
        good = np.zeros(len(run.states), bool)
        recorded = run.recorded
        good[recorded] = run.bad[recorded] == 0
        added = np.zeros(len(good), bool)
        added[: len(part.added)] = part.added
        for numbers, extracts in self._extracts(run, np.flatnonzero(added & ~good)):
            self._apply(run, part, numbers, extracts, -1)
        last = -1
        for numbers, extracts in self._extracts(run, np.flatnonzero(good & ~added)):
            burst = int(run.shot_bursts[numbers[0]])
            if burst != last:
                if last >= 0:
                    yield self.shots
                wait(burst)
                last = burst
            self._apply(run, part, numbers, extracts, 1)
        part.added = good
        yield self.shots

    def add(self, run: RunFile, numbers: NDArray[np.int64]) -> None:
        """Add these recorded shots, and no others."""
        part = self._part(run)
        for group, extracts in self._extracts(run, numbers):
            self._apply(run, part, group, extracts, 1)

    def profiles(self) -> Profiles:
        """A snapshot; what comes later does not change it."""
        return self._reducer.profiles()

    def _part(self, run: RunFile) -> _Part:
        if run.axis != self._axis:
            raise ValueError(f"{run.path.name} was recorded with another time axis or scale")
        return self._parts.setdefault(run.run_id, _Part(STEPS * (self._before + len(self._parts))))

    def _extracts(self, run: RunFile, numbers: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], list[Extract]]]:
        """Of these shots, group by group; the next ones are unpacked, checked and looked at meanwhile."""
        groups = run.grouped(numbers)
        with ThreadPoolExecutor(READERS, thread_name_prefix="read-ahead") as reader:
            coming = deque((group, reader.submit(self._extract, run, group)) for group in islice(groups, AHEAD))
            while coming:
                group, reading = coming.popleft()
                extracts = reading.result()
                coming.extend((group, reader.submit(self._extract, run, group)) for group in islice(groups, 1))
                yield group, extracts

    def _extract(self, run: RunFile, numbers: NDArray[np.int64]) -> list[Extract]:
        """Shots of one burst; nothing of those without beam, which are only checked."""
        background = run.steps[int(run.shot_steps[numbers[0]])].background
        room = self._rooms.get()
        pieces = np.array_split(numbers, -(-len(numbers) // len(room)))
        blocks = (run.checked(piece, room) for piece in pieces)
        try:
            return [self._reducer.extract(block) for block in blocks if not background]
        finally:
            self._rooms.put(room)

    def _apply(self, run: RunFile, part: _Part, numbers: NDArray[np.int64], extracts: list[Extract], sign: int) -> None:
        number = int(run.shot_steps[numbers[0]])
        step = replace(run.steps[number], index=part.rows + number)
        change = self._reducer.add_extract if sign > 0 else self._reducer.remove_extract
        for one in extracts:
            change(step, one)
        if sign > 0:
            self.newest = run.run_id, int(numbers[-1]), number
        self.shots += sign * len(numbers)
