"""Whether anybody would learn of an alarm: said before it matters."""

from config.laboratory import Laboratory
from daq.cli.console import err
from daq.safety.notify import unstartable


def warn_unnotified(configuration: Laboratory) -> None:
    """Say on stderr that alarms and the ends of runs will be told to nobody, where a laboratory wants it otherwise."""
    fault = unstartable(configuration.alarms)
    if fault is not None:
        err.print(f"clusterbeam: warning: {fault}", soft_wrap=True)
