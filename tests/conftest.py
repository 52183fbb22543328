"""What holds for every test: it leaves no thread and no process behind (unclosed files and sockets are warnings, so errors)."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("clusterbeam", deadline=None)
settings.load_profile("clusterbeam")

PATIENCE_S = 5.0


def _children() -> set[int]:
    """Living child processes, where the system tells; a finished one that nobody waited for counts too."""
    found: set[int] = set()
    for task in Path("/proc/self/task").glob("*/children"):
        found |= {int(child) for child in task.read_text().split()}
    return found


@pytest.fixture(autouse=True)
def _nothing_is_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    threads, children = set(threading.enumerate()), _children()
    yield
    if request.node.get_closest_marker("leaves_threads"):
        return
    left = [thread for thread in threading.enumerate() if thread not in threads]
    for thread in left:
        thread.join(PATIENCE_S)
    assert not [thread.name for thread in left if thread.is_alive()], "threads are left behind"
    if os.name == "posix":
        assert not _children() - children, "processes are left behind"
