"""Some thousand damaged messages; `benchmarks/fuzz.py` sends a million."""

import random
import subprocess
import sys
from pathlib import Path

import msgpack
from hypothesis import given
from hypothesis import strategies as st

from daq.service.messages import Hello, MalformedError, from_client
from tests.daq.service import rules
from tests.daq.service.mutations import Maker

FUZZ = Path(__file__).parents[3] / "benchmarks" / "fuzz.py"


def understood(frame: bytes) -> bool:
    try:
        return not isinstance(from_client(frame), Hello)
    except MalformedError:
        return False


@given(st.integers(0, 2**32))
def test_a_message_is_one_for_both_readings_of_the_rules(seed: int) -> None:
    maker = Maker(random.Random(seed))
    for number in range(1, 20):
        document = maker.document(bytes(16), number)
        frame = msgpack.packb(document)
        assert understood(frame)
        assert rules.read(frame)
        damaged = maker.mutated(document, [frame])
        assert understood(damaged) == bool(rules.read(damaged)), damaged


def test_nothing_comes_of_damaged_messages() -> None:
    result = subprocess.run([sys.executable, "-P", str(FUZZ), "5000"], capture_output=True, text=True, timeout=55, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 crashes" in result.stdout
