"""What is written: a page that needs nothing beside it, results for other programs, and what the truth says."""

import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray

from daq.reproduce.claims import CLAIMS, TA, V25
from daq.reproduce.figures import FIGURES
from daq.reproduce.found import Found
from daq.reproduce.report import report
from daq.reproduce.truth import Held, held_against
from simulators.world.truth import read_truth

INSERTION_s = 1.2e-6


class Balanced(HTMLParser):
    """Every element is closed by its own end."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def held(found: Found) -> Held:
    return held_against(found, read_truth().model_dump(), INSERTION_s)


@pytest.fixture(scope="module")
def directory(everything: Found, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place: Path = tmp_path_factory.mktemp("report")
    found = replace(everything, failures={"tantalum-100K": "the <laser> is broken"})
    report(found, held(found), place, {"seed": 3}, "Taken by nobody.")
    assert list(found.failures) == ["tantalum-100K"]
    return place


def test_the_page_holds_table_figures_claims_and_calibrations(directory: Path) -> None:
    text = (directory / "index.html").read_text()
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    assert text.count('src="data:image/svg+xml;base64,') == 5
    assert not re.search(r'(src|href)="(?!data:)', text), "nothing is fetched"
    headings = re.findall(r"<h2>(.+?)</h2>", text)
    assert headings == [
        "Table I", *(f"Figure {n}" for n in range(1, 6)), "Section II", "Calibrations",
        "Against the truth of the simulated machine", "Runs",
    ]  # fmt: skip
    assert all(claim.says in text.replace("&#x27;", "'") for claim in CLAIMS)
    assert "19.30 ± 0.14 ns/mm" in text
    assert "run-of-niobium-25K" in text
    assert "the &lt;laser&gt; is broken" in text
    assert "Taken by nobody." in text


def test_the_results_are_there_for_other_programs(directory: Path, everything: Found) -> None:
    document = json.loads((directory / "results" / "results.json").read_text())
    assert document["seed"] == 3
    assert document["failures"] == {"tantalum-100K": "the <laser> is broken"}
    assert len(document["claims"]) == len(CLAIMS)
    assert document["calibrations"]["position"]["rows"][0]["value"] == pytest.approx(19.3)
    v11 = next(one for one in document["measurements"][V25]["clusters"] if one["size"] == 11)
    assert v11["behaviour"] == "atomic-like"
    with (directory / "results" / "moments.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(len(one.results.clusters) for one in everything.measured.values())
    row = next(row for row in rows if (row["part"], row["size"]) == (V25, "11"))
    assert float(row["moment_uB"]) == v11["moment_uB"]
    assert (float(row["interval_68_low_uB"]), float(row["interval_68_high_uB"])) == tuple(v11["interval_68_uB"])


def test_a_measurement_is_a_dataset_with_its_profiles(directory: Path, everything: Found) -> None:
    with xarray.open_dataset(directory / "results" / f"{V25}.nc", engine="scipy") as data:
        v11 = data.sel(size=11)
        assert float(v11["moment_uB"]) == everything.measured[V25].results.cluster(11).moment_uB
        assert data["moment_uB"].attrs["units"] == "bohr_magneton"
        curves = everything.measured[V25].results.cluster(11).curves
        assert curves is not None
        np.testing.assert_array_equal(v11["on"].values[: len(curves.on)], curves.on)
        assert data.attrs["run"] == f"run-of-{V25}"
        assert list(data["behaviour"].values) == ["atomic-like", "atomic-like", "non-magnetic", "superparamagnetic"]


def test_a_figure_that_cannot_be_drawn_is_a_failure_and_one_without_a_run_is_left_out(
    everything: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(found: Found) -> Any:
        raise ValueError("no ink")

    monkeypatch.setattr("daq.reproduce.report.FIGURES", (replace(FIGURES[3], draw=broken), FIGURES[4]))
    some = replace(everything, measured={part: one for part, one in everything.measured.items() if part != TA}, failures={})
    written = report(some, None, tmp_path, {}, "")
    assert some.failures == {"figure-4": "no ink"}
    text = written.read_text()
    assert text.count("It was not drawn") == 5
    assert "Against the truth" not in text


def test_pulls_are_counted_against_the_truth(everything: Found) -> None:
    against = held(everything)
    pull = next(one for one in against.moments if (one.part, one.what) == (V25, "V11"))
    v11 = everything.measured[V25].results.cluster(11)
    assert v11.moment_uB is not None
    assert pull.value == pytest.approx((v11.moment_uB - 0.91) / (v11.error_uB or 0))
    assert {one.what for one in against.moments if one.part == V25} == {"V5", "V11", "V13"}, "nothing is said of V12"
    (s,) = against.calibrations
    assert s.truth == pytest.approx(19.26)
    assert against.largest == max(abs(one.value) for one in against.moments)
    # Nb11 was drawn as V11, Ta5 as V13, which is what they are; Nb7 is as well.
    assert against.wrong == ()


def test_a_wrong_behaviour_is_named(everything: Found) -> None:
    results = everything.measured[V25].results
    swapped = replace(results, clusters=tuple(replace(one, size=one.size + 1) for one in results.clusters))
    found = replace(everything, measured={V25: replace(everything.measured[V25], results=swapped)})
    assert f"{V25}: V6 is atomic-like, in truth non-magnetic, 0 µB" in held(found).wrong


def test_a_moment_within_the_limit_of_a_non_magnetic_cluster_is_not_wrong(everything: Found) -> None:
    measured = everything.measured[V25]
    # V11 has 0.91 µB, atomic-like: what is excluded of a superparamagnetic one is not about it.
    for limit_uB, wrong in ((1.0, 0), (0.5, 1)):
        bare = replace(
            measured.results.cluster(11),
            behaviour="non-magnetic",
            moment_uB=0.0,
            limit_uB=1.0,
            superparamagnetic_limit_uB=1.0,
            atomic_limit_uB=limit_uB,
        )
        found = replace(everything, measured={V25: replace(measured, results=replace(measured.results, clusters=(bare,)))})
        assert len(held(found).wrong) == wrong
