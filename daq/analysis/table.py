"""Results as rows of text, beside the paper's values."""

from collections.abc import Mapping

from daq.analysis.paper_table import paper_uB
from daq.analysis.results import ClusterResult, Results
from daq.plan.plan import SetPoint

HEADINGS = ("cluster", "behaviour", "µ / µB", "stat.", "syst.", "95 % below", "ions", "paper")
"""`stat.` and `syst.` are the two parts of the error that stands behind µ."""


def described(conditions: Mapping[str, SetPoint]) -> str:
    """The conditions of a point of several, as `source_temperature_K = 25, velocity_m_s = 432`."""
    return ", ".join(
        f"{name} = {value}" if isinstance(value, str) else f"{name} = {value:g}" for name, value in conditions.items()
    )


def notes(results: Results) -> list[tuple[str, str]]:
    """What is to be said of clusters beside their numbers: which, and the sentence; each sentence once."""
    names: dict[str, list[str]] = {}
    for cluster in results.clusters:
        if cluster.note:
            names.setdefault(cluster.note, []).append(f"{results.element}{cluster.size}")
    return [(", ".join(alike), note) for note, alike in names.items()]


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
