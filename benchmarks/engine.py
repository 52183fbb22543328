"""What the engine costs beside a plain loop over the same driver, and whether its promises hold.

    python -P benchmarks/engine.py [overhead] [step] [duty] [card] [plan] [pause]

overhead: per shot, bursts of 100 from a digitizer that has its traces at once, nothing recorded.  step: from one step to the
next, beside the same exchanges in a plain loop.  duty: shots recorded over shots fired while a step runs, on the simulated
Infiniium behind a slow network, and (card) on a continuous card whose library is a stand-in.  plan: a plan of a million
shots.  pause: until the triggers stand still.  All if none is named.
"""

import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from config.laboratory import SHIPPED, InstrumentConfiguration, read_laboratory
from daq import Laboratory
from daq.engine.burst import BurstTaker
from daq.engine.clock import Clock
from daq.engine.instruments import Instruments
from daq.engine.set_points import SetPoints
from daq.engine.state import Progress, State
from daq.plan.expansion import steps
from daq.plan.plan import Plan, read_plan
from daq.record.blocks import ShotBlock, TraceAxis
from daq.record.messages import Armed, ToWriter
from daq.record.run_file import RunFile
from drivers.registry import connect
from drivers.roles import Digitizer, DigitizerSetup, Room, Segments, new_room
from simulators.wire.remote import Remote

BURST = 100
SAMPLES = 100_000
POLL_S = 0.001
HOLD_S = 0.001
"""The field's hold time of a second, at the speed at which steps are taken here."""


class Canned:
    """A digitizer whose triggers come at once and whose traces cost nothing."""

    name = "canned"

    def __init__(self, samples: int, rate_Hz: float) -> None:
        self._traces = np.zeros((BURST, 1, samples), np.int16)
        self._tags = np.arange(BURST) / rate_Hz

    def arm(self, shots: int) -> None:
        """At once."""

    def finished(self) -> bool:
        return True

    def collect(self, room: Room = new_room) -> Segments:
        return Segments(self._traces, self._tags, (1.0,), (0.0,), 1e-9, 0.0)


class Nowhere:
    """A ledger that keeps nothing."""

    def arm(self, message: Armed) -> None:
        """Kept nowhere."""

    def room(self, shape: tuple[int, int, int]) -> NDArray[np.int16]:
        return new_room(shape)

    def record(self, block: ShotBlock) -> None:
        """Kept nowhere."""

    def tell(self, message: ToWriter) -> None:
        """Kept nowhere."""


def plain(digitizer: Digitizer, shots: int, bursts: int) -> Iterator[Segments]:
    """The least that takes bursts."""
    for _ in range(bursts):
        digitizer.arm(shots)
        while not digitizer.finished():
            time.sleep(POLL_S)
        yield digitizer.collect()


def overhead() -> None:
    rate_Hz, bursts = 1e6, 200
    digitizer = cast(Digitizer, Canned(1000, rate_Hz))
    axis = TraceAxis(0.0, 1e-9, 1000, (1.0,), (0.0,))
    costs = []
    for _ in range(5):
        began = time.perf_counter()
        for _ in plain(digitizer, BURST, bursts):
            pass
        alone_s = time.perf_counter() - began
        taker = BurstTaker(lambda: digitizer, Nowhere(), axis, rate_Hz, Clock(1.0), Event())
        times = [time.perf_counter()]
        times += [time.perf_counter() for _ in taker.take(0, BURST * bursts, BURST, 0)]
        costs.append((statistics.median(np.diff(times)) - alone_s / bursts) / BURST * 1e6)
    print(f"overhead: {statistics.median(costs):.2f} us per shot beyond a plain loop, bursts of {BURST} (limit 20 us)")


