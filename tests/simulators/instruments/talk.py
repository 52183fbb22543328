"""Talking to a simulated instrument without a wire: bytes in, bytes out, at a laboratory time of the test's choosing."""

from simulators.instruments.instrument import SimulatedInstrument


def talk(instrument: SimulatedInstrument, data: bytes, now: float = 0.0) -> bytes:
    """Everything the instrument answers to these bytes, which may hold several messages or a part of one."""
    received = bytearray(data)
    replies = b""
    for message in instrument.split(received):
        answer = instrument.answer(message, now)
        replies += bytes(answer() if callable(answer) else answer)
    return replies
