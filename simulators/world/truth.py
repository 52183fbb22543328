"""The truth of a simulated beam line: what its clusters are and what its machine is."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from config.model import Model, check_model, read_toml

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
SHIPPED = Path(__file__).with_name("truth.toml")
Share = Annotated[float, Field(ge=0, le=0.25)]
HIGHEST_MOMENT_UB = 100.0
NOZZLES = ("optimised", "other")
"""Shapes of the source's nozzle: the one that thermalises best, and the paper's other one."""

MASSES_U = {"V": 50.94396, "Nb": 92.90637, "Ta": 180.94800, "Al": 26.98154}
"""Main isotopologues (physics sheet)."""
HYDROGEN_U, OXYGEN_U = 1.00783, 15.99491
LIGHT_ISOTOPE = {"V": (0.0025, -0.99679)}
"""Share of the lighter isotope and its mass difference in u: 50V."""


class Cluster(Model):
    """One cluster size: how its moment behaves in the magnet."""

    element: Literal["V", "Nb", "Ta", "Al"]
    size: Annotated[int, Field(ge=1, le=200)]
    behaviour: Literal["non-magnetic", "atomic-like", "superparamagnetic"]
    moment_uB: Annotated[float, Field(ge=0, le=HIGHEST_MOMENT_UB)]
    flips_per_transit: NotNegative | None = None
    abundance: NotNegative | None = None
    """Relative to the most abundant cluster; by default from the mass distribution."""
    excited_K: NotNegative | None = None
    """Energy over k_B of a thermally populated level J = 3/2 above this J = 1/2, with moments ±2 and ±6 times as large."""


class Machine(Model):
    """The true machine; `truth.toml` describes each number."""

    t0_s: NotNegative
    k_s_per_sqrt_u: Positive
    reference_mass_u: Positive
    sensitivity_s_per_m: Positive
    curvature_s_per_m2: float
    hv_drift_ppm_per_hour: float
    C_T_m: Positive
    calibration_field_T: Positive
    gradient_slope_per_m: float
    field_slope_per_m: float
    magnet_length_m: Positive
    magnet_to_ionisation_m: Positive
    slit_to_magnet_m: Positive
    skimmer_to_slit_m: Positive
    skimmer_diameter_m: Positive
    slit_width_m: Positive
    acceptance_m: Positive
    focus_width_m: Positive
    focus_centre_m: float
    field_current_A: list[float]
    field_T: list[float]
    remanence_T: NotNegative
    cluster_excess_K: NotNegative
    beam_excess_K: NotNegative
    velocity_spread: Positive
    residence_s: Positive
    residence_spread_s: Positive
    source_to_chopper_m: Positive
    chopper_to_ionisation_m: Positive
    chopper_time_zero_s: float
    chopper_opening_s: Positive
    flips_at_6_bar: NotNegative
    flips_pressure_exponent: NotNegative
    flips_pressure_exponent_other_nozzle: NotNegative
    ions_at_maximum: NotNegative
    size_at_maximum: Positive
    size_spread: Positive
    yield_fluctuation: NotNegative
    hydride_share: Share = 0.0
    oxide_share: Share = 0.0
    dioxide_share: Share = 0.0
    doubly_charged_share: Share = 0.0
    best_lamp_to_q_switch_s: Positive
    flash_lamp_insertion_s: NotNegative
    q_switch_insertion_s: NotNegative
    ionisation_insertion_s: NotNegative
    ionisation_jitter_s: NotNegative
    ionisation_pulse_s: Positive
    pulse_s: Positive
    pulse_height_V: Positive
    noise_V: NotNegative
    baseline_V: float


class Truth(Model):
    """All clusters and the machine."""

    machine: Machine
    cluster: list[Cluster]

    def of(self, element: str) -> list[Cluster]:
        """The clusters of one element, by size."""
        return sorted((cluster for cluster in self.cluster if cluster.element == element), key=lambda cluster: cluster.size)


class _Overlay(Model):
    """A truth file: any part of the truth."""

    machine: dict[str, float | int | list[float]] = {}
    cluster: list[Cluster] = []


def read_truth(path: Path | None = None) -> Truth:
    """The shipped truth, with what the file at `path` replaces.  Raises `ConfigurationError` for anything unusable."""
    table = tomllib.loads(SHIPPED.read_text("utf-8"))
    if path is None:
        return check_model(table, Truth, str(SHIPPED))
    overlay = check_model(read_toml(path), _Overlay, str(path))
    clusters: dict[tuple[str, int], Any] = {(row["element"], row["size"]): row for row in table["cluster"]}
    clusters |= {(cluster.element, cluster.size): cluster.model_dump() for cluster in overlay.cluster}
    machine = table["machine"] | overlay.machine
    return check_model({"machine": machine, "cluster": list(clusters.values())}, Truth, str(path))
