"""A client with a good key that says what it likes, and one that keeps to the rules: helpers of the tests."""

import itertools
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import zmq

from daq.face.commands import Answer, Command
from daq.service.client import Client
from daq.service.keys import Keys, Pair
from daq.service.messages import VERSION, Answered, Ask, FromClient, FromServer, Hello, Welcome, encoded, from_server
from daq.service.place import Place
from daq.service.where import read

Kind = TypeVar("Kind", bound=FromServer)


class Raw:
    """One authenticated DEALER.  It sends no heartbeats and acknowledges nothing unless it is told to."""

    def __init__(self, where: Path, place: Place, keys: Pair | None = None) -> None:
        self._context = zmq.Context()
        self._dealer = self._context.socket(zmq.DEALER)
        self._dealer.linger = 0
        self._dealer.curve_publickey, self._dealer.curve_secretkey = keys or Keys(place).client()
        self._dealer.curve_serverkey = read(where).server_key.encode()
        self._dealer.connect(read(where).endpoint)
        self._numbers = itertools.count(1)
        self.welcome: Welcome

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._dealer.close()
        self._context.term()

    def greet(self, program: str = "raw") -> Self:
        self.say(Hello(VERSION, program))
        self.welcome = self.hear(Welcome)
        return self

    def number(self) -> int:
        return next(self._numbers)

    def send(self, *frames: bytes) -> None:
        self._dealer.send_multipart(frames)

    def say(self, message: FromClient) -> None:
        self.send(encoded(message))

    def frame(self, command: Command, within_s: float = 60.0) -> bytes:
        """A good one with the next number."""
        return encoded(Ask(self.welcome.session, self.number(), self.welcome.clock + within_s, command))

    def next(self) -> FromServer:
        """The next message; the test's time limit bounds the waiting."""
        return from_server(self._dealer.recv())

    def hear(self, kind: type[Kind]) -> Kind:
        """The next message of a kind."""
        while not isinstance(message := self.next(), kind):
            pass
        return message

    def answer(self, number: int) -> Answer:
        """The answer with this number; the others are passed over."""
        while (answered := self.hear(Answered)).number != number:
            pass
        return answered.answer

    def ask(self, command: Command) -> Answer:
        frame = self.frame(command)
        self.send(frame)
        return self.hear(Answered).answer


def eventually(client: Client, condition: Callable[[], bool]) -> None:
    """Follow what a client is shown until something holds; the test's time limit bounds the waiting."""
    after = 0
    while not condition():
        for change in client.changes(after, 0.05):
            after = change.sequence
