"""The figure of a run, after the paper's Figure 1: three profiles, and moment against size.

Matplotlib is imported when a figure is drawn, so that a headless import of the analysis stays light.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from daq.analysis.results import Behaviour, ClusterResult, Results
from daq.reduce.profiles import Profiles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLACK, RED, BLUE, GREY = "#1a1a1a", "#c8102e", "#1f5fa8", "#8a8a8a"
SHOWN: tuple[tuple[int, tuple[Behaviour, ...]], ...] = (
    (11, ("atomic-like",)),
    (12, ("non-magnetic", "undecided")),
    (13, ("superparamagnetic",)),
)
"""Sizes in the paper's panels a to c and the behaviours they stand for."""
SYMBOLS: dict[Behaviour, dict[str, Any]] = {
    "atomic-like": {"marker": "o", "color": RED, "markerfacecolor": RED},
    "superparamagnetic": {"marker": "s", "color": BLUE, "markerfacecolor": BLUE},
    "non-magnetic": {"marker": "o", "color": BLACK, "markerfacecolor": "white"},
}
REACH_uB = 3.0
SMALL, SIZE = 7.0, 8.5


def moments_figure(results: Results, profiles: Profiles, run_name: str) -> "Figure":
    """Panels a to c: profiles of V11, V12 and V13, or of the nearest sizes of each kind, at zero (black) and full field
    (red) with the fits.  Panel d: moments with total (thin) and statistical (thick) errors; limits at 95 % as arrows.

    A figure of its own, not one of pyplot's: save it with `savefig`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 5.8), dpi=200)
    grid = figure.add_gridspec(
        2, 3, height_ratios=(1.0, 1.25), left=0.07, right=0.985, top=0.94, bottom=0.085, hspace=0.34, wspace=0.08
    )
    for letter, column, cluster in zip("abc", range(3), shown(results.clusters), strict=True):
        axes = figure.add_subplot(grid[0, column])
        if cluster is None:
            _empty(axes)
        else:
            _profile(axes, cluster, results.element)
        axes.set_title(f"{letter})", loc="left", fontsize=SIZE, fontweight="bold", pad=4)
        if column == 0:
            axes.set_ylabel("signal (maximum at 0 T = 1)", fontsize=SIZE)
        else:
            axes.tick_params(labelleft=False)
    below = figure.add_subplot(grid[1, :])
    _moments(below, results)
    below.set_title("d)", loc="left", fontsize=SIZE, fontweight="bold", pad=4)
    figure.text(0.985, 0.985, _caption(results, profiles, run_name), ha="right", va="top", fontsize=SMALL, color=GREY)
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


def _profile(axes: "Axes", cluster: ClusterResult, element: str) -> None:
    curves = cluster.curves
    assert curves is not None
    top = float(curves.off_fit.max())
    for line in (-1, 0, 1):
        axes.plot([line, line], [-0.06, 1.1], color=GREY, linewidth=0.7, dashes=(4, 3), zorder=0)
    for values, error, fit, drift_uB, color in (
        (curves.off, curves.off_error, curves.off_fit, 0.0, BLACK),
        (curves.on, curves.on_error, curves.on_fit, curves.drift_uB, RED),
    ):
        x = curves.projection_uB - drift_uB
        axes.plot(curves.fine_uB - drift_uB, fit / top, color=color, linewidth=1.1, zorder=2)
        axes.errorbar(x, values / top, error / top, fmt="o", color=color, markersize=2.2, elinewidth=0.7, linewidth=0, zorder=3)
    axes.set_xlim(-REACH_uB, REACH_uB)
    axes.set_ylim(-0.06, 1.38)
    axes.set_xlabel("⟨µ⟩ (µB)", fontsize=SIZE)
    axes.text(0.04, 0.95, f"{element}$_{{{cluster.size}}}$", transform=axes.transAxes, va="top", fontsize=SIZE + 3)
    axes.text(
        0.97,
        0.95,
        _words(cluster),
        transform=axes.transAxes,
        va="top",
        ha="right",
        fontsize=SMALL,
        linespacing=1.4,
    )
    _ticks(axes)


def _words(cluster: ClusterResult) -> str:
    if cluster.moment_uB is not None and cluster.error_uB is not None:
        return f"{cluster.behaviour}\n({cluster.moment_uB:.2f} ± {cluster.error_uB:.2f}) µB"
    if cluster.limit_uB is not None:
        return f"{cluster.behaviour}\nµ < {cluster.limit_uB:.2f} µB (95 %)"
    return cluster.behaviour


def _moments(axes: "Axes", results: Results) -> None:
    axes.axhline(0, color=BLACK, linewidth=0.6, zorder=0)
    axes.axhline(1, color=GREY, linewidth=0.7, dashes=(4, 3), zorder=0)
    for behaviour, style in SYMBOLS.items():
        group = [c for c in results.clusters if c.behaviour == behaviour]
        if not group:
            continue
        sizes = [c.size for c in group]
        moment = np.array([c.moment_uB for c in group], dtype=float)
        total, statistical = (np.array([getattr(c, n) or 0.0 for c in group]) for n in ("error_uB", "statistical_uB"))
        if total.any():
            axes.errorbar(
                sizes, moment, total, fmt="none", ecolor=style["color"], elinewidth=0.8, capsize=2, capthick=0.8, zorder=2
            )
            axes.errorbar(sizes, moment, statistical, fmt="none", ecolor=style["color"], elinewidth=2.4, alpha=0.55, zorder=2)
        axes.plot(sizes, moment, linestyle="none", markersize=4.6, markeredgewidth=0.9, label=behaviour, zorder=3, **style)
    limited = [(c.size, c.limit_uB) for c in results.clusters if c.limit_uB is not None]
    top = _top(results)
    for size, limit in limited:
        if limit > top:
            continue
        length = min(0.28, 0.6 * limit)
        axes.annotate(
            "",
            (size, limit - length),
            (size, limit),
            arrowprops={
                "arrowstyle": "-|>,head_width=0.13,head_length=0.28",
                "color": GREY,
                "linewidth": 0.8,
                "shrinkA": 0,
                "shrinkB": 0,
            },
        )
        axes.plot([size - 0.22, size + 0.22], [limit, limit], color=GREY, linewidth=1.0)
    if limited:
        axes.plot([], [], color=GREY, linewidth=1.0, marker="v", markersize=3.5, label="upper limit, 95 %")
    everything = [c.size for c in results.clusters] or [0]
    axes.set_xlim(min(everything) - 1, max(everything) + 1)
    axes.set_ylim(-0.35, top)
    axes.set_xlabel("number of atoms", fontsize=SIZE)
    axes.set_ylabel("magnetic moment (µB)", fontsize=SIZE)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper left", fontsize=SMALL, frameon=False, ncols=2, handletextpad=0.5, columnspacing=1.4)
    _ticks(axes)


def _top(results: Results) -> float:
    """Upper end of the moment axis: all moments with their errors, and room for the legend."""
    highest = [c.moment_uB + (c.error_uB or 0.0) for c in results.clusters if c.moment_uB is not None]
    return 1.22 * max([*highest, 2.0])


def _caption(results: Results, profiles: Profiles, run_name: str) -> str:
    shots = " + ".join(f"{profiles.shots(field):,}" for field in profiles.fields_T)
    if results.velocity_m_s is None or results.field_T is None:
        return f"{run_name}   {shots} shots"
    return f"{run_name}   {results.field_T:.2g} T, {results.velocity_m_s:.0f} m/s, {shots} shots"


def _empty(axes: "Axes") -> None:
    axes.text(0.5, 0.5, "none in this run", transform=axes.transAxes, ha="center", va="center", fontsize=SMALL, color=GREY)
    axes.set_xticks([])
    axes.set_yticks([])


def _ticks(axes: "Axes") -> None:
    axes.minorticks_on()
    axes.tick_params(which="both", direction="in", top=True, right=True, labelsize=SMALL)
