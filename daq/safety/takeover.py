"""Every instrument made safe over links of one's own: what the guard does when the engine is gone, and `clusterbeam safe`."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from config.laboratory import InstrumentConfiguration, Laboratory
from daq.safety.safe_order import NOBODY, Outcome, Tell, reach_and_make_safe
from drivers.driver import Driver
from drivers.errors import GarbledReply, LinkClosed, LinkTimeout, Refused, WrongInstrument
from drivers.registry import connect
from drivers.roles import Instrument

PATIENCE_S = 3.0
"""So long (wall time) an instrument may refuse a new wire: it has one, and takes a moment to see that the other end is gone."""
AGAIN_S = 0.05
ASKED = 3
"""So often an instrument is asked who it is, as long as it comes garbled."""


def take_and_make_safe(laboratory: Laboratory, tell: Tell = NOBODY) -> list[Outcome]:
    """Open each instrument, end what was half sent, make sure who it is, and bring it to its safe state; triggers first.

    `tell` gets each outcome as it comes, from several threads.  Never raises for an instrument.
    """
    with ExitStack() as wires:
        reach = {name: _Reached(name, one, wires) for name, one in laboratory.instruments.items()}
        return reach_and_make_safe(laboratory, reach, tell)


class _Reached:
    """An instrument that is opened when it is first asked for."""

    def __init__(self, name: str, configured: InstrumentConfiguration, wires: ExitStack) -> None:
        self._open: Callable[[], Instrument] = partial(_open, name, configured)
        self._wires = wires
        self._found: Instrument | None = None

    def __call__(self) -> Instrument:
        if self._found is None:
            self._found = self._open()
            self._wires.callback(self._found.close)
        return self._found


def _open(name: str, configured: InstrumentConfiguration) -> Instrument:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return _identified(name, configured)
        except LinkClosed:
            if time.monotonic() > deadline:
                raise
            time.sleep(AGAIN_S)


def _identified(name: str, configured: InstrumentConfiguration) -> Instrument:
    unit: Instrument = connect(name, configured)
    try:
        if isinstance(unit, Driver) and unit.on_a_wire:
            # Whatever the last owner had half sent ends here; what the instrument says to it is cleared away.
            unit.link.send_regardless(unit.command_end)
        _make_sure(unit)
    except BaseException:
        unit.close()
        raise
    return unit


def _make_sure(unit: Instrument) -> None:
    """Somebody else is who says so twice in the same words: `WrongInstrument`.

    Whoever is silent may still hear, and so may one whose words come garbled: these get the safe command all the same, and
    their own read-back says whether it took.
    """
    said = ""
    for _ in range(ASKED):
        try:
            unit.identify()
        except LinkTimeout:
            return
        except WrongInstrument as error:
            if error.what == said:
                raise
            said = error.what
        except (GarbledReply, Refused):
            said = ""
        else:
            return
