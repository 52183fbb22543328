"""What a run under way, or a recorded one that is replayed, shows: typed messages, the same for both."""

from collections.abc import Iterator
from typing import BinaryIO

import msgspec
import numpy as np

from daq.analysis.runs import PointResults
from daq.face.reduced import ClusterProfile, Moments, Published, Reduced, Spectrum
from daq.record.messages import framed, read_body
from daq.reduce import Profiles

_decoder = msgspec.msgpack.Decoder(Published)


def reduced(run_id: str, shots: int, profiles: Profiles) -> Reduced:
    spectra = [
        Spectrum(field_T, sums.shots, sums.codes.tobytes(), sums.baseline) for field_T, sums in sorted(profiles.spectra.items())
    ]
    return Reduced(run_id, shots, tuple(spectra), tuple(_profiles(profiles)))


def _profiles(profiles: Profiles) -> Iterator[ClusterProfile]:
    for field_T in profiles.fields_T:
        if profiles.shots(field_T) < 2:
            continue
        for window in profiles.windows:
            one = profiles.profile(window.size, field_T)
            errors = np.sqrt(np.maximum(np.diag(one.covariance), 0.0))
            arrays = (array.tobytes() for array in (one.time_s, one.values, errors))
            yield ClusterProfile(window.size, field_T, one.shots, *arrays)


def moments(run_id: str, found: list[PointResults]) -> Moments:
    return Moments(run_id, tuple({"point": one.point, **one.results.document()} for one in found))


def put(stream: BinaryIO, message: Published) -> None:
    """Write one message, its length in front, and flush it."""
    stream.write(framed(msgspec.msgpack.encode(message)))
    stream.flush()


def get(stream: BinaryIO) -> Published | None:
    """The next message; None at the end."""
    body = read_body(stream)
    if body is None:
        return None
    message: Published = _decoder.decode(body)
    return message
