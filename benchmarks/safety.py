"""What becomes of lasers, triggers and magnet when the engine goes, in every way there is.

    python -P benchmarks/safety.py [TRIALS] [--seed N] [--only WAY] [--within SECONDS]

Each trial starts a run, waits until it takes shots at 2.4 T, and ends the engine in one of the ways below, in half of the
trials with one instrument dead.  The simulators' own state, asked through their control socket, tells how long it takes until
the triggers are off, both lasers stopped and the magnet's set point zero.  One line per way, with the median and the slowest.
Exit status 1 if one was not safe within 2 s, unless told otherwise.
"""

import argparse
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from config.laboratory import SHIPPED, read_laboratory
from simulators.wire.remote import Remote

LIMIT_S, PATIENCE_S = 2.0, 20.0
CLUSTERBEAM = (sys.executable, "-P", "-m", "daq.cli")
SIMULATORS = (sys.executable, "-P", "-m", "simulators", "--json", "--until-stdin-closes")
FIRING = ("delay_generator", "ablation_laser", "ionisation_laser", "magnet")
CAN_BE_DEAD = (*FIRING, "helium", "cold_head", "chopper", "hall_probe")
AT_FIELD = "taking shots at 25 K, 2.4 T"
RAISES = """
import sys
from daq.engine.machine import Machine
from daq.laboratory import Laboratory

def raises(self, step):
    if step.field_T:
        sys.stdin.readline()
        raise RuntimeError("a fault of the program")
    return reach(self, step)

reach, Machine.reach = Machine.reach, raises
"""


@dataclass
class Trial:
    """A run that takes shots at full field."""

    process: "subprocess.Popen[str]"
    dice: random.Random
    disk: Path
    control: Remote

    def child(self, module: str) -> int:
        for tasks in Path(f"/proc/{self.process.pid}/task").glob("*/children"):
            for number in tasks.read_text().split():
                if module.encode() in Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0"):
                    return int(number)
        raise RuntimeError(f"the engine has no {module}")


def signalled(number: int) -> Callable[[Trial], None]:
    return lambda trial: os.kill(trial.process.pid, number)


def writer_killed(trial: Trial) -> None:
    os.kill(trial.child("daq.record.writer"), signal.SIGKILL)


def group_killed(trial: Trial) -> None:
    os.killpg(trial.process.pid, signal.SIGKILL)


def guard_then_engine(trial: Trial) -> None:
    """The engine has a second to find another guard."""
    os.kill(trial.child("daq.safety.guard"), signal.SIGKILL)
    time.sleep(1.0)
    os.kill(trial.process.pid, signal.SIGKILL)


def disk_filled(trial: Trial) -> None:
    with suppressed(OSError), (trial.disk / "filler").open("wb") as filler:
        while True:
            filler.write(bytes(1 << 20))
            filler.flush()


def unheard(trial: Trial) -> None:
    """`2>&1 | tee log`: Ctrl-C ends whoever reads what the engine says, too."""
    cast(IO[str], trial.process.stderr).close()
    os.kill(trial.process.pid, signal.SIGINT)


def wires_dropped(trial: Trial) -> None:
    """The run fails for the first of them that it notices; all open again at once."""
    for name in FIRING:
        trial.control.fault(name, "drop")


def run_raises(trial: Trial) -> None:
    waiting = cast(IO[str], trial.process.stdin)
    waiting.write("now\n")
    waiting.flush()


@contextmanager
def suppressed(*kinds: type[BaseException]) -> Iterator[None]:
    try:
        yield
    except kinds:
        return


WAYS: dict[str, Callable[[Trial], None]] = {
    "engine killed (SIGKILL)": signalled(signal.SIGKILL),
    "engine's process group killed": group_killed,
    "engine stopped (SIGSTOP)": signalled(signal.SIGSTOP),
    "Ctrl-C (SIGINT)": signalled(signal.SIGINT),
    "SIGTERM": signalled(signal.SIGTERM),
    "closed terminal (SIGHUP)": signalled(signal.SIGHUP),
    "Ctrl-C, and nobody reads": unheard,
    "wires dropped": wires_dropped,
    "writer killed": writer_killed,
    "disk full": disk_filled,
    "exception in the run loop": run_raises,
    "guard killed, engine a second later": guard_then_engine,
}


@dataclass
class Outcome:
    """Seconds until safe; NaN stands for never."""

    took_s: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


