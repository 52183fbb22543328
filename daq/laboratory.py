"""The public face for scripts: a laboratory opened from its configuration, and what can be done with it.

with Laboratory(Path("lab.toml")) as lab:
    summary = lab.run(read_plan(Path("plan.toml")), Path("runs"))
"""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType, TracebackType

from config.calibration import Calibrations
from config.errors import ConfigurationError
from config.laboratory import Laboratory as LaboratoryConfiguration
from config.laboratory import read_laboratory
from daq.analysis import Results, analyse
from daq.engine.conversation import Conversation, conversation
from daq.engine.instruments import Instruments, at_once, connect_and_identify
from daq.engine.review import Review, review
from daq.engine.run import Run
from daq.engine.state import Progress, Summary
from daq.plan.plan import Plan
from daq.record.run_file import RunFile, RunFileError
from daq.reduce import Profiles, Reducer
from daq.safety.safe_order import Outcome, make_safe
from drivers.errors import DriverError
from drivers.links.link import WireLog
from drivers.registry import check_options
from drivers.roles import Identity, Status

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
    answer_s: float = 0.0
    """How long connecting, identifying and asking took."""
    answered_at: float = math.nan
    """When the last answer came, by the clock of `time.monotonic`."""
    spare: bool = False

    def age_s(self) -> float:
        """Age of its last answer now; NaN if it never answered."""
        return time.monotonic() - self.answered_at


class Laboratory:
    """All instruments of one laboratory, connected and identified while the context lasts."""

    def __init__(self, path: Path | None = None) -> None:
        self.configuration: LaboratoryConfiguration
        self.calibrations: Calibrations
        self.configuration, self.calibrations = read_checked(path)
        self._instruments = Instruments(self.configuration)

    def __enter__(self) -> "Laboratory":
        self._instruments.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._instruments.__exit__(kind, error, trace)

    def review(self, plan: Plan) -> Review:
        """Hold a plan against this laboratory; needs no instrument.  Raises `ConfigurationError` with every fault."""
        return review(plan, self.configuration, self.calibrations)

    def run(self, plan: Plan, directory: Path, watch: Callable[[Progress], None] = lambda progress: None) -> Summary:
        """Acquire a plan into a new file in `directory`.  A signal to end the program ends the run in the safe state."""
        run = Run(self.configuration, self.calibrations, self._instruments, self.review(plan), directory, watch)
        with _signals_end(run):
            return run.run()

    def safe(self) -> list[Outcome]:
        """Bring every instrument to its safe state now."""
        return make_safe(self.configuration, self._instruments.by_name)


def read_checked(path: Path | None) -> tuple[LaboratoryConfiguration, Calibrations]:
    """A laboratory whose drivers exist and take the options they are given; `ConfigurationError` otherwise."""
    configuration, calibrations = read_laboratory(path)
    for name, instrument in configuration.instruments.items():
        check_options(name, instrument)
    return configuration, calibrations


def check(path: Path | None = None) -> list[Health]:
    """Connect to every instrument, all at once and each for itself, so that a missing one does not hide the others."""
    configuration, _ = read_checked(path)
    found = at_once({name: partial(_look, configuration, name) for name in configuration.instruments})
    return [
        _health(configuration, name, error=result.what) if isinstance(result, DriverError) else result
        for name, result in found.items()
    ]


@contextmanager
def talk_to(path: Path | None, name: str, log: WireLog, allow_unsafe: bool) -> Iterator[Conversation]:
    """Raw words with one instrument of a laboratory; `log` gets every piece sent and received."""
    configured = read_checked(path)[0].instruments
    if name not in configured:
        raise ConfigurationError(f"there is no instrument {name!r}; known are {', '.join(configured)}")
    with conversation(name, configured[name], log, allow_unsafe=allow_unsafe) as found:
        yield found


def make_laboratory_safe(path: Path | None = None) -> list[Outcome]:
    """Bring every instrument of a laboratory that can be reached to its safe state; what cannot be reached is said so."""
    configuration, _ = read_checked(path)
    configured = configuration.instruments
    found = at_once({name: partial(connect_and_identify, name, configured[name]) for name in configured})
    reached = {name: result[0] for name, result in found.items() if not isinstance(result, DriverError)}
    try:
        outcomes = make_safe(configuration, reached)
    finally:
        for instrument in reached.values():
            instrument.close()
    missing = {name: result for name, result in found.items() if isinstance(result, DriverError)}
    return outcomes + [Outcome(name, configured[name].role, False, error.what) for name, error in missing.items()]


def _look(configuration: LaboratoryConfiguration, name: str) -> Health:
    started = time.monotonic()
    instrument, identity = connect_and_identify(name, configuration.instruments[name])
    try:
        return _health(configuration, name, identity, instrument.status(), started=started)
    finally:
        instrument.close()


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
    """Moments of all clusters of a run, and the profiles they come from.  `RunFileError` when the run cannot give any."""
    try:
        profiles = reduce_run(run, watch)
        return analyse(profiles, run.calibrations), profiles
    except ValueError as error:
        raise RunFileError(f"{run.path} cannot be analysed: {error}") from error


def _health(
    configuration: LaboratoryConfiguration,
    name: str,
    identity: Identity | None = None,
    status: Status | None = None,
    error: str = "",
    started: float = math.nan,
) -> Health:
    one = configuration.instruments[name]
    now = time.monotonic()
    if error:
        return Health(name, one.role, one.driver, identity, status, error, spare=one.spare)
    return Health(name, one.role, one.driver, identity, status, "", now - started, now, one.spare)


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
