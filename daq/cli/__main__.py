"""`python -m daq.cli` is the program as well."""

from daq.cli.program import main

main()
