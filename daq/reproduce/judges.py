"""How a claim of the paper is judged: what was found, in words, and whether it agrees.

*agrees*, *differs*, or *open* where the run cannot decide.  Numbers agree when they are as near as 95 % of correct
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

    def judge(found: Found) -> Finding:
        results = found.results(part)
        if results is None:
            return _missing(found, part)
        chosen = _clusters(results, sizes)
        wrong = [c for c in chosen if c.behaviour not in (behaviour, "undecided")]
        undecided = [c for c in chosen if c.behaviour == "undecided"]
        right = [c for c in chosen if c.behaviour == behaviour]
        parts = [f"{_names(results, right)} {behaviour}"] if right else []
        parts += [f"{results.element}{c.size} {_said(c)}" for c in wrong]
        parts += [f"undecided: {', '.join(_open(results, c) for c in undecided)}"] if undecided else []
        verdict: Verdict = "differs" if wrong else "open" if undecided or not chosen else "agrees"
        return Finding(verdict, "; ".join(parts))

    return judge


def worth(part: str, expected: Mapping[int, Range]) -> Judge:
    """The moments of these sizes, in µB, lie in the ranges given."""

    def judge(found: Found) -> Finding:
        results = found.results(part)
        if results is None:
            return _missing(found, part)
        chosen = _clusters(results, expected)
        known = [c for c in chosen if c.moment_uB is not None and c.error_uB]
        far = norm.isf(WRONG / 2 / max(len(known), 1))
        wrong = [c for c in known if _distance(c, expected[c.size]) > far]
        unknown = [c for c in chosen if c not in known]
        nothing = [c for c in unknown if c.behaviour == "non-magnetic"]
        verdict: Verdict = "differs" if wrong or nothing else "open" if unknown or not chosen else "agrees"
        return Finding(verdict, ", ".join(f"{results.element}{c.size} {_said(c)}" for c in chosen))

    return judge


def most_are(part: str, sizes: Collection[int], behaviour: Behaviour) -> Judge:
    """More than half of these sizes show this behaviour."""

    def judge(found: Found) -> Finding:
        results = found.results(part)
        if results is None:
            return _missing(found, part)
        chosen = _clusters(results, sizes)
        right = [c for c in chosen if c.behaviour == behaviour]
        others = [c for c in chosen if c.behaviour not in (behaviour, "undecided")]
        verdict: Verdict = "agrees" if 2 * len(right) > len(chosen) else "differs" if 2 * len(others) > len(chosen) else "open"
        return Finding(verdict, f"{len(right)} of {len(chosen)}: {_names(results, right)}")

    return judge


def deflect(parts: Collection[str], sizes: Collection[int]) -> Judge:
    """All these sizes are found to deflect in all these parts."""

    def judge(found: Found) -> Finding:
        texts, verdicts = [], []
        for part in parts:
            results = found.results(part)
            if results is None:
                return _missing(found, part)
            chosen = _clusters(results, sizes)
            without = [c for c in chosen if c.moment_uB == 0]
            unclear = [c for c in chosen if c.moment_uB is None]
            texts.append(f"{found.measured[part].part.title}: {len(chosen) - len(without) - len(unclear)} of {len(chosen)}")
            if unclear or without:
                texts[-1] += f", not {_names(results, without + unclear)}"
            verdicts.append("differs" if without else "open" if unclear else "agrees")
        return Finding(_worst(verdicts), "; ".join(texts))

    return judge


def seen_only(part: str, seen: Collection[int], unseen: Collection[int]) -> Judge:
    """Of these sizes only the first deflect so far that the eye sees the profile broadened."""

    def judge(found: Found) -> Finding:
        results = found.results(part)
        if results is None:
            return _missing(found, part)
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
            text += f"; otherwise than said, beyond the errors: {_names(results, wrong)}"
        return Finding("differs" if wrong else "agrees" if chosen else "open", text)

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
        return Finding("agrees" if likely > WRONG / 5 else "differs", text)

    return judge


def relaxed(part: str, size: int, more_than: str | None = None, less_than: str | None = None) -> Judge:
    """The share of relaxed moments: negligible, or more and less than in other parts."""

    def judge(found: Found) -> Finding:
        shares = {}
        for name in (part, more_than, less_than):
            if name is not None:
                results = found.results(name)
                chosen = _clusters(results, [size]) if results is not None else []
                if not chosen or chosen[0].flips is None or chosen[0].flips_error is None:
                    return _missing(found, name)
                flips = chosen[0].flips
                shares[name] = (1 - math.exp(-flips), math.exp(-flips) * chosen[0].flips_error)
        (own, error), others = shares[part], {n: s for n, s in shares.items() if n != part}
        text = f"relaxed {own:.1%} ± {error:.1%}"
        if not others:
            far = (own - NEGLIGIBLE) / error if error else math.inf
            return Finding("agrees" if own < NEGLIGIBLE else "differs" if far > 2 else "open", text)
        far = min(
            (own - share) * (1 if name == more_than else -1) / math.hypot(error, its_error)
            for name, (share, its_error) in others.items()
        )
        text += "; " + ", ".join(f"{found.measured[n].part.title}: {share:.1%} ± {e:.1%}" for n, (share, e) in others.items())
        return Finding("agrees" if far > 2 else "differs" if far < -2 else "open", text)

    return judge


def langevin_within_error(part: str) -> Judge:
    """Langevin's law would change no moment by more than its error."""

    def judge(found: Found) -> Finding:
        results = found.results(part)
        if results is None:
            return _missing(found, part)
        both = [c for c in results.clusters if c.langevin_uB is not None and c.moment_uB and c.error_uB]
        wrong = [c for c in both if abs((c.langevin_uB or 0) - (c.moment_uB or 0)) > (c.error_uB or 0)]
        text = ", ".join(f"{results.element}{c.size} {c.langevin_uB:.2g} against {_said(c)}" for c in both)
        return Finding("differs" if wrong else "agrees" if both else "open", text or "no cluster is superparamagnetic")

    return judge


