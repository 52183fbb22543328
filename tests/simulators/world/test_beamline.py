"""The simulated beam: what meets what, and physics that can be told from the traces alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from config.errors import ConfigurationError
from simulators.world.beamline import Beamline
from simulators.world.conditions import Capture, ShotConditions
from simulators.world.truth import NOZZLES, read_truth

VELOCITY = 432.0
OPENING_S = 300e-6 + 2e-3 + 0.9 / VELOCITY
IONISATION_S = OPENING_S + 1.68 / VELOCITY
GOOD = ShotConditions(
    t0_s=0.0,
    gas_valve_s=0.0,
    flash_lamp_s=119e-6,
    q_switch_s=299.8e-6,
    ionisation_s=IONISATION_S - 1.2e-6,
    digitizer_s=IONISATION_S,
    chopper_Hz=100.0,
    chopper_phase_deg=OPENING_S * 100 * 360 % 360,
    chopper_locked=True,
    lamp_voltage_V=1000.0,
    ablation_armed=True,
    ionisation_energy_mJ=150.0,
    source_temperature_K=25.0,
    helium_pressure_bar=6.0,
    magnet_current_A=0.0,
)
CAPTURE = Capture(channel=1, samples=45_000, interval_s=2e-9, start_s=0.0, volts_per_code=0.4 / 65536, offset_V=0.15)
MACHINE = read_truth().machine


def expose(shot: ShotConditions, shots: int = 150, seed: int = 3) -> NDArray[np.float64]:
    """The mean trace above its baseline."""
    beamline = Beamline(read_truth(), seed)
    traces = beamline.expose([shot] * shots, np.arange(shots), CAPTURE)
    return traces.mean(axis=0) - np.median(traces)


def moments_of(trace: NDArray[np.float64], size: int, half: int = 120) -> tuple[float, float, float]:
    """Area, mean and rms (ns) of a cluster's peak, within so many samples of its middle."""
    centre_s = MACHINE.t0_s + MACHINE.k_s_per_sqrt_u * np.sqrt(size * 50.94396)
    centre = round(centre_s / CAPTURE.interval_s)
    window = trace[centre - half : centre + half]
    time_ns = np.arange(-half, half) * CAPTURE.interval_s * 1e9
    area = window.sum()
    mean = (window * time_ns).sum() / area
    return area, mean, float(np.sqrt(max((window * (time_ns - mean) ** 2).sum() / area, 0.0)))


def test_a_run_repeats_however_its_shots_are_grouped() -> None:
    whole = Beamline(read_truth(), 11).expose([GOOD] * 12, np.arange(12), CAPTURE)
    beamline = Beamline(read_truth(), 11)
    parts = [beamline.expose([GOOD] * 4, np.arange(first, first + 4), CAPTURE) for first in (8, 0, 4)]
    np.testing.assert_array_equal(whole, np.concatenate([parts[1], parts[2], parts[0]]))
    other = Beamline(read_truth(), 12).expose([GOOD] * 12, np.arange(12), CAPTURE)
    assert (other != whole).any(axis=1).all()


def test_field_splits_v11_shifts_v13_and_leaves_v12() -> None:
    off, on = expose(GOOD), expose(replace(GOOD, magnet_current_A=201.5))
    v11, v12, v13 = ([moments_of(trace, size) for trace in (off, on)] for size in (11, 12, 13))
    assert v11[1][2] > 1.5 * v11[0][2]
    assert abs(v11[1][1] - v11[0][1]) < 3.0
    assert v12[1][1:] == pytest.approx(v12[0][1:], abs=0.1)
    assert 1.0 < v13[1][1] - v13[0][1] < 5.0
    assert v13[1][2] == pytest.approx(v13[0][2], rel=0.05)


def test_the_other_nozzle_relaxes_less_at_low_pressure_and_as_much_at_six_bar() -> None:
    # V3 is split so far that what arrives in the middle has relaxed.
    def relaxed(nozzle: str, pressure_bar: float) -> float:
        beamline = Beamline(read_truth(), 3)
        beamline.nozzle = nozzle
        shot = replace(GOOD, magnet_current_A=201.5, helium_pressure_bar=pressure_bar)
        mean = beamline.expose([shot] * 500, np.arange(500), CAPTURE).mean(axis=0)
        late = round((MACHINE.ionisation_insertion_s - 1.2e-6) / CAPTURE.interval_s)
        middle, whole = (moments_of(np.roll(mean - np.median(mean), -late), 3, half)[0] for half in (10, 60))
        return middle / whole

    (best, other), (best_6, other_6) = ([relaxed(nozzle, bar) for nozzle in NOZZLES] for bar in (2.0, 6.0))
    assert best_6 == other_6
    assert best_6 < 0.5 * other < 0.45 * best


