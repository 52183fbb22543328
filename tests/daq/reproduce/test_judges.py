"""Each way of judging a claim can agree, differ and stay open."""

from collections.abc import Mapping
from typing import Any

import pytest

from config.laboratory import read_laboratory
from daq.analysis.calibrate import Estimate, Made, Row
from daq.analysis.results import Behaviour, ClusterResult, Results
from daq.reproduce import judges
from daq.reproduce.claims import CLAIMS, NB, TA, V2, V2_NOZZLE, V25, V40, V60, Claim
from daq.reproduce.found import Calibrated, Found, Measured
from daq.reproduce.parts import CALIBRATIONS
from simulators.world.truth import read_truth
from tests.daq.reproduce.conftest import measured


def atom(size: int, moment_uB: float, error_uB: float = 0.02, **more: Any) -> ClusterResult:
    return ClusterResult(size, "atomic-like", moment_uB=moment_uB, error_uB=error_uB, statistical_uB=error_uB, **more)


def relaxing(size: int, moment_uB: float, error_uB: float = 0.3, langevin_uB: float | None = None) -> ClusterResult:
    return ClusterResult(
        size, "superparamagnetic", moment_uB=moment_uB, error_uB=error_uB, statistical_uB=error_uB, langevin_uB=langevin_uB
    )


def nothing(size: int, behaviour: Behaviour = "non-magnetic") -> ClusterResult:
    return ClusterResult(size, behaviour, moment_uB=0.0 if behaviour == "non-magnetic" else None, limit_uB=0.4)


def found(parts: Mapping[str, list[ClusterResult]]) -> Found:
    runs = {part: measured(part, Results("V", tuple(clusters))) for part, clusters in parts.items()}
    return Found(read_laboratory()[1], measured=runs)


AGREES, DIFFERS, OPEN = "agrees", "differs", "open"
UNSURE = nothing(12, "undecided")


@pytest.mark.parametrize(
    ("judge", "clusters", "verdict", "said"),
    [
        (judges.behave(V25, (11,), "atomic-like"), [atom(11, 0.9)], AGREES, "V11 atomic-like"),
        (judges.behave(V25, (11, 12), "atomic-like"), [atom(11, 0.9), UNSURE], OPEN, "V12 undecided, below 0.4 µB"),
        (judges.behave(V25, (11, 12), "atomic-like"), [atom(11, 0.9), nothing(12)], DIFFERS, "V12 non-magnetic, below 0.4 µB"),
        (judges.behave(V25, (11,), "atomic-like"), [], OPEN, ""),
        (judges.worth(V25, {11: (0.91, 0.91)}), [atom(11, 0.94)], AGREES, "V11 0.940 ± 0.020 µB"),
        (judges.worth(V25, {11: (0.91, 0.91)}), [atom(11, 0.96)], DIFFERS, "V11 0.96"),
        (judges.worth(V25, {13: (2.5, 3.0)}), [relaxing(13, 2.0)], AGREES, "V13 2.00 ± 0.30 µB"),
        (judges.worth(V25, {12: (1.0, 1.0)}), [UNSURE], OPEN, "V12 undecided"),
        (judges.worth(V25, {12: (1.0, 1.0)}), [nothing(12)], DIFFERS, "V12 non-magnetic"),
        (judges.most_are(V25, (3, 5, 7), "atomic-like"), [atom(3, 1), atom(5, 1), UNSURE], AGREES, "2 of 2: V3, V5"),
        (judges.most_are(V25, (3, 5), "atomic-like"), [nothing(3), nothing(5)], DIFFERS, "0 of 2: none"),
        (judges.most_are(V25, (11, 12), "atomic-like"), [atom(11, 1), UNSURE], OPEN, "1 of 2"),
        (judges.deflect((V25,), (11, 12)), [atom(11, 1), UNSURE], OPEN, "1 of 2, not V12"),
        (judges.deflect((V25,), (11, 12)), [atom(11, 1), nothing(12)], DIFFERS, "1 of 2, not V12"),
        (judges.deflect((V25,), (11, 13)), [atom(11, 1), relaxing(13, 2)], AGREES, "2 of 2"),
        (judges.langevin_within_error(V25), [relaxing(13, 2.7, 0.3, 2.9)], AGREES, "V13 2.9 against 2.70 ± 0.30 µB"),
        (judges.langevin_within_error(V25), [relaxing(13, 2.7, 0.3, 3.7)], DIFFERS, "V13 3.7 against"),
        (judges.langevin_within_error(V25), [atom(11, 1)], OPEN, "no cluster is superparamagnetic"),
        (judges.relaxed(V25, 11), [atom(11, 0.9, flips=0.05, flips_error=0.02)], AGREES, "relaxed 4.9% ± 1.9%"),
        (judges.relaxed(V25, 11), [atom(11, 0.9, flips=0.8, flips_error=0.02)], DIFFERS, "relaxed 55"),
        (judges.relaxed(V25, 11), [atom(11, 0.9, flips=0.2, flips_error=0.2)], OPEN, "relaxed 18"),
        (judges.relaxed(V25, 11), [nothing(11)], OPEN, "not measured"),
        (judges.not_measured("too warm"), [], OPEN, "too warm"),
    ],
)
def test_a_claim_about_one_run(judge: judges.Judge, clusters: list[ClusterResult], verdict: str, said: str) -> None:
    finding = judge(found({V25: clusters}))
    assert finding.verdict == verdict
    assert said in finding.text


