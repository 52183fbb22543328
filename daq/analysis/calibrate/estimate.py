"""A measured number with its errors, and the sentence when a run cannot give one."""

import math
from dataclasses import dataclass

from config.calibration import Measured


class CannotCalibrate(Exception):
    """The run does not hold what this calibration needs; says what is missing."""


@dataclass(frozen=True)
class Estimate:
    """A value with its standard errors, all in the unit of the name it stands under."""

    value: float
    statistical: float
    systematic: float = 0.0

    @property
    def error(self) -> float:
        """Both errors together."""
        return math.hypot(self.statistical, self.systematic)

    def measured(self) -> Measured:
        """As a calibration file keeps it."""
        return Measured(value=self.value, uncertainty=self.error)
