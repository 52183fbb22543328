"""A laboratory that somebody attends to: what is asked of it, the plans that wait, and what it shows."""

from daq.control_room.room import ControlRoom

__all__ = ["ControlRoom"]
