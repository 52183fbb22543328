"""What flies where in a mass spectrum: bare clusters, hydrides and oxides, doubly charged ones, and isotopologues of all."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from daq.analysis.calibrate.estimate import Estimate
from daq.analysis.calibrate.peaks import ISOTOPOLOGUES, LIGHT_ISOTOPE, HYDROGEN_u
from daq.conversions.flight_time import cluster_mass_u

OXYGEN_u = 15.99491
Kind = Literal["bare", "isotopologue", "hydride", "oxide", "dioxide", "doubly charged"]
SIGNIFICANT = 4.0
"""Area over its error from which on there is such an ion."""


@dataclass(frozen=True)
class Species:
    """One kind of ion; `mass_u` of the main isotopologue over its charge, which is what a spectrometer sees."""

    name: str
    kind: Kind
    element: str
    atoms: int
    mass_u: float
    charge: int = 1

    @property
    def isotopologues(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Masses over charge and shares of all, the main one first; float64[isotopologues] each."""
        share, lighter_u = LIGHT_ISOTOPE.get(self.element, (0.0, 0.0))
        light = np.arange(ISOTOPOLOGUES)
        return self.mass_u + light * lighter_u / self.charge, binom.pmf(light, self.atoms, share)


@dataclass(frozen=True)
class Line:
    """One peak: where, how large (`area` in codes times samples per shot), and its `share` of the peak at the bare cluster's
    mass, doubly charged ones of twice the size included.

    `size` is that cluster; `mass_u` is over charge.  Isotopologues are not measured but follow from their cluster, and a doubly
    charged cluster of an even number of atoms, which lies under one of half its size, from its two neighbours.
    """

    name: str
    kind: Kind
    size: int
    mass_u: float
    time_s: float
    area: Estimate
    share: Estimate

    @property
    def significant(self) -> bool:
        """Whether there is such an ion at all."""
        return self.area.value > SIGNIFICANT * self.area.error


def around(element: str, size: int) -> tuple[Species, ...]:
    """The species that are told apart between a cluster and the next: itself, hydride, oxides, and the doubly charged one half
    an atom heavier; that of twice its size lies under it."""
    bare_u, name = cluster_mass_u(element, size), _name(element, size)
    twice = 2 * size + 1
    return (
        Species(name, "bare", element, size, bare_u),
        Species(f"{name}H", "hydride", element, size, bare_u + HYDROGEN_u),
        Species(f"{name}O", "oxide", element, size, bare_u + OXYGEN_u),
        Species(f"{name}O2", "dioxide", element, size, bare_u + 2 * OXYGEN_u),
        doubly_charged(element, twice),
    )


def doubly_charged(element: str, atoms: int) -> Species:
    name = f"{_name(element, atoms)}²⁺"
    return Species(name, "doubly charged", element, atoms, cluster_mass_u(element, atoms) / 2, charge=2)


def _name(element: str, size: int) -> str:
    return f"{element}{size}" if size > 1 else element
