"""Keysight Infiniium S-Series: the digitizer, with segmented memory, over a bare socket.

Sources: programmer's reference pages and public programs that read segmented Infiniiums, as collected in the protocol sheet
(sections in brackets); *assumed* marks what none confirms.
"""

import re
import time
from collections.abc import Callable
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from drivers.driver import Driver
from drivers.links import Link, Probe, Terminated
from drivers.quantity import Quantity
from drivers.roles import DigitizerSetup, Identity, SafeResult, Segments, Status

PREAMBLE_FIELDS = 25
WORD, SEGMENTED = "2", "2"
ERROR_QUEUE = 31
"""More reads than any error queue is deep (sheet, section 8)."""
DONE_S = 5.0
POLL_S = 0.01
BLOCK_S = 30.0
"""Longest transfer of one channel's block."""
NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?")


class Infiniium(Driver):
    """Role `digitizer`."""

    framing = Terminated(b"\n")
    probe = Probe(b"*IDN?\n", lambda reply: reply.upper().startswith(b"KEYSIGHT TECHNOLOGIES,"))
    bare_socket = True
    timeout_s = 3.0
    declared: ClassVar[tuple[Quantity, ...]] = (
        Quantity("sample_rate_Hz", "Hz", query=":ACQuire:SRATe:ANALog?", low=0.0, high=80e9, source="section 3"),
    )

    def __init__(self, name: str, link: Link, *, pause: Callable[[float], None] = time.sleep) -> None:
        super().__init__(name, link)
        self._pause = pause
        self._setup: DigitizerSetup | None = None
        self._segments = 0
        self._finished = False

    def identify(self) -> Identity:
        reply = self._ask("*IDN?")
        fields = [field.strip() for field in reply.split(",")]
        if len(fields) != 4 or not re.fullmatch(r"(DSO|MSO)[A-Z]?\d+[A-Z]", fields[1]):
            raise self._wrong("a Keysight Infiniium", reply)
        return Identity("Keysight", fields[1], fields[2], fields[3])

    def prepare(self) -> None:
        """Replies without headers, power-up settings, empty error queue."""
        self._send(":STOP")
        self._send("*RST")
        self._send(":SYSTem:HEADer OFF")
        self._send("*CLS")
        self._drain_errors()
        self._setup, self._segments = None, 0

    def configure(self, setup: DigitizerSetup) -> None:
        """Set up a burst (sheet, section 4).  What the record really is only shows after an acquisition (section 10, 2)."""
        duration_s = setup.samples / setup.sample_rate_Hz
        for channel, full_scale_V, offset_V in zip(setup.channels, setup.full_scale_V, setup.offset_V, strict=True):
            self._send(f":CHANnel{channel}:DISPlay ON")
            self._send(f":CHANnel{channel}:INPut DC50")
            self._send(f":CHANnel{channel}:SCALe {full_scale_V / 8:.6E}")
            self._send(f":CHANnel{channel}:OFFSet {offset_V:.6E}")
        for text in (
            ":TIMebase:REFerence LEFT",
            f":TIMebase:RANGe {duration_s:.9E}",
            ":TIMebase:POSition 0",
            ":TRIGger:MODE EDGE",
            ":TRIGger:SWEep TRIGgered",
            f":TRIGger:EDGE:SOURce {setup.trigger_source}",
            ":TRIGger:EDGE:SLOPe POSitive",
            f":TRIGger:LEVel {setup.trigger_source},{setup.trigger_level_V:.4E}",
            ":ACQuire:MODE SEGMented",
            ":ACQuire:INTerpolate OFF",
            ":ACQuire:AVERage OFF",
            f":ACQuire:SRATe:ANALog {setup.sample_rate_Hz:.6E}",
            f":ACQuire:POINts:ANALog {setup.samples}",
            ":WAVeform:FORMat WORD",
            ":WAVeform:BYTeorder LSBFirst",
            ":WAVeform:STReaming OFF",
            ":WAVeform:SEGMented:ALL ON",
        ):
            self._send(text)
        self._check_errors("the digitizer's set-up")
        rate = self._number(":ACQuire:SRATe:ANALog?")
        if abs(rate - setup.sample_rate_Hz) > 1e-3 * setup.sample_rate_Hz:
            raise self._refused(f"samples at {rate:g} S/s though {setup.sample_rate_Hz:g} S/s was asked for")
        self._setup, self._segments = setup, 0

    def arm(self, shots: int) -> None:
        if self._setup is None:
            raise self._refused("must be configured before it is armed")
        self._send(":STOP")
        if shots != self._segments:
            self._send(f":ACQuire:SEGMented:COUNt {shots}")
            if self._number(":ACQuire:SEGMented:COUNt?") != shots:
                raise self._refused(f"does not take {shots} segments of {self._setup.samples} points")
            self._segments = shots
        # The latches keep an old 1 until they are read (section 10, 1).
        self._ask(":PDER?")
        self._ask(":ADER?")
        self._finished = False
        self._send(":SINGle")
        self._check_errors(":SINGle")

    def finished(self) -> bool:
        self._finished = self._finished or self._flag(":ADER?")
        return self._finished

    def captured(self) -> int:
        return int(self._number(":WAVeform:SEGMented:COUNt?"))

    def stop(self) -> None:
        self._send(":STOP")
        self._check_errors(":STOP")

    def collect(self) -> Segments:
        if self._setup is None:
            raise self._refused("must be configured before anything can be collected")
        count = self._settled_count()
        if count == 0:
            return self._nothing()
        blocks, scales, offsets = [], [], []
        interval_s = start_s = 0.0
        for channel in self._setup.channels:
            self._send(f":WAVeform:SOURce CHANnel{channel}")
            preamble = self._preamble(count)
            blocks.append(self._block(count, int(preamble[2])))
            interval_s, start_s = float(preamble[4]), float(preamble[5])
            scales.append(float(preamble[7]))
            offsets.append(float(preamble[8]))
        traces = blocks[0][:, np.newaxis] if len(blocks) == 1 else np.stack(blocks, axis=1)
        return Segments(traces, self._time_tags(count), tuple(scales), tuple(offsets), interval_s, start_s)

    def status(self) -> Status:
        state = self._ask(":RSTate?")
        return Status({"SING": "armed", "STOP": "stopped", "RUN": "running"}.get(state, state), True)

    def make_safe(self) -> SafeResult:
        self.stop()
        stopped = self.status().state == "stopped"
        return SafeResult(stopped, "stopped" if stopped else "still acquiring")

    def _settled_count(self) -> int:
        """Segments that can be read; the count may lag behind the acquisition (section 3), so a full one is waited for."""
        deadline = time.monotonic() + DONE_S
        while True:
            count = self.captured()
            if not self._finished or count >= self._segments or time.monotonic() > deadline:
                return count
            self._pause(POLL_S)

    def _nothing(self) -> Segments:
        assert self._setup is not None
        channels = len(self._setup.channels)
        traces = np.empty((0, channels, self._setup.samples), dtype=np.int16)
        return Segments(traces, np.empty(0), (1.0,) * channels, (0.0,) * channels, 1 / self._setup.sample_rate_Hz, 0.0)

    def _preamble(self, count: int) -> list[str]:
        fields = self._ask(":WAVeform:PREamble?").split(",")
        numbers = (*fields[:10], fields[-1])
        if len(fields) != PREAMBLE_FIELDS or not all(NUMBER.fullmatch(field.strip()) for field in numbers):
            raise self._garbled(f"the preamble came as {','.join(fields)!r}")
        if fields[0] != WORD or fields[18] != SEGMENTED or int(fields[-1]) != count or int(fields[2]) <= 0:
            raise self._refused(
                f"delivers format {fields[0]}, mode {fields[18]}, {fields[-1]} segments of {fields[2]} points; expected WORD, "
                f"segmented, {count} segments"
            )
        return fields

    def _block(self, count: int, points: int) -> NDArray[np.int16]:
        """All segments of the current source, received straight into one array (section 6)."""
        block = np.empty((count, points), dtype="<i2")
        self.link.query_block(b":WAVeform:DATA?\n", block.reshape(-1).view(np.uint8).data, BLOCK_S)
        return block

    def _time_tags(self, count: int) -> NDArray[np.float64]:
        tags = np.empty(count)
        for segment in range(count):
            tags[segment] = self._number(f":ACQuire:SEGMented:INDex {segment + 1};:WAVeform:SEGMented:TTAG?")
        if tags[0] != 0.0 or np.any(np.diff(tags) <= 0):
            raise self._garbled("the time tags of the segments do not rise from 0")
        return tags

    def _flag(self, query: str) -> bool:
        return self._number(query) == 1

    def _number(self, query: str) -> float:
        reply = self._ask(query)
        if NUMBER.fullmatch(reply) is None:
            raise self._garbled(f"{query} was answered with {reply!r}")
        return float(reply)

    def _drain_errors(self) -> None:
        for _ in range(ERROR_QUEUE):
            if self._number(":SYSTem:ERRor?") == 0:
                return

    def _check_errors(self, what: str) -> None:
        reply = self._ask(":SYSTem:ERRor? STRing")
        code = reply.partition(",")[0]
        if NUMBER.fullmatch(code) is None:
            raise self._garbled(f":SYSTem:ERRor? was answered with {reply!r}")
        if int(code):
            self._drain_errors()
            raise self._refused(f"{what}: {reply}")

    def _ask(self, text: str) -> str:
        return self.link.query(text.encode("ascii") + b"\n").decode("ascii", "replace").strip()

    def _send(self, text: str) -> None:
        self.link.send(text.encode("ascii") + b"\n")
