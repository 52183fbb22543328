"""The figures hold what the paper's hold: profiles in black and red, lines at 0 and ±1 µB, moments, and their runs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from daq.analysis.panels import BLACK, RED
from daq.reproduce.claims import V40
from daq.reproduce.figures import FIGURES, PaperFigure
from daq.reproduce.found import Found

ABOUT_MU = "⟨µ⟩ (µB)"
PROFILES = {1: ["V11", "V12", "V13"], 3: ["V11"] * 3, 4: ["Nb7", "Nb11", "Nb12"], 5: ["Ta5", "Ta6", "Ta7"]}
PROFILES[2] = ["V5", "V11", "V12", "V13"] * 4


def texts(figure: Any) -> str:
    """All that is written in a figure."""
    parts = [text.get_text() for text in figure.texts]
    for axes in figure.axes:
        parts += [text.get_text() for text in axes.texts] + [axes.get_title(loc) for loc in ("left", "center", "right")]
    return "\n".join(parts)


def panels(figure: Any) -> list[Any]:
    """Axes with profiles."""
    return [axes for axes in figure.axes if any(line.get_color() == RED for line in axes.lines) and axes.get_xlim() == (-3, 3)]


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_a_figure_shows_the_paper_s_clusters_and_names_its_runs(figure: PaperFigure, everything: Found) -> None:
    drawn = figure.draw(everything)
    shown = panels(drawn)
    names = ["".join(character for character in axes.texts[0].get_text() if character.isalnum()) for axes in shown]
    assert names == PROFILES[figure.number]
    for axes in shown:
        dashed = sorted(
            line.get_xdata()[0] for line in axes.lines if len(set(line.get_xdata())) == 1 and line.get_linestyle() == "--"
        )
        assert dashed == [-1, 0, 1]
        drawn_lines = [line for line in axes.lines if len(line.get_xdata()) > 10 and line.get_linestyle() == "-"]
        black, red = (next(line for line in drawn_lines if line.get_color() == color) for color in (BLACK, RED))
        assert max(black.get_ydata()) == pytest.approx(1)
        assert black.get_zorder() == red.get_zorder()
    assert any(axes.get_xlabel() == ABOUT_MU for axes in shown)
    for part in figure.drawn_from:
        assert f"run-of-{part}" in texts(drawn)


@pytest.mark.parametrize("number", [1, 4, 5])
def test_below_stands_the_moment_against_size(number: int, everything: Found) -> None:
    drawn = FIGURES[number - 1].draw(everything)
    below = drawn.axes[3]
    assert below.get_xlabel() == "number of atoms"
    assert "moment" in below.get_ylabel()
    assert [axes.get_title(loc="left") for axes in drawn.axes] == ["a)", "b)", "c)", "d)"]


def test_the_deflection_shows_in_the_curves(everything: Found) -> None:
    split, flat, shifted = panels(FIGURES[0].draw(everything))

    def middle(axes: Any, color: str) -> float:
        x, y = next(
            (line.get_xdata(), line.get_ydata())
            for line in axes.lines
            if line.get_color() == color and len(line.get_xdata()) > 10
        )
        return float(x @ y / y.sum())

    def height(axes: Any) -> float:
        lines = [line for line in axes.lines if line.get_color() == RED and len(line.get_xdata()) > 10]
        return float(max(lines[0].get_ydata()))

    assert height(split) < 0.7
    assert height(flat) == pytest.approx(1, abs=0.1)
    assert middle(shifted, RED) - middle(shifted, BLACK) == pytest.approx(0.155, abs=0.05)


def test_three_formats_are_written(everything: Found, tmp_path: Path) -> None:
    FIGURES[2].save(everything, tmp_path)
    assert (tmp_path / "figure-3.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "figure-3.pdf").read_bytes().startswith(b"%PDF")
    assert "<svg" in (tmp_path / "figure-3.svg").read_text()


def test_what_was_not_measured_is_said_in_its_panel(everything: Found) -> None:
    some = replace(everything, measured={part: one for part, one in everything.measured.items() if part != V40})
    assert texts(FIGURES[1].draw(some)).count("not measured") == 4
    assert FIGURES[1].has_runs(some)
    assert not FIGURES[1].has_runs(replace(everything, measured={}))
