"""Tables of a driver's commands: what is sent, what comes back, what the driver makes of it; one row for every quantity."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from drivers.driver import Driver
from drivers.quantity import Value
from tests.drivers.script import Exchange, scripted

Script = Sequence[Exchange]
Read = Mapping[str, tuple[Script, Value]]
"""By quantity: the exchanges of reading it, and the value."""
Written = Mapping[str, tuple[Value, Script]]
"""By quantity: a value, and the exchanges of setting it."""
Done = Mapping[str, Script]
"""By action."""


def names_complete(driver: type[Driver], read: Read, written: Written, done: Done) -> None:
    """No quantity and no action without a row, no row without one."""
    assert {one.name for one in driver.declared if one.access != "write"} == set(read)
    assert {one.name for one in driver.declared if one.access != "read"} == set(written)
    assert {one.name for one in driver.actions} == set(done)


def check_read(driver: type[Driver], name: str, read: Read, **options: object) -> None:
    script, value = read[name]
    unit, wire = scripted(driver, script, **options)
    found = unit.read(name)
    assert found == value
    assert type(found) is type(value)
    assert wire.finished()


def check_written(driver: type[Driver], name: str, written: Written, **options: object) -> None:
    value, script = written[name]
    unit, wire = scripted(driver, script, **options)
    unit.write(name, value)
    assert wire.finished()


def check_done(driver: type[Driver], name: str, done: Done, **options: object) -> None:
    unit, wire = scripted(driver, done[name], **options)
    unit.do(name)
    assert wire.finished()


def run(driver: type[Driver], script: Script, act: Callable[[Any], object], **options: object) -> Any:
    """Do something with a driver on a script, all of which must be used up; what it returned."""
    unit, wire = scripted(driver, script, **options)
    result = act(unit)
    assert wire.finished()
    return result
