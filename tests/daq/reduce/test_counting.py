"""Ions drawn one by one, as pulses in noise, come back as counts: in their bins, and as many as there were."""

import numpy as np
import pytest

from daq.reduce.charge import Levels, levels
from daq.reduce.counting import MARGIN, added_samples, counted, pulses
from daq.reduce.profiles import Counts

NOISE, BASELINE, RMS_ns = 3.0, -500.3, 3.0 / 2.3548
KNOWN = 16 * BASELINE, 16 * NOISE
"""Levels in sixteenths of a code."""


def drawn(rng: np.random.Generator, shots: int, bins: int, interval_ns: float, per_bin: float) -> np.ndarray:
    """One window with its margins, codes int16[shots, 1, samples]: `per_bin` ions at random, all of them over the threshold."""
    per = round(6 / interval_ns)
    samples = (bins + sum(MARGIN)) * per
    shot = np.repeat(np.arange(shots), rng.poisson(per_bin * samples / per, shots))
    return ions_of(rng, shot, rng.uniform(0, samples, len(shot)), shots, samples, interval_ns, 60.0)


def ions_of(
    rng: np.random.Generator, shot: np.ndarray, at: np.ndarray, shots: int, samples: int, interval_ns: float, lowest: float
) -> np.ndarray:
    """Codes int16[shots, 1, samples] of ions whose pulses stand `at` a sample, with exponential heights from `lowest` on."""
    wave = rng.normal(BASELINE, NOISE, (shots, samples))
    height = lowest + rng.exponential(150.0, len(shot))
    for offset in range(-8, 9):
        sample = np.rint(at).astype(int) + offset
        inside = (sample >= 0) & (sample < samples)
        pulse = height * np.exp(-0.5 * ((sample - at) * interval_ns / RMS_ns) ** 2)
        np.add.at(wave, (shot[inside], sample[inside]), pulse[inside])
    return np.rint(wave).astype(np.int16)[:, None, :]


def seen(codes: np.ndarray, interval_ns: float) -> Counts:
    known = Levels(*(np.full(len(codes), round(value)) for value in KNOWN))
    found = pulses(codes, round(6 / interval_ns), known, added_samples(1e-9 * interval_ns))
    ions, live = counted(found)
    return Counts(ions[0], live[0])


@pytest.mark.parametrize("interval_ns", [1.0, 2.0])
@pytest.mark.parametrize("per_bin", [0.01, 0.05, 0.1, 0.3])
def test_as_many_ions_come_back_as_were_drawn(interval_ns: float, per_bin: float) -> None:
    rng, shots = np.random.default_rng(1), 6000
    counts = seen(drawn(rng, shots, 150, interval_ns, per_bin), interval_ns)
    together = Counts(*(np.array([total.sum()]) for total in (counts.ions, counts.live)))
    error = float(np.sqrt(together.variance[0]))
    assert together.rate[0] == pytest.approx(per_bin, abs=3 * error + 0.005 * per_bin)
    assert error < 0.012 * per_bin
    if per_bin > 0.03:
        assert counts.ions.sum() / (150 * shots) < per_bin * (1 - per_bin), "too few, were they not corrected for dead time"


def test_errors_are_as_wide_as_the_scatter_and_bins_are_independent() -> None:
    rng = np.random.default_rng(2)
    counts = [seen(drawn(rng, 400, 100, 2.0, 0.1), 2.0) for _ in range(30)]
    pulls = np.array([(one.rate - 0.1) / np.sqrt(one.variance) for one in counts])
    assert pulls.std() == pytest.approx(1.0, abs=0.06)
    neighbours = np.mean(pulls[:, 1:] * pulls[:, :-1])
    assert abs(neighbours) < 4 / np.sqrt(pulls.size)


