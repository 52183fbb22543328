"""The public face for scripts: a laboratory opened from its configuration, and what can be done with it.

    with Laboratory(Path("lab.toml")) as lab:
        summary = lab.run(read_plan(Path("plan.toml")), Path("runs"))
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType

from config.calibration import Calibrations
from config.laboratory import Laboratory as LaboratoryConfiguration
from config.laboratory import read_laboratory
from daq.analysis import Results, analyse
from daq.engine.instruments import Instruments, at_once
from daq.engine.run import Run
from daq.engine.state import Progress, Summary
from daq.plan.plan import Plan
from daq.record.run_file import RunFile
from daq.reduce import Profiles, Reducer
from daq.safety.safe_order import Outcome, make_safe
from drivers.errors import DriverError
from drivers.roles import Identity, Instrument, Status

ENDING_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


@dataclass(frozen=True)
class Health:
    """One instrument as `check` finds it; `error` is empty when it answers."""

    name: str
    role: str
    driver: str
    identity: Identity | None
    status: Status | None
    error: str = ""

    @property
    def ok(self) -> bool:
        return not self.error and self.status is not None


class Laboratory:
    """All instruments of one laboratory, connected and identified while the context lasts."""

    def __init__(self, path: Path | None = None) -> None:
        self.configuration: LaboratoryConfiguration
        self.calibrations: Calibrations
        self.configuration, self.calibrations = read_laboratory(path)
        self._instruments = Instruments(self.configuration)

    def __enter__(self) -> "Laboratory":
        self._instruments.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._instruments.__exit__(kind, error, trace)

    def run(
        self, plan: Plan, directory: Path, watch: Callable[[Progress], None] = lambda progress: None
    ) -> Summary:
        """Acquire a plan into a new file in `directory`.  A signal to end the program ends the run in the safe state."""
        run = Run(self.configuration, self.calibrations, self._instruments, plan, directory, watch)
        with _signals_end(run):
            return run.run()

    def safe(self) -> list[Outcome]:
        """Bring every instrument to its safe state now."""
        return make_safe(self.configuration, self._instruments.by_name)


def check(configuration: LaboratoryConfiguration) -> list[Health]:
    """Connect to each instrument for itself, so that one that is missing does not hide the others."""

    def look(name: str) -> Callable[[], Health]:
        def task() -> Health:
            one = configuration.model_copy(update={"instruments": {name: configuration.instruments[name]}})
            with Instruments(one, ) as found:
                instrument: Instrument = found.by_name[name]
                return _health(configuration, name, found.identities[name], instrument.status())

        return task

    found = at_once({name: look(name) for name in configuration.instruments})
    return [
        _health(configuration, name, None, None, str(result)) if isinstance(result, DriverError) else result
        for name, result in found.items()
    ]


def reduce_run(run: RunFile, watch: Callable[[int], None] = lambda shots: None) -> Profiles:
    """All recorded shots of an open run file as profiles; `watch` is told the shots done so far."""
    first, last = run.sizes
    reducer = Reducer(run.axis, run.element, range(first, last + 1), run.calibrations)
    done = 0
    for block in run.blocks():
        reducer.add(run.steps[block.step], block)
        done += len(block.numbers)
        watch(done)
    return reducer.profiles()


def analyse_run(run: RunFile, watch: Callable[[int], None] = lambda shots: None) -> tuple[Results, Profiles]:
    """Moments of all clusters of a run, and the profiles they come from."""
    profiles = reduce_run(run, watch)
    return analyse(profiles, run.calibrations), profiles


def _health(
    configuration: LaboratoryConfiguration, name: str, identity: Identity | None, status: Status | None, error: str = ""
) -> Health:
    one = configuration.instruments[name]
    return Health(name, one.role, one.driver, identity, status, error)


@contextmanager
def _signals_end(run: Run) -> Iterator[None]:
    """Ctrl-C and the signals that end a program ask the run to stop, once; only the main thread may listen to them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in ENDING_SIGNALS if hasattr(signal, name)]

    def ask(number: int, frame: FrameType | None) -> None:
        run.stop()

    before = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
