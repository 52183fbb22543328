"""The window under load: looks per second, delays of its event loop, its processor time, what it costs the recording.

    python -P benchmarks/window.py [load S] [hung] [paint] [soak S]

load: a writer takes 1,000 shots/s of 100,000 samples for S seconds, a reducer follows the file, and a window shows what is
reduced through a service; beside it the same without a window.  hung: a service on a simulated laboratory, three of whose
instruments are silent, is stopped by SIGSTOP for five seconds, upon which its guard ends it.  paint: from the start of a
process until its window is painted, with a service running.  These three if none is named.  soak: memory of a window that
watches a run at 20 Hz for S seconds, a look a second, all its tabs in turn.  Without a screen, unless QT_QPA_PLATFORM says
otherwise.
"""

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, cast

from config.laboratory import SHIPPED, read_laboratory
from daq.analysis.beside import reducing
from daq.face.board import Board
from daq.face.commands import Answer, Command, QueuePlan, TakeControl
from daq.face.reduced import Published
from daq.face.state import AnyPart, Change, RunPart, Snapshot, key
from daq.record.recorder import Recorder
from daq.service.client import Client
from daq.service.server import Server
from simulators.wire.remote import Remote

sys.path.append(str(Path(__file__).parent))
from recording import BURST, SAMPLES, header, record, waveforms
from silent import SIMULATORS, started

RATE_Hz, STOPPED_S = 1000, 5.0
USUAL_S = {"load": 20, "hung": 20, "paint": 20, "soak": 3600}
SILENT = ("cold_head", "helium", "chopper")
WATCH, SOAK = ([sys.executable, "-P", str(Path(__file__).with_name(f"{name}_window.py"))] for name in ("watched", "soaked"))
WARM_MIN, FEW_MIN = 10, 5
"""Memory grows while each thing is done for the first time; what it is then, and at the end, is a median of a few minutes."""
PLAN = "vanadium-25K.toml"
LONGER = {"cycles = 2": "cycles = 200", "shots_per_burst = 100": "shots_per_burst = 20"}
"""Hours of it, and a look each second."""


class Room:
    """A face that shows a run which is only recorded."""

    def __init__(self) -> None:
        self._board: Board[AnyPart] = Board()

    def show(self, part: AnyPart | Published) -> None:
        self._board.put(key(part), part)

    def submit(self, command: Command, by: str) -> Answer:
        return Answer(False, "nothing can be asked here")

    def snapshot(self) -> Snapshot:
        sequence, parts = self._board.all()
        return Snapshot("benchmark", sequence, time.time(), tuple(parts.values()))

    def changes(self, after: int, timeout_s: float) -> Iterator[Change]:
        for sequence, part in self._board.since(after, timeout_s):
            yield Change(sequence, part)


def recorded(directory: Path, seconds: float, *, window: bool) -> tuple[float, dict[str, float]]:
    """Shots per second that were recorded, and what the window tells of itself."""
    room, traces, path = Room(), waveforms(BURST, SAMPLES), directory / f"run-{window}.h5"
    found: dict[str, float] = {}
    with ExitStack() as stack:
        server = stack.enter_context(Server(room, lambda line: None))
        command = [*WATCH, str(server.where), str(seconds)]
        shown = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True)) if window else None
        if shown is not None:
            cast(IO[str], shown.stdout).readline()
        with Recorder(header(path, SAMPLES, BURST)) as recorder, reducing(path, room.show):
            began, bursts = time.perf_counter(), int(seconds * RATE_Hz / BURST)
            for burst in range(bursts):
                time.sleep(max(0.0, began + burst * BURST / RATE_Hz - time.perf_counter()))
                record(recorder, burst, traces)
                room.show(RunPart("running", "taking shots", "load", str(path), recorder.recorded, recorder.recorded, 0, 10**6))
            recorder.finish("complete", "done")
            rate = bursts * BURST / (time.perf_counter() - began)
        if shown is not None:
            found = json.loads(cast(IO[str], shown.stdout).readline())
    path.unlink()
    return rate, found


def load(directory: Path, seconds: float) -> None:
    alone, _ = recorded(directory, seconds, window=False)
    beside, window = recorded(directory, seconds, window=True)
    print(
        f"load: {beside:,.0f} shots/s of {SAMPLES:,} samples recorded beside a window, {alone:,.0f} without: ratio "
        f"{beside / alone:.3f} (limit 0.98); the window took {window['looks_Hz']:.0f} looks/s (limit 30), painted "
        f"{window['paints_Hz']:.0f} of them, its event loop was late by {window['late_99_ms']:.0f} ms at the 99th percentile "
        f"(limit 50) and {window['late_most_ms']:.0f} ms at most, {window['cores']:.2f} cores (limit 1), "
        f"{window['growth']:+.1%} memory"
    )


