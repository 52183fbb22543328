"""What a plan will need: time and disk; and whether the output directory can take it."""

import math
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from config.calibration import Calibrations
from config.errors import ConfigurationError
from config.laboratory import Laboratory
from daq.conversions.magnet import current_for_field
from daq.engine.digitizer_setup import digitizer_setup
from daq.plan.checking import BY_TIMING
from daq.plan.expansion import Point, points
from daq.plan.plan import Plan, SetPoint, field_order
from drivers.registry import unconnected
from drivers.roles import Digitizer

COMPRESSION = 0.33
"""Size of a compressed trace relative to its int16 samples (measured: noise of 3 counts, Bitshuffle-LZ4)."""
OVERHEAD_BYTES = 2_000_000
MARGIN = 1.2


class OutputError(Exception):
    """The run file cannot be written where it should go."""


KELVIN_S = 4.0
"""Laboratory time for a change of the source temperature by 1 K (*assumed*)."""
PRESSURE_S = 10.0
"""For a change of the helium pressure (*assumed*)."""
CHOPPER_S = 10.0
"""For the chopper to lock at a new phase (*assumed*)."""
POINTS_LOOKED_AT = 2000
"""Of a plan with more points the rest is taken to be like these."""


@dataclass(frozen=True)
class Forecast:
    """Laboratory time in s, bytes on disk, and what reading out the digitizer costs.

    `duty` is the share of the shots fired during a step that is recorded; `readout_s` the wall time in which the digitizer
    takes none after a burst.
    """

    duration_s: float
    disk_bytes: int
    duty: float
    readout_s: float


def forecast(plan: Plan, laboratory: Laboratory, calibrations: Calibrations) -> Forecast:
    """Shots at their rate, ramps at the magnet's slew, settling at its least, read-out after every burst."""
    readout_s = unconnected_digitizer(laboratory).readout_s(digitizer_setup(laboratory, plan.acquisition), _burst(plan))
    duty = _duty(plan, readout_s * laboratory.clock.speed)
    ways = _Ways(plan, laboratory, calibrations)
    looked_at = list(islice(points(plan), POINTS_LOOKED_AT))
    moving_s = ways.between_points(looked_at) * plan.points / len(looked_at) * plan.repeat
    duration_s = moving_s + plan.shots / plan.acquisition.rate_Hz / duty
    channels = 1 if laboratory.photodiode is None else 2
    traces = plan.shots * plan.acquisition.samples * channels * 2 * COMPRESSION
    return Forecast(duration_s, round(traces) + OVERHEAD_BYTES, duty, readout_s)


def unconnected_digitizer(laboratory: Laboratory) -> Digitizer:
    """What the configuration tells of the digitizer."""
    name = laboratory.named("digitizer")
    found: Digitizer = unconnected(name, laboratory.instruments[name])
    return found


def _burst(plan: Plan) -> int:
    return min(plan.acquisition.shots_per_burst, plan.interleave.shots_per_group)


def _duty(plan: Plan, readout_s: float) -> float:
    """Recorded over fired shots of a group.  A read-out begins with a burst's last shot and costs the triggers that come
    before its end; after the last burst of a group nothing is lost."""
    shots, rate_Hz = plan.interleave.shots_per_group, plan.acquisition.rate_Hz
    gaps = -(-shots // plan.acquisition.shots_per_burst) - 1
    return shots / (shots + gaps * math.floor(readout_s * rate_Hz))


class _Ways:
    """How long it takes from one set of set points to the next."""

    def __init__(self, plan: Plan, laboratory: Laboratory, calibrations: Calibrations) -> None:
        self._plan, self._slew_A_s, self._field = plan, laboratory.magnet.slew_A_s, calibrations.field
        self._currents: dict[float, float] = {}

    def between_points(self, looked_at: Sequence[Point]) -> float:
        """All changes of set points, from rest to rest."""
        moving_s, before, current_A = 0.0, None, 0.0
        for point in looked_at:
            moving_s += self._to(point.set_points, None if before is None else before.set_points)
            own_T, order = point.set_points["field_T"], field_order(self._plan.interleave)
            fields = [own_T if field_T is None else field_T for field_T in order]
            first_s, at_A = self._through(fields, current_A)
            again_s, current_A = self._through(fields, at_A)
            moving_s += first_s + (self._plan.interleave.cycles - 1) * again_s
            before = point
        return moving_s + abs(current_A) / self._slew_A_s

    def _to(self, now: Mapping[str, SetPoint], before: Mapping[str, SetPoint] | None) -> float:
        changed = {name for name in now if before is None or now[name] != before[name]} - {"field_T"}
        took_s = 0.0
        if before is not None and "source_temperature_K" in changed:
            took_s += KELVIN_S * abs(float(now["source_temperature_K"]) - float(before["source_temperature_K"]))
        if before is not None and "helium_pressure_bar" in changed:
            took_s += PRESSURE_S
        if changed.intersection(BY_TIMING):
            took_s += CHOPPER_S
        holds = [criterion.hold_s for name in changed if (criterion := self._plan.settling(name)) is not None]
        return took_s + max(holds, default=0.0)

    def _through(self, fields: Sequence[SetPoint], current_A: float) -> tuple[float, float]:
        """Time for all ramps of a cycle that starts at a current, and the current at its end."""
        criterion = self._plan.settling("field_T")
        hold_s = 0.0 if criterion is None else criterion.hold_s
        took_s = 0.0
        for field_T in fields:
            target_A = self._current_A(float(field_T))
            if target_A != current_A:
                took_s += abs(target_A - current_A) / self._slew_A_s + hold_s
            current_A = target_A
        return took_s, current_A

    def _current_A(self, field_T: float) -> float:
        if field_T not in self._currents:
            self._currents[field_T] = current_for_field(field_T, self._field) if field_T else 0.0
        return self._currents[field_T]


def check_output(directory: Path) -> None:
    """Make a directory for run files if it is not there; `ConfigurationError` when no file can be made in it."""
    try:
        _make_writable(directory)
    except OSError as error:
        raise ConfigurationError(_unwritable(directory, error)) from None


def check_room(directory: Path, needed_bytes: int, keep_free_MB: float, what: str = "the run needs") -> None:
    """`OutputError` when a directory has too little free for what it is to take."""
    free = shutil.disk_usage(directory).free
    if free < needed_bytes * MARGIN + keep_free_MB * 1e6:
        kept = f" and {keep_free_MB:.0f} MB are to be kept (keep_free_MB)" if keep_free_MB else ""
        raise OutputError(
            f"{directory} has {free / 1e6:.0f} MB free, {what} about {needed_bytes * MARGIN / 1e6:.0f} MB{kept}; "
            "free some space or choose another directory with --output"
        )


def new_run_file(plan: Plan, directory: Path, needed_bytes: int, keep_free_MB: float = 0.0) -> Path:
    """A free path for the run file; raises `OutputError` when the directory cannot be written or is too full."""
    try:
        _make_writable(directory)
        check_room(directory, needed_bytes, keep_free_MB)
    except OSError as error:
        raise OutputError(_unwritable(directory, error)) from None
    slug = re.sub(r"[^a-z0-9]+", "-", plan.title.lower()).strip("-")
    stamp = datetime.now().strftime("%Y-%m-%dT%H%M%S")
    path = directory / f"{stamp}-{slug}.h5"
    number = 2
    while path.exists():
        path = directory / f"{stamp}-{slug}-{number}.h5"
        number += 1
    return path


def _make_writable(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=directory):
        pass


def _unwritable(directory: Path, error: OSError) -> str:
    return f"cannot write into {directory} ({error.strerror}); choose another directory"
