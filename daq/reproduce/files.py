"""Results for other programs: one JSON document, the moments as CSV, and each measurement as netCDF."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from daq.analysis import columns
from daq.reproduce import table_one
from daq.reproduce.claims import V25, Claim
from daq.reproduce.found import Calibrated, Found, Measured
from daq.reproduce.judges import Finding
from daq.reproduce.truth import Held, Pull

if TYPE_CHECKING:
    from xarray import Dataset

OF_A_CLUSTER = ("moment_uB", "error_uB", "statistical_uB", "systematic_uB", "limit_uB", "mean_moment_uB", "flips", "ions")
CURVES = ("projection_uB", "off", "on", "off_error", "on_error")


def write_json(
    path: Path, found: Found, judged: Sequence[tuple[Claim, Finding]], held: Held | None, about: Mapping[str, Any]
) -> None:
    """Everything but the profiles."""
    document = {
        **about,
        "calibrations": {name: _calibration(one) for name, one in found.calibrated.items()},
        "calibrations_in_force": found.calibrations.model_dump(),
        "measurements": {name: {"run": one.name, **one.results.document()} for name, one in found.measured.items()},
        "table_I": [dict(zip(table_one.HEADINGS, row, strict=True)) for row in table_one.rows(found.results(V25))],
        "claims": [
            {"where": claim.where, "says": claim.says, "verdict": finding.verdict, "found": finding.text}
            for claim, finding in judged
        ],
        "failures": found.failures,
        "against_the_truth": None if held is None else _held(held),
    }
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False), "utf-8")


def write_csv(path: Path, found: Found) -> None:
    """One line per cluster of each measurement."""
    rows = columns.rows([({"part": name, "run": one.name}, one.results) for name, one in found.measured.items()])
    with path.open("w", encoding="utf-8", newline="") as file:
        columns.write(file, rows)


def dataset(measured: Measured) -> "Dataset":
    """Moments (size) and profiles (size, bin) of a measurement, with units; what is not known is NaN.  Needs the extra
    `analyst` (xarray)."""
    try:
        import xarray
    except ImportError:
        raise ImportError("netCDF files need xarray; install clusterbeam[analyst]") from None
    clusters = measured.results.clusters
    bins = max((len(c.curves.off) for c in clusters if c.curves is not None), default=0)
    numbers = {
        name: ("size", np.array([getattr(c, name) for c in clusters], np.float64), _units(name)) for name in OF_A_CLUSTER
    }
    curves = {
        name: (("size", "bin"), np.array([_padded(getattr(c.curves, name, None), bins) for c in clusters]), _units(name))
        for name in CURVES
    }
    words = {"behaviour": ("size", np.array([c.behaviour for c in clusters], dtype="U20"))}
    attributes = {
        "title": measured.part.title,
        "run": measured.name,
        "element": measured.results.element,
        "field_T": measured.results.field_T or np.nan,
        "velocity_m_s": measured.results.velocity_m_s or np.nan,
        "cluster_temperature_K": measured.results.cluster_temperature_K or np.nan,
    }
    sizes = {"size": np.array([c.size for c in clusters], np.int32)}
    return xarray.Dataset({**numbers, **curves, **words}, sizes, attributes)


def _padded(values: NDArray[np.float64] | None, bins: int) -> NDArray[np.float64]:
    padded = np.full(bins, np.nan)
    if values is not None:
        padded[: len(values)] = values
    return padded


def _units(name: str) -> dict[str, str]:
    return {"units": "bohr_magneton" if name.endswith("_uB") else "1"}


def _calibration(one: Calibrated) -> dict[str, Any]:
    rows = [
        {
            "name": row.name,
            "unit": row.unit,
            "value": row.scale * row.estimate.value,
            "statistical": row.scale * row.estimate.statistical,
            "systematic": row.scale * row.estimate.systematic,
        }
        for row in one.made.rows
    ]
    return {"run": one.name, "rows": rows, "notes": list(one.made.notes), "kept": one.kept}


def _held(held: Held) -> dict[str, Any]:
    return {
        "moments": [_pull(pull) for pull in held.moments],
        "calibrations": [_pull(pull) for pull in held.calibrations],
        "wrong": list(held.wrong),
    }


def _pull(pull: Pull) -> dict[str, Any]:
    return {
        "part": pull.part,
        "what": pull.what,
        "found": pull.found,
        "error": pull.error,
        "truth": pull.truth,
        "pull": pull.value,
    }
