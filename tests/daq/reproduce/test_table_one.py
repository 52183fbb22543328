"""Table I: the paper's columns as printed, and ours beside them."""

from dataclasses import replace

from daq.analysis.results import ClusterResult, Results
from daq.reproduce import table_one

OURS = Results(
    "V",
    (
        ClusterResult(3, "atomic-like", moment_uB=1.213, error_uB=0.012),
        ClusterResult(4, "non-magnetic", moment_uB=0.0, limit_uB=0.312),
        ClusterResult(6, "undecided", limit_uB=1.4),
        ClusterResult(15, "superparamagnetic", moment_uB=2.41, error_uB=0.33),
    ),
)


def test_ours_stands_beside_the_theories_and_the_paper_s() -> None:
    rows = {row[0]: dict(zip(table_one.HEADINGS, row, strict=True)) for row in table_one.rows(OURS)}
    assert list(rows) == ["2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "15"]
    assert (rows["3"]["16a"], rows["3"]["16b"], rows["3"]["17"], rows["3"]["the paper's"]) == ("3", "5", "1.8", "1.2")
    assert (rows["9"]["13"], rows["9"]["14 FM"], rows["9"]["14 AFM"], rows["9"]["15"]) == ("2.89", "0–4", "0–3", "3")
    assert [rows[n]["ours"] for n in ("2", "3", "4", "6", "15")] == ["", "1.213 ± 0.012", "0", "undecided", "2.41 ± 0.33"]
    assert [rows[n]["95 % below"] for n in ("3", "4", "6")] == ["", "0.31", "1.40"]


def test_without_a_run_the_paper_stands_alone() -> None:
    assert all(row[-2:] == ("", "") for row in table_one.rows(None))
    assert table_one.rows(replace(OURS, clusters=())) == table_one.rows(None)
