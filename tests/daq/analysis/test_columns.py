"""What is read as CSV has a number in each cell, whatever kinds of cluster stand in it."""

import csv
import io

from daq.analysis import columns
from daq.analysis.results import PAIRS, ClusterResult, Results

SPLIT = ClusterResult(
    11,
    "atomic-like",
    moment_uB=0.91,
    systematics_uB={"gradient": 0.01, "velocity": 0.02},
    interval_68_uB=(0.9, 0.92),
    interval_95_uB=(0.89, 0.93),
    two_gaussians_uB=(0.88, 0.03),
)
SHIFTED = ClusterResult(13, "superparamagnetic", "warm", 2.7, systematics_uB={"gradient": 0.03, "drift": 0.1})
TAKEN = [
    ({"run_file": "a.h5", "point": 0}, Results("V", (SPLIT, SHIFTED))),
    ({"run_file": "b.h5", "point": 1, "velocity_m_s": 499.0}, Results("Nb", (ClusterResult(12, "undecided", "why, exactly"),))),
]


def test_all_runs_stand_under_one_heading_with_where_they_are_from() -> None:
    file = io.StringIO(newline="")
    columns.write(file, columns.rows(TAKEN))
    heading, *lines = csv.reader(io.StringIO(file.getvalue()))
    assert heading[:5] == ["run_file", "point", "velocity_m_s", "element", "size"]
    rows = [dict(zip(heading, line, strict=True)) for line in lines]
    assert [(row["run_file"], row["point"], row["velocity_m_s"], row["element"] + row["size"]) for row in rows] == [
        ("a.h5", "0", "", "V11"),
        ("a.h5", "0", "", "V13"),
        ("b.h5", "1", "499.0", "Nb12"),
    ]
    assert rows[2]["note"] == "why, exactly"
    assert not any(cell.startswith(("{", "[", "(")) for line in lines for cell in line)


def test_errors_by_origin_and_numbers_in_twos_have_columns_of_their_own() -> None:
    split, shifted, nothing = columns.rows(TAKEN)
    assert (split["systematic_gradient_uB"], split["systematic_velocity_uB"], split["systematic_drift_uB"]) == (
        0.01,
        0.02,
        None,
    )
    assert (shifted["systematic_gradient_uB"], shifted["systematic_drift_uB"]) == (0.03, 0.1)
    assert (split["interval_68_low_uB"], split["interval_68_high_uB"]) == (0.9, 0.92)
    assert (split["interval_95_low_uB"], split["interval_95_high_uB"]) == (0.89, 0.93)
    assert (split["two_gaussians_uB"], split["two_gaussians_error_uB"]) == (0.88, 0.03)
    assert split["three_gaussians_error_uB"] is None
    assert list(split) == list(shifted) == list(nothing)
    assert set(columns.IN_TWO) == set(PAIRS)
