"""What in a cluster's window is not the cluster, and what it would be taken for.

A hydride stands one mass unit late, where 2 µB bend a cluster at 2.4 T and 25 K, at every mass.  A doubly charged cluster of
twice the size lies under it and is bent half as far: its ions look like relaxed moments in the middle.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from config.calibration import Calibrations
from daq.analysis.calibrate.estimate import Estimate
from daq.analysis.species import Line
from daq.analysis.spectrum import MassSpectrum
from daq.conversions.deflection import deflection_per_uB_m
from daq.conversions.flight_time import sensitivity_s_per_m


@dataclass(frozen=True)
class Contamination:
    """Ions of another kind in the window of the cluster `size`: their `share` of the peak at its mass, and the moment in µB
    that `velocity_m_s` and `field_T` would bend the cluster by to where they stand at zero field, 0 for those that stand under
    it."""

    size: int
    cluster: str
    name: str
    share: Estimate
    moment_uB: float
    significant: bool
    velocity_m_s: float
    field_T: float

    @property
    def mean_uB(self) -> float:
        """By how much they move the mean of the profile, in µB, at zero and at full field alike unless they have a moment."""
        return self.moment_uB * self.share.value / (1 + self.share.value)

    @property
    def sentence(self) -> str:
        """For the note of a result; empty when there is nothing to say."""
        if not self.significant:
            return ""
        share = f"{self.share.value:.1%} ± {self.share.error:.1%}"
        if self.moment_uB:
            return (
                f"{share} as many {self.name} as {self.cluster} lie in its window, as if bent by {self.moment_uB:.1f} µB "
                f"at {self.velocity_m_s:.0f} m/s and {self.field_T:g} T; they move its mean by {self.mean_uB:.2f} µB"
            )
        return f"{share} of its peak are {self.name}, bent half as far: they look like relaxed moments"


def contaminations(
    spectrum: MassSpectrum, velocity_m_s: float, field_T: float, calibrations: Calibrations
) -> tuple[Contamination, ...]:
    """Hydrides and doubly charged clusters in the windows of all clusters of a spectrum, significant or not.

    Velocity and full field say what a time means in µB.  `ValueError` for a field beyond the calibrated one.
    """
    return tuple(_found(spectrum, velocity_m_s, field_T, calibrations))


def _found(spectrum: MassSpectrum, velocity_m_s: float, field_T: float, calibrations: Calibrations) -> Iterable[Contamination]:
    bare = {line.size: line for line in spectrum.lines if line.kind == "bare"}
    for size, cluster in sorted(bare.items()):
        per_uB_m = deflection_per_uB_m(cluster.mass_u, velocity_m_s, field_T, calibrations.deflection)
        per_uB_s = per_uB_m * sensitivity_s_per_m(cluster.mass_u, calibrations.position)
        for line in spectrum.lines:
            if line.size == size and _inside(line, cluster):
                late_uB = (line.time_s - cluster.time_s) / per_uB_s if line.kind == "hydride" else 0.0
                found = size, cluster.name, line.name, line.share, late_uB, line.significant
                yield Contamination(*found, velocity_m_s, field_T)


def _inside(line: Line, cluster: Line) -> bool:
    """Whether a line lies in the cluster's window: its hydride, and what has the same mass over charge."""
    return line.kind == "hydride" or (line.kind == "doubly charged" and abs(line.mass_u - cluster.mass_u) < 0.1)
