"""Clusters that nobody has seen: the short form of `benchmarks/moments.py unseen`."""

from dataclasses import replace

import numpy as np
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from config.calibration import Calibrations
from daq.analysis.judgement import Setting, judged
from daq.analysis.moments import all_fits
from daq.analysis.pair import joint_fit
from daq.analysis.results import ClusterResult
from tests.daq.analysis.campaign import BEAM, Refused, counted_pair, window_of
from tests.daq.analysis.expected import Truth
from tests.daq.analysis.unseen import unseen


def expected(truth: Truth, calibrations: Calibrations) -> ClusterResult:
    """What is said of a cluster that gives exactly the ions it should."""
    window = window_of(truth, calibrations)
    cluster = counted_pair(truth, truth.rates(window.time_s), window, calibrations, None)
    return judged(all_fits(cluster, joint_fit(cluster, calibrations)), Setting(BEAM, 1.0, None, calibrations))


def test_whatever_comes_is_right_or_undecided_and_within_its_errors(calibrations: Calibrations) -> None:
    ones = list(unseen(40, calibrations, 4))
    assert not [one for one in ones if one.verdict == "wrong"]
    assert sum(one.verdict == "right" for one in ones) > 15
    assert all(abs(one.pull) < 4.5 for one in ones if one.pull is not None)


def test_a_large_moment_that_flips_is_no_shift_although_two_peaks_fit_worse_than_one(calibrations: Calibrations) -> None:
    found = expected(Truth(17, True, 5.2, flips=1.4, ions=3000.0, flips_drawn=200_000), calibrations)
    assert found.behaviour == "atomic-like"
    assert found.moment_uB is not None
    assert found.error_uB is not None
    assert abs(found.moment_uB - 5.2) < 0.3 * found.error_uB


def test_where_hardly_a_moment_stays_blocked_neither_law_is_believed(calibrations: Calibrations) -> None:
    found = expected(Truth(27, True, 4.3, flips=4.0, ions=3000.0, flips_drawn=200_000), calibrations)
    assert (found.behaviour, found.moment_uB) == ("undecided", None)
    assert found.note.startswith("between atomic-like and superparamagnetic: 4.3 µB as an atom's that flips W t = 4.0 times, 8")
    assert found.note.endswith("µB as one that relaxed; colder or faster clusters decide")


def test_what_is_read_at_a_bound_of_the_search_is_told_as_such(calibrations: Calibrations) -> None:
    found = expected(Truth(27, True, 6.0, flips=12.0, ions=20_000.0, flips_drawn=200_000), calibrations)
    assert found.behaviour == "undecided"
    assert "flips W t = 6.0 or more times" in found.note


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    size=st.integers(3, 40),
    bend_mm=st.floats(0.0, 8.0),
    ions=st.floats(500.0, 5000.0),
    background=st.floats(0.0, 0.5),
)
def test_any_ions_over_any_background_give_numbers(
    seed: int, size: int, bend_mm: float, ions: float, background: float, calibrations: Calibrations
) -> None:
    bare = Truth(size, True, 1.0, ions=ions, background=background)
    truth = replace(bare, moment_uB=1e-3 * bend_mm / bare.per_uB_m(2.4))
    window, rng = window_of(truth, calibrations), np.random.default_rng(seed)
    try:
        cluster = counted_pair(truth, truth.rates(window.time_s), window, calibrations, rng)
    except Refused:
        reject()
    fits = all_fits(cluster, joint_fit(cluster, calibrations))
    assert np.isfinite([fit.chi2 for fit in (fits.none, fits.shift, fits.doublet, fits.relaxed_doublet)]).all()
