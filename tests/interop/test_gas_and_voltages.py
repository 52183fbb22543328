"""Other people's clients of pressure controllers, vacuum gauges and high-voltage supplies."""

import asyncio
from typing import Any

import pytest

from tests.interop.laboratory import Wires, until

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.somebody_elses_client]


def test_the_makers_client_and_the_pressure_controller(serial: Wires) -> None:
    propar = pytest.importorskip("propar")
    instrument = propar.instrument(serial.device("helium"), address=3)
    assert instrument.writeParameter(12, 18)
    assert instrument.writeParameter(206, 3.0)
    assert instrument.setpoint == 9600
    assert instrument.readParameter(21) == 10.0
    assert instrument.readParameter(129).strip() == "bar(a)"
    assert instrument.readParameter(90) == "DEPC"
    assert [(node["address"], node["type"]) for node in instrument.master.get_nodes()] == [(3, "DEPC")]
    instrument.master.stop()


def test_numat_and_the_spare_pressure_controller(tcp: Wires) -> None:
    alicat = pytest.importorskip("alicat")

    async def regulate() -> None:
        async with alicat.FlowController(f"127.0.0.1:{tcp.port('spare_helium')}", unit="A") as controller:
            await controller.set_pressure(3.0)
            assert controller.control_point == "abs pressure"
            assert (await controller.get_firmware()).startswith("A ")
            assert set(await controller.get_pid()) == {"loop_type", "P", "D", "I"}
            await controller.set_maxramp(1.0, "s")
            assert (await controller.get_maxramp())["max_ramp"] == 1.0
            await controller.hold()
            await controller.cancel_hold()

    asyncio.run(regulate())


def test_pylablib_and_the_vacuum_gauge(serial: Wires) -> None:
    pfeiffer = pytest.importorskip("pylablib.devices.Pfeiffer")

    class TPG362(pfeiffer.TPG260):  # type: ignore[misc]
        """Written for the TPG 26x: it asks for the baud rate first, which a TPG 36x refuses."""

        def query(self, msg: str, data_type: Any = "str") -> Any:
            return super().query("ERR" if msg == "BAU" else msg, data_type)

        def comm(self, msg: str) -> None:
            """From power-up until it is first asked, the gauge sends readings by itself; one of them may be under way."""
            try:
                super().comm(msg)
            except pfeiffer.base.PfeifferError as error:
                if "unexpected acknowledgement" not in str(error) or self.instr.readline() != b"\x06":
                    raise

    gauge = TPG362(serial.device("vacuum"))
    assert (gauge.get_gauge_kind(1), gauge.get_gauge_kind(2)) == ("PKR", "IKR9")
    assert (gauge.get_channel_status(1), gauge.get_channel_status(2)) == ("ok", "ok")
    in_pascal = gauge.get_pressure(1)
    assert 1e-6 < in_pascal < 1
    assert gauge.set_units("pa") == "pa"
    assert gauge.get_pressure(1) == pytest.approx(in_pascal, rel=0.01)
    assert gauge.set_units("mbar") == "mbar"
    assert gauge.set_measurement_filter("slow", 1) == "slow"
    assert gauge.set_calibration_factor(1.2, 2) == 1.2
    assert gauge.get_switch_status() == [False] * 4
    with pytest.raises(pfeiffer.PfeifferError):
        gauge.query("XYZ")
    gauge.close()


def test_hvps_and_the_high_voltage(serial: Wires) -> None:
    hvps = pytest.importorskip("hvps")
    supply: Any = hvps.Caen(port=serial.device("high_voltage"), baudrate=9600)
    module = supply.module(0)
    assert module.name.startswith("DT1470")
    assert module.number_of_channels == 4
    assert module.control_mode == "REMOTE"
    assert not any(module.board_alarm_status.values())
    channel = module.channel(0)
    channel.vset, channel.rup, channel.trip, channel.pdwn = 200.0, 100.0, 2.0, "RAMP"
    assert (channel.vset, channel.rup, channel.trip, channel.pdwn) == (200.0, 100.0, 2.0, "RAMP")
    assert channel.vmax == 8000.0
    channel.turn_on()
    until(lambda: abs(float(channel.vmon) - 200.0) < 1.0)
    assert channel.on
    channel.turn_off()
    until(lambda: float(channel.vmon) < 5.0)
    supply.disconnect()
