"""What an earlier run, the front panel or a power cycle leaves in an instrument must not time a shot unnoticed.

Drivers on their simulators: what counts is what the instrument then does, not what was sent.
"""

import numpy as np
import pytest

from drivers.bnc_575 import BNC575
from drivers.errors import LinkTimeout, Refused
from drivers.newport_esp301 import ESP301
from drivers.roles import Pulse, Status
from drivers.srs_dg645 import DG645
from drivers.srs_sr542 import SR542
from simulators.instruments import bnc_575, newport_esp301, srs_dg645, srs_sr542
from tests.drivers.simulated import Bench, on_bench
from tests.simulators.instruments.talk import talk


def watched(unit: SR542, bench: Bench, seconds: int) -> Status:
    """The last of the looks, one each second."""
    for _ in range(seconds):
        bench.pause(1.0)
        status = unit.status()
    return status


def test_a_chopper_that_followed_seven_fold_turns_at_its_own_frequency_afterwards() -> None:
    wheel = srs_sr542.SR542(lambda now: 20.0)
    unit, bench = on_bench(SR542, wheel)
    unit.prepare()
    unit.synchronise(7, 0.0)
    assert watched(unit, bench, 10).ok
    assert unit.read("frequency_Hz") == pytest.approx(140.0)
    unit.run_freely(100.0, 0.0)
    assert watched(unit, bench, 10).ok
    assert unit.read("phase_locked")
    assert unit.read("frequency_Hz") == wheel.reference_out_Hz(bench.now) == pytest.approx(100.0)


def test_a_chopper_whose_factor_somebody_changes_is_not_locked_though_it_says_so() -> None:
    unit, bench = on_bench(SR542, srs_sr542.SR542(lambda now: 20.0))
    unit.prepare()
    unit.run_freely(100.0, 0.0)
    unit.write("multiple", 7)
    assert watched(unit, bench, 60) == Status("not locked", False, ("chops at 700 Hz, not at the 100 Hz asked for",))
    assert unit.read("phase_locked") is False


def test_a_delay_generator_that_wakes_up_with_prescalers_and_hold_off_gives_every_pulse() -> None:
    box = srs_dg645.DG645(lambda now: 100.0)
    settings = b"ADVT 1;HOLD 0.15;PRES 0,7;PRES 1,3;PHAS 1,1;PRES 2,3;PRES 3,3;BURM 1;TRAT 20;TSRC 0\n"
    talk(box, settings)
    box.fault("saved_at_panel", 0.0)
    box.power_up(1.0)
    unit, bench = on_bench(DG645, box, 1.0)
    unit.prepare()
    assert len(box.fired(bench.now, bench.now + 10.0)) == 0
    pulses = {output: Pulse(100e-6, 10e-6) for output in ("AB", "CD", "EF")}
    for divider, started in ((10, 2.0), (None, 3.0), (5, 4.0)):
        bench.now = started
        rate_Hz = 20.0 if divider is None else 100.0 / divider
        unit.program(pulses, rate_Hz, divider)
        unit.start()
        for output in pulses:
            times = box.fired(started, started + 0.99, output)
            np.testing.assert_allclose(np.diff(times), 1 / rate_Hz)
            assert len(times) >= 0.9 * rate_Hz
        assert unit.status().ok


def test_a_pulse_generator_that_boots_is_asked_in_vain_but_not_locked_up() -> None:
    box = bnc_575.BNC575()
    box.power_up(10.0)
    unit, _ = on_bench(BNC575, box, 10.5)
    with pytest.raises(LinkTimeout):
        unit.identify()
    assert not box.state(12.0)["locked_up"]
    unit, _ = on_bench(BNC575, box, 14.0)
    assert unit.identify().model == "575-8"


def test_a_channel_that_was_told_to_wait_gives_every_pulse() -> None:
    box = bnc_575.BNC575()
    talk(box, b":PULSE1:WCO 100\r\n:PULSE1:CMOD DCYC\r\n:PULSE1:STAT 1\r\n")
    unit, bench = on_bench(BNC575, box)
    unit.prepare()
    unit.program({"A": Pulse(100e-6, 10e-6)}, 20.0)
    unit.start()
    assert len(box.fired(bench.now, bench.now + 1.01, "A")) == 20


def test_a_stage_that_lost_its_zero_says_so_however_often_it_is_asked() -> None:
    controller = newport_esp301.ESP301(homed=True)
    unit, bench = on_bench(ESP301, controller)
    unit.prepare()
    assert unit.status().ok
    unit.write("axis1_set_position_mm", 10.0)
    bench.pause(5.0)
    controller.power_up(bench.now)
    for _ in range(2):
        unit, bench = on_bench(ESP301, controller, bench.now + 1.0)
        unit.prepare()
        assert not unit.status().ok
        with pytest.raises(Refused, match="before you home axis 1"):
            unit.write("axis1_set_position_mm", 10.0)
    unit.home(1)
    assert unit.status().ok
    unit.write("axis1_set_position_mm", 10.0)
    bench.pause(5.0)
    assert controller.position_mm(1, bench.now) == pytest.approx(10.0, abs=0.003)
