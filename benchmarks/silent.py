"""What three silent instruments cost the others, and those who look on.

    python -P benchmarks/silent.py [SECONDS]

A service attends to a simulated laboratory (speed 1), first with all its instruments, then with three that answer nothing.  A
client asks for quantities of the others, one after the other, and counts the changes that it is shown of them.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from config.laboratory import read_laboratory
from daq.face.commands import Read
from daq.face.state import InstrumentPart
from daq.service.client import Client
from simulators.wire.remote import Remote

SILENT = ("magnet", "helium", "hall_probe")
ASKED = ("delay_generator.rate_Hz", "ablation_laser.coolant_C", "chopper.frequency_Hz", "cold_head.temperature_K")
SIMULATORS = (sys.executable, "-P", "-m", "simulators", "--json", "--until-stdin-closes", "--speed", "1")


@contextmanager
def started(command: list[str]) -> Iterator[str]:
    """A program until the end of the context, and its first line."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield cast(IO[str], process.stdout).readline()
        finally:
            process.terminate()


def watched(client: Client, seconds: float) -> tuple[float, float]:
    """Median time of an answer in s, and changes of the other instruments per second."""
    names = {one.partition(".")[0] for one in ASKED}
    seen, took, shown = client.snapshot().sequence, [], 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for quantity in ASKED:
            began = time.perf_counter()
            answer = client.submit(Read(quantity))
            took.append(time.perf_counter() - began)
            if not answer.ok:
                raise RuntimeError(f"{quantity}: {answer.text}")
        for change in client.changes(seen, 0.2):
            seen = change.sequence
            shown += isinstance(change.part, InstrumentPart) and change.part.name in names
    return statistics.median(took), shown / seconds


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    with tempfile.TemporaryDirectory() as directory:
        os.environ["XDG_STATE_HOME"] = directory
        config = Path(directory) / "lab.toml"
        serve = [sys.executable, "-P", "-m", "daq.cli", "serve", "--config", str(config), "--output", directory]
        with (
            started([*SIMULATORS, "--write-config", str(config)]),
            Remote(read_laboratory(config)[0].control) as control,
            started(serve) as said,
            Client(Path(said.partition("clients find it by ")[2].strip())) as client,
        ):
            with_all = watched(client, seconds)
            for name in SILENT:
                control.fault(name, "silence", count=100_000)
            with_three_silent = watched(client, seconds)
            lost = [part.name for part in client.snapshot().of(InstrumentPart) if not part.live]
    if not set(SILENT) <= set(lost):
        raise RuntimeError(f"only {', '.join(lost) or 'none'} were shown as lost")
    (silent_s, silent_Hz), (all_s, all_Hz) = with_three_silent, with_all
    print(
        f"an answer took {silent_s * 1e3:.1f} ms with {', '.join(SILENT)} silent, {all_s * 1e3:.1f} ms without; "
        f"{silent_Hz:.2f} changes per second of the others were shown, {all_Hz:.2f} without"
    )


if __name__ == "__main__":
    main()
