"""What the operator and the instruments want of a run; the run looks at it between bursts and while it waits.

May be told from any thread.  What is more urgent wins: a failure before a stop, a stop before a pause.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from threading import Event, Lock

from config.laboratory import Policy


class Wish(IntEnum):
    """What the run should do next."""

    GO_ON = 0
    PAUSE = 1
    STOP = 2
    FAIL = 3


@dataclass(frozen=True)
class Trouble:
    """An instrument that is lost or unfit, and since when (laboratory time)."""

    instrument: str
    reason: str
    since_s: float


class Control:
    """`interrupt` is set as long as something wants the run's attention, `changed` whenever that changes.

    `troubles` are instruments that the run waits for, `missing` those that it goes on without, `hindrances` what else stands in
    its way, by name: the run goes on when nothing does any more, whatever the operator says.  `on_end` is called when the run
    is to end.
    """

    def __init__(self, policies: Mapping[str, Policy], on_end: Callable[[], None]) -> None:
        self.interrupt = Event()
        self.changed = Event()
        self.reason = ""
        self.troubles: dict[str, Trouble] = {}
        self.missing: dict[str, Trouble] = {}
        self.hindrances: dict[str, str] = {}
        self._policies, self._on_end = policies, on_end
        self._paused = self._stopped = self._failed = False
        self._lock = Lock()

    def wish(self) -> Wish:
        """The most urgent of all that is wanted."""
        if self._failed:
            return Wish.FAIL
        if self._stopped:
            return Wish.STOP
        return Wish.PAUSE if self._paused or self.troubles or self.hindrances else Wish.GO_ON

    @property
    def paused_by_operator(self) -> bool:
        return self._paused

    def pause(self) -> None:
        """Stop the triggers after reading the partial burst, and wait."""
        with self._lock:
            self._paused = True
            self._update()

    def resume(self) -> None:
        """End a pause, whoever asked for it; what is still wrong shows at once."""
        with self._lock:
            self._paused = False
            self.troubles.clear()
            self._update()

    def stop(self) -> None:
        """End the run after reading the partial burst."""
        with self._lock:
            self._stopped = True
            self._update()
        self._on_end()

    def fail(self, reason: str) -> None:
        """End the run as failed; the first reason counts."""
        with self._lock:
            self.reason = self.reason if self._failed else reason
            self._failed = True
            self._update()
        self._on_end()

    def unfit(self, instrument: str, reason: str, now_s: float) -> bool:
        """An instrument is lost or unfit: do what its policy says.  True if that is news."""
        trouble = Trouble(instrument, reason, now_s)
        if self._policies[instrument].on_fault == "stop":
            self.fail(reason)
            return True
        with self._lock:
            place = self.missing if self._policies[instrument].on_fault == "skip" else self.troubles
            news = instrument not in place
            place.setdefault(instrument, trouble)
            self._update()
        return news

    def fit(self, instrument: str) -> bool:
        """An instrument that the run went on without is back.  True if it was away."""
        with self._lock:
            return self.missing.pop(instrument, None) is not None

    def back(self, instrument: str) -> bool:
        """One that was lost, and that the run went on without, answers again: it waits to be set up.  True if it was away."""
        with self._lock:
            trouble = self.missing.pop(instrument, None)
            if trouble is not None:
                self.troubles[instrument] = replace(trouble, reason=f"{instrument} answers again and is set up")
            self._update()
        return trouble is not None

    def without(self, trouble: Trouble) -> None:
        """One that could not be set up again: the run goes on without it, whoever has resumed it meanwhile."""
        with self._lock:
            self.troubles.pop(trouble.instrument, None)
            self.missing[trouble.instrument] = trouble
            self._update()

    def hinder(self, name: str, reason: str) -> None:
        """Something that is no instrument stands in the way."""
        with self._lock:
            self.hindrances[name] = reason
            self._update()

    def clear(self, name: str) -> None:
        """It does not any more."""
        with self._lock:
            if self.hindrances.pop(name, None) is not None:
                self._update()

    def solved(self, instrument: str) -> None:
        """An instrument that the run waited for is set up again."""
        with self._lock:
            self.troubles.pop(instrument, None)
            self._update()

    def policy(self, instrument: str) -> Policy:
        return self._policies[instrument]

    def _update(self) -> None:
        self.changed.set()
        if self.wish() is Wish.GO_ON:
            self.interrupt.clear()
        else:
            self.interrupt.set()
