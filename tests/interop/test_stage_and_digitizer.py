"""Other people's clients of the translation stage and the digitizer."""

import pytest

from tests.interop.laboratory import Wires, until

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.somebody_elses_client]


def test_pymeasure_and_the_stage(tcp: Wires) -> None:
    newport = pytest.importorskip("pymeasure.instruments.newport")
    controller = newport.ESP300(tcp.visa("stage"), visa_library="@py", read_termination="\r\n", write_termination="\r")
    controller.clear_errors()
    axis = controller.x
    assert axis.units == "millimeter"
    axis.enable()
    assert axis.enabled
    axis.home(2)
    until(lambda: axis.motion_done)
    axis.position = 1.25
    axis.wait_for_stop()
    assert axis.position == pytest.approx(1.25, abs=0.01)
    axis.position = 900.0
    refusals = controller.errors
    assert [refusal.axis for refusal in refusals] == ["1"]
    controller.adapter.close()


def test_instrumentkit_and_the_stage(tcp: Wires) -> None:
    instruments = pytest.importorskip("instruments")
    controller = instruments.newport.NewportESP301.open_tcpip("127.0.0.1", tcp.port("stage"))
    axis = controller.axis[1]
    axis.enable()
    axis.move(2.5, wait=True, block=True)
    assert float(axis.position) == pytest.approx(2.5, abs=0.01)


def test_qcodes_and_the_digitizer(tcp: Wires) -> None:
    keysight = pytest.importorskip("qcodes.instrument_drivers.Keysight")
    scope = keysight.KeysightInfiniium("scope", tcp.visa("digitizer"), visalib="@py", terminator="\n", timeout=0.5)
    assert scope.get_idn()["vendor"].upper().startswith("KEYSIGHT")
    scope.ch1.range(0.8)
    assert scope.ch1.range() == pytest.approx(0.8)
    scope.ch1.offset(0.1)
    assert scope.ch1.offset() == pytest.approx(0.1)
    scope.timebase_range(1e-5)
    assert scope.timebase_range() == pytest.approx(1e-5)
    scope.digitize()
    scope.close()
