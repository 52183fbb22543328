"""t0 and k come back within their errors, whatever else flies."""

from dataclasses import replace

import numpy as np
import pytest

from config.calibration import Calibrations, Measured
from daq.analysis.calibrate.estimate import CannotCalibrate
from daq.analysis.calibrate.mass import MassResult, calibrate_mass, find_peaks
from daq.analysis.calibrate.spectra import GROUPS, Spectra
from tests.daq.analysis.calibrate.spectrometer import AXIS, VANADIUM, Spectrometer, doubly_charged, with_hydrides_and_oxides

PLAIN = Spectrometer()


def calibrated(made: Spectrometer, seed: int, calibrations: Calibrations) -> MassResult:
    sizes = range(min(made.ions), max(made.ions) + 1)
    return calibrate_mass([find_peaks(made.spectra(seed), made.element, sizes, calibrations.mass)])


def off_at_2000_u(found: MassResult, made: Spectrometer) -> float:
    """Error in u of a mass near 2,000 u."""
    time = found.t0_s.value - made.t0_s + (found.k_s_per_sqrt_u.value - made.k) * np.sqrt(2000)
    return float(2 * np.sqrt(2000) * time / made.k)


def test_the_errors_cover_the_truth(calibrations: Calibrations) -> None:
    pulls = []
    for seed in range(25):
        found = calibrated(PLAIN, seed, calibrations)
        pulls.append(off_at_2000_u(found, PLAIN) / found.error_at_2000_u)
        pulls.append((found.t0_s.value - PLAIN.t0_s) / found.t0_s.error)
    assert abs(np.mean(pulls)) < 0.5
    assert 0.7 < np.std(pulls) < 1.3
    assert np.mean(np.abs(pulls) < 1.96) > 0.9


@pytest.mark.parametrize(
    "made",
    [
        PLAIN,
        replace(PLAIN, extra=with_hydrides_and_oxides()),
        replace(PLAIN, extra=doubly_charged()),
        replace(PLAIN, ions={n: ions for n, ions in VANADIUM.items() if n not in (2, 3, 9, 14, 15, 16, 30)}),
        replace(PLAIN, t0_s=0.55e-6, k=1.8479e-6 * 1.012),
        replace(PLAIN, t0_s=0.15e-6, k=1.8479e-6 * 0.988, extra=with_hydrides_and_oxides()),
        replace(PLAIN, drift=50e-6),
        Spectrometer(element="Nb", ions=dict.fromkeys(range(2, 20), 300.0)),
        replace(PLAIN, extra={600.0: 20_000.0, 713.3: 1_000.0, 1222.7: 1_500.0}),
    ],
    ids=["plain", "oxides", "doubly charged", "missing", "high", "low", "drifting", "niobium", "others"],
)
def test_a_mass_of_2000_u_is_known_to_a_twentieth(made: Spectrometer, calibrations: Calibrations) -> None:
    found = calibrated(made, 7, calibrations)
    assert abs(off_at_2000_u(found, made)) < 0.05
    assert abs(off_at_2000_u(found, made)) < 3.5 * found.error_at_2000_u


def test_a_drift_widens_the_errors(calibrations: Calibrations) -> None:
    still, drifting = (calibrated(replace(PLAIN, drift=d), 3, calibrations) for d in (0.0, 200e-6))
    assert drifting.k_s_per_sqrt_u.statistical > 2 * still.k_s_per_sqrt_u.statistical


def test_what_drifts_while_it_is_taken_is_an_error_of_k_alone(calibrations: Calibrations) -> None:
    taken = find_peaks(PLAIN.spectra(3), PLAIN.element, PLAIN.ions, calibrations.mass)
    at_once, in_an_hour = calibrate_mass([taken]), calibrate_mass([taken], lasted_s=3600.0)
    k, before = in_an_hour.k_s_per_sqrt_u, at_once.k_s_per_sqrt_u
    assert k.systematic == pytest.approx(np.hypot(before.systematic, 25e-6 * k.value))
    assert in_an_hour.t0_s == at_once.t0_s
    assert in_an_hour.error_at_2000_u == pytest.approx(2 * 25e-6 * 2000, rel=0.1)


def test_two_elements_make_one_line(calibrations: Calibrations) -> None:
    niobium = Spectrometer(element="Nb", ions=dict.fromkeys(range(2, 20), 300.0))
    both = [find_peaks(one.spectra(5), one.element, one.ions, calibrations.mass) for one in (PLAIN, niobium)]
    found, alone = calibrate_mass(both), calibrate_mass(both[:1])
    assert {"V11", "Nb11"} <= set(found.used)
    assert abs(off_at_2000_u(found, PLAIN)) < 3 * found.error_at_2000_u
    assert found.error_at_2000_u < alone.error_at_2000_u


def test_the_calibration_goes_into_its_file_form(calibrations: Calibrations) -> None:
    found = calibrated(PLAIN, 1, calibrations)
    assert found.calibration().t0_s == Measured(value=found.t0_s.value, uncertainty=found.t0_s.error)


def flat(seed: int = 0) -> Spectra:
    return Spectra(AXIS, np.full(GROUPS, 25), np.random.default_rng(seed).normal(0, 0.4, (GROUPS, AXIS.samples)))


@pytest.mark.parametrize(
    ("spectra", "element", "said"),
    [
        (flat(), "V", "not those of V"),
        (Spectra(AXIS, np.full(GROUPS, 25), np.zeros((GROUPS, AXIS.samples))), "V", "empty"),
        (PLAIN.spectra(1), "Nb", "not those of Nb clusters"),
        (Spectrometer(element="Nb", ions=dict.fromkeys(range(2, 20), 300.0)).spectra(1), "V", "not those of V clusters"),
        (replace(PLAIN, ions={11: 1000.0, 12: 900.0}).spectra(1), "V", "not those of V clusters"),
    ],
)
def test_what_is_no_ladder_is_refused(spectra: Spectra, element: str, said: str, calibrations: Calibrations) -> None:
    with pytest.raises(CannotCalibrate, match=said):
        find_peaks(spectra, element, range(2, 34), calibrations.mass)
