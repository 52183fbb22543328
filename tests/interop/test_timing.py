"""Other people's clients of delay generators and choppers."""

import pytest

from tests.interop.laboratory import Wires, until

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.somebody_elses_client]


def test_the_makers_client_and_the_delay_generator(tcp: Wires) -> None:
    dg645 = pytest.importorskip("srsinst.dg645")
    generator = dg645.DG645("tcpip", "127.0.0.1", tcp.port("delay_generator"))
    assert generator.check_id()[0] == "DG645"
    generator.send("DLAY 2,0,1e-3")
    assert generator.query_text("DLAY?2") == "0,+0.001000000000"
    assert generator.query_int("LERR?") == 0
    generator.disconnect()


def test_instrumentkit_and_the_delay_generator(tcp: Wires) -> None:
    instruments, quantities = pytest.importorskip("instruments"), pytest.importorskip("quantities")
    generator = instruments.srs.SRSDG645.open_tcpip("127.0.0.1", tcp.port("delay_generator"))
    assert generator.name.startswith("Stanford Research Systems,DG645")
    generator.channel["C"].delay = (generator.channel["T0"], quantities.Quantity(2.5, "ms"))
    reference, delay = generator.channel["C"].delay
    assert reference == generator.Channels.T0
    assert float(delay.rescale("s")) == pytest.approx(2.5e-3, abs=1e-12)
    generator.trigger_rate = 25.0
    assert float(generator.trigger_rate) == 25.0


def test_qmi_and_the_spare_delay_generator(tcp: Wires) -> None:
    context = pytest.importorskip("qmi.core.context")
    composers = pytest.importorskip("qmi.instruments.quantum_composers")
    address = f"tcp:127.0.0.1:{tcp.port('spare_delay_generator')}"
    generator = composers.QuantumComposers_9530(context.QMI_Context("interop"), "generator", address)
    generator.open()
    assert generator.get_idn().model.startswith("575")
    assert generator.get_num_channels() == 8
    generator.set_t0_period(0.05)
    assert generator.get_t0_period() == pytest.approx(0.05)
    generator.set_channel_delay(1, 2.3e-3)
    generator.set_channel_width(1, 2e-5)
    assert generator.get_channel_delay(1) == pytest.approx(2.3e-3)
    assert generator.get_channel_width(1) == pytest.approx(2e-5)
    generator.set_channel_enabled(1, True)
    assert generator.get_channel_enabled(1)
    generator.set_output_inverted(1, True)
    assert generator.get_output_inverted(1)
    generator.set_t0_duty_cycle(2, 3)
    assert generator.get_t0_duty_cycle() == (2, 3)
    generator.close()


def test_qcsapphire_and_the_spare_delay_generator(serial: Wires) -> None:
    qcsapphire = pytest.importorskip("qcsapphire")
    generator = qcsapphire.Pulser(serial.device("spare_delay_generator"))
    assert generator.model_number.startswith("575")
    generator.channel("B").delay(1.5e-3)
    assert float(generator.channel("B").delay()) == pytest.approx(1.5e-3)
    with pytest.raises(Exception, match="Invalid"):
        generator.query(":NONSENSE?")
    generator.close()


def test_the_makers_client_and_the_chopper(serial: Wires) -> None:
    sr542 = pytest.importorskip("srsinst.sr542")
    chopper = sr542.SR542()
    chopper.connect("serial", serial.device("chopper"), 115200)
    assert chopper.check_id()[0] == "SR542"
    assert chopper.query_float("IFRQ?") == 100.0
    assert chopper.query_int("LERR?") == 0
    chopper.disconnect()


def test_a_users_client_and_the_spare_chopper(serial: Wires) -> None:
    mc2000b = pytest.importorskip("thorlabs_mc2000b")
    chopper = mc2000b.MC2000B(serial_port=serial.device("spare_chopper"))
    assert chopper.id.startswith("THORLABS MC2000B")
    chopper.blade = mc2000b.Blade.MC1F10HP
    assert chopper.get_blade_string() == "MC1F10HP"
    chopper.freq = 120
    chopper.phase = 90
    chopper.enable = 1
    assert (chopper.freq, chopper.phase, chopper.enable) == (120, 90, 1)
    until(lambda: chopper.refoutfreq == 120)
    chopper.close()
