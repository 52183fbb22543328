"""The short version of the campaign in `benchmarks/safety.py`: engines that go while lasers fire at full field."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.timeout(150)
@pytest.mark.parametrize(
    ("way", "trials"), [("engine killed (SIGKILL)", 2), ("Ctrl-C, and nobody reads", 1), ("wires dropped", 1)]
)
def test_everything_is_safe_afterwards(way: str, trials: int, tmp_path: Path) -> None:
    """In the second of two trials an instrument is dead."""
    command = [sys.executable, "-P", str(ROOT / "benchmarks" / "safety.py"), str(trials), "--only", way, "--within", "20"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=140, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(rf"^{re.escape(way)}: {trials} safe, median .* s, slowest .* s$", result.stdout, re.MULTILINE)
    assert f"{trials} trials: {trials} safe within 20 s, 0 later, 0 never" in result.stdout
    assert not list(tmp_path.iterdir())
