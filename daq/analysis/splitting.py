"""The moment of an atomic-like cluster, relaxation in flight allowed for: its estimate and its intervals.

Moment and flips W t are found together.  W t is not negative, but its estimate must be free to scatter about nothing: cut off
there, moments that do not relax come out too large.  So the density of projections is continued to negative W t
(`daq.analysis.thermal.telegraph`) where the moment is sought, and only there; what is reported of W t itself ends at nothing.

Where peaks are not resolved, more flips of a larger moment look like fewer of a smaller one: W t is hardly known, and a
negative one would take the moment below all that are possible.  There W t ends at nothing, and intervals hold too often.

Where the likelihood is no parabola, intervals end where χ², least over W t, has risen by the square of the standard errors.
They get longer by that, shorter only with counted ions whose W t is known: charge's weights come from its own scatter, and a
W t that ends at nothing makes one side seem sharper than repetitions are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from scipy.optimize import brentq

from daq.analysis.counted import CountedFit
from daq.analysis.fit import Fit, JointFit, Model
from daq.analysis.models import MOST_RELAXED, Conditions, LARGEST_uB, blocked

LEAST_FLIPS = -1.0
"""How far W t is continued: as many again stay blocked then as there are (assumed)."""
KNOWN = 0.3
"""Standard error of W t up to which it is continued (assumed)."""
PARABOLIC = 0.1
"""How far the end of an interval may be off, in parts of its length, before the likelihood is asked itself."""


@dataclass(frozen=True)
class Splitting:
    """The estimate, `fit`, made with W t from `least_flips` on, and what its intervals are found with."""

    data: JointFit | CountedFit
    at: Conditions
    fit: Fit
    least_flips: float

    @classmethod
    def of(cls, data: JointFit | CountedFit, at: Conditions, relaxed: Fit) -> "Splitting":
        """`relaxed` is the best fit with W t from nothing to `MOST_RELAXED`."""
        if relaxed.error("flips") > KNOWN:
            return cls(data, at, relaxed, 0.0)
        start = relaxed.value("moment_uB"), relaxed.value("flips")
        return cls(data, at, data.fit(_model(at, None, LEAST_FLIPS), start), LEAST_FLIPS)

    @property
    def moment_uB(self) -> float:
        return self.fit.value("moment_uB")

    def intervals_uB(self, errors: Sequence[float]) -> dict[float, tuple[float, float]]:
        """Between which moments it lies with so many standard errors, each."""
        low, high = (self._ends(errors, side * self.fit.error("moment_uB")) for side in (-1, 1))
        return dict(zip(errors, zip(low, high, strict=True), strict=True))

    def _ends(self, errors: Sequence[float], step_uB: float) -> list[float]:
        """On one side: standard errors if they hold for the farthest, else as the likelihood says."""

        @cache
        def risen(moment_uB: float) -> float:
            model = _model(self.at, moment_uB, self.least_flips)
            held = self.data.fit(model, (moment_uB, self.fit.value("flips")))
            return float(max(held.chi2 - self.fit.chi2, 0.0) ** 0.5)

        def found(farther: float) -> float:
            near, far = self.moment_uB, _possible(self.moment_uB + farther * step_uB)
            if risen(far) >= farther and not self._may_be_shorter:
                return far
            while risen(far) < farther:
                if far in (0.0, LARGEST_uB):
                    return far
                near, far = far, _possible(far + farther * step_uB)
            return float(brentq(lambda x: risen(x) - farther, near, far, xtol=PARABOLIC * abs(step_uB) / 2, rtol=1e-3))

        farthest = max(errors)
        beyond = risen(_possible(self.moment_uB + farthest * step_uB)) - farthest
        if abs(beyond) < PARABOLIC * farthest or (beyond > 0 and not self._may_be_shorter):
            return [_possible(self.moment_uB + one * step_uB) for one in errors]
        return [found(one) for one in errors]

    @property
    def _may_be_shorter(self) -> bool:
        return isinstance(self.data, CountedFit) and self.least_flips < 0


def _possible(moment_uB: float) -> float:
    return min(max(moment_uB, 0.0), LARGEST_uB)


def _model(at: Conditions, moment_uB: float | None, least_flips: float) -> Model:
    return blocked(at, moment_uB, most_flips=MOST_RELAXED, least_flips=least_flips)