@contextmanager
def simulators(*options: str) -> Iterator[Path]:
    """A simulated laboratory in a process of its own; its configuration."""
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "laboratory.toml"
        command = [sys.executable, "-P", "-m", "simulators", "--write-config", str(config), "--json", "--until-stdin-closes"]
        with subprocess.Popen([*command, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            cast(IO[bytes], process.stdout).readline()
            yield config


def short_plan(**changes: Any) -> Plan:
    """The vanadium plan in another measure."""
    shipped = read_plan(SHIPPED / "plans" / "vanadium-25K.toml")
    return shipped.model_copy(update={name: getattr(shipped, name).model_copy(update=new) for name, new in changes.items()})


def step() -> None:
    """Field on and off 40 times; the magnet takes 25 ms of wall time at this speed, and both loops ask the same."""
    with simulators("--speed", "1000") as config:
        laboratory, calibrations = read_laboratory(config)
        plan = short_plan(interleave={"cycles": 20, "order": "ABAB"})
        with Instruments(laboratory) as instruments:
            clock = Clock(laboratory.clock.speed)
            for instrument in instruments.by_name.values():
                instrument.prepare()
            instruments.magnet.switch_on()
            points = SetPoints(plan, laboratory, calibrations, instruments, clock, Event())
            wanted = list(steps(plan))
            points.reach(wanted[0])
            engine = [_timed(lambda one=one: points.reach(one)) for one in wanted[1:]]
            by_hand = [_timed(lambda one=one: _reach_plainly(instruments, one.field_T)) for one in wanted[1:]]
    beyond_ms = 1e3 * (statistics.median(engine) - statistics.median(by_hand))
    print(f"step: {beyond_ms:.1f} ms beyond the same exchanges in a plain loop ({1e3 * statistics.median(by_hand):.0f} ms)")


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _reach_plainly(instruments: Instruments, field_T: float) -> None:
    current_A = 200.0 if field_T else 0.0
    instruments.magnet.write("set_current_A", current_A)
    while abs(float(instruments.magnet.read("current_A")) - current_A) > 0.5:
        pass
    inside_s = None
    while inside_s is None or time.perf_counter() - inside_s < HOLD_S:
        if abs(float(instruments.field_probe.read("field_T")) - field_T) > 0.03:
            inside_s = None
        elif inside_s is None:
            inside_s = time.perf_counter()
    instruments.cold_head.read("temperature_K")
    instruments.helium.read("pressure_bar")


def duty() -> None:
    """20 Hz, 100,000 samples, 10 MB/s: 2 s of transfer after 5 s of shots."""
    transfer_MB_s = 10.0
    with simulators("--speed", "1", "--canned", "--transfer-MB-s", str(transfer_MB_s)) as config:
        config.write_text(config.read_text().replace("transfer_MB_s = 400.0", f"transfer_MB_s = {transfer_MB_s}"))
        plan = short_plan(
            interleave={"field_T": [0.0], "cycles": 1, "shots_per_group": 6 * BURST},
            acquisition={"sample_rate_Hz": 5e8, "duration_us": 200.0},
        )
        with Laboratory(config) as lab:
            predicted = lab.review(plan).forecast.duty
            summary = lab.run(plan, config.parent / "runs")
            assert summary.path is not None
            with RunFile(summary.path) as run:
                armed = run.bursts["armed_at"]
            engine = _duty(np.diff(armed).tolist(), 20.0)
            digitizer = lab._instruments.digitizer
            lab._instruments.delay_generator.start()
            ends = [time.perf_counter(), *(time.perf_counter() for _ in plain(digitizer, BURST, 6))]
            alone = _duty(np.diff(ends)[1:].tolist(), 20.0)
    print(
        f"duty, Infiniium at {transfer_MB_s:g} MB/s: {engine:.3f} of the shots fired, a plain loop {alone:.3f}: ratio "
        f"{engine / alone:.3f} (limit 0.95); predicted {predicted:.3f}, off by {abs(engine / predicted - 1):.1%} (limit 5 %)"
    )


def _duty(cycles_s: list[float], rate_Hz: float) -> float:
    """Recorded over fired in a step, from how long it takes from each burst to the next; after the last nothing is lost."""
    bursts = len(cycles_s) + 1
    return bursts * BURST / (sum(cycles_s) * rate_Hz + BURST)


def card() -> None:
    """A continuous card at 100 Hz; its library is a stand-in that is triggered at that rate."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.drivers.spectrum_library import Card, installed

    rate_Hz, rate_S = 100.0, 2.5e9 / 4
    setup = DigitizerSetup((1,), rate_S, SAMPLES, (1.0,), (0.0,), trigger_level_V=1.0)
    found = Card()
    with installed(found):
        configured = InstrumentConfiguration(role="digitizer", driver="spectrum_m4i", address="/dev/spcm0")
        unit: Digitizer = connect("digitizer", configured)
        unit.prepare()
        unit.configure(setup)
        end = Event()
        triggers = Thread(target=_trigger, args=(found, rate_Hz, end))
        triggers.start()
        try:
            first = next(plain(unit, 1, 1))
            axis = TraceAxis(first.start_s, first.interval_s, first.traces.shape[2], first.scale_V, first.offset_V)
            ends = [time.perf_counter(), *(time.perf_counter() for _ in plain(unit, BURST, 6))]
            alone = _duty(np.diff(ends)[1:].tolist(), rate_Hz)
            taker = BurstTaker(lambda: unit, Nowhere(), axis, rate_Hz, Clock(1.0), Event())
            ends = [time.perf_counter() for _ in taker.take(0, 6 * BURST, BURST, 0)]
            engine = _duty(np.diff(ends)[1:].tolist(), rate_Hz)
        finally:
            end.set()
            triggers.join()
            unit.close()
    print(f"duty, continuous card at 100 Hz: {engine:.3f}, a plain loop {alone:.3f}: ratio {engine / alone:.3f} (limit 0.95)")


def _trigger(found: Any, rate_Hz: float, end: Event) -> None:
    trace = np.zeros((1, (SAMPLES + 31) // 32 * 32, 1), np.int8)
    began, number = time.monotonic(), 0
    while not end.wait(max(0.0, began + number / rate_Hz - time.monotonic())):
        found.trigger(trace, [round(number / rate_Hz * 2.5e9 / 4)])
        number += 1


MILLION = """
title = "a million shots"
element = "V"
sizes = [2, 33]
[conditions]
source_temperature_K = 25.0
helium_pressure_bar = 6.0
velocity_m_s = 432.0
[[scan]]
values = { velocity_m_s = { first = 400.0, last = 460.0, count = 500 } }
[[scan]]
values = { helium_pressure_bar = { first = 2.0, last = 6.0, count = 500 } }
[interleave]
field_T = [0.0, 2.4]
shots_per_group = 1
"""


def plan() -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "million.toml"
        path.write_text(MILLION)
        command = [sys.executable, "-P", "-m", "daq.cli", "plan", str(path)]
        took_s = _timed(lambda: subprocess.run(command, check=True, capture_output=True))
        wanted = read_plan(path)
    tracemalloc.start()
    peaks = []
    for number, _ in enumerate(steps(wanted), 1):
        if number in (1_000, 1_000_000):
            peaks.append(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
    print(
        f"plan: `clusterbeam plan` of {wanted.shots:,} shots in {wanted.points:,} points takes {took_s:.2f} s (limit 2 s); "
        f"expansion peaks at {peaks[0] / 1e3:.0f} kB after a thousand steps and {peaks[1] / 1e3:.0f} kB after a million"
    )


def pause() -> None:
    """A pause in the middle of bursts of 5 s, ten times; the delay generator's own state says when it stands still."""
    took = []
    with (
        simulators("--speed", "1", "--canned") as config,
        Remote(read_laboratory(config)[0].control) as control,
        Laboratory(config) as lab,
    ):
        plan = short_plan(interleave={"field_T": [0.0], "cycles": 1, "shots_per_group": 1000})
        paused, running = Event(), Event()

        def watch(progress: Progress) -> None:
            (running if progress.state is State.RUNNING and "taking" in progress.doing else paused).set()

        run = lab._new_run(plan, config.parent / "runs", watch)
        worker = Thread(target=run.run)
        worker.start()
        running.wait()
        for _ in range(10):
            time.sleep(1.3)
            began = time.perf_counter()
            run.pause()
            while control(do="state", instrument="delay_generator")["state"]["running"]:
                time.sleep(0.002)
            took.append(time.perf_counter() - began)
            run.resume()
            time.sleep(4.0)
        run.stop()
        worker.join()
    print(
        f"pause: triggers stand still {1e3 * max(took):.0f} ms later at worst, {1e3 * statistics.median(took):.0f} ms usually"
    )


PARTS = {"overhead": overhead, "step": step, "duty": duty, "card": card, "plan": plan, "pause": pause}

if __name__ == "__main__":
    for name in sys.argv[1:] or PARTS:
        PARTS[name]()
