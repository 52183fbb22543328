"""What recording costs beside a bare loop, and what it survives.

    python -P benchmarks/recording.py [speed] [engine] [memory] [replay] [sustained S] [kills N] [power N]

speed: int16 shots of 100,000 samples through ring and writer into a crash-safe file, beside a bare single-purpose loop
(SWMR, Bitshuffle-LZ4, a flush per block) in the same process.  engine: CPU of receiving bursts of 100 shots from a wire and
recording them, 1,000 shots/s, beside a bare loop that receives them into a ring.  memory: 1,000,000 shots of 1,000 samples:
memory and time per shot at the end over those after the beginning.  replay: reading, unpacking and reducing a run beside
unpacking alone and reducing alone.  sustained: 1,600 shots/s for S seconds while a reducer follows the file, and how long it
needs to catch up.  kills: the engine, the writer, both or their process groups are killed at random times; each file is
recovered.  power: images of what a power failure leaves.  speed if none is named.
"""

import os
import random
import resource
import select
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
from numpy.typing import NDArray

from config.laboratory import read_laboratory
from daq.analysis.beside import reducing
from daq.face.reduced import Published, Reduced
from daq.record.blocks import ShotBlock, Step
from daq.record.layout import FiredSource
from daq.record.messages import Armed, Create, Fired, NewStep
from daq.record.recorder import SLOTS, Recorder
from daq.record.recover import recover
from daq.record.run_file import RunFile, RunFileError
from daq.record.verify import verify
from daq.reduce import Reducer
from daq.reduce.reduction import Reduction
from drivers.links import Link, Terminated
from drivers.links.socket_transport import SocketTransport

BURST = 32
PLANNED = 100
"""Shots of a burst where a plan does not say otherwise."""
SAMPLES = 100_000
RATE_HZ = 1000.0
PAGE = 4096
WARM = 12
"""Bursts before the clock is started: the first touch of memory is slow on virtual machines."""
UNTIL_KILLED = "until-killed"
SUSTAINED_Hz = 1600
USUAL = {"sustained": 60, "kills": 500, "power": 1000}


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
        rate_Hz=RATE_HZ,
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
    if burst == 0:
        recorder.tell(NewStep(0, 0.0, 0.0, 0.0, 25.0, 6.0, 432.0))
    shots = len(traces)
    numbers = np.arange(burst * shots, (burst + 1) * shots)
    recorder.arm(Armed(burst, 0, burst * shots, shots, float(burst)))
    recorder.tell(Fired(burst, shots, int(FiredSource.TIME_TAGS), (), ()))
    recorder.record(ShotBlock(0, burst, numbers, np.arange(shots) * 1e-3, traces, burst * shots))


def ours(path: Path, traces: NDArray[np.int16], bursts: int) -> tuple[float, float]:
    """Shots per second, closing included, and CPU seconds of the engine per shot."""
    with Recorder(header(path, traces.shape[2], len(traces))) as recorder:
        for burst in range(WARM + bursts):
            if burst == WARM:
                recorder.settle()
                began, cpu = time.perf_counter(), time.process_time()
            record(recorder, burst, traces)
        recorder.finish("complete", "done")
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
    shots = bursts * len(traces)
    return shots / took, cpu / shots


def bare(path: Path, traces: NDArray[np.int16], bursts: int) -> float:
    """The least that writes a compressed file that can be followed."""
    shots, samples = len(traces), traces.shape[2]
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
        for burst in range(WARM + bursts):
            if burst == WARM:
                began = time.perf_counter()
            data.resize((burst + 1) * shots, axis=0)
            data[burst * shots :] = traces
            file.flush()
        os.fsync(file.id.get_vfd_handle())
    return bursts * shots / (time.perf_counter() - began)


DIGITIZER = """
import socket, sys
size = int(sys.argv[1])
block = b"#9%09d" % size + bytes(size) + b"\\n"
with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1], flush=True)
    with server.accept()[0] as wire:
        while wire.recv(64):
            wire.sendall(block)
"""
QUERY = b":WAVeform:DATA?\n"
HEAD, TAIL = len(b"#9123456789"), len(b"\n")


@contextmanager
def digitizer() -> Iterator[int]:
    """The port at which a process answers every message with a burst, as a digitizer does."""
    command = [sys.executable, "-c", DIGITIZER, str(2 * PLANNED * SAMPLES)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())


def paced(bursts: int) -> Iterator[int]:
    """So many bursts, at a machine's pace, so that the writer does not take the processor from who receives."""
    due = time.perf_counter()
    for burst in range(bursts):
        time.sleep(max(0.0, due - time.perf_counter()))
        due = time.perf_counter() + PLANNED / RATE_HZ
        yield burst


def into_a_ring(bursts: int) -> float:
    """CPU seconds per shot of receiving, and nothing else."""
    ring, ends = np.ones((SLOTS, 2 * PLANNED * SAMPLES), np.uint8), bytearray(HEAD)
    with digitizer() as port, socket.create_connection(("127.0.0.1", port)) as wire:
        cpu = time.process_time()
        for burst in paced(bursts):
            wire.sendall(QUERY)
            for part in (memoryview(ends), ring[burst % SLOTS].data, memoryview(ends)[:TAIL]):
                while part:
                    part = part[wire.recv_into(part) :]
        return (time.process_time() - cpu) / bursts / PLANNED