@pytest.mark.parametrize(("interval_ns", "wrong"), [(1.0, 0.02), (2.0, 0.015)])
def test_an_ion_is_counted_in_the_bin_it_came_in(interval_ns: float, wrong: float) -> None:
    rng, shots, per = np.random.default_rng(3), 20_000, round(6 / interval_ns)
    at, height = rng.uniform(-0.5, 5 * per - 0.5, shots), rng.exponential(150.0, shots)
    sample = np.arange((5 + sum(MARGIN)) * per) - MARGIN[0] * per
    wave = height[:, None] * np.exp(-0.5 * ((sample - at[:, None]) * interval_ns / RMS_ns) ** 2)
    codes = np.rint(rng.normal(BASELINE, NOISE, wave.shape) + wave).astype(np.int16)[:, None, :]
    known = Levels(*(np.full(shots, round(value)) for value in KNOWN))
    found = pulses(codes, per, known, added_samples(1e-9 * interval_ns))[:, 0, 1:]
    alone = found.sum(axis=1) == 1
    in_bin = found[alone].argmax(axis=1) == np.floor((at[alone] + 0.5) / per)
    assert alone.mean() == pytest.approx(np.exp(-15 / 150), abs=0.04), "exponential heights over five times the noise"
    assert found.sum(axis=1).max() <= 2
    assert (~in_bin).mean() < wrong


def test_what_comes_after_a_pulse_is_dead_for_the_rest_of_its_bin_and_the_next_one() -> None:
    """Three samples a bin, two bins before the window and one after."""
    quiet = np.zeros((6, 1, 30), np.int16)
    for shot, samples in enumerate([(), (7,), (6, 8, 11, 14), (4,), (5, 9, 20), (0,)]):
        quiet[shot, 0, list(samples)] = 100
    ions, live = counted(pulses(quiet, 3, Levels(np.zeros(6, int), np.zeros(6, int)), 1))
    # Shot 2 keeps its bins 1 to 3 dead, though only its first pulse counts; 3 and 4 have one in the bin before the window.
    assert ions[0].tolist() == [2, 1, 0, 0, 1, 0, 0]
    assert live[0].tolist() == [4, 4, 4, 5, 6, 5, 6]


def test_every_shot_has_a_threshold_of_its_own() -> None:
    rng = np.random.default_rng(4)
    baseline, noise = np.repeat([-3000.0, 0.0, 1500.0], 200), np.tile([2.0, 3.0, 10.0], 200)
    traces = rng.normal(baseline[:, None], noise[:, None], (600, 4000))
    traces[:, 3000] = baseline + 8 * noise
    traces = np.rint(traces).astype(np.int16)
    measured = levels(traces[:, :2000])
    np.testing.assert_allclose(measured.baseline / 16, baseline, atol=1.0)
    np.testing.assert_allclose(measured.noise / 16, noise, rtol=0.12)
    ions, _ = counted(pulses(traces[:, None, 2500:3503], 3, measured, 1))
    middle = (3000 - 2500) // 3 - MARGIN[0]
    assert ions[0, middle] == 600, "eight times the noise is over every threshold"
    assert ions[0].sum() - 600 < 5, "and noise alone nearly never is"


def test_a_pulse_at_the_digitizers_limit_counts_once() -> None:
    codes = np.zeros((1, 1, 30), np.int16)
    codes[0, 0, 9:13] = [20_000, 32_767, 32_767, 9_000]
    ions, live = counted(pulses(codes, 3, Levels(np.zeros(1, int), np.zeros(1, int)), 1))
    assert (ions.tolist(), live.tolist()) == ([[0, 1, 0, 0, 0, 0, 0]], [[1, 1, 0, 1, 1, 1, 1]])


@pytest.mark.parametrize(("interval_s", "added"), [(6e-9, 1), (2e-9, 1), (1e-9, 3), (0.5e-9, 5), (0.25e-9, 11)])
def test_no_more_samples_are_added_than_a_pulse_is_long(interval_s: float, added: int) -> None:
    assert added_samples(interval_s) == added
    assert added * interval_s < 3.01e-9 or added == 1
