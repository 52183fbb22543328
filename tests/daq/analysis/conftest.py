import pytest

from config.calibration import Calibrations
from config.laboratory import read_laboratory


@pytest.fixture(scope="session")
def calibrations() -> Calibrations:
    return read_laboratory()[1]