def into_the_recorder(path: Path, bursts: int) -> float:
    """The same through a driver's link into memory of the recorder, which is touched before, and recording it."""
    with (
        digitizer() as port,
        Recorder(header(path, SAMPLES, PLANNED)) as recorder,
        closing(Link("digitizer", SocketTransport("127.0.0.1", port), Terminated(b"\n"))) as link,
    ):
        for traces in [recorder.room((PLANNED, 1, SAMPLES)) for _ in range(SLOTS)]:
            traces[:] = 0
        for burst in paced(WARM + bursts):
            if burst == WARM:
                cpu = time.process_time()
            traces = recorder.room((PLANNED, 1, SAMPLES))
            link.query_block(QUERY, traces.reshape(-1).view(np.uint8).data, 60.0)
            record(recorder, burst, traces)
        cpu = time.process_time() - cpu
        recorder.finish("complete", "done")
    path.unlink()
    return cpu / bursts / PLANNED


def engine(directory: Path) -> None:
    costs = [(into_the_recorder(directory / "run.h5", 32), into_a_ring(32)) for _ in range(5)]
    ratio, ours_s, bare_s = sorted((ours_s / bare_s, ours_s, bare_s) for ours_s, bare_s in costs)[len(costs) // 2]
    print(
        f"engine: {ours_s * 1e6:.0f} us CPU per shot from wire to recorder, into a ring alone {bare_s * 1e6:.0f} us: "
        f"ratio {ratio:.2f} (limit 1.3)"
    )


def speed(directory: Path) -> None:
    traces, bursts = waveforms(BURST, SAMPLES), 150
    path = directory / "run.h5"
    rates, costs = [], []
    for _ in range(5):
        alone = bare(path, traces, bursts)
        path.unlink()
        rate, cpu = ours(path, traces, bursts)
        path.unlink()
        rates.append((rate / alone, rate, alone))
        costs.append(cpu)
    ratio, rate, alone = sorted(rates)[len(rates) // 2]
    print(f"speed: {rate:,.0f} shots/s recorded, a bare loop {alone:,.0f}: ratio {ratio:.2f} (limit 0.8)")
    print(f"engine CPU: {statistics.median(costs) * 1e6:.0f} us per shot")


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


def replay(directory: Path) -> None:
    traces, bursts, path = waveforms(BURST, SAMPLES), 40, directory / "run.h5"
    ours(path, traces, bursts)
    with RunFile(path) as run:
        blocks = [ShotBlock(0, 0, np.arange(BURST), np.zeros(BURST), traces)]
        shots, rates = len(run.recorded), []
        for _ in range(7):
            began = time.perf_counter()
            for numbers in run.groups():
                run.traces[numbers[0] : numbers[-1] + 1]
            unpacked = time.perf_counter()
            reducer = Reducer(run.axis, run.element, range(2, 31), run.calibrations)
            for _ in range(shots // BURST):
                reducer.add(Step(0, 0.0, 0.0, 25.0, 6.0, 432.0), blocks[0])
            reduced = time.perf_counter()
            list(Reduction(run).update(run))
            replayed = time.perf_counter()
            rates.append((shots / (replayed - reduced), shots / (unpacked - began), shots / (reduced - unpacked)))
    together, unpacking, reducing_alone = (statistics.median(column) for column in zip(*rates, strict=True))
    ratio = together / min(unpacking, reducing_alone)
    print(
        f"replay: {together:,.0f} shots/s, unpacking alone {unpacking:,.0f}, reducing alone {reducing_alone:,.0f}: "
        f"ratio to the slower {ratio:.2f} (limit 0.8)"
    )


def shots_shown(heard: list[Published]) -> int:
    """In the newest sums."""
    return next((one.shots for one in reversed(heard) if isinstance(one, Reduced)), 0)


def sustained(directory: Path, seconds: int) -> None:
    traces, path = waveforms(BURST, SAMPLES), directory / "run.h5"
    heard: list[Published] = []
    bursts = SUSTAINED_Hz * seconds // BURST
    with Recorder(header(path, SAMPLES, BURST)) as recorder, reducing(path, heard.append):
        began = time.perf_counter()
        for burst in range(bursts):
            time.sleep(max(0.0, began + burst * BURST / SUSTAINED_Hz - time.perf_counter()))
            record(recorder, burst, traces)
        recorder.finish("complete", "done")
        took, by_then = time.perf_counter() - began, shots_shown(heard)
    lag = time.perf_counter() - began - took
    print(
        f"sustained: {bursts * BURST / took:,.0f} shots/s over {took:.0f} s (limit 1,500), all recorded; the reducer "
        f"had shown {by_then:,} shots by then, and caught up {lag:.1f} s after the end with {shots_shown(heard):,}"
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
            start_new_session=True,
        )
        assert engine.stdout is not None
        writer = int(engine.stdout.readline())
        gone = os.pidfd_open(writer)
        engine.stdout.readline()
        time.sleep(dice.uniform(0.0, 0.5))
        # A negative number is a whole process group; the writer's is its own.
        for victim in dice.choice(
            ((engine.pid,), (writer,), (engine.pid, writer), (writer, engine.pid), (-engine.pid, -writer))
        ):
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
    parts: dict[str, Callable[[Path], None]] = {"speed": speed, "engine": engine, "memory": memory, "replay": replay}
    counted: dict[str, Callable[[Path, int], None]] = {"sustained": sustained, "kills": kills, "power": power}
    with tempfile.TemporaryDirectory(dir=".") as directory:
        for place, word in enumerate(words):
            if word in parts:
                parts[word](Path(directory))
            elif word in counted:
                after = words[place + 1] if place + 1 < len(words) else ""
                counted[word](Path(directory), int(after) if after.isdigit() else USUAL[word])
            for file in Path(directory).iterdir():
                file.unlink()


if __name__ == "__main__":
    main()
