import io

import matplotlib as mpl
import pytest

from config.calibration import Calibrations
from config.laboratory import read_laboratory
from daq.analysis.figure import moments_figure, shown
from daq.analysis.moments import analyse
from daq.analysis.paper_table import paper_uB
from daq.analysis.results import Results
from daq.analysis.table import HEADINGS, table
from daq.reduce import Profiles
from tests.daq.analysis.beam import Beam, charge_profiles, magnetic, none, thermal


@pytest.fixture(scope="module")
def run() -> tuple[Results, Profiles]:
    calibrations = read_laboratory()[1]
    beam = Beam({9: magnetic(0.83), 12: none, 14: none, 15: thermal(2.4)}, {9: 20.0, 12: 20.0, 14: 20.0, 15: 20.0})
    profiles = charge_profiles(beam, 400, calibrations, 1)
    return analyse(profiles, calibrations), profiles


def test_the_table_stands_beside_the_paper(run: tuple[Results, Profiles]) -> None:
    rows = table(run[0])
    assert [row[0] for row in rows] == ["V9", "V12", "V14", "V15"]
    assert all(len(row) == len(HEADINGS) for row in rows)
    assert [row[HEADINGS.index("paper")] for row in rows] == ["0.83", "", "", "2.4"]
    assert paper_uB("Al", 1) == ""


def test_the_figure_shows_the_nearest_of_each_kind(run: tuple[Results, Profiles]) -> None:
    sizes = [cluster.size if cluster else None for cluster in shown(run[0].clusters)]
    assert sizes == [9, 12, 15]


def test_the_figure_is_drawn_without_a_window_or_global_state(run: tuple[Results, Profiles]) -> None:
    before = dict(mpl.rcParams)
    figure = moments_figure(*run, "night run 7")
    file = io.BytesIO()
    figure.savefig(file, format="png")
    assert file.getvalue().startswith(b"\x89PNG")
    assert len(file.getvalue()) > 30_000
    assert dict(mpl.rcParams) == before
    assert any("night run 7" in text.get_text() for text in figure.texts)
    assert len(figure.axes) == 4


def test_a_run_without_results_still_makes_a_figure(calibrations: Calibrations) -> None:
    profiles = charge_profiles(Beam({12: none}, {12: 20.0}), 200, calibrations, 1, (0.0,))
    results = analyse(profiles, calibrations)
    assert shown(results.clusters) == [None, None, None]
    assert len(moments_figure(results, profiles, "one field").axes) == 4
