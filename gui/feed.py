"""What a window knows of a laboratory, and how it hears of it from a service.  No Qt."""

import math
from collections.abc import Iterator
from concurrent.futures import Future
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from daq.face.commands import Answer, Command
from daq.face.state import AlarmPart, AnyPart, Change, MachinePart, Snapshot, key
from gui.words import Grade

if TYPE_CHECKING:
    from gui.scrubber import Replayed

Kind = TypeVar("Kind")
Kinds = frozenset[type]


class Model:
    """The parts as last heard, and how long ago that was."""

    def __init__(self) -> None:
        self.laboratory = self.trouble = self.me = ""
        self.now, self.age_s = 0.0, math.inf
        self._parts: dict[str, AnyPart] = {}
        self._kinds: dict[type, list[AnyPart]] = {}

    def of(self, kind: type[Kind]) -> list[Kind]:
        """All parts of a kind, by name."""
        return cast(list[Kind], self._kinds.get(kind, []))

    def one(self, kind: type[Kind]) -> Kind | None:
        """The part of a kind that there is once; None before it was heard of."""
        return next(iter(self.of(kind)), None)

    @property
    def simulated(self) -> bool:
        """Nothing fires."""
        machine = self.one(MachinePart)
        return machine is not None and machine.simulated

    @property
    def called(self) -> str:
        """The laboratory as people have to be told of it; "" before it is known."""
        if not self.simulated:
            return self.laboratory
        return "SIMULATED" if self.laboratory == "simulated" else f"SIMULATED {self.laboratory}"

    def graded(self, grade: Grade) -> Grade:
        """Nothing is good, or bad, that is not heard of any more."""
        return Grade.OLD if self.trouble else grade

    def new_alarms(self) -> list[AlarmPart]:
        """Nobody has seen them, nor put them on the shelf."""
        alarms = self.of(AlarmPart)
        return [one for one in alarms if not one.gone and not one.acknowledged and one.shelved_until <= self.now]

    def age_of(self, at: float) -> float:
        """Seconds since `at`, by the clock of the laboratory; it goes on growing while nothing is heard."""
        return max(0.0, self.now - at)

    def replace(self, parts: tuple[AnyPart, ...]) -> Kinds:
        """These and no others; the kinds of what came, changed or went."""
        before, self._parts = self._parts, {key(part): part for part in parts}
        self._kinds = {}
        for _, part in sorted(self._parts.items()):
            self._kinds.setdefault(type(part), []).append(part)
        here = {type(part) for name, part in self._parts.items() if before.get(name) is not part}
        return frozenset(here | {type(before[name]) for name in before.keys() - self._parts.keys()})


class Laboratory(Protocol):
    """What a feed needs of a client of the service."""

    @property
    def trouble(self) -> str: ...
    @property
    def name(self) -> str: ...
    def ask(self, command: Command) -> Future[Answer]: ...
    def snapshot(self) -> Snapshot: ...
    def changes(self, after: int) -> Iterator[Change]: ...


class Feed(Protocol):
    """Where a window hears from, and whom it asks; nothing here waits."""

    live: bool
    replayed: "Replayed | None" = None
    """Itself, if it shows a recorded run."""

    def update(self, model: Model) -> Kinds:
        """Bring the model up to date; the kinds of parts that have changed."""

    def ask(self, command: Command) -> Future[Answer]:
        """Ask; the future has the answer, or the `NoAnswerError`."""


class ServiceFeed(Feed):
    """What a service shows, through a client of it."""

    live = True

    def __init__(self, client: Laboratory) -> None:
        self._client, self._seen, self._silent = client, -1, True

    def update(self, model: Model) -> Kinds:
        news = [change.sequence for change in self._client.changes(self._seen)]
        heard = self._client.snapshot()
        model.laboratory, model.now, model.age_s = heard.laboratory, heard.now, heard.age_s
        model.trouble, model.me = self._client.trouble, self._client.name
        # After a silence parts may be gone, which is no change.
        again, self._silent = self._silent and not model.trouble, bool(model.trouble)
        if not news and not again:
            return frozenset()
        self._seen = max(news, default=self._seen)
        return model.replace(heard.parts)

    def ask(self, command: Command) -> Future[Answer]:
        return self._client.ask(command)
