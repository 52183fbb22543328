"""What the service says to whom: greets, hears, refuses, hands commands on, tells news.  Used by the thread of the sockets."""

import time
from collections.abc import Callable
from queue import Empty, SimpleQueue

import msgspec

from daq.face import Face
from daq.face.board import Board
from daq.face.commands import Answer, EmergencyStop
from daq.face.state import ControlPart, key
from daq.service.control import Control
from daq.service.execution import Execution
from daq.service.messages import (
    VERSION,
    Alive,
    Answered,
    Ask,
    Beat,
    FromServer,
    Hello,
    MalformedError,
    Over,
    Pace,
    Refresh,
    Said,
    Welcome,
    from_client,
    shown,
)
from daq.service.session import WAITING, Session
from daq.service.sockets import Sockets
from daq.service.wake import Wake

CLIENTS = 64
SHUT_OUT = "this key is not allowed any more"
LONGEST_S = 3600.0
"""A deadline further away is refused."""


class Desk:
    """`board` is what clients are told; whoever puts something there rings `wake`, which the thread of the sockets hears."""

    def __init__(
        self, face: Face, laboratory: str, pace: Pace, sockets: Sockets, wake: Wake, log: Callable[[str], object]
    ) -> None:
        self._laboratory, self._pace, self._sockets, self._wake, self._log = laboratory, pace, sockets, wake, log
        self.board: Board[msgspec.Raw] = Board()
        self._control = Control(self._on_control)
        self._execution = Execution(face, self._control, log)
        self._sessions: dict[bytes, Session] = {}
        self._ended: list[Session] = []
        self._answers: SimpleQueue[tuple[Session, Answered]] = SimpleQueue()
        self._last = self._next_beat = time.monotonic()
        self._show(ControlPart())

    def hear(self, route: bytes, user: str, frames: list[bytes]) -> None:
        """One message of a client; what is wrong with it is answered, and changes nothing."""
        session = self._sessions.get(route)
        if session is not None and session.user != user:
            session = None
        try:
            if len(frames) != 1:
                raise MalformedError(f"one frame is a message, not {len(frames)}")
            message = from_client(frames[0])
        except MalformedError as error:
            self._malformed(route, session, error)
            return
        if isinstance(message, Hello):
            self._greet(route, user, session, message)
        elif session is None:
            self._say(route, Over("there is no session; connect again"))
        elif not session.is_from(message):
            self._say(route, Answered(message.number, Answer(False, "not done: said before, or of another session")))
        else:
            session.heard = time.monotonic()
            self._listen(session, message)

    def look_after(self) -> None:
        """Answers, heartbeats, news, and who has gone."""
        now = time.monotonic()
        if now - self._last > self._pace.silent_s:
            # This process stood still; nobody could be heard.
            for session in self._sessions.values():
                session.heard = now
        self._last = now
        self._send_answers()
        if now >= self._next_beat:
            self._next_beat = now + self._pace.beat_s
            self._beat(now)
        for session in list(self._sessions.values()):
            if now - session.heard > self._pace.lost_s:
                self._end(session, f"has not been heard for {now - session.heard:.0f} s")
            else:
                self._feed(session)

    def until_beat_s(self) -> float:
        """Nothing has to be looked after for so long, unless somebody says something."""
        return max(0.0, self._next_beat - time.monotonic())

    def close(self, within_s: float) -> None:
        """Leaves everybody, who know it by the closed connection; then waits for what is being executed, but not longer."""
        for session in list(self._sessions.values()):
            self._end(session, "was left by the service")
        self._sockets.close()
        until = time.monotonic() + within_s
        for session in self._ended:
            if not session.ended(max(0.0, until - time.monotonic())):
                self._log(f"what {session.name} asked for is still being done")

    def _beat(self, now: float) -> None:
        """Also finds out whose connection has gone."""
        for session in list(self._sessions.values()):
            if self._sockets.is_allowed(session.user):
                self._tell(session, Beat(time.time(), now))
            else:
                self._tell(session, Over(SHUT_OUT))
                self._end(session, "is not allowed any more")
        self._ended = [session for session in self._ended if not session.ended()]

    def _greet(self, route: bytes, user: str, session: Session | None, hello: Hello) -> None:
        if hello.version != VERSION:
            self._say(route, Over(f"the service speaks version {VERSION}, this program {hello.version}; update the older one"))
        elif not self._sockets.is_allowed(user):
            self._say(route, Over(SHUT_OUT))
        elif session is not None or route in self._sessions:
            self._say(route, Answered(0, Answer(False, "this connection has its session already")))
        elif len(self._sessions) + len(self._ended) >= CLIENTS:
            self._say(route, Over(f"{CLIENTS} programs are connected already; close one"))
        else:
            self._welcome(Session(route, user, self.board, self._execute), hello.program)

    def _welcome(self, session: Session, program: str) -> None:
        session.heard = now = time.monotonic()
        self._beat(now)
        session.name = self._control.enter(session.id, f"{session.user}:{program}")
        self._sessions[session.route] = session
        self._log(f"{session.name} is here")
        self._tell(session, Welcome(session.id, session.name, self._laboratory, self._pace, time.time(), now))

    def _listen(self, session: Session, message: Said) -> None:
        match message:
            case Ask():
                self._ask(session, message)
            case Alive() if not session.feed.taken(message.taken):
                self._refuse(session, message, "not so many pieces were sent")
            case Refresh():
                session.feed.refresh()

    def _ask(self, session: Session, ask: Ask) -> None:
        late_s = time.monotonic() - ask.deadline
        if isinstance(ask.command, EmergencyStop):
            if not session.stop(ask):
                self._tell(session, Answered(ask.number, Answer(True, "an emergency stop is under way")))
        elif late_s >= 0:
            self._refuse(session, ask, f"not done: its time was over {late_s:.1f} s ago; ask again if it is still wanted")
        elif -late_s > LONGEST_S:
            self._refuse(session, ask, f"a deadline may be {LONGEST_S:.0f} s away; ask with a nearer one")
        elif not session.do(ask):
            self._refuse(session, ask, f"not done: {WAITING} commands wait already; wait for an answer")

    def _execute(self, session: Session, ask: Ask) -> None:
        """On a thread of the session."""
        self._answers.put((session, Answered(ask.number, self._execution.do(session, ask))))
        self._wake.ring()

    def _send_answers(self) -> None:
        while True:
            try:
                session, answered = self._answers.get_nowait()
            except Empty:
                return
            if not session.over:
                self._tell(session, answered)

    def _feed(self, session: Session) -> None:
        while not session.over and (piece := session.feed.next()) is not None and self._tell(session, piece):
            session.feed.sent()

    def _malformed(self, route: bytes, session: Session | None, error: MalformedError) -> None:
        self._say(route, Answered(0, Answer(False, f"not understood: {error}")))
        if session is not None and not session.complained:
            session.complained = True
            self._log(f"{session.name} says what cannot be understood: {error}")

    def _refuse(self, session: Session, said: Said, sentence: str) -> None:
        self._tell(session, Answered(said.number, Answer(False, sentence)))

    def _tell(self, session: Session, message: FromServer) -> bool:
        """Whether its wire takes it; a session whose connection has gone is ended."""
        try:
            return self._sockets.send(session.route, message)
        except ConnectionError:
            self._end(session, "has gone")
            return False

    def _say(self, route: bytes, message: FromServer) -> None:
        """To a connection without a session, which may have gone."""
        try:
            self._sockets.send(route, message)
        except ConnectionError:
            return

    def _end(self, session: Session, why: str) -> None:
        if self._sessions.pop(session.route, None) is None:
            return
        session.end()
        self._ended.append(session)
        self._control.leave(session.id, why)
        self._log(f"{session.name} {why}")

    def _on_control(self, part: ControlPart, sentence: str) -> None:
        """On any thread."""
        self._log(sentence)
        self._show(part)

    def _show(self, part: ControlPart) -> None:
        self.board.put(key(part), shown(part))
        self._wake.ring()
