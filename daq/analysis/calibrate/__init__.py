"""Calibrations made from recorded runs, each number with its errors."""

from daq.analysis.calibrate.estimate import CannotCalibrate, Estimate
from daq.analysis.calibrate.made import Made, Row
from daq.analysis.calibrate.runs import MAKERS

__all__ = ["MAKERS", "CannotCalibrate", "Estimate", "Made", "Row"]
