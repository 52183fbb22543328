"""The calibrations as procedures that an operator goes through.  No Qt."""

from typing import NamedTuple


class Procedure(NamedTuple):
    """`kind` as `clusterbeam calibrate` calls it, `plan` ships with the program; what to do before, and what comes out."""

    kind: str
    name: str
    plan: str
    before: tuple[str, ...]
    gives: str


PROCEDURES = (
    Procedure(
        "mass",
        "Mass",
        "mass-calibration",
        ("Any run with shots at zero field will do; V and Nb may be given together.",),
        "t0 and k of the flight time, t = t0 + k √m",
    ),
    Procedure(
        "position",
        "Position",
        "position-scan",
        ("Put the narrow ionising focus in, and let the stage move it.", "The magnet stays without field."),
        "s and q: how far a deflection moves a peak in time",
    ),
    Procedure(
        "field",
        "Field",
        "hysteresis-loop",
        ("Put the Hall probe at the beam's height.", "The magnet goes up and down twice; nothing else has to be ready."),
        "the field of a current, and what remains at zero",
    ),
    Procedure(
        "chopper",
        "Chopper time zero",
        "chopper-time-zero",
        ("Source, field and position must be calibrated.", "It takes hours: the time zero is extrapolated."),
        "the chopper's time zero, and with it every velocity",
    ),
    Procedure(
        "gradient",
        "C with aluminium",
        "aluminium-calibration",
        (
            "Put the aluminium rod and the narrow ionising focus in.",
            "The source goes to 100 K, where 1/3 µB still stays inside the acceptance.",
            "Make it again after every realignment: 0.1 mm change C by 3 %.",
        ),
        "C, by which a deflection becomes a moment",
    ),
)
