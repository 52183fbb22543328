"""Commands under way: asked without waiting, their answers collected at each beat of the window.  No Qt."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple

from daq.face.commands import Answer, Command
from daq.service.errors import NoAnswerError
from gui.feed import Feed

Then = Callable[[Answer], None]


class _Pending(NamedTuple):
    what: str
    answer: Future[Answer]
    no: str
    then: Then | None


class Asking:
    """Asks the feed; `told` gets a sentence for the operator, and whether it is good news."""

    def __init__(self, feed: Feed, told: Callable[[str, bool], None]) -> None:
        self._feed, self._told = feed, told
        self._pending: list[_Pending] = []

    def __call__(self, command: Command, what: str, then: Then | None = None, no: str = "was refused") -> None:
        """Ask for something the operator would call `what`; `then` gets the answer, which is not good when there is none.
        `no` is how one that is not good is told."""
        self._told(f"{what} …", True)
        self._pending.append(_Pending(what, self._feed.ask(command), no, then))

    def collect(self) -> None:
        """Hand on the answers that have come."""
        there = [one for one in self._pending if one.answer.done()]
        self._pending = [one for one in self._pending if one not in there]
        for one in there:
            try:
                answer = one.answer.result()
            except NoAnswerError as error:
                self._told(f"{one.what}: {error}", False)
                answer = Answer(False, str(error))
            else:
                self._say(one, answer)
            if one.then is not None:
                one.then(answer)

    def _say(self, one: _Pending, answer: Answer) -> None:
        said = f": {answer.text}" if answer.text else ""
        self._told(f"{one.what}{said}" if answer.ok else f"{one.what} {one.no}{said}", answer.ok)