def test_the_deflection_is_the_calibrated_one() -> None:
    # Two blocked peaks lie 2 d apart, d = moment * C / (m v^2); at this mass they stand clear of each other.
    trace = expose(replace(GOOD, magnet_current_A=201.5), shots=600)
    centre_s = MACHINE.t0_s + MACHINE.k_s_per_sqrt_u * np.sqrt(3 * 50.94396)
    centre = round((centre_s + 30e-9) / 2e-9)
    left, right = trace[centre - 60 : centre], trace[centre : centre + 60]
    ns = (np.arange(60) + 0.5) * 2
    split_ns = (right * ns).sum() / right.sum() + (left[::-1] * ns).sum() / left.sum()
    bohr, mass = 9.2740100783e-24, 3 * 50.94396 * 1.66053906660e-27
    deflection_mm = 1e3 * 1.2 * bohr * MACHINE.C_T_m / (mass * (VELOCITY / (1 + 4e-6 * VELOCITY / 1.68)) ** 2)
    sensitivity = MACHINE.sensitivity_s_per_m * 1e6 * np.sqrt(3 * 50.94396 / MACHINE.reference_mass_u)
    assert split_ns == pytest.approx(2 * deflection_mm * sensitivity, rel=0.03)


def test_a_narrow_focus_ionises_where_it_is() -> None:
    wide = expose(GOOD, 200)
    for away_mm in (-0.6, 0.0, 0.6):
        narrow = expose(replace(GOOD, focus_stage_m=MACHINE.focus_centre_m + away_mm * 1e-3), 300)
        narrow -= np.median(narrow)
        for size in (12, 20):
            moved_ns = moments_of(narrow, size, 60)[1] - moments_of(wide, size, 60)[1]
            s_ns_mm = MACHINE.sensitivity_s_per_m * 1e6 * np.sqrt(size * 50.94396 / MACHINE.reference_mass_u)
            assert moved_ns == pytest.approx(s_ns_mm * away_mm, abs=0.15 * s_ns_mm)
            assert 0.03 < moments_of(narrow, size, 60)[0] / moments_of(wide, size, 60)[0] < 0.3
    beside = expose(replace(GOOD, focus_stage_m=MACHINE.focus_centre_m + 3e-3), 50)
    centre = round((MACHINE.t0_s + MACHINE.k_s_per_sqrt_u * np.sqrt(12 * 50.94396)) / CAPTURE.interval_s)
    near = slice(centre - 60, centre + 60)
    assert abs((beside - np.median(beside))[near].sum()) < 0.02 * wide[near].sum()


def test_a_third_of_the_aluminium_is_excited_at_120_k() -> None:
    """At 96 K and 24 K above the source; their moments of 2/3 µB stand clear of 1/3 µB, those of 2 µB are out of reach."""
    beamline = Beamline(read_truth(), 5, "Al")
    capture = replace(CAPTURE, samples=8000)
    shot = replace(GOOD, source_temperature_K=96.0, magnet_current_A=201.5, **timed(706.0))
    signal = []
    for deflection_mm in (4.61, 9.2):
        at = replace(shot, focus_stage_m=MACHINE.focus_centre_m + deflection_mm * 1e-3)
        traces = beamline.expose([at] * 600, np.arange(600), capture)
        trace = traces.mean(axis=0) - np.median(traces)
        signal.append(trace[4900:5200].sum())
    # Half of a third stays in the two states that bend twice as far; the acceptance cuts that peak a little.
    assert 0.1 < signal[1] / signal[0] < 0.35


def timed(velocity: float) -> dict[str, float]:
    """The edges of a shot that selects this velocity."""
    opening_s = 300e-6 + 2e-3 + 0.9 / velocity
    ionisation_s = opening_s + 1.68 / velocity
    phase = opening_s * 100 * 360 % 360
    return {"ionisation_s": ionisation_s - 1.2e-6, "digitizer_s": ionisation_s, "chopper_phase_deg": phase}


