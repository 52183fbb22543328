"""What recording costs beside a bare loop, and what it survives.

    python -P benchmarks/recording.py [speed] [memory] [kills N] [power N]

speed: int16 shots of 100,000 samples through ring and writer into a crash-safe file, beside a bare single-purpose loop
(SWMR, Bitshuffle-LZ4, a flush per block) in the same process; engine CPU beside a bare copy into a ring.  memory: 1,000,000
shots of 1,000 samples: memory and time per shot at the end over those after the beginning.  kills: the engine, the writer or
both are killed at random times; each file is recovered.  power: images of what a power failure leaves.  speed if none is named.
"""

import os
import random
import resource
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
from numpy.typing import NDArray

from config.laboratory import read_laboratory
from daq.record.blocks import ShotBlock
from daq.record.layout import FiredSource
from daq.record.messages import Armed, Create, Fired
from daq.record.recorder import SLOTS, Recorder
from daq.record.recover import recover
from daq.record.run_file import RunFile, RunFileError
from daq.record.verify import verify

BURST = 32
SAMPLES = 100_000
PAGE = 4096
UNTIL_KILLED = "until-killed"


def waveforms(shots: int, samples: int) -> NDArray[np.int16]:
    """Noise of 3 counts and forty pulses, int16[shots, 1, samples]; touched, so that memory is there."""
    dice = np.random.default_rng(1)
    traces = np.rint(dice.normal(0.0, 3.0, (shots, 1, samples))).astype(np.int16)
    for trace in traces[:, 0]:
        for place in dice.integers(0, samples - 8, samples // 2500):
            trace[place : place + 8] += 300
    return traces


def header(path: Path, samples: int, burst: int) -> Create:
    laboratory, calibrations = read_laboratory()
    return Create(
        path=str(path),
        title="benchmark",
        element="V",
        sizes=(2, 30),
        started="2026-01-01T00:00:00+00:00",
        plan_json="{}",
        laboratory_json=laboratory.model_dump_json(),
        calibrations_json=calibrations.model_dump_json(),
        versions_json="{}",
        identities_json="{}",
        rate_Hz=1000.0,
        channels=1,
        samples=samples,
        start_s=0.0,
        interval_s=1e-9,
        scale_V=(1e-6,),
        offset_V=(0.0,),
        slots=SLOTS,
        slot_bytes=2 * burst * samples,
        log=(),
        run_id=os.urandom(16).hex(),
    )


def record(recorder: Recorder, burst: int, traces: NDArray[np.int16]) -> None:
    """One burst as the engine tells it."""
    shots = len(traces)
    numbers = np.arange(burst * shots, (burst + 1) * shots)
    recorder.arm(Armed(burst, 0, burst * shots, shots, float(burst)))
    recorder.tell(Fired(burst, shots, int(FiredSource.TIME_TAGS), (), ()))
    recorder.record(ShotBlock(0, burst, numbers, np.arange(shots) * 1e-3, traces, burst * shots))


def ours(path: Path, traces: NDArray[np.int16], bursts: int) -> tuple[float, float]:
    """Shots per second, closing included, and CPU seconds of the engine per shot."""
    with Recorder(header(path, traces.shape[2], len(traces))) as recorder:
        began, cpu = time.perf_counter(), time.process_time()
        for burst in range(bursts):
            record(recorder, burst, traces)
        recorder.finish("complete", "done")
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
    shots = bursts * len(traces)
    return shots / took, cpu / shots


def bare(path: Path, traces: NDArray[np.int16], bursts: int) -> float:
    """The least that writes a compressed file that can be followed."""
    shots, samples = len(traces), traces.shape[2]
    began = time.perf_counter()
    with h5py.File(path, "w", libver="latest") as file:
        data = file.create_dataset(
            "traces",
            (0, 1, samples),
            "i2",
            maxshape=(None, 1, samples),
            chunks=(1, 1, samples),
            **hdf5plugin.Bitshuffle(cname="lz4"),
        )
        file.swmr_mode = True
        for burst in range(bursts):
            data.resize((burst + 1) * shots, axis=0)
            data[burst * shots :] = traces
            file.flush()
        os.fsync(file.id.get_vfd_handle())
    return bursts * shots / (time.perf_counter() - began)


def into_a_ring(traces: NDArray[np.int16], bursts: int) -> float:
    """CPU seconds per shot of a bare loop that copies each block into a ring."""
    ring = np.zeros((SLOTS, *traces.shape), np.int16)
    cpu = time.process_time()
    for burst in range(bursts):
        ring[burst % SLOTS] = traces
    return (time.process_time() - cpu) / (bursts * len(traces))


def speed(directory: Path) -> None:
    traces, bursts = waveforms(BURST, SAMPLES), 150
    path = directory / "run.h5"
    rates, costs = [], []
    for _ in range(3):
        alone = bare(path, traces, bursts)
        path.unlink()
        rate, cpu = ours(path, traces, bursts)
        path.unlink()
        rates.append((rate / alone, rate, alone))
        costs.append(cpu)
    ratio, rate, alone = sorted(rates)[len(rates) // 2]
    print(f"speed: {rate:,.0f} shots/s recorded, a bare loop {alone:,.0f}: ratio {ratio:.2f} (limit 0.8)")
    ring = into_a_ring(traces, bursts)
    print(
        f"engine CPU: {statistics.median(costs) * 1e6:.0f} us per shot, of which copying into a ring takes {ring * 1e6:.0f} us"
    )


def memory(directory: Path) -> None:
    traces, bursts = waveforms(100, 1000), 10_000
    pages, times = [], []
    with Recorder(header(directory / "run.h5", 1000, 100)) as recorder:
        writer = Path(f"/proc/{recorder.writer_pid}/statm")
        for burst in range(bursts):
            record(recorder, burst, traces)
            if burst % (bursts // 10) == bursts // 10 - 1:
                pages.append((int(writer.read_text().split()[1]), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
                times.append(time.perf_counter())
        recorder.finish("complete", "done")
    growth = [last / first - 1 for first, last in zip(pages[0], pages[-1], strict=True)]
    spans = np.diff(times)
    print(
        f"memory: writer {growth[0]:+.1%}, engine {growth[1]:+.1%} from 100,000 to 1,000,000 shots (limit 1 %); "
        f"time per shot at the end {spans[-1] / spans[0] - 1:+.0%} (limit 10 %)"
    )


def until_killed(path: Path) -> None:
    """Record, and print the writer's process and then how many shots are acknowledged, after each burst."""
    traces, burst = waveforms(8, 2000), 0
    with Recorder(header(path, 2000, 8)) as recorder:
        print(recorder.writer_pid, flush=True)
        while True:
            record(recorder, burst, traces)
            print(recorder.recorded, flush=True)
            burst += 1


def kills(directory: Path, number: int) -> None:
    """Kill, and see that every shot that was called recorded is in the recovered file."""
    dice = random.Random(1)
    lost = unreadable = 0
    for kill in range(number):
        path, target = directory / f"{kill}.h5", directory / f"{kill}-recovered.h5"
        engine = subprocess.Popen(
            [sys.executable, "-P", __file__, UNTIL_KILLED, str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert engine.stdout is not None
        writer = int(engine.stdout.readline())
        gone = os.pidfd_open(writer)
        engine.stdout.readline()
        time.sleep(dice.uniform(0.0, 0.5))
        for victim in dice.choice(((engine.pid,), (writer,), (engine.pid, writer), (writer, engine.pid))):
            os.kill(victim, signal.SIGKILL)
        said = [int(line) for line in engine.stdout.read().split("\n")[:-1] if line.isdigit()]
        engine.stdout.close()
        engine.wait()
        # Not by its name in /proc, which vanishes before its files are closed.
        select.select([gone], [], [])
        os.close(gone)
        try:
            recover(path, target)
            with RunFile(target) as run:
                report = verify(run)
            lost += max(0, max(said, default=0) - report.recorded) + len(report.faults)
        except RunFileError as error:
            unreadable += 1
            print(f"  {error}")
        for file in (path, target):
            file.unlink(missing_ok=True)
    print(f"kills: {number}; {lost} acknowledged shots lost, {unreadable} files unreadable after `recover`")


def power(directory: Path, number: int) -> None:
    """The last synchronised copy and a random subset of the pages written since."""
    dice = np.random.default_rng(1)
    traces, path = waveforms(8, 2000), directory / "run.h5"
    stages = []
    with Recorder(header(path, 2000, 8)) as recorder:
        for burst in range(40):
            record(recorder, burst, traces)
            stages.append((path.read_bytes(), recorder.recorded))
        recorder.finish("complete", "done")
    worse = 0
    for _ in range(number):
        first, last = sorted(dice.integers(0, len(stages), 2))
        synced, recorded = stages[first]
        later = stages[last][0]
        image = np.frombuffer(synced.ljust(len(later), b"\0"), np.uint8).copy()
        new = np.frombuffer(later, np.uint8)
        taken = np.repeat(dice.random(-(-len(image) // PAGE)) < dice.random(), PAGE)[: len(image)]
        image[taken] = new[taken]
        damaged, target = directory / "image.h5", directory / "recovered.h5"
        damaged.write_bytes(image.tobytes())
        recover(damaged, target)
        with RunFile(target) as run:
            report = verify(run)
            complete = report.complete and int((run.recorded < recorded).sum()) == recorded
        worse += not complete
        target.unlink()
    print(f"power: {number} images; {worse} recovered to less than their last synchronisation")


def main() -> None:
    words = sys.argv[1:] or ["speed"]
    if words[0] == UNTIL_KILLED:
        until_killed(Path(words[1]))
    parts: dict[str, Callable[[Path], None]] = {"speed": speed, "memory": memory}
    counted: dict[str, Callable[[Path, int], None]] = {"kills": kills, "power": power}
    with tempfile.TemporaryDirectory(dir=".") as directory:
        for place, word in enumerate(words):
            if word in parts:
                parts[word](Path(directory))
            elif word in counted:
                after = words[place + 1] if place + 1 < len(words) else ""
                counted[word](Path(directory), int(after) if after.isdigit() else 500)


if __name__ == "__main__":
    main()
