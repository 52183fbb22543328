"""How fast moments flip in flight, and which law of temperature they may follow.

An atomic-like cluster flips W t times on average while it passes the magnet in t = L/v; W is half of 1/τ, the rate at which it
comes to equilibrium.  The laws of the paper, each up to a factor, in which masses and speeds of sound stand:

    Orbach        1/τ ∝ exp(−Δ/k_B T)   by way of an excited state at Δ                 [paper, eq. 1]
    Raman         1/τ ∝ T⁹              two phonons, half-integer spin                  [paper, eq. 2]
    field         1/τ ∝ H² T⁷           the same where a field lifts the degeneracy     [paper]
    non-Kramers   1/τ ∝ T⁷              two phonons, integer spin                       [paper, eq. 3]

and a rate that depends on nothing, to see whether there is anything to explain.  The temperature of clusters is known to
±10 K, all of them alike (calibration `temperature`): it is free in each fit within that, so errors and χ² hold whatever it
truly is.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.stats import chi2 as chi2_law

from daq.analysis.calibrate.estimate import Estimate
from daq.analysis.pair import SAME_PRESSURE, SAME_TEMPERATURE_K
from daq.analysis.results import ClusterResult
from daq.analysis.runs import PointResults

Floats = NDArray[np.float64]
MAGNET_m, MAGNET_RELATIVE = 0.05, 0.2
"""Length of the field (40 to 70 mm derived, 50 mm assumed) and its relative uncertainty, which all rates share."""
EXCLUDED = 0.0027
"""Probability of a χ² as large, under which a law is excluded: three standard deviations."""
GAPS_K = np.geomspace(3.0, 3000.0, 40)
"""Where Δ/k_B is looked for.  An end stands for another law: constant, or nothing but at the highest temperature."""
COLDEST_K = 1.0
SINGULAR = 1e-6
"""Of a matrix of derivatives, relative: they are differences, good to some 1e-8."""
Shape = Callable[[Floats, Floats, float], Floats]


@dataclass(frozen=True)
class Rate:
    """Flips per second of one cluster at one temperature and field, with the statistical error."""

    temperature_K: float
    field_T: float
    rate_Hz: float
    error_Hz: float


@dataclass(frozen=True)
class Law:
    """`shape(T, B, Δ/k_B)` is proportional to the rate; Δ is a parameter where `has_gap`."""

    name: str
    formula: str
    shape: Shape
    has_gap: bool = False

    @property
    def parameters(self) -> int:
        """The factor, and Δ."""
        return 2 if self.has_gap else 1


LAWS = (
    Law("constant", "1/τ the same everywhere", lambda T, B, gap: np.ones_like(T)),
    Law("Orbach", "1/τ ∝ exp(−Δ/k_B T)", lambda T, B, gap: np.exp(-gap / T), has_gap=True),
    Law("Raman", "1/τ ∝ T⁹", lambda T, B, gap: T**9),
    Law("field", "1/τ ∝ H² T⁷", lambda T, B, gap: B**2 * T**7),
    Law("non-Kramers", "1/τ ∝ T⁷", lambda T, B, gap: T**7),
)


@dataclass(frozen=True)
class LawFit:
    """One law fitted to the rates of one cluster: `rate_Hz` at `reference_K` and `reference_T`, Δ/k_B as `gap_K`.

    Both are None where the data do not determine Δ: without a temperature more than the law has parameters, with the best Δ
    at an end of where it is looked for, or uncertain by all of that.  `temperature_shift_K` is what the clusters' temperature
    had to be changed by, within its uncertainty; it counts in χ².  `probability` of a χ² at least as large, None without a
    temperature more than the law has parameters.
    """

    law: Law
    reference_K: float
    reference_T: float
    rate_Hz: Estimate | None
    gap_K: Estimate | None
    temperature_shift_K: float
    chi2: float
    degrees_of_freedom: int
    probability: float | None

    @property
    def excluded(self) -> bool:
        """Whether the data exclude this law; never without a temperature to spare."""
        return self.probability is not None and self.probability < EXCLUDED


def rate_of(cluster: ClusterResult, temperature_K: float, field_T: float, velocity_m_s: float) -> Rate | None:
    """The rate from W t of an atomic-like cluster; None for what is none, or has no error.

    A cluster that flips so often that no two peaks are left is not atomic-like any more, so rates end near 2 per transit.
    """
    if cluster.behaviour != "atomic-like" or cluster.flips is None or not cluster.flips_error:
        return None
    per_transit_Hz = velocity_m_s / MAGNET_m
    return Rate(temperature_K, field_T, cluster.flips * per_transit_Hz, cluster.flips_error * per_transit_Hz)


@dataclass(frozen=True)
class Series:
    """Rates of one cluster at one helium pressure, by temperature."""

    element: str
    size: int
    pressure_bar: float
    rates: tuple[Rate, ...]


def series_of(points: Iterable[PointResults]) -> list[Series]:
    """Rates of all atomic-like clusters in the points of one run or several; pressures within a tenth are one.

    A lower pressure leaves clusters hotter than their source, so its rates belong to no temperature known.
    """
    found: dict[tuple[str, int], list[tuple[float, Rate]]] = {}
    for point in points:
        results = point.results
        if results.field_T is None or results.velocity_m_s is None or results.cluster_temperature_K is None:
            continue
        pressure_bar = float(np.mean([sums.step.helium_pressure_bar for sums in point.profiles.steps]))
        for cluster in results.clusters:
            rate = rate_of(cluster, results.cluster_temperature_K, results.field_T, results.velocity_m_s)
            if rate is not None:
                found.setdefault((results.element, cluster.size), []).append((pressure_bar, rate))
    return [
        Series(element, size, alike[0][0], tuple(sorted((rate for _, rate in alike), key=lambda rate: rate.temperature_K)))
        for (element, size), rates in sorted(found.items())
        for alike in _alike(sorted(rates, key=lambda one: one[0]))
    ]


def temperatures(rates: Sequence[Rate]) -> int:
    """How many different temperatures there are; what lies within `SAME_TEMPERATURE_K` is one."""
    sorted_K = np.sort([rate.temperature_K for rate in rates])
    return int(np.count_nonzero(np.diff(sorted_K) > SAME_TEMPERATURE_K)) + min(len(rates), 1)


def fit_law(law: Law, rates: Sequence[Rate], temperature_error_K: float) -> LawFit:
    """Least squares of one law through rates of one cluster, the clusters' temperature free within its error.

    `ValueError` for fewer temperatures than parameters.  The factor is linear, so Δ is looked for first on a grid.
    """
    different = temperatures(rates)
    if different < law.parameters:
        raise ValueError(f"{different} temperatures cannot hold the {law.parameters} parameters of the law {law.name}")
    T, B, rate, error = np.array([[one.temperature_K, one.field_T, one.rate_Hz, one.error_Hz] for one in rates]).T
    reference_K, reference_T = float(T.mean()), float(np.abs(B).mean())
    at = np.array([reference_K]), np.array([reference_T])

    def shape(gap_K: float, shift_K: float) -> Floats:
        here = law.shape(np.maximum(T + shift_K, COLDEST_K), np.abs(B), gap_K)
        return here / law.shape(np.maximum(at[0] + shift_K, COLDEST_K), at[1], gap_K)

    def residuals(x: Floats) -> Floats:
        factor, gap, shift = x[0], x[1] if law.has_gap else 0.0, x[-1]
        return np.append((factor * unit * shape(gap * reference_K, shift * temperature_error_K) - rate) / error, shift)

    unit = max(float(np.abs(rate).max()), float(error.min()))
    start = _start(law, shape, rate, error)
    gap = [start[1] / reference_K] if law.has_gap else []
    low = [-np.inf, *[0.0] * len(gap), -6.0]
    found = least_squares(residuals, [start[0] / unit, *gap, 0.0], bounds=(low, np.inf), x_scale="jac")
    errors = _errors(found.jac)
    spare = different > law.parameters
    chi2, freedom = 2 * float(found.cost), len(rates) - law.parameters
    factor_Hz, gap_K = float(found.x[0]) * unit, float(found.x[1]) * reference_K if law.has_gap else None
    determined = gap_K is None or (spare and _inside(start[1]) and _inside(gap_K) and errors[1] * reference_K < GAPS_K[-1])
    return LawFit(
        law,
        reference_K,
        reference_T,
        Estimate(factor_Hz, float(errors[0]) * unit, MAGNET_RELATIVE * abs(factor_Hz)) if determined else None,
        Estimate(gap_K, float(errors[1]) * reference_K) if determined and gap_K is not None else None,
        float(found.x[-1]) * temperature_error_K,
        chi2,
        freedom,
        float(chi2_law.sf(chi2, freedom)) if spare else None,
    )


def fit_laws(rates: Sequence[Rate], temperature_error_K: float) -> list[LawFit]:
    """All laws that have no more parameters than there are temperatures, the most probable first."""
    fits = [fit_law(law, rates, temperature_error_K) for law in LAWS if law.parameters <= temperatures(rates)]
    return sorted(fits, key=lambda fit: fit.chi2)


def verdict(fits: Sequence[LawFit]) -> str:
    """What the data say of the laws, in a sentence."""
    tested = [fit for fit in fits if fit.probability is not None]
    if not tested:
        return "one temperature does not tell laws from each other; measure at three or more"
    out = ", ".join(fit.law.name for fit in tested if fit.excluded)
    left = ", ".join(fit.law.name for fit in tested if not fit.excluded)
    untested = ", ".join(fit.law.name for fit in fits if fit.probability is None)
    more = f"; two temperatures do not test {untested}, measure at three or more" if untested else ""
    if not out:
        return f"no law is excluded: {left}{more}"
    if not left:
        return f"every law is excluded ({out}); do the points differ in more than temperature and field?{more}"
    return f"excluded: {out}; not excluded: {left}{more}"


def _alike(rates: list[tuple[float, Rate]]) -> list[list[tuple[float, Rate]]]:
    """Rates, by rising pressure, in groups of one pressure."""
    groups: list[list[tuple[float, Rate]]] = []
    for one in rates:
        if groups and one[0] <= (1 + SAME_PRESSURE) * groups[-1][0][0]:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _start(law: Law, shape: Callable[[float, float], Floats], rate: Floats, error: Floats) -> tuple[float, float]:
    """Factor and Δ/k_B in K of the best point of a grid over Δ."""
    best = (math.inf, 0.0, 0.0)
    for gap_K in GAPS_K if law.has_gap else (0.0,):
        weighted = shape(gap_K, 0.0) / error
        factor = float(weighted @ (rate / error) / (weighted @ weighted))
        chi2 = float((((rate / error) - factor * weighted) ** 2).sum())
        best = min(best, (chi2, factor, float(gap_K)))
    return best[1], best[2]


def _errors(jacobian: Floats) -> Floats:
    """Standard errors of the parameters; infinite, all of them, where the data do not know one."""
    # Each column over its own length, or the rank would depend on units.
    lengths = np.linalg.norm(jacobian, axis=0)
    scaled = jacobian / np.where(lengths > 0, lengths, 1.0)
    if np.linalg.matrix_rank(scaled, tol=SINGULAR) < len(lengths):
        return np.full(len(lengths), np.inf)
    _, singular, directions = np.linalg.svd(scaled, full_matrices=False)
    return np.asarray(np.linalg.norm(directions / singular[:, None], axis=0) / lengths)


def _inside(gap_K: float) -> bool:
    return bool(GAPS_K[0] < gap_K < GAPS_K[-1])
