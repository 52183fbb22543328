"""The script of the page about the service runs as it is printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

from daq.service.place import Place
from daq.service.server import Server
from tests.daq.service.room import FakeRoom

PAGE = (Path(__file__).parents[3] / "docs" / "service.md").read_text()
SCRIPT = re.findall(r"^```python$(.+?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_script_runs(tmp_path: Path) -> None:
    room = FakeRoom("simulated")
    with Server(room, room.log, place=Place(tmp_path / "clusterbeam")):
        result = subprocess.run(
            [sys.executable, "-P", "-c", *SCRIPT],
            env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert result.returncode == 0, result.stderr
    for said in (
        ":evening-script reads 80.0",
        "False nobody has control",
        "True True",
        "InstrumentPart",
        "True 0 s old no trouble",
    ):
        assert said in result.stdout, result.stdout
