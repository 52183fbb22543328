"""The paper's Figures 1 to 5 from what was measured.  Each names its runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from daq.analysis.figure import caption, overview
from daq.analysis.panels import GREY, SIZE, SMALL, empty_panel, profile_panel
from daq.analysis.results import ClusterResult, Results
from daq.reproduce.claims import NB, TA, V2, V2_NOZZLE, V25, V40, V60, V100
from daq.reproduce.found import Found, Measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("png", "pdf", "svg")
TEMPERATURES = ((V25, "25 K"), (V40, "40 K"), (V60, "60 K"), (V100, "100 K, not drawn in the paper"))
COOLED = (5, 11, 12, 13)
"""Sizes beside each other in Figure 2: the three kinds of Figure 1, and one light enough for 100 K (chosen here)."""
SOURCES = ((V25, "6 bar"), (V2, "2 bar"), (V2_NOZZLE, "2 bar, other nozzle"))


@dataclass(frozen=True)
class PaperFigure:
    """A figure of the paper: what it shows, the parts it is `drawn_from`, and how."""

    number: int
    title: str
    drawn_from: tuple[str, ...]
    draw: Callable[[Found], "Figure"]

    @property
    def name(self) -> str:
        return f"figure-{self.number}"

    def has_runs(self, found: Found) -> bool:
        """Whether anything was measured for it."""
        return any(part in found.measured for part in self.drawn_from)

    def save(self, found: Found, directory: Path) -> None:
        """PNG, PDF and SVG."""
        drawn = self.draw(found)
        for suffix in FORMATS:
            drawn.savefig(directory / f"{self.name}.{suffix}")


def _overview(part: str, sizes: Sequence[int]) -> Callable[[Found], "Figure"]:
    def draw(found: Found) -> "Figure":
        measured = found.measured[part]
        by_size = {cluster.size: cluster for cluster in measured.results.clusters}
        return overview(measured.results, [by_size.get(size) for size in sizes], named(measured))

    return draw


def against_temperature(found: Found) -> "Figure":
    """Figure 2: one row for each source temperature."""
    figure = _figure(8.6, 7.6)
    grid = figure.add_gridspec(
        len(TEMPERATURES), len(COOLED), left=0.075, right=0.99, top=0.95, bottom=0.06, hspace=0.32, wspace=0.08
    )
    for row, (part, title) in enumerate(TEMPERATURES):
        for column, size in enumerate(COOLED):
            axes = figure.add_subplot(grid[row, column])
            _panel(axes, found, part, size)
            if row < len(TEMPERATURES) - 1:
                axes.set_xlabel("")
            if column:
                axes.tick_params(labelleft=False)
            else:
                axes.set_ylabel("signal", fontsize=SIZE)
                axes.set_title(title, loc="left", fontsize=SIZE, fontweight="bold", pad=3)
        if part in found.measured:
            axes.set_title(named(found.measured[part]), loc="right", fontsize=SMALL - 1, color=GREY, pad=3)
    return figure


def against_source(found: Found) -> "Figure":
    """Figure 3: V11 at 6 bar, at 2 bar, and at 2 bar with the other nozzle."""
    figure = _figure(7.2, 3.1)
    grid = figure.add_gridspec(1, len(SOURCES), left=0.07, right=0.985, top=0.83, bottom=0.15, wspace=0.08)
    for column, (part, title) in enumerate(SOURCES):
        axes = figure.add_subplot(grid[0, column])
        _panel(axes, found, part, 11)
        axes.set_title(title, loc="left", fontsize=SIZE, fontweight="bold", pad=4)
        if column:
            axes.tick_params(labelleft=False)
        else:
            axes.set_ylabel("signal (maximum at 0 T = 1)", fontsize=SIZE)
    names = [found.measured[part].name for part, _ in SOURCES if part in found.measured]
    figure.text(0.985, 0.985, "\n".join(names), ha="right", va="top", fontsize=SMALL - 1, color=GREY)
    return figure


def named(measured: Measured) -> str:
    """Run and conditions of a measurement, for the corner of its figure."""
    shots = " + ".join(f"{number:,}" for _, number in sorted(measured.shots.items()))
    return caption(measured.results, measured.name, shots)


FIGURES: tuple[PaperFigure, ...] = (
    PaperFigure(
        1, "Kinds of behaviour of vanadium clusters at 25 K, and moment against size", (V25,), _overview(V25, (11, 12, 13))
    ),
    PaperFigure(2, "Vanadium against source temperature", (V25, V40, V60, V100), against_temperature),
    PaperFigure(3, "Relaxation of V11 against pressure and nozzle", (V25, V2, V2_NOZZLE), against_source),
    PaperFigure(4, "Niobium at 25 K", (NB,), _overview(NB, (7, 11, 12))),
    PaperFigure(5, "Tantalum at 25 K", (TA,), _overview(TA, (5, 6, 7))),
)


def _figure(width: float, height: float) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=200)


def _panel(axes: "Axes", found: Found, part: str, size: int) -> None:
    results = found.results(part)
    cluster = None if results is None else _cluster(results, size)
    if results is None or cluster is None:
        empty_panel(axes, "not measured")
    else:
        profile_panel(axes, cluster, results.element)


def _cluster(results: Results, size: int) -> ClusterResult | None:
    return next((cluster for cluster in results.clusters if cluster.size == size), None)
