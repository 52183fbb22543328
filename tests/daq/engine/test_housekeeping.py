"""Every instrument is watched at its own pace: one that does not answer delays nobody."""

import subprocess
import sys
from pathlib import Path
from threading import Event

import pytest

from config.laboratory import read_laboratory
from daq.engine.clock import Clock
from daq.engine.housekeeping import Housekeeping
from daq.engine.instruments import Instruments
from drivers.errors import DriverError
from drivers.quantity import Quantity, Value
from drivers.roles import Status
from simulators.wire.remote import Remote
from tests.daq.cli.conftest import simulation

ENOUGH = 25
POLLING = Path(__file__).parents[3] / "benchmarks" / "polling.py"


@pytest.mark.parametrize("dead", ["magnet", "cold_head"])
def test_the_others_go_on_while_one_is_waited_for(tmp_path: Path, dead: str) -> None:
    """All others are read many times before the silent one has used up its three deadlines."""
    readings: dict[str, int] = {}
    everybody, given_up = Event(), Event()
    with simulation(tmp_path, "--speed", 1) as found:
        laboratory = read_laboratory(found.config)[0]
        fast = {name: one.model_copy(update={"poll_s": 0.02}) for name, one in laboratory.instruments.items()}
        with Instruments(laboratory.model_copy(update={"instruments": fast})) as instruments:
            others = {name for name in instruments.by_name if name not in (dead, laboratory.named("digitizer"))}
            # As slow as the slowest real serial line; without threads of their own nobody would be read meanwhile.
            instruments.by_name[dead].link.timeout_s = 10.0  # type: ignore[attr-defined]

            class Notes:
                def reading(self, name: str, quantity: Quantity, asked_s: float, value: Value) -> None:
                    readings[name] = readings.get(name, 0) + 1
                    if all(readings.get(other, 0) >= ENOUGH for other in others):
                        everybody.set()

                def unfit(self, name: str, reason: str, good_s: float, asked_s: float) -> None:
                    pass

                def lost(self, name: str, reason: str, good_s: float, asked_s: float) -> None:
                    if name == dead:
                        given_up.set()

                def answered(self, instrument: str, status: Status, asked_s: float) -> None:
                    pass

                def looked(self, instrument: str) -> None:
                    pass

                def silent(self, instrument: str, error: DriverError, asked_s: float) -> None:
                    pass

                def fit(self, name: str, asked_s: float) -> None:
                    pass

            with Remote(laboratory.control) as control:
                control.fault(dead, "silence", count=100_000)
                with Housekeeping(instruments, Clock(1.0), Notes()):
                    assert everybody.wait(30)
                    assert not given_up.is_set()
                    instruments.by_name[dead].close()
    assert dead not in readings


def test_that_one_is_unfit_is_told_before_interlocks_hear_of_it(tmp_path: Path) -> None:
    """Else an interlock pauses the run first, and what is unfit in a pause is held against nobody: it would never be mended."""
    told: list[str] = []
    enough = Event()

    class Notes:
        def reading(self, name: str, quantity: Quantity, asked_s: float, value: Value) -> None:
            self._tell(name, "reading")

        def unfit(self, name: str, reason: str, good_s: float, asked_s: float) -> None:
            self._tell(name, reason)

        def lost(self, name: str, reason: str, good_s: float, asked_s: float) -> None:
            self._tell(name, reason)

        def answered(self, instrument: str, status: Status, asked_s: float) -> None:
            self._tell(instrument, "answered")

        def looked(self, instrument: str) -> None:
            if instrument == "magnet":
                enough.set()

        def silent(self, instrument: str, error: DriverError, asked_s: float) -> None:
            self._tell(instrument, "silent")

        def fit(self, name: str, asked_s: float) -> None:
            self._tell(name, "fit")

        def _tell(self, name: str, what: str) -> None:
            if name == "magnet" and not enough.is_set():
                told.append(what)

    with simulation(tmp_path, "--speed", 1) as found:
        laboratory = read_laboratory(found.config)[0]
        with Instruments(laboratory) as instruments, Remote(laboratory.control) as control:
            control(do="fault", instrument="magnet", kind="interlock", cause="magnet water flow")
            with Housekeeping(instruments, Clock(1.0), Notes()):
                assert enough.wait(30)
    assert told[:2] == ["magnet is not fit for a run: interlock, magnet water flow", "answered"]
    assert set(told[2:]) == {"reading"}


def test_the_benchmark_tells_the_ratio() -> None:
    result = subprocess.run([sys.executable, "-P", str(POLLING), "2"], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    assert "with a dead one" in result.stdout
