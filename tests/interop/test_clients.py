"""Clients that other people wrote, some of them the makers, talk to the simulators: judges that read the manuals without us.

They run with `make interop`; where a client is not installed its test is skipped.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

import pytest

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.somebody_elses_client]


@contextmanager
def laboratory(*options: str) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-P", "-m", "simulators", "--json", "--until-stdin-closes", "--speed", "20", *options]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with process:
        try:
            yield json.loads(cast(IO[bytes], process.stdout).readline())
        finally:
            cast(IO[bytes], process.stdin).close()


@pytest.fixture(scope="module")
def tcp() -> Iterator[dict[str, Any]]:
    with laboratory() as instruments:
        yield instruments


@pytest.fixture(scope="module")
def serial() -> Iterator[dict[str, Any]]:
    with laboratory("--serial") as instruments:
        yield instruments


def port(instruments: dict[str, Any], name: str) -> int:
    return int(instruments[name]["address"].split("::")[2])


def device(instruments: dict[str, Any], name: str) -> str:
    return str(instruments[name]["address"]).removeprefix("ASRL").removesuffix("::INSTR")


def test_pymeasure_and_the_magnet_supply(tcp: dict[str, Any]) -> None:
    danfysik = pytest.importorskip("pymeasure.instruments.danfysik")
    supply = danfysik.Danfysik8500(f"TCPIP::127.0.0.1::{port(tcp, 'magnet')}::SOCKET", visa_library="@py")
    assert supply.polarity == 1
    supply.enable()
    supply.wait_for_ready(delay=0.01)
    supply.current_ppm = 200_000
    # Its set points are those of a 160 A supply, ours is rated 250 A; the read-back has the same scale.
    deadline = time.monotonic() + 20
    while abs(supply.current - 50.0) > 0.1:
        assert time.monotonic() < deadline, supply.current
    assert "Polarity Normal" in supply.status
    supply.current_ppm = 0
    supply.disable()
    supply.adapter.close()


def test_pymeasure_and_the_gaussmeter(tcp: dict[str, Any]) -> None:
    lakeshore = pytest.importorskip("pymeasure.instruments.lakeshore")
    address = f"TCPIP::127.0.0.1::{port(tcp, 'hall_probe')}::SOCKET"
    probe = lakeshore.LakeShore425(address, visa_library="@py", read_termination="\n", write_termination="\n")
    probe.unit = "T"
    assert probe.unit == "T"
    assert -1 < probe.field < 3
    probe.adapter.close()


def test_the_makers_client_and_the_gaussmeter(tcp: dict[str, Any]) -> None:
    lakeshore = pytest.importorskip("lakeshore")
    probe = lakeshore.Model425(ip_address="127.0.0.1", tcp_port=port(tcp, "hall_probe"))
    assert probe.serial_number == "4250022"
    assert -1e4 < float(probe.query("RDGFIELD?")) < 3e4
    probe.disconnect_tcp()


def test_the_makers_client_and_the_cold_head(tcp: dict[str, Any]) -> None:
    lakeshore = pytest.importorskip("lakeshore")
    controller = lakeshore.Model336(ip_address="127.0.0.1", tcp_port=port(tcp, "cold_head"))
    assert controller.get_kelvin_reading("A") == pytest.approx(25.0, abs=0.5)
    assert len(controller.get_all_kelvin_reading()) == 4
    controller.set_control_setpoint(1, 26.0)
    assert controller.get_control_setpoint(1) == 26.0
    with pytest.raises(lakeshore.InstrumentException):
        controller.query("NONSENSE?")
    controller.disconnect_tcp()


def test_the_makers_client_and_the_delay_generator(tcp: dict[str, Any]) -> None:
    dg645 = pytest.importorskip("srsinst.dg645")
    generator = dg645.DG645("tcpip", "127.0.0.1", port(tcp, "delay_generator"))
    assert generator.check_id()[0] == "DG645"
    generator.send("DLAY 2,0,1e-3")
    assert generator.query_text("DLAY?2") == "0,+0.001000000000"
    assert generator.query_int("LERR?") == 0
    generator.disconnect()


def test_the_makers_client_and_the_chopper(serial: dict[str, Any]) -> None:
    sr542 = pytest.importorskip("srsinst.sr542")
    chopper = sr542.SR542()
    chopper.connect("serial", device(serial, "chopper"), 115200)
    assert chopper.check_id()[0] == "SR542"
    assert chopper.query_float("IFRQ?") == 100.0
    assert chopper.query_int("LERR?") == 0
    chopper.disconnect()


def test_the_makers_client_and_the_pressure_controller(serial: dict[str, Any]) -> None:
    propar = pytest.importorskip("propar")
    instrument = propar.instrument(device(serial, "helium"), address=3)
    assert instrument.writeParameter(12, 18)
    assert instrument.writeParameter(206, 3.0)
    assert instrument.setpoint == 9600
    assert instrument.readParameter(21) == 10.0
    assert instrument.readParameter(129).strip() == "bar(a)"
    assert instrument.readParameter(90) == "DEPC"
    instrument.master.stop()


def test_a_laboratorys_client_and_the_ablation_laser(serial: dict[str, Any]) -> None:
    big_sky_yag = pytest.importorskip("big_sky_yag")
    laser = big_sky_yag.BigSkyYag(device(serial, "ablation_laser"))
    assert laser.serial_number == "062"
    laser.pump = True
    assert laser.temperature_cooling_group == 39.0
