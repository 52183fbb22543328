"""Who is here, and which one of them may act."""

import threading
import time
from collections.abc import Callable

from daq.face.commands import FREE, Answer, Command
from daq.face.state import ControlPart


class Control:
    """Of any thread.  `told` hears of each change, as a part and as a sentence for the log, and must not block."""

    def __init__(self, told: Callable[[ControlPart, str], None]) -> None:
        self._told = told
        self._names: dict[bytes, str] = {}
        self._holder = b""
        self._lock = threading.Lock()

    def enter(self, session: bytes, name: str) -> str:
        """Somebody comes; the second of a name is called `name (2)`."""
        with self._lock:
            number, unique = 1, name
            while unique in self._names.values():
                number += 1
                unique = f"{name} ({number})"
            self._names[session] = unique
        return unique

    def leave(self, session: bytes, why: str) -> None:
        """Somebody has gone; control that it had is free."""
        with self._lock:
            name = self._names.pop(session, "")
            if self._holder == session:
                self._change(b"", f"control is free: {name} {why}")

    def refusal(self, session: bytes, command: Command) -> str:
        """Why this client may not ask for this now; nothing when it may."""
        with self._lock:
            if session not in self._names:
                return "the session is over"
            if isinstance(command, FREE) or self._holder == session:
                return ""
            return f"{self._whose()}; take control first"

    def take(self, session: bytes, force: bool) -> Answer:
        """Hold it, if it is free or with `force`."""
        with self._lock:
            if session not in self._names:
                return Answer(False, "the session is over")
            if self._holder == session:
                return Answer(True, "you have control")
            if self._holder and not force:
                return Answer(False, f"{self._whose()}; ask for it, or take it by force")
            name, before = self._names[session], self._names.get(self._holder, "")
            self._change(session, f"{name} took control" + (f" from {before} by force" if before else ""))
            return Answer(True, f"control was taken from {before}" if before else "you have control")

    def give(self, session: bytes) -> Answer:
        """Let somebody else have it."""
        with self._lock:
            if self._holder != session:
                return Answer(False, f"you do not have control: {self._whose()}")
            self._change(b"", f"{self._names[session]} gave control back")
            return Answer(True, "control is free")

    def _whose(self) -> str:
        return f"{self._names[self._holder]} has control" if self._holder else "nobody has control"

    def _change(self, holder: bytes, sentence: str) -> None:
        self._holder = holder
        self._told(ControlPart(self._names.get(holder, ""), time.time()), sentence)
