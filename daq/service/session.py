"""One client, from its welcome until it is gone, as the service sees it."""

import secrets
from collections.abc import Callable

import msgspec

from daq.face.board import Board
from daq.service.feed import Feed
from daq.service.lane import Lane
from daq.service.messages import SESSION, Ask, Said

WAITING = 16
"""Commands of a client that wait behind the one that is executed."""
STOPS = 2
"""Emergency stops of a client, likewise."""


class Session:
    """`route` and `user` are the connection and whose key it was made with.  Its commands and its emergency stops are done on
    two threads of its own, so that neither waits for the other or for another client's."""

    def __init__(self, route: bytes, user: str, board: Board[msgspec.Raw], execute: Callable[["Session", Ask], None]) -> None:
        self.id = secrets.token_bytes(SESSION)
        self.route, self.user = route, user
        self.name = ""
        self.heard = 0.0
        self.over = False
        self.complained = False
        self.feed = Feed(board)
        self._number = 0
        self._commands: Lane[Ask] = Lane(f"commands of {user}", lambda ask: execute(self, ask), WAITING)
        self._stops: Lane[Ask] = Lane(f"stops of {user}", lambda ask: execute(self, ask), STOPS)

    def is_from(self, said: Said) -> bool:
        """Whether this is of this session, and new."""
        if said.session != self.id or said.number <= self._number:
            return False
        self._number = said.number
        return True

    def do(self, ask: Ask) -> bool:
        """Whether there was room for a command."""
        return self._commands.put(ask)

    def stop(self, ask: Ask) -> bool:
        """The same for an emergency stop."""
        return self._stops.put(ask)

    def end(self) -> None:
        """Commands that have not begun are not done any more; emergency stops are."""
        self.over = True
        self._commands.close()
        self._stops.close()

    def ended(self, within_s: float = 0.0) -> bool:
        """Whether nothing of it is being done any more, after waiting up to so long for each of two threads."""
        return self._commands.ended(within_s) and self._stops.ended(within_s)