class Campaign:
    """Trials on one simulated laboratory after the other."""

    def __init__(self, directory: Path, seed: int) -> None:
        self._directory, self._dice = directory, random.Random(seed)
        self._number = 0

    def trial(self, way: str, dead: str) -> float:
        """How long it took; raises `RuntimeError` when it did not."""
        self._number += 1
        place = self._directory / str(self._number)
        place.mkdir()
        with laboratory(place) as config, Remote(read_laboratory(config)[0].control) as control, small_disk(place) as disk:
            process = self._started(way, place, config, disk)
            try:
                if dead:
                    control.fault(dead, "silence", count=1_000_000)
                # Filling a disk takes seconds, and so does killing one after the other.
                WAYS[way](Trial(process, self._dice, disk, control))
                began = time.monotonic()
                took_s = wait_until_safe(control, began, dead)
                if way == "engine stopped (SIGSTOP)":
                    self._wakes_up(process, control, dead)
            finally:
                if process.poll() is None:
                    process.kill()
                control(do="clear", instrument=dead or "magnet")
                process.communicate()
        return took_s

    def _started(self, way: str, place: Path, config: Path, disk: Path) -> "subprocess.Popen[str]":
        plan = place / "plan.toml"
        plan.write_text(
            (SHIPPED / "plans" / "vanadium-25K.toml")
            .read_text()
            .replace("shots_per_group = 500", "shots_per_group = 40")
            .replace("shots_per_burst = 100", "shots_per_burst = 20")
            .replace("cycles = 2", "cycles = 40")
        )
        words = ["run", str(plan), "--config", str(config), "--output", str(disk)]
        command = [*CLUSTERBEAM, *words]
        if way == "exception in the run loop":
            ends = f"{RAISES}\nfrom daq.cli import main\nsys.argv = ['clusterbeam', *{words!r}]\nmain()\n"
            command = [sys.executable, "-P", "-c", ends]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        wanted = "going to 25 K, 2.4 T" if way == "exception in the run loop" else AT_FIELD
        said = ""
        for said in cast(IO[str], process.stderr):
            if wanted in said:
                return process
        raise RuntimeError(f"the run ended before the magnet was at its field: {said.strip()}")

    def _wakes_up(self, process: "subprocess.Popen[str]", control: Remote, dead: str) -> None:
        """A stopped engine that is woken again must not fire."""
        with suppressed(ProcessLookupError):
            os.kill(process.pid, signal.SIGCONT)
        process.wait(PATIENCE_S)
        if not safe(control, dead):
            raise RuntimeError("it fires again after it was woken")


@contextmanager
def laboratory(place: Path) -> Iterator[Path]:
    config, base = place / "lab.toml", place / "base.toml"
    text = (SHIPPED / "laboratories" / "simulated.toml").read_text().replace("keep_free_MB = 500.0", "keep_free_MB = 0.0")
    base.write_text(text.replace('driver = "lakeshore_336"', 'driver = "lakeshore_336"\nsnapshot = "polled"'))
    command = [*SIMULATORS, "--config", str(base), "--write-config", str(config)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        cast(IO[bytes], process.stdout).readline()
        yield config
        cast(IO[bytes], process.stdin).close()


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    """A file system of 1 GB where one can be mounted; else a directory, and the disk is not filled."""
    disk = place / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", str(disk)], capture_output=True).returncode == 0
    try:
        yield disk
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(disk)], check=True)


def safe(control: Remote, dead: str) -> bool:
    """Triggers off, both lasers stopped, the magnet on its way down; of the dead one nothing is asked."""
    states: dict[str, Any] = control(do="state")["states"]
    found = {
        "delay_generator": not states["delay_generator"]["running"],
        "ablation_laser": not states["ablation_laser"]["armed"],
        "ionisation_laser": states["ionisation_laser"]["opmode"].startswith("OFF"),
        "magnet": states["magnet"]["setpoint_A"] == 0.0,
    }
    return all(stopped for name, stopped in found.items() if name != dead)


def wait_until_safe(control: Remote, began: float, dead: str) -> float:
    while time.monotonic() < began + PATIENCE_S:
        if safe(control, dead):
            return time.monotonic() - began
        time.sleep(0.01)
    raise RuntimeError(f"not safe after {PATIENCE_S:g} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trials", type=int, nargs="?", default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=tuple(WAYS))
    parser.add_argument("--within", type=float, default=LIMIT_S, help="seconds until everything has to be safe")
    options = parser.parse_args()
    ways = [options.only] if options.only else list(WAYS)
    outcomes = {way: Outcome() for way in ways}
    dice = random.Random(options.seed)
    with tempfile.TemporaryDirectory(dir=".") as directory:
        campaign = Campaign(Path(directory).resolve(), options.seed)
        for number in range(options.trials):
            way = ways[number % len(ways)]
            dead = dice.choice(CAN_BE_DEAD) if number // len(ways) % 2 else ""
            try:
                outcomes[way].took_s.append(campaign.trial(way, dead))
            except RuntimeError as error:
                outcomes[way].failed.append(f"{dead or 'nothing'} dead: {error}")
    for way, outcome in outcomes.items():
        print(_row(way, outcome))
    late = sum(took_s > options.within for outcome in outcomes.values() for took_s in outcome.took_s)
    failed = sum(len(outcome.failed) for outcome in outcomes.values())
    in_time = options.trials - late - failed
    print(f"{options.trials} trials: {in_time} safe within {options.within:g} s, {late} later, {failed} never")
    sys.exit(1 if late or failed else 0)


def _row(way: str, outcome: Outcome) -> str:
    if not outcome.took_s:
        return f"{way}: {'; '.join(outcome.failed) or 'not tried'}"
    slowest, middle = max(outcome.took_s), statistics.median(outcome.took_s)
    said = f"{way}: {len(outcome.took_s)} safe, median {middle:.2f} s, slowest {slowest:.2f} s"
    return said + (f"; FAILED {'; '.join(outcome.failed)}" if outcome.failed else "")


if __name__ == "__main__":
    main()
