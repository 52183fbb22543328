"""Where this user's programs keep what outlives a run: who owns which instrument, keys, logs."""

import os
import stat
import sys
from pathlib import Path

from config.errors import ConfigurationError

ONLY_ME = 0o700


def state_directory(*below: str) -> Path:
    """A directory that only this user can enter, made if it is not there: `~/.local/state/clusterbeam` (`XDG_STATE_HOME`), on
    Windows `%LOCALAPPDATA%\\clusterbeam`, whose rights are the user's own (not tested there).

    `ConfigurationError` when others can enter it, or when it cannot be made.
    """
    if sys.platform == "win32":
        home = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        given = Path(os.environ.get("XDG_STATE_HOME", ""))
        home = given if given.is_absolute() else Path.home() / ".local" / "state"
    place = home / "clusterbeam"
    try:
        place.mkdir(mode=ONLY_ME, parents=True, exist_ok=True)
        refuse_others(place)
        for name in below:
            place = place / name
            place.mkdir(mode=ONLY_ME, exist_ok=True)
    except OSError as error:
        variable = "LOCALAPPDATA" if sys.platform == "win32" else "XDG_STATE_HOME"
        raise ConfigurationError(f"cannot make {place} ({error.strerror}); let {variable} name another directory") from None
    return place


def refuse_others(path: Path) -> None:
    """`ConfigurationError` when anybody but this user has rights on a file or directory."""
    if sys.platform == "win32":
        return
    found = path.stat()
    if found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & ~ONLY_ME:
        raise ConfigurationError(f"{path} is open to others (mode {stat.S_IMODE(found.st_mode):o}); chmod go= {path}")
