"""Upper limits of moments at 95 % confidence, one-sided, for clusters that show no significant deflection."""

import math
from collections.abc import Callable

from scipy.optimize import brentq

from daq.analysis.counted import CountedFit
from daq.analysis.fit import Fit, JointFit
from daq.analysis.models import Conditions, blocked

ONE_SIDED_95 = 1.645
HIGHEST_uB = 100.0


def relaxing_limit_uB(
    mean_uB: float, error_uB: float, law: Callable[[float], float], scale: Callable[[float], float]
) -> float | None:
    """Largest moment whose thermal mean the data allow: mean found, or 0 if negative, plus 1.645 standard errors.

    `law` gives the thermal mean of a moment, `scale` the systematic error of that mean (temperature, field, C),
    added in quadrature. None if no moment up to 100 µB is excluded.
    """

    def excess(moment_uB: float) -> float:
        expected = law(moment_uB)
        return expected - max(mean_uB, 0.0) - ONE_SIDED_95 * math.hypot(error_uB, scale(moment_uB))

    if excess(HIGHEST_uB) < 0:
        return None
    return float(brentq(excess, 0.0, HIGHEST_uB, xtol=1e-4))


def blocked_limit_uB(fit: JointFit | CountedFit, at: Conditions, best: Fit, scale: float) -> float | None:
    """Largest moment of an unrelaxed doublet that the data allow: χ² above its least by 1.645².

    `best` is the free fit of that doublet, `scale` the relative systematic error of a splitting, added in quadrature.  None if
    no moment up to 8 µB is excluded.
    """

    def excess(moment_uB: float) -> float:
        return fit.fit(blocked(at, moment_uB=moment_uB, flips=0.0)).chi2 - best.chi2 - ONE_SIDED_95**2

    found = lower = best.value("moment_uB")
    upper = max(2 * lower, 0.05)
    while excess(upper) < 0:
        lower, upper = upper, 2 * upper
        if upper > 8.0:
            return None
    limit = float(brentq(excess, lower, upper, xtol=1e-3, rtol=1e-2))
    return found + math.hypot(limit - found, ONE_SIDED_95 * scale * limit)
