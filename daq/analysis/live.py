"""When a run that is followed shows what: sums and a trace at display rate, moments as seldom as they are costly."""

import time

from daq.analysis.published import moments, newest_point, reduced, shot_times, trace
from daq.analysis.runs import PointResults, measured, measured_at
from daq.face.reduced import Moments, Published
from daq.record.run_file import RunFile, RunFileError
from daq.reduce.reduction import Reduction

SHOW_S = 0.25
"""Between two messages of each kind."""
MOMENTS_S, MOMENTS_SHARE = 5.0, 0.1
"""Between two looks at the moments, at least, and the share of the time that they may take from the reduction."""


class Live:
    """What is shown of one run, `run_id`, while it goes on and when it has ended."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._shown = self._measured = time.monotonic()
        self._rest_s = MOMENTS_S
        self._points: dict[int, PointResults] = {}
        self._step = "", 0
        """File and step whose time line was shown last."""

    def meanwhile(self, run: RunFile, reduction: Reduction, shots: int, *, at_once: bool) -> list[Published]:
        """What is due after another burst; the sums `at_once` if that is wanted."""
        now = time.monotonic()
        if (now - self._shown < SHOW_S and not at_once) or not shots:
            return []
        shown = self._sums(run, reduction, shots)
        self._shown = time.monotonic()
        if now - self._measured >= self._rest_s:
            shown += self._moments(run, reduction, shots)
            self._measured = time.monotonic()
            self._rest_s = max(MOMENTS_S, (self._measured - now) / MOMENTS_SHARE)
        return shown

    def at_the_end(self, run: RunFile, reduction: Reduction) -> list[Published]:
        """Everything once more, the moments last."""
        profiles = reduction.profiles()
        shown = self._sums(run, reduction, reduction.shots)
        try:
            return [*shown, moments(self._run_id, measured(run, profiles), run.calibrations, reduction.shots)]
        except RunFileError as error:
            return [*shown, Moments(self._run_id, (), str(error), shots=reduction.shots)]

    def _sums(self, run: RunFile, reduction: Reduction, shots: int) -> list[Published]:
        shown: list[Published] = []
        file, shot, step = reduction.newest or ("", 0, 0)
        # A file that a run has just gone on in may have nothing to show yet.
        if file == run.run_id:
            shown = [trace(self._run_id, run, shot)]
            if (file, step) != self._step:
                self._step = file, step
                shown.append(shot_times(self._run_id, run, step))
        return [*shown, reduced(self._run_id, shots, reduction.profiles(), run.calibrations)]

    def _moments(self, run: RunFile, reduction: Reduction, shots: int) -> list[Published]:
        """Those of the newest point anew, those of the others as they were last."""
        profiles = reduction.profiles()
        point = newest_point(profiles)
        try:
            self._points[point] = measured_at(run, profiles, point)
        except RunFileError:
            return []
        found = [one for _, one in sorted(self._points.items())]
        return [moments(self._run_id, found, run.calibrations, shots, final=False)]
