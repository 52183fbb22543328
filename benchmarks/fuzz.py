"""Messages by the hundred thousand to a service, most of them damaged after authentication: nothing must come of those.

    python -P benchmarks/fuzz.py [MESSAGES [SEED]]

The service runs in a process of its own with a face that writes down what is executed.  Several clients with a good key send
valid messages and mutations of them.  For each one a second reading of the rules (`tests/daq/service/rules.py`) says whether
it may be executed; a message that was mutated into another valid one is valid.  Afterwards each executed command has to be one
that its sender was allowed to send at that moment, once, and each that had to be executed was.
"""

import itertools
import json
import random
import resource
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Self, cast

import msgpack
import zmq

sys.path.insert(0, str(Path(__file__).parents[1]))

from daq.face.commands import Answer, Command, Read
from daq.face.state import Change, LogPart, RunPart, Snapshot
from daq.service.client import Client
from daq.service.keys import Keys
from daq.service.messages import FRAME, VERSION, encoded
from daq.service.place import Place
from daq.service.server import Server
from daq.service.where import Where, read, where_is
from tests.daq.service import rules
from tests.daq.service.mutations import Maker

LABORATORY = "fuzz"
CLIENTS = 8
TURN = 14
"""Messages of a client before it waits for the answers; fewer than may wait."""
PATIENCE_MS = 30_000
"""A service that answers later than that does not answer."""
LUCK_S, LONGEST_S = 60.0, 3600.0
"""A deadline so near is a matter of luck, one so far is refused."""
LENGTH = struct.Struct("<I")


class Recording:
    """The face: writes down what is executed by whom, and answers with the number of it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._lock = threading.Lock()
        self.count = self.stumbles = 0

    def submit(self, command: Command, by: str) -> Answer:
        body = msgpack.packb([by, encoded(command)])
        with self._lock:
            self._file.write(LENGTH.pack(len(body)) + body)
            self.count += 1
            return Answer(True, value=self.count - 1)

    def snapshot(self) -> Snapshot:
        return Snapshot(LABORATORY, 0, time.time(), (RunPart("idle", "nothing"), LogPart(("a line",))))

    def changes(self, after: int, timeout_s: float) -> Iterator[Change]:
        threading.Event().wait(timeout_s)
        return iter(())

    def log(self, line: str) -> None:
        self.stumbles += "stumbled" in line


def serve(directory: Path) -> None:
    """The service's process: until stdin closes, then one line about itself."""
    with (directory / "executed").open("wb") as file:
        face = Recording(file)
        with Server(face, face.log, place=Place(directory / "state")):
            print("ready", flush=True)
            sys.stdin.read()
    memory_MB = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"executed": face.count, "stumbles": face.stumbles, "memory_MB": memory_MB}))


class Attacker:
    """One connection with a good key, its session, and what the rules say has to come of what it sent."""

    def __init__(self, where: Where, keys: Keys, program: str) -> None:
        self._context = zmq.Context()
        self._dealer = self._context.socket(zmq.DEALER)
        self._dealer.linger = 0
        self._dealer.curve_publickey, self._dealer.curve_secretkey = keys.client()
        self._dealer.curve_serverkey = where.server_key.encode()
        self._dealer.rcvtimeo = self._dealer.sndtimeo = PATIENCE_MS
        self._dealer.connect(where.endpoint)
        self._program = program
        self.name, self.session = "", b""
        self.last = 0
        self.sent: list[bytes] = []
        self.may: dict[int, tuple[Any, ...]] = {}
        self.must: set[int] = set()
        self.executed: dict[int, tuple[Any, ...]] = {}
        self.problems: list[str] = []

    def greet(self) -> Self:
        self.send(msgpack.packb(["Hello", VERSION, self._program]))
        while not self.session:
            match msgpack.unpackb(self._dealer.recv()):
                case ["Welcome", session, name, *_]:
                    self.session, self.name = session, name
        return self

    def send(self, frame: bytes) -> None:
        self._dealer.send(frame)

    def read_answers(self) -> None:
        """Take in what is said, until everything is answered that has to be; each question has one answer."""
        while self.may:
            try:
                said = self._dealer.recv()
            except zmq.Again:
                self.problems.append(f"{self.name} has no answer to {self.may}")
                self.may.clear()
                return
            match msgpack.unpackb(said):
                case ["Answered", answered, answer]:
                    self._answered(answered, answer)
                case ["Over", reason]:
                    self.problems.append(f"{self.name} was sent away: {reason}")

    def _answered(self, number: int, answer: dict[str, Any]) -> None:
        if "said before" in answer["text"]:
            return
        command, certain = self.may.pop(number, ()), number in self.must
        self.must.discard(number)
        if answer["ok"] and not command:
            self.problems.append(f"{self.name}: number {number} was obeyed: {answer}")
        elif certain and not answer["ok"]:
            self.problems.append(f"{self.name}: {command} was refused: {answer['text']}")
        elif answer["value"] is not None:
            self.executed[answer["value"]] = command

    def close(self) -> None:
        self._dealer.close()
        self._context.term()


