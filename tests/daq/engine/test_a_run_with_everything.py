"""A run with a photodiode, backgrounds, a scan of another quantity and a target: all of it stands in the file."""

import re
from pathlib import Path

import numpy as np
import pytest

from daq import Laboratory
from daq.analysis.follow import follow
from daq.analysis.runs import analyse_run
from daq.engine.state import Ending
from daq.face.reduced import Moments, Published, Reduced
from daq.record.series import Series
from daq.record.verify import verify, verify_plan
from tests.daq.cli.conftest import QUICK, SMALL, simulation

EARLY = "digitizer_early_s = 1e-6\n"
PHOTODIODE = "[photodiode]\nchannel = 2\nfull_scale_V = 1.0\noffset_V = 0.3\n\n"
SECTIONS = """
[[scan]]
values = { "ionisation_laser.preset_energy_mJ" = [150, 100] }

[background]
kinds = ["ablation blocked", "chopper closed"]
shots = 20

[stop]
standard_error_uB = 0.2
clusters = [11]
"""


@pytest.mark.timeout(120)
def test_it_all_stands_in_the_file(tmp_path: Path) -> None:
    base, plan = tmp_path / "base.toml", tmp_path / "plan.toml"
    text = QUICK.replace("source_residence_s", EARLY + "source_residence_s")
    base.write_text(text.replace("[timing]", PHOTODIODE + "[timing]", 1))
    many = (
        re.sub(r"cycles = 1", "cycles = 4", SMALL)
        .replace("shots_per_group = 80", "shots_per_group = 60")
        .replace("2, 33]", "8, 14]")
    )
    plan.write_text(many + SECTIONS)
    live: list[Published] = []
    with simulation(tmp_path, "--config", base, "--speed", 40, "--seed", 5) as found, Laboratory(found.config) as lab:
        summary = lab.run(lab.plan(plan), tmp_path / "runs", live=live.append)
    assert summary.ending is Ending.COMPLETE, summary.reason
    assert summary.path is not None
    with Series(summary.path) as series:
        run = series.last
        assert verify(run).complete
        assert not verify_plan(series).faults
        steps = run.steps
        assert {step.background for step in steps} == {"", "chopper closed", "ablation blocked"}
        assert [step.others["ionisation_laser.preset_energy_mJ"] for step in (steps[0], steps[-1])] == [150.0, 100.0]
        programmed = run.timing()["digitizer"][1]
        assert np.allclose(run.timing()["ionisation"][1] - programmed, 1e-6 - 1.2e-6)
        light = run.ionisation_s[run.recorded]
        assert np.isfinite(light).all()
        assert np.abs(light - light.mean()).max() < 20e-9
        assert run.snapshot("start")["ionisation_laser.preset_energy_mJ"] == "150"
        assert run.snapshot("end")["ionisation_laser.preset_energy_mJ"] == "100"
        dim = [run.traces[shot, 0].max() for shot in run.recorded if steps[run.shot_steps[shot]].background]
        bright = [run.traces[shot, 0].max() for shot in run.recorded if not steps[run.shot_steps[shot]].background]
        assert max(dim) < min(bright)
        points = analyse_run(series)
    assert [dict(point.conditions) for point in points] == [
        {"ionisation_laser.preset_energy_mJ": 150},
        {"ionisation_laser.preset_energy_mJ": 100},
    ]
    for point in points:
        eleven = point.results.cluster(11)
        assert eleven.statistical_uB is not None
        assert eleven.statistical_uB < 0.2
    # What was shown while the run went on is what a replay shows, to the last bit.
    replayed = list(follow(summary.path))
    assert live[-2:] == replayed[-2:]
    assert isinstance(live[-1], Moments)
    assert len(live[-1].points) == 2
    assert any(isinstance(one, Reduced) and 0 < one.shots < len(run.recorded) for one in live)
