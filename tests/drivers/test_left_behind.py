"""What an earlier run, the front panel or a power cycle leaves in an instrument must not time a shot unnoticed.

Drivers on their simulators: what counts is what the instrument then does, not what was sent.
"""

import pytest

from drivers.roles import Status
from drivers.srs_sr542 import SR542
from simulators.instruments import srs_sr542
from tests.drivers.simulated import Bench, on_bench


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
