"""Telling somebody who is not there, by a command of the laboratory's own: a mail, a message to a telephone.

Nothing here keeps a run waiting or makes it fail.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from threading import Lock, Thread, current_thread
from types import TracebackType
from typing import Any

from config.alarms import Alarms, Event

AT_ONCE = 3
"""Commands that run at the same time."""
WAITING = 20
"""Texts that wait for one of them to end; what comes beyond is not sent."""
HOUR_S = 3600.0
LONGEST_VARIABLE = 4_000
"""Characters of the text in the environment, which is small; standard input gets all of it."""


def unstartable(settings: Alarms) -> str | None:
    """Why nobody would be told, as far as that can be known before there is anything to tell; None if nothing speaks
    against it.  A warning: a missing mailer is no reason not to run."""
    if settings.notify is None or shutil.which(settings.notify[0]) is not None:
        return None
    return f"alarms.notify: there is no command {settings.notify[0]!r} here, so nobody is notified; install or correct it"


class Notifier:
    """Runs the command for every event that the configuration names; without a command it does nothing.

    `log` is told, from any thread, what could not be sent and why.  Rate and time limit are wall time; `now_s` is that clock.
    """

    def __init__(self, settings: Alarms, log: Callable[[str], None], now_s: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._log, self._now_s = settings, log, now_s
        self._lock = Lock()
        self._waiting: deque[tuple[Event, str]] = deque()
        self._threads: set[Thread] = set()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._taken_s: defaultdict[Event, deque[float]] = defaultdict(deque)
        self._left_out: defaultdict[Event, int] = defaultdict(int)
        self._closing = self._ending = False

    def tell(self, event: Event, text: str) -> bool:
        """Have it sent; returns at once.  False if nobody wants to know, or too much was to be sent lately."""
        if self._settings.notify is None or event not in self._settings.notify_on:
            return False
        with self._lock:
            if self._closing:
                return False
            taken = self._may_take(event)
            if taken:
                self._take(event, text)
            else:
                self._left_out[event] += 1
            first = not taken and self._left_out[event] == 1
        if first:
            self._log(f"notify: there is too much to tell; {event} is not sent for a while")
        return taken

    def close(self, patience_s: float = 10.0) -> None:
        """Wait so long (wall time) for what is under way, then end it."""
        with self._lock:
            self._closing = True
            threads = tuple(self._threads)
        deadline = time.monotonic() + patience_s
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        with self._lock:
            self._ending = True
            self._waiting.clear()
            for process in self._running:
                _end(process)
        for thread in threads:
            thread.join()

    def __enter__(self) -> "Notifier":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _may_take(self, event: Event) -> bool:
        taken_s, now_s = self._taken_s[event], self._now_s()
        while taken_s and now_s - taken_s[0] >= HOUR_S:
            taken_s.popleft()
        if len(taken_s) >= self._settings.notify_per_hour or len(self._waiting) >= WAITING:
            return False
        taken_s.append(now_s)
        return True

    def _take(self, event: Event, text: str) -> None:
        left_out = self._left_out.pop(event, 0)
        self._waiting.append((event, text + (f"\n({left_out} more of this kind were not sent)" if left_out else "")))
        if len(self._threads) < AT_ONCE:
            thread = Thread(target=self._work, name="notify", daemon=True)
            # Where no thread can be had the text waits for the next one.
            with suppress(RuntimeError):
                thread.start()
                self._threads.add(thread)

    def _work(self) -> None:
        """Send what waits, then be gone."""
        while True:
            with self._lock:
                if not self._waiting:
                    self._threads.discard(current_thread())
                    return
                event, text = self._waiting.popleft()
            try:
                fault = self._send(event, text)
            except (OSError, ValueError) as error:
                fault = str(error)
            if fault:
                self._log(f"notify: {event} could not be sent: {fault}")

    def _send(self, event: Event, text: str) -> str:
        """Run the command; why it failed, or nothing."""
        command = self._settings.notify or []
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said:
            given.write(text.encode(errors="replace"))
            given.seek(0)
            process = subprocess.Popen(
                command,
                stdin=given,
                stdout=subprocess.DEVNULL,
                stderr=said,
                env=os.environ | {"CLUSTERBEAM_EVENT": event, "CLUSTERBEAM_TEXT": _variable(text)},
                **_own_session(),
            )
            with self._lock:
                self._running.add(process)
                if self._ending:
                    _end(process)
            try:
                code = process.wait(self._settings.notify_at_most_s)
            except subprocess.TimeoutExpired:
                _end(process)
                process.wait()
                return f"{command[0]} took longer than {self._settings.notify_at_most_s:g} s"
            finally:
                with self._lock:
                    self._running.discard(process)
            said.seek(0)
            last = said.read().decode(errors="replace").strip().rpartition("\n")[2]
            return f"{command[0]} ended with status {code}{': ' if last else ''}{last}" if code else ""


def _variable(text: str) -> str:
    return text.replace("\0", " ").encode(errors="replace").decode()[:LONGEST_VARIABLE]


def _own_session() -> dict[str, Any]:
    """Arguments for `subprocess.Popen` that let a command be ended with all that it has started."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    with suppress(OSError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
