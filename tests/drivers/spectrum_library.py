"""A stand-in for the maker's driver library below the real `spcm` package: registers, DMA buffers, triggers on demand."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

HIGHEST_HZ = 2_500_000_000
BAD_VALUE, NO_CARD = 0x0101, 0
DATA, STAMPS = 1000, 3000
(M2CMD, STATUS, USER_LEN, STAMPS_LEN, SEGMENT, POST, LOOPS, RATE, ENABLED, COUNT, MODE) = (
    100,
    110,
    200,
    220,
    10010,
    10100,
    10020,
    20000,
    11000,
    11001,
    9500,
)
START, STOP, RESET, ENABLE_TRIGGER = 0x4, 0x40, 0x1, 0x8
READY = 0x4
FIFO_MULTI, EXT0, RISING, PULSE_MV = 0x20, 2, 1, 4000
"""Recording mode, trigger mask and slope that suit the pulses, and their height (*assumed*)."""
ORMASK, SLOPE, LEVEL = 40410, 40510, 42320
RANGES = (200, 500, 1000, 2500)
DRIVER_VERSION = 7 << 24 | 5 << 16 | 22000
FUNCTIONS = (
    "spcm_hOpen",
    "spcm_vClose",
    "spcm_dwGetErrorInfo_i32",
    "spcm_dwGetErrorInfo_i64",
    "spcm_dwGetErrorInfo_d64",
    "spcm_dwGetParam_i32",
    "spcm_dwGetParam_i64",
    "spcm_dwGetParam_d64",
    "spcm_dwGetParam_ptr",
    "spcm_dwSetParam_i32",
    "spcm_dwSetParam_i64",
    "spcm_dwSetParam_d64",
    "spcm_dwSetParam_ptr",
    "spcm_dwSetParam_i64m",
    "spcm_dwDefTransfer_i64",
    "spcm_dwInvalidateBuf",
    "spcm_dwGetContBuf_i64",
    "spcm_dwDiscovery",
    "spcm_dwSendIDNRequest",
)


class Card:
    """One M4i.2220-x8 (8 bit) behind the library's functions; `trigger` is what its outside trigger input sees."""

    def __init__(self) -> None:
        self.name, self.present = b"M4i.2220-x8", True
        self.commands: list[int] = []
        self.deaf: dict[int, int] = {}
        """Registers that keep a value of their own, whatever is set."""
        self.error = ""
        self.power_up()

    def power_up(self) -> None:
        fixed = {2001: 0x1, 2000: 0x72220, 2120: 0, 2121: 0, 1126: 127, 1175: 0, 2030: 12345, 1200: DRIVER_VERSION, 1125: 8}
        self.registers: dict[int, int] = {**fixed, 1120: 1, STATUS: 0, USER_LEN: 0, STAMPS_LEN: 0, COUNT: 1, ENABLED: 1}
        self.buffers: dict[int, tuple[int, int]] = {}
        self.running = False

    def trigger(self, traces: NDArray[np.int8], ticks: list[int], *, stamped: int | None = None) -> None:
        """Segments int8[shots, samples, channels] with the sample clock's count at each; not more than are armed count, and
        none unless mode and trigger suit pulses at the outside input."""
        suits = (self.registers.get(MODE), self.registers.get(ORMASK), self.registers.get(SLOPE)) == (FIFO_MULTI, EXT0, RISING)
        if not self.running or not suits or not 0 < self.registers.get(LEVEL, 0) < PULSE_MV:
            return
        left = self.registers[LOOPS] - self.registers[USER_LEN] // (traces[0].size or 1)
        for segment, tick in list(zip(traces, ticks, strict=True))[:left]:
            assert segment.size == self.registers[SEGMENT] * self.registers[COUNT]
            self._store(DATA, USER_LEN, segment.tobytes())
            if stamped is None or self.registers[STAMPS_LEN] < 16 * stamped:
                self._store(STAMPS, STAMPS_LEN, np.array([tick, 0], dtype=np.int64).tobytes())
        if len(traces) >= left:
            self.registers[STATUS] |= READY

    def _store(self, kind: int, length: int, data: bytes) -> None:
        address, size = self.buffers[kind]
        filled = self.registers[length]
        assert filled + len(data) <= size
        ctypes.memmove(address + filled, data, len(data))
        self.registers[length] = filled + len(data)

    def set(self, register: int, value: int) -> int:
        if register == RATE and value not in [HIGHEST_HZ >> n for n in range(6)]:
            return self._refuse(f"sample rate {value} is not available")
        if register == SEGMENT and (value % 32 or value <= 0):
            return self._refuse(f"segment size {value} is not a multiple of 32")
        if register == POST and not 0 < value < self.registers.get(SEGMENT, 0):
            return self._refuse(f"post-trigger {value} does not fit")
        if register in (30010, 30110) and value not in RANGES:
            return self._refuse(f"range {value} mV is not available")
        if register == ENABLED:
            self.registers[COUNT] = value.bit_count()
        if register == M2CMD:
            self._command(value)
        self.registers[register] = self.deaf.get(register, value)
        return 0

    def _command(self, value: int) -> None:
        self.commands.append(value)
        if value & RESET:
            self.power_up()
        if value & START and value & ENABLE_TRIGGER:
            self.running = True
            self.registers |= {STATUS: 0, USER_LEN: 0, STAMPS_LEN: 0}
        if value & STOP:
            self.running = False
            self.registers[STATUS] |= READY

    def _refuse(self, text: str) -> int:
        self.error = text
        return BAD_VALUE


class Library:
    """The functions that `spcm_core` looks for, on one card."""

    def __init__(self, card: Card) -> None:
        self._card = card
        for name in FUNCTIONS:
            setattr(self, name, self._function(name))

    def _function(self, name: str) -> Any:
        card = self._card

        # Plain functions, since the package hangs its prototypes on them.
        def call(*arguments: Any) -> Any:
            match name:
                case "spcm_hOpen":
                    return 1 if card.present else NO_CARD
                case "spcm_dwGetParam_i64" | "spcm_dwGetParam_i32":
                    arguments[2]._obj.value = card.registers.get(arguments[1], 0)
                case "spcm_dwGetParam_ptr":
                    arguments[2]._obj.value = card.name
                case "spcm_dwSetParam_i64":
                    return card.set(arguments[1], arguments[2].value)
                case "spcm_dwDefTransfer_i64":
                    card.buffers[arguments[1]] = (arguments[4].value, arguments[6].value)
                case "spcm_dwGetErrorInfo_i32":
                    arguments[3]._obj.value = card.error.encode()
                case "spcm_vClose" | "spcm_dwSetParam_ptr":
                    pass
                case _:
                    raise AssertionError(f"{name} is not expected")
            return 0

        return call


@contextmanager
def installed(card: Card) -> Iterator[None]:
    """The library where the package looks for it, and the package forgotten afterwards."""

    def forget() -> None:
        for name in [one for one in sys.modules if one.split(".")[0] in ("spcm", "spcm_core")]:
            del sys.modules[name]

    forget()
    with mock.patch.object(ctypes.cdll, "LoadLibrary", return_value=Library(card)):
        try:
            yield
        finally:
            forget()
