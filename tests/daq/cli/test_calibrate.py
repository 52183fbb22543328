"""`clusterbeam calibrate` as a user meets it: numbers, a new version of the calibrations, or one sentence."""

import math
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from config.calibration import Calibrations, Measured
from config.laboratory import read_laboratory
from config.model import read_model
from config.writing import write_toml
from daq.cli.failures import FAILURES
from daq.cli.program import program
from simulators.world.beamline import Beamline
from simulators.world.truth import read_truth
from tests.daq.analysis.calibrate.test_field import LOOP_A
from tests.daq.analysis.calibrate.world import FULL_FIELD_A, Point, replace, write_run
from tests.simulators.world.test_beamline import GOOD, MACHINE, timed

INSERTION_s = MACHINE.ionisation_insertion_s - 1.2e-6
"""How much later than programmed the light of the simulated laser comes."""


def refused(*arguments: object) -> str:
    """The sentence with which the command fails with status 1."""
    result = CliRunner().invoke(program, ["calibrate", *map(str, arguments)])
    assert isinstance(result.exception, FAILURES), result.output
    return str(result.exception)


def test_mass_from_a_run_of_the_beam_line(tmp_path: Path) -> None:
    run = write_run(tmp_path / "v.h5", [Point(100), Point(100)], Beamline(read_truth(), 5))
    into = tmp_path / "calibrations.toml"
    for version in ("2", "3"):
        result = CliRunner().invoke(program, ["calibrate", "mass", str(run), "--into", str(into)])
        assert result.exit_code == 0, result.output
        assert f"version {version} is in" in result.output
    assert "350 ± 2" in result.output, "the run file's own calibration stands beside it"
    new, before = read_model(into, Calibrations), read_model(tmp_path / "calibrations-version-2.toml", Calibrations)
    assert (new.version, before.version) == ("3", "2")
    assert "mass from v.h5" in new.made
    assert new.deflection == before.deflection
    t0, k = new.mass.t0_s, new.mass.k_s_per_sqrt_u
    assert t0.value == pytest.approx(MACHINE.t0_s + INSERTION_s, abs=3 * t0.uncertainty)
    assert k.value == pytest.approx(MACHINE.k_s_per_sqrt_u, abs=3 * k.uncertainty)


def test_a_run_without_what_is_needed_says_so(tmp_path: Path) -> None:
    beamline = Beamline(read_truth(), 6)
    full = Point(4, 2.4, replace(GOOD, magnet_current_A=FULL_FIELD_A))
    dark = replace(GOOD, ablation_armed=False)
    for name, points, element, said in (
        ("full", [full], "V", "no shots at zero field were recorded; fields here are [2.4] T"),
        ("short", [Point(4)], "V", "only 4 shots are usable"),
        ("dark", [Point(80, conditions=dark)], "V", "are not those of V clusters (0 fit); is another rod in the source?"),
    ):
        beamline.load_rod(element)
        sentence = refused("mass", write_run(tmp_path / f"{name}.h5", points, beamline))
        assert said in sentence
        assert "cannot give the mass calibration" in sentence
    assert "there is no file" in refused("mass", tmp_path / "none.h5")


def test_field_from_a_loop(tmp_path: Path) -> None:
    beamline = Beamline(read_truth(), 7)
    readings = [(float(current), beamline.field_T(0.0, current)) for current in 2 * LOOP_A]
    points = [
        Point(1, round(field_T, 3), field_T=field_T, set_points={"magnet.current_A": (current_A, current_A)})
        for current_A, field_T in readings
    ]
    run = write_run(tmp_path / "loop.h5", points, beamline, samples=1000)
    into = tmp_path / "calibrations.toml"
    result = CliRunner().invoke(program, ["calibrate", "field", str(run), "--into", str(into)])
    assert result.exit_code == 0, result.output
    assert "turns factor" in result.output
    field = read_model(into, Calibrations).field
    assert field.current_A[-1] == 205
    assert field.remanence_T.value == pytest.approx(MACHINE.remanence_T, abs=0.0003)
    up = write_run(tmp_path / "up.h5", points[:11], beamline, samples=1000)
    assert "only went up" in refused("field", up)
    assert "does not scan the current of the magnet" in refused("field", write_run(tmp_path / "v.h5", [Point(4)], beamline))


def test_chopper_needs_fields_and_velocities(tmp_path: Path) -> None:
    beamline = Beamline(read_truth(), 8)
    assert "only one field was recorded" in refused("chopper", write_run(tmp_path / "zero.h5", [Point(110)], beamline))
    full = replace(GOOD, magnet_current_A=FULL_FIELD_A)
    both = [Point(110), Point(110, 2.4, full, field_T=2.4)]
    run = write_run(tmp_path / "one.h5", both, beamline, sizes=(6, 12))
    assert "no cluster is split at two velocities" in refused("chopper", run)


