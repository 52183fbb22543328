"""How a claim of the paper is judged: what was found, in words, and whether it agrees.

*agrees*, *differs*, or *open* where the runs cannot decide.  Numbers agree when they are as near as 95 % of correct
measurements would be; of several judged together, all of them.
"""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import chi2, norm

from daq.analysis.results import Behaviour, ClusterResult, Results
from daq.reproduce.found import Found
from daq.reproduce.words import found_of, names, with_error

Verdict = Literal["agrees", "differs", "open"]
Range = tuple[float, float]
WRONG = 0.05
"""Share of correct measurements that would be called different."""
BROADENED = 1.15
"""From this ratio of widths on a broadened profile is seen by eye (assumed)."""
NEGLIGIBLE = 0.15
"""Share of relaxed moments under which no central peak is seen (assumed)."""


@dataclass(frozen=True)
class Finding:
    """What was found of one claim."""

    verdict: Verdict
    text: str


Judge = Callable[[Found], Finding]


def about(value: float) -> Range:
    """What the paper calls "about" (assumed: a tenth)."""
    return 0.9 * value, 1.1 * value


def behave(part: str, sizes: Collection[int], behaviour: Behaviour) -> Judge:
    """All these sizes show this behaviour."""

    def judge(results: Results) -> Finding:
        chosen = _clusters(results, sizes)
        right = [c for c in chosen if c.behaviour == behaviour]
        undecided = [c for c in chosen if c.behaviour == "undecided"]
        wrong = [c for c in chosen if c not in right and c not in undecided]
        parts = [f"{names(results, right)} {behaviour}"] if right else []
        parts += [f"{results.element}{c.size} {found_of(c)}" for c in (*wrong, *undecided)]
        return Finding(_verdict(wrong, undecided or not chosen), "; ".join(parts))

    return _of_run(part, judge)


def most_are(part: str, sizes: Collection[int], behaviour: Behaviour) -> Judge:
    """More than half of these sizes show this behaviour."""

    def judge(results: Results) -> Finding:
        chosen = _clusters(results, sizes)
        right = [c for c in chosen if c.behaviour == behaviour]
        others = [c for c in chosen if c not in right and c.behaviour != "undecided"]
        verdict = _verdict(2 * len(others) > len(chosen), 2 * len(right) <= len(chosen))
        return Finding(verdict, f"{len(right)} of {len(chosen)}: {names(results, right)}")

    return _of_run(part, judge)


def worth(part: str, expected: Mapping[int, Range]) -> Judge:
    """The moments of these sizes, in µB, lie in the ranges given."""

    def judge(results: Results) -> Finding:
        chosen = _clusters(results, expected)
        known = [c for c in chosen if c.moment_uB is not None and c.error_uB]
        far = norm.isf(WRONG / 2 / max(len(known), 1))
        wrong = [c for c in known if _distance(c, expected[c.size]) > far]
        wrong += [c for c in chosen if c.behaviour == "non-magnetic"]
        text = ", ".join(f"{results.element}{c.size} {found_of(c)}" for c in chosen)
        return Finding(_verdict(wrong, len(known) < len(chosen) or not chosen), text)

    return _of_run(part, judge)


def langevin_within_error(part: str) -> Judge:
    """Langevin's law would change no moment by more than its error."""

    def judge(results: Results) -> Finding:
        both = [(c, c.langevin_uB) for c in results.clusters if c.langevin_uB is not None and c.moment_uB and c.error_uB]
        wrong = [c for c, langevin in both if abs(langevin - (c.moment_uB or 0)) > (c.error_uB or 0)]
        text = ", ".join(f"{results.element}{c.size} {langevin:.2g} against {found_of(c)}" for c, langevin in both)
        return Finding(_verdict(wrong, not both), text or "no cluster is superparamagnetic")

    return _of_run(part, judge)