def calibrated(part: str, place: int, expected: float) -> Judge:
    """A number of a calibration, by its row, is the paper's."""

    def judge(found: Found) -> Finding:
        one = found.calibrated.get(part)
        if one is None:
            return _missing(found, part)
        row = one.made.rows[place]
        value, error = row.scale * row.estimate.value, row.scale * row.estimate.error
        far = abs(value - expected) / error
        return Finding("agrees" if far < norm.isf(WRONG / 2) else "differs", f"{value:.5g} ± {error:.2g} {row.unit}")

    return judge


def not_measured(why: str) -> Judge:
    """A claim that needs other runs."""
    return lambda found: Finding("open", why)


def _missing(found: Found, part: str) -> Finding:
    return Finding("open", f"not measured: {found.failures.get(part, f'{part} tells nothing of it')}")


def _worst(verdicts: Collection[str]) -> Verdict:
    return "differs" if "differs" in verdicts else "open" if "open" in verdicts else "agrees"


def _clusters(results: Results, sizes: Collection[int]) -> list[ClusterResult]:
    return [cluster for cluster in results.clusters if cluster.size in sizes]


def _names(results: Results, clusters: Collection[ClusterResult]) -> str:
    return ", ".join(f"{results.element}{cluster.size}" for cluster in clusters) or "none"


def _said(cluster: ClusterResult) -> str:
    if cluster.moment_uB and cluster.error_uB:
        return f"{cluster.moment_uB:.3g} ± {cluster.error_uB:.1g} µB"
    below = "" if cluster.limit_uB is None else f", below {cluster.limit_uB:.2g} µB"
    return f"{cluster.behaviour}{below}"


def _open(results: Results, cluster: ClusterResult) -> str:
    below = "" if cluster.limit_uB is None else f" (below {cluster.limit_uB:.2g} µB)"
    return f"{results.element}{cluster.size}{below}"


def _distance(cluster: ClusterResult, expected: Range) -> float:
    """From the nearest value of the range, in total errors."""
    assert cluster.moment_uB is not None
    assert cluster.error_uB
    outside = max(expected[0] - cluster.moment_uB, cluster.moment_uB - expected[1], 0.0)
    return outside / cluster.error_uB


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
