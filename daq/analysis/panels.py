"""The panels that figures are made of: profiles of one cluster at both fields, and moment against size.

Black is zero field, red full field, dashed lines are the paper's at 0 and ±1 µB.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from daq.analysis.results import Behaviour, ClusterResult, Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLACK, RED, BLUE, GREY = "#1a1a1a", "#c8102e", "#1f5fa8", "#8a8a8a"
SYMBOLS: dict[Behaviour, dict[str, Any]] = {
    "atomic-like": {"marker": "o", "color": RED, "markerfacecolor": RED},
    "superparamagnetic": {"marker": "s", "color": BLUE, "markerfacecolor": BLUE},
    "non-magnetic": {"marker": "o", "color": BLACK, "markerfacecolor": "white"},
}
REACH_uB = 3.0
SMALL, SIZE = 7.0, 8.5


def profile_panel(axes: "Axes", cluster: ClusterResult, element: str) -> None:
    """Profiles and fits on an axis of ⟨µ⟩, in units of the zero-field maximum; a cluster without curves says why."""
    curves = cluster.curves
    if curves is None:
        empty_panel(axes, f"{element}{cluster.size}: {cluster.note or cluster.behaviour}")
        return
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
    axes.set_ylim(-0.06, 1.46)
    axes.set_xlabel("⟨µ⟩ (µB)", fontsize=SIZE)
    axes.text(0.04, 0.95, f"{element}$_{{{cluster.size}}}$", transform=axes.transAxes, va="top", fontsize=SIZE + 3)
    axes.text(
        0.97, 0.95, _words(cluster), transform=axes.transAxes, va="top", ha="right", fontsize=SMALL, linespacing=1.4
    )  # fmt: skip
    _ticks(axes)


def moments_panel(axes: "Axes", results: Results) -> None:
    """Moments with total (thin) and statistical (thick) errors; limits at 95 % as arrows."""
    from matplotlib.ticker import MaxNLocator

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
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper left", fontsize=SMALL, frameon=False, ncols=2, handletextpad=0.5, columnspacing=1.4)
    _ticks(axes)


def empty_panel(axes: "Axes", why: str) -> None:
    """A panel of which there is nothing to show."""
    axes.text(
        0.5, 0.5, why, transform=axes.transAxes, ha="center", va="center", fontsize=SMALL, color=GREY, wrap=True
    )  # fmt: skip
    axes.set_xticks([])
    axes.set_yticks([])


def lettered(axes: "Axes", letter: str) -> None:
    """The panel's letter, as the paper names it."""
    axes.set_title(f"{letter})", loc="left", fontsize=SIZE, fontweight="bold", pad=4)


def _words(cluster: ClusterResult) -> str:
    if cluster.moment_uB is not None and cluster.error_uB is not None:
        return f"{cluster.behaviour}\n({cluster.moment_uB:.2f} ± {cluster.error_uB:.2f}) µB"
    if cluster.limit_uB is not None:
        return f"{cluster.behaviour}\nµ < {cluster.limit_uB:.2f} µB (95 %)"
    return cluster.behaviour


def _top(results: Results) -> float:
    """Upper end of the moment axis: all moments with their errors, and room for the legend."""
    highest = [c.moment_uB + (c.error_uB or 0.0) for c in results.clusters if c.moment_uB is not None]
    return 1.22 * max([*highest, 2.0])


def _ticks(axes: "Axes") -> None:
    axes.minorticks_on()
    axes.tick_params(which="both", direction="in", top=True, right=True, labelsize=SMALL)
