"""The run: prepare, take the steps of a plan, finish; and reach the safe state on every way out.

idle → preparing → running ⇄ paused → finishing → idle, or fault (`daq.engine.state`)
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from config.calibration import Calibrations
from config.laboratory import Laboratory
from daq.engine.attendance import Attendance
from daq.engine.bad_shots import BadTimes, DarkShots
from daq.engine.burst import Burst, BurstTaker, TriggersStopped
from daq.engine.clock import NOBODY as UNGUARDED
from daq.engine.clock import Clock, Expect, Interrupted
from daq.engine.control import Control, Wish
from daq.engine.disk import FREE, Disk
from daq.engine.followers import Follower, Followers
from daq.engine.forecast import OutputError, new_run_file
from daq.engine.housekeeping import channels
from daq.engine.instruments import Instruments
from daq.engine.knowledge import Estimate, Learned
from daq.engine.lights_out import LightsOut
from daq.engine.logbook import Logbook, described, run_header
from daq.engine.machine import Machine, MachineError
from daq.engine.pausing import Failed, Pauses, Stopped
from daq.engine.photodiode import IonisationTimes
from daq.engine.resume import Before
from daq.engine.review import Review
from daq.engine.settling import SettlingError
from daq.engine.snapshot import Snapshots
from daq.engine.state import Ending, Progress, State, Summary
from daq.engine.watching import Watch
from daq.plan.expansion import PlannedStep, steps
from daq.record.blocks import ShotBlock, Step, TraceAxis
from daq.record.parts import Parts
from daq.record.recorder import RecordingError
from daq.safety.interlocks import Phase
from daq.safety.safe_order import make_safe, stand_by
from drivers.errors import DriverError

EXPECTED = (DriverError, MachineError, SettlingError, TriggersStopped, RecordingError, OutputError, Failed)
"""What a run may fail with.  Anything else is a fault of the program, raised again once the machine is safe."""
NOBODY: Callable[[Progress], None] = lambda progress: None  # noqa: E731


FINISH_S = 1800.0
"""Longest that coming to rest may take, wall time: a big magnet's ramp.  What fires was stopped at its beginning."""


@dataclass(frozen=True)
class Company:
    """Who looks at a run: at its progress, at its recorded blocks, and for how well the moments are known."""

    watch: Callable[[Progress], None] = NOBODY
    followers: Sequence[Follower] = ()
    estimate: Callable[[TraceAxis], Estimate] | None = None
    beside: Callable[[Path], AbstractContextManager[None]] | None = None
    """What follows the run file; it is left when that is closed."""
    expect: Expect = UNGUARDED
    """Who is told until when the run has to be done with what it does (wall time)."""
    enter: Callable[[Phase], None] = lambda phase: None
    """Who is told whether shots are taken."""
    prepared: Callable[[], None] = lambda: None
    """Who is told that the instruments are set up for what is asked of them."""
    resumed: Callable[[], None] = lambda: None
    """Who is told that the operator lets the run go on."""


