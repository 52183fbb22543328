"""What one client is still to be told: a little on its way, the rest conflated until there is room."""

from collections import deque

import msgspec

from daq.face.board import Board
from daq.service.messages import PIECE, Batch, Piece, encoded

WINDOW = 8
"""Pieces on their way to one client, one megabyte: all that a slow or dead one costs."""


class Feed:
    """Everything at first, then what changed; a piece is sent once fewer than `WINDOW` are on their way."""

    def __init__(self, board: Board[msgspec.Raw]) -> None:
        self._board = board
        self._told = -1
        self._rest: deque[bytes] = deque()
        self._sent = self._taken = 0

    def refresh(self) -> None:
        """Begin with everything again, after the batch on its way."""
        self._told = -1

    def taken(self, pieces: int) -> bool:
        """The client has so many of all that were sent; whether that can be."""
        if not self._taken <= pieces <= self._sent:
            return False
        self._taken = pieces
        return True

    def next(self) -> Piece | None:
        """What may be sent now; `sent` has to follow."""
        if self._sent - self._taken >= WINDOW:
            return None
        if not self._rest and self._told < self._board.sequence:
            self._begin()
        return Piece(self._rest[0], len(self._rest) == 1) if self._rest else None

    def sent(self) -> None:
        """It was."""
        self._rest.popleft()
        self._sent += 1

    def _begin(self) -> None:
        news = self._board.since(self._told)
        upto = news[-1][0] if news else max(self._told, 0)
        batch = encoded(Batch(self._told, upto, self._told < 0, tuple(part for _, part in news)))
        self._rest.extend(batch[start : start + PIECE] for start in range(0, len(batch), PIECE))
        self._told = upto
