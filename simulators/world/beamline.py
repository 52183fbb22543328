"""One beam line: what the digitizer sees of the shots that the instruments fire.

Randomness depends on the seed and on the number of each shot, never on time or on how shots are grouped, so a run repeats.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.world.conditions import Capture, ShotConditions
from simulators.world.detector import FWHM, POOL_SAMPLES, Noise, traces
from simulators.world.flight import STEPS, Flight, positions
from simulators.world.magnet import Magnet
from simulators.world.shot import NOMINAL_IONISATION_MJ, NOMINAL_PRESSURE_BAR, Bunch, bunch
from simulators.world.truth import HYDROGEN_U, LIGHT_ISOTOPE, MASSES_U, NOZZLES, OXYGEN_U, Cluster, Truth

HOUR_S = 3600.0
PHOTODIODE_V, PHOTODIODE_S = 0.5, 25e-9
"""Height of a photodiode's pulse at the nominal energy, and its length (FWHM; *assumed*)."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Draw:
    """The dice of one shot: everything random about it, drawn in a fixed order."""

    cluster: NDArray[np.int64]
    light_atoms: NDArray[np.int64]
    uniform: Floats
    normal: Floats
    height: Floats
    focus: Floats
    level: Floats
    fate: Floats
    jitter: float
    noise_start: int


@dataclass(frozen=True)
class _Ions:
    shot: NDArray[np.int64]
    arrival_s: Floats
    height_V: Floats


