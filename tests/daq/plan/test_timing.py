"""The time line of a shot follows from the velocity; a line that does not work is refused with all its faults."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import ConfigurationError
from config.laboratory import Timing, read_laboratory
from config.model import check_model
from daq.plan.timing import ShotSettings, compile_timing

LABORATORY, CALIBRATIONS = read_laboratory()


@given(velocity=st.floats(300, 1000))
def test_events_meet_the_clusters(velocity: float) -> None:
    timing = compile_timing(LABORATORY, CALIBRATIONS.velocity, ShotSettings(velocity, 20.0))
    at = {event.name: event.time_s for event in timing.events}
    assert at["ionisation"] - at["chopper"] == pytest.approx(1.68 / velocity, rel=1e-12)
    assert at["digitizer"] == at["ionisation"]
    reached_chopper = at["q_switch"] + LABORATORY.timing.source_residence_s + 0.9 / velocity
    assert at["chopper"] == pytest.approx(reached_chopper, rel=1e-12)
    assert at["q_switch"] - at["flash_lamp"] == pytest.approx(LABORATORY.timing.lamp_to_ablation_s)
    assert [event.time_s for event in timing.events] == sorted(event.time_s for event in timing.events)


def test_pulses_make_up_for_the_insertion_delay() -> None:
    timing = compile_timing(LABORATORY, CALIBRATIONS.velocity, ShotSettings(432.0, 20.0))
    at = {event.name: event.time_s for event in timing.events}
    assert timing.pulses["EF"].delay_s == pytest.approx(at["ionisation"] - 1.2e-6, abs=1e-12)
    assert timing.pulses["T0"].delay_s == 0.0
    assert timing.chopper_multiple == 5
    assert timing.chopper_phase_deg == pytest.approx(at["chopper"] * 100 * 360 % 360)


def test_all_faults_come_in_one_message() -> None:
    table = LABORATORY.timing.model_dump()
    table["valve_to_ablation_s"] = 10e-6
    table["lines"]["gas_valve"]["insertion_delay_s"] = 1e-6
    timing = check_model(table, Timing, "timing")
    with pytest.raises(ConfigurationError) as error:
        compile_timing(LABORATORY.model_copy(update={"timing": timing}), CALIBRATIONS.velocity, ShotSettings(432.0, 130.0))
    sentence = str(error.value)
    for part in ("flash_lamp would need a trigger", "later than the next T0", "whole multiple", "gas_valve opens at T0"):
        assert part in sentence
