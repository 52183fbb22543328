"""The time line of a shot follows from the velocity; a line that does not work is refused with all its faults."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.laboratory import SHIPPED, Laboratory, Timing, read_laboratory
from config.model import check_model
from daq.plan.timing import ShotSettings, TimingFaults, compile_timing, with_chopper_closed

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


def faults(rate_Hz: float = 20.0, timing: dict[str, object] | None = None, **lines: dict[str, object]) -> tuple[str, ...]:
    """What is said of the shipped time line with some of it changed; nothing if it works."""
    table = LABORATORY.timing.model_dump() | (timing or {})
    for name, changes in lines.items():
        table["lines"][name] |= changes
    laboratory = LABORATORY.model_copy(update={"timing": check_model(table, Timing, "timing")})
    try:
        compile_timing(laboratory, CALIBRATIONS.velocity, ShotSettings(432.0, rate_Hz))
    except TimingFaults as error:
        return error.faults
    return ()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"q_switch": {"output": "AB"}}, "output AB drives flash_lamp and q_switch"),
        ({"digitizer": {"output": "IJ"}}, "digitizer is on output IJ; the delay generator has T0, AB, CD, EF, GH"),
        ({"gas_valve": {"insertion_delay_s": 1e-6}}, "gas_valve opens at T0"),
        ({"gas_valve": {"output": "GH"}, "digitizer": {"output": "T0"}}, "digitizer is on output T0, which cannot be delayed"),
        ({"timing": {"valve_to_ablation_s": 150e-6}}, "flash_lamp would need a trigger 31.00 us before T0"),
        ({"timing": {"lamp_to_ablation_s": 50e-6}}, "the laser takes 100 to 500 us"),
        ({"digitizer": {"width_s": 1e-12}}, "shortest pulse is 5e-12 s"),
        ({"ionisation": {"width_s": 0.06}}, "later than the next T0 after 50.00 ms"),
        ({"ionisation": {"width_s": 3000.0}}, "the delay generator reaches 2000 s"),
        ({"ionisation": {"highest_rate_Hz": 10.0}}, "more than the 10 Hz that the ionisation laser takes"),
        ({"rate_Hz": 100.0}, "more than the 50 Hz that the ablation laser takes"),
        ({"rate_Hz": 23.0}, "not a whole multiple of the repetition rate 23 Hz"),
    ],
)
def test_each_fault_has_its_sentence(changed: dict[str, Any], said: str) -> None:
    (fault,) = faults(**changed)
    assert said in fault


def test_all_faults_come_in_one_message() -> None:
    found = faults(
        rate_Hz=130.0,
        timing={"valve_to_ablation_s": 10e-6, "lamp_to_ablation_s": 600e-6},
        gas_valve={"insertion_delay_s": 1e-6},
        digitizer={"output": "CD"},
    )
    for part in (
        "output CD drives q_switch and digitizer",
        "gas_valve opens at T0",
        "flash_lamp would need a trigger",
        "later than the next T0",
        "the laser takes 100 to 500 us",
        "130 is more than the 50 Hz that the ablation laser takes",
        "130 is more than the 100 Hz that the ionisation laser takes",
        "whole multiple",
    ):
        assert any(part in fault for fault in found), part


def test_a_time_line_compiles_for_the_other_delay_generator() -> None:
    """A BNC 575 has outputs A to H and can delay each of them."""
    laboratory, _ = read_laboratory(SHIPPED / "every-instrument.toml")
    instruments = dict(laboratory.instruments)
    for name, spare in (("delay_generator", True), ("spare_delay_generator", False)):
        instruments[name] = instruments[name].model_copy(update={"spare": spare})
    lines = {
        name: line.model_copy(update={"output": output})
        for (name, line), output in zip(laboratory.timing.lines.items(), "ABCDE", strict=True)
    }
    timing = laboratory.timing.model_copy(update={"lines": lines})
    with pytest.raises(TimingFaults, match="is on output T0; the delay generator has A, B"):
        compile_timing(
            laboratory.model_copy(update={"instruments": instruments}), CALIBRATIONS.velocity, ShotSettings(432.0, 20.0)
        )
    changed = laboratory.model_copy(update={"instruments": instruments, "timing": timing})
    compiled = compile_timing(changed, CALIBRATIONS.velocity, ShotSettings(432.0, 20.0))
    assert set(compiled.pulses) == set("ABCDE")
    assert compiled.pulses["A"].delay_s == 0.0


def test_a_closed_chopper_is_half_a_period_off() -> None:
    timing = compile_timing(LABORATORY, CALIBRATIONS.velocity, ShotSettings(432.0, 20.0))
    closed = with_chopper_closed(timing)
    assert (closed.chopper_phase_deg - timing.chopper_phase_deg) % 360 == pytest.approx(180.0)
    assert closed.pulses == timing.pulses


def chopper_as_master(**changes: object) -> Laboratory:
    timing = LABORATORY.timing.model_copy(update={"master": "chopper"})
    return LABORATORY.model_copy(update={"timing": timing, **changes})


@given(velocity=st.floats(300, 1000))
def test_with_the_chopper_as_master_the_time_line_is_the_same(velocity: float) -> None:
    settings = ShotSettings(velocity, 20.0)
    own, other = (compile_timing(one, CALIBRATIONS.velocity, settings) for one in (LABORATORY, chopper_as_master()))
    assert (own.external_divider, other.external_divider) == (None, 5)
    assert (own.events, own.pulses, own.chopper_phase_deg) == (other.events, other.pulses, other.chopper_phase_deg)


def test_a_delay_generator_that_cannot_follow_is_refused() -> None:
    every, _ = read_laboratory(SHIPPED / "every-instrument.toml")
    bnc = every.instruments["spare_delay_generator"].model_copy(update={"spare": False})
    instruments = dict(LABORATORY.instruments) | {"delay_generator": bnc}
    with pytest.raises(TimingFaults, match="not triggered from outside"):
        compile_timing(chopper_as_master(instruments=instruments), CALIBRATIONS.velocity, ShotSettings(432.0, 20.0))
