"""The experiment, headless.  Scripts begin with `from daq import Laboratory`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from daq.laboratory import Laboratory

__all__ = ["Laboratory"]


def __getattr__(name: str) -> Any:
    """The face is imported when it is asked for: the writer's process needs none of it."""
    if name == "Laboratory":
        from daq.laboratory import Laboratory

        return Laboratory
    raise AttributeError(f"module 'daq' has no attribute {name!r}")
