"""M4i through the real `spcm` package on a stand-in for the maker's library: registers, buffers, bursts, refusals."""

import sys
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from config.laboratory import InstrumentConfiguration
from drivers.errors import DriverError, GarbledReply, LimitError, LinkClosed, Refused, WrongInstrument
from drivers.registry import connect
from drivers.roles import DigitizerSetup
from drivers.spectrum_m4i import SpectrumM4i
from tests.drivers.spectrum_library import HIGHEST_HZ, STATUS, Card, installed

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the stand-in takes the place of the Linux library")
RATE_HZ = HIGHEST_HZ / 4
SETUP = DigitizerSetup((1,), RATE_HZ, 100, (1.0,), (0.0,), trigger_level_V=1.25)
TWO = DigitizerSetup((1, 2), RATE_HZ, 64, (0.4, 2.0), (0.0, 0.2))


@pytest.fixture
def card() -> Iterator[Card]:
    found = Card()
    with installed(found):
        yield found


@pytest.fixture
def digitizer(card: Card) -> Iterator[SpectrumM4i]:
    configuration = InstrumentConfiguration(role="digitizer", driver="spectrum_m4i", address="/dev/spcm0")
    unit: SpectrumM4i = connect("digitizer", configuration)
    yield unit
    unit.close()


def codes(shots: int, samples: int, channels: int = 1) -> NDArray[np.int8]:
    return (np.arange(shots * samples * channels) % 251 - 125).astype(np.int8).reshape(shots, samples, channels)


def test_identity(card: Card, digitizer: SpectrumM4i) -> None:
    found = digitizer.identify()
    assert (found.model, found.serial, found.firmware) == ("M4i.2220-x8", "12345", "driver 7.5.22000")
    card.name = b"M2p.5961-x4"
    other = SpectrumM4i("digitizer", "/dev/spcm0")
    other.open()
    with pytest.raises(WrongInstrument, match=r"M2p\.5961-x4"):
        other.identify()


def test_no_card_and_no_library(card: Card) -> None:
    card.present = False
    with pytest.raises(LinkClosed, match="cannot connect"):
        SpectrumM4i("digitizer", "/dev/spcm0").open()


def test_without_the_makers_library_the_reason_is_said() -> None:
    with pytest.raises(LinkClosed, match="the maker's driver library is not installed"):
        SpectrumM4i("digitizer", "/dev/spcm0").open()


def test_what_it_costs_to_read_out_is_known_without_the_card() -> None:
    unit = SpectrumM4i("digitizer", "/dev/spcm0", copy_MB_s=100.0)
    short, long = (unit.readout_s(SETUP, shots) for shots in (1, 100_001))
    assert long - short == pytest.approx(0.1)


def test_a_set_up_reaches_the_registers(card: Card, digitizer: SpectrumM4i) -> None:
    digitizer.prepare()
    digitizer.configure(SETUP)
    expected = {9500: 0x20, 20200: 1, 20000: 625_000_000, 11000: 1, 30010: 500, 40510: 1, 40410: 2, 40120: 0, 42320: 1250}
    assert {register: card.registers[register] for register in expected} == expected
    assert card.registers[47000] == 0x104
    digitizer.configure(TWO)
    assert (card.registers[11000], card.registers[30010], card.registers[30110]) == (3, 200, 2500)


@pytest.mark.parametrize(
    ("register", "kept", "said"),
    [
        (20000, 1_250_000_000, "sample rate reads back 1250000000 after 625000000 was set"),
        (9500, 2, "recording mode reads back 2 after 32"),
        (40410, 1, "trigger source reads back 1 after 2"),
        (40510, 2, "trigger slope reads back 2 after 1"),
        (30010, 2500, "range of channel 1 reads back 2500 after 500"),
    ],
)
def test_a_register_that_does_not_take_is_an_error(
    card: Card, digitizer: SpectrumM4i, register: int, kept: int, said: str
) -> None:
    digitizer.prepare()
    card.deaf = {register: kept}
    with pytest.raises(Refused, match=said):
        digitizer.configure(SETUP)


@pytest.mark.parametrize(("register", "value"), [(40410, 1), (40510, 2), (42320, 0), (42320, 9000)])
def test_pulses_trigger_only_what_is_set_up_for_them(card: Card, digitizer: SpectrumM4i, register: int, value: int) -> None:
    digitizer.configure(SETUP)
    card.registers[register] = value
    digitizer.arm(1)
    card.trigger(codes(1, 128), [0])
    assert digitizer.captured() == 0


