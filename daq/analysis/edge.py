"""What a moment owes to the place where the ionised region ends, in clusters that are bent so far that ions pass beside it."""

from config.calibration import Calibrations
from daq.analysis.fit import Fit, Model
from daq.analysis.pair import Pair, joint_fit
from daq.reduce.windows import ACCEPTANCE_m

UNCERTAIN_m = 0.2e-3
"""Standard uncertainty of that place (assumed)."""
FARTHEST_m = 3e-3
"""Of an ion from the middle of its peak, when that is bent as far as the edge [derived]: 2.8 mm."""


def edge_error_uB(cluster: Pair, calibrations: Calibrations, best: Fit, model: Model) -> float:
    """By how much the first parameter of a model, the moment that `best` has found for it, moves with that place; nothing
    where no ion reaches it."""
    parameters, name = list(best.values[-len(model.parameters) :]), model.parameters[0].name
    if abs(best.value(name)) * cluster.at.on_m_per_uB < ACCEPTANCE_m - FARTHEST_m:
        return 0.0
    elsewhere = (joint_fit(cluster, calibrations, ACCEPTANCE_m + by) for by in (-UNCERTAIN_m, UNCERTAIN_m))
    return max(abs(data.fit(model, parameters).value(name) - best.value(name)) for data in elsewhere)
