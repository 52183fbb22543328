"""Numbers to physics: deflection models, moments with their errors, figures and tables."""

from daq.analysis.figure import moments_figure
from daq.analysis.moments import analyse
from daq.analysis.results import ClusterResult, Results
from daq.analysis.table import HEADINGS, table

__all__ = ["HEADINGS", "ClusterResult", "Results", "analyse", "moments_figure", "table"]
