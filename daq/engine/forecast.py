"""What a plan will need: time and disk; and whether the output directory can take it."""

import re
import shutil
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from config.calibration import Calibrations
from config.laboratory import Laboratory
from daq.conversions.magnet import current_for_field
from daq.plan.expansion import steps
from daq.plan.plan import Plan

COMPRESSION = 0.33
"""Size of a compressed trace relative to its int16 samples (measured: noise of 3 counts, Bitshuffle-LZ4)."""
OVERHEAD_BYTES = 2_000_000
MARGIN = 1.2


class OutputError(Exception):
    """The run file cannot be written where it should go."""


@dataclass(frozen=True)
class Forecast:
    """Laboratory time in s and bytes on disk."""

    duration_s: float
    disk_bytes: int


def forecast(plan: Plan, laboratory: Laboratory, calibrations: Calibrations) -> Forecast:
    """Shots at their rate, ramps at the magnet's slew, settling at its least."""
    duration_s = plan.settle.source_temperature_K.hold_s + plan.settle.helium_pressure_bar.hold_s
    current_A = 0.0
    for step in steps(plan):
        target_A = current_for_field(step.field_T, calibrations.field) if step.field_T else 0.0
        duration_s += abs(target_A - current_A) / laboratory.magnet.slew_A_s + plan.settle.field_T.hold_s
        duration_s += step.shots / plan.acquisition.rate_Hz
        current_A = target_A
    duration_s += abs(current_A) / laboratory.magnet.slew_A_s
    traces = plan.shots * plan.acquisition.samples * 2 * COMPRESSION
    return Forecast(duration_s, round(traces) + OVERHEAD_BYTES)


def new_run_file(plan: Plan, directory: Path, needed_bytes: int) -> Path:
    """A free path for the run file; raises `OutputError` when the directory cannot be written or is too full."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
        free = shutil.disk_usage(directory).free
    except OSError as error:
        raise OutputError(f"cannot write into {directory} ({error.strerror}); choose another with --output") from None
    if free < needed_bytes * MARGIN:
        raise OutputError(
            f"{directory} has {free / 1e6:.0f} MB free, the run needs about {needed_bytes * MARGIN / 1e6:.0f} MB; "
            "free some space or choose another directory with --output"
        )
    slug = re.sub(r"[^a-z0-9]+", "-", plan.title.lower()).strip("-")
    stamp = datetime.now().strftime("%Y-%m-%dT%H%M%S")
    path = directory / f"{stamp}-{slug}.h5"
    number = 2
    while path.exists():
        path = directory / f"{stamp}-{slug}-{number}.h5"
        number += 1
    return path
