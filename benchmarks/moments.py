"""Moments drawn again and again: bias, efficiency against the Cramér–Rao bound, coverage; and how often behaviours are right.

    python -P benchmarks/moments.py [PART [DRAWS]]

Of the parts, all without one given, `scatter` is each case and number of ions, our way, the Gaussian way, and by charge;
`systematic` the stated total errors, with calibrations drawn; `judge` behaviours over a grid of truths; `unseen` any clusters.

Seeds are fixed.  The true numbers of ions come from `tests.daq.analysis.expected`, which shares nothing with the analysis.
"""

import argparse
import sys
import time
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from config.laboratory import read_laboratory
from tests.daq.analysis.campaign import (
    Estimates,
    behaviour_of,
    best_possible,
    charge_pairs,
    counted_pairs,
    judgements,
    ours,
    papers,
    separation,
    totals,
)
from tests.daq.analysis.expected import Truth
from tests.daq.analysis.unseen import Unseen, unseen

CASES = (
    Truth(11, True, 0.91),
    Truth(13, False, 0.155),
    Truth(11, True, 1.2),
    Truth(33, False, 0.42),
    Truth(11, True, 0.3),
    Truth(20, False, 0.036),
    Truth(3, True, 1.2),
    Truth(3, True, 1.4),
    Truth(11, True, 0.91, flips=0.8),
)
IONS = (300, 1_000, 3_000, 10_000)
JUDGED = (
    Truth(12, False, 0.0),
    Truth(20, False, 0.0),
    Truth(33, False, 0.0),
    Truth(20, False, 0.036),
    Truth(22, False, 0.063),
    Truth(13, False, 0.155),
    Truth(33, False, 0.42),
    Truth(12, True, 0.2),
    Truth(11, True, 0.3),
    Truth(11, True, 0.5),
    Truth(11, True, 0.91),
    Truth(11, True, 0.91, flips=0.8),
)
TOTALS = (
    (Truth(11, True, 0.91), 0.91),
    (Truth(11, True, 0.91, flips=0.2), 0.91),
    (Truth(45, True, 1.0, flips=0.05), 1.0),
    (Truth(45, True, 1.0, flips=1.0), 1.0),
    (Truth(13, False, 0.155), 2.75),
    (Truth(33, False, 0.42), 5.0),
)
HEADINGS = (
    "cluster",
    "ions per field",
    "bound / µB",
    "efficiency",
    "bias / σ",
    "68 %",
    "95 %",
    "Gaussian or mean: eff., bias, 68 %",
    "charge: eff., bias, 68 %",
    "ms",
)
PAPERS, CHARGE = 500, 200
"""Draws of the two other ways, at most."""
SEED = 20261126
WIDE = 0.15
"""Where the bound is above this part of the moment, likelihood intervals are shown: errors are not alike on both sides."""


def name(truth: Truth) -> str:
    if not truth.blocked and not truth.moment_uB:
        return f"V{truth.size} non-magnetic"
    if not truth.blocked:
        return f"V{truth.size} superparamagnetic, ⟨µ⟩ = {truth.moment_uB:g} µB"
    relaxed = f", W t = {truth.flips:g}" if truth.flips else ""
    return f"V{truth.size} atomic-like, {truth.moment_uB:g} µB{relaxed}"


def scatter(draws: int) -> None:
    calibrations = read_laboratory()[1]
    print(f"| {' | '.join(HEADINGS)} |\n|{' --- |' * len(HEADINGS)}")
    for case, ions in product(CASES, IONS):
        truth = replace(case, ions=float(ions))
        best = best_possible(truth, calibrations)
        wide = truth.blocked and best > WIDE * truth.moment_uB
        began = time.perf_counter()
        found, above = ours(counted_pairs(truth, calibrations, draws, SEED), truth, calibrations, wide)
        each_ms = 1e3 * (time.perf_counter() - began) / draws
        inside = [np.mean(above <= z**2) if wide else found.within(truth.moment_uB, z) for z in (1.0, 1.96)]
        paper = papers(counted_pairs(truth, calibrations, min(draws, PAPERS), SEED), truth)
        charge, _ = ours(charge_pairs(truth, calibrations, min(draws, CHARGE), SEED), truth, calibrations)
        others = [_others(one, truth, best) for one in (paper, charge)]
        print(
            f"| {name(truth)} | {ions:,} | {best:.4f} | {found.efficiency(best):.3f}{' (wide)' * wide} | "
            f"{found.bias(truth.moment_uB):+.3f} | {inside[0]:.1%} | {inside[1]:.1%} | {' | '.join(others)} | {each_ms:.0f} |",
            flush=True,
        )


