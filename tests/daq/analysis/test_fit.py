"""Where a profile's middle is, and how wide it is, whatever its bins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daq.analysis.fit import core


@given(middle=st.floats(-0.5, 0.5), rms=st.floats(1.2, 4.0), height=st.floats(1e-3, 1e6))
def test_the_core_of_a_gaussian_lies_where_the_gaussian_does(middle: float, rms: float, height: float) -> None:
    bins = np.arange(-30.0, 31.0)
    found, variance = core(bins, height * np.exp(-((bins - middle) ** 2) / (2 * rms**2)))
    assert found == pytest.approx(middle, abs=0.03)
    assert np.sqrt(variance) == pytest.approx(rms, rel=0.04)
