"""Notifications: what the command is given, and that nothing it does comes back to the run."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event, Lock
from typing import Any

import pytest

from config.alarms import Alarms
from daq.safety.notify import AT_ONCE, LONGEST_VARIABLE, WAITING, Notifier

WRITE = """
import json, os, sys
from pathlib import Path
given = sys.stdin.read()
told = {"given": given, **{key: os.environ[key] for key in ("CLUSTERBEAM_EVENT", "CLUSTERBEAM_TEXT")}}
number = len(list(Path(sys.argv[1]).iterdir()))
(Path(sys.argv[1]) / f"{number}-{os.getpid()}.json").write_text(json.dumps(told))
"""


def settings(*command: str, **keys: Any) -> Alarms:
    return Alarms.model_validate({"notify": list(command), **keys})


def python(program: str, *words: str, **keys: Any) -> Alarms:
    return settings(sys.executable, "-c", program, *words, **keys)


def told(directory: Path) -> list[dict[str, str]]:
    return [json.loads(path.read_text()) for path in sorted(directory.iterdir())]


class Log(list[str]):
    """Lines, and an event when there is one."""

    def __init__(self) -> None:
        super().__init__()
        self.written = Event()

    def __call__(self, text: str) -> None:
        self.append(text)
        self.written.set()


def test_the_text_is_given_and_nothing_is_interpreted(tmp_path: Path) -> None:
    log, text = Log(), "source too warm; $(touch /tmp/x) `id` µB\n31 K"
    with Notifier(python(WRITE, str(tmp_path)), log) as notifier:
        assert notifier.tell("alarm", text)
    assert told(tmp_path) == [{"given": text, "CLUSTERBEAM_EVENT": "alarm", "CLUSTERBEAM_TEXT": text}]
    assert log == []


def test_strange_and_long_texts_arrive(tmp_path: Path) -> None:
    with Notifier(python(WRITE, str(tmp_path)), log := Log()) as notifier:
        notifier.tell("fault", "a\0b\ud800" + "x" * 300_000)
    (one,) = told(tmp_path)
    assert len(one["given"]) == 300_004
    assert one["CLUSTERBEAM_TEXT"].startswith("a b?xxx")
    assert len(one["CLUSTERBEAM_TEXT"]) == LONGEST_VARIABLE
    assert log == []


@pytest.mark.parametrize(
    ("of", "event", "sent"),
    [
        (Alarms(), "alarm", False),
        (Alarms.model_validate({"notify": [sys.executable, "-c", ""], "notify_on": ["fault", "end"]}), "alarm", False),
        (Alarms.model_validate({"notify": [sys.executable, "-c", ""], "notify_on": ["fault", "end"]}), "end", True),
    ],
)
def test_only_what_is_wanted_is_sent(of: Alarms, event: Any, sent: bool) -> None:
    with Notifier(of, log := Log()) as notifier:
        assert notifier.tell(event, "text") is sent
    assert log == []


FAILURES: dict[str, tuple[Alarms, str]] = {
    "a program that is not there": (settings("/nowhere/mail"), "[Errno 2] No such file or directory: '/nowhere/mail'"),
    "a word that is none": (settings("mail", "a\0b"), "embedded null byte"),
    "one that fails": (
        python("import sys; sys.exit('first line\\nno such address')"),
        f"{sys.executable} ended with status 1: no such address",
    ),
    "one that fails without a word": (python("import sys; sys.exit(3)"), f"{sys.executable} ended with status 3"),
    "one that does not end": (
        python("import signal; signal.pause()", notify_at_most_s=0.3),
        f"{sys.executable} took longer than 0.3 s",
    ),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_failure_is_logged_and_nothing_is_left(case: str) -> None:
    of, said = FAILURES[case]
    with Notifier(of, log := Log()) as notifier:
        assert notifier.tell("fault", "the run failed")
    assert log == [f"notify: fault could not be sent: {said}"]


def test_a_flapping_alarm_sends_few(tmp_path: Path) -> None:
    now_s = 0.0
    with Notifier(python(WRITE, str(tmp_path), notify_per_hour=2), log := Log(), lambda: now_s) as notifier:
        sent = [notifier.tell("alarm", f"alarm {number}") for number in range(10)]
        assert notifier.tell("end", "the run ended")
        now_s = 3600.0
        assert notifier.tell("alarm", "alarm again")
    assert sent == [True, True] + 8 * [False]
    assert log == ["notify: there is too much to tell; alarm is not sent for a while"]
    assert sorted(one["given"] for one in told(tmp_path)) == [
        "alarm 0",
        "alarm 1",
        "alarm again\n(8 more of this kind were not sent)",
        "the run ended",
    ]


class Slow:
    """Stands for a process that ends when it is told to; counts how many run."""

    def __init__(self) -> None:
        self.go, self.lock = Event(), Lock()
        self.running = self.most = self.all = 0
        self.full = Event()

    def send(self, notifier: Notifier, event: str, text: str) -> str:
        with self.lock:
            self.running, self.all = self.running + 1, self.all + 1
            self.most = max(self.most, self.running)
            if self.running == AT_ONCE:
                self.full.set()
        assert self.go.wait(30)
        with self.lock:
            self.running -= 1
        return ""


def test_few_run_at_once_and_few_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow()
    monkeypatch.setattr(Notifier, "_send", lambda *given: slow.send(*given))
    with Notifier(settings("mail", notify_per_hour=1000), log := Log()) as notifier:
        taken = [notifier.tell("alarm", "text") for _ in range(AT_ONCE)]
        assert slow.full.wait(30)
        taken += [notifier.tell("alarm", "text") for _ in range(100)]
        slow.go.set()
    assert sum(taken) == slow.all == AT_ONCE + WAITING
    assert slow.most == AT_ONCE
    assert len(log) == 1


def test_at_the_end_it_waits_a_little_then_ends_what_runs(tmp_path: Path) -> None:
    """The command is waiting for ever, together with one that it has started."""
    forever = (
        "import subprocess, sys; from pathlib import Path;"
        "child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()']);"
        "Path(sys.argv[1], 'child').write_text(str(child.pid)); child.wait()"
    )
    notifier = Notifier(python(forever, str(tmp_path)), log := Log())
    notifier.tell("end", "the run ended")
    child = tmp_path / "child"
    wait_until(lambda: child.exists() and child.read_text() != "")
    notifier.close(patience_s=0.0)
    assert log == [f"notify: end could not be sent: {sys.executable} ended with status -9"]
    wait_until(lambda: not Path(f"/proc/{child.read_text()}/cmdline").exists() or gone(int(child.read_text())))
    assert not notifier.tell("end", "again")


def wait_until(true: Callable[[], bool]) -> None:
    pause = Event()
    while not true():
        pause.wait(0.01)


def gone(process: int) -> bool:
    """Ended, though whoever adopted it may not have asked for its status yet."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_without_a_thread_to_be_had_the_text_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(self: object) -> None:
        raise RuntimeError("can't start new thread")

    with Notifier(python(WRITE, str(tmp_path)), Log()) as notifier:
        with monkeypatch.context() as patch:
            patch.setattr("daq.safety.notify.Thread.start", none)
            assert notifier.tell("alarm", "first")
        assert notifier.tell("alarm", "second")
    assert {one["given"] for one in told(tmp_path)} == {"first", "second"}


def test_it_ends_what_was_started_while_it_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process comes to be just after everything was ended."""
    started, closing = Event(), Event()

    class Late(subprocess.Popen[bytes]):
        def __init__(self, *words: Any, **keys: Any) -> None:
            started.set()
            assert closing.wait(30)
            super().__init__(*words, **keys)

    monkeypatch.setattr("daq.safety.notify.subprocess.Popen", Late)
    notifier = Notifier(python("import signal; signal.pause()"), log := Log())
    notifier.tell("end", "the run ended")
    assert started.wait(30)
    notifier._ending = True
    closing.set()
    notifier.close()
    assert log == [f"notify: end could not be sent: {sys.executable} ended with status -9"]
