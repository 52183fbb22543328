"""What a reproduction might have found, from drawn profiles: clusters stand for others where only a figure needs them."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from config.calibration import Calibrations
from config.laboratory import read_laboratory
from daq.analysis.calibrate import Estimate, Made, Row
from daq.analysis.moments import analyse
from daq.analysis.results import Results
from daq.reproduce.claims import NB, TA, V2, V2_NOZZLE, V25, V40, V60, V100
from daq.reproduce.found import Calibrated, Found, Measured
from daq.reproduce.parts import CALIBRATIONS, MEASUREMENTS
from tests.daq.analysis.beam import Beam, charge_profiles, magnetic, none, thermal

PARTS = {part.name: part for part in MEASUREMENTS}
SHOTS = 400


def relabelled(results: Results, element: str, sizes: Mapping[int, int]) -> Results:
    """Results that say of clusters of another element what these say."""
    clusters = tuple(replace(results.cluster(old), size=new) for new, old in sizes.items())
    return replace(results, element=element, clusters=clusters)


def measured(part: str, results: Results) -> Measured:
    return Measured(PARTS[part], f"run-of-{part}", {0.0: SHOTS, 2.4: SHOTS}, results)


@pytest.fixture(scope="session")
def everything() -> Found:
    """All measurements, and the position calibration."""
    calibrations: Calibrations = read_laboratory()[1]

    def found(flips: float, seed: int) -> Results:
        clusters = {5: magnetic(0.78), 11: magnetic(0.91, flips), 12: none, 13: thermal(2.75)}
        beam = Beam(clusters, dict.fromkeys(clusters, 25.0))
        return analyse(charge_profiles(beam, SHOTS // 2, calibrations, seed), calibrations)

    cold, warm, between = found(0.02, 1), found(0.8, 2), found(0.4, 3)
    by_part = {
        **dict.fromkeys((V25, V40, V60, V100), cold),
        V2: warm,
        V2_NOZZLE: between,
        NB: relabelled(cold, "Nb", {7: 13, 11: 11, 12: 12}),
        TA: relabelled(cold, "Ta", {5: 13, 6: 12, 7: 13}),
    }
    s = Estimate(19.3e-6, 0.1e-6, 0.1e-6)
    made = Made([Row("s", "ns/mm", s, calibrations.position.sensitivity_s_per_m, 1e6)], ["a note"], {})
    position = Calibrated(next(part for part in CALIBRATIONS if part.name == "position"), "scan-1", {0.0: 900}, made)
    return Found(calibrations, {"position": position}, {part: measured(part, results) for part, results in by_part.items()})
