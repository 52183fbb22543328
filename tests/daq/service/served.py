"""A room served by a process of its own, until stdin closes: `python -P served.py STATE`; says "ready" on stdout."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from daq.service.place import Place
from daq.service.server import Server
from tests.daq.service.room import FakeRoom

if __name__ == "__main__":
    room = FakeRoom()
    with Server(room, room.log, place=Place(Path(sys.argv[1]))):
        print("ready", flush=True)
        sys.stdin.read()
