"""What was found against what a simulated machine carries: pulls, in units of the errors that were stated.

No measurement knows the truth; this is a check of the program, and stands apart from the comparison with the paper.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from config.calibration import Calibrations
from daq.analysis.results import ClusterResult
from daq.conversions.flight_time import mass_at_time_u
from daq.reproduce.found import Found

CHECKED_u = 2000.0
TELLING = ("atomic-like", "superparamagnetic")


@dataclass(frozen=True)
class Pull:
    """One number: `found` with its total error, and the truth."""

    part: str
    what: str
    found: float
    error: float
    truth: float

    @property
    def value(self) -> float:
        return (self.found - self.truth) / self.error


@dataclass(frozen=True)
class Held:
    """Pulls of moments and calibrations, and what was decided otherwise than the truth is, a sentence each."""

    moments: tuple[Pull, ...]
    calibrations: tuple[Pull, ...]
    wrong: tuple[str, ...]

    @property
    def rms(self) -> float:
        """Of the moments' pulls; not a number without any."""
        return math.sqrt(sum(p.value**2 for p in self.moments) / len(self.moments)) if self.moments else math.nan

    @property
    def largest(self) -> float:
        return max((abs(p.value) for p in self.moments), default=math.nan)


def held_against(found: Found, truth: Mapping[str, Any], insertion_s: float) -> Held:
    """`truth` as the simulated machine tells it; `insertion_s` is what the laboratory believes of the ionisation laser's delay:
    by what it is wrong, all flight times are shifted.  A moment within the limit of a non-magnetic one is not wrong."""
    clusters = {(row["element"], row["size"]): row for row in truth["cluster"]}
    moments, wrong = [], []
    for name, measured in found.measured.items():
        for cluster in measured.results.clusters:
            true = clusters.get((measured.results.element, cluster.size))
            if true is None or cluster.behaviour == "undecided":
                continue
            label = f"{measured.results.element}{cluster.size}"
            if 0 < true["moment_uB"] <= limit_uB(cluster, true["behaviour"]):
                continue
            if cluster.behaviour != true["behaviour"]:
                wrong.append(f"{name}: {label} is {cluster.behaviour}, in truth {true['behaviour']}, {true['moment_uB']:g} µB")
            elif cluster.behaviour in TELLING and cluster.moment_uB and cluster.error_uB:
                moments.append(Pull(name, label, cluster.moment_uB, cluster.error_uB, true["moment_uB"]))
    return Held(tuple(moments), tuple(_calibrations(found, truth["machine"], insertion_s)), tuple(wrong))


def limit_uB(cluster: ClusterResult, behaviour: str) -> float:
    """Below what a moment of this behaviour lies by what was found, if that is non-magnetic; else nothing."""
    limits = {"superparamagnetic": cluster.superparamagnetic_limit_uB, "atomic-like": cluster.atomic_limit_uB}
    return (limits.get(behaviour) or 0.0) if cluster.behaviour == "non-magnetic" else 0.0


def _calibrations(found: Found, machine: Mapping[str, Any], insertion_s: float) -> list[Pull]:
    in_force = found.calibrations
    pulls = []
    if "mass" in found.calibrated:
        late_s = machine["ionisation_insertion_s"] - insertion_s
        time_s = machine["t0_s"] + late_s + machine["k_s_per_sqrt_u"] * math.sqrt(CHECKED_u)
        pulls.append(
            Pull("mass", "mass near 2000 u", mass_at_time_u(time_s, in_force.mass), _mass_error_u(in_force), CHECKED_u)
        )
    if "position" in found.calibrated:
        s = in_force.position.sensitivity_s_per_m
        pulls.append(Pull("position", "s, ns/mm", 1e6 * s.value, 1e6 * s.uncertainty, 1e6 * machine["sensitivity_s_per_m"]))
    if "gradient" in found.calibrated:
        C, scale = (
            found.calibrated["gradient"].made.rows[0].estimate,
            machine["calibration_field_T"] / in_force.deflection.field_T,
        )
        pulls.append(
            Pull(
                "gradient",
                f"C at {machine['calibration_field_T']:g} T, T·m",
                C.value * scale,
                C.error * scale,
                machine["C_T_m"],
            )
        )
    if "chopper" in found.calibrated:
        zero = found.calibrated["chopper"].made.rows[0].estimate
        pulls.append(Pull("chopper", "time zero, µs", 1e6 * zero.value, 1e6 * zero.error, 1e6 * machine["chopper_time_zero_s"]))
    if "field" in found.calibrated:
        left = in_force.field.remanence_T
        pulls.append(Pull("field", "remanence, mT", 1e3 * left.value, 1e3 * left.uncertainty, 1e3 * machine["remanence_T"]))
    return pulls


def _mass_error_u(calibrations: Calibrations) -> float:
    """Of a mass near 2000 u, t0 and k taken for independent: what the file keeps of them."""
    mass, root = calibrations.mass, math.sqrt(CHECKED_u)
    error_s = math.hypot(mass.t0_s.uncertainty, root * mass.k_s_per_sqrt_u.uncertainty)
    return 2 * root * error_s / mass.k_s_per_sqrt_u.value
