"""Spectrum M4i.22xx digitizer card, through the maker's `spcm` package.

Sources: that package and its examples, and open programs, as collected in the protocol sheet; *assumed* marks what none
confirms.  There is no wire: the package loads the maker's driver library, so it is imported only when a card is opened.

A burst is one FIFO multiple recording of as many segments as were armed, into a buffer on the host that holds all of them:
nothing can be overwritten, and the card re-arms by itself between triggers.
"""

import time
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from drivers.driver import Driver, Pause
from drivers.errors import GarbledReply, LimitError, LinkClosed
from drivers.quantity import Quantity, Value
from drivers.roles import DigitizerSetup, Identity, Room, SafeResult, Segments, Status, new_room

FAMILY = "M4i.22"
RANGES_MV = (200, 500, 1000, 2500)
"""Input ranges ± of the 22xx (sheet, families)."""
STEP = 32
"""Segments come in multiples of this many samples; as many of them precede the trigger."""
DATA_OVERRUN, DATA_ERROR, TIMESTAMP_OVERRUN = 0x400, 0x800, 0x4000
READY = 0x4
FAULTS = {DATA_OVERRUN: "data overrun", DATA_ERROR: "data error", TIMESTAMP_OVERRUN: "time-stamp overrun"}
"""Bits of SPC_M2STATUS."""
STAMP_BYTES = 16
RESTART_S = 2e-3
"""Stopping and starting the card again (*assumed*)."""


