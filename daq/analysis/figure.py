"""The figure of a run, after the paper's Figure 1: three profiles, and moment against size.

Matplotlib is imported when a figure is drawn, so that a headless import of the analysis stays light.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from daq.analysis.panels import GREY, SIZE, SMALL, empty_panel, lettered, moments_panel, profile_panel
from daq.analysis.results import Behaviour, ClusterResult, Results
from daq.reduce.profiles import Profiles

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN: tuple[tuple[int, tuple[Behaviour, ...]], ...] = (
    (11, ("atomic-like",)),
    (12, ("non-magnetic", "undecided")),
    (13, ("superparamagnetic",)),
)
"""Sizes in the paper's panels a to c and the behaviours they stand for."""


def moments_figure(results: Results, profiles: Profiles, run_name: str) -> "Figure":
    """Panels a to c: profiles of V11, V12 and V13, or of the nearest sizes of each kind, at zero (black) and full field
    (red) with the fits.  Panel d: moments of all clusters.

    A figure of its own, not one of pyplot's: save it with `savefig`.
    """
    shots = " + ".join(f"{profiles.shots(field):,}" for field in profiles.fields_T)
    return overview(results, shown(results.clusters), caption(results, run_name, shots))


def overview(results: Results, three: Sequence[ClusterResult | None], named: str) -> "Figure":
    """Three clusters' profiles above, all moments below, and what run this is."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 5.8), dpi=200)
    grid = figure.add_gridspec(
        2, 3, height_ratios=(1.0, 1.25), left=0.07, right=0.985, top=0.94, bottom=0.085, hspace=0.34, wspace=0.08
    )
    for letter, column, cluster in zip("abc", range(3), three, strict=True):
        axes = figure.add_subplot(grid[0, column])
        if cluster is None:
            empty_panel(axes, "none in this run")
        else:
            profile_panel(axes, cluster, results.element)
        lettered(axes, letter)
        if column == 0:
            axes.set_ylabel("signal (maximum at 0 T = 1)", fontsize=SIZE)
        else:
            axes.tick_params(labelleft=False)
    below = figure.add_subplot(grid[1, :])
    moments_panel(below, results)
    lettered(below, "d")
    figure.text(0.985, 0.985, named, ha="right", va="top", fontsize=SMALL, color=GREY)
    return figure


def shown(clusters: Sequence[ClusterResult]) -> list[ClusterResult | None]:
    """For each of panels a to c the cluster of that kind nearest in size to the paper's, or None."""
    found: list[ClusterResult | None] = []
    for size, behaviours in SHOWN:
        drawn = [cluster for cluster in clusters if cluster.curves is not None]
        alike = [[cluster for cluster in drawn if cluster.behaviour == behaviour] for behaviour in behaviours]
        kind = next((group for group in alike if group), [])
        found.append(min(kind, key=lambda cluster: abs(cluster.size - size), default=None))
    return found


def caption(results: Results, run_name: str, shots: str) -> str:
    """The run, and the conditions it was taken under, where they are known."""
    if results.velocity_m_s is None or results.field_T is None:
        return f"{run_name}   {shots} shots"
    return f"{run_name}   {results.field_T:.2g} T, {results.velocity_m_s:.0f} m/s, {shots} shots"
