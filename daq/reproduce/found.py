"""What a reproduction has found so far: calibrations, measurements, and what failed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from config.calibration import Calibrations
from daq.analysis.calibrate import Made
from daq.analysis.results import Results
from daq.reproduce.parts import Part


@dataclass(frozen=True)
class Run:
    """A complete run of a part; `name` is that of its file, without its end."""

    part: Part
    name: str
    shots: Mapping[float, int]
    """Analysed ones, by set field in T."""


@dataclass(frozen=True)
class Calibrated(Run):
    """A calibration as it was made; `kept` says why it was not put in force, if it was not."""

    made: Made
    kept: str = ""


@dataclass(frozen=True)
class Measured(Run):
    """Moments of all clusters of a run."""

    results: Results


@dataclass
class Found:
    """Everything so far, by the name of its part; `calibrations` are those in force."""

    calibrations: Calibrations
    calibrated: dict[str, Calibrated] = field(default_factory=dict)
    measured: dict[str, Measured] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    """A sentence each."""

    def results(self, part: str) -> Results | None:
        """The moments of a part; None if it failed or was not asked for."""
        measured = self.measured.get(part)
        return None if measured is None else measured.results
