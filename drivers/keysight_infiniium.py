"""Keysight Infiniium S-Series: the digitizer, with segmented memory, over a bare socket.

Sources: programmer's reference pages and public programs that read segmented Infiniiums, as collected in the protocol sheet
(sections in brackets); *assumed* marks what none confirms.
"""

import re
import time
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from drivers.driver import NUMBER, Driver, Pause
from drivers.errors import LimitError
from drivers.infiniium_preamble import Preamble
from drivers.infiniium_quantities import CHANNELS, acquisition, of_channel, short, trigger
from drivers.infiniium_setup import check, commands, expected_numbers, expected_words
from drivers.links import Link, Probe, Terminated
from drivers.quantity import Action, Quantity, Value
from drivers.roles import DigitizerSetup, Identity, Room, SafeResult, Segments, Status, new_room

HOLE = 31232
"""Code of a sample that was not taken (section 5)."""
INVALID = 9.9e37
"""Numbers beyond it mean "no result" (section 10, 10)."""
ERROR_QUEUE = 31
"""More reads than any error queue is deep (section 8)."""
STATES = {"SING": "armed", "STOP": "stopped", "RUN": "running freely"}
RESET_S = 15.0
POLL_S = 0.05
ARM_POLL_S = 0.002
"""Shots pass by until it is armed."""
EXCHANGES, ARMING_S = 16, 0.01
"""Of `arm` and `collect` beside block and time tags; until it is armed (*assumed*)."""


