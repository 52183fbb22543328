"""The command line: one program, `clusterbeam`, thin over `daq.laboratory`."""

from daq.cli.program import main

__all__ = ["main"]