def _others(found: Estimates, truth: Truth, best: float) -> str:
    if np.isfinite(found.values).sum() < 2:
        return "refused"
    return f"{found.efficiency(best):.2f}, {found.bias(truth.moment_uB):+.2f}, {found.within(truth.moment_uB, 1.0):.0%}"


def systematic(draws: int) -> None:
    """What `analyse` states: W t free, all errors together."""
    calibrations = read_laboratory()[1]
    headings = ("cluster", "ions per field", "draws", "recognised", "bias / error", "68 %", "95 %")
    print(f"| {' | '.join(headings)} |\n|{' --- |' * len(headings)}")
    for (case, moment_uB), ions in product(TOTALS, IONS[1:]):
        found = totals(replace(case, ions=float(ions)), moment_uB, calibrations, draws, SEED)
        print(
            f"| {name(case)}{f', µ = {moment_uB:g} µB' * (not case.blocked)} | {ions:,} | {draws:,} | "
            f"{found.recognised / draws:.1%} | "
            f"{found.bias:+.2f} | {found.narrow:.1%} | {found.wide:.1%} |",
            flush=True,
        )


def judge(draws: int) -> None:
    calibrations = read_laboratory()[1]
    print("| cluster | ions per field | nearest other behaviour / σ | right | undecided | wrong |")
    print("| --- | --- | --- | --- | --- | --- |")
    for case, ions in product(JUDGED, IONS):
        truth = replace(case, ions=float(ions))
        apart, found = separation(truth, calibrations), judgements(truth, calibrations, draws, SEED)
        right, undecided = found[behaviour_of(truth)] / draws, found["undecided"] / draws
        wrong = 1 - right - undecided
        print(f"| {name(truth)} | {ions:,} | {apart:.1f} | {right:.1%} | {undecided:.1%} | {wrong:.1%} |", flush=True)


def anything(draws: int) -> None:
    """Clusters of any behaviour and moment, each in a machine of its own."""
    kinds: dict[str, list[Unseen]] = {"all": list(unseen(draws, read_laboratory()[1], SEED))}
    for one in kinds["all"]:
        kinds.setdefault(one.kind, []).append(one)
    print("| cluster | measured | right | undecided | wrong | moments | bias / error | rms pull | largest | 68 % | 95 % |")
    print(f"|{' --- |' * 11}")
    for kind, ones in kinds.items():
        verdicts = " | ".join(f"{sum(one.verdict == word for one in ones)}" for word in ("right", "undecided", "wrong"))
        print(f"| {kind} | {len(ones)} | {verdicts} | {_of_pulls([one for one in ones if one.pull is not None])} |")


def _of_pulls(ones: list[Unseen]) -> str:
    if not ones:
        return "0 | | | | |"
    pulls = np.array([one.pull for one in ones])
    inside = [
        np.mean([one.within(interval) for one, interval in zip(ones, intervals, strict=True)])
        for intervals in zip(*((one.found.interval_68_uB, one.found.interval_95_uB) for one in ones), strict=True)
    ]
    return (
        f"{len(ones)} | {pulls.mean():+.2f} | {np.sqrt(np.mean(pulls**2)):.2f} | {abs(pulls).max():.1f} | "
        f"{inside[0]:.1%} | {inside[1]:.1%}"
    )


PARTS = {"scatter": (scatter, 4000), "systematic": (systematic, 1000), "judge": (judge, 100), "unseen": (anything, 3000)}
"""And how often each draws."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("part", nargs="?", choices=PARTS, help="all without one")
    parser.add_argument("draws", nargs="?", type=int)
    given = parser.parse_args()
    for part in [given.part] if given.part else PARTS:
        draw, draws = PARTS[part]
        draw(given.draws or draws)


if __name__ == "__main__":
    main()
