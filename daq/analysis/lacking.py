"""Why measured profiles cannot give a moment, a sentence each; nothing when they can."""

import math

import numpy as np

from daq.analysis.fit import Vector
from daq.reduce.profiles import Choice, Profile, Profiles

FEWEST_SHOTS = 100
"""Shots per field under which the scatter between shots is not known well enough."""
EMPTY, SOUND = 10.0, 30.0
"""Charge over its error under which a profile counts as empty, and from which on the response is known well enough for
errors to hold: some 1,800 ions."""
FEWEST_IONS = 200
"""Counted ions of the beam per field from which on intervals were seen to hold."""
FLANK = 0.25
"""Of a window, on at least one side of it, where at zero field there is nothing but background."""
STANDS_OUT = 5.0
"""Standard errors by which a peak at zero field stands out of its background, or is none (assumed)."""
ZERO_T, SAME_T = 0.1, 0.01
"""Set fields under the first are zero field, but for the remanence; the second is how far two of one size differ (relative)."""
SATURATED = 0.01
"""Share of shots at the digitizer's limit from which on charge is not believed (assumed)."""


def fields_lacking(profiles: Profiles) -> str:
    """Why there are not one zero field and one full field, or nothing."""
    fields_T = sorted(profiles.fields_T, key=abs)
    if len(fields_T) < 2:
        has = f"only {fields_T[0]:g} T was recorded" if fields_T else "no shots were recorded"
        return f"{has}; zero and full field are needed"
    lowest_T, highest_T = fields_T[0], fields_T[-1]
    if abs(lowest_T) >= ZERO_T:
        return f"the lowest field was {lowest_T:g} T; zero field is needed beside the full one, to know the beam unbent"
    if any(abs(field_T + highest_T) < SAME_T * abs(highest_T) for field_T in fields_T):
        return f"the field was {-abs(highest_T):g} and {abs(highest_T):g} T; take one direction in a run"
    return ""


def shots_lacking(shots: int, field_T: float) -> str:
    """At one set field."""
    return "" if shots >= FEWEST_SHOTS else f"only {shots} shots at {field_T:g} T; at least {FEWEST_SHOTS} are needed"


def ions_lacking(off: Profile, on: Profile, choice: Choice) -> str:
    """In the profiles of one cluster at zero and at full field."""
    if not choice.counted:
        return _charge_lacking(off, on, choice) or _peak_lacking(off)
    background = float(_flank(off) @ off.values)
    return _counts_lacking(off, on) or _peak_lacking(off) or _counts_lacking(off, on, background)


def _peak_lacking(off: Profile) -> str:
    """Whether there is nothing but background at zero field: without a beam, models only describe its noise."""
    weight = 1 - len(off.values) * _flank(off)
    variance = weight**2 @ off.counts.variance if off.counts else weight @ off.covariance @ weight
    stands_out = weight @ off.values > STANDS_OUT * math.sqrt(variance)
    return "" if stands_out else "no peak stands out of the background at zero field; is it in the beam?"


def _flank(off: Profile) -> Vector:
    """Weights of the bins in the mean of the emptier flank of the window: a misplaced peak may reach into the other one."""
    bins = len(off.values)
    count = math.ceil(FLANK * bins)
    means = np.zeros((2, bins))
    means[0, :count] = means[1, -count:] = 1 / count
    return np.asarray(means[np.argmin(means @ off.values)])


def _counts_lacking(off: Profile, on: Profile, background: float = 0.0) -> str:
    """Why counted ions above a `background` per bin and shot are too few, or nothing."""
    for profile, where in ((off, "zero"), (on, "full")):
        ions = round(profile.shots * float((profile.values - background).sum()))
        if ions <= 0:
            lost = "they were bent out of the ionised region" if where == "full" else "the profile is empty"
            return f"no ions at {where} field; {lost}"
        if ions < FEWEST_IONS:
            return (
                f"only {ions} ion{'s' * (ions > 1)} at {where} field, {FEWEST_IONS} are needed; "
                f"take {math.ceil(FEWEST_IONS / ions)} times the shots"
            )
    return ""


def _charge_lacking(off: Profile, on: Profile, choice: Choice) -> str:
    """Why charge is too little, or not to be believed, or nothing."""
    if choice.saturated > SATURATED * (off.shots + on.shots):
        return f"{choice.saturated} shots reach the digitizer's limit here; lower the gain or widen its range"
    (off_signal, off_error), (on_signal, on_error) = signal_of(off), signal_of(on)
    if off_error == 0 or on_error == 0:
        return "every shot is the same; without scatter there are no errors"
    for signal, error, where in ((off_signal, off_error, "zero"), (on_signal, on_error, "full")):
        if not signal > EMPTY * error:
            lost = "; they were bent out of the ionised region" if where == "full" else "; the profile is empty"
            return f"no ions at {where} field{lost}"
        if not signal > SOUND * error:
            return f"too few ions at {where} field; about {math.ceil((SOUND * error / signal) ** 2)} times the shots are needed"
    return ""


def signal_of(profile: Profile) -> tuple[float, float]:
    """Signal per shot and its error from the number of ions alone: the strength of shots may vary as it likes."""
    total = float(profile.values.sum())
    if profile.counts is not None:
        return total, total / math.sqrt(profile.counts.ions.sum())
    return total, float(np.sqrt(np.trace(profile.covariance)))
