"""Alarms: how long they may be kept silent, where their history is kept, and who is notified."""

from typing import Annotated, Literal

from pydantic import Field

from config.model import Model

Event = Literal["pause", "alarm", "fault", "end"]
Words = Annotated[list[str], Field(min_length=1)]


class Alarms(Model):
    """`notify` is a command, word by word; no shell reads it.  All numbers are *assumed*."""

    notify: Words | None = None
    """Gets the text on its standard input and as `CLUSTERBEAM_TEXT`, the event as `CLUSTERBEAM_EVENT`."""
    notify_on: list[Event] = ["pause", "alarm", "fault", "end"]
    notify_at_most_s: Annotated[float, Field(gt=0, le=600)] = 30.0
    """Wall time; then the command is ended."""
    notify_per_hour: Annotated[int, Field(ge=1)] = 12
    """Of each event; what comes beyond is counted and told with the next one."""
    longest_shelf_s: Annotated[float, Field(gt=0, le=7 * 86400)] = 8 * 3600.0
    """Laboratory time; an alarm is kept silent no longer at once."""
    log_MB: Annotated[float, Field(gt=0)] = 10.0
    """A file of the laboratory's log is followed by another when it has this size."""
    log_files: Annotated[int, Field(ge=1)] = 10
    """So many older ones are kept."""
