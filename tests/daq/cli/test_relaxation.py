"""`clusterbeam relaxation` as a user meets it: rates against temperature, laws, a sentence."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from daq.analysis.relaxation import MAGNET_m
from daq.cli.program import program
from simulators.world.beamline import Beamline
from simulators.world.truth import Cluster, Truth, read_truth
from tests.daq.analysis.calibrate.world import FULL_FIELD_A, Point, write_run
from tests.simulators.world.test_beamline import GOOD, timed

SHOTS = 150
VELOCITY_m_s = {25.0: 432.0, 40.0: 499.0, 60.0: 577.0}
"""By source temperature in K."""


def vanadium_11(flips: float) -> Truth:
    """V11 alone, with the two clusters beside it."""
    shipped = read_truth()
    kept = [cluster for cluster in shipped.cluster if cluster.element == "V" and cluster.size in (10, 12)]
    flipping = Cluster(element="V", size=11, behaviour="atomic-like", moment_uB=0.91, flips_per_transit=flips)
    return shipped.model_copy(update={"cluster": [*kept, flipping]})


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """At 25, 40 and 60 K, with flips that rise as T^4 does."""
    directory = tmp_path_factory.mktemp("runs")
    paths = []
    for source_K, velocity_m_s in VELOCITY_m_s.items():
        conditions = replace(GOOD, source_temperature_K=source_K, **timed(velocity_m_s))
        full = replace(conditions, magnet_current_A=FULL_FIELD_A)
        off = Point(SHOTS, 0.0, conditions, field_T=0.011, velocity_m_s=velocity_m_s)
        points = [off, replace(off, conditions=full, field_set_T=2.4, field_T=2.4)]
        beamline = Beamline(vanadium_11(0.1 * ((source_K + 24) / 49) ** 4), 3)
        paths.append(write_run(directory / f"{source_K:.0f}.h5", points, beamline, sizes=(10, 12)))
    return paths


def test_rates_and_laws_of_three_temperatures(runs: list[Path]) -> None:
    result = CliRunner().invoke(program, ["relaxation", *map(str, runs)])
    assert result.exit_code == 0, result.output
    for said in ("V11", "Orbach", "Raman", "non-Kramers", "excluded", "uncertain by ±10 K together"):
        assert said in result.output
    document = json.loads(CliRunner().invoke(program, ["relaxation", "--json", *map(str, runs)]).output)
    (cluster,) = document["clusters"]
    assert (cluster["element"], cluster["size"]) == ("V", 11)
    for rate, (source_K, velocity_m_s) in zip(cluster["rates"], VELOCITY_m_s.items(), strict=True):
        truth_Hz = 0.1 * ((source_K + 24) / 49) ** 4 * velocity_m_s / MAGNET_m
        assert rate["temperature_K"] == source_K + 20
        assert rate["rate_Hz"] == pytest.approx(truth_Hz, abs=4 * rate["error_Hz"])
    assert cluster["rates"][0]["error_Hz"] < 0.3 * 432.0 / MAGNET_m
    assert {law["law"] for law in cluster["laws"]} == {"constant", "Orbach", "Raman", "field", "non-Kramers"}
    assert cluster["verdict"] in result.output.replace("\n", " ")


def test_a_run_that_tells_nothing_says_so(runs: list[Path], tmp_path: Path) -> None:
    zero = write_run(tmp_path / "zero.h5", [Point(120)], Beamline(vanadium_11(0.1), 3), sizes=(10, 12))
    result = CliRunner().invoke(program, ["relaxation", str(zero)])
    assert result.exit_code == 1
    assert "no cluster is atomic-like" in result.stderr
    plain = CliRunner().invoke(program, ["relaxation", "--json", str(zero)])
    assert (plain.exit_code, json.loads(plain.stdout)["clusters"]) == (1, [])
    one = CliRunner().invoke(program, ["relaxation", str(runs[0])])
    assert "measure at three or more" in one.output


def test_a_gap_that_is_not_known_is_none_in_json_and_in_words(runs: list[Path]) -> None:
    two = [str(runs[0]), str(runs[1])]
    document = json.loads(CliRunner().invoke(program, ["relaxation", "--json", *two]).stdout)
    laws = {law["law"]: law for law in document["clusters"][0]["laws"]}
    assert (laws["Orbach"]["gap_K"], laws["Orbach"]["rate_Hz"]) == (None, None)
    assert laws["Raman"]["rate_Hz"]["statistical"] > 0
    assert "not determined" in CliRunner().invoke(program, ["relaxation", *two]).stdout
