"""Parts are taken in turn, found again, and do not fall with each other."""

from dataclasses import replace
from pathlib import Path

import pytest

from config.calibration import Calibrations
from config.model import read_model
from daq.analysis.calibrate import Estimate, Made, Row
from daq.reproduce import course
from daq.reproduce.course import Stopped, go_through
from daq.reproduce.found import Found
from daq.reproduce.parts import CALIBRATIONS, MEASUREMENTS, Part
from tests.daq.reproduce.taken import Taker

MASS = replace(CALIBRATIONS[0], changes={"interleave": {"shots_per_group": 80}})
CHOPPER = replace(CALIBRATIONS[3], changes={"interleave": {"shots_per_group": 30, "cycles": 1}, "scan": []})
COLD = replace(MEASUREMENTS[0], changes={"sizes": [9, 13], "interleave": {"shots_per_group": 60, "cycles": 1}})
WARM = replace(COLD, name="warm", title="Warm")


def go(directory: Path, parts: list[Part], taker: Taker) -> tuple[Found, list[str]]:
    said: list[str] = []
    return go_through(parts, directory, taker, said.append), said


def test_runs_use_the_calibrations_made_before_them_and_are_not_taken_twice(tmp_path: Path) -> None:
    taker = Taker()
    found, said = go(tmp_path, [MASS, COLD], taker)
    assert said == ["Mass calibration: 80 shots", "Vanadium at 25 K, 6 bar: 240 shots"]
    assert found.calibrations.version == "2"
    assert found.calibrations.made == "mass from mass-1"
    assert read_model(tmp_path / "calibrations.toml", Calibrations) == found.calibrations
    measured = found.measured["vanadium-25K"]
    assert measured.shots == {0.0: 120, 2.4: 120}
    assert measured.results.cluster(11).moment_uB == pytest.approx(0.91, abs=0.2)
    again, said = go(tmp_path, [MASS, COLD], taker)
    assert taker.taken == ["mass", "vanadium-25K"], "nothing is taken again"
    assert said == ["Mass calibration: mass-1.h5 is there", "Vanadium at 25 K, 6 bar: vanadium-25K-2.h5 is there"]
    assert again.calibrations == found.calibrations
    assert again.measured["vanadium-25K"].results.document() == measured.results.document()


def test_a_run_of_another_plan_or_with_other_calibrations_is_taken_again(tmp_path: Path) -> None:
    taker = Taker()
    go(tmp_path, [COLD], taker)
    longer = replace(COLD, changes={**COLD.changes, "interleave": {"shots_per_group": 61, "cycles": 1}})
    go(tmp_path, [longer], taker)
    go(tmp_path, [MASS, longer], taker)
    assert taker.taken == ["vanadium-25K", "vanadium-25K", "mass", "vanadium-25K"]


def test_a_failed_part_is_said_and_the_rest_goes_on(tmp_path: Path) -> None:
    taker = Taker(broken={"mass", "warm"})
    found, said = go(tmp_path, [MASS, WARM, CHOPPER, COLD], taker)
    assert found.failures["mass"] == found.failures["warm"] == "the laser is broken"
    assert "no cluster is split at two velocities" in found.failures["chopper"]
    assert next(line for line in said if "FAILED" in line) == "Mass calibration: FAILED: the laser is broken"
    assert list(found.measured) == ["vanadium-25K"]
    assert found.calibrations.version == "1", "what failed changes no calibration"
    taker.broken.clear()
    found, _ = go(tmp_path, [WARM, COLD], taker)
    assert not found.failures
    assert taker.taken == ["mass", "warm", "chopper", "vanadium-25K", "warm"], "only what failed is taken again"


def test_a_stop_ends_everything(tmp_path: Path) -> None:
    def stopped(part: Part, plan: Path, calibrations: Path, directory: Path) -> Path:
        raise Stopped("Ctrl-C")

    with pytest.raises(Stopped, match="Ctrl-C"):
        go_through([MASS, COLD], tmp_path, stopped, lambda text: None)


def test_a_calibration_that_knows_less_is_not_put_in_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def made(error: float) -> Made:
        found = Found(read_model(tmp_path / "calibrations.toml", Calibrations))
        old = found.calibrations.mass
        return Made([Row("t0", "ns", Estimate(1e-6, error), old.t0_s)], [], {"mass": {"t0_s": measured}})

    measured = Estimate(1e-6, 1e-9).measured()
    for error, version in ((3e-9, "1"), (1e-9, "2")):
        monkeypatch.setitem(course.MAKERS, "mass", lambda runs, error=error: made(error))  # type: ignore[misc]
        found, _ = go(tmp_path, [MASS], Taker())
        assert found.calibrations.version == version
        assert bool(found.calibrated["mass"].kept) == (version == "1")
    assert found.calibrations.mass.t0_s == measured
