"""A real RunEngine drives the laboratory's quantities and takes bursts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.errors import ConfigurationError
from daq import Laboratory
from tests.daq.cli.conftest import SMALL, simulation

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.somebody_elses_client, pytest.mark.timeout(120)]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Laboratory]:
    (tmp_path / "small.toml").write_text(SMALL)
    with simulation(tmp_path, "--speed", 50) as found, Laboratory(found.config) as opened:
        yield opened


@pytest.fixture
def engine() -> Any:
    bluesky = pytest.importorskip("bluesky")
    return bluesky.RunEngine({}, context_managers=[])


def recorded(engine: Any, plan: Any) -> list[tuple[str, dict[str, Any]]]:
    documents: list[tuple[str, dict[str, Any]]] = []
    engine(plan, lambda name, document: documents.append((name, document)))
    return documents


def test_a_scan_moves_the_field_and_reads_the_probe(lab: Laboratory, engine: Any) -> None:
    from bluesky import plans
    from bluesky.protocols import Movable, Readable

    from daq.bluesky import quantity

    field, probe = quantity(lab, "magnet.field_T"), quantity(lab, "hall_probe.field_T")
    assert isinstance(field, Movable)
    assert isinstance(probe, Readable)
    assert not isinstance(probe, Movable)
    documents = recorded(engine, plans.scan([probe], field, 0.5, 1.5, 3))
    events = [document["data"] for name, document in documents if name == "event"]
    assert [event["hall_probe_field_T"] for event in events] == pytest.approx([0.5, 1.0, 1.5], abs=0.03)
    described = next(document for name, document in documents if name == "descriptor")
    assert described["data_keys"]["hall_probe_field_T"]["units"] == "T"
    assert documents[-1][1]["exit_status"] == "success"


def test_a_value_out_of_limits_fails_the_scan_and_nothing_moves(lab: Laboratory, engine: Any) -> None:
    from bluesky import plan_stubs
    from bluesky.utils import FailedStatus

    from daq.bluesky import quantity

    with pytest.raises(FailedStatus) as failed:
        engine(plan_stubs.mv(quantity(lab, "magnet.field_T"), 3.0))
    assert isinstance(failed.value.__cause__, ConfigurationError)
    assert lab.read("magnet.set_current_A") == 0


def test_bursts_are_triggered_and_counted(lab: Laboratory, engine: Any, tmp_path: Path) -> None:
    from bluesky import plans

    from daq.bluesky import Burst

    with lab.firing(lab.plan(tmp_path / "small.toml")) as beam:
        documents = recorded(engine, plans.count([Burst(beam, 20)], num=3))
    events = [document["data"] for name, document in documents if name == "event"]
    assert [event["burst_shots"] for event in events] == [20, 20, 20]
    assert all(event["burst_charge"] > 0 for event in events)