def flipping(flips: float) -> list[ClusterResult]:
    return [atom(11, 0.9, flips=flips, flips_error=0.02)]


@pytest.mark.parametrize(("flips", "verdict"), [(0.8, AGREES), (0.02, DIFFERS), (0.21, OPEN)])
def test_relaxation_is_compared_between_runs(flips: float, verdict: str) -> None:
    finding = judges.relaxed(V2, 11, more_than=V25)(found({V25: flipping(0.2), V2: flipping(flips)}))
    assert finding.verdict == verdict


@pytest.mark.parametrize(("two", "verdict"), [(0.90, AGREES), (0.70, DIFFERS)])
def test_a_third_gaussian_leaves_the_moment_or_not(two: float, verdict: str) -> None:
    judge = judges.same_with_a_third((V25,), (11,))
    fitted = {"two_gaussians_uB": (two, 0.002), "three_gaussians_uB": (0.93, 0.004)}
    finding = judge(found({V25: [atom(11, 0.9, 0.02, **fitted)]}))
    assert finding.verdict == verdict
    assert f"V11 {two:.3f} ± 0.020 and 0.930 ± 0.020 µB" in finding.text
    assert judge(found({V25: [atom(11, 0.9)]})).verdict == OPEN


@pytest.mark.parametrize(("other", "verdict"), [(0.92, AGREES), (1.05, DIFFERS)])
def test_a_moment_is_the_same_under_all_conditions(other: float, verdict: str) -> None:
    judge = judges.independent_of((V25, V40), (9, 11))
    both = found({V25: [atom(11, 0.9), atom(9, 0.8)], V40: [atom(11, other), atom(9, 0.8)]})
    assert judge(both).verdict == verdict
    assert "2 degrees of freedom" in judge(both).text
    assert judge(found({V25: [atom(11, 0.9)]})).verdict == OPEN


def test_of_many_moments_one_may_lie_farther_off() -> None:
    many = [atom(size, 1.0) for size in range(3, 33)]
    many[4] = atom(7, 1.05)
    expected = dict.fromkeys(range(3, 33), (1.0, 1.0))
    assert judges.worth(V25, expected)(found({V25: many})).verdict == AGREES
    assert judges.worth(V25, {7: (1.0, 1.0)})(found({V25: many})).verdict == DIFFERS


@pytest.mark.parametrize(("value", "verdict"), [(19.3e-6, AGREES), (19.5e-6, DIFFERS)])
def test_a_calibration_is_compared(value: float, verdict: str) -> None:
    made = Made([Row("s", "ns/mm", Estimate(value, 0.1e-6), None, 1e6)], [], {})
    state = found({})
    assert judges.calibrated("position", 0, 19.2)(state).verdict == OPEN
    state.calibrated["position"] = Calibrated(CALIBRATIONS[2], "scan", {}, made)
    assert judges.calibrated("position", 0, 19.2)(state).verdict == verdict


def test_what_the_eye_sees_is_the_broadening(everything: Found) -> None:
    assert judges.seen_only(V25, (5, 11), (12, 13))(everything).verdict == AGREES
    finding = judges.seen_only(V25, (11,), (5, 12, 13))(everything)
    assert finding.verdict == DIFFERS
    assert "otherwise than said, beyond the errors: V5" in finding.text


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.says[:40])
def test_a_claim_without_its_run_stays_open(claim: Claim) -> None:
    failed = found({})
    failed.failures[V25] = "the laser is broken"
    assert claim.judge(failed).verdict == OPEN


def of_the_truth(part: str) -> Measured:
    """What the simulated beam carries, found as it is."""
    element = {NB: "Nb", TA: "Ta"}.get(part, "V")
    flips = {V2: 0.8, V2_NOZZLE: 0.5}.get(part, 0.05)
    clusters = []
    for row in read_truth().of(element):
        match row.behaviour:
            case "atomic-like":
                fitted = (row.moment_uB, 0.02)
                pairs = {"two_gaussians_uB": fitted, "three_gaussians_uB": fitted}
                clusters.append(atom(row.size, row.moment_uB, flips=flips, flips_error=0.02, **pairs))
            case "superparamagnetic":
                clusters.append(relaxing(row.size, row.moment_uB, langevin_uB=row.moment_uB + 0.2))
            case _:
                clusters.append(nothing(row.size))
    return measured(part, Results(element, tuple(clusters)))


def test_what_the_paper_found_agrees_with_what_it_says() -> None:
    state = Found(read_laboratory()[1], measured={part: of_the_truth(part) for part in (V25, V40, V60, V2, V2_NOZZLE, NB, TA)})
    verdicts = {claim.says: claim.judge(state) for claim in CLAIMS}
    assert [says for says, finding in verdicts.items() if finding.verdict == DIFFERS] == []
    still_open = [says for says, finding in verdicts.items() if finding.verdict == OPEN]
    assert len(still_open) == 4, "the calibration, 100 K, and the two that no run is taken for"
