"""How clusters and numbers are named, alike in table, claims and page."""

import math
from collections.abc import Collection

from daq.analysis.results import ClusterResult, Results


def with_error(value: float, error: float) -> str:
    """Both to two digits of the error."""
    places = decimals(error)
    return f"{value:.{places}f} ± {error:.{places}f}"


def decimals(error: float) -> int:
    """So many show two digits of an error."""
    return max(1 - math.floor(math.log10(error)), 0) if error > 0 else 3


def names(results: Results, clusters: Collection[ClusterResult]) -> str:
    return ", ".join(f"{results.element}{cluster.size}" for cluster in clusters) or "none"


def found_of(cluster: ClusterResult) -> str:
    """Its moment, or what is known instead."""
    if cluster.moment_uB and cluster.error_uB:
        return f"{with_error(cluster.moment_uB, cluster.error_uB)} µB"
    below = "" if cluster.limit_uB is None else f", below {cluster.limit_uB:.2g} µB"
    return f"{cluster.behaviour}{below}"
