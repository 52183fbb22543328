"""Followers look at recorded blocks later, in a thread of their own."""

from pathlib import Path
from threading import Event

import numpy as np

from daq.engine.followers import BLOCKS, Followers
from daq.record.blocks import ShotBlock, Step
from daq.record.messages import Armed
from daq.record.recorder import Recorder
from tests.daq.record.test_recording import SHOTS, TRACES, header

STEP = Step(0, 0.0, 0.0, 25.0, 6.0, 432.0)


def test_a_slow_follower_sees_every_block_as_it_was_recorded(tmp_path: Path) -> None:
    """It looks when all of them are written and the ring, which has fewer slots, was filled again and again."""
    written, seen, complaints = Event(), [], list[str]()

    def follower(step: Step, block: ShotBlock) -> None:
        written.wait()
        seen.append(block.traces - TRACES)

    with Recorder(header(tmp_path / "run.h5")) as recorder, Followers([follower], complaints.append) as followers:
        try:
            for burst in range(BLOCKS):
                recorder.arm(Armed(burst, 0, burst * SHOTS, SHOTS, float(burst)))
                traces = recorder.room(TRACES.shape)
                traces[:] = TRACES + burst
                numbers = np.arange(burst * SHOTS, (burst + 1) * SHOTS)
                block = ShotBlock(0, burst, numbers, np.arange(SHOTS) * 0.05, traces, burst * SHOTS)
                recorder.record(block)
                followers.put(STEP, block)
            recorder.settle()
        finally:
            written.set()
        followers.catch_up()
    assert [set(difference.flat) for difference in seen] == [{burst} for burst in range(BLOCKS)]
    assert not complaints


def test_a_follower_that_fails_is_left_out(tmp_path: Path) -> None:
    block = ShotBlock(0, 0, np.arange(SHOTS), np.arange(SHOTS) * 0.05, TRACES)
    seen, complaints = list[ShotBlock](), list[str]()

    def stumbles(step: Step, block: ShotBlock) -> None:
        raise ValueError("too dark")

    followers = Followers([stumbles, lambda step, block: seen.append(block)], complaints.append)
    with followers:
        followers.put(STEP, block)
        followers.put(STEP, block)
    assert len(seen) == 2
    assert complaints == ["function gave up: ValueError: too dark"]