class Campaign:
    """Turns of all clients; in each turn one of them may take and give control, so that it is known who has it."""

    def __init__(self, where: Where, keys: Keys, dice: random.Random) -> None:
        self._where, self._keys, self._dice = where, keys, dice
        self._maker = Maker(dice)
        self._programs = itertools.count()
        self._clients = [self._client() for _ in range(CLIENTS)]
        self._holder: Attacker | None = None
        self._held: Attacker | None = None
        """When the turn began."""
        self.sent: Counter[str] = Counter()
        self.executed: dict[int, tuple[str, tuple[Any, ...]]] = {}
        self.problems: list[str] = []

    def go(self, messages: int) -> None:
        for turn in itertools.count():
            if self.sent.total() >= messages:
                break
            self._held = self._holder
            active = self._clients[turn % CLIENTS]
            for client in self._clients:
                self._take_turn(client, client is active)
            for place, client in enumerate(self._clients):
                client.read_answers()
                if client.last > 2**52 or self._dice.random() < 0.0005:
                    self._replace(place)
            if self._dice.random() < 0.01:
                self._strangers()
        for client in self._clients:
            self._collect(client)
            client.close()

    def _client(self) -> Attacker:
        return Attacker(self._where, self._keys, f"fuzz{next(self._programs)}").greet()

    def _take_turn(self, client: Attacker, active: bool) -> None:
        others = [frame for other in self._clients for frame in other.sent[-5:]]
        left = TURN
        while left:
            document = self._maker.document(client.session, client.last + 1)
            chance = self._dice.random()
            kind = "valid" if chance < 0.35 else "mutated" if chance < 0.97 else "garbage"
            if kind == "valid":
                frame = msgpack.packb(document)
            elif kind == "mutated":
                frame = self._maker.mutated(document, others)
            else:
                frame = self._dice.randbytes(self._dice.randrange(200))
            if self._expect(client, frame, active):
                client.send(frame)
                client.sent.append(frame)
                self.sent[kind] += 1
                left -= 1
        del client.sent[:-20]

    def _expect(self, client: Attacker, frame: bytes, active: bool) -> bool:
        """Note what may and what has to come of a message; whether it is one to send: not when that were a matter of luck."""
        said = rules.read(frame)
        if said is None or said.session != client.session or said.number <= client.last:
            return True
        kind = said.command[0] if said.command else ""
        early_s = said.deadline - time.monotonic()
        by_luck = 0 < early_s < LUCK_S or LONGEST_S - LUCK_S < early_s < LONGEST_S + LUCK_S
        if kind and (by_luck or (kind in ("TakeControl", "GiveControl") and not active)):
            return False
        client.last = said.number
        if kind == "EmergencyStop":
            client.may[said.number] = said.command
        elif kind and 0 < early_s < LONGEST_S and self._has_control_for(client, said.command, active):
            client.may[said.number] = said.command
            if active or kind in rules.FREE:
                client.must.add(said.number)
        return True

    def _has_control_for(self, client: Attacker, command: tuple[Any, ...], active: bool) -> bool:
        """By the rules, of the active client exactly; who had control when the turn began may lose it in the middle."""
        match command:
            case ["TakeControl", force]:
                allowed = force or self._holder in (None, client)
                self._holder = client if allowed else self._holder
            case ["GiveControl"]:
                allowed = self._holder is client
                self._holder = None if allowed else self._holder
            case [kind, *_]:
                allowed = kind in rules.FREE or (self._holder if active else self._held) is client
        return bool(allowed)

    def _replace(self, place: int) -> None:
        """Another connection, which begins with what the one before has said, and sometimes one that is cut off."""
        before = self._clients[place]
        self._collect(before)
        if self._dice.random() < 0.3:
            before.send(bytes(FRAME + 1))
            self.sent["oversized"] += 1
        fresh = Attacker(self._where, self._keys, f"fuzz{next(self._programs)}")
        for frame in before.sent:
            fresh.send(frame)
            self.sent["mutated"] += 1
        self._clients[place] = fresh.greet()
        before.close()
        if self._holder is before:
            number = fresh.last = 1
            fresh.may[number] = ("TakeControl", True)
            fresh.send(msgpack.packb(["Ask", fresh.session, number, time.monotonic() + 600, ["TakeControl", True]]))
            fresh.read_answers()
            self._holder = fresh

    def _collect(self, client: Attacker) -> None:
        client.read_answers()
        self.problems += client.problems
        self.executed |= {index: (client.name, command) for index, command in client.executed.items()}

    def _strangers(self) -> None:
        """Who has no key: bytes that are no ZeroMQ, and a client with a key that nobody allowed."""
        host, _, port = self._where.endpoint.removeprefix("tcp://").rpartition(":")
        with socket.create_connection((host, int(port))) as stranger:
            stranger.sendall(self._dice.randbytes(self._dice.randrange(1, 500)))
        context = zmq.Context()
        dealer = context.socket(zmq.DEALER)
        dealer.curve_publickey, dealer.curve_secretkey = zmq.curve_keypair()
        dealer.curve_serverkey = self._where.server_key.encode()
        dealer.connect(self._where.endpoint)
        dealer.send(self._dice.choice(self._clients[0].sent or [b"x"]))
        context.destroy(linger=0)
        self.sent["strangers"] += 2


