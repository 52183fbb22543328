"""What a run tells: to the run file its steps, readings and events, to whoever watches its progress."""

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

import msgspec

from config.calibration import Calibrations
from config.laboratory import Laboratory
from daq.engine.burst import Burst
from daq.engine.clock import Clock
from daq.engine.instruments import Instruments
from daq.engine.resume import Before
from daq.engine.review import Review
from daq.engine.set_points import Reached
from daq.engine.snapshot import snapshot_channels
from daq.engine.state import TRANSITIONS, Ending, Progress, State, Summary
from daq.plan.expansion import PlannedStep
from daq.plan.plan import CONDITIONS, DELAYS, SetPoint
from daq.plan.quantities import settable
from daq.record.blocks import Step, TraceAxis
from daq.record.layout import BACKGROUNDS, TEXT_BYTES, BackgroundKind, EventKind
from daq.record.messages import Channel, Create, EventTiming, Happened, Logged, NewStep, ToWriter
from daq.record.parts import Parts
from daq.record.recorder import SLOTS, RecordingError
from daq.safety.safe_order import Outcome

LIBRARIES = ("clusterbeam", "numpy", "h5py", "hdf5plugin", "pyvisa", "pyvisa-py", "pyserial", "pydantic", "msgspec")
KINDS = list(BACKGROUNDS.values())


class Logbook:
    """The account of one run; before `open` and after `close` it only reports progress."""

    def __init__(self, shots: int, expected_s: float, clock: Clock, watch: Callable[[Progress], None]) -> None:
        self._clock, self._watch, self._expected_s = clock, watch, expected_s
        self._progress = Progress(State.IDLE, "", 0, 0, 0, shots, expected_s)
        self._recorder: Parts | None = None
        self._channels: dict[str, int] = {}
        self._started_s = 0.0
        self._rows = 0
        self._notes: list[str] = []

    def open(self, recorder: Parts, watched: Sequence[Channel]) -> None:
        """The run file stands, and shots begin."""
        self._started_s = self._clock.now()
        self._channels = {channel.name: index for index, channel in enumerate(watched)}
        self._recorder = recorder
        self.event(f"recording into {recorder.path.name}")
        while self._notes:
            self.note(self._notes.pop(0))

    def report(self, state: State, doing: str) -> None:
        """Tell the watcher what is going on.

        Neither a watcher nor a full disk keeps the run from its next state: on the way to the safe one this must not fail.
        """
        before = self._progress.state
        if state is not before and (before, state) not in TRANSITIONS:
            raise AssertionError(f"{before} does not lead to {state}")
        if self._recorder is not None:
            self._progress = replace(self._progress, recorded=self._recorder.recorded)
        self._progress = replace(self._progress, state=state, doing=doing, left_s=self._left_s())
        if state is not before:
            with suppress(RecordingError):
                self.event(f"{state}: {doing}")
        try:
            self._watch(self._progress)
        except BaseException as error:  # a broken pipe, a closed window, an exit: whoever watched is gone
            with suppress(RecordingError):
                self.event(f"nobody watches any more: {type(error).__name__}: {error}")

    @property
    def is_open(self) -> bool:
        """Whether a run file is being written."""
        return self._recorder is not None

    @property
    def path(self) -> Path | None:
        """The file that is being written."""
        return None if self._recorder is None else self._recorder.path

    @property
    def state(self) -> State:
        return self._progress.state

    def _left_s(self) -> float:
        """The forecast at first; from the first burst on, what the shots have really taken."""
        recorded, shots = self._progress.recorded, self._progress.shots
        if not recorded:
            return self._expected_s
        return max(0.0, (self._clock.now() - self._started_s) * (shots - recorded) / recorded)

    def tell(self, message: ToWriter) -> None:
        """Have something written into the run file, if there is one."""
        recorder = self._recorder
        if recorder is not None:
            recorder.tell(message)

    def event(self, text: str) -> None:
        """Write a line into the run's log."""
        self.tell(Happened(self._clock.now(), text))

    def note(self, text: str) -> None:
        """What the operator has to say, in the run's log; before the file stands it is kept for it."""
        if self._recorder is None:
            self._notes.append(text)
            return
        for line in pieces(text, TEXT_BYTES):
            self.tell(Happened(self._clock.now(), line, int(EventKind.NOTE)))

    def reading(self, channel: str, time_s: float, value: float) -> None:
        """Log one reading of a quantity."""
        self.tell(Logged(self._channels[channel], time_s, value))

    def step(self, step: PlannedStep, reached: Reached) -> Step:
        """A step's set points are reached; it as the analysis will know it."""
        values = reached.values
        background = BackgroundKind(KINDS.index(step.background or ""))
        # Where the current is set and not the field, the field is what the probe says.
        field_T = step.field_T if reached.by_field else round(values["field_T"], 3)
        further = {name: value for name, value in values.items() if name not in CONDITIONS}
        others = {name: (_number(step.set_points[name]), value) for name, value in further.items()}
        started_s = self._clock.now()
        self.tell(
            NewStep(
                index=step.index,
                started_s=started_s,
                field_set_T=field_T,
                field_T=values["field_T"],
                source_temperature_K=values["source_temperature_K"],
                helium_pressure_bar=values["helium_pressure_bar"],
                velocity_m_s=step.velocity_m_s,
                round=step.round,
                point=step.point,
                cycle=step.cycle,
                background=int(background),
                planned_first=step.first,
                shots=step.shots,
                set_points=others,
                timing=_timing(reached),
            )
        )
        self.event(f"step {step.index}: {described(step)} reached, the probe reads {values['field_T']:.4f} T")
        recorded = Step(
            self._rows,
            field_T,
            values["field_T"],
            values["source_temperature_K"],
            values["helium_pressure_bar"],
            step.velocity_m_s,
            step.point,
            step.background or "",
            further,
            started_s,
        )
        self._rows += 1
        return recorded

    def skip(self, step: PlannedStep, reason: str) -> None:
        """A step is left out; its shots in the plan are not taken."""
        self.tell(
            NewStep(
                index=step.index,
                started_s=self._clock.now(),
                field_set_T=step.field_T,
                field_T=math.nan,
                source_temperature_K=math.nan,
                helium_pressure_bar=math.nan,
                velocity_m_s=step.velocity_m_s,
                round=step.round,
                point=step.point,
                cycle=step.cycle,
                planned_first=step.first,
                shots=step.shots,
                skipped=True,
            )
        )
        self._rows += 1
        self.event(f"step {step.index} ({described(step)}) is skipped: {reason}")

    def burst(self, burst: Burst, doing: str) -> None:
        """A burst is over."""
        now = self._progress
        self._progress = replace(now, fired=now.fired + burst.fired, lost=now.lost + burst.lost)
        if burst.lost:
            self.event(f"{burst.lost} shots lost: the digitizer missed their triggers")
        if burst.doubles:
            self.event(f"{burst.doubles} segments were triggered twice or between shots, and were not recorded")
        if burst.unseen:
            self.event(f"the delay generator counted {burst.unseen} triggers more than the digitizer, which was armed, saw")
        self.report(State.RUNNING, doing)

    def close(self, ending: Ending, reason: str, outcomes: Sequence[Outcome]) -> Summary:
        """Write down the end, close the run file, and sum up."""
        unsafe = tuple(f"{outcome.instrument}: {outcome.detail}" for outcome in outcomes if not outcome.confirmed)
        path, progress = None, self._progress
        fired, recorded, lost = progress.fired, progress.recorded, progress.lost
        if self._recorder is not None:
            path = self._recorder.path
            try:
                for outcome in outcomes:
                    said = "confirmed" if outcome.confirmed else "NOT CONFIRMED"
                    self.event(f"{outcome.instrument}: {outcome.detail} ({said})")
                self.event(f"{ending}: {reason}")
                finished = self._recorder.finish(ending, reason)
                recorded, lost = finished.recorded, finished.lost
                fired = recorded + lost
            except RecordingError as error:
                if str(error) not in reason:
                    ending, reason = Ending.FAILED, f"{reason}; {error}"
            self._progress = replace(self._progress, fired=fired, recorded=recorded, lost=lost)
            self._recorder = None
        self.report(State.FAULT if ending is Ending.FAILED else State.IDLE, reason)
        return Summary(path, ending, reason, fired, recorded, lost, unsafe)


