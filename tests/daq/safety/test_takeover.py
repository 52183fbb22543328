"""Every instrument there is taken over and made safe, over TCP and over serial lines, whatever its last owner left."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock

import pytest

from config.laboratory import InstrumentConfiguration, Laboratory, read_laboratory
from daq.safety.safe_order import ORDER, Outcome
from daq.safety.takeover import take_and_make_safe
from drivers.errors import DriverError, GarbledReply, LinkTimeout, Refused, WrongInstrument
from drivers.registry import connect
from drivers.roles import Identity, SafeResult
from simulators.wire.remote import Remote
from tests.daq.cli.conftest import simulation

EVERY = Path(__file__).parents[3] / "config" / "every-instrument.toml"
ROLES = {role for group in ORDER for role in group}


@contextmanager
def laboratory(directory: Path, *options: object) -> Iterator[tuple[Laboratory, Remote]]:
    with simulation(directory, "--config", EVERY, "--speed", 40, *options) as found:
        lab = read_laboratory(found.config)[0]
        with Remote(lab.control) as control:
            yield lab, control


def concerned(lab: Laboratory) -> set[str]:
    return {name for name, one in lab.instruments.items() if one.role in ROLES}


def leave_on(lab: Laboratory, control: Remote) -> None:
    """Triggers run and the magnet carries current; whoever did that is gone."""
    with closing(connect("delay_generator", lab.instruments["delay_generator"])) as triggers:
        triggers.identify()
        triggers.prepare()
        triggers.write("rate_Hz", 10.0)
        triggers.start()
    with closing(connect("magnet", lab.instruments["magnet"])) as magnet:
        magnet.identify()
        magnet.prepare()
        magnet.switch_on()
        magnet.write("set_current_A", 100.0)
    assert control(do="state", instrument="delay_generator")["state"]["running"]
    assert control(do="state", instrument="magnet")["state"]["setpoint_A"] > 99


@pytest.mark.parametrize(
    "options",
    [(), pytest.param(("--serial",), marks=pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX"))],
    ids=["TCP", "serial"],
)
def test_everything_is_confirmed(tmp_path: Path, options: tuple[str, ...]) -> None:
    told: list[Outcome] = []
    lock = Lock()

    def tell(outcome: Outcome) -> None:
        with lock:
            told.append(outcome)

    with laboratory(tmp_path, *options) as (lab, control):
        leave_on(lab, control)
        outcomes = take_and_make_safe(lab, tell)
        states = control(do="state")["states"]
    assert [one for one in outcomes if not one.confirmed] == []
    assert {one.instrument for one in outcomes} == concerned(lab)
    assert {one.instrument for one in told} == concerned(lab)
    assert told[-1].instrument == "magnet"
    assert told[-1].detail == "ramped to zero and off"
    assert not states["delay_generator"]["running"]
    assert states["magnet"]["setpoint_A"] == 0.0
    assert not states["magnet"]["on"]


def test_what_is_not_there_or_not_what_it_should_be_is_said(tmp_path: Path) -> None:
    with laboratory(tmp_path) as (lab, control):
        nowhere = lab.instruments["stage"].model_copy(update={"address": "TCPIP::127.0.0.1::1::SOCKET"})
        changed: dict[str, InstrumentConfiguration] = {**lab.instruments, "stage": nowhere}
        control.fault("cold_head", "wrong_identity")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("daq.safety.takeover.PATIENCE_S", 0.2)
            outcomes = take_and_make_safe(lab.model_copy(update={"instruments": changed}))
    left = {one.instrument: one.detail for one in outcomes if not one.confirmed}
    assert set(left) == {"stage", "cold_head"}
    assert "cannot connect to TCPIP::127.0.0.1::1::SOCKET" in left["stage"]
    assert left["cold_head"].startswith("expected a ")


FINE = Identity("Lake Shore", "336")
GARBLED = GarbledReply("cold_head", "*IDN? came as '\\x00'")
BUSY = Refused("cold_head", "is busy")
SILENT = LinkTimeout("cold_head", "nothing came")


def other(answer: str) -> WrongInstrument:
    return WrongInstrument("cold_head", f"expected a Lake Shore 336 at this address, but {answer!r} answers")


class Doubtful:
    """Says who it is in these ways, one after the other."""

    def __init__(self, *ways: Identity | DriverError) -> None:
        self.ways, self.safe, self.closed = list(ways), False, False

    def identify(self) -> Identity:
        way = self.ways.pop(0)
        if isinstance(way, DriverError):
            raise way
        return way

    def make_safe(self) -> SafeResult:
        self.safe = True
        return SafeResult(True, "heater off")

    def close(self) -> None:
        self.closed = True


def taken(monkeypatch: pytest.MonkeyPatch, unit: Doubtful) -> Outcome:
    monkeypatch.setattr("daq.safety.takeover.connect", lambda name, configured: unit)
    lab = read_laboratory(EVERY)[0]
    (outcome,) = take_and_make_safe(lab.model_copy(update={"instruments": {"cold_head": lab.instruments["cold_head"]}}))
    assert unit.closed
    assert not unit.ways, "asked less often than it has to be"
    return outcome


@pytest.mark.parametrize(
    "ways",
    [
        (FINE,),
        (SILENT,),
        (GARBLED, FINE),
        (GARBLED, GARBLED, GARBLED),
        (BUSY, SILENT),
        (other("LSCI,MOD\x00L336"), FINE),
        (other("LSCI,MOD\x00L336"), other("LSCI,MODEL3\x003"), GARBLED),
        (other("LSCI,MODEL335"), GARBLED, other("LSCI,MODEL335")),
    ],
)
def test_the_safe_command_goes_out_however_garbled_the_identity_comes(
    monkeypatch: pytest.MonkeyPatch, ways: tuple[Identity | DriverError, ...]
) -> None:
    unit = Doubtful(*ways)
    assert taken(monkeypatch, unit).confirmed
    assert unit.safe


@pytest.mark.parametrize("before", [(), (GARBLED,), (other("LSCI,MODEL33\x00"),)])
def test_who_is_somebody_else_twice_in_the_same_words_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, before: tuple[DriverError, ...]
) -> None:
    unit = Doubtful(*before, other("LSCI,MODEL335"), other("LSCI,MODEL335"))
    outcome = taken(monkeypatch, unit)
    assert (outcome.confirmed, unit.safe) == (False, False)
    assert "'LSCI,MODEL335' answers" in outcome.detail


def test_garbage_on_every_wire_keeps_nobody_from_its_safe_state(tmp_path: Path) -> None:
    with laboratory(tmp_path) as (lab, control):
        leave_on(lab, control)
        for name in concerned(lab):
            control.fault(name, "garbage")
        outcomes = take_and_make_safe(lab)
        states = control(do="state")["states"]
    assert {one.instrument: one.detail for one in outcomes if not one.confirmed} == {}
    assert not states["delay_generator"]["running"]
    assert not states["magnet"]["on"]
