"""Numbers to physics: deflection models, moments with their errors, figures and tables."""

from daq.analysis.moments import analyse
from daq.analysis.results import ClusterResult, Results

__all__ = ["ClusterResult", "Results", "analyse"]
