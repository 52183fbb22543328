"""Table I with a column of ours."""

from daq.analysis.paper_table import TABLE_I, THEORIES
from daq.analysis.results import ClusterResult, Results
from daq.reproduce.words import with_error

HEADINGS = ("n", *THEORIES, "the paper's", "ours", "95 % below")


def rows(results: Results | None) -> list[tuple[str, ...]]:
    """One row per size of the paper's table, the columns of `HEADINGS`; ours is empty where nothing was measured."""
    found = {cluster.size: cluster for cluster in results.clusters} if results is not None else {}
    return [(str(size), *printed, *_ours(found.get(size))) for size, printed in TABLE_I.items()]


def _ours(cluster: ClusterResult | None) -> tuple[str, str]:
    if cluster is None:
        return "", ""
    limit = "" if cluster.limit_uB is None else f"{cluster.limit_uB:.2f}"
    if cluster.moment_uB is None:
        return "undecided", limit
    if cluster.error_uB is None:
        return "0", limit
    return with_error(cluster.moment_uB, cluster.error_uB), limit
