"""Peaks of drawn spectra get their names, their shares within the errors, and a sentence where they contaminate a cluster."""

import json
import math

import numpy as np
import pytest

from config.calibration import Calibrations
from daq.analysis.contamination import contaminations
from daq.analysis.spectrum import MassSpectrum, NoSpectrum, label, mass_spectrum
from daq.analysis.spectrum_figure import spectrum_figure
from daq.reduce.profiles import Profiles, SpectrumSums
from tests.daq.analysis.calibrate.spectrometer import AXIS, VANADIUM, ATOM_u, Spectrometer, doubly_charged

SIZES = range(2, 31)
SEEDS = range(3)
SHARES = {"hydride": 0.1, "oxide": 0.3, "dioxide": 0.1, "doubly charged": 0.0}
TAKEN_UP_u = {"hydride": 1.00783, "oxide": 15.99491, "dioxide": 31.98983}


def compounds() -> dict[float, float]:
    """Ions by mass of each cluster's compounds, with none, one or two light atoms."""
    found = {}
    for size, ions in VANADIUM.items():
        for kind, more_u in TAKEN_UP_u.items():
            for light in range(3):
                share = math.comb(size, light) * 0.0025**light * 0.9975 ** (size - light)
                found[size * ATOM_u["V"] + more_u - 0.9968 * light] = SHARES[kind] * share * ions
    return found


def labelled(spectrometer: Spectrometer, seed: int, calibrations: Calibrations) -> MassSpectrum:
    return label(spectrometer.spectra(seed).mean, AXIS, "V", SIZES, calibrations)


@pytest.fixture(scope="module")
def clean(calibrations: Calibrations) -> list[MassSpectrum]:
    return [labelled(Spectrometer(), seed, calibrations) for seed in SEEDS[:2]]


@pytest.fixture(scope="module")
def rich(calibrations: Calibrations) -> list[MassSpectrum]:
    return [labelled(Spectrometer(extra=compounds()), seed, calibrations) for seed in SEEDS]


@pytest.fixture(scope="module")
def double(calibrations: Calibrations) -> MassSpectrum:
    return labelled(Spectrometer(extra=doubly_charged()), 1, calibrations)


def test_every_cluster_is_found_where_it_is_and_as_large(clean: list[MassSpectrum]) -> None:
    for spectrum in clean:
        bare = [line for line in spectrum.lines if line.kind == "bare"]
        assert [line.name for line in bare] == [f"V{size}" for size in SIZES]
        for line in bare:
            assert line.significant
            assert line.time_s == pytest.approx(0.3515e-6 + 1.84789e-6 * np.sqrt(line.size * ATOM_u["V"]), abs=0.6e-9)
            # 25 shots in each group, as many codes times samples to an ion.
            assert line.area.value == pytest.approx(4.0 * VANADIUM[line.size], abs=4 * line.area.error)
            assert line.area.error < 0.1 * line.area.value


def test_what_is_not_there_is_not_seen(clean: list[MassSpectrum]) -> None:
    others = [line for spectrum in clean for line in spectrum.lines if line.kind not in ("bare", "isotopologue")]
    assert len(others) > 200
    assert sum(line.significant for line in others) <= 1
    assert np.mean([abs(line.share.value) > 2 * line.share.error for line in others]) < 0.1


def test_shares_come_back_within_their_errors(rich: list[MassSpectrum]) -> None:
    for kind, share in SHARES.items():
        lines = [one for spectrum in rich for one in spectrum.lines if one.kind == kind and one.size >= 5]
        pulls = np.array([(line.share.value - share) / line.share.error for line in lines])
        assert len(pulls) >= 75
        assert np.mean(np.abs(pulls) < 2) > 0.87, kind
        assert abs(pulls.mean()) < 0.5, kind
        assert 0.4 < pulls.std() < 1.3, kind
        seen = np.mean([line.significant for line in lines if line.size < 20])
        assert seen == (0 if kind == "doubly charged" else 1)


def test_isotopologues_have_their_natural_share(clean: list[MassSpectrum]) -> None:
    light = clean[0].line("isotopologue", 28)
    assert light is not None
    assert light.name == "V28 with one ⁵⁰V"
    assert light.mass_u == pytest.approx(28 * ATOM_u["V"] - 0.9968, abs=1e-3)
    assert light.share.value == pytest.approx(28 * 0.0025 * 0.9975**27)


