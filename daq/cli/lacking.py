"""Whether all of a run is there: said before its numbers are shown."""

from daq.cli.console import err
from daq.record.series import Series


def say_lacking(series: Series) -> None:
    """Of a run that goes on in a file that was not given."""
    if series.lacking:
        err.print(f"clusterbeam: {series.last.path}: {series.lacking}", soft_wrap=True)
