"""The ring: slots of shared memory through which blocks go from the engine to the writer.

A slot is free when the writer has it no longer and nobody looks at it: no array over it is left, in whatever thread.  So a
block never changes, however long it is kept, and memory lent for a block that never comes is back by itself.
"""

import math
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from daq.record.memory import SharedMemory


class Ring:
    """`slots` slots of `slot_bytes` each, in `memory`."""

    def __init__(self, slots: int, slot_bytes: int) -> None:
        self.slot_bytes = slot_bytes
        self.memory = SharedMemory(slots * slot_bytes)
        self._slots = range(slots)
        self._address = np.frombuffer(self.memory.view, np.uint8).ctypes.data
        self._lent: dict[int, ref[NDArray[np.int16]]] = {}
        self._handed_over: set[int] = set()

    def lend(self, shape: tuple[int, int, int]) -> NDArray[np.int16] | None:
        """Memory to receive traces in, int16[shape]; None while the ring is full.

        It is not the ring's where the traces do not fit, or where all slots but one are looked at: that one is for copies, so
        that nobody who keeps blocks can keep others from being recorded.
        """
        free, samples = self._free(), math.prod(shape)
        if not free:
            return None
        if 2 * samples > self.slot_bytes or len(self._looked_at()) + 1 >= len(self._slots):
            return np.empty(shape, np.int16)
        # Every array made from it keeps it alive.
        memory = self._start(free[0], samples)
        self._lent[free[0]] = ref(memory)
        return memory.reshape(shape)

    def place(self, traces: NDArray[np.int16]) -> int | None:
        """The slot in which the writer finds `traces`: where they were received, or else a copy; None while the ring is full.

        They must fit.
        """
        slot = self._received_in(traces)
        if slot is None:
            free = self._free()
            if not free:
                return None
            slot = free[0]
            self._start(slot, traces.size).reshape(traces.shape)[:] = traces
        self._handed_over.add(slot)
        return slot

    def give_back(self, slot: int) -> None:
        """The writer has done with a slot."""
        self._handed_over.remove(slot)

    def _start(self, slot: int, samples: int) -> NDArray[np.int16]:
        return np.frombuffer(self.memory.view, np.int16, samples, slot * self.slot_bytes)

    def _free(self) -> list[int]:
        taken = self._handed_over | self._looked_at()
        return [slot for slot in self._slots if slot not in taken]

    def _looked_at(self) -> set[int]:
        return {slot for slot, memory in self._lent.items() if memory() is not None}

    def _received_in(self, traces: NDArray[np.int16]) -> int | None:
        """The slot that `traces` fill from its start, as the writer reads them, if there is one."""
        slot, beyond = divmod(traces.ctypes.data - self._address, self.slot_bytes)
        readable = traces.flags.c_contiguous and traces.dtype == np.int16 and not beyond
        return slot if readable and slot in self._looked_at() - self._handed_over else None
