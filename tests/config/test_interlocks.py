"""Interlocks as a laboratory writes them: what is refused and how that is said, what ships, and what of it can be changed."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest

from config.errors import ConfigurationError
from config.interlocks import Interlock, InterlockTable
from config.interlocks_in_force import check_quantities, in_force, shipped
from config.laboratory import SHIPPED, Laboratory, Role, read_laboratory
from config.model import check_model, read_toml
from config.writing import write_toml

SIMULATED = read_toml(SHIPPED / "laboratories" / "simulated.toml")
WARM = {"quantity": "cold_head.temperature_K", "above": 30.0, "action": "warn"}
ONE_OF = "above, below, outside, equals, not_equals, contains, stale_s and rate_above"


def laboratory(interlocks: dict[str, Any]) -> Laboratory:
    return check_model(SIMULATED | {"interlocks": interlocks}, Laboratory, "lab.toml")


def changed(**keys: object) -> dict[str, Any]:
    """A sensible interlock with these keys instead; None leaves one out."""
    return {"warm": {key: value for key, value in {**WARM, **keys}.items() if value is not None}}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no test": (changed(above=None), f"interlocks.warm: it needs one of {ONE_OF}; it has none"),
    "two tests": (changed(below=3.0), f"interlocks.warm: it needs one of {ONE_OF}; it has above and below"),
    "limits the wrong way round": (
        changed(above=None, outside=[5, 2]),
        "interlocks.warm.outside = [5, 2]: the lower limit comes first",
    ),
    "no instrument": (
        changed(quantity="temperature_K"),
        "interlocks.warm.quantity = 'temperature_K': a quantity is written instrument.quantity",
    ),
    "nothing to do": (changed(action=None), "interlocks.warm: 'action' is missing"),
    "another thing to do": (
        changed(action="stop"),
        "interlocks.warm.action = 'stop': input should be 'warn', 'refuse start', 'pause' or 'safe'",
    ),
    "a misspelt key": (changed(hysterisis=1.0), "unknown key 'interlocks.warm.hysterisis', did you mean 'hysteresis'?"),
    "a misspelt key of the second clause": (
        changed(**{"while": {"quantity": "magnet.on", "equal": True}}),
        "unknown key 'interlocks.warm.while.equal', did you mean 'equals'?",
    ),
    "a misspelt second clause": (changed(whle={}), "unknown key 'interlocks.warm.whle', did you mean 'while'?"),
    "a second clause without a test": (
        changed(**{"while": {"quantity": "magnet.on"}}),
        "interlocks.warm.while = {'quantity': 'magnet.on'}: "
        "it needs one of above, below, outside, equals, not_equals and contains; it has none",
    ),
    "a rate over no time": (changed(above=None, rate_above=1.0), "interlocks.warm: rate_above and rate_over_s go together"),
    "hysteresis as wide as the range": (
        changed(above=None, outside=[20, 30], hysteresis=5.0),
        "interlocks.warm: hysteresis = 5 has to be smaller than 5",
    ),
    "hysteresis as large as the rate": (
        changed(above=None, rate_above=1.0, rate_over_s=10.0, hysteresis=1.0),
        "interlocks.warm: hysteresis has to be smaller than rate_above",
    ),
    "hysteresis of a flag": (
        changed(above=None, quantity="chopper.phase_locked", equals=False, hysteresis=1.0),
        "interlocks.warm: hysteresis goes with above, below, outside and rate_above",
    ),
    "the difference of two flags": (
        changed(above=None, equals=False, minus="chopper.motor_on"),
        "interlocks.warm: minus goes with above, below, outside and rate_above",
    ),
    "a latching refusal": (
        changed(action="refuse start", latching=True),
        "interlocks.warm: what refuses a start has to count always and cannot latch; leave during and latching out",
    ),
    "a refusal in a run": (
        changed(action="refuse start", during="run"),
        "interlocks.warm: what refuses a start has to count always and cannot latch; leave during and latching out",
    ),
    "a warning that resumes": (
        changed(resume_after_s=5.0),
        "interlocks.warm: resume_after_s goes with action = 'pause' that is not latching",
    ),
    "a latching pause that resumes": (
        changed(action="pause", latching=True, resume_after_s=5.0),
        "interlocks.warm: resume_after_s goes with action = 'pause' that is not latching",
    ),
    "a negative delay": (
        changed(delay_s=-1.0),
        "interlocks.warm.delay_s = -1.0: input should be greater than or equal to 0",
    ),
    "no such role": (
        changed(quantity="<cold haed>.temperature_K"),
        "interlocks.warm: no instrument that takes part in runs has the role 'cold haed'",
    ),
    "a misspelt name of a shipped one": (
        {"disk_nearly_ful": {"enabled": False}},
        "interlocks.disk_nearly_ful: it needs a quantity, since no interlock of that name ships with the program; "
        "did you mean 'disk_nearly_full'?",
    ),
    "two of them at once": (
        changed(action=None) | {"x": {"above": 1.0}},
        "interlocks.warm: 'action' is missing; "
        "interlocks.x: it needs a quantity, since no interlock of that name ships with the program",
    ),
    "a change that spoils a shipped one": (
        {"source_overheated": {"outside": [10.0, 330.0], "hysteresis": 200.0}},
        "interlocks.source_overheated: hysteresis = 200 has to be smaller than 160",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_each_mistake_has_its_sentence(case: str) -> None:
    interlocks, said = REFUSED[case]
    with pytest.raises(ConfigurationError) as error:
        laboratory(interlocks)
    assert str(error.value) == f"lab.toml: {said}"


def test_a_laboratory_without_a_word_on_interlocks_has_those_that_ship() -> None:
    found = laboratory({}).interlocks_in_force()
    assert {"source_overheated", "helium_absent", "magnet_too_hot", "chopper_unlocked", "disk_nearly_full"} <= set(found)
    assert found["source_overheated"].quantity == "cold_head.temperature_K"


def test_what_needs_an_instrument_that_is_not_there_does_not_apply() -> None:
    assert not {"mcp_pressure_too_high", "compressor_off"} & set(laboratory({}).interlocks_in_force())
    every, _ = read_laboratory(SHIPPED / "every-instrument.toml")
    assert set(every.interlocks_in_force()) == set(shipped())


CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "another limit, all else as it was": (
        {"above": 350.0},
        {"above": 350.0, "action": "safe", "latching": True, "hysteresis": 20.0, "delay_s": 5.0},
    ),
    "another test takes the place of the old one": ({"outside": [5.0, 330.0]}, {"above": None, "outside": (5.0, 330.0)}),
    "another quantity": ({"quantity": "chopper.motor_on", "equals": True, "hysteresis": 0.0}, {"quantity": "chopper.motor_on"}),
    "another action": ({"action": "warn", "latching": False}, {"action": "warn", "latching": False}),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_laboratory_changes_single_keys_of_a_shipped_one(case: str) -> None:
    own, expected = CHANGES[case]
    found = laboratory({"source_overheated": own}).interlocks_in_force()["source_overheated"]
    assert {key: getattr(found, key) for key in expected} == expected


def test_who_changes_the_action_says_anew_whether_it_resumes() -> None:
    assert shipped()["helium_off_set_point"].resume_after_s is not None
    found = laboratory({"helium_off_set_point": {"action": "safe"}}).interlocks_in_force()["helium_off_set_point"]
    assert found.resume_after_s is None
    found = laboratory({"helium_off_set_point": {"latching": True}}).interlocks_in_force()["helium_off_set_point"]
    assert found.resume_after_s is None


def test_one_is_switched_off_by_its_name() -> None:
    assert "source_overheated" not in laboratory({"source_overheated": {"enabled": False}}).interlocks_in_force()
    assert "warm" not in laboratory(changed(enabled=False)).interlocks_in_force()


def test_several_instruments_with_a_role_have_one_each() -> None:
    own = {"off": InterlockTable.model_validate({"quantity": "<compressor>.running", "equals": False, "action": "warn"})}
    roles = {"east": "compressor", "west": "compressor", "gauge": "vacuum gauge", "a": "high voltage", "b": "high voltage"}
    found = in_force(own, roles)
    assert found["off (east)"].quantity == "east.running"
    assert found["off (west)"].quantity == "west.running"
    assert found["compressor_off (west)"].quantity == "west.running"
    pair = found["mcp_pressure_too_high (b)"]
    assert pair.quantity == "gauge.gauge2_pressure_mbar"
    assert pair.while_ is not None
    assert pair.while_.quantity == "b.ch1_voltage_V"
    assert "mcp_pressure_too_high" not in found


def test_a_written_laboratory_has_the_same_interlocks(tmp_path: Path) -> None:
    own = laboratory(changed(**{"while": {"quantity": "magnet.on", "equals": True}}) | {"source_overheated": {"above": 350.0}})
    write_toml(tmp_path / "lab.toml", own.model_dump(exclude_none=True), "written")
    assert read_laboratory(tmp_path / "lab.toml")[0].interlocks_in_force() == own.interlocks_in_force()


DECLARED = {
    "cold_head": {"temperature_K": float, "set_temperature_K": float, "heater_range": int},
    "chopper": {"phase_locked": bool, "name": str},
}
UNFIT: dict[str, tuple[dict[str, Any], str]] = {
    "no such instrument": (
        {"quantity": "coldhead.temperature_K", "above": 1.0},
        "there is no instrument 'coldhead' that takes part in runs; did you mean 'cold_head'?",
    ),
    "no such quantity": (
        {"quantity": "chopper.phase_loked", "equals": False},
        "chopper has no quantity 'phase_loked'; did you mean 'phase_locked'?",
    ),
    "nothing like it": ({"quantity": "chopper.x", "equals": False}, "chopper has no quantity 'x'"),
    "no such quantity to take away": (
        {"quantity": "cold_head.temperature_K", "minus": "cold_head.set_temperature", "above": 1.0},
        "cold_head has no quantity 'set_temperature'; did you mean 'set_temperature_K'?",
    ),
    "no such quantity in the second clause": (
        {"quantity": "cold_head.temperature_K", "above": 1.0, "while": {"quantity": "chopper.phase", "equals": True}},
        "chopper has no quantity 'phase'; did you mean 'phase_locked'?",
    ),
    "a flag above": (
        {"quantity": "chopper.phase_locked", "above": 0.5},
        "chopper.phase_locked is on or off, which above does not go with",
    ),
    "a flag that is a word": (
        {"quantity": "chopper.phase_locked", "equals": "no"},
        "chopper.phase_locked is on or off, which equals = 'no' does not go with",
    ),
    "a measured value that equals": (
        {"quantity": "cold_head.temperature_K", "equals": 4},
        "cold_head.temperature_K is a number, which equals = 4 does not go with",
    ),
    "a number that contains": (
        {"quantity": "cold_head.heater_range", "contains": ["3"]},
        "cold_head.heater_range is a whole number, which contains does not go with",
    ),
    "a state that is a flag": (
        {"quantity": "chopper.status", "not_equals": True},
        "chopper.status is a text, which not_equals = True does not go with",
    ),
}


@pytest.mark.parametrize("case", UNFIT)
def test_a_quantity_that_does_not_fit_has_its_sentence(case: str) -> None:
    table, said = UNFIT[case]
    interlock = check_model({"action": "warn", **table}, Interlock, "x")
    with pytest.raises(ConfigurationError) as error:
        check_quantities({"own": interlock}, DECLARED)
    assert str(error.value) == f"the interlocks do not fit the instruments: interlocks.own: {said}"


@pytest.mark.parametrize(
    "table",
    [
        {"quantity": "cold_head.heater_range", "equals": 3},
        {"quantity": "cold_head.heater_range", "above": 2.0},
        {"quantity": "chopper.phase_locked", "stale_s": 10.0},
        {"quantity": "chopper.fit", "equals": False},
        {"quantity": "chopper.live", "equals": False},
        {"quantity": "chopper.complaints", "contains": ["fault"]},
        {"quantity": "chopper.name", "not_equals": "SR542"},
        {"quantity": "disk.free_MB", "below": 100.0},
    ],
    ids=str,
)
def test_what_everybody_tells_and_the_engine_supplies_is_known(table: dict[str, Any]) -> None:
    check_quantities({"own": check_model({"action": "warn", **table}, Interlock, "x")}, DECLARED)


def test_shipped_ones_are_for_roles_and_speak_to_the_operator() -> None:
    for name, table in shipped().items():
        roles = re.findall(r"<([^>]+)>", str(table.model_dump()))
        assert set(roles) <= set(get_args(Role)), name
        assert roles or (table.quantity or "").startswith("disk."), name
        assert table.text, name


def test_every_number_that_ships_has_its_label() -> None:
    for line in (SHIPPED / "interlocks.toml").read_text().splitlines():
        code, _, remark = line.partition("#")
        if re.search(r"= \[?-?\d", code) or "gauge2" in code or "ch1" in code:
            assert re.match(r" \[(paper|derived|assumed)\]", remark), line


def shipped_table() -> str:
    """The shipped interlocks as `docs/interlocks.md` shows them."""
    lines = ["| name | holds when | counts | does | numbers |", "| --- | --- | --- | --- | --- |"]
    for name, table in shipped().items():
        one = check_model(table.model_dump(exclude_none=True), Interlock, name)
        does = one.action + (", latching" if one.latching else "")
        if one.resume_after_s is not None:
            does += f", resumes after {one.resume_after_s:g} s, {one.resume_times} times"
        lines.append(f"| `{name}` | `{one.condition()}` | {one.during} | {does} | {'; '.join(labels(name))} |")
    return "\n".join(lines)


def labels(name: str) -> list[str]:
    """The keys of a shipped interlock whose numbers have a label, with it."""
    text = (SHIPPED / "interlocks.toml").read_text()
    block = text.partition(f"[{name}]\n")[2].partition("\n\n")[0]
    return [f"{key} *{label}*" for key, label in re.findall(r"^(\w+) = .*# \[(\w+)\]", block, re.MULTILINE)]


def test_the_page_shows_what_ships() -> None:
    assert shipped_table() in (SHIPPED.parent / "docs" / "interlocks.md").read_text(), shipped_table()
