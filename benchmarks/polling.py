"""What one silent instrument costs the others: polls per second of each, beside the same with everybody alive.

python benchmarks/polling.py [SECONDS]
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from threading import Lock
from typing import IO, cast

from config.laboratory import Laboratory, read_laboratory
from daq.engine.clock import Clock
from daq.engine.housekeeping import Housekeeping
from daq.engine.instruments import Instruments
from drivers.driver import Driver
from drivers.errors import DriverError
from drivers.quantity import Quantity, Value
from drivers.roles import Status
from simulators.wire.remote import Remote

DEAD = "hall_probe"
POLL_S = 0.1


class Readings:
    """Counts the readings of each instrument."""

    def __init__(self) -> None:
        self.found: dict[str, int] = {}
        self._lock = Lock()

    def reading(self, instrument: str, quantity: Quantity, asked_s: float, value: Value) -> None:
        with self._lock:
            self.found[instrument] = self.found.get(instrument, 0) + 1

    def unfit(self, instrument: str, reason: str, good_s: float, asked_s: float) -> None:
        pass

    def lost(self, instrument: str, reason: str, good_s: float, asked_s: float) -> None:
        """What is not there shows in the counts."""

    def answered(self, instrument: str, status: Status, asked_s: float) -> None:
        pass

    def looked(self, instrument: str) -> None:
        pass

    def silent(self, instrument: str, error: DriverError, asked_s: float) -> None:
        pass

    def fit(self, instrument: str, asked_s: float) -> None:
        """So does what is."""


def counted(laboratory: Laboratory, seconds: float, *, silent: bool) -> dict[str, int]:
    """Readings of each instrument in this time, with or without a silent one among them."""
    readings = Readings()
    found = readings.found
    with Instruments(laboratory) as instruments, Remote(laboratory.control) as control:
        dead = cast(Driver, instruments.by_name[DEAD])
        if silent:
            # It is waited for all the time; otherwise it would soon be given up, and cost nothing.
            dead.link.timeout_s = 10 * seconds
            control.fault(DEAD, "silence", count=100_000)
        with Housekeeping(instruments, Clock(1.0), readings):
            time.sleep(seconds)
            if silent:
                dead.close()
    if silent and found.get(DEAD, 0) > 1:
        raise RuntimeError(f"{DEAD} was not silent")
    return found


if __name__ == "__main__":
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "laboratory.toml"
        command = [sys.executable, "-P", "-m", "simulators", "--write-config", str(config), "--json", "--until-stdin-closes"]
        with subprocess.Popen([*command, "--speed", "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            cast(IO[bytes], process.stdout).readline()
            shipped = read_laboratory(config)[0]
            fast = {name: one.model_copy(update={"poll_s": POLL_S}) for name, one in shipped.instruments.items()}
            laboratory = shipped.model_copy(update={"instruments": fast})
            alive = counted(laboratory, seconds, silent=False)
            beside = counted(laboratory, seconds, silent=True)
            cast(IO[bytes], process.stdin).close()
    for name in sorted(alive):
        if name != DEAD:
            without, with_one = alive[name] / seconds, beside.get(name, 0) / seconds
            ratio = without / max(with_one, 1 / seconds)
            print(f"{name:<20} {without:7.1f} readings/s, with a dead one {with_one:7.1f}: period times {ratio:.2f}")
