"""Faults by the clock: a TOML file says what goes wrong when.

    [[fault]]
    at_s = 12.0              # laboratory time since the start
    instrument = "magnet"
    kind = "interlock"       # the instrument's own, `reboot`, or one of the wire's
    with = { cause = "panic button" }

A kind that an instrument does not know is answered with those it knows, and what they take stands in its module.
"""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from config.errors import ConfigurationError
from config.model import Model, read_model
from simulators.wire.clock import Clock
from simulators.wire.port import Port

LOOK_S = 0.02


class ScheduledFault(Model):
    """One fault at its time."""

    at_s: Annotated[float, Field(ge=0)]
    instrument: str
    kind: str
    parameters: Annotated[dict[str, float | int | bool | str], Field(alias="with")] = {}


class Schedule(Model):
    """All faults of a file, in any order."""

    fault: list[ScheduledFault]


def read_schedule(path: Path, ports: Mapping[str, Port]) -> list[ScheduledFault]:
    """The faults of a file in the order of their times; `ConfigurationError` for an instrument that is not there."""
    faults = sorted(read_model(path, Schedule).fault, key=lambda fault: fault.at_s)
    for fault in faults:
        if fault.instrument not in ports:
            raise ConfigurationError(f"{path}: there is no instrument {fault.instrument!r}; known are {', '.join(ports)}")
    return faults


async def play(faults: list[ScheduledFault], ports: Mapping[str, Port], clock: Clock) -> None:
    """Let each happen at its time.  One that its instrument does not know is told on stderr, and the others go on."""
    for fault in faults:
        while clock.now() < fault.at_s:
            await asyncio.sleep(LOOK_S)
        parameters: dict[str, Any] = fault.parameters
        try:
            ports[fault.instrument].fault(fault.kind, **parameters)
        except (ValueError, TypeError) as error:
            print(f"clusterbeam simulate: fault at {fault.at_s:g} s: {fault.instrument}: {error}", file=sys.stderr, flush=True)
