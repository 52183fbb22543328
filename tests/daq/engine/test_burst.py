"""Bursts: the next is armed before the last is recorded, every armed shot is accounted for, and counters are heard."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Event
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from daq.engine.burst import BurstTaker, TriggersStopped
from daq.engine.clock import Clock
from daq.record.blocks import ShotBlock, TraceAxis
from daq.record.layout import Cause, FiredSource
from daq.record.messages import Armed, Fired, ToWriter
from drivers.errors import DriverError
from drivers.roles import Digitizer, Room, Segments

RATE_HZ = 1e5
AXIS = TraceAxis(0.0, 1e-9, 4, (1.0,), (0.0,))


@dataclass
class Scope:
    """A digitizer that gives prepared time tags, in periods."""

    log: list[str]
    bursts: Iterator[list[float]]
    name: str = "scope"
    broken: bool = False
    complete: bool = True

    def arm(self, shots: int) -> None:
        self.log.append(f"arm {shots}")

    def finished(self) -> bool:
        return self.complete

    def stop(self) -> None:
        self.log.append("stop")

    def collect(self, room: Room) -> Segments:
        if self.broken:
            raise DriverError(self.name, "has no power")
        tags = np.array(next(self.bursts)) / RATE_HZ
        traces = room((len(tags), 1, 4))
        traces[:] = np.arange(len(tags))[:, None, None]
        return Segments(traces, tags, (1.0,), (0.0,), 1e-9, 0.0)


@dataclass
class Notebook:
    """A ledger that keeps what it is told."""

    log: list[str]
    lent: list[NDArray[np.int16]] = field(default_factory=list)
    told: list[ToWriter] = field(default_factory=list)
    blocks: list[ShotBlock] = field(default_factory=list)

    def arm(self, message: Armed) -> None:
        self.log.append(f"note {message.first}+{message.shots}")

    def room(self, shape: tuple[int, int, int]) -> NDArray[np.int16]:
        self.lent.append(np.empty(shape, np.int16))
        return self.lent[-1]

    def record(self, block: ShotBlock) -> None:
        self.log.append(f"record {len(block.numbers)}")
        self.blocks.append(block)

    def tell(self, message: ToWriter) -> None:
        self.told.append(message)

    def fired(self) -> list[Fired]:
        return [message for message in self.told if isinstance(message, Fired)]


def machine(*bursts: list[float], **options: object) -> tuple[BurstTaker, Scope, Notebook, Event]:
    log: list[str] = []
    scope, notebook, interrupt = Scope(log, iter(bursts)), Notebook(log), Event()
    halt = lambda: log.append("halt")  # noqa: E731
    taker = BurstTaker(
        lambda: cast(Digitizer, scope), notebook, AXIS, RATE_HZ, Clock(1.0), interrupt, halt, **options
    )  # fmt: skip
    return taker, scope, notebook, interrupt


def test_the_next_burst_is_armed_before_the_last_is_recorded() -> None:
    taker, _, notebook, _ = machine([0, 1, 2], [0, 1, 2])
    taken = list(taker.take(0, 6, 3, planned=100))
    assert notebook.log == ["note 0+3", "arm 3", "note 3+3", "arm 3", "record 3", "record 3"]
    assert [burst.recorded for burst in taken] == [3, 3]
    assert [block.planned for block in notebook.blocks] == [100, 103]
    assert [block.numbers.tolist() for block in notebook.blocks] == [[0, 1, 2], [3, 4, 5]]


def test_traces_stay_where_they_were_received() -> None:
    """Unless some are left out, of a double trigger here."""
    taker, _, notebook, _ = machine([0, 1, 2], [0, 1, 1.4])
    list(taker.take(0, 5, 3, planned=0))
    whole, part = notebook.blocks
    assert whole.traces is notebook.lent[0]
    assert not np.shares_memory(part.traces, notebook.lent[1])
    assert [block.traces[:, 0, 0].tolist() for block in notebook.blocks] == [[0, 1, 2], [0, 1]]
    assert not any(block.traces.flags.writeable for block in notebook.blocks)


def test_what_was_missed_or_doubled_is_taken_again() -> None:
    """Five shots are wanted; one trigger is missed, one comes twice."""
    taker, _, notebook, _ = machine([0, 2, 3, 3.4], [0, 1])
    taken = list(taker.take(0, 5, 4, planned=0))
    assert [(burst.fired, burst.recorded, burst.lost, burst.doubles) for burst in taken] == [(4, 3, 1, 1), (2, 2, 0, 0)]
    assert notebook.fired()[0].lost == (1,)
    assert [block.planned for block in notebook.blocks] == [0, 3]


def test_an_interrupted_burst_stops_the_triggers_and_is_read() -> None:
    taker, scope, notebook, interrupt = machine([0, 1])
    scope.complete = False
    interrupt.set()
    (burst,) = taker.take(0, 10, 5, planned=0)
    assert notebook.log == ["note 0+5", "arm 5", "halt", "stop", "record 2"]
    assert burst.recorded == 2


def test_triggers_that_stop_coming_end_the_step_with_what_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daq.engine.burst.GRACE_S", 0.01)
    taker, scope, notebook, _ = machine([0, 1])
    scope.complete = False
    with pytest.raises(TriggersStopped, match="only 2 of 5 triggers came"):
        list(taker.take(0, 5, 5, planned=0))
    assert [len(block.numbers) for block in notebook.blocks] == [2]


def test_a_burst_that_cannot_be_read_is_lost_with_its_cause() -> None:
    taker, scope, notebook, _ = machine()
    scope.broken = True
    with pytest.raises(DriverError, match="has no power"):
        list(taker.take(0, 5, 5, planned=0))
    (fired,) = notebook.fired()
    assert (fired.fired, fired.lost) == (5, (0, 1, 2, 3, 4))
    assert set(fired.causes) == {int(Cause.DIGITIZER_FAILED)}
    assert taker.next_shot == 5


@pytest.mark.parametrize(("saw", "unseen"), [(4, 0), (5000, 4996)])
def test_a_counter_tells_of_triggers_before_the_first_segment(saw: int, unseen: int) -> None:
    counts = iter([100, 100 + saw])
    taker, _, notebook, _ = machine([0, 1, 2, 3], count=lambda: next(counts))
    (burst,) = taker.take(0, 4, 4, planned=0)
    (fired,) = notebook.fired()
    assert fired.source == int(FiredSource.COUNTED)
    assert fired.counted == burst.unseen
    assert burst.unseen == pytest.approx(unseen, abs=2000)
    assert (burst.unseen > 0) == (unseen > 0)


def test_an_interrupted_burst_is_no_failure_though_nothing_is_wanted_any_more() -> None:
    """Who pauses and goes on at once may be faster than the read-out."""
    taker, scope, notebook, interrupt = machine([0, 1])
    scope.complete = False
    interrupt.set()
    taking = taker.take(0, 3, 3, planned=0)
    burst = next(taking)
    interrupt.clear()
    assert (burst.recorded, list(taking)) == (2, [])
    assert notebook.log == ["note 0+3", "arm 3", "halt", "stop", "record 2"]
