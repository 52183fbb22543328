"""Everything that was summed, to compare bit by bit."""

from daq.reduce import Profiles


def bits(profiles: Profiles) -> list[object]:
    """All sums as plain numbers."""
    steps = [
        (
            (sums.step, sums.shots, sums.number_sum, sums.saturated, sums.clipped, sums.quiet),
            [part.tolist() for part in sums.charge + sums.product],
            [(counts.ions.tolist(), counts.live.tolist()) for counts in sums.counts],
        )
        for sums in profiles.steps
    ]
    spectra = [(field_T, sums.shots, sums.codes.tolist(), sums.baseline) for field_T, sums in profiles.spectra.items()]
    return [*steps, *sorted(spectra)]