class Infiniium(Driver):
    """Role `digitizer`.

    `ready_s` is the longest wait, in wall time, for being armed and for processing after the last trigger; `block_s` for
    the transfer of one channel's block (20 MB need 2 s at the 10 MB/s that are certain).  `transfer_MB_s` and `exchange_s`
    (one round trip; *assumed*) say how fast this unit is on its network; plans are forecast with them.
    """

    role = "digitizer"
    framing = Terminated(b"\n")
    command_end = b"\n"
    probe = Probe(b"*IDN?\n", lambda reply: reply.upper().startswith(b"KEYSIGHT TECHNOLOGIES,"))
    bare_socket = True
    timeout_s = 3.0
    declared: ClassVar[tuple[Quantity, ...]] = (
        Quantity("sample_rate_Hz", "Hz", query=":ACQuire:SRATe:ANALog?", low=0.0, high=80e9, source="section 3"),
        *acquisition(),
        *(one for channel in CHANNELS for one in of_channel(channel)),
        *trigger(),
    )
    actions: ClassVar[tuple[Action, ...]] = (
        Action("run", ":RUN", "section 3"),
        Action("single", ":SINGle", "section 3"),
        Action("stop", ":STOP", "section 3"),
        Action("force_trigger", "*TRG", "section 3"),
    )

    def __init__(
        self,
        name: str,
        link: Link,
        *,
        ready_s: float = 5.0,
        block_s: float = 60.0,
        transfer_MB_s: float = 10.0,
        exchange_s: float = 0.5e-3,
        pause: Pause = time.sleep,
    ) -> None:
        super().__init__(name, link, pause=pause)
        self._ready_s, self._block_s = ready_s, block_s
        self._transfer_MB_s, self._exchange_s = transfer_MB_s, exchange_s
        self._setup: DigitizerSetup | None = None
        self._segments = 0
        self._finished = False

    def identify(self) -> Identity:
        reply = self._ask("*IDN?")
        fields = [field.strip() for field in reply.split(",")]
        if len(fields) != 4 or not re.fullmatch(r"[DM]SOS\d{3}A", fields[1]):
            raise self._wrong("a Keysight Infiniium S-Series", reply)
        return Identity("Keysight", fields[1], fields[2], fields[3])

    def prepare(self) -> None:
        """Power-up settings, short replies without headers, empty error queue, stopped."""
        self._send(":STOP", "*RST")
        self.link.query(b"*OPC?\n", RESET_S)
        self._send(":SYSTem:HEADer OFF", ":SYSTem:LONGform OFF", ":STOP", "*CLS")
        self._drain_errors()
        self._setup, self._segments = None, 0

    def configure(self, setup: DigitizerSetup) -> None:
        """Set up a burst (section 4), check the error queue, and read back what would spoil data unseen.

        The length of the record is a request: how many points a segment has, and their exact interval, is only known from
        the preamble of a first acquisition (section 10, 2), so `Segments` carries them and a trial burst should be taken.
        """
        check(self.name, setup)
        self._segments, self._setup = 0, None
        self._send(*commands(setup))
        self._check_errors("the set-up")
        for query, number, tolerance in expected_numbers(setup):
            self._verify_number(query, number, tolerance)
        for query, word in expected_words(setup):
            self._verify_word(query, word)
        self._setup = setup

    def arm(self, shots: int) -> None:
        """Wait for `shots` triggers from now on.  Returns when the digitizer says that it is armed."""
        if self._setup is None:
            raise self._refused("must be configured before it is armed")
        if shots < 1:
            raise LimitError(self.name, f"cannot be armed for {shots} shots; at least 1 is needed")
        self._send(":STOP")
        if shots != self._segments:
            self._send(f":ACQuire:SEGMented:COUNt {shots}")
            self._check_errors(f"{shots} segments of {self._setup.samples} points")
            self._verify_number(":ACQuire:SEGMented:COUNt?", shots, 0)
            self._segments = shots
        for latch in (":PDER?", ":ADER?", ":AER?"):
            # They keep an old 1 until they are read (section 10, 1).
            self._flag(latch)
        self._finished = False
        self._send(":SINGle")
        self._wait("armed", lambda: self._flag(":AER?"), self._ready_s, ARM_POLL_S)
        self._check_errors(":SINGle")

    def finished(self) -> bool:
        """The latch is cleared by reading it, so a 1 is remembered."""
        self._finished = self._finished or self._flag(":ADER?")
        return self._finished

    def readout_s(self, setup: DigitizerSetup, shots: int) -> float:
        """The block, a preamble per channel, a time tag per segment, and the exchanges of `arm`."""
        transfer_s = 2 * shots * setup.samples * len(setup.channels) / (self._transfer_MB_s * 1e6)
        return transfer_s + (shots + EXCHANGES) * self._exchange_s + ARMING_S

    def captured(self) -> int:
        return self._integer("the segment count", self._ask(":WAVeform:SEGMented:COUNt?"))

    def stop(self) -> None:
        self._send(":STOP")
        self._check_errors(":STOP")

    def collect(self, room: Room = new_room) -> Segments:
        """Transfer what was captured since `arm`, after stopping an acquisition that is not complete.

        One channel is received straight into `room`; several are put together there.
        """
        if self._setup is None:
            raise self._refused("must be configured before anything can be collected")
        if not self.finished():
            self.stop()
        count = self._settled_count()
        if count == 0:
            return self._nothing()
        channels = self._setup.channels
        part = room if len(channels) == 1 else new_room
        preambles, blocks = [], []
        for channel in channels:
            self._send(f":WAVeform:SOURce CHANnel{channel}")
            preambles.append(self._preamble(count))
            blocks.append(self._block(part((count, 1, preambles[-1].points))))
        first = preambles[0]
        if any((p.points, p.interval_s, p.start_s) != (first.points, first.interval_s, first.start_s) for p in preambles):
            raise self._refused("delivers channels with different time axes; give them one set-up")
        shape = (count, len(channels), first.points)
        traces = blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=1, out=room(shape))
        tags = self._time_tags(count)
        return Segments(
            traces,
            tags,
            tuple(p.scale_V for p in preambles),
            tuple(p.offset_V for p in preambles),
            first.interval_s,
            first.start_s,
            self._remarks(traces, tags),
            tuple(
                p.code_at(o + f / 2) for p, f, o in zip(preambles, self._setup.full_scale_V, self._setup.offset_V, strict=True)
            ),
        )

    def status(self) -> Status:
        reply = self._ask(":RSTate?")
        # Until `prepare` has switched them off, a reply may have its header in front.
        state = STATES.get(reply.rpartition(" ")[2].upper())
        if state is None:
            raise self._garbled(f":RSTate? was answered with {reply!r}")
        return Status(state, state != "running freely")

    def make_safe(self) -> SafeResult:
        self.link.send_regardless(b"\n:STOP\n")
        stopped = self.status().state == "stopped"
        return SafeResult(stopped, "stopped" if stopped else "still acquiring")

    def _settled_count(self) -> int:
        """Segments that can be read.  The count may lag behind (section 3): a complete one is waited for, a partial one is
        taken when it no longer grows."""
        deadline = time.monotonic() + self._ready_s
        before = -1
        while True:
            count = self.captured()
            complete = count >= self._segments
            if complete or (count == before and not self._finished) or time.monotonic() > deadline:
                return count
            before = count
            self._pause(POLL_S)

    def _nothing(self) -> Segments:
        assert self._setup is not None
        channels = len(self._setup.channels)
        traces = np.empty((0, channels, self._setup.samples), dtype=np.int16)
        return Segments(traces, np.empty(0), (1.0,) * channels, (0.0,) * channels, 1 / self._setup.sample_rate_Hz, 0.0)

    def _preamble(self, count: int) -> Preamble:
        """The preamble of the current source; no points means that it is still processing (section 10, 9)."""
        deadline = time.monotonic() + self._ready_s
        while True:
            reply = self._ask(":WAVeform:PREamble?")
            try:
                preamble = Preamble.parse(reply)
            except ValueError as error:
                raise self._garbled(f"the preamble has {error}: {reply!r}") from None
            wrong = preamble.why_not(count)
            if wrong is not None:
                raise self._refused(wrong)
            if preamble.points:
                return preamble
            if time.monotonic() > deadline:
                raise self._refused(f"has no points {self._ready_s:g} s after the acquisition")
            self._pause(POLL_S)

    def _block(self, block: NDArray[np.int16]) -> NDArray[np.int16]:
        """`block`, filled with all segments of the current source (section 6)."""
        self.link.query_block(b":WAVeform:DATA?\n", block.reshape(-1).view(np.uint8).data, self._block_s)
        return block

    def _time_tags(self, count: int) -> NDArray[np.float64]:
        """One round trip each (section 4); NaN where there is no result."""
        tags = np.empty(count)
        for segment in range(count):
            query = f":ACQuire:SEGMented:INDex {segment + 1};:WAVeform:SEGMented:TTAG?"
            tags[segment] = self._number("a time tag", self._ask(query))
        tags[np.abs(tags) > INVALID] = np.nan
        given = tags[np.isfinite(tags)]
        if (np.isfinite(tags[0]) and tags[0] != 0.0) or np.any(np.diff(given) <= 0):
            raise self._garbled("the time tags of the segments do not rise from 0")
        return tags

    def _remarks(self, traces: NDArray[np.int16], tags: NDArray[np.float64]) -> tuple[str, ...]:
        # Looking for the highest code takes a third of the time.
        holes = int(np.count_nonzero(traces == HOLE)) if traces.max() >= HOLE else 0
        untagged = int(np.count_nonzero(np.isnan(tags)))
        remarks = []
        if self._finished and len(tags) < self._segments:
            remarks.append(f"finished, but with {len(tags)} of {self._segments} segments")
        if holes:
            remarks.append(f"{holes} samples were not taken")
        if untagged:
            remarks.append(f"{untagged} segments have no time tag")
        return tuple(remarks)

    def _verify_number(self, query: str, wanted: float, tolerance: float) -> None:
        back = self._number(query, self._ask(query))
        if abs(back - wanted) > tolerance:
            raise self._refused(f"{query} reads back {back:g} after {wanted:g} was set")

    def _verify_word(self, query: str, wanted: str) -> None:
        """Words come in their long or their short form."""
        back = self._ask(query)
        if back.upper() not in (wanted.upper(), short(wanted)):
            raise self._refused(f"{query} reads back {back!r} after {wanted} was set")

    def _flag(self, query: str) -> bool:
        return bool(self._integer(query, self._ask(query)))

    def _drain_errors(self) -> None:
        for _ in range(ERROR_QUEUE):
            if self._integer(":SYSTem:ERRor?", self._ask(":SYSTem:ERRor?"), low=None) == 0:
                return

    def _check_errors(self, what: str) -> None:
        reply = self._ask(":SYSTem:ERRor? STRing")
        if self._integer(":SYSTem:ERRor?", reply.partition(",")[0], low=None):
            self._drain_errors()
            raise self._refused(f"{what}: {reply}")

    def _ask(self, text: str) -> str:
        return self.link.query(self._line(text)).decode("ascii", "replace").strip(" ")

    def _tell(self, text: str) -> None:
        self._send(text)
        self._check_errors(text)

    def _parse(self, quantity: Quantity, reply: str) -> Value:
        """Words come in their short form, whatever form was sent; numbers may come as `NR3` where a count is meant."""
        if quantity.kind is str and quantity.choices:
            for choice in quantity.choices:
                if reply.upper() in (str(choice).upper(), short(str(choice))):
                    return choice
        if quantity.kind is int and NUMBER.fullmatch(reply) and float(reply).is_integer():
            return self._believed(quantity, int(float(reply)))
        return super()._parse(quantity, reply)

    def _write(self, quantity: Quantity, value: Value) -> None:
        within = 1e-3 * max(abs(float(value)), 1e-12) if quantity.kind is float else 0.0
        self._write_and_compare(quantity, value, within)

    def _send(self, *texts: str) -> None:
        for text in texts:
            self.link.send(self._line(text))
