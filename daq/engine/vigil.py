"""Interlocks and alarms at work as long as a laboratory is open: fed with what instruments say, acting on runs and machine.

One thread asks what has to happen; nothing here waits for an instrument.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from shutil import disk_usage
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Protocol

from config.interlocks import Interlock
from config.laboratory import Laboratory
from config.places import state_directory
from daq.engine.clock import Clock
from daq.engine.state import Progress, State
from daq.safety.alarms import AlarmError, Alarms, Entry
from daq.safety.interlocks import Interlocks, Phase, Verdict
from daq.safety.notify import Notifier
from daq.safety.rolling_log import RollingLog
from drivers.quantity import Value
from drivers.roles import Status

LOOK_S, DISK_S = 0.1, 5.0
"""How often is asked what has to happen, and how much of the disk is free (wall time)."""


class StartRefused(Exception):
    """Interlocks hold the start of a run back; the message says which and why."""


class Watched(Protocol):
    """A run, as interlocks act on it; from any thread."""

    def hinder(self, name: str, reason: str) -> None: ...

    def clear(self, name: str) -> None: ...

    def event(self, text: str) -> None: ...


class Vigil:
    """A context.  `stop` takes the safe order for whoever is named, and is called in a thread of its own; `changed` is told
    when interlocks or alarms are to be shown anew."""

    def __init__(
        self,
        laboratory: Laboratory,
        interlocks: Mapping[str, Interlock],
        clock: Clock,
        stop: Callable[[str], object],
        changed: Callable[[], None],
    ) -> None:
        self.interlocks = Interlocks(interlocks)
        self.alarms = Alarms(self._told, laboratory.alarms.longest_shelf_s)
        self._clock, self._stop, self._changed = clock, stop, changed
        self._log = RollingLog(state_directory("logs"), laboratory.name, laboratory.alarms.log_MB, laboratory.alarms.log_files)
        self._notifier = Notifier(laboratory.alarms, self.log)
        self._run: Watched | None = None
        self._directory: Path | None = None
        self._hindered: set[str] = set()
        self._state, self._disk_at = State.IDLE, 0.0
        self._end, self._judging = Event(), Lock()
        self.line: Callable[[str, float], None] = lambda text, at: None
        """Told every line of the laboratory's log, and its time (seconds since 1970)."""
        self._thread = Thread(target=self._watch, name="vigil", daemon=True)

    def __enter__(self) -> "Vigil":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end.set()
        self._thread.join()
        self._notifier.close()
        self._log.close()

    def log(self, text: str) -> None:
        """A line in the laboratory's own log, and in that of the run that goes on."""
        self._write(text)
        run = self._run
        if run is not None:
            run.event(text)

    def begin(self, run: Watched, directory: Path) -> None:
        """A run is to be looked after, which is written to this directory.  `StartRefused`."""
        self._directory, self._disk_at = directory, 0.0
        holds = self._judge().holds
        if holds:
            raise StartRefused("the start is held back: " + "; ".join(holds.values()))
        self._run = run
        self.interlocks.enter("run", self._clock.now())

    def enter(self, phase: Phase) -> None:
        """The run reaches a step, takes shots, or waits."""
        self.interlocks.enter(phase, self._clock.now())

    def end(self) -> None:
        """The run is over."""
        self._run = None
        self.interlocks.enter("idle", self._clock.now())

    def resume(self, by: str) -> tuple[str, ...]:
        """The operator lets a run go on; what still holds it up, if anything does."""
        return self.interlocks.resume(by, self._clock.now())

    def acknowledge(self, alarm: str, by: str) -> None:
        """`AlarmError` if there is no such alarm."""
        # What has just latched raises its alarm anew, which is the one that is acknowledged.
        self._judge()
        now_s = self._clock.now()
        self.interlocks.acknowledge(alarm, by, now_s)
        self.alarms.acknowledge(alarm, by, now_s)

    def acknowledge_latched(self, by: str) -> None:
        """Every interlock that has latched and whose condition has gone, with its alarm."""
        for shown in self.interlocks.shown():
            if shown.state == "latched":
                with suppress(AlarmError):
                    self.acknowledge(shown.name, by)

    def shelve(self, alarm: str, for_s: float, by: str) -> None:
        """`AlarmError` if there is no such alarm, or that is too long."""
        self.alarms.shelve(alarm, for_s, by, self._clock.now())

    def rise(self, alarm: str, text: str) -> None:
        """Something is wrong that is no interlock."""
        self.alarms.rise(alarm, text, self._clock.now())

    def clear(self, alarm: str) -> None:
        """It is not any more."""
        self.alarms.clear(alarm, self._clock.now())

    def reading(self, quantity: str, value: Value, asked_s: float) -> None:
        """A value of `instrument.quantity`."""
        self.interlocks.feed(quantity, value, asked_s)

    def status(self, instrument: str, status: Status | None, asked_s: float, error: str = "") -> None:
        """What an instrument says of itself; None when it is lost, for the reason given."""
        self.interlocks.feed_status(instrument, status, asked_s)
        if status is None:
            self.rise(f"{instrument} lost", error)
        else:
            self.clear(f"{instrument} lost")

    def progress(self, progress: Progress) -> None:
        """Tell those who are not there of pauses, failures and ends."""
        before, self._state = self._state, progress.state
        if progress.state is before:
            return
        self._write(f"{progress.state}: {progress.doing}")
        match progress.state:
            case State.PAUSED:
                self._notifier.tell("pause", progress.doing)
            case State.FAULT:
                self._notifier.tell("fault", progress.doing)
                self.rise("run", f"the run has failed: {progress.doing}")
            case State.IDLE:
                self._notifier.tell("end", f"{progress.doing}; {progress.recorded} shots recorded, {progress.lost} lost")
            case State.PREPARING:
                self.clear("run")

    def _write(self, text: str) -> None:
        now = time.time()
        self._log.write(text, now)
        self.line(text, now)

    def _watch(self) -> None:
        while not self._end.wait(LOOK_S):
            try:
                self._look_at_disk()
                self._judge()
            except Exception as error:  # a fault of ours must be seen, and not end the watch
                self.rise("interlocks", f"they could not be judged: {type(error).__name__}: {error}")
            else:
                self.clear("interlocks")

    def _judge(self) -> Verdict:
        """Ask what has to happen, and see to it."""
        with self._judging:
            now_s = self._clock.now()
            verdict = self.interlocks.at(now_s)
            for reason in verdict.safe.values():
                Thread(target=self._stop, args=(f"interlock {reason}",), name="interlock", daemon=True).start()
            self._hold_up(verdict.pauses)
            self.alarms.follow(verdict.turns)
            self.alarms.at(now_s)
        if verdict.turns:
            self._changed()
        return verdict

    def _hold_up(self, pauses: Mapping[str, str]) -> None:
        run = self._run
        if run is None:
            self._hindered = set()
            return
        for name in self._hindered - set(pauses):
            run.clear(f"interlock {name}")
        for name, reason in pauses.items():
            run.hinder(f"interlock {name}", f"interlock {reason}")
        self._hindered = set(pauses)

    def _look_at_disk(self) -> None:
        now = time.monotonic()
        if self._directory is None or now < self._disk_at:
            return
        self._disk_at = now + DISK_S
        try:
            free = disk_usage(self._directory).free
        except OSError:
            return
        self.interlocks.feed("disk.free_MB", free / 1e6, self._clock.now())

    def _told(self, entry: Entry) -> None:
        self.log(str(entry))
        if entry.loud:
            self._notifier.tell("alarm", f"{entry.alarm.name}: {entry.alarm.text}")
        self._changed()
