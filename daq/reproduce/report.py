"""From what was found to files: figures, results, the page."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from daq.reproduce.claims import CLAIMS
from daq.reproduce.course import sentence
from daq.reproduce.figures import FIGURES
from daq.reproduce.files import dataset, write_csv, write_json
from daq.reproduce.found import Found
from daq.reproduce.page import page
from daq.reproduce.truth import Held

PAGE = "index.html"


def report(found: Found, held: Held | None, directory: Path, about: Mapping[str, Any], said: str) -> Path:
    """Write everything into `directory`; the page.  What cannot be drawn or written is added to `found.failures`; a figure
    without a run is none."""
    figures, results = directory / "figures", directory / "results"
    for place in (figures, results):
        place.mkdir(parents=True, exist_ok=True)
    images = {}
    for figure in (one for one in FIGURES if one.has_runs(found)):
        try:
            figure.save(found, figures)
        except Exception as error:  # as with parts: the other figures are worth having
            found.failures[figure.name] = sentence(error)
        else:
            images[figure.name] = (figures / f"{figure.name}.svg").read_bytes()
    for name, measured in found.measured.items():
        try:
            dataset(measured).to_netcdf(results / f"{name}.nc", engine="scipy")
        except ImportError as error:
            found.failures["netCDF"] = sentence(error)
    judged = [(claim, claim.judge(found)) for claim in CLAIMS]
    write_csv(results / "moments.csv", found)
    write_json(results / "results.json", found, judged, held, about)
    written = directory / PAGE
    written.write_text(page(found, judged, held, images, said), "utf-8")
    return written
