"""The short version of the campaign in `benchmarks/safety.py`: engines that go while lasers fire at full field."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
WAY = "engine killed (SIGKILL)"


@pytest.mark.timeout(150)
def test_a_killed_engine_leaves_everything_safe_also_with_a_dead_instrument(tmp_path: Path) -> None:
    command = [sys.executable, "-P", str(ROOT / "benchmarks" / "safety.py"), "2", "--only", WAY, "--within", "20"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=140, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(rf"^{re.escape(WAY)}: 2 safe, median .* s, slowest .* s$", result.stdout, re.MULTILINE)
    assert "2 trials: 2 safe within 20 s, 0 later, 0 never" in result.stdout
    assert not list(tmp_path.iterdir())
