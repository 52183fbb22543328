"""Reduced in pieces by other processes, a run has the same bits."""

import json
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import resource_tracker
from pathlib import Path

import pytest
from distributed import LocalCluster

from daq.analysis import parallel
from daq.analysis.parallel import executor, reduce_on
from daq.analysis.runs import reduce_run
from daq.record.series import Series
from tests.daq.analysis.test_follow import run_file
from tests.daq.cli.test_damaged_files import clusterbeam
from tests.daq.record.test_parts import BURSTS, SHOTS, run
from tests.daq.reduce.sums import bits

__all__ = ["clusterbeam", "run_file"]


@pytest.fixture
def no_tracker_afterwards() -> Iterator[None]:
    """Python's own process beside those that it spawns would stay to the end of this one."""
    yield
    resource_tracker._resource_tracker._stop()  # type: ignore[attr-defined]


@pytest.mark.usefixtures("no_tracker_afterwards")
def test_pieces_in_other_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "PIECE_SHOTS", 7)
    newest = run(tmp_path / "run.h5", 1.0)
    told: list[int] = []
    with Series(newest) as series, ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        together = reduce_on(pool, series, told.append)
        alone = reduce_run(series)
    assert bits(together) == bits(alone)
    assert [sums.step for sums in together.steps] == [sums.step for sums in alone.steps]
    good = told[-1]
    assert sorted(told) == told
    assert 0 < good < BURSTS * SHOTS


def test_few_shots_are_reduced_here() -> None:
    with executor(100) as pool:
        assert pool is None
    with executor(10**6, jobs=1) as pool:
        assert pool is None


@pytest.mark.somebody_elses_client
@pytest.mark.timeout(120)
def test_a_dask_cluster(run_file: Path, clusterbeam: Callable[..., tuple[int, str, str]]) -> None:
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        with Series(run_file) as series, executor(1, scheduler=cluster.scheduler_address) as pool:
            assert pool is not None
            assert bits(reduce_on(pool, series)) == bits(reduce_run(series))
        here = clusterbeam("analyse", run_file, "--json")
        there = clusterbeam("analyse", run_file, "--json", "--scheduler", cluster.scheduler_address)
    assert here == there
    assert json.loads(here[1])["shots"]["recorded"] > 0


@pytest.mark.somebody_elses_client
def test_a_scheduler_that_does_not_answer_is_said(run_file: Path, clusterbeam: Callable[..., tuple[int, str, str]]) -> None:
    status, _, said = clusterbeam("analyse", run_file, "--scheduler", "nowhere at all")
    assert (status, said.count("\n")) == (2, 1)
    assert "no dask scheduler answers at nowhere at all" in said
