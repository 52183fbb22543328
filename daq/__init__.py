"""The experiment, headless.  Scripts begin with `from daq import Laboratory`, analysts with `from daq import open_run`."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from daq.analysis.dataset import open_run
    from daq.laboratory import Laboratory

__all__ = ["Laboratory", "open_run"]
PLACES = {"Laboratory": "daq.laboratory", "open_run": "daq.analysis.dataset"}


def __getattr__(name: str) -> Any:
    """A face is imported when it is asked for: the writer's process needs none of them."""
    if name in PLACES:
        return getattr(import_module(PLACES[name]), name)
    raise AttributeError(f"module 'daq' has no attribute {name!r}")