@contextmanager
def served(directory: Path) -> Iterator[tuple[subprocess.Popen[str], str, Path]]:
    """A service on a simulated laboratory, where clients find it, and the laboratory's configuration."""
    config = directory / "lab.toml"
    serve = [sys.executable, "-P", "-m", "daq.cli", "serve", "--config", str(config), "--output", str(directory)]
    with (
        started([*SIMULATORS, "--write-config", str(config)]),
        subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as service,
    ):
        where = cast(IO[str], service.stdout).readline().partition("clients find it by ")[2].strip()
        try:
            yield service, where, config
        finally:
            service.terminate()


def hung(directory: Path, seconds: float) -> None:
    with (
        served(directory) as (service, where, config),
        Remote(read_laboratory(config)[0].control) as control,
    ):
        for name in SILENT:
            control.fault(name, "silence", count=100_000)
        with subprocess.Popen([*WATCH, where, str(seconds)], stdout=subprocess.PIPE, text=True) as shown:
            told = cast(IO[str], shown.stdout)
            told.readline()
            time.sleep(seconds / 4)
            service.send_signal(signal.SIGSTOP)
            time.sleep(STOPPED_S)
            service.send_signal(signal.SIGCONT)
            # The guard does not let an engine go on that was silent so long.
            service.wait()
            window = json.loads(told.readline())
    print(
        f"hung: {len(SILENT)} instruments silent and the service stopped for {STOPPED_S:g} s: the event loop was late by "
        f"{window['late_most_ms']:.0f} ms at most (limit 50), {window['late_99_ms']:.0f} ms at the 99th percentile; it showed "
        f"values as old as {window['oldest_s']:.1f} s, since the guard ends an engine that is silent for so long"
    )


def soak(directory: Path, seconds: float) -> None:
    least_s = 60 * (WARM_MIN + 2 * FEW_MIN)
    if seconds <= least_s:
        raise ValueError(
            f"soak {seconds:g}: give more than {least_s} s; memory is compared after {WARM_MIN} min and at the end"
        )
    toml = (SHIPPED / "plans" / PLAN).read_text()
    for short, long in LONGER.items():
        toml = toml.replace(short, long)
    pages = []
    with served(directory) as (_, where, _), Client(Path(where)) as client:
        for command in (TakeControl(), QueuePlan(toml, PLAN)):
            answer = client.submit(command)
            if not answer.ok:
                raise RuntimeError(answer.text)
        with subprocess.Popen([*SOAK, where, str(seconds)], stdout=subprocess.PIPE, text=True) as shown:
            for minute, line in enumerate(cast(IO[str], shown.stdout), 1):
                pages.append(int(line))
                (run,) = client.snapshot().of(RunPart)
                print(f"{minute} min: {pages[-1]:,} pages; {run.state}, {run.recorded:,} shots", flush=True)
    warm, last = statistics.median(pages[WARM_MIN:][:FEW_MIN]), statistics.median(pages[-FEW_MIN:])
    hours = (len(pages) - WARM_MIN - FEW_MIN) / 60
    print(
        f"soak: {warm:,} pages from minute {WARM_MIN} on, {last:,} up to minute {len(pages)} (medians of {FEW_MIN} min): "
        f"{(last / warm - 1) / hours:+.2%} an hour (limit 1 %), beside a run of {run.recorded:,} shots"
    )


def paint(directory: Path, seconds: float) -> None:
    room, took = Room(), []
    room.show(RunPart("idle", "no run yet"))
    with Server(room, lambda line: None) as server:
        for _ in range(5):
            began = time.perf_counter()
            with subprocess.Popen([*WATCH, str(server.where), "0"], stdout=subprocess.PIPE, text=True) as shown:
                cast(IO[str], shown.stdout).readline()
                took.append(time.perf_counter() - began)
    print(f"paint: {statistics.median(took):.2f} s from the start of the process to the first paint (limit 1.5 s)")


def main() -> None:
    words = sys.argv[1:] or ["load", "hung", "paint"]
    parts: dict[str, Callable[[Path, float], None]] = {"load": load, "hung": hung, "paint": paint, "soak": soak}
    with tempfile.TemporaryDirectory(dir=".") as directory:
        os.environ["XDG_STATE_HOME"] = os.environ["XDG_CONFIG_HOME"] = str(Path(directory).absolute())
        for place, word in enumerate(words):
            if word in parts:
                after = words[place + 1] if place + 1 < len(words) else ""
                parts[word](Path(directory), float(after) if after.isdigit() else USUAL_S[word])


if __name__ == "__main__":
    main()