class Run:
    """One run of one reviewed plan on opened instruments; `before` is what earlier files hold of the plan."""

    def __init__(
        self,
        laboratory: Laboratory,
        calibrations: Calibrations,
        instruments: Instruments,
        attendance: Attendance,
        reviewed: Review,
        directory: Path,
        company: Company = Company(),
        before: Before | None = None,
    ) -> None:
        self._plan, self._reviewed = reviewed.plan, reviewed
        self._laboratory, self._calibrations = laboratory, calibrations
        self._instruments, self._attendance, self._directory = instruments, attendance, directory
        self._company, self._before = company, before
        self._clock = Clock(laboratory.clock.speed, company.expect)
        self._lights_out = LightsOut(lambda: self._machine.let_go())
        self._control = Control({name: one.policy for name, one in laboratory.instruments.items()}, self._lights_out.want)
        self._machine = Machine(
            self._plan, laboratory, calibrations, instruments, self._clock, self._control.interrupt, self._control.missing
        )
        done = before.planned_done if before else 0
        self._logbook = Logbook(self._plan.shots - done, reviewed.forecast.duration_s, self._clock, company.watch)
        self._snapshots = Snapshots(instruments, self._clock, self._logbook.tell)
        self._pauses = Pauses(self._control, self._machine, self._clock, self._logbook)
        keep_free_MB = laboratory.recording.keep_free_MB
        self._disk = Disk(directory, keep_free_MB, self._control, self._logbook.reading, self._clock.now)
        self._pauses.look = self._disk.look
        self._pauses.held = lambda: company.enter("run")

    def stop(self) -> None:
        """Ask the run to end: the partial burst is read and recorded."""
        self._control.stop()

    def abort(self, reason: str) -> None:
        """Let the run fail, with this reason."""
        self._control.fail(reason)

    def event(self, text: str) -> None:
        """Write a line into the run's log; from any thread.  That nothing can be written any more is the run's own to say."""
        with suppress(RecordingError):
            self._logbook.event(text)

    def hinder(self, name: str, reason: str) -> None:
        """Something stands in the run's way: it pauses until `clear`."""
        self._control.hinder(name, reason)

    def clear(self, name: str) -> None:
        """It does not any more."""
        self._control.clear(name)

    def pause(self) -> None:
        """Stop the triggers and wait; the partial burst is read and recorded."""
        self._control.pause()

    def resume(self) -> None:
        """Go on after a pause."""
        self._company.resumed()
        self._control.resume()

    def note(self, text: str) -> None:
        """Write what the operator has to say into the run's log; from any thread."""
        self._logbook.note(text)

    @property
    def path(self) -> Path | None:
        """The run file, the newest if there are several; None while there is none."""
        return self._logbook.path

    @property
    def paused(self) -> bool:
        """Whether the operator has asked for a pause."""
        return self._control.paused_by_operator

    @property
    def waits(self) -> bool:
        """Whether the run pauses, whoever or whatever has asked for it."""
        return self._control.wish() is Wish.PAUSE

    def run(self) -> Summary:
        """Do the plan.  The machine is in standby after a complete run, in its safe state after any other."""
        keep_free_MB = self._laboratory.recording.keep_free_MB
        path = new_run_file(self._plan, self._directory, self._reviewed.forecast.disk_bytes, keep_free_MB)
        ending, reason = Ending.FAILED, "the program failed"
        # The file is closed before whoever follows it is waited for.
        with self._attendance.lent(self._control.missing), self._lights_out, ExitStack() as looking, ExitStack() as recording:
            try:
                self._take_all(path, recording, looking)
                ending, reason = Ending.COMPLETE, "the plan was completed"
            except (Interrupted, Stopped):
                ending, reason = Ending.STOPPED, "stopped by the operator"
                if self._control.wish() is Wish.FAIL:
                    ending, reason = Ending.FAILED, self._control.reason
            except EXPECTED as error:
                reason = str(error)
            except BaseException as error:
                reason = f"{type(error).__name__}: {error}"
                raise
            finally:
                summary = self._finish(ending, reason)
        return summary

    def _take_all(self, path: Path, recording: ExitStack, looking: ExitStack) -> None:
        """The whole plan.  The recorder stays open in `recording`, so that the end of the run can still be written down."""
        axis, recorder = self._prepare(path, recording, looking)
        estimate = self._company.estimate(axis) if self._company.estimate and self._plan.stop.clusters else None
        self._remember(estimate)
        followers: list[Follower] = [DarkShots(self._logbook.tell, self.event), *self._company.followers]
        followers += [IonisationTimes(axis, self._logbook.tell)] if self._laboratory.photodiode else []
        followers += [estimate] if estimate else []
        bad_times = BadTimes(self._plan.acquisition.rate_Hz, self._logbook.tell)
        watch = Watch(
            self._control,
            self._pauses,
            self._logbook,
            bad_times,
            self._clock,
            self._plan.acquisition.rate_Hz,
            self._laboratory.named("chopper"),
        )
        self._logbook.report(State.PREPARING, "starting the lasers")
        self._machine.start_lasers()
        with (
            Followers(followers, self.event) as following,
            self._attendance.listening(watch, self._clock),
        ):
            learned = Learned(self._plan, self._clock, estimate, following.catch_up)
            for point, shots in self._before.points.items() if self._before else ():
                learned.took(point, False, shots)
            taking = _Taking(self._taker(recorder, axis), following, bad_times, watch, learned)
            try:
                self._take_steps(taking)
            except BaseException:
                # Whoever follows is waited for now.
                self._lights_out.want()
                raise

    def _take_steps(self, taking: "_Taking") -> None:
        for step in self._steps(taking.learned):
            if taking.learned.out_of_time:
                break
            self._take_step(step, taking)

    def _prepare(self, path: Path, recording: ExitStack, looking: ExitStack) -> tuple[TraceAxis, Parts]:
        self._logbook.report(State.PREPARING, "preparing instruments, source and chopper")
        axis = self._ready()
        self._company.prepared()
        watched = (*channels(self._instruments), FREE)
        header = run_header(
            path, self._reviewed, self._laboratory, self._calibrations, self._instruments, axis, watched, self._before
        )
        limit_bytes = self._laboratory.recording.file_GB * 1e9
        recorder = recording.enter_context(Parts(header, limit_bytes, self._wait_for_disk, self._control.fail))
        if self._company.beside is not None:
            looking.enter_context(self._company.beside(path))
        self._logbook.open(recorder, watched)
        self._snapshots.begin("start")
        return axis, recorder

    def _ready(self) -> TraceAxis:
        """Everything but the lasers and the field.  A pause that comes meanwhile is waited for, and all is done again."""
        while True:
            try:
                self._machine.prepare(next(self._steps(None)))
                return self._machine.trial()
            except Interrupted:
                self._pauses.attend_preparing()

    def _taker(self, recorder: Parts, axis: TraceAxis) -> BurstTaker:
        return BurstTaker(
            lambda: self._instruments.digitizer,
            recorder,
            axis,
            self._plan.acquisition.rate_Hz,
            self._clock,
            self._control.interrupt,
            self._pauses.hold,
            self._laboratory.timing.digitizer_early_s,
            self._machine.trigger_counter(),
        )

    def _steps(self, learned: Learned | None) -> Iterator[PlannedStep]:
        """The steps that are left, the first perhaps in part."""
        done, taken = (self._before.planned_done, self._before.taken) if self._before else (0, {})
        for step in steps(self._plan, learned, taken) if learned else steps(self._plan, taken=taken):
            if step.first + step.shots > done:
                begun = max(0, done - step.first)
                yield replace(step, first=step.first + begun, shots=step.shots - begun)

    def _remember(self, estimate: Estimate | None) -> None:
        """What earlier files tell of the moments: many minutes of reading after a long run, so nothing fires yet."""
        if self._before is None or estimate is None:
            return

        def heed(step: Step, block: ShotBlock) -> None:
            self._clock.expect()
            if self._control.wish() > Wish.PAUSE:
                raise Interrupted
            estimate(step, block)

        self._logbook.report(State.PREPARING, "reading what was recorded before")
        self._before.feed(heed)

    def _wait_for_disk(self, behind: bool) -> None:
        """The writer does not keep up: no burst is armed before it does.  The triggers go on, so this is no pause."""
        if self._logbook.state is State.RUNNING:
            doing = "no shots are taken: waiting for the disk, which is behind" if behind else "the disk keeps up again"
            self._logbook.event(doing)
            self._logbook.report(State.RUNNING, doing)

    def _take_step(self, step: PlannedStep, taking: "_Taking") -> None:
        """A step, with all the pauses in it."""
        left, recorded = step.shots, None
        unreached = True
        while left:
            try:
                unreached = self._pauses.attend(step) or unreached
                if unreached:
                    self._logbook.report(State.RUNNING, f"going to {described(step)}")
                    taking.watch.reaching()
                    self._company.enter("run")
                    reached = self._machine.reach(step)
                    recorded = recorded or self._logbook.step(step, reached)
                    taking.watch.reached(self._machine.expected(step))
                    self._company.enter("shots")
                    unreached = False
                assert recorded is not None
                planned = step.first + step.shots - left
                for burst in taking.taker.take(recorded.index, left, self._plan.acquisition.shots_per_burst, planned):
                    left -= burst.recorded
                    self._account(burst, step, recorded, taking)
            except Interrupted:
                continue
            except DriverError as error:
                self._control.unfit(error.instrument, str(error), self._clock.now())
                self._logbook.event(str(error))
                unreached = True
                if error.instrument in self._control.missing:
                    self._logbook.skip(replace(step, first=step.first + step.shots - left, shots=left), str(error))
                    return

    def _account(self, burst: Burst, step: PlannedStep, recorded: Step, taking: "_Taking") -> None:
        self._logbook.burst(burst, f"taking shots at {described(step)}")
        self._disk.look()
        taking.bad_times.took(burst.armed_s, burst.first, burst.fired)
        taking.learned.took(step.point, step.background is not None, burst.recorded)
        if burst.block is not None:
            taking.following.put(recorded, burst.block)

    def _finish(self, ending: Ending, reason: str) -> Summary:
        complete = ending is Ending.COMPLETE
        self._lights_out.resting()
        try:
            self._clock.expect(FINISH_S)
            self._company.enter("idle")
            self._logbook.report(State.FINISHING, "bringing the machine to rest")
            if complete:
                self._snapshots.begin("end")
        finally:
            # Nobody who is told of it may keep the machine from its rest.
            rest = stand_by if complete else make_safe
            outcomes = rest(self._laboratory, self._instruments.by_name, reopened=self._instruments.reopened)
        if not complete and self._logbook.is_open:
            self._snapshots.begin("end")
        self._snapshots.wait()
        return self._logbook.close(ending, reason, outcomes)


@dataclass(frozen=True)
class _Taking:
    """What the steps of a run have in common."""

    taker: BurstTaker
    following: Followers
    bad_times: BadTimes
    watch: Watch
    learned: Learned
