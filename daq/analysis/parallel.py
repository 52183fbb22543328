"""A run reduced in pieces by other processes, of this machine or of a cluster; integer sums, so the bits are the same."""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from config.errors import ConfigurationError
from daq.record.run_file import RunFile
from daq.record.series import Series
from daq.reduce import Profiles
from daq.reduce.reduction import Reduction

PIECE_SHOTS = 2000
WORTH_SHOTS = 10_000
"""Fewer are reduced before other processes have started."""


@contextmanager
def executor(shots: int, jobs: int = 0, scheduler: str = "") -> Iterator[Executor | None]:
    """Where to reduce so many shots: on the dask cluster at `scheduler`, which has to see the files under the same paths, in so
    many processes, or here (None); 0 jobs are as many as there are cores, if that is worth it.

    `ConfigurationError` when nobody answers at `scheduler`.
    """
    if scheduler:
        try:
            from distributed import Client
        except ImportError:
            raise ConfigurationError("--scheduler needs dask's scheduler; install clusterbeam[analyst]") from None
        try:
            client = Client(scheduler)
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"no dask scheduler answers at {scheduler} ({error}); give host:port of one") from None
        with client:
            yield client.get_executor()
        return
    jobs = jobs or ((os.cpu_count() or 1) if shots >= WORTH_SHOTS else 1)
    if jobs == 1:
        yield None
        return
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


def reduce_on(pool: Executor, series: Series, watch: Callable[[int], None] = lambda shots: None) -> Profiles:
    """All good shots with beam of a run and what it continues; `watch` is told the shots done so far.  `ValueError` as from
    `Reduction`."""
    total, done = Reduction(series.last).profiles(), 0
    pieces = {}
    for place, part in enumerate(series.parts):
        if part.axis != series.last.axis:
            raise ValueError(f"{part.path.name} was recorded with another time axis or scale")
        good = part.recorded[part.bad[part.recorded] == 0]
        for first in range(0, len(good), PIECE_SHOTS):
            numbers = good[first : first + PIECE_SHOTS]
            pieces[pool.submit(_reduced, part.path.resolve(), place, numbers)] = len(numbers)
    for piece in as_completed(pieces):
        total, done = total + piece.result(), done + pieces[piece]
        watch(done)
    return total


def _reduced(path: Path, place: int, numbers: NDArray[np.int64]) -> Profiles:
    with RunFile(path) as run:
        reduction = Reduction(run, place)
        reduction.add(run, numbers)
        return reduction.profiles()
