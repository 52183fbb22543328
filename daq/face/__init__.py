"""The face of a laboratory in attendance, as data: what can be asked of it and what it shows.

The engine's own process and every client of the service have the same three verbs.
"""

from collections.abc import Iterator
from typing import Protocol

from daq.face.commands import Answer, Command
from daq.face.state import Change, Snapshot

__all__ = ["Answer", "Change", "Command", "Face", "Snapshot"]


class Face(Protocol):
    """A laboratory that somebody attends to; every verb may be called from any thread."""

    def submit(self, command: Command, by: str) -> Answer:
        """Do what `by` asks, or say in one sentence why not.  Raises nothing that the command could be the cause of."""

    def snapshot(self) -> Snapshot:
        """Everything that is shown, as of now."""

    def changes(self, after: int, timeout_s: float) -> Iterator[Change]:
        """Changes later than the sequence number `after`, oldest first; waits up to `timeout_s` (wall time) for the first one.

        Of a part that changed several times only the newest is given: whoever was away gets what is true now.
        """
