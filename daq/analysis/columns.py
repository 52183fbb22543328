"""Results as columns, one row per cluster and one number per cell, for programs that read CSV."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TextIO

from daq.analysis.results import ClusterResult, Results

IN_TWO = {
    "interval_68_uB": ("interval_68_low_uB", "interval_68_high_uB"),
    "interval_95_uB": ("interval_95_low_uB", "interval_95_high_uB"),
    "two_gaussians_uB": ("two_gaussians_uB", "two_gaussians_error_uB"),
    "three_gaussians_uB": ("three_gaussians_uB", "three_gaussians_error_uB"),
}
"""Columns of the numbers of a cluster that come in twos."""

Row = dict[str, Any]


def rows(found: Sequence[tuple[Mapping[str, Any], Results]]) -> list[Row]:
    """One row per cluster of all results, in front what each comes with (its run, say) and its element.

    Each part of the systematic error of any cluster is a column, `systematic_<part>_uB`.  What one of the results does not
    come with, or was not measured, is None.
    """
    front = list(dict.fromkeys(name for come_with, _ in found for name in come_with))
    clusters = [cluster for _, results in found for cluster in results.clusters]
    parts = list(dict.fromkeys(part for cluster in clusters for part in cluster.systematics_uB or ()))
    return [
        {**{name: come_with.get(name) for name in front}, "element": results.element, **dict(_cells(cluster, parts))}
        for come_with, results in found
        for cluster in results.clusters
    ]


def write(file: TextIO, rows: Sequence[Row]) -> None:
    """As comma-separated values, the columns of the first row as their heading."""
    writer = csv.DictWriter(file, fieldnames=list(rows[0]) if rows else [])
    writer.writeheader()
    writer.writerows(rows)


def _cells(cluster: ClusterResult, parts: Iterable[str]) -> Iterator[tuple[str, Any]]:
    for name, value in cluster.document().items():
        if name == "systematics_uB":
            yield from ((f"systematic_{part}_uB", (value or {}).get(part)) for part in parts)
        elif name in IN_TWO:
            yield from zip(IN_TWO[name], value or (None, None), strict=True)
        else:
            yield name, value