class Beamline:
    """The world behind the instruments.  `element` is the rod in the source, `nozzle` one of `NOZZLES`."""

    def __init__(self, truth: Truth, seed: int, element: str = "V") -> None:
        self.truth = truth
        self.machine = truth.machine
        self.magnet = Magnet(truth.machine)
        self.nozzle = NOZZLES[0]
        self._seed = seed
        self._noise = Noise(seed)
        self._drift_phase = float(np.random.default_rng([seed, 0xD21F]).uniform(0, 2 * math.pi))
        self.load_rod(element)

    def load_rod(self, element: str) -> None:
        """Change the rod: the clusters of this element come from now on."""
        clusters = self.truth.of(element)
        sizes = np.array([cluster.size for cluster in clusters], dtype=np.int64)
        self.element = element
        self._sizes = sizes
        self._mass_u = sizes * MASSES_U[element]
        self._light_share, self._light_u = LIGHT_ISOTOPE.get(element, (0.0, 0.0))
        self._moment_uB = np.array([cluster.moment_uB for cluster in clusters])
        self._blocked = np.array([cluster.behaviour == "atomic-like" for cluster in clusters], dtype=np.bool_)
        self._flips_6_bar = np.array([self._flips(cluster) for cluster in clusters])
        energies = [math.inf if cluster.excited_K is None else cluster.excited_K for cluster in clusters]
        self._excited_K = np.array(energies, dtype=np.float64)
        self._ions = self.machine.ions_at_maximum * np.array([self._abundance(cluster) for cluster in clusters])

    def field_T(self, now: float, current_A: float) -> float:
        """Field at the Hall probe and on the beam axis."""
        return self.magnet.field_T(current_A)

    def expose(self, shots: Sequence[ShotConditions], numbers: NDArray[np.int64], capture: Capture) -> NDArray[np.int16]:
        """Traces int16[shots, samples] of these shots; `numbers` count the T0s since the start."""
        bunches = [bunch(shot, self.machine) for shot in shots]
        draws = [
            self._draw(int(number), one.intensity if one else 0.0, capture)
            for number, one in zip(numbers, bunches, strict=True)
        ]
        ions = self._fly(shots, bunches, draws)
        starts = np.array([draw.noise_start for draw in draws], dtype=np.int64)
        return traces(ions, starts, self._noise, self.machine, capture)

    def light(self, shots: Sequence[ShotConditions], numbers: NDArray[np.int64], capture: Capture) -> NDArray[np.int16]:
        """What a photodiode in the ionisation laser's beam shows, int16[shots, samples]."""
        pulses: list[tuple[int, float, float]] = []
        starts = np.empty(len(shots), dtype=np.int64)
        for row, (shot, number) in enumerate(zip(shots, numbers.tolist(), strict=True)):
            random = np.random.default_rng([self._seed, number])
            jitter = random.standard_normal(2)[1]  # the same dice as for the ions of this shot
            starts[row] = int(np.random.default_rng([self._seed, number, 1]).integers(POOL_SAMPLES - capture.samples))
            if shot.ionisation_s is not None and shot.ionisation_energy_mJ > 0:
                late_s = shot.ionisation_s + self.machine.ionisation_insertion_s - (shot.digitizer_s or 0.0)
                height_V = PHOTODIODE_V * shot.ionisation_energy_mJ / NOMINAL_IONISATION_MJ
                pulses.append((row, late_s + self.machine.ionisation_jitter_s * jitter, height_V))
        table = np.array(pulses, dtype=np.float64).reshape(-1, 3)
        ions = _Ions(table[:, 0].astype(np.int64), table[:, 1], table[:, 2])
        slow = self.machine.model_copy(update={"pulse_s": PHOTODIODE_S})
        return traces(ions, starts, self._noise, slow, capture)

    def _draw(self, number: int, intensity: float, capture: Capture) -> _Draw:
        random = np.random.default_rng([self._seed, number])
        spread = self.machine.yield_fluctuation
        fluctuation = math.exp(spread * random.standard_normal() - spread**2 / 2)
        jitter, noise_start = random.standard_normal(), int(random.integers(POOL_SAMPLES - capture.samples))
        cluster = np.repeat(np.arange(len(self._sizes)), random.poisson(self._ions * intensity * fluctuation))
        light = random.binomial(self._sizes[cluster], self._light_share)
        uniform = random.random((len(cluster), STEPS + 3))
        normal = random.standard_normal((len(cluster), 2))
        height = random.standard_exponential(len(cluster))
        focus, level = random.random((2, len(cluster)))
        fate = random.random(len(cluster))
        return _Draw(cluster, light, uniform, normal, height, focus, level, fate, jitter, noise_start)

    def _fly(self, shots: Sequence[ShotConditions], bunches: Sequence[Bunch | None], draws: Sequence[_Draw]) -> _Ions:
        machine = self.machine
        shot = np.repeat(np.arange(len(draws)), [len(draw.cluster) for draw in draws])
        cluster = np.concatenate([draw.cluster for draw in draws])
        light = np.concatenate([draw.light_atoms for draw in draws])
        uniform = np.concatenate([draw.uniform for draw in draws])
        normal = np.concatenate([draw.normal for draw in draws])

        def of_shot(values: list[float]) -> Floats:
            return np.array(values, dtype=np.float64)[shot]

        temperature_K = of_shot([one.source_temperature_K + machine.cluster_excess_K for one in shots])
        level = np.concatenate([draw.level for draw in draws])
        field_T = [self.magnet.field_T(one.magnet_current_A) for one in shots]
        pressure = np.array([max(one.helium_pressure_bar, 0.1) for one in shots])
        flips = self._flips_6_bar[cluster] * ((pressure / NOMINAL_PRESSURE_BAR) ** -self._flips_exponent)[shot]
        flight_s = of_shot([one.ionisation_s - one.opening_s if one else 1.0 for one in bunches])
        more_u, charge = self._fates(np.concatenate([draw.fate for draw in draws]))
        mass_u = self._mass_u[cluster] + light * self._light_u + more_u
        bare = more_u == 0
        passed_s = normal[:, 0] * machine.chopper_opening_s / FWHM
        flight = Flight(
            mass_u=mass_u,
            moment_uB=self._moment_uB[cluster] * self._excitation(cluster, temperature_K, level) * bare,
            blocked=self._blocked[cluster] & bare,
            flips=flips,
            velocity_m_s=machine.chopper_to_ionisation_m / (flight_s - passed_s),
            field_T=np.abs(of_shot(field_T)),
            gradient_T_m=of_shot([self.magnet.gradient_T_m(value) for value in field_T]),
            temperature_K=temperature_K,
        )
        z = positions(flight, uniform[:, 0] - 0.5, uniform[:, 1] - 0.5, uniform[:, 2:], machine)
        # The digitizer's trigger is programmed to the same time as the light; what the two differ by shifts every pulse.
        late_s = of_shot([one.ionisation_s - (shots[i].digitizer_s or 0.0) if one else 0.0 for i, one in enumerate(bunches)])
        late_s += machine.ionisation_jitter_s * of_shot([draw.jitter for draw in draws])
        late_s += normal[:, 1] * machine.ionisation_pulse_s / FWHM
        arrival_s = late_s + self._flight_time_s(mass_u / charge, z) * (
            1 - self._drift(of_shot([one.t0_s for one in shots])) / 2
        )
        kept = np.abs(z) < machine.acceptance_m
        # Wherever a focus is nowhere, a width without end stands for it.
        at_m = of_shot([0.0 if one.focus_stage_m is None else one.focus_stage_m - machine.focus_centre_m for one in shots])
        width_m = of_shot([math.inf if one.focus_stage_m is None else machine.focus_width_m / FWHM for one in shots])
        kept &= np.concatenate([draw.focus for draw in draws]) < np.exp(-(((z - at_m) / width_m) ** 2) / 2)
        height_V = np.concatenate([draw.height for draw in draws]) * machine.pulse_height_V
        return _Ions(shot[kept], arrival_s[kept], height_V[kept])

    def _fates(self, fate: Floats) -> tuple[Floats, Floats]:
        """Mass in u that each cluster has taken up, and the charge its ion has got."""
        machine = self.machine
        shares = [machine.hydride_share, machine.oxide_share, machine.dioxide_share, machine.doubly_charged_share]
        which = np.searchsorted(np.cumsum(shares), fate, side="right")
        return np.array([HYDROGEN_U, OXYGEN_U, 2 * OXYGEN_U, 0.0, 0.0])[which], np.array([1.0, 1.0, 1.0, 2.0, 1.0])[which]

    def _flight_time_s(self, mass_u: Floats, z: Floats) -> Floats:
        machine = self.machine
        scale = np.sqrt(mass_u / machine.reference_mass_u)
        bend = (machine.sensitivity_s_per_m + machine.curvature_s_per_m2 * z) * z
        return machine.t0_s + machine.k_s_per_sqrt_u * np.sqrt(mass_u) + scale * bend

    def _drift(self, t0_s: Floats) -> Floats:
        """Relative drift of the high voltage: never faster than the stated rate."""
        swing = np.sin(t0_s / HOUR_S + self._drift_phase) - math.sin(self._drift_phase)
        return self.machine.hv_drift_ppm_per_hour * 1e-6 * swing

    def _excitation(self, cluster: NDArray[np.int64], temperature_K: Floats, level: Floats) -> Floats:
        """How many times its ground level's moment each has: 2 or 6 in a level J = 3/2 (its four states over two), else 1."""
        weight = 2 * np.exp(-self._excited_K[cluster] / temperature_K)
        share = weight / (1 + weight)
        return np.where(level < share / 2, 6.0, np.where(level < share, 2.0, 1.0))

    @property
    def _flips_exponent(self) -> float:
        machine = self.machine
        return machine.flips_pressure_exponent if self.nozzle == NOZZLES[0] else machine.flips_pressure_exponent_other_nozzle

    def _flips(self, cluster: Cluster) -> float:
        return self.machine.flips_at_6_bar if cluster.flips_per_transit is None else cluster.flips_per_transit

    def _abundance(self, cluster: Cluster) -> float:
        if cluster.abundance is not None:
            return cluster.abundance
        offset = math.log(cluster.size / self.machine.size_at_maximum) / self.machine.size_spread
        return math.exp(-(offset**2) / 2)