def pieces(text: str, length: int) -> Iterator[str]:
    """The lines of a text, and parts of those that have more than `length` bytes; nothing is cut away."""
    for line in text.splitlines():
        rest = line.encode()
        while rest:
            part = rest[:length].decode(errors="ignore")
            yield part
            rest = rest[len(part.encode()) :]


def described(step: PlannedStep) -> str:
    """A step in the operator's words."""
    temperature_K, field_T = step.source_temperature_K, step.field_T
    return f"{temperature_K:g} K, {field_T:g} T" + (f", {step.background}" if step.background else "")


def _number(value: SetPoint) -> float:
    return math.nan if isinstance(value, str) else float(value)


def _timing(reached: Reached) -> dict[str, EventTiming]:
    programmed = reached.programmed
    return {
        event.name: EventTiming(event.time_s, programmed[event.output].delay_s if event.output in programmed else math.nan)
        for event in reached.timing.events
    }


def run_header(
    path: Path,
    reviewed: Review,
    laboratory: Laboratory,
    calibrations: Calibrations,
    instruments: Instruments,
    axis: TraceAxis,
    watched: Sequence[Channel],
    before: Before | None,
) -> Create:
    """Everything the run file states before its first shot."""
    plan = reviewed.plan
    quantities = instruments.quantities()
    further = [name for name in plan.names() if name not in (*CONDITIONS, *DELAYS)]
    versions = {"python": sys.version.split()[0], **{name: version(name) for name in LIBRARIES}}
    identities = {name: asdict(identity) for name, identity in instruments.identities.items()}
    channels = len(axis.scale_V)
    return Create(
        path=str(path),
        title=plan.title,
        element=plan.element,
        sizes=plan.sizes,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        plan_json=plan.model_dump_json(),
        laboratory_json=laboratory.model_dump_json(),
        calibrations_json=calibrations.model_dump_json(),
        versions_json=msgspec.json.encode(versions).decode(),
        identities_json=msgspec.json.encode(identities).decode(),
        rate_Hz=plan.acquisition.rate_Hz,
        channels=channels,
        samples=axis.samples,
        start_s=axis.start_s,
        interval_s=axis.interval_s,
        scale_V=axis.scale_V,
        offset_V=axis.offset_V,
        highest_code=axis.highest_code,
        compression=laboratory.recording.compression,
        slots=SLOTS,
        slot_bytes=2 * plan.acquisition.shots_per_burst * channels * axis.samples,
        log=tuple(watched),
        run_id=uuid4().hex,
        continues_file=before.file if before else "",
        continues_id=before.run_id if before else "",
        planned_done=before.planned_done if before else 0,
        set_points=tuple(Channel(name, settable(name, quantities).command.unit) for name in further),
        events=tuple(event.name for event in reviewed.timing.events),
        snapshot=snapshot_channels(instruments),
    )
