"""Whoever watches a run may fail as they like: it goes on, and whoever else is told still is."""

from types import SimpleNamespace
from typing import Any, NoReturn, cast

import pytest

from daq import Laboratory
from daq.engine.clock import Clock
from daq.engine.logbook import Logbook
from daq.engine.state import Progress, State


@pytest.mark.parametrize("kind", [RuntimeError, SystemExit, BrokenPipeError])
def test_a_watcher_that_fails_keeps_no_run_from_its_next_state(kind: type[BaseException]) -> None:
    def fails(progress: Progress) -> NoReturn:
        raise kind("nobody reads any more")

    logbook = Logbook(10, 1.0, Clock(1.0), fails)
    logbook.report(State.PREPARING, "preparing")
    logbook.report(State.FINISHING, "bringing the machine to rest")
    assert logbook.state is State.FINISHING


def test_a_watcher_that_fails_is_not_asked_again_and_notifications_go_on() -> None:
    told: list[Progress] = []
    asked: list[Progress] = []

    def fails(progress: Progress) -> NoReturn:
        asked.append(progress)
        raise RuntimeError("a fault of the script")

    laboratory = Laboratory.__new__(Laboratory)
    laboratory.vigil = cast(Any, SimpleNamespace(progress=told.append))
    logbook = Logbook(10, 1.0, Clock(1.0), laboratory._watching(fails))
    logbook.report(State.PREPARING, "preparing")
    logbook.report(State.FINISHING, "bringing the machine to rest")
    logbook.report(State.FAULT, "the magnet is lost")
    assert [progress.state for progress in told] == [State.PREPARING, State.FINISHING, State.FAULT]
    assert len(asked) == 1