def answer_ms(where: Path, place: Place) -> float:
    """Median time of an answer to an ordinary client."""
    with Client(where, place=place, program="normal") as client:
        times = []
        for _ in range(300):
            began = time.perf_counter()
            client.submit(Read("fence"))
            times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def executed(file: Path) -> Iterator[tuple[str, list[Any]]]:
    """Who asked for what, in the order in which it was done."""
    data = file.read_bytes()
    start = 0
    while start < len(data):
        (length,) = LENGTH.unpack_from(data, start)
        by, command = msgpack.unpackb(data[start + LENGTH.size : start + LENGTH.size + length])
        yield by, msgpack.unpackb(command)
        start += LENGTH.size + length


def judge(file: Path, expected: dict[int, tuple[str, tuple[Any, ...]]]) -> list[str]:
    """What was executed and should not have been."""
    problems = []
    for index, (by, command) in enumerate(executed(file)):
        if by.endswith(":normal"):
            continue
        name, sent = expected.pop(index, ("nobody", ()))
        if (name, list(sent)) != (by, command) or [type(field) is bool for field in sent] != [
            type(field) is bool for field in command
        ]:
            problems.append(f"{command} was executed for {by}; {name} had sent {sent}")
    return problems + [f"{sent} of {name} was answered but not executed" for name, sent in expected.values()]


def main() -> None:
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    dice = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        command = [sys.executable, "-P", __file__, "serve", temporary]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            output = cast(IO[bytes], process.stdout)
            output.readline()
            place = Place(directory / "state")
            where = where_is(LABORATORY, place)
            before_ms = answer_ms(where, place)
            campaign = Campaign(read(where), Keys(place), dice)
            began = time.monotonic()
            campaign.go(messages)
            took_s = time.monotonic() - began
            after_ms = answer_ms(where, place)
            told, _ = process.communicate()
        service = json.loads(told)
        problems = campaign.problems + judge(directory / "executed", campaign.executed)
    if service["stumbles"] or process.returncode or after_ms > 3 * before_ms + 2:
        problems.append(f"the service: exit status {process.returncode}, {service}, {after_ms:.1f} ms for an answer")
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in campaign.sent.items())
    print(
        f"fuzz: {campaign.sent.total():,} messages ({kinds}) in {took_s:.0f} s; {service['executed']:,} commands executed; "
        f"{service['stumbles']} crashes; an answer took {before_ms:.2f} ms before and {after_ms:.2f} ms after; "
        f"{service['memory_MB']:.0f} MB at most; {len(problems)} problems"
    )
    for problem in problems[:20]:
        print(f"  {problem[:500]}")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(Path(sys.argv[2]))
    else:
        main()
