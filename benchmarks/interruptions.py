"""Runs that are interrupted at random and resumed until their plan is complete: every shot of the plan once, none twice.

    python -P benchmarks/interruptions.py [INTERRUPTIONS [SEED]]

An interruption is a stop (SIGINT), a failure (an instrument loses its wire), SIGKILL of the engine, or of engine and writer.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import IO, cast

from config.laboratory import SHIPPED, read_laboratory
from daq.record.run_file import RunFileError
from daq.record.series import Series
from daq.record.verify import verify, verify_plan
from simulators.wire.remote import Remote

SHOTS = 480
WAYS = ("stop", "failure", "kill the engine", "kill engine and writer")
CLUSTERBEAM = [sys.executable, "-P", "-m", "daq.cli"]
PLAN = (
    (SHIPPED / "plans" / "vanadium-25K.toml")
    .read_text()
    .replace("shots_per_group = 500", "shots_per_group = 60")
    .replace("shots_per_burst = 100", "shots_per_burst = 12")
    .replace("duration_us = 90.0", "duration_us = 40.0")
    .replace("sizes = [2, 33]", "sizes = [2, 8]")
)
QUICK = (
    (SHIPPED / "laboratories" / "simulated.toml")
    .read_text()
    .replace('driver = "lakeshore_336"', 'driver = "lakeshore_336"\nsnapshot = "polled"')
)


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def _command(pid: int) -> list[bytes]:
    return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")


class Campaign:
    """One simulated laboratory, and one plan after the other until so many interruptions have happened."""

    def __init__(self, directory: Path, dice: random.Random) -> None:
        self._directory, self._dice = directory, dice
        self._config = directory / "laboratory.toml"
        self.interrupted: Counter[str] = Counter()
        self.plans = 0
        self.problems: list[str] = []

    def go(self, interruptions: int) -> None:
        """Interrupt so often, and finish the last plan undisturbed."""
        base, plan = self._directory / "base.toml", self._directory / "plan.toml"
        base.write_text(QUICK)
        plan.write_text(PLAN)
        command = [sys.executable, "-P", "-m", "simulators", "--config", str(base), "--write-config", str(self._config)]
        with subprocess.Popen(
            [*command, "--json", "--until-stdin-closes", "--speed", "60"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            cast(IO[bytes], process.stdout).readline()
            while self.interrupted.total() < interruptions:
                self._one_plan(plan, interruptions)

    def _one_plan(self, plan: Path, interruptions: int) -> None:
        output = self._directory / f"plan-{self.plans}"
        self.plans += 1
        arguments = ["run", str(plan), "--config", str(self._config), "--output", str(output)]
        for _ in range(50):
            disturb = self.interrupted.total() < interruptions and self._dice.random() < 0.85
            ended = self._run(arguments, disturb)
            newest = self._newest(output)
            if ended == 0:
                break
            if newest is not None:
                arguments = ["run", "--resume", str(newest), "--config", str(self._config)]
        self._check(output)

    def _run(self, arguments: list[str], disturb: bool) -> int:
        process = subprocess.Popen([*CLUSTERBEAM, *arguments], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        errors = cast(IO[str], process.stderr)
        if disturb:
            for line in errors:
                if "taking shots" in line:
                    break
            time.sleep(self._dice.uniform(0.0, 2.0))
            if process.poll() is None:
                way = self._dice.choice(WAYS)
                self.interrupted[way] += 1
                self._interrupt(process.pid, way)
        errors.read()
        return process.wait(60)

    def _interrupt(self, engine: int, way: str) -> None:
        if way == "stop":
            os.kill(engine, signal.SIGINT)
        elif way == "failure":
            with Remote(read_laboratory(self._config)[0].control) as control:
                control.fault(self._dice.choice(["helium", "magnet", "digitizer"]), "drop")
        else:
            writers = [child for child in _children(engine) if b"daq.record.writer" in _command(child)]
            os.kill(engine, signal.SIGKILL)
            if way == "kill engine and writer":
                for writer in writers:
                    os.kill(writer, signal.SIGKILL)

    def _newest(self, output: Path) -> Path | None:
        """The last file, made ordinary if it was never closed; a run that was interrupted before its file stood left none."""
        for path in sorted(output.glob("*.h5"), key=lambda path: path.stat().st_mtime_ns, reverse=True):
            try:
                with Series(path):
                    return path
            except RunFileError:
                recovered = subprocess.run([*CLUSTERBEAM, "recover", str(path), "--replace"], capture_output=True, text=True)
                if recovered.returncode == 0:
                    return path
                self.problems.append(recovered.stderr.strip())
        return None

    def _check(self, output: Path) -> None:
        newest = self._newest(output)
        if newest is None:
            self.problems.append(f"{output} has no file")
            return
        with Series(newest) as series:
            found = verify_plan(series)
            for part in series.parts:
                self.problems += [f"{part.path.name}: {fault}" for fault in verify(part).faults]
        self.problems += found.faults
        if (found.recorded, found.missing) != (SHOTS, 0):
            self.problems.append(f"{newest}: {found.recorded} recorded, {found.missing} missing of {SHOTS}")


def main() -> None:
    interruptions = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    dice = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    with tempfile.TemporaryDirectory() as directory:
        campaign = Campaign(Path(directory), dice)
        campaign.go(interruptions)
    ways = ", ".join(f"{way} {number}" for way, number in sorted(campaign.interrupted.items()))
    print(
        f"interruptions: {campaign.interrupted.total()} ({ways}) of {campaign.plans} plans of {SHOTS} shots; "
        f"{len(campaign.problems)} problems"
    )
    for problem in campaign.problems:
        print(f"  {problem}")
    sys.exit(1 if campaign.problems else 0)


if __name__ == "__main__":
    main()
