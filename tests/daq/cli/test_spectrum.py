"""`clusterbeam spectrum` as a user meets it, on a beam line that makes hydrides, oxides and doubly charged clusters."""

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from daq.cli.failures import FAILURES
from daq.cli.program import program
from simulators.world.beamline import Beamline
from simulators.world.truth import read_truth
from tests.daq.analysis.calibrate.world import FULL_FIELD_A, Point, replace, write_run
from tests.simulators.world.test_beamline import GOOD, timed

HYDRIDE, OXIDE, DIOXIDE, DOUBLY = 0.08, 0.12, 0.05, 0.06
BARE = 1 - HYDRIDE - OXIDE - DIOXIDE - DOUBLY


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two points of a scan, at 432 and 499 m/s."""
    truth = read_truth()
    shares = {"hydride_share": HYDRIDE, "oxide_share": OXIDE, "dioxide_share": DIOXIDE, "doubly_charged_share": DOUBLY}
    dirty = truth.model_copy(update={"machine": truth.machine.model_copy(update=shares)})
    path = tmp_path_factory.mktemp("runs") / "dirty.h5"
    fast = Point(200, conditions=replace(GOOD, **timed(499.0)), point=1, velocity_m_s=499.0)
    return write_run(path, [Point(200), fast], Beamline(dirty, 4), sizes=(2, 24))


def told(*arguments: object) -> str:
    result = CliRunner().invoke(program, ["spectrum", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.output


def test_peaks_come_with_names_and_shares(run: Path) -> None:
    document = json.loads(told(run, "--json"))
    peaks = {peak["name"]: peak for peak in document["peaks"]}
    for size in (16, 20, 24):  # doubly charged ones of twice the size are few here
        for name, share in ((f"V{size}H", HYDRIDE), (f"V{size}O", OXIDE), (f"V{size}O2", DIOXIDE)):
            assert peaks[name]["significant"]
            assert peaks[name]["share"] == pytest.approx(share / BARE, abs=4 * peaks[name]["share_error"] + 0.02 * share)
            assert peaks[name]["share_error"] < 0.3 * share
    doubly = peaks["V21²⁺"]["area"] / peaks["V21"]["area"]
    assert doubly == pytest.approx(DOUBLY / BARE, rel=0.2)
    assert peaks["V22²⁺"]["mass_u"] == peaks["V11"]["mass_u"]
    assert any(
        "as many V11H as V11 lie in its window, as if bent by 2.1 µB at 432 m/s" in said for said in document["contaminations"]
    )
    assert any("of its peak are V22²⁺" in said for said in document["contaminations"])


def test_the_same_as_a_table_as_columns_and_as_a_picture(run: Path, tmp_path: Path) -> None:
    picture = tmp_path / "spectrum.png"
    table = told(run, "--figure", picture)
    for said in ("V11H", "V11O2", "V23²⁺", "of its peak are V22²⁺"):
        assert said in table
    assert picture.stat().st_size > 10_000
    rows = list(csv.DictReader(io.StringIO(told(run, "--csv"))))
    assert {"name", "mass_u", "time_s", "area", "area_error", "share", "share_error"} <= set(rows[0])
    assert "V11 with one ⁵⁰V" in {row["name"] for row in rows}


def test_a_run_without_zero_field_says_so(tmp_path: Path) -> None:
    full = Point(4, 2.4, replace(GOOD, magnet_current_A=FULL_FIELD_A))
    path = write_run(tmp_path / "full.h5", [full], Beamline(read_truth(), 6))
    result = CliRunner().invoke(program, ["spectrum", str(path)])
    assert isinstance(result.exception, FAILURES)
    assert "shows no clusters: no shots at zero field were recorded" in str(result.exception)
