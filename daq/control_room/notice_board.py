"""What a laboratory shows of itself: a board of parts, on which a thread puts what has changed.

It looks a few times a second, so that many readings make few changes.
"""

import time
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from threading import Event, Thread

from daq.face.board import Board
from daq.face.state import (
    AlarmPart,
    AnyPart,
    Change,
    EmergencyPart,
    GuardPart,
    InstrumentPart,
    InterlockPart,
    LogPart,
    MachinePart,
    Reading,
    SettablePart,
    Snapshot,
    key,
)
from daq.laboratory import Laboratory
from daq.safety.alarms import Alarm
from daq.safety.interlocks import Shown
from daq.safety.safe_order import Outcome

SHOW_S = 0.2
"""Between two looks at what has changed, at least (wall time)."""
UNTOLD_S = 0.3
"""Longest wait for being told of a change: values age, and instruments are made safe, without a word (wall time)."""
LINES = 200
"""Of the log that are shown."""


class NoticeBoard:
    """Instruments, interlocks, alarms, guard, emergency and log of an open laboratory, and what else is `put` on it."""

    def __init__(self, laboratory: Laboratory) -> None:
        self._laboratory, self._vigil = laboratory, laboratory.vigil
        self._board: Board[AnyPart] = Board()
        self._news = Event()
        self._shown: dict[str, AnyPart] = {}
        self._lines: deque[str] = deque(maxlen=LINES)
        self._end = Event()
        self._thread = Thread(target=self._keep_showing, name="board", daemon=True)

    def start(self) -> None:
        self._laboratory.changed = lambda instrument: self._news.set()
        self._vigil.line = self._line
        self.put(MachinePart(self._laboratory.configuration.control is not None))
        for name in self._laboratory.configuration.taking_part():
            self.put(SettablePart(name, self._laboratory.settables(name)))
        self._show()
        self._thread.start()

    def end(self) -> None:
        self._end.set()
        self._thread.join()
        self._laboratory.changed = lambda instrument: None
        self._vigil.line = lambda text, at: None
        self._board.close()

    def put(self, part: AnyPart) -> None:
        self._board.put(key(part), part)

    def look(self) -> None:
        """Something has changed that the laboratory does not tell."""
        self._news.set()

    def snapshot(self) -> Snapshot:
        sequence, parts = self._board.all()
        return Snapshot(self._laboratory.configuration.name, sequence, time.time(), tuple(parts.values()))

    def changes(self, after: int, timeout_s: float) -> Iterator[Change]:
        for sequence, part in self._board.since(after, timeout_s):
            yield Change(sequence, part)

    def _line(self, text: str, at: float) -> None:
        self._lines.append(f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M:%S} {text}")
        self.look()

    def _keep_showing(self) -> None:
        while not self._end.wait(SHOW_S):
            self._news.wait(UNTOLD_S)
            self._news.clear()
            self._show()

    def _show(self) -> None:
        """Put up what is not as it was."""
        names = self._laboratory.configuration.taking_part()
        parts: list[AnyPart] = [self._instrument(name) for name in names]
        parts += [self._interlock(one) for one in self._vigil.interlocks.shown()]
        parts += self._alarms()
        guarded = self._laboratory.guarded
        parts.append(GuardPart(guarded.alive, guarded.restarts, "" if guarded.alive else "there is no guard; nothing may fire"))
        emergency = self._laboratory.emergency
        outcomes = tuple(_line(outcome) for outcome in emergency.outcomes.values())
        parts.append(EmergencyPart(emergency.active, emergency.by, emergency.at, emergency.done, outcomes))
        parts.append(LogPart(tuple(self._lines)))
        for part in parts:
            if self._shown.get(key(part)) != part:
                self._shown[key(part)] = part
                self.put(part)

    def _instrument(self, name: str) -> InstrumentPart:
        configured = self._laboratory.configuration.instruments[name]
        condition, who = self._laboratory.condition(name), self._laboratory.identities[name]
        status, old = condition.status, time.time() - self._laboratory.stale_s(name)
        return InstrumentPart(
            name,
            configured.role,
            configured.driver,
            " ".join(part for part in (who.maker, who.model, who.serial, who.firmware) if part),
            condition.live,
            "" if status is None else status.state,
            status is not None and status.ok and condition.live,
            () if status is None else status.warnings,
            condition.error,
            condition.answered,
            {quantity: Reading(one.value, one.unit, one.at, one.at < old) for quantity, one in condition.readings.items()},
        )

    def _interlock(self, shown: Shown) -> InterlockPart:
        since = self._wall(shown.since_s)
        return InterlockPart(
            shown.name, shown.condition, shown.action, shown.state, shown.text, since, holds_start=shown.holds_start
        )

    def _alarms(self) -> list[AnyPart]:
        """Those there are, and once more those that are there no longer."""
        found: list[AnyPart] = [self._alarm(one) for one in self._vigil.alarms.all()]
        there = {key(part) for part in found}
        for name, part in self._shown.items():
            if isinstance(part, AlarmPart) and name not in there:
                found.append(AlarmPart(part.name, part.text, part.since, False, part.acknowledged, gone=True))
        return found

    def _alarm(self, alarm: Alarm) -> AlarmPart:
        until = 0.0 if alarm.shelved_until_s is None else self._wall(alarm.shelved_until_s)
        return AlarmPart(alarm.name, alarm.text, self._wall(alarm.since_s), alarm.active, alarm.acknowledged, until, alarm.gone)

    def _wall(self, laboratory_s: float) -> float:
        """Seconds since 1970 of a laboratory time; whole ones, since both clocks run."""
        return float(round(self._laboratory.utc_s(laboratory_s)))


def _line(outcome: Outcome) -> str:
    return f"{outcome.instrument}: {outcome.detail} ({'confirmed' if outcome.confirmed else 'NOT CONFIRMED'})"
