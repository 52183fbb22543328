"""Other people's clients of lasers and pulse-energy meters."""

from contextlib import nullcontext

import pytest

from tests.interop.laboratory import Wires

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.somebody_elses_client]


def test_a_laboratorys_client_and_the_ablation_laser(serial: Wires) -> None:
    big_sky_yag = pytest.importorskip("big_sky_yag")
    laser = big_sky_yag.BigSkyYag(serial.device("ablation_laser"))
    assert laser.serial_number == "062"
    laser.pump = True
    assert laser.pump
    assert laser.temperature_cooling_group == 39.0
    assert laser.software_revision == "SPECTRA-SY 3.68"
    assert not laser.laser_status.interlock


def test_qcodes_and_the_energy_meter(serial: Wires) -> None:
    gentec = pytest.importorskip("qcodes_contrib_drivers.drivers.Gentec.Gentec_Maestro")
    meter = gentec.Gentec_Maestro("meter", serial.visa("energy_meter"), terminator="\r\n", visalib="@py")
    assert meter.get_idn()["model"].startswith("MAESTRO")
    meter.wavelength(355)
    assert meter.wavelength() == 355
    assert meter.zero_offset_enabled() is False
    assert meter.power() >= 0.0
    meter.close()


def test_pylablib_and_the_ethernet_energy_meter(tcp: Wires) -> None:
    ophir = pytest.importorskip("pylablib.devices.Ophir")
    backend = pytest.importorskip("pylablib.core.devio.comm_backend")

    class Network(backend.NetworkDeviceBackend):  # type: ignore[misc]
        """Its own lacks what its serial lines have."""

        single_op = nullcontext

    wire = Network(("127.0.0.1", tcp.port("ethernet_energy_meter")), term_read="\r\n", term_write="\r\n")
    meter = ophir.VegaPowerMeter(wire)
    assert meter.get_head_info().type == "pyroelectric"
    assert "energy" in meter.get_head_info().capabilities
    assert meter.get_units() == "J"
    assert meter.get_wavelength_info().mode == "continuous"
    assert meter.get_energy() >= 0.0
    meter.set_range_idx(1)
    assert meter.get_range_idx() == 1
    with pytest.raises(ophir.OphirError):
        meter.query("$XX")
    meter.close()
