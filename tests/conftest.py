"""What holds for every test: it leaves no thread, no process, no socket and no pseudo-terminal behind."""

import gc
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("clusterbeam", deadline=None)
settings.load_profile("clusterbeam")

HERE = Path(__file__).parent
DESCRIPTORS = Path("/proc/self/fd")
JOIN_S = 5.0


def _threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.is_alive()}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Stories of whole programs come first: they take longest, and no processor should be left alone with them at the end."""
    items.sort(key=lambda item: item.path.parent != HERE)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: for a third of their time tests wait for the clock of a simulated laboratory."""
    return (os.cpu_count() or 1) + 1


def _children() -> set[str]:
    """Child processes, where the system tells; a finished one that nobody waited for counts too."""
    found: set[str] = set()
    for task in Path("/proc/self/task").glob("*/children"):
        # A thread of a library may end between being listed and being read.
        with suppress(FileNotFoundError, ProcessLookupError):
            found.update(task.read_text().split())
    return found


def _wires() -> set[str]:
    """The process's open sockets and pseudo-terminals; nothing where the system does not tell."""
    found = set()
    for descriptor in DESCRIPTORS.iterdir() if DESCRIPTORS.is_dir() else ():
        try:
            target = os.readlink(descriptor)
        except FileNotFoundError:
            continue
        if target.startswith(("socket:", "/dev/pts/", "/dev/ptmx")):
            found.add(f"{descriptor.name} -> {target}")
    return found


@pytest.fixture(autouse=True, scope="session")
def a_state_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Logs, keys and owners of the tests are not those of whoever runs them."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(autouse=True)
def leaves_nothing_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Runs around each test, outside its own fixtures."""
    threads, wires, children = _threads(), _wires(), _children()
    yield
    if request.node.get_closest_marker("somebody_elses_client"):
        return
    leaked = _threads() - threads
    for thread in leaked:
        thread.join(JOIN_S)
    alive = [thread.name for thread in leaked if thread.is_alive()]
    assert not alive, f"threads left running: {alive}"
    assert not _children() - children, f"processes left behind: {_children() - children}"
    if _wires() - wires:
        gc.collect()
    assert not _wires() - wires, f"wires left open: {_wires() - wires}"