def test_an_element_of_one_isotope_has_its_clusters_too(calibrations: Calibrations) -> None:
    niobium = Spectrometer(dict.fromkeys(range(2, 19), 300.0), "Nb", extra={11 * ATOM_u["Nb"] + 1.00783: 60.0})
    spectrum = label(niobium.spectra(2).mean, AXIS, "Nb", range(3, 18), calibrations)
    assert {line.kind for line in spectrum.lines} == {"bare", "hydride", "oxide", "dioxide", "doubly charged"}
    assert [line.size for line in spectrum.lines if line.kind == "bare"] == list(range(3, 18))
    assert [line.name for line in spectrum.lines if line.kind != "bare" and line.significant] == ["Nb11H"]


def test_doubly_charged_clusters_are_seen_beside_and_inferred_under(double: MassSpectrum) -> None:
    for size in (9, 11, 15):
        beside = next(line for line in double.lines if line.name == f"V{2 * size + 1}²⁺")
        under = next(line for line in double.lines if line.name == f"V{2 * size}²⁺")
        for line in (beside, under):
            assert line.significant
            assert line.area.value == pytest.approx(4.0 * 50, abs=4 * line.area.error)
        assert under.share.value == pytest.approx(50 / (VANADIUM[size] + 50), abs=4 * under.share.error)


def test_a_contaminated_window_says_so(rich: list[MassSpectrum], calibrations: Calibrations) -> None:
    found = {(one.size, one.name): one for one in contaminations(rich[0], 432.0, 2.4, calibrations)}
    hydride = found[11, "V11H"]
    assert hydride.significant
    assert hydride.moment_uB == pytest.approx(2.1, abs=0.05)
    assert found[28, "V28H"].moment_uB == pytest.approx(hydride.moment_uB, rel=0.01), "the same at every mass"
    assert hydride.mean_uB == pytest.approx(2.1 / 11, rel=0.1)
    assert hydride.sentence == (
        f"{hydride.share.value:.1%} ± {hydride.share.error:.1%} as many V11H as V11 lie in its window, as if bent by 2.1 µB "
        f"at 432 m/s and 2.4 T; they move its mean by {hydride.mean_uB:.2f} µB"
    )
    assert found[11, "V22²⁺"].sentence == "", "there are none"


def test_a_clean_window_is_silent(clean: list[MassSpectrum], calibrations: Calibrations) -> None:
    assert [one.sentence for one in contaminations(clean[0], 432.0, 2.4, calibrations) if one.sentence] == []


def test_doubly_charged_clusters_look_like_relaxed_moments(double: MassSpectrum, calibrations: Calibrations) -> None:
    said = [one.sentence for one in contaminations(double, 432.0, 2.4, calibrations) if one.size == 11 and one.sentence]
    assert len(said) == 1
    assert "of its peak are V22²⁺, bent half as far: they look like relaxed moments" in said[0]


def test_a_spectrum_is_plain_data_and_a_picture(rich: list[MassSpectrum]) -> None:
    document = json.loads(json.dumps(rich[0].document()))
    assert {"name", "kind", "mass_u", "time_s", "area", "area_error", "share", "share_error", "significant"} <= set(document[0])
    assert [one["mass_u"] for one in document] == sorted(one["mass_u"] for one in document)
    figure = spectrum_figure(rich[0], "a run")
    named = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert {"V11", "V11H", "V11O", "V11O2"} <= set(named)


def test_a_spectrum_without_clusters_or_without_zero_field_is_refused(calibrations: Calibrations) -> None:
    noise = np.random.default_rng(1).normal(0, 0.2, AXIS.samples)
    with pytest.raises(NoSpectrum, match=r"only 0 clusters of V stand out .*; 3 are needed"):
        label(noise, AXIS, "V", SIZES, calibrations)
    full = SpectrumSums(10, np.zeros(AXIS.samples, np.int64), 0)
    with pytest.raises(NoSpectrum, match=r"no shots at zero field were recorded.*fields here are \[2\.4\] T"):
        mass_spectrum(Profiles(AXIS, "V", (), (), (), {2.4: full}), calibrations)
    with pytest.raises(NoSpectrum, match=r"fields here are \[\] T"):
        mass_spectrum(Profiles(AXIS, "V", (), (), (), {}), calibrations)
