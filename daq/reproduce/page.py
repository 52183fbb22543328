"""The page that compares, point by point, in one HTML file that needs nothing beside it."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from daq.reproduce import table_one
from daq.reproduce.claims import V25, Claim
from daq.reproduce.figures import FIGURES
from daq.reproduce.found import Found, Run
from daq.reproduce.judges import WRONG, Finding
from daq.reproduce.look import STYLE
from daq.reproduce.truth import Held, Pull
from daq.reproduce.words import decimals, with_error

Judged = Sequence[tuple[Claim, Finding]]
VERDICTS = {"agrees": "✓ agrees", "differs": "✗ differs", "open": "? open"}


def page(found: Found, judged: Judged, held: Held | None, images: Mapping[str, bytes], about: str) -> str:
    """`images` are SVG files by the name of their figure; `about` says in a sentence what this is."""
    sections = [_summary(found, judged, about), _table(found, judged), *_figures(judged, images), _others(judged)]
    sections += [_calibrations(found), *([_truth(held)] if held is not None else []), _runs(found)]
    body = "\n".join(sections)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>The paper, reproduced</title>\n'
        f"<style>{STYLE}</style></head>\n<body><main>\n{body}\n</main></body></html>\n"
    )


def _summary(found: Found, judged: Judged, about: str) -> str:
    counts = {verdict: sum(finding.verdict == verdict for _, finding in judged) for verdict in VERDICTS}
    words = {"agrees": "agree", "differs": "differ", "open": "are open"}
    said = ", ".join(f"{number} {words[verdict]}" for verdict, number in counts.items() if number)
    failed = "".join(f"<li><b>{escape(name)}</b>: {escape(why)}</li>" for name, why in found.failures.items())
    failures = f'<div class="failed"><p>These parts failed:</p><ul>{failed}</ul></div>' if failed else ""
    return (
        "<h1>The paper, reproduced</h1>\n"
        f"<p>Magnetic deflection of vanadium, niobium and tantalum clusters. {escape(about)}</p>\n"
        f"<p>{len(judged)} claims of the paper were looked at: {said}. A number agrees when it lies as near as "
        f"{1 - WRONG:.0%} of correct measurements would; errors are total standard errors, statistical and systematic "
        f"together. <em>Open</em> is what these runs cannot decide.</p>\n{failures}"
    )


def _table(found: Found, judged: Judged) -> str:
    heads = "".join(f"<th>{escape(head)}</th>" for head in table_one.HEADINGS)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{escape(cell) or '–'}</td>" for cell in row) + "</tr>"
        for row in table_one.rows(found.results(V25))
    )
    return (
        "<h2>Table I</h2>\n<p>Moments of vanadium clusters in µB: theories by the paper's reference numbers, what the paper "
        "measured, and ours with its error; where none was found, the upper limit at 95 %.</p>\n"
        f'<table class="numbers"><thead><tr>{heads}</tr></thead><tbody>\n{rows}\n</tbody></table>\n{_points(judged, "Table I")}'
    )


def _figures(judged: Judged, images: Mapping[str, bytes]) -> Iterator[str]:
    for figure in FIGURES:
        where = f"Figure {figure.number}"
        image = images.get(figure.name)
        shown = (
            f'<img alt="{where}" src="data:image/svg+xml;base64,{base64.b64encode(image).decode()}">'
            if image is not None
            else '<p class="failed">It was not drawn: see what failed, or what was left out.</p>'
        )
        yield (
            f'<h2>{where}</h2>\n<figure id="{figure.name}">{shown}<figcaption>{escape(figure.title)}. Black: zero field; red: '
            "full field; points with their errors, lines the fit that was chosen.</figcaption></figure>\n"
            f"{_points(judged, where)}"
        )


def _others(judged: Judged) -> str:
    shown = {"Table I", *(f"Figure {figure.number}" for figure in FIGURES)}
    places = dict.fromkeys(claim.where for claim, _ in judged if claim.where not in shown)
    return "\n".join(f"<h2>{escape(where)}</h2>\n{_points(judged, where)}" for where in places)


def _points(judged: Judged, where: str) -> str:
    rows = "\n".join(
        f'<tr class="{finding.verdict}"><td>{escape(claim.says)}</td><td>{escape(finding.text)}</td>'
        f"<td>{VERDICTS[finding.verdict]}</td></tr>"
        for claim, finding in judged
        if claim.where == where
    )
    return (
        '<table class="points"><thead><tr><th>the paper says</th><th>found</th><th></th></tr></thead>'
        f"<tbody>\n{rows}\n</tbody></table>"
    )


def _calibrations(found: Found) -> str:
    rows = []
    for one in found.calibrated.values():
        for row in one.made.rows:
            places = decimals(row.scale * row.estimate.error)
            parts = (row.estimate.value, row.estimate.statistical, row.estimate.systematic)
            cells = [f"{row.scale * number:.{places}f}" for number in parts]
            old = "" if row.old is None else with_error(row.scale * row.old.value, row.scale * row.old.uncertainty)
            cells = [row.name, *cells, old, row.unit]
            rows.append(
                f"<tr><td>{escape(one.part.title)}</td>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
            )
        notes = "; ".join([*one.made.notes, *([one.kept] if one.kept else [])])
        rows.append(f'<tr class="note"><td></td><td colspan="6">{escape(notes)}</td></tr>')
    heads = "".join(f"<th>{head}</th>" for head in ("", "", "measured", "stat.", "syst.", "before", "unit"))
    return (
        "<h2>Calibrations</h2>\n<p>Made first, each with those before it in force; all moments above rest on them.</p>\n"
        f'<table class="numbers"><thead><tr>{heads}</tr></thead><tbody>\n' + "\n".join(rows) + "\n</tbody></table>"
    )


def _truth(held: Held) -> str:
    wrong = "".join(f"<li>{escape(one)}</li>" for one in held.wrong)
    wrongly = (
        f"<p>Decided otherwise than the truth is:</p><ul>{wrong}</ul>" if wrong else "<p>No behaviour was decided wrongly.</p>"
    )
    said = f"{len(held.moments)} moments: rms pull {held.rms:.2f}, largest {held.largest:.1f}."
    return (
        "<h2>Against the truth of the simulated machine</h2>\n<p>Not part of the comparison with the paper, and known of a "
        "simulation only. A pull is (found − truth) / error; the moments of one run share the errors of its calibrations, so "
        f"their pulls are not independent. {said}</p>\n{wrongly}\n"
        f"{_pulls(held.calibrations)}\n<details><summary>All moments</summary>{_pulls(held.moments)}</details>"
    )


def _pulls(pulls: Sequence[Pull]) -> str:
    rows = "\n".join(
        f"<tr><td>{escape(one.part)}</td><td>{escape(one.what)}</td><td>{with_error(one.found, one.error)}</td>"
        f"<td>{one.truth:.6g}</td><td>{one.value:+.1f}</td></tr>"
        for one in pulls
    )
    heads = "".join(f"<th>{head}</th>" for head in ("", "", "found", "truth", "pull"))
    return f'<table class="numbers"><thead><tr>{heads}</tr></thead><tbody>\n{rows}\n</tbody></table>'


def _runs(found: Found) -> str:
    runs: list[Run] = [*found.calibrated.values(), *found.measured.values()]
    rows = []
    for run in runs:
        shots = ", ".join(f"{number:,} at {field_T:g} T" for field_T, number in sorted(run.shots.items()) if len(run.shots) < 4)
        shots = shots or f"{sum(run.shots.values()):,}"
        setup = run.part.setup
        rows.append(
            f"<tr><td>{escape(run.part.title)}</td><td>{setup.rod}</td><td>{setup.focus}</td><td>{setup.nozzle}</td>"
            f"<td>{shots}</td><td><code>{escape(run.name)}</code></td></tr>"
        )
    heads = "".join(f"<th>{head}</th>" for head in ("", "rod", "focus", "nozzle", "shots", "run"))
    return (
        f'<h2>Runs</h2>\n<table class="runs"><thead><tr>{heads}</tr></thead><tbody>\n' + "\n".join(rows) + "\n</tbody></table>"
    )
