"""Other people's clients of the magnet supply, the gaussmeter, the cold head and its compressors."""

from typing import Any

import pytest

from tests.interop.laboratory import Wires, until

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.somebody_elses_client]


def test_pymeasure_and_the_magnet_supply(tcp: Wires) -> None:
    danfysik = pytest.importorskip("pymeasure.instruments.danfysik")
    supply = danfysik.Danfysik8500(tcp.visa("magnet"), visa_library="@py")
    assert supply.polarity == 1
    supply.enable()
    supply.wait_for_ready(delay=0.01)
    supply.current_ppm = 200_000
    # Its set points are those of a 160 A supply, ours is rated 250 A; the read-back has the same scale.
    until(lambda: abs(supply.current - 50.0) < 0.1)
    assert "Polarity Normal" in supply.status
    supply.current_ppm = 0
    supply.disable()
    supply.adapter.close()


def test_pymeasure_and_the_gaussmeter(tcp: Wires) -> None:
    lakeshore = pytest.importorskip("pymeasure.instruments.lakeshore")
    probe = lakeshore.LakeShore425(tcp.visa("hall_probe"), visa_library="@py", read_termination="\n", write_termination="\n")
    probe.unit = "T"
    assert probe.unit == "T"
    assert -1 < probe.field < 3
    probe.adapter.close()


def test_the_makers_client_and_the_gaussmeter(tcp: Wires) -> None:
    lakeshore = pytest.importorskip("lakeshore")
    probe = lakeshore.Model425(ip_address="127.0.0.1", tcp_port=tcp.port("hall_probe"))
    assert probe.serial_number == "4250022"
    assert -1e4 < float(probe.query("RDGFIELD?")) < 3e4
    probe.disconnect_tcp()


def test_the_makers_client_and_the_cold_head(tcp: Wires) -> None:
    lakeshore = pytest.importorskip("lakeshore")
    controller = lakeshore.Model336(ip_address="127.0.0.1", tcp_port=tcp.port("cold_head"))
    assert controller.get_kelvin_reading("A") == pytest.approx(25.0, abs=0.5)
    assert len(controller.get_all_kelvin_reading()) == 4
    controller.set_control_setpoint(1, 26.0)
    assert controller.get_control_setpoint(1) == 26.0
    with pytest.raises(lakeshore.InstrumentException):
        controller.query("NONSENSE?")
    controller.disconnect_tcp()


def test_qcodes_and_the_cold_head(tcp: Wires) -> None:
    drivers = pytest.importorskip("qcodes.instrument_drivers.Lakeshore")
    controller = drivers.LakeshoreModel336("controller", tcp.visa("cold_head"), visalib="@py", terminator="\n")
    try:
        assert controller.get_idn()["model"] == "336"
        assert controller.A.temperature() == pytest.approx(25.0, abs=2.0)
        assert (controller.A.sensor_status(), controller.A.sensor_type()) == ("OK", "diode")
        output = controller.output_1
        output.mode("closed_loop")
        output.output_range("high")
        output.setpoint(27.0)
        assert (output.mode(), output.output_range(), output.setpoint()) == ("closed_loop", "high", 27.0)
        output.wait_until_set_point_reached(wait_cycle_time=0.05, wait_equilibration_time=0.1)
        assert controller.A.temperature() == pytest.approx(27.0, abs=0.5)
    finally:
        controller.close()


def test_qcodes_reads_the_control_loop_back(tcp: Wires) -> None:
    drivers = pytest.importorskip("qcodes.instrument_drivers.Lakeshore")
    controller = drivers.LakeshoreModel336("loop", tcp.visa("cold_head"), visalib="@py", terminator="\n")
    try:
        controller.output_1.I(30.0)
        assert controller.output_1.I() == 30.0
    finally:
        controller.close()


def test_a_users_client_and_the_spare_compressor(serial: Wires) -> None:
    sumitomo = pytest.importorskip("sumitomo_f70")
    pyserial = pytest.importorskip("serial")
    with sumitomo.SumitomoF70(None, connection=pyserial.Serial(serial.device("spare_compressor"))) as compressor:
        assert compressor.read_id()["operating_hours"] > 0
        assert len(compressor.read_all_temperatures()) == 4
        assert compressor.read_temperature(1) == compressor.read_all_temperatures()[0]
        assert len(compressor.read_all_pressures()) == 2
        bits, status = compressor.read_status_bits()
        assert status["system"]
        assert status["state"] == "local on", bits


def test_a_users_client_and_the_compressor(tcp: Wires) -> None:
    cpa1110 = pytest.importorskip("cpa1110")
    with cpa1110.CPA1110("127.0.0.1", cpa1110.Connection.TCP, tcp.port("compressor"), device_id=1) as compressor:
        _stop_and_start(compressor)


def test_a_users_client_and_the_serial_compressor(serial: Wires) -> None:
    cpa1110 = pytest.importorskip("cpa1110")
    modbus = pytest.importorskip("pymodbus.client")
    device = serial.device("serial_compressor")
    compressor = cpa1110.CPA1110(device, cpa1110.Connection.SERIAL, auto_connect=False)
    # Its own line has a parity bit, which a pseudo-terminal refuses.
    compressor.client = modbus.ModbusSerialClient(port=device, baudrate=115200)
    with compressor:
        _stop_and_start(compressor)


def _stop_and_start(compressor: Any) -> None:
    assert (compressor.panel_serial_number, compressor.model_number) == (10556, 0x0418)
    assert (compressor.pressure_units.name, compressor.temperature_units.name) == ("PSI", "F")
    assert 0 < compressor.low_pressure < compressor.high_pressure
    assert 50 < compressor.coolant_in_temperature < compressor.helium_temperature < 200
    assert compressor.motor_current > 5
    compressor.disable_compressor()
    until(lambda: compressor.operating_state.name == "IDLING")
    assert compressor.motor_current < 1
    compressor.enable_compressor()
    until(lambda: compressor.operating_state.name == "RUNNING")
