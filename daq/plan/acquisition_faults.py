"""What can be wrong with how shots are captured: with the digitizer's rates and memory, and with the record's length."""

from bisect import bisect
from collections.abc import Iterator
from math import isclose

from config.calibration import MassCalibration
from config.laboratory import Laboratory
from daq.conversions.flight_time import cluster_mass_u, mass_at_time_u, undeflected_time_s
from daq.plan.plan import Plan
from drivers.registry import unconnected
from drivers.roles import DigitizerLimits


def acquisition_faults(plan: Plan, laboratory: Laboratory, mass: MassCalibration) -> Iterator[str]:
    """Each a sentence."""
    yield from _digitizer_faults(plan, laboratory)
    duration_us, period_us = plan.acquisition.duration_us, 1e6 / plan.acquisition.rate_Hz
    if duration_us >= period_us:
        yield (
            f"acquisition.duration_us = {duration_us:g} is as long as the {period_us:g} us between two shots; "
            "record less or shoot more slowly"
        )
    largest, atom_u, early_s = plan.sizes[1], cluster_mass_u(plan.element, 1), laboratory.timing.digitizer_early_s
    # A window ends halfway to the next size at the latest.
    needed_us = 1e6 * (undeflected_time_s((largest + 0.5) * atom_u, mass) + early_s)
    if needed_us > duration_us:
        fits = int(mass_at_time_u(max(mass.t0_s.value, 1e-6 * duration_us - early_s), mass) / atom_u - 0.5)
        yield (
            f"acquisition.duration_us = {duration_us:g} ends before all of {plan.element}{largest} has arrived, after "
            f"{needed_us:.1f} us; the largest size that fits is {f'{plan.element}{fits}' if fits > 0 else 'none'}: "
            "record longer, or ask for smaller sizes"
        )


def _digitizer_faults(plan: Plan, laboratory: Laboratory) -> Iterator[str]:
    name = laboratory.named("digitizer")
    digitizer = unconnected(name, laboratory.instruments[name])
    limits: DigitizerLimits | None = getattr(digitizer, "digitizer_limits", None)
    asked, samples = plan.acquisition, plan.acquisition.samples
    if samples < 1:
        yield f"acquisition.duration_us = {asked.duration_us:g} at {asked.sample_rate_Hz:g} Hz is no sample; record longer"
    if limits is None:
        return
    if not any(isclose(asked.sample_rate_Hz, rate_Hz, rel_tol=1e-3) for rate_Hz in limits.sample_rates_Hz):
        place = bisect(limits.sample_rates_Hz, asked.sample_rate_Hz)
        nearest = " or ".join(f"{rate_Hz:g}" for rate_Hz in limits.sample_rates_Hz[max(0, place - 1) : place + 1])
        yield f"acquisition.sample_rate_Hz = {asked.sample_rate_Hz:g} is no rate of the digitizer; take {nearest}"
    elif limits.memory_samples is not None and plan.longest_burst * samples > limits.memory_samples:
        fits = limits.memory_samples // samples
        advice = f"make shots_per_burst at most {fits}" if fits else "record less"
        yield (
            f"a burst of {plan.longest_burst} shots with {samples:,} samples each is more than the "
            f"{limits.memory_samples:,} that the digitizer keeps; {advice}"
        )
