"""A client of a service that is not there: what it shows and answers is the test's."""

from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import numpy as np

from daq.face.board import Board
from daq.face.commands import Answer, Command
from daq.face.reduced import ClusterFit, ClusterProfile, Moments, Reduced, ShotEvent, ShotTimes, Spectrum, Trace
from daq.face.state import AnyPart, Change, ControlPart, InstrumentPart, Reading, RunPart, Snapshot, key

NOW = 1_000.0


class FakeClient:
    """`put` and `drop` are the laboratory's, `trouble` and `silent_s` the wire's; answers are given by the test."""

    def __init__(self, *parts: AnyPart) -> None:
        self.trouble, self.name, self.silent_s = "", "me@here:window", 0.0
        self.asked: list[tuple[Command, Future[Answer]]] = []
        self._board: Board[AnyPart] = Board()
        for part in parts:
            self.put(part)

    def put(self, part: AnyPart) -> None:
        self._board.put(key(part), part)

    def drop(self, part: AnyPart) -> None:
        self._board.drop([key(part)])

    def ask(self, command: Command) -> Future[Answer]:
        answer: Future[Answer] = Future()
        self.asked.append((command, answer))
        return answer

    def commands(self) -> list[Command]:
        return [command for command, _ in self.asked]

    def snapshot(self) -> Snapshot:
        sequence, parts = self._board.all()
        return Snapshot("fake", sequence, NOW + self.silent_s, tuple(parts.values()), self.silent_s)

    def changes(self, after: int) -> Iterator[Change]:
        for sequence, part in self._board.since(after):
            yield Change(sequence, part)


def magnet(current_A: float = 12.5, **more: Any) -> InstrumentPart:
    readings = {"current_A": Reading(current_A, "A", NOW - 1.0, more.pop("stale", False))}
    fields = {"live": True, "state": "on", "fit": True, "answered": NOW - 1.0, **more}
    return InstrumentPart("magnet", "magnet supply", "danfysik_8500", "Danfysik 8500", readings=readings, **fields)


def reduced(run_id: str = "run1", sizes: tuple[int, ...] = (12, 13), shots: int = 100) -> Reduced:
    """A peak of each cluster at two fields, the second one half as high."""
    bins = np.arange(11.0)
    profiles = []
    for size in sizes:
        for field_T, height in ((0.0, 1.0), (2.4, 0.5)):
            values, time_s = height * np.exp(-((bins - 5) ** 2) / 4), 1e-6 * (10 * size + bins / 10)
            columns = (array.tobytes() for array in (time_s, values, 0.01 * values, (bins - 5) / 2))
            profiles.append(ClusterProfile(size, field_T, shots, *columns))
    return Reduced(run_id, 2 * shots, tuple(spectra(sizes, shots)), tuple(profiles), "V")


def spectra(sizes: tuple[int, ...], shots: int) -> Iterator[Spectrum]:
    """From 100 to 150 µs, a peak in the middle of each cluster's window."""
    time_us = 100 + 0.05 * np.arange(1000)
    for field_T, height in ((0.0, 8.0), (2.4, 4.0)):
        mean = sum((height * np.exp(-((time_us - 10 * size - 0.5) ** 2) / 0.02) for size in sizes), np.zeros(1000))
        yield Spectrum(field_T, shots, 100e-6, 0.05e-6, mean.astype("<f4").tobytes())


def trace(run_id: str = "run1", shot: int = 7) -> Trace:
    """A thousand columns of noise with one ion."""
    highest = np.full(1000, 3, "<i2")
    highest[500] = 400
    return Trace(run_id, shot, 0.0, 0.1e-6, np.full(1000, -3, "<i2").tobytes(), highest.tobytes(), 1e-4, 0.0)


def shot_times(run_id: str = "run1") -> ShotTimes:
    events = (
        ShotEvent("q_switch", 1e-3, 1e-3),
        ShotEvent("chopper", 2e-3, np.nan),
        ShotEvent("ionisation", 6e-3, 6.0000001e-3),
    )
    return ShotTimes(run_id, 3, events)


def moments(run_id: str = "run1") -> Moments:
    clusters = [
        {"size": 12, "behaviour": "non-magnetic", "moment_uB": 0.0, "error_uB": None, "limit_uB": 0.4},
        {"size": 13, "behaviour": "superparamagnetic", "moment_uB": 2.6, "error_uB": 0.3, "limit_uB": None},
    ]
    axis = np.linspace(-2.5, 2.5, 41)
    fit = ClusterFit(0, 13, axis.tobytes(), np.exp(-(axis**2)).tobytes(), np.exp(-((axis - 0.2) ** 2)).tobytes())
    point = {
        "point": 0,
        "field_T": 2.4,
        "element": "V",
        "velocity_m_s": 432.0,
        "cluster_temperature_K": 45.0,
        "drift": None,
        "clusters": clusters,
    }
    return Moments(run_id, (point,), fits=(fit,), shots=200)


def running() -> RunPart:
    return RunPart("running", "taking shots", "Vanadium", "run.h5", 300, 200, 20, 1000, 60.0, 20.0)


def nobody() -> ControlPart:
    return ControlPart()
