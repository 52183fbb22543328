"""Clusters that nobody has seen: any behaviour, moment and rate of flips, in machines that calibrations know only so well."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from config.calibration import Calibrations
from daq.analysis.judgement import Setting, judged
from daq.analysis.models import MOST_RELAXED
from daq.analysis.moments import all_fits
from daq.analysis.pair import joint_fit
from daq.analysis.results import ClusterResult
from daq.reproduce.truth import limit_uB
from tests.daq.analysis.beam import thermal
from tests.daq.analysis.campaign import BEAM, behaviour_of, counted_pair, drawn, window_of
from tests.daq.analysis.expected import Truth

SMALLEST, LARGEST = 3, 45
MOST_uB = 6.0
INSIDE_m = 8.5e-3
"""How far a cluster may be bent: 10 mm are ionised, and the beam is 1.3 mm wide to either side."""
FEWEST, MOST = 300.0, 20_000.0
"""Ions per field."""
SLOW, FAST = 0.02, 6.0
"""Flips per transit of those that flip."""
FLIPS_DRAWN = 200_000


@dataclass(frozen=True)
class Unseen:
    """One such cluster: what it is, its moment (of one behind a thermal mean), and what was found."""

    truth: Truth
    moment_uB: float
    found: ClusterResult

    @property
    def kind(self) -> str:
        """Where fewer than a tenth of the moments stay blocked, a cluster has lost the behaviour of an atom."""
        return "hardly blocked" if self.truth.flips > MOST_RELAXED else behaviour_of(self.truth)

    @property
    def verdict(self) -> str:
        """One of "right", "undecided", "wrong".  A moment too small to be told from none may be called none, within its limit.

        Hardly blocked ones are atomic-like, with a moment, or undecided.
        """
        found, truth = self.found.behaviour, behaviour_of(self.truth)
        if found == "undecided":
            return found
        small = 0 < self.moment_uB <= limit_uB(self.found, truth)
        return "right" if small or found == truth else "wrong"

    @property
    def pull(self) -> float | None:
        """Of a moment that was found."""
        if self.found.behaviour != behaviour_of(self.truth) or not self.found.error_uB or self.found.moment_uB is None:
            return None
        return (self.found.moment_uB - self.moment_uB) / self.found.error_uB

    def within(self, interval: tuple[float, float] | None) -> bool:
        return interval is not None and interval[0] <= self.moment_uB <= interval[1]


def unseen(count: int, calibrations: Calibrations, seed: int) -> Iterator[Unseen]:
    """So many, each measured once."""
    rng = np.random.default_rng(seed)
    setting = Setting(BEAM, 1.0, None, calibrations)
    for _ in range(count):
        truth, moment_uB = anything(rng)
        other = drawn(truth, moment_uB, calibrations, rng)
        window = window_of(truth, calibrations)
        cluster = counted_pair(other, other.rates(window.time_s), window, calibrations, rng)
        yield Unseen(truth, moment_uB, judged(all_fits(cluster, joint_fit(cluster, calibrations)), setting))


def anything(rng: np.random.Generator) -> tuple[Truth, float]:
    """A cluster, and its moment."""
    size = int(rng.integers(SMALLEST, LARGEST + 1))
    ions = float(np.exp(rng.uniform(np.log(FEWEST), np.log(MOST))))
    kind = rng.choice(["atomic-like", "superparamagnetic", "non-magnetic"])
    truth = Truth(size, kind == "atomic-like", 0.0, ions=ions, flips_drawn=FLIPS_DRAWN)
    if kind == "non-magnetic":
        return truth, 0.0
    moment_uB = float(rng.uniform(0.0, min(MOST_uB, INSIDE_m / truth.per_uB_m(BEAM.on_T))))
    if kind == "superparamagnetic":
        mean_uB = float(thermal(moment_uB)(rng, 1, BEAM.on_T)[0])
        return Truth(size, False, mean_uB, ions=ions), moment_uB
    flips = float(np.exp(rng.uniform(np.log(SLOW), np.log(FAST)))) if rng.random() < 0.5 else 0.0
    return Truth(size, True, moment_uB, flips, ions, flips_drawn=FLIPS_DRAWN), moment_uB
