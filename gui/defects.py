"""What is written down when the window itself has a defect.  No Qt."""

import traceback
from datetime import datetime

from config.errors import ConfigurationError
from config.places import state_directory

LONGEST = 1_000_000
"""Bytes of the file, beyond which it begins anew: a defect may come forty times a second."""


def report(error: BaseException, run_file: str) -> str:
    """Write the traceback down; the sentence for the operator, who must know that the run does not depend on this."""
    traceback.print_exception(error)
    told = f"a defect of this window, which goes on: {type(error).__name__}: {error}"
    at = datetime.now().astimezone().isoformat(timespec="seconds")
    text = f"{at}, run file {run_file or 'none'}\n{''.join(traceback.format_exception(error))}\n"
    try:
        path = state_directory("logs") / "window.log"
        big = path.exists() and path.stat().st_size > LONGEST
        with path.open("w" if big else "a", encoding="utf-8") as log:
            log.write(text)
    except (OSError, ConfigurationError):
        return told
    run = f"; the run's file is {run_file}, and the service goes on with it" if run_file else ""
    return f"{told} (written down in {path}){run}"
