"""Figures into files: what cannot be written is said before the work begins."""

from pathlib import Path
from typing import TYPE_CHECKING

from config.errors import ConfigurationError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def check_figure(path: Path) -> None:
    """`ConfigurationError` when no figure can be drawn into this file."""
    from matplotlib.backend_bases import FigureCanvasBase

    if path.suffix.removeprefix(".").lower() not in FigureCanvasBase.get_supported_filetypes():
        raise ConfigurationError(f"--figure {path}: no figure is drawn in this format; let its name end in .png, .pdf or .svg")
    if not path.parent.is_dir():
        raise ConfigurationError(f"--figure {path}: there is no directory {path.parent}; make it, or choose another")


def save_figure(figure: "Figure", path: Path) -> None:
    """Draw it; `ConfigurationError` when the file cannot be written."""
    try:
        figure.savefig(path)
    except OSError as error:
        raise ConfigurationError(f"--figure {path} cannot be written ({error.strerror}); choose another file") from None