def test_a_burst(card: Card, digitizer: SpectrumM4i) -> None:
    digitizer.prepare()
    digitizer.configure(SETUP)
    digitizer.arm(3)
    assert (card.registers[10020], card.registers[10010], card.registers[10100]) == (3, 128, 96)
    assert digitizer.status().state == "waiting for triggers"
    traces = codes(4, 128)
    card.trigger(traces[:2], [1000, 32_251_000])
    assert (digitizer.captured(), digitizer.finished()) == (2, False)
    card.trigger(traces[2:], [63_000_000, 90_000_000])
    assert (digitizer.captured(), digitizer.finished()) == (3, True)
    found = digitizer.collect()
    assert np.array_equal(found.traces[:, 0], traces[:3, :, 0])
    assert found.traces.dtype == np.int16
    assert found.time_tags_s == pytest.approx([0.0, 0.0516, 0.1007984])
    assert found.scale_V == pytest.approx((0.5 / 127,))
    assert found.highest_code == (126,)
    assert (found.interval_s, found.start_s) == pytest.approx((1.6e-9, -32 * 1.6e-9))
    assert digitizer.status().state == "stopped"


def test_two_channels_are_told_apart(card: Card, digitizer: SpectrumM4i) -> None:
    digitizer.configure(TWO)
    digitizer.arm(2)
    traces = codes(2, 64, 2)
    card.trigger(traces, [0, 10])
    room = np.empty((2, 2, 64), np.int16)
    found = digitizer.collect(lambda shape: room.reshape(shape))
    assert np.shares_memory(found.traces, room)
    assert np.array_equal(room, traces.transpose(0, 2, 1))
    assert found.scale_V == pytest.approx((0.2 / 127, 2.5 / 127))


def test_a_burst_that_was_cut_short_gives_what_came(card: Card, digitizer: SpectrumM4i) -> None:
    digitizer.configure(SETUP)
    digitizer.arm(5)
    card.trigger(codes(2, 128), [5, 105])
    digitizer.stop()
    card.trigger(codes(1, 128), [205])
    assert digitizer.collect().traces.shape == (2, 1, 128)
    digitizer.arm(5)
    assert digitizer.collect(lambda shape: pytest.fail("there is nothing to make room for")).traces.shape == (0, 1, 128)


def test_segments_without_a_time_tag_are_told(card: Card, digitizer: SpectrumM4i) -> None:
    digitizer.configure(SETUP)
    digitizer.arm(3)
    card.trigger(codes(3, 128), [5, 105, 205], stamped=2)
    found = digitizer.collect()
    assert found.warnings == ("1 segments have no time tag",)
    assert np.isnan(found.time_tags_s).tolist() == [False, False, True]
    digitizer.arm(2)
    card.trigger(codes(2, 128), [105, 5])
    with pytest.raises(GarbledReply, match="do not rise"):
        digitizer.collect()


@pytest.mark.parametrize(("bit", "said"), [(0x400, "data overrun"), (0x800, "data error"), (0x4000, "time-stamp overrun")])
def test_an_overrun_is_never_data(card: Card, digitizer: SpectrumM4i, bit: int, said: str) -> None:
    digitizer.configure(SETUP)
    digitizer.arm(2)
    card.trigger(codes(2, 128), [0, 9])
    card.registers[STATUS] |= bit
    with pytest.raises(Refused, match=f"lost data: {said}"):
        digitizer.collect()
    assert digitizer.status().warnings == (said,)


@pytest.mark.parametrize(
    ("setup", "error", "said"),
    [
        (DigitizerSetup((1,), 1e9, 100, (1.0,), (0.0,)), Refused, "sample rate 1000000000 is not available"),
        (DigitizerSetup((1,), RATE_HZ, 100, (6.0,), (0.0,)), LimitError, "needs more than ±2500 mV"),
        (DigitizerSetup((1,), RATE_HZ, 0, (1.0,), (0.0,)), LimitError, "0 samples"),
        (DigitizerSetup((), RATE_HZ, 100, (), ()), LimitError, "0 channels"),
    ],
)
def test_what_the_card_cannot_do_is_said(
    digitizer: SpectrumM4i, setup: DigitizerSetup, error: type[DriverError], said: str
) -> None:
    with pytest.raises(error, match=said):
        digitizer.configure(setup)
    with pytest.raises(Refused, match="must be configured before it is armed"):
        digitizer.arm(1)
    with pytest.raises(Refused, match="must be configured and armed"):
        digitizer.collect()


def test_quantities_and_making_safe(card: Card, digitizer: SpectrumM4i) -> None:
    digitizer.configure(SETUP)
    assert digitizer.read("sample_rate_Hz") == RATE_HZ
    assert digitizer.read("memory_filled_permille") == 0
    card.registers[200910] = 1001
    with pytest.raises(GarbledReply):
        digitizer.read("memory_filled_permille")
    digitizer.arm(1)
    with pytest.raises(LimitError, match="0 shots"):
        digitizer.arm(0)
    assert digitizer.make_safe().confirmed
    assert not card.running
    assert digitizer.read("status_word") == 0x4
