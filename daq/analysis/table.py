"""Results as rows of text, beside the paper's values."""

from daq.analysis.paper_table import paper_uB
from daq.analysis.results import ClusterResult, Results

HEADINGS = ("cluster", "behaviour", "µ / µB", "stat.", "syst.", "95 % below", "ions", "paper")
"""`stat.` and `syst.` are the two parts of the error that stands behind µ."""


def table(results: Results) -> list[tuple[str, ...]]:
    """One row per cluster, the columns of `HEADINGS`; a number that was not measured is an empty text."""
    return [_row(results.element, cluster) for cluster in results.clusters]


def _row(element: str, cluster: ClusterResult) -> tuple[str, ...]:
    return (
        f"{element}{cluster.size}",
        cluster.behaviour,
        _with_error(cluster.moment_uB, cluster.error_uB),
        _number(cluster.statistical_uB, 3),
        _number(cluster.systematic_uB, 3),
        _number(cluster.limit_uB, 2),
        "" if cluster.ions is None else f"{cluster.ions:,.0f}",
        paper_uB(element, cluster.size),
    )


def _number(value: float | None, places: int) -> str:
    return "" if value is None else f"{value:.{places}f}"


def _with_error(value: float | None, error: float | None) -> str:
    if value is None:
        return ""
    places = 2 if error is None or error >= 0.1 else 3
    return f"{value:.{places}f}" if error is None else f"{value:.{places}f} ± {error:.{places}f}"
