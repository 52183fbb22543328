"""`clusterbeam`: its commands, and the exit status of failures: 1 the run or check failed, 2 wrong usage or configuration."""

import sys

import typer

from config.errors import ConfigurationError
from daq.cli.analyse import analyse
from daq.cli.calibrate import calibrate
from daq.cli.check import check
from daq.cli.console import err
from daq.cli.demo import demo
from daq.cli.gui import gui
from daq.cli.log import log
from daq.cli.plan import plan
from daq.cli.recover import recover
from daq.cli.relaxation import relaxation
from daq.cli.replay import replay
from daq.cli.reproduce import reproduce
from daq.cli.run import run
from daq.cli.safe import safe
from daq.cli.serve import serve
from daq.cli.simulate import simulate
from daq.cli.simulation import SimulationError
from daq.cli.spectrum import spectrum
from daq.cli.talk import talk
from daq.cli.verify import verify
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

program = typer.Typer(
    name="clusterbeam",
    help="Control, recording and analysis of magnetic-deflection experiments on gas-phase atomic clusters.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
COMMANDS = (
    demo,
    simulate,
    check,
    talk,
    plan,
    run,
    safe,
    calibrate,
    analyse,
    spectrum,
    relaxation,
    reproduce,
    verify,
    recover,
    log,
    replay,
    serve,
    gui,
)
for command in COMMANDS:
    program.command()(command)


def main() -> None:
    """Entry point of the program."""
    try:
        program()
    except ConfigurationError as error:
        _leave(str(error), 2)
    except FAILURES as error:
        _leave(str(error), 1)


def _leave(sentence: str, status: int) -> None:
    err.print(f"clusterbeam: {sentence}", soft_wrap=True, markup=False)
    sys.exit(status)