def seen_only(part: str, seen: Collection[int], unseen: Collection[int]) -> Judge:
    """Of these sizes only the first deflect so far that the eye sees the profile broadened."""

    def judge(results: Results) -> Finding:
        chosen = [c for c in _clusters(results, (*seen, *unseen)) if c.curves is not None]
        wrong, texts, far = [], [], norm.isf(WRONG / 2 / max(len(chosen), 1))
        for c in chosen:
            split, error, width = _split(c)
            way = 1 if c.size in seen else -1
            if math.hypot(1, max(split + way * far * error, 0.0) / width) * way < BROADENED * way:
                wrong.append(c)
            texts.append(f"{results.element}{c.size} {math.hypot(1, split / width) - 1:.0%}")
        text = f"broader by {', '.join(texts)}; seen from {BROADENED - 1:.0%} on"
        if wrong:
            text += f"; otherwise than said, beyond the errors: {names(results, wrong)}"
        return Finding(_verdict(wrong, not chosen), text)

    return _of_run(part, judge)


def deflect(parts: Collection[str], sizes: Collection[int]) -> Judge:
    """All these sizes are found to deflect in all these parts."""

    def judge(found: Found) -> Finding:
        texts, without, unclear = [], 0, 0
        for part in parts:
            results = found.results(part)
            if results is None:
                return _missing(found, part)
            chosen = _clusters(results, sizes)
            not_seen = [c for c in chosen if not c.moment_uB]
            text = f"{found.measured[part].part.title}: {len(chosen) - len(not_seen)} of {len(chosen)}"
            texts.append(f"{text}, not {names(results, not_seen)}" if not_seen else text)
            without += sum(c.moment_uB is not None for c in not_seen)
            unclear += sum(c.moment_uB is None for c in not_seen)
        return Finding(_verdict(without, unclear), "; ".join(texts))

    return judge


def independent_of(parts: Collection[str], sizes: Collection[int]) -> Judge:
    """Each of these moments is the same in all parts where it was measured, within statistical errors."""

    def judge(found: Found) -> Finding:
        total, freedom = 0.0, 0
        for size in sizes:
            seen = [c for part in parts if (r := found.results(part)) for c in _clusters(r, [size]) if c.statistical_uB]
            if len(seen) > 1:
                values, errors = (np.array([getattr(c, name) for c in seen]) for name in ("moment_uB", "statistical_uB"))
                mean = np.average(values, weights=errors**-2)
                total, freedom = total + float((((values - mean) / errors) ** 2).sum()), freedom + len(seen) - 1
        if not freedom:
            return Finding("open", "no moment was measured under two conditions")
        likely = float(chi2.sf(total, freedom))
        text = f"χ² of the moments about their means {total:.0f} for {freedom} degrees of freedom (p = {likely:.2g})"
        return Finding(_verdict(likely < WRONG / 5, False), text)

    return judge


def same_with_a_third(parts: Collection[str], sizes: Collection[int]) -> Judge:
    """Two and three Gaussians give these sizes the same moment in all these parts, within its total error."""

    def judge(found: Found) -> Finding:
        texts, apart, unclear = [], [], False
        for part in parts:
            results = found.results(part)
            if results is None:
                return _missing(found, part)
            for c in _clusters(results, sizes):
                if c.two_gaussians_uB is None or c.three_gaussians_uB is None or not c.error_uB:
                    unclear = True
                    continue
                apart.append(abs(c.two_gaussians_uB[0] - c.three_gaussians_uB[0]) / c.error_uB)
                both = " and ".join(with_error(value, c.error_uB) for value, _ in (c.two_gaussians_uB, c.three_gaussians_uB))
                texts.append(f"{found.measured[part].part.title}: {results.element}{c.size} {both} µB")
        far = norm.isf(WRONG / 2 / max(len(apart), 1))
        return Finding(_verdict(any(one > far for one in apart), unclear or not apart), "; ".join(texts))

    return judge


