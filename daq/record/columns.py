"""Columns of a table that grow in memory and go into the file together: one write for many rows."""

from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

Rows = int | np.integer[Any] | slice | NDArray[np.int64]


class Column:
    """A one-dimensional dataset of the run file, whose newest rows stand in memory until `write`.

    Rows are named by a number, a range without step, or rising numbers (int64).  New ones have the dataset's fill value.
    """

    def __init__(self, dataset: h5py.Dataset) -> None:
        self._dataset = dataset
        self._written = int(dataset.shape[0])
        self._tail = np.full(int(dataset.chunks[0]), dataset.fillvalue, dataset.dtype)
        self._rows = 0

    def __len__(self) -> int:
        return self._written + self._rows

    def grow(self, rows: int) -> None:
        """Have at least so many rows."""
        wanted = rows - self._written
        if wanted > len(self._tail):
            more = np.full(max(wanted, 2 * len(self._tail)) - len(self._tail), self._dataset.fillvalue, self._tail.dtype)
            self._tail = np.concatenate([self._tail, more])
        self._rows = max(self._rows, wanted)

    def append(self, value: float | np.bytes_) -> None:
        self.grow(len(self) + 1)
        self._tail[self._rows - 1] = value

    def __getitem__(self, rows: Rows) -> Any:
        if isinstance(rows, int | np.integer):
            return self._tail[rows - self._written] if rows >= self._written else self._dataset[rows]
        old, new = self._split(rows)
        if _count(old) == 0:
            return self._tail[new].copy()
        return np.concatenate([self._dataset[old], self._tail[new]])

    def __setitem__(self, rows: Rows, values: Any) -> None:
        if isinstance(rows, int | np.integer):
            if rows >= self._written:
                self._tail[rows - self._written] = values
            else:
                self._dataset[rows] = values
            return
        old, new = self._split(rows)
        before = _count(old)
        if before:
            self._dataset[old] = _part(values, slice(before))
        self._tail[new] = _part(values, slice(before, None))

    def write(self) -> None:
        """Put the rows in memory into the file."""
        if not self._rows:
            return
        self._dataset.resize((len(self),))
        self._dataset[self._written :] = self._tail[: self._rows]
        self._tail[: self._rows] = self._dataset.fillvalue
        self._written, self._rows = len(self), 0

    def _split(self, rows: slice | NDArray[np.int64]) -> tuple[Any, Any]:
        """The part that is in the file, and the part in memory by its rows there."""
        if isinstance(rows, slice):
            first, last, _ = rows.indices(len(self))
            old = slice(min(first, self._written), min(last, self._written))
            return old, slice(max(first - self._written, 0), max(last - self._written, 0))
        new = int(np.searchsorted(rows, self._written))
        return rows[:new], rows[new:] - self._written


def _count(rows: slice | NDArray[np.int64]) -> int:
    return max(0, rows.stop - rows.start) if isinstance(rows, slice) else len(rows)


def _part(values: Any, part: slice) -> Any:
    """Of values for several rows; one value is for all of them."""
    return values[part] if np.ndim(values) else values
