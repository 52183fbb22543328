"""The ring: what is received in it is not copied, and what anyone looks at stays as it is."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from daq.record.ring import Ring

SLOTS, SHAPE = 3, (2, 1, 4)
BYTES = 2 * 2 * 4
MAPS = Path("/proc/self/maps")
TRACES = np.arange(8, dtype=np.int16).reshape(SHAPE)


def lent(ring: Ring, shape: tuple[int, int, int] = SHAPE) -> NDArray[np.int16]:
    room = ring.lend(shape)
    assert room is not None
    return room


def placed(ring: Ring, traces: NDArray[np.int16]) -> int:
    slot = ring.place(traces)
    assert slot is not None
    return slot


def read_by_the_writer(ring: Ring, slot: int, count: int = 8) -> list[int]:
    return np.frombuffer(ring.memory.view, np.int16, count, slot * BYTES).tolist()


def mapped() -> int:
    return MAPS.read_text().count("clusterbeam-ring")


def is_in(ring: Ring, traces: NDArray[np.int16]) -> bool:
    return bool(np.shares_memory(traces, np.frombuffer(ring.memory.view, np.uint8)))


def test_what_was_received_in_a_slot_is_not_copied() -> None:
    ring = Ring(SLOTS, BYTES)
    room = lent(ring)
    room[:] = TRACES
    slot = placed(ring, room)
    room[0, 0, 0] = 99
    assert read_by_the_writer(ring, slot) == [99, *range(1, 8)]
    # A burst that was cut short begins like a whole one.
    short = lent(ring)[:1]
    short[:] = TRACES[1:]
    assert read_by_the_writer(ring, placed(ring, short), 4) == [4, 5, 6, 7]


def test_a_block_stays_as_it_is_while_anyone_looks_at_it() -> None:
    ring = Ring(SLOTS, BYTES)
    room = lent(ring)
    room[:] = TRACES
    ring.give_back(placed(ring, room))
    look = room[1:, 0][:, ::2]
    del room
    for _ in range(4):
        other = lent(ring)
        other[:] = -1
        ring.give_back(placed(ring, other))
    assert look.tolist() == [[4, 6]]
    place = look.ctypes.data - 8
    del look, other
    assert lent(ring).ctypes.data == place


def test_memory_for_a_block_that_never_comes_is_back() -> None:
    ring = Ring(2, BYTES)

    def broken_off() -> int:
        room = lent(ring)
        assert is_in(ring, room)
        return room.ctypes.data

    assert len({broken_off() for _ in range(5)}) == 1


def test_who_keeps_blocks_keeps_nobody_from_recording() -> None:
    ring = Ring(SLOTS, BYTES)
    kept = []
    for number in range(5):
        room = lent(ring)
        room[:] = number
        kept.append(room)
        slot = placed(ring, room)
        assert read_by_the_writer(ring, slot) == [number] * 8
        ring.give_back(slot)
    assert [is_in(ring, room) for room in kept] == [True, True, False, False, False]
    assert [room.max() for room in kept] == list(range(5))


def test_a_full_ring_is_full_until_the_writer_gives_a_slot_back() -> None:
    ring = Ring(SLOTS, BYTES)
    slots = [placed(ring, TRACES) for _ in range(SLOTS)]
    assert sorted(slots) == [0, 1, 2]
    assert (ring.place(TRACES), ring.lend(SHAPE)) == (None, None)
    ring.give_back(slots[1])
    assert placed(ring, lent(ring)) == slots[1]


@pytest.mark.parametrize(
    "part",
    [
        lambda room: room[1:],
        lambda room: room[:, :, ::2],
        lambda room: room[[0, 1]],
        lambda room: room.copy(),
    ],
    ids=["from the middle", "with gaps", "chosen", "elsewhere"],
)
def test_what_does_not_lie_as_the_writer_reads_it_is_copied(part: Callable[[NDArray[np.int16]], NDArray[np.int16]]) -> None:
    ring = Ring(SLOTS, BYTES)
    room = lent(ring)
    room[:] = TRACES
    traces = part(room)
    slot = placed(ring, traces)
    room[:] = 0
    assert read_by_the_writer(ring, slot, traces.size) == part(TRACES).reshape(-1).tolist()


def test_traces_recorded_twice_are_in_two_slots() -> None:
    ring = Ring(SLOTS, BYTES)
    room = lent(ring)
    room[:] = TRACES
    slots = {placed(ring, room), placed(ring, room)}
    assert len(slots) == 2
    assert all(read_by_the_writer(ring, slot) == list(range(8)) for slot in slots)


def test_traces_too_long_for_a_slot_get_memory_of_their_own() -> None:
    ring = Ring(SLOTS, BYTES)
    assert not is_in(ring, lent(ring, (2, 1, 5)))


@pytest.mark.skipif(not MAPS.exists(), reason="the system does not tell what memory is mapped")
def test_memory_is_given_back_with_the_last_look() -> None:
    before = mapped()
    ring = Ring(SLOTS, BYTES)
    room = lent(ring)
    room[:] = TRACES
    ring.memory.close()
    assert room.tolist() == TRACES.tolist()
    assert mapped() == before + 1
    del room
    assert mapped() == before
