"""The laboratory as bluesky devices, so that a RunEngine's plans move its quantities and read them.

Everything here has the verbs of bluesky's protocols (Readable, Movable, Triggerable, HasHints); bluesky itself is not needed
to make a device.  RunEngine records in its own documents, not in a run file: for a measurement that accounts for every shot
use `Laboratory.run`.

    with Laboratory("lab.toml") as lab:
        RE(bp.scan([quantity(lab, "hall_probe.field_T")], quantity(lab, "magnet.field_T"), 0.5, 2.0, 4))
"""

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from daq.laboratory import Beam, Laboratory
from daq.plan.plan import SetPoint, Settle

KINDS = {float: "number", int: "integer", bool: "boolean", str: "string"}


class DeviceStatus:
    """What bluesky waits for: done when the work in its thread is, with its exception if it had one."""

    def __init__(self, work: Callable[[], object], name: str) -> None:
        self._error: BaseException | None = None
        self._callbacks: list[Callable[[Any], None]] = []
        self._finished = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._do, args=(work,), name=name, daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        return self._finished.is_set()

    @property
    def success(self) -> bool:
        return self.done and self._error is None

    def exception(self, timeout: float | None = 0.0) -> BaseException | None:
        """The error of the work, once it is done; `TimeoutError` if it is not."""
        if not self._finished.wait(timeout):
            raise TimeoutError("still at work")
        return self._error

    def add_callback(self, callback: Callable[[Any], None]) -> None:
        """Called with this status when it is done, at once if it is."""
        with self._lock:
            if not self._finished.is_set():
                self._callbacks.append(callback)
                return
        callback(self)

    def _do(self, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as error:  # handed on to whoever waits
            self._error = error
        with self._lock:
            self._finished.set()
        for callback in self._callbacks:
            callback(self)


class Reading:
    """A quantity that is read: `instrument.quantity`."""

    parent = None

    def __init__(self, laboratory: Laboratory, name: str) -> None:
        self.name = name.replace(".", "_")
        self._laboratory, self._quantity = laboratory, name

    @property
    def hints(self) -> dict[str, Any]:
        return {"fields": [self.name]}

    def read(self) -> dict[str, Any]:
        """The value now, with the time of day."""
        return {self.name: {"value": self._laboratory.read(self._quantity), "timestamp": time.time()}}

    def describe(self) -> dict[str, Any]:
        """Type, unit and where it comes from."""
        kind = KINDS[type(self._laboratory.read(self._quantity))]
        units = {"units": self._laboratory.unit(self._quantity)}
        return {self.name: {"source": f"clusterbeam:{self._quantity}", "dtype": kind, "shape": [], **units}}


class Movable(Reading):
    """A quantity that is set as well; moving ends when its read-back has settled."""

    def __init__(self, laboratory: Laboratory, name: str, settle: Settle | None = None) -> None:
        super().__init__(laboratory, name)
        self._settle = settle

    def set(self, value: SetPoint) -> DeviceStatus:
        """Go there; limits refuse before anything moves."""
        work = lambda: self._laboratory.set(self._quantity, value, wait=True, settle=self._settle)  # noqa: E731
        return DeviceStatus(work, f"set-{self.name}")


class Burst:
    """A detector: `trigger` takes a burst of shots of a firing machine, `read` tells its mean trace's charge."""

    parent = None

    def __init__(self, beam: Beam, shots: int, name: str = "burst") -> None:
        self.name = name
        self._beam, self._shots = beam, shots
        self._taken: dict[str, tuple[float, float]] = {}

    @property
    def hints(self) -> dict[str, Any]:
        return {"fields": [f"{self.name}_charge"]}

    def trigger(self) -> DeviceStatus:
        """Take the shots."""
        return DeviceStatus(self._take, f"trigger-{self.name}")

    def read(self) -> dict[str, Any]:
        """Of the last burst: its shots, and the charge of the mean trace above its median in V s."""
        return {name: {"value": value, "timestamp": when} for name, (value, when) in self._taken.items()}

    def describe(self) -> dict[str, Any]:
        source = {"source": "clusterbeam:digitizer", "shape": []}
        return {
            f"{self.name}_shots": {**source, "dtype": "integer"},
            f"{self.name}_charge": {**source, "dtype": "number", "units": "V s"},
        }

    def _take(self) -> None:
        segments = self._beam.burst(self._shots)
        mean = segments.traces[:, 0].mean(axis=0) * segments.scale_V[0]
        charge = float((mean - np.median(mean)).sum() * segments.interval_s)
        now = time.time()
        self._taken = {f"{self.name}_shots": (len(segments.traces), now), f"{self.name}_charge": (charge, now)}


def quantity(laboratory: Laboratory, name: str, settle: Settle | None = None) -> Reading:
    """The device of one quantity, movable if it can be set.  `ConfigurationError` for a name that does not exist."""
    return Movable(laboratory, name, settle) if laboratory.settable(name) else Reading(laboratory, name)
