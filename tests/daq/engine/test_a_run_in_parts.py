"""A run whose files are kept small goes on in the next one without losing a shot."""

from pathlib import Path

import pytest

from daq import Laboratory
from daq.analysis.follow import follow
from daq.engine.state import Ending
from daq.face.reduced import Moments, Published
from daq.record.series import Series
from daq.record.verify import verify, verify_plan
from tests.daq.cli.conftest import QUICK, SMALL, simulation


@pytest.mark.timeout(120)
def test_what_is_shown_and_what_is_recorded_is_one_run(tmp_path: Path) -> None:
    base, plan = tmp_path / "base.toml", tmp_path / "plan.toml"
    base.write_text(QUICK.replace("file_GB = 50.0", "file_GB = 0.003"))
    plan.write_text(SMALL)
    live: list[Published] = []
    with simulation(tmp_path, "--config", base, "--speed", 40, "--seed", 6) as found, Laboratory(found.config) as lab:
        checked = lab.plan(plan)
        summary = lab.run(checked, tmp_path / "runs", live=live.append)
    assert summary.ending is Ending.COMPLETE, summary.reason
    assert summary.path is not None
    assert "-part-" in summary.path.name
    with Series(summary.path) as series:
        assert len(series.parts) == len(list((tmp_path / "runs").glob("*.h5"))) > 2
        for part in series.parts:
            assert verify(part).complete, verify(part).faults
            assert part.snapshot("start")
        assert not verify_plan(series).faults
        assert sum(len(part.recorded) for part in series.parts) == checked.shots == summary.recorded
        first = series.parts[0].path
    assert isinstance(live[-1], Moments)
    assert live[-2:] == list(follow(first))[-2:] == list(follow(summary.path))[-2:]
