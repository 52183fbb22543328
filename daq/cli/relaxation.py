"""`clusterbeam relaxation`: how fast moments flip, against temperature, and which laws the data exclude."""

import math
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from daq.analysis.calibrate.estimate import Estimate
from daq.analysis.relaxation import LawFit, Series, fit_laws, series_of, temperatures, verdict
from daq.cli.analyse import analyse_file, titled
from daq.cli.console import err, out, print_json
from daq.record.run_file import RunFile


def relaxation(
    files: Annotated[list[Path], typer.Argument(help="Run files at several temperatures; one with a scan of it does as well.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Rate of flips against temperature for each atomic-like cluster, and the laws of relaxation fitted to it."""
    points = [(path, point) for path in files for point in analyse_file(path)[0]]
    for path, point in points:
        if point.reason:
            err.print(
                f"clusterbeam: {titled(path.name, point.conditions)} is left out: {point.reason}", soft_wrap=True, markup=False
            )
    found = series_of(point for _, point in points)
    with RunFile(files[0]) as run:
        error_K = run.calibrations.temperature.cluster_excess_K.uncertainty
    fitted = [(one, fit_laws(one.rates, error_K)) for one in found]
    if json:
        print_json({"temperature_error_K": error_K, "clusters": [document(one, fits) for one, fits in fitted]})
    if not found:
        err.print(
            "clusterbeam: no cluster is atomic-like in these runs, so nothing tells how fast moments flip", soft_wrap=True
        )
        raise typer.Exit(1)
    if not json:
        _print(found, fitted, error_K)


def _print(found: list[Series], fitted: list[tuple[Series, list[LawFit]]], error_K: float) -> None:
    out.print(_rates(found))
    for one, fits in fitted:
        if temperatures(one.rates) > 1:
            out.print(_laws(one, fits))
        out.print(f"  {one.element}{one.size}: {verdict(fits)}", soft_wrap=True)
    out.print(f"  temperatures are uncertain by ±{error_K:g} K together, rates by 20 % together (length of the magnet)")


def document(series: Series, fits: list[LawFit]) -> dict[str, Any]:
    """One cluster for JSON."""
    return {
        "element": series.element,
        "size": series.size,
        "pressure_bar": series.pressure_bar,
        "rates": [vars(rate) for rate in series.rates],
        "laws": [
            {
                "law": fit.law.name,
                "reference_K": fit.reference_K,
                "reference_T": fit.reference_T,
                "rate_Hz": fit.rate_Hz and vars(fit.rate_Hz),
                "gap_K": fit.gap_K and vars(fit.gap_K),
                "temperature_shift_K": fit.temperature_shift_K,
                "chi2": fit.chi2,
                "degrees_of_freedom": fit.degrees_of_freedom,
                "probability": fit.probability,
                "excluded": fit.excluded,
            }
            for fit in fits
        ],
        "verdict": verdict(fits),
    }


def _rates(found: list[Series]) -> Table:
    shown = _table("Flips per second of atomic-like clusters", "cluster", "He / bar", "cluster T / K", "field / T", "W / s⁻¹")
    for one in found:
        for rate in one.rates:
            cells = f"{one.pressure_bar:.1f}", f"{rate.temperature_K:.0f}", f"{rate.field_T:.2f}"
            shown.add_row(f"{one.element}{one.size}", *cells, f"{rate.rate_Hz:,.0f} ± {rate.error_Hz:,.0f}")
    return shown


def _laws(series: Series, fits: list[LawFit]) -> Table:
    at = f"W at {fits[0].reference_K:.0f} K / s⁻¹"
    shown = _table(f"{series.element}{series.size}", "law", "", at, "Δ/k_B / K", "χ²", "d.o.f.", "probability", "")
    for fit in fits:
        probability = "" if fit.probability is None else f"{fit.probability:.2g}"
        rate, gap = _with_error(fit.rate_Hz), _with_error(fit.gap_K) if fit.law.has_gap else ""
        numbers = f"{fit.chi2:.1f}", str(fit.degrees_of_freedom), probability
        shown.add_row(fit.law.name, fit.law.formula, rate, gap, *numbers, "excluded" if fit.excluded else "")
    return shown


def _with_error(one: Estimate | None) -> str:
    """With as many places as show the error in two digits."""
    if one is None:
        return "not determined"
    places = max(0, 1 - math.floor(math.log10(one.statistical))) if one.statistical > 0 else 0
    return f"{one.value:,.{places}f} ± {one.statistical:,.{places}f}"


def _table(title: str, *headings: str) -> Table:
    shown = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for heading in headings:
        shown.add_column(heading, justify="left" if heading in ("", "law", "cluster") else "right")
    return shown