def relaxed(part: str, size: int, more_than: str | None = None, less_than: str | None = None) -> Judge:
    """The share of relaxed moments: negligible, or more and less than in other parts."""

    def judge(found: Found) -> Finding:
        shares = {}
        for name in (part, more_than, less_than):
            if name is not None:
                share = _relaxed_share(found, name, size)
                if share is None:
                    return _missing(found, name)
                shares[name] = share
        own, error = shares.pop(part)
        text = f"relaxed {own:.1%} ± {error:.1%}"
        if not shares:
            return Finding(_verdict(own - 2 * error > NEGLIGIBLE, own > NEGLIGIBLE), text)
        far = min(
            (own - other) * (1 if name == more_than else -1) / math.hypot(error, its_error)
            for name, (other, its_error) in shares.items()
        )
        others = [f"{found.measured[name].part.title}: {other:.1%} ± {its:.1%}" for name, (other, its) in shares.items()]
        return Finding(_verdict(far < -2, far < 2), "; ".join([text, *others]))

    return judge


def calibrated(part: str, place: int, expected: float) -> Judge:
    """A number of a calibration, by its row, is the paper's."""

    def judge(found: Found) -> Finding:
        one = found.calibrated.get(part)
        if one is None:
            return _missing(found, part)
        row = one.made.rows[place]
        value, error = row.scale * row.estimate.value, row.scale * row.estimate.error
        return Finding(
            _verdict(abs(value - expected) > norm.isf(WRONG / 2) * error, False), f"{with_error(value, error)} {row.unit}"
        )

    return judge


def not_measured(why: str) -> Judge:
    """A claim that needs other runs."""
    return lambda found: Finding("open", why)


def _of_run(part: str, judge: Callable[[Results], Finding]) -> Judge:
    """A judge of one run, which may be missing."""

    def judged(found: Found) -> Finding:
        results = found.results(part)
        return _missing(found, part) if results is None else judge(results)

    return judged


def _missing(found: Found, part: str) -> Finding:
    return Finding("open", f"not measured: {found.failures.get(part, f'{part} tells nothing of it')}")


def _verdict(wrong: object, unclear: object) -> Verdict:
    return "differs" if wrong else "open" if unclear else "agrees"


def _clusters(results: Results, sizes: Collection[int]) -> list[ClusterResult]:
    return [cluster for cluster in results.clusters if cluster.size in sizes]


def _distance(cluster: ClusterResult, expected: Range) -> float:
    """From the nearest value of the range, in total errors."""
    assert cluster.moment_uB is not None
    assert cluster.error_uB
    outside = max(expected[0] - cluster.moment_uB, cluster.moment_uB - expected[1], 0.0)
    return outside / cluster.error_uB


def _relaxed_share(found: Found, part: str, size: int) -> tuple[float, float] | None:
    """Share of the moments that have flipped, 1 − e^(−Wt), with its error."""
    results = found.results(part)
    cluster = next(iter(_clusters(results, [size])), None) if results is not None else None
    if cluster is None or cluster.flips is None or cluster.flips_error is None:
        return None
    return 1 - math.exp(-cluster.flips), math.exp(-cluster.flips) * cluster.flips_error


def _split(cluster: ClusterResult) -> tuple[float, float, float]:
    """Deflection found, with its error, and the rms width of the profile at zero field, in µB."""
    assert cluster.curves is not None
    x, off = cluster.curves.fine_uB, cluster.curves.off_fit
    core = np.where(off > 0.1 * off.max(), off, 0.0)
    middle = float(core @ x / core.sum())
    width = math.sqrt(float(core @ (x - middle) ** 2 / core.sum()))
    if cluster.behaviour == "atomic-like":
        return cluster.moment_uB or 0.0, cluster.error_uB or 0.0, width
    return abs(cluster.mean_moment_uB or 0.0), cluster.mean_moment_error_uB or 0.0, width