@pytest.mark.parametrize("kind", ["chopper", "gradient"])
def test_runs_with_different_time_zeros_are_not_used_together(kind: str, tmp_path: Path) -> None:
    beamline, shipped = Beamline(read_truth(), 8), read_laboratory()[1]
    zero = {"time_zero_s": Measured(value=20e-6, uncertainty=5e-6)}
    moved = shipped.model_copy(update={"velocity": shipped.velocity.model_copy(update=zero)}).model_dump_json()
    before = write_run(tmp_path / "before.h5", [Point(4)], beamline)
    after = write_run(tmp_path / "after.h5", [Point(4)], beamline, calibrations_json=moved)
    sentence = refused(kind, before, after)
    assert "before.h5 and after.h5 were taken with different calibrations of velocity" in sentence


def test_position_from_a_scan_of_the_beam_line(tmp_path: Path) -> None:
    beamline = Beamline(read_truth(), 9)
    stage_mm = np.arange(4.2, 5.85, 0.2).tolist()
    points = [
        Point(45, conditions=replace(GOOD, focus_stage_m=1e-3 * place), set_points={"stage.axis1_position_mm": (place, place)})
        for place in [*stage_mm, *stage_mm[::-1]]
    ]
    run = write_run(tmp_path / "scan.h5", points, beamline, sizes=(5, 25))
    result = CliRunner().invoke(program, ["calibrate", "position", str(run), "--into", str(tmp_path / "calibrations.toml")])
    assert result.exit_code == 0, result.output
    assert "the beam's middle is where the stage stands at 5.0" in result.output
    s = read_model(tmp_path / "calibrations.toml", Calibrations).position.sensitivity_s_per_m
    assert s.value == pytest.approx(MACHINE.sensitivity_s_per_m, abs=2.5 * s.uncertainty)
    assert s.uncertainty < 0.04 * s.value
    no_scan = write_run(tmp_path / "v.h5", [Point(60)], beamline)
    assert "its plan does not scan the stage without field" in refused("position", no_scan)
    dark = [replace(point, shots=4, conditions=replace(point.conditions, ablation_armed=False)) for point in points]
    assert "the profiles are empty" in refused("position", write_run(tmp_path / "dark.h5", dark, beamline, sizes=(5, 25)))


def test_gradient_from_aluminium_in_the_beam_line(tmp_path: Path) -> None:
    beamline = Beamline(read_truth(), 10, "Al")
    shot = replace(GOOD, source_temperature_K=100.0, **timed(706.0))

    def scan(current_A: float, field_set_T: float, shots: int = 30) -> list[Point]:
        field_T = beamline.field_T(0.0, current_A)
        return [
            Point(
                shots,
                field_set_T,
                replace(shot, magnet_current_A=current_A, focus_stage_m=1e-3 * place),
                field_T=field_T,
                velocity_m_s=706.0,
                set_points={"stage.axis1_position_mm": (place, place)},
            )
            for place in np.arange(-1.5, 11.6, 0.4).tolist()
        ]

    points = [*scan(0.0, 0.0), *scan(FULL_FIELD_A, 2.4)]
    run = write_run(tmp_path / "al.h5", points, beamline, sizes=(1, 1), samples=10_000)
    into = tmp_path / "calibrations.toml"
    shipped = read_laboratory()[1]
    mine = shipped.deflection.model_copy(
        update={"relative_gradient_slope_per_m": -250.0, "C_T_m": Measured(value=33.0, uncertainty=0.001)}
    )
    write_toml(into, shipped.model_copy(update={"deflection": mine}).model_dump(exclude_none=True), "Mine.")
    result = CliRunner().invoke(program, ["calibrate", "gradient", str(run), "--into", str(into)])
    assert result.exit_code == 0, result.output
    assert "deflection.C_T_m was known better before: to ± 0.001" in result.output
    assert read_model(into, Calibrations).deflection.relative_gradient_slope_per_m == -250.0, "the file's own, not the run's"
    C = read_model(into, Calibrations).deflection.C_T_m
    assert C.value == pytest.approx(MACHINE.C_T_m, abs=2.5 * C.uncertainty)
    assert C.uncertainty < 0.02 * C.value
    half = write_run(tmp_path / "half.h5", points[:4], beamline, sizes=(1, 1), samples=10_000)
    assert "does not scan the stage at zero and at full field" in refused("gradient", half)
    few = [*scan(0.0, 0.0, 2), *scan(FULL_FIELD_A, 2.4, 2)]
    for name, other, said in (
        ("fields", {"field_T": 1.2}, "taken at 1.2 to 2.4"),
        ("velocities", {"velocity_m_s": 650.0}, "taken at 650 to 706 m/s; C holds for one velocity"),
        ("unread", {"field_T": math.nan}, "the field of some steps with field is not in the file"),
    ):
        mixed = write_run(tmp_path / f"{name}.h5", [*few, replace(few[-1], **other)], beamline, sizes=(1, 1), samples=10_000)
        assert said in refused("gradient", mixed)
    no_atoms = write_run(tmp_path / "no-atoms.h5", few, beamline, sizes=(3, 4), samples=20_000)
    assert "no-atoms.h5 holds no aluminium atoms" in refused("gradient", no_atoms)
    beamline.load_rod("V")
    assert "the rod was V; the moment of aluminium is known" in refused(
        "gradient", write_run(tmp_path / "v.h5", [Point(4)], beamline)
    )
