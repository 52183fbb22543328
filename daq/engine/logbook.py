"""What a run tells: to the run file its steps, readings and events, to whoever watches its progress."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec

from config.calibration import Calibrations
from config.laboratory import Laboratory
from daq.engine.burst import Burst
from daq.engine.clock import Clock
from daq.engine.instruments import Instruments
from daq.engine.state import Ending, Progress, State, Summary
from daq.plan.expansion import PlannedStep
from daq.plan.plan import Plan
from daq.record.blocks import TraceAxis
from daq.record.messages import Channel, Create, Happened, Logged, NewStep
from daq.record.recorder import SLOTS, Recorder, RecordingError
from daq.safety.safe_order import Outcome

LIBRARIES = ("clusterbeam", "numpy", "h5py", "hdf5plugin", "pyvisa", "pyvisa-py", "pyserial", "pydantic", "msgspec")


class Logbook:
    """The account of one run; before `open` and after `close` it only reports progress."""

    def __init__(self, shots: int, expected_s: float, clock: Clock, watch: Callable[[Progress], None]) -> None:
        self._clock, self._watch, self._expected_s = clock, watch, expected_s
        self._progress = Progress(State.IDLE, "", 0, 0, 0, shots, expected_s)
        self._recorder: Recorder | None = None
        self._channels: dict[str, int] = {}
        self._started_s = 0.0

    def open(self, recorder: Recorder, watched: Sequence[Channel]) -> None:
        """The run file stands, and shots begin."""
        self._started_s = self._clock.now()
        self._channels = {channel.name: index for index, channel in enumerate(watched)}
        self._recorder = recorder
        self.event(f"recording into {recorder.path.name}")

    def report(self, state: State, doing: str) -> None:
        """Tell the watcher what is going on."""
        if self._recorder is not None:
            self._progress = replace(self._progress, recorded=self._recorder.recorded)
        self._progress = replace(self._progress, state=state, doing=doing, left_s=self._left_s())
        self._watch(self._progress)

    def _left_s(self) -> float:
        """The forecast at first; from the first burst on, what the shots have really taken."""
        recorded, shots = self._progress.recorded, self._progress.shots
        if not recorded:
            return self._expected_s
        return (self._clock.now() - self._started_s) * (shots - recorded) / recorded

    def event(self, text: str) -> None:
        """Write a line into the run's log."""
        if self._recorder is not None:
            self._recorder.tell(Happened(self._clock.now(), text))

    def reading(self, channel: str, time_s: float, value: float) -> None:
        """Log one reading of a quantity."""
        if self._recorder is not None:
            self._recorder.tell(Logged(self._channels[channel], time_s, value))

    def step(self, step: PlannedStep, field_T: float, instruments: Instruments) -> None:
        """A step's set points are reached."""
        if self._recorder is not None:
            self._recorder.tell(
                NewStep(
                    index=step.index,
                    started_s=self._clock.now(),
                    field_set_T=step.field_T,
                    field_T=field_T,
                    source_temperature_K=float(instruments.cold_head.read("temperature_K")),
                    helium_pressure_bar=float(instruments.helium.read("pressure_bar")),
                    velocity_m_s=step.velocity_m_s,
                )
            )
        self.event(f"step {step.index}: {step.field_T:g} T reached, the probe reads {field_T:.4f} T")

    def burst(self, burst: Burst, doing: str) -> None:
        """A burst is over."""
        now = self._progress
        self._progress = replace(now, fired=now.fired + burst.fired, lost=now.lost + burst.lost)
        if burst.lost:
            self.event(f"{burst.lost} shots lost: the digitizer missed their triggers")
        if burst.doubles:
            self.event(f"{burst.doubles} segments were triggered twice or between shots, and were not recorded")
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


def run_header(
    path: Path,
    plan: Plan,
    laboratory: Laboratory,
    calibrations: Calibrations,
    instruments: Instruments,
    axis: TraceAxis,
    watched: Sequence[Channel],
) -> Create:
    """Everything the run file states before its first shot."""
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
        slots=SLOTS,
        slot_bytes=2 * plan.acquisition.shots_per_burst * channels * axis.samples,
        log=tuple(watched),
    )
