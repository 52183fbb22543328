"""A pause: triggers stop, the run waits for the operator or brings instruments back, and goes on where it was."""

from collections.abc import Callable

from daq.engine.clock import Clock, Interrupted
from daq.engine.control import Control, Wish
from daq.engine.logbook import Logbook
from daq.engine.machine import Machine, MachineError
from daq.engine.settling import SettlingError
from daq.engine.state import State
from daq.plan.expansion import PlannedStep
from drivers.errors import DriverError

LOOK_S = 0.05
"""Longest wait between two looks at what is wanted, wall time."""


class Stopped(Exception):
    """The operator ended the run."""


class Failed(Exception):
    """Something that the run does not go on after."""


class Pauses:
    """The pauses of one run; counts how often each instrument was set up again."""

    def __init__(self, control: Control, machine: Machine, clock: Clock, logbook: Logbook) -> None:
        self._control, self._machine, self._clock, self._logbook = control, machine, clock, logbook
        self.look: Callable[[], None] = lambda: None
        """Called again and again during a pause."""
        self.held: Callable[[], None] = lambda: None
        """Called when the triggers are stopped."""
        self._attempts: dict[str, int] = {}
        self._tried_s: dict[str, float] = {}
        self.holding = False
        self.released_s = 0.0

    def attend(self, step: PlannedStep) -> bool:
        """Do what is wanted; True if there was a pause, after which set points have to be reached anew.

        Raises `Stopped` or `Failed`.
        """
        # Who resumes while the burst is still being read finds the triggers stopped.
        if self._check() is Wish.GO_ON and not self.holding:
            return False
        self._wait_until(lambda waiting: self._released(step, waiting))
        self._logbook.report(State.RUNNING, "going on after the pause")
        return True

    def attend_preparing(self) -> None:
        """The same before the lasers have been started: what was set has to be set anew."""
        self._check()
        self._wait_until(lambda waiting: True)
        self._machine.forget()
        self._logbook.report(State.PREPARING, "preparing again after the pause")

    def _wait_until(self, released: Callable[[dict[str, None]], bool]) -> None:
        """Wait without triggers until nothing wants a pause any more, and the machine is `released`."""
        self.hold()
        waiting: dict[str, None] = {}
        said = ""
        while True:
            waiting |= dict.fromkeys(self._control.troubles)
            why = self._why()
            if why != said and (not said or self._control.wish() is Wish.PAUSE):
                said = why
                self._logbook.report(State.PAUSED, why)
            if self._check() is Wish.GO_ON and released(waiting):
                break
            self._see_to_troubles()
            self.look()
            self._clock.expect()
            self._control.changed.wait(LOOK_S)
            self._control.changed.clear()
        self.released_s = self._clock.now()
        self.holding = False

    def _check(self) -> Wish:
        wish = self._control.wish()
        if wish is Wish.FAIL:
            raise Failed(self._control.reason)
        if wish is Wish.STOP:
            raise Stopped
        return wish

    def _why(self) -> str:
        reasons = [trouble.reason for trouble in self._control.troubles.values()]
        reasons += self._control.hindrances.values()
        return "paused by the operator" if not reasons else f"paused: {'; '.join(reasons)}"

    def hold(self) -> None:
        """Stop the triggers.  What is unfit from now on may be so because of that."""
        self.holding = True
        self.held()
        try:
            self._machine.hold()
        except DriverError as error:
            self._logbook.event(f"the triggers could not be stopped: {error}")

    def _see_to_troubles(self) -> None:
        for name, trouble in list(self._control.troubles.items()):
            policy, now_s = self._control.policy(name), self._clock.now()
            if policy.on_fault == "pause":
                if now_s - trouble.since_s > policy.pause_at_most_s:
                    self._control.fail(f"{trouble.reason}; nobody resumed the run in {policy.pause_at_most_s:g} s")
            elif policy.on_fault == "skip":
                if self._set_up(name):
                    self._control.solved(name)
                else:
                    self._control.without(trouble)
            elif now_s - self._tried_s.get(name, -policy.retry_after_s) >= policy.retry_after_s:
                self._tried_s[name] = now_s
                if self._attempts.get(name, 0) >= policy.retries:
                    self._control.fail(f"{trouble.reason}; it was set up again {policy.retries} times in this run")
                    return
                self._attempts[name] = self._attempts.get(name, 0) + 1
                if self._set_up(name):
                    self._control.solved(name)

    def _set_up(self, name: str) -> bool:
        try:
            self._machine.set_up(name)
        except DriverError as error:
            self._logbook.event(f"{name} could not be set up again: {error.what}")
            return False
        self._logbook.event(f"{name} is set up again")
        return True

    def _released(self, step: PlannedStep, waiting: dict[str, None]) -> bool:
        """Let the machine go on; False if it cannot, with the reason among the troubles."""
        for name in list(waiting):
            if self._control.policy(name).on_fault == "pause" and not self._set_up(name):
                self._control.unfit(name, f"{name} could not be set up again", self._clock.now())
                return False
            self._control.solved(name)
        try:
            self._machine.release(step)
        except Interrupted:
            self.hold()
            return False
        except DriverError as error:
            self._control.unfit(error.instrument, str(error), self._clock.now())
        except MachineError as error:
            for name, reason in (error.unfit or dict.fromkeys(waiting, str(error))).items():
                self._control.unfit(name, reason, self._clock.now())
            if self._control.wish() is Wish.GO_ON:
                self._control.fail(str(error))
        except SettlingError as error:
            for name in waiting:
                self._control.unfit(name, str(error), self._clock.now())
            if not waiting:
                self._control.fail(str(error))
        else:
            return True
        self.hold()
        return False
