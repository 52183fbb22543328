"""The emergency stop: everything to its safe state at once, on a path of its own, and nothing goes on before it is reset."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from threading import Lock

from config.laboratory import Laboratory
from daq.safety.safe_order import NOBODY, Outcome, Reopened, Tell, make_safe
from drivers.roles import Instrument


class Emergency:
    """Of one laboratory; from any thread.  A second stop during the first has the outcomes of the first.

    `active` from the first stop until `reset`; `outcomes` are those known so far, by instrument.
    """

    def __init__(self, laboratory: Laboratory, instruments: Mapping[str, Instrument], reopened: Reopened | None = None) -> None:
        self._laboratory, self._instruments, self._reopened = laboratory, instruments, reopened
        self._lock = Lock()
        self._going_on: Future[list[Outcome]] | None = None
        self._to_tell: list[Callable[[], None]] | None = []
        """Who waits for the triggers to be off; None when they are."""
        self.active = False
        self.by = ""
        self.at = 0.0
        self.outcomes: dict[str, Outcome] = {}

    def stop(self, by: str, triggers_off: Callable[[], None], tell: Tell = NOBODY) -> list[Outcome]:
        """Take the safe order now, for `by`; returns when it is done, the magnet's ramp included.

        `triggers_off` is called when the delay generator confirms that by its read-back, also that of who comes second;
        `tell` with each outcome.
        """
        with self._lock:
            first = self._going_on is None
            if self._going_on is None:
                self._going_on = Future()
                self._to_tell = []
                self.active, self.by, self.at, self.outcomes = True, by, time.time(), {}
            going_on = self._going_on
            off = self._to_tell is None
            if self._to_tell is not None:
                self._to_tell.append(triggers_off)
        if off:
            triggers_off()
        if first:
            try:
                going_on.set_result(self._safe(tell))
            except BaseException as error:
                going_on.set_exception(error)
            finally:
                with self._lock:
                    self._going_on = None
        return going_on.result()

    @property
    def done(self) -> bool:
        """Whether no stop goes on now."""
        return self._going_on is None

    def reset(self) -> None:
        """Let things go on, when the stop is done."""
        with self._lock:
            self.active = self._going_on is not None

    def _safe(self, tell: Tell) -> list[Outcome]:
        def heard(outcome: Outcome) -> None:
            waiting: list[Callable[[], None]] = []
            with self._lock:
                self.outcomes = {**self.outcomes, outcome.instrument: outcome}
                if outcome.role == "delay generator" and outcome.confirmed:
                    waiting, self._to_tell = self._to_tell or [], None
            for triggers_off in waiting:
                triggers_off()
            tell(outcome)

        return make_safe(self._laboratory, self._instruments, heard, self._reopened)
