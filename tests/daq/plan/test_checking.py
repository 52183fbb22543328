"""Whatever stands in a plan, what is wrong with it is told in short sentences; a value is judged alike wherever it stands."""

import pytest

from config.errors import ConfigurationError
from config.laboratory import read_laboratory
from config.model import parse_toml
from daq.plan.checking import checked_plan

LABORATORY, CALIBRATIONS = read_laboratory()
PLAN = """
title = "Short"
element = "V"
sizes = [2, 12]
[conditions]
source_temperature_K = 25.0
helium_pressure_bar = 6.0
velocity_m_s = 432.0
[interleave]
field_T = [0.0, 2.4]
shots_per_group = 100
[acquisition]
duration_us = 60.0
"""
LONGEST_SENTENCE = 300


def faults(text: str) -> tuple[str, ...]:
    """What a plan is refused for."""
    with pytest.raises(ConfigurationError) as refused:
        checked_plan(parse_toml(text, "plan"), "plan", LABORATORY, CALIBRATIONS)
    return refused.value.faults


def scan(values: str) -> str:
    return f"{PLAN}[[scan]]\nvalues = {{ {values} }}\n"


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (scan("velocity_m_s = [9000.0]"), "velocity_m_s = 9000.0: input should be less than or equal to 5000"),
        (scan("velocity_m_s = [400.0, 1e300]"), "velocity_m_s = 1e+300: input should be less than or equal to 5000"),
        (scan("velocity_m_s = { first = 40.0, last = 400.0, count = 3 }"), "velocity_m_s = 40.0: input should be greater"),
        (scan("velocity_m_s = [true]"), "velocity_m_s = True: input should be a valid number"),
        (scan("velocity_m_s = ['fast']"), "velocity_m_s = 'fast': input should be a valid number"),
        (scan("velocity_m_s = [0.0]"), "velocity_m_s = 0.0: input should be greater than or equal to 50"),
        (scan(f"velocity_m_s = [1{400 * '0'}]"), "input should be a valid number"),
        (scan("source_temperature_K = [5000.0]"), "source_temperature_K = 5000.0: input should be less than or equal to 325"),
        (PLAN + "[set]\nsource_residence_s = -0.0001\n", "source_residence_s = -0.0001: input should be greater than 0"),
        (PLAN + "[set]\nlamp_to_ablation_s = 'a'\n", "lamp_to_ablation_s = 'a': input should be a valid number"),
        (PLAN.replace("field_T = [0.0, 2.4]", "") + "[set]\nfield_T = 'x'\n", "field_T = 'x': input should be a valid number"),
    ],
)
def test_a_value_has_the_limits_of_the_conditions_wherever_it_stands(plan: str, said: str) -> None:
    (fault,) = faults(plan)
    assert said in fault
    assert len(fault) < LONGEST_SENTENCE


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (scan("source_temperature_K = { first = 25.0, last = 40.0, step = 1e-300 }"), "makes more than 1,000,000 values"),
        (scan("source_temperature_K = { first = 25.0, last = 40.0, step = 1e-308 }"), "makes more than 1,000,000 values"),
        (scan(f"source_temperature_K = {{ first = 25.0, last = 40.0, count = 1{25 * '0'} }}"), "less than or equal to 1000000"),
        (PLAN + "rate_Hz = 5e-324\n", "acquisition.rate_Hz = 5e-324: input should be greater than or equal to 0.001"),
        (PLAN.replace("[2, 12]", "[2]"), "'sizes.1' is missing"),
        (PLAN.replace("[2, 12]", f"[2, 1{400 * '0'}]"), "sizes.1 = 1000"),
        (PLAN.replace("= 100\n", f"= 1{400 * '0'}\n"), "interleave.shots_per_group = 1000"),
        (PLAN.replace("= 100\n", f"= 0x{4000 * 'f'}\n"), "interleave.shots_per_group: input should be less than"),
        (PLAN.replace('"Short"', '"a\\u0000b"'), "a title is one line without control characters"),
        (PLAN.replace('"Short"', '"a\\nb\\u001b[31m"'), "a title is one line without control characters"),
        (PLAN.replace("conditions", "conditions" + 2000 * ".a"), "conditions"),
    ],
)
def test_an_impossible_value_is_refused_in_a_sentence(plan: str, said: str) -> None:
    found = faults(plan)
    assert said in found[0]
    assert all(len(fault) < LONGEST_SENTENCE for fault in found)


@pytest.mark.parametrize(
    ("acquisition", "said"),
    [
        ("sample_rate_Hz = 5.1234e8", "sample_rate_Hz = 5.1234e+08 is no rate of the digitizer; take 5e+08 or 1e+09"),
        ("sample_rate_Hz = 1e-3", "is no sample"),
        ("sample_rate_Hz = 1e300", "less than or equal to 1000000000000"),
        ("sample_rate_Hz = 1e12", "is no rate of the digitizer; take 2e+10"),
        ("sample_rate_Hz = 2e10\nshots_per_burst = 500", "make shots_per_burst at most 166"),
    ],
)
def test_what_the_digitizer_cannot_do_is_known_before_it_is_asked(acquisition: str, said: str) -> None:
    assert any(said in fault for fault in faults(f"{PLAN}{acquisition}\n".replace("_group = 100", "_group = 1000")))


@pytest.mark.parametrize("sizes", ["[2, 3, 4]", "[2.0, 12.5]", "'2-12'"])
def test_nobody_is_blamed_for_what_stands_in_for_a_wrong_value(sizes: str) -> None:
    assert all(fault.startswith("sizes") for fault in faults(PLAN.replace("[2, 12]", sizes)))


def test_a_wrong_value_hides_no_fault_of_another() -> None:
    wrong = PLAN.replace("432.0", "'fast'").replace("6.0\n", "12.0\n", 1).replace("2.4]", "2.6]")
    found = faults(wrong)
    assert [fault.split(" ")[0] for fault in found] == ["conditions.velocity_m_s", "field_T", "helium_pressure_bar"]
