"""How well the moments of some clusters are known while a run goes on."""

from collections.abc import Sequence

from config.calibration import Calibrations
from daq.analysis.moments import analyse
from daq.analysis.results import ClusterResult, Results
from daq.record.blocks import ShotBlock, Step, TraceAxis
from daq.reduce.reducer import Reducer


class RunningErrors:
    """Reduces blocks as they come, and analyses a point when its error is asked for."""

    def __init__(self, axis: TraceAxis, element: str, clusters: Sequence[int], calibrations: Calibrations) -> None:
        self._reducer = Reducer(axis, element, clusters, calibrations)
        self._clusters, self._calibrations = tuple(clusters), calibrations

    def __call__(self, step: Step, block: ShotBlock) -> None:
        """Add a block; shots without beam tell nothing of a moment."""
        if not step.background:
            self._reducer.add(step, block)

    def results(self, point: int) -> Results:
        """What is known of the clusters at one point."""
        return analyse(self._reducer.profiles().at_point(point), self._calibrations)

    def error_uB(self, point: int) -> float | None:
        """The largest statistical standard error of the clusters' moments at one point; None while one cannot be told."""
        results = self.results(point)
        errors = [_error_uB(results.cluster(size)) for size in self._clusters]
        known = [error for error in errors if error is not None]
        return max(known) if len(known) == len(errors) else None


def _error_uB(cluster: ClusterResult) -> float | None:
    """Of the moment, or of the mean moment of one that has none; of one that is undecided nothing is known yet."""
    return cluster.mean_moment_error_uB if cluster.behaviour == "non-magnetic" else cluster.statistical_uB
