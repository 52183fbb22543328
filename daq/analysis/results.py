"""What an analysis says of each cluster, and the same as plain data."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

Behaviour = Literal["atomic-like", "superparamagnetic", "non-magnetic", "undecided"]
Signal = Literal["counted", "charge"]
PAIRS = ("interval_68_uB", "interval_95_uB", "two_gaussians_uB", "three_gaussians_uB")
"""Numbers of a cluster that come in twos."""


@dataclass(frozen=True)
class Curves:
    """Profiles and the fit that was chosen (`fine_uB`, `off_fit`, `on_fit`), to draw them: signal per shot at positions
    from the beam's middle over d(1 µB)."""

    projection_uB: NDArray[np.float64]
    off: NDArray[np.float64]
    on: NDArray[np.float64]
    off_error: NDArray[np.float64]
    on_error: NDArray[np.float64]
    fine_uB: NDArray[np.float64]
    off_fit: NDArray[np.float64]
    on_fit: NDArray[np.float64]
    drift_uB: float
    """The common drift at full field, to take off when both are drawn together."""


@dataclass(frozen=True)
class ClusterResult:
    """One cluster.  A number that could not be measured is None; moments are in µB, errors are standard errors.

    `moment_uB` is the moment of an atomic-like or superparamagnetic cluster, 0 for a non-magnetic one, None when
    undecided; `error_uB` its total error, `statistical_uB` and `systematic_uB` the parts of it, `systematics_uB`
    the latter by origin. `interval_68_uB` and `interval_95_uB` hold the moment with these probabilities, all errors
    together; those of a superparamagnetic one are wider upwards, of an atomic-like one whose peaks are not resolved on
    either side; `statistical_uB` then is the longer side. `limit_uB` is the 95 % upper limit of the moment of a
    non-magnetic or undecided cluster: the larger of the two below. `mean_moment_uB` is the shift of the profile's mean
    over d(1 µB), of either sign, with its statistical error. `flips` is W t of an atomic-like cluster, `unrelaxed_uB`
    what its moment would be if that were known to be nothing, with its statistical error.  `gaussian_uB` is what two
    Gaussians say of the splitting, or three (`gaussian_central_share` then is the middle one's part), as the paper fits;
    `two_gaussians_uB` and `three_gaussians_uB` are both, each with its error.  `signal` tells whether ions were counted
    or their charge integrated, `occupancy` how many came in a dead time at the maximum.  `significance` counts standard
    deviations from no deflection. `ions` were seen at both fields together.  `intensity_ratio` is signal at full over zero
    field, per shot.  `chi2` of counted ions is that of their likelihood.
    """

    size: int
    behaviour: Behaviour
    note: str = ""
    moment_uB: float | None = None
    error_uB: float | None = None
    statistical_uB: float | None = None
    systematic_uB: float | None = None
    systematics_uB: Mapping[str, float] | None = None
    interval_68_uB: tuple[float, float] | None = None
    interval_95_uB: tuple[float, float] | None = None
    limit_uB: float | None = None
    superparamagnetic_limit_uB: float | None = None
    atomic_limit_uB: float | None = None
    mean_moment_uB: float | None = None
    mean_moment_error_uB: float | None = None
    flips: float | None = None
    flips_error: float | None = None
    langevin_uB: float | None = None
    unrelaxed_uB: float | None = None
    unrelaxed_error_uB: float | None = None
    gaussian_uB: float | None = None
    gaussian_error_uB: float | None = None
    gaussian_central_share: float | None = None
    two_gaussians_uB: tuple[float, float] | None = None
    three_gaussians_uB: tuple[float, float] | None = None
    signal: Signal | None = None
    occupancy: float | None = None
    significance: float | None = None
    chi2: float | None = None
    degrees_of_freedom: int | None = None
    ions: float | None = None
    intensity_ratio: float | None = None
    curves: Curves | None = None

    def document(self) -> dict[str, Any]:
        """Plain data without the curves; a number that is not finite becomes None, as one not measured."""
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "curves"}
        return {name: _plain(value) for name, value in plain.items()}


@dataclass(frozen=True)
class Drift:
    """Common shift of flight times between the fields, in s per √u, from clusters that do not shift otherwise."""

    shift_s_per_sqrt_u: float
    error_s_per_sqrt_u: float
    references: tuple[int, ...]


@dataclass(frozen=True)
class Results:
    """Results by size, and the conditions they hold for.  `drift` is None where too few references agree to correct for one."""

    element: str
    clusters: tuple[ClusterResult, ...]
    field_T: float | None = None
    velocity_m_s: float | None = None
    cluster_temperature_K: float | None = None
    drift: Drift | None = None

    def cluster(self, size: int) -> ClusterResult:
        """The result of one size; `KeyError` if it was not analysed."""
        for result in self.clusters:
            if result.size == size:
                return result
        raise KeyError(f"{self.element}{size} was not analysed")

    def document(self) -> dict[str, Any]:
        """Ready for JSON: {"element", "field_T", …, "clusters": [{"size", "behaviour", "moment_uB", …}]}."""
        return {
            "element": self.element,
            "field_T": self.field_T,
            "velocity_m_s": self.velocity_m_s,
            "cluster_temperature_K": self.cluster_temperature_K,
            "drift": {k: _plain(v) for k, v in asdict(self.drift).items()} if self.drift else None,
            "clusters": [result.document() for result in self.clusters],
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """What a document says; curves are not in it."""
        conditions = {name: document[name] for name in ("element", "field_T", "velocity_m_s", "cluster_temperature_K")}
        drift = document["drift"] and Drift(**{**document["drift"], "references": tuple(document["drift"]["references"])})
        return cls(clusters=tuple(_cluster(one) for one in document["clusters"]), drift=drift, **conditions)


def _cluster(document: Mapping[str, Any]) -> ClusterResult:
    return ClusterResult(**{**document, **{name: document.get(name) and tuple(document[name]) for name in PAIRS}})


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value