@pytest.mark.parametrize(
    "wrong",
    [
        {"ablation_armed": False},
        {"ionisation_energy_mJ": 0.0},
        {"lamp_voltage_V": 700.0},
        {"gas_valve_s": None},
        {"q_switch_s": None},
        {"flash_lamp_s": 1e-6, "q_switch_s": 900e-6},
        {"ionisation_s": IONISATION_S + 2e-3, "digitizer_s": IONISATION_S + 2e-3},
        {"chopper_phase_deg": (OPENING_S * 100 * 360 + 130) % 360},
        {"helium_pressure_bar": 0.0},
    ],
)
def test_what_does_not_meet_gives_an_empty_spectrum(wrong: dict[str, object]) -> None:
    assert moments_of(expose(GOOD, 20), 12)[0] > 1000
    assert abs(moments_of(expose(replace(GOOD, **wrong), 20), 12)[0]) < 300


def test_warmer_source_faster_beam() -> None:
    cold, warm = expose(GOOD, 60), expose(replace(GOOD, source_temperature_K=100.0), 60)
    assert moments_of(warm, 12)[0] < 0.2 * moments_of(cold, 12)[0]


@settings(max_examples=30, deadline=None)
@given(current=st.floats(0, 250), later=st.floats(0, 250))
def test_the_magnet_remembers_and_rises(current: float, later: float) -> None:
    beamline = Beamline(read_truth(), 1)
    virgin = beamline.field_T(0.0, 0.0)
    beamline.field_T(0.0, current)
    assert 0 <= beamline.field_T(0.0, 0.0) - virgin <= MACHINE.remanence_T
    low, high = sorted((current, later))
    assert beamline.field_T(0.0, low) <= beamline.field_T(0.0, high) + MACHINE.remanence_T


def test_truth_is_replaced_in_part(tmp_path: Path) -> None:
    path = tmp_path / "truth.toml"
    path.write_text(
        '[machine]\nC_T_m = 30.0\n[[cluster]]\nelement = "V"\nsize = 11\nbehaviour = "superparamagnetic"\nmoment_uB = 4.0\n'
    )
    truth = read_truth(path)
    by_size = {cluster.size: cluster for cluster in truth.of("V")}
    assert truth.machine.C_T_m == 30.0
    assert truth.machine.t0_s == MACHINE.t0_s
    assert (by_size[11].behaviour, by_size[11].moment_uB) == ("superparamagnetic", 4.0)
    assert (by_size[12].behaviour, by_size[12].moment_uB) == ("non-magnetic", 0.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[machine]\nC_T = 30.0\n", "unknown key 'machine.C_T', did you mean 'C_T_m'"),
        ('[[cluster]]\nelement = "V"\nsize = 11\nbehaviour = "magnetic"\nmoment_uB = 4.0\n', "non-magnetic"),
        ('[[cluster]]\nelement = "V"\nsize = 11\nbehaviour = "atomic-like"\nmoment_uB = -1.0\n', "greater than or equal to 0"),
    ],
)
def test_a_wrong_truth_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "truth.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=said):
        read_truth(path)


def test_clusters_take_up_hydrogen_and_oxygen_and_lose_a_second_electron_when_told_to() -> None:
    truth = read_truth()
    shares = {"hydride_share": 0.2, "oxide_share": 0.2, "doubly_charged_share": 0.2}
    changed = truth.model_copy(update={"machine": truth.machine.model_copy(update=shares)})
    usual, other = (Beamline(one, 3).expose([GOOD] * 150, np.arange(150), CAPTURE).mean(axis=0) for one in (truth, changed))
    usual, other = usual - np.median(usual), other - np.median(other)

    def area(trace: NDArray[np.float64], mass_u: float) -> float:
        late_s = MACHINE.ionisation_insertion_s - 1.2e-6
        centre = round((MACHINE.t0_s + late_s + MACHINE.k_s_per_sqrt_u * np.sqrt(mass_u)) / CAPTURE.interval_s)
        return float(trace[centre - 14 : centre + 15].sum())

    atom_u = 50.94396
    v4 = area(usual, 4 * atom_u)
    for mass_u in (4 * atom_u + 1.00783, 4 * atom_u + 15.99491):
        assert area(other, mass_u) == pytest.approx(0.2 * v4, rel=0.25)
        assert abs(area(usual, mass_u)) < 0.03 * v4
    assert area(other, 7.5 * atom_u) == pytest.approx(0.2 * area(usual, 15 * atom_u), rel=0.25)