class SpectrumM4i(Driver):
    """Role `digitizer`.

    The address is the card's: `/dev/spcm0`, or that of a digitizerNETBOX.  `copy_MB_s` is how fast samples are widened and
    copied out of the transfer buffer (of the computer; *assumed*, measure it).  The sample rate must be the card's highest
    divided by a power of two; the record is rounded up to a multiple of 32 samples, of which 32 precede the trigger.
    """

    role = "digitizer"
    on_a_wire = False
    declared: ClassVar[tuple[Quantity, ...]] = (
        Quantity("sample_rate_Hz", "Hz", query="SPC_SAMPLERATE", low=0.0, high=10e9, source="families"),
        Quantity("memory_filled_permille", "", int, query="SPC_FILLSIZEPROMILLE", low=0, high=1000, source="call sequence"),
        Quantity("status_word", "", int, query="SPC_M2STATUS", low=0, high=0xFFFFFFFF, source="modes"),
    )

    def __init__(
        self, name: str, address: str, *, ready_s: float = 5.0, copy_MB_s: float = 500.0, pause: Pause = time.sleep
    ) -> None:
        self.name, self.link, self._pause = name, None, pause  # type: ignore[assignment]
        self.quantities = {quantity.name: quantity for quantity in self.declared}
        self._believable = dict(self.quantities)
        self._address, self._ready_s, self._copy_MB_s = address, ready_s, copy_MB_s
        self._spcm: Any = None
        self._card: Any = None
        self._setup: DigitizerSetup | None = None
        self._samples = self._armed = 0
        self._data: Any = None
        self._stamps: Any = None

    def open(self) -> None:
        """Take the card.  `LinkClosed` where it, or its maker's library, is not there."""
        try:
            import spcm
        except Exception as error:
            # Without the library the package raises a bare Exception while it is imported.
            raise LinkClosed(self.name, f"the maker's driver library is not installed ({error})") from None
        self._spcm = spcm
        self._card = spcm.Card(self._address)
        self._call("open", self._card.open)

    def identify(self) -> Identity:
        name = str(self._card.product_name())
        if not name.startswith(FAMILY):
            self._card.close()
            raise self._wrong("a Spectrum M4i.22xx", name)
        return Identity("Spectrum", name, f"{self._card.sn():05d}", f"driver {self._version()}")

    def prepare(self) -> None:
        self._call("reset", self._card.reset)
        self._setup, self._armed = None, 0

    def configure(self, setup: DigitizerSetup) -> None:
        """Set up a burst; what would spoil data unseen is read back, everything else refuses by an error."""
        ranges = [self._range_mV(*channel) for channel in zip(setup.full_scale_V, setup.offset_V, strict=True)]
        if setup.samples < 1 or not setup.channels:
            raise LimitError(self.name, f"{setup.samples} samples of {len(setup.channels)} channels cannot be recorded")
        spcm, self._setup = self._spcm, None
        self._samples = -(-setup.samples // STEP) * STEP
        amplitudes = [
            (f"range of channel {channel}", spcm.SPC_AMP0 + 100 * (channel - 1), mV)
            for channel, mV in zip(setup.channels, ranges, strict=True)
        ]
        for register, value in (
            (spcm.SPC_CHENABLE, sum(1 << channel - 1 for channel in setup.channels)),
            (spcm.SPC_CARDMODE, spcm.SPC_REC_FIFO_MULTI),
            (spcm.SPC_CLOCKMODE, spcm.SPC_CM_INTPLL),
            (spcm.SPC_SAMPLERATE, round(setup.sample_rate_Hz)),
            *((register, mV) for _, register, mV in amplitudes),
            (spcm.SPC_TRIG_ORMASK, spcm.SPC_TMASK_EXT0),
            (spcm.SPC_TRIG_EXT0_MODE, spcm.SPC_TM_POS),
            (spcm.SPC_TRIG_EXT0_ACDC, 0),
            (spcm.SPC_TRIG_EXT0_LEVEL0, round(1000 * setup.trigger_level_V)),
            (spcm.SPC_TIMESTAMP_CMD, spcm.SPC_TSMODE_STARTRESET | spcm.SPC_TSCNT_INTERNAL),
        ):
            self._set(register, value)
        for what, register, wanted in (
            ("sample rate", spcm.SPC_SAMPLERATE, round(setup.sample_rate_Hz)),
            ("number of channels", spcm.SPC_CHCOUNT, len(setup.channels)),
            ("recording mode", spcm.SPC_CARDMODE, spcm.SPC_REC_FIFO_MULTI),
            ("trigger source", spcm.SPC_TRIG_ORMASK, spcm.SPC_TMASK_EXT0),
            ("trigger slope", spcm.SPC_TRIG_EXT0_MODE, spcm.SPC_TM_POS),
            *amplitudes,
        ):
            back = self._get(register)
            if back != wanted:
                raise self._refused(f"{what} reads back {back} after {wanted} was set")
        self._setup = setup

    def arm(self, shots: int) -> None:
        """Wait for `shots` triggers from now on; the buffer for all of them is made first."""
        if self._setup is None:
            raise self._refused("must be configured before it is armed")
        if shots < 1:
            raise LimitError(self.name, f"cannot be armed for {shots} shots; at least 1 is needed")
        spcm = self._spcm
        self.stop()
        self._armed = shots
        self._set(spcm.SPC_LOOPS, shots)
        self._data, self._stamps = spcm.Multi(self._card), spcm.TimeStamp(self._card)
        self._call("make room for a burst", lambda: self._data.allocate_buffer(self._samples, shots))
        self._call("set the post-trigger", lambda: self._data.post_trigger(self._samples - STEP))
        self._stamps.allocate_buffer(shots)
        self._call("start the time stamps", lambda: self._stamps.start_buffer_transfer(spcm.M2CMD_EXTRA_POLL))
        self._call("start the transfer", lambda: self._data.start_buffer_transfer(spcm.M2CMD_DATA_STARTDMA))
        self._call("start", lambda: self._card.start(spcm.M2CMD_CARD_ENABLETRIGGER))

    def finished(self) -> bool:
        return self._armed > 0 and self.captured() >= self._armed

    def readout_s(self, setup: DigitizerSetup, shots: int) -> float:
        """The card transfers while it records, so only copying a burst and starting anew cost time."""
        return RESTART_S + shots * setup.samples * len(setup.channels) / (self._copy_MB_s * 1e6)

    def captured(self) -> int:
        self._raise_overrun()
        if self._data is None:
            return 0
        return int(self._get(self._spcm.SPC_DATA_AVAIL_USER_LEN)) // self._segment_bytes()

    def stop(self) -> None:
        spcm = self._spcm
        self._call("stop", lambda: self._card.stop(spcm.M2CMD_DATA_STOPDMA, spcm.M2CMD_EXTRA_STOPDMA))

    def collect(self, room: Room = new_room) -> Segments:
        """Copy what was captured since `arm` out of the transfer buffer, after stopping an acquisition that is not complete."""
        if self._setup is None or self._data is None:
            raise self._refused("must be configured and armed before anything can be collected")
        if self.captured() < self._armed:
            self._call("stop the triggers", lambda: self._card.cmd(self._spcm.M2CMD_CARD_STOP))
        count = self.captured()
        # [segment, sample, channel] of whatever width the card has
        codes: NDArray[Any] = self._data.buffer[:count]
        traces = (room if count else new_room)((count, codes.shape[2], codes.shape[1]))
        traces[:] = codes.transpose(0, 2, 1)
        tags, remarks = self._time_tags(count)
        self.stop()
        # The code of full scale; whether a clipped sample has it or the one below, depends on the card.
        highest = int(self._card.max_sample_value())
        scales = tuple(
            self._range_mV(full_V, offset_V) / 1000 / highest
            for full_V, offset_V in zip(self._setup.full_scale_V, self._setup.offset_V, strict=True)
        )
        interval_s = 1 / self._setup.sample_rate_Hz
        zeros, limits = (0.0,) * len(scales), (highest - 1,) * len(scales)
        return Segments(traces, tags, scales, zeros, interval_s, -STEP * interval_s, remarks, limits)

    def status(self) -> Status:
        word = self._get(self._spcm.SPC_M2STATUS)
        warnings = tuple(text for bit, text in FAULTS.items() if word & bit)
        waiting = self._armed and not word & READY
        return Status("waiting for triggers" if waiting else "stopped", not warnings, warnings)

    def make_safe(self) -> SafeResult:
        self.stop()
        return SafeResult(True, "stopped")

    def close(self) -> None:
        self._card.close()

    def _time_tags(self, count: int) -> tuple[NDArray[np.float64], tuple[str, ...]]:
        stamps = int(self._get(self._spcm.SPC_TS_AVAIL_USER_LEN)) // STAMP_BYTES
        tags = np.full(count, np.nan)
        given = min(count, stamps)
        ticks = np.asarray(self._stamps.buffer[:given, 0], dtype=np.int64)
        tags[:given] = (ticks - (ticks[0] if given else 0)) * (1 / float(self._get(self._spcm.SPC_SAMPLERATE)))
        if np.any(np.diff(tags[:given]) <= 0):
            raise self._garbled("the time tags of the segments do not rise")
        return tags, () if given == count else (f"{count - given} segments have no time tag",)

    def _range_mV(self, full_scale_V: float, offset_V: float) -> int:
        """The narrowest input range that holds `offset_V` ± half of `full_scale_V`; the card's own offset is not used."""
        needed_mV = 1000 * (full_scale_V / 2 + abs(offset_V))
        for range_mV in RANGES_MV:
            if needed_mV <= range_mV * (1 + 1e-9):
                return range_mV
        raise LimitError(self.name, f"full_scale_V = {full_scale_V:g} at {offset_V:g} V needs more than ±{RANGES_MV[-1]} mV")

    def _segment_bytes(self) -> int:
        return int(self._samples * self._data.bytes_per_sample * self._data.num_channels)

    def _raise_overrun(self) -> None:
        word = self._get(self._spcm.SPC_M2STATUS)
        lost = [text for bit, text in FAULTS.items() if word & bit]
        if lost:
            raise self._refused(f"lost data: {', '.join(lost)}")

    def _read(self, quantity: Quantity) -> Value:
        value = self._get(getattr(self._spcm, quantity.query))
        return quantity.kind(self._believed(quantity, value))

    def _garbled(self, what: str) -> GarbledReply:
        return GarbledReply(self.name, what)

    def _version(self) -> str:
        version = self._call("ask its driver's version", self._card.drv_version)
        return f"{version['major']}.{version['minor']}.{version['build']}"

    def _get(self, register: int) -> int:
        return int(self._call(f"read register {register}", lambda: self._card.get_i(register)))

    def _set(self, register: int, value: int) -> None:
        self._call(f"set register {register} to {value}", lambda: self._card.set_i(register, value))

    def _call(self, what: str, call: Any) -> Any:
        """Anything the maker's package can raise, as one of our errors."""
        spcm = self._spcm
        try:
            return call()
        except spcm.SpcmDeviceNotFound as error:
            raise LinkClosed(self.name, f"cannot connect: {error}") from None
        except (spcm.SpcmTimeout, spcm.SpcmException, ValueError) as error:
            raise self._refused(f"cannot {what}: {error}") from None
