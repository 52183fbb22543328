"""A whole run in which the chopper turns freely and triggers everything else."""

from pathlib import Path

import pytest

from daq import Laboratory
from daq.analysis.runs import analyse_run
from daq.engine.state import Ending
from daq.record.series import Series
from daq.record.verify import verify
from tests.daq.cli.conftest import QUICK, SMALL, simulation


@pytest.mark.timeout(120)
def test_clusters_are_found_where_the_time_line_says(tmp_path: Path) -> None:
    base, plan = tmp_path / "base.toml", tmp_path / "plan.toml"
    base.write_text(QUICK.replace("[timing]", '[timing]\nmaster = "chopper"', 1))
    plan.write_text(SMALL.replace("sizes = [2, 33]", "sizes = [8, 14]"))
    with simulation(tmp_path, "--config", base, "--speed", 40, "--seed", 5) as found, Laboratory(found.config) as lab:
        summary = lab.run(lab.plan(plan), tmp_path / "runs")
        source = lab.read("delay_generator.trigger_source")
    assert summary.ending is Ending.COMPLETE, summary.reason
    assert source == 5
    assert summary.path is not None
    with Series(summary.path) as series:
        assert verify(series.last).complete
        start = series.last.snapshot("start")
        (point,) = analyse_run(series)
    assert (start["delay_generator.trigger_source"], start["delay_generator.prescaler"]) == ("1", "5")
    assert start["chopper.source"] == "0"
    eleven = point.results.cluster(11)
    assert eleven.moment_uB == pytest.approx(0.91, abs=0.15)
