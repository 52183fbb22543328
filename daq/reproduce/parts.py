"""What is taken to reproduce the paper, as data: calibrations first, then the runs behind table and figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from config.model import check_model, read_toml
from config.writing import write_toml
from daq.plan.plan import Plan, plan_file

Kind = Literal["mass", "field", "position", "chopper", "gradient"]
Table = Mapping[str, Any]


@dataclass(frozen=True)
class Setup:
    """What somebody mounts before a run."""

    rod: str = "V"
    focus: Literal["wide", "narrow"] = "wide"
    nozzle: Literal["optimised", "other"] = "optimised"


@dataclass(frozen=True)
class Part:
    """One run: a plan that ships with the program, with `changes`, and in a quick reproduction with those of `quick` too.

    `makes` names the calibration that it gives; a part without one is a measurement.
    """

    name: str
    title: str
    plan: str
    setup: Setup = Setup()
    changes: Table = field(default_factory=dict)
    quick: Table = field(default_factory=dict)
    makes: Kind | None = None

    def write_plan(self, path: Path, *, quick: bool) -> Plan:
        """Write the plan as it is run; `ConfigurationError` for one that cannot be."""
        table = _merged(read_toml(plan_file(Path(self.plan))), {"title": self.title})
        for changes in (self.changes, self.quick if quick else {}):
            table = _merged(table, changes)
        plan = check_model(table, Plan, f"the plan of {self.name}")
        write_toml(path, table, f"{self.title}: {self.plan}, as it was run to reproduce the paper.")
        return plan


def _merged(table: Table, changes: Table) -> dict[str, Any]:
    """`table` with what `changes` replaces, table by table."""
    merged = dict(table)
    for key, value in changes.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def _shots(per_group: int, cycles: int = 1) -> Table:
    return {"interleave": {"shots_per_group": per_group, "cycles": cycles}}


def _vanadium(kelvin: float, velocity_m_s: float, cycles: int) -> Part:
    conditions = {"source_temperature_K": kelvin, "velocity_m_s": velocity_m_s}
    return Part(
        f"vanadium-{kelvin:.0f}K",
        f"Vanadium at {kelvin:.0f} K, 6 bar",
        "vanadium-25K",
        changes={"conditions": conditions, **_shots(500, cycles)},
        quick=_shots(150),
    )


def _stage(first: float, last: float, step: float) -> Table:
    return {"values": {"stage.axis1_position_mm": {"first": first, "last": last, "step": step}}, "back_and_forth": True}


CALIBRATIONS: Sequence[Part] = (
    Part("mass", "Mass calibration", "mass-calibration", quick=_shots(200), makes="mass"),
    Part("field", "Hysteresis loop", "hysteresis-loop", quick={"repeat": 1}, makes="field"),
    Part(
        "position",
        "Position scan",
        "position-scan",
        Setup(focus="narrow"),
        quick={"scan": [_stage(4.0, 6.0, 0.2)], "repeat": 2, **_shots(60)},
        makes="position",
    ),
    Part("chopper", "Chopper time zero", "chopper-time-zero", changes=_shots(500, 2), quick=_shots(150), makes="chopper"),
    Part(
        "gradient",
        "Aluminium calibration",
        "aluminium-calibration",
        Setup(rod="Al", focus="narrow"),
        quick={"scan": [{"values": {"field_T": [0.0, 2.4]}}, _stage(-4.0, 14.0, 0.5)], **_shots(40)},
        makes="gradient",
    ),
)
"""In the order in which one needs the other."""
MEASUREMENTS: Sequence[Part] = (
    _vanadium(25.0, 432.0, 6),
    _vanadium(40.0, 499.0, 8),
    _vanadium(60.0, 577.0, 16),
    _vanadium(100.0, 706.0, 8),
    Part("vanadium-2bar", "Vanadium at 25 K, 2 bar", "vanadium-2bar", changes=_shots(500, 3), quick=_shots(150)),
    Part(
        "vanadium-2bar-other-nozzle",
        "Vanadium at 25 K, 2 bar, other nozzle",
        "vanadium-2bar",
        Setup(nozzle="other"),
        changes=_shots(500, 3),
        quick=_shots(150),
    ),
    Part("niobium-25K", "Niobium at 25 K, 6 bar", "niobium-25K", Setup(rod="Nb"), _shots(500, 8), _shots(150)),
    Part("tantalum-25K", "Tantalum at 25 K, 6 bar", "tantalum-25K", Setup(rod="Ta"), _shots(500, 16), _shots(150)),
)
PARTS: Sequence[Part] = (*CALIBRATIONS, *MEASUREMENTS)
