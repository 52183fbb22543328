"""Alarms: what an operator has to know of, until it has gone and somebody has seen it.

An alarm that is shelved is silent.  Whatever raised it goes on acting: nothing here is asked what to do.
Times are those of whoever calls, by any one clock.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from threading import Lock

from daq.safety.standing import Turn


class AlarmError(ValueError):
    """What was asked of an alarm cannot be done; one sentence."""


@dataclass(frozen=True)
class Alarm:
    """One alarm.  `acknowledged` is who has seen it since it was raised."""

    name: str
    text: str
    since_s: float
    active: bool = True
    acknowledged: str = ""
    shelved_until_s: float | None = None

    @property
    def loud(self) -> bool:
        """Whether it wants attention."""
        return self.active and not self.acknowledged and self.shelved_until_s is None

    @property
    def gone(self) -> bool:
        """Whether there is nothing to show any more."""
        return not self.active and bool(self.acknowledged) and self.shelved_until_s is None


@dataclass(frozen=True)
class Entry:
    """A line of the history: an alarm as it is since then, what happened to it, and who did it.  `loud`: it has become so."""

    at_s: float
    alarm: Alarm
    what: str
    by: str
    loud: bool = False

    def __str__(self) -> str:
        return f"alarm {self.alarm.name}: {self.what}" + (f" by {self.by}" if self.by else "")


class Alarms:
    """All alarms of a laboratory; may be called from any thread.

    `tell` gets every entry of the history, one at a time and in order, in the thread of one of the callers; no lock is held
    meanwhile.  It must not raise.  No alarm is shelved for more than `longest_shelf_s`.
    """

    def __init__(self, tell: Callable[[Entry], None], longest_shelf_s: float) -> None:
        self._tell, self._longest_shelf_s = tell, longest_shelf_s
        self._alarms: dict[str, Alarm] = {}
        self._lock, self._telling = Lock(), Lock()
        self._untold: deque[Entry] = deque()

    def rise(self, name: str, text: str, now_s: float, by: str = "") -> None:
        """There is a cause.  The same text again is no news while it is active; another one has to be acknowledged anew."""
        with self._lock:
            known = self._alarms.get(name)
            if known is None or not known.active or known.text != text:
                since_s = known.since_s if known and known.active else now_s
                shelved = known.shelved_until_s if known else None
                self._put(Alarm(name, text, since_s, shelved_until_s=shelved), now_s, f"raised: {text}", by)
        self._deliver()

    def clear(self, name: str, now_s: float, by: str = "") -> None:
        """The cause has gone; nothing happens if there was none."""
        with self._lock:
            known = self._alarms.get(name)
            if known is not None and known.active:
                self._put(replace(known, active=False), now_s, "its cause has gone", by)
        self._deliver()

    def acknowledge(self, name: str, by: str, now_s: float) -> None:
        """`by` has seen it.  `AlarmError` if there is no such alarm."""
        with self._lock:
            known = self._known(name)
            if not known.acknowledged:
                self._put(replace(known, acknowledged=by), now_s, "acknowledged", by)
        self._deliver()

    def shelve(self, name: str, for_s: float, by: str, now_s: float) -> None:
        """Keep it silent for so long, also if it comes again.  `AlarmError` if there is no such alarm, or that is too long."""
        if not 0 < for_s <= self._longest_shelf_s:
            raise AlarmError(f"an alarm is shelved for {self._longest_shelf_s:g} s at most, not for {for_s:g} s")
        with self._lock:
            shelved = replace(self._known(name), shelved_until_s=now_s + for_s)
            self._put(shelved, now_s, f"shelved for {for_s:g} s", by)
        self._deliver()

    def at(self, now_s: float) -> None:
        """Time has come to here: what was shelved until now is not any more."""
        with self._lock:
            for alarm in list(self._alarms.values()):
                if alarm.shelved_until_s is not None and alarm.shelved_until_s <= now_s:
                    self._put(replace(alarm, shelved_until_s=None), now_s, "shelved no longer", "")
        self._deliver()

    def follow(self, turns: Iterable[Turn]) -> None:
        """Raise and clear the alarms of interlocks that have changed.  What only refuses a start is no alarm.

        A latched interlock keeps its alarm, to be acknowledged anew: that it has latched is news.
        """
        for turn in turns:
            if turn.action == "refuse start":
                continue
            if turn.state in ("active", "latched"):
                self.rise(turn.name, turn.reason, turn.at_s)
            else:
                self.clear(turn.name, turn.at_s, turn.by)

    def all(self) -> tuple[Alarm, ...]:
        """Every alarm that there is to show, oldest first."""
        with self._lock:
            return tuple(sorted(self._alarms.values(), key=lambda alarm: alarm.since_s))

    def _known(self, name: str) -> Alarm:
        try:
            return self._alarms[name]
        except KeyError:
            raise AlarmError(f"there is no alarm {name!r} now") from None

    def _put(self, alarm: Alarm, now_s: float, what: str, by: str) -> None:
        before = self._alarms.get(alarm.name)
        if alarm.gone:
            self._alarms.pop(alarm.name, None)
        else:
            self._alarms[alarm.name] = alarm
        news = alarm.loud and not (before is not None and before.loud and before.text == alarm.text)
        self._untold.append(Entry(now_s, alarm, what, by, news))

    def _deliver(self) -> None:
        """Whoever is telling already tells what others add meanwhile."""
        while self._untold and self._telling.acquire(blocking=False):
            try:
                while self._untold:
                    self._tell(self._untold.popleft())
            finally:
                self._telling.release()
