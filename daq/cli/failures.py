"""What may fail with one sentence for the user, and the exit status of it."""

from config.errors import ConfigurationError
from daq.cli.simulation import SimulationError
from daq.engine.forecast import OutputError
from daq.engine.instruments import InstrumentsError
from daq.engine.vigil import StartRefused
from daq.record.run_file import RunFileError
from daq.safety.asking import NoAnswer
from daq.safety.guarded import GuardError
from daq.safety.ownership import Owned
from daq.service.errors import ServiceError

FAILURES = (
    GuardError,
    InstrumentsError,
    NoAnswer,
    OutputError,
    Owned,
    RunFileError,
    ServiceError,
    SimulationError,
    StartRefused,
)


def status_of(error: Exception) -> int | None:
    """2 for wrong usage or configuration, 1 for what failed, None for a fault of the program."""
    if isinstance(error, ConfigurationError):
        return 2
    return 1 if isinstance(error, FAILURES) else None
