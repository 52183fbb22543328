"""The mean spectrum against mass over charge, its significant peaks named.  Matplotlib is imported when a figure is drawn."""

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from daq.analysis.panels import BLACK, BLUE, GREY, RED, SIZE, SMALL
from daq.analysis.spectrum import MassSpectrum

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLORS = {"bare": BLACK, "hydride": RED, "oxide": BLUE, "dioxide": BLUE, "doubly charged": GREY}
ROWS = 3


def spectrum_figure(spectrum: MassSpectrum, run_name: str) -> "Figure":
    """Three rows of rising mass, measured in black, fitted in red; without the names of what lies under a cluster."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 6.4), dpi=200, layout="constrained")
    time_s = spectrum.axis.start_s + spectrum.axis.interval_s * np.arange(len(spectrum.mean))
    mass_u = (np.maximum(time_s - spectrum.t0_s, 0.0) / spectrum.k_s_per_sqrt_u) ** 2
    measured = [line for line in spectrum.lines if line.significant and line.kind in COLORS]
    bare = {round(line.mass_u, 1) for line in measured if line.kind == "bare"}
    named = [line for line in measured if line.kind != "doubly charged" or round(line.mass_u, 1) not in bare]
    masses = [line.mass_u for line in spectrum.lines]
    edges = np.linspace(np.sqrt(min(masses) - 10), np.sqrt(max(masses) + 10), ROWS + 1) ** 2
    for row, (low, high) in enumerate(pairwise(edges.tolist())):
        axes = figure.add_subplot(ROWS, 1, row + 1)
        shown = (mass_u >= low) & (mass_u < high)
        axes.plot(mass_u[shown], spectrum.mean[shown], color=BLACK, linewidth=0.6)
        axes.plot(mass_u[shown], spectrum.fitted[shown], color=RED, linewidth=0.5)
        top = float(spectrum.mean[shown].max(initial=1e-9))
        for line in named:
            if low <= line.mass_u < high:
                height = float(spectrum.mean[np.abs(time_s - line.time_s).argmin()])
                axes.annotate(
                    line.name,
                    (line.mass_u, max(height, 0.0)),
                    (0, 3),
                    textcoords="offset points",
                    rotation=90,
                    ha="left" if line.kind == "hydride" else "center",
                    fontsize=SMALL - 2,
                    color=COLORS[line.kind],
                )
        axes.set_xlim(low, high)
        axes.set_ylim(-0.05 * top, 1.35 * top)
        axes.set_ylabel("signal (codes)", fontsize=SIZE)
        axes.tick_params(labelsize=SMALL, direction="in")
    axes.set_xlabel("mass over charge (u)", fontsize=SIZE)
    figure.suptitle(f"{run_name}, mean of the shots at zero field", fontsize=SMALL, color=GREY, ha="right", x=0.985)
    return figure
