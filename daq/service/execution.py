"""Doing what a client asks, if it still may be done."""

import time
from collections.abc import Callable

from daq.face import Face
from daq.face.commands import Answer, EmergencyStop, GiveControl, TakeControl
from daq.service.control import Control
from daq.service.messages import Ask, fit
from daq.service.session import Session


class Execution:
    """Looks at session, deadline and control at the moment at which a command would be executed."""

    def __init__(self, face: Face, control: Control, log: Callable[[str], object]) -> None:
        self._face, self._control, self._log = face, control, log

    def do(self, session: Session, ask: Ask) -> Answer:
        """Raises nothing."""
        refusal = self._refusal(session, ask)
        if refusal:
            return Answer(False, refusal)
        if isinstance(ask.command, TakeControl):
            return self._control.take(session.id, ask.command.force)
        if isinstance(ask.command, GiveControl):
            return self._control.give(session.id)
        try:
            return fit(self._face.submit(ask.command, session.name))
        except Exception as error:
            what = f"{type(ask.command).__name__} failed inside the service ({type(error).__name__}: {error})"
            self._log(f"{what}; {session.name} had asked for it")
            return Answer(False, f"{what}; see the log for what was done")

    def _refusal(self, session: Session, ask: Ask) -> str:
        if isinstance(ask.command, EmergencyStop):
            return ""
        if session.over:
            return "the session is over"
        late_s = time.monotonic() - ask.deadline
        if late_s >= 0:
            return f"not done: its time was over {late_s:.1f} s ago; ask again if it is still wanted"
        return self._control.refusal(session.id, ask.command)
