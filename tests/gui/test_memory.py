"""The window's memory over hours."""

import ctypes
import gc
import subprocess
import sys
import tracemalloc
from collections.abc import Callable

import pytest
from msgspec.structs import replace
from PyQt6.QtCore import QEvent, QObject
from PyQt6.QtWidgets import QApplication

from daq.face.state import AlarmPart, LogPart, Reading
from gui import curves
from gui.feed import Feed, ServiceFeed
from gui.plots.plot import Plot
from gui.window import Window
from tests.gui.fake import NOW, FakeClient, magnet, moments, nobody, reduced, running, shot_times, trace

Open = Callable[[Feed], Window]
HOUR_S, READ_S, LOOK_S, ROUND_S = 3600, 2, 20, 300
QUARTER_S = HOUR_S // 4
BUFFERS = """
import ctypes
from gui.memory import LARGE, give_back

FIELDS = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
Told = type("Told", (ctypes.Structure,), {"_fields_": [(name, ctypes.c_size_t) for name in FIELDS.split()]})
libc = ctypes.CDLL(None)
libc.mallinfo2.restype, libc.malloc.restype, libc.free.argtypes = Told, ctypes.c_void_p, [ctypes.c_void_p]
give_back()
libc.free(libc.malloc(100 * LARGE))
before = libc.mallinfo2().hblks
libc.malloc(50 * LARGE)
print(libc.mallinfo2().hblks - before)
"""
"""After a buffer that is free again, one half as large: whether it comes straight from the system."""
LINES, QUANTITIES = 100, 10
LOST_BYTES = 30_000
"""Caches of the plots go on filling by half of that in the last quarter; a number kept of each reading would be 140,000."""


def told(client: FakeClient, at: int) -> None:
    """What a laboratory with a run says at this second."""
    readings = {f"quantity{number}": Reading(at + 0.1 * number, "K", NOW + at) for number in range(QUANTITIES)}
    client.put(replace(magnet(), readings=readings, answered=NOW + at))
    if at % LOOK_S == 0:
        client.put(replace(running(), fired=20 * at, recorded=20 * at))
        client.put(reduced(shots=10 * (at + 1)))
        client.put(trace(shot=at))
    if at % ROUND_S == 0:
        client.put(moments())
        client.put(shot_times())
        lines = tuple(f"line {number}" for number in range(at // ROUND_S, at // ROUND_S + LINES))
        client.put(LogPart(lines))
        alarm = AlarmPart(f"alarm{at}", "it came", NOW + at, True)
        client.put(alarm)
        client.put(replace(alarm, active=False, gone=True))
        client.drop(alarm)


def kept(window: Window) -> dict[str, int]:
    """How much there is of what a window could pile up."""
    application = QApplication.instance()
    assert application is not None
    application.processEvents()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    for _ in range(3):
        gc.collect()
    return {
        "bytes of Python": tracemalloc.get_traced_memory()[0],
        "objects of Python": len(gc.get_objects()),
        "objects of Qt": len(window.findChildren(QObject)),
        "items of plots": sum(len(plot.scene().items()) for plot in window.findChildren(Plot)),
    }


def test_an_hour_of_messages_leaves_nothing_behind(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    # All points of the yield that are kept have come when the first quarter is over.
    monkeypatch.setattr(curves, "LOOKS", QUARTER_S // LOOK_S)
    client = FakeClient(nobody())
    window = opened(ServiceFeed(client))
    window.timer.stop()
    window.machine.watch("magnet", "quantity3")
    quarters = []
    tracemalloc.start()
    try:
        for at in range(0, HOUR_S + 1, READ_S):
            told(client, at)
            window.beat()
            if at % LOOK_S == 0:
                window.tabs.setCurrentIndex(at // LOOK_S % window.tabs.count())
                window.grab()
            if at % QUARTER_S == 0:
                quarters.append(kept(window))
    finally:
        tracemalloc.stop()
    _, first, _, third, last = quarters
    assert (last["objects of Qt"], last["items of plots"]) == (first["objects of Qt"], first["items of plots"])
    assert last["objects of Python"] - third["objects of Python"] < QUARTER_S // LOOK_S
    assert last["bytes of Python"] - third["bytes of Python"] < LOST_BYTES


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="it is glibc that keeps large buffers on its heap")
def test_large_buffers_go_back_to_the_system() -> None:
    asked = subprocess.run([sys.executable, "-P", "-c", BUFFERS], capture_output=True, timeout=50, check=True)
    assert int(asked.stdout) == 1
