"""How often the reproduced paper agrees with the truth of its simulated machines: many seeds, each the whole paper.

    python -P benchmarks/paper.py [FIRST [LAST]] [shipped | unseen]

Each machine is drawn anew from the standard uncertainties that the shipped calibrations state, so that errors have something to
cover; with `shipped` all have the truth that ships with the simulators; with `unseen` clusters are drawn too, of any behaviour,
with moments up to 6 µB, half of the atomic-like ones flipping.  Prints the rms pull of all moments (wanted 0.85 to
1.15, none above 4.5), and how far C (1 %), position (1 %) and mass (0.05 u at 2,000 u) are off.  Pulls within a seed are not
independent: all superparamagnetic moments share the error of the cluster temperature, all moments that of C.
"""

import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from config.laboratory import read_laboratory
from config.writing import write_toml
from daq.conversions.deflection import deflection_per_uB_m
from daq.conversions.flight_time import cluster_mass_u

PROGRAM = (sys.executable, "-P", "-m", "daq.cli", "reproduce")
RELATIVE = {"position": ("s", 0.01), "gradient": ("C", 0.01)}
MASS_u = 0.05
LARGEST = {"V": 33, "Nb": 33, "Ta": 20}
V_m_s, FIELD_T, INSIDE_m = 432.0, 2.4, 8.5e-3


def machine(seed: int) -> dict[str, Any]:
    """What `[machine]` might be, as far as the shipped calibrations know."""
    rng, laboratory = np.random.default_rng([seed, 0xA1]), read_laboratory()[1]

    def drawn(value: float, uncertainty: float, places: int = 12) -> float:
        return round(float(rng.normal(value, uncertainty)), places)

    mass, position, velocity = laboratory.mass, laboratory.position, laboratory.velocity
    gain = rng.normal(1.0, laboratory.field.relative_uncertainty)
    left_T = drawn(laboratory.field.remanence_T.value, laboratory.field.remanence_T.uncertainty)
    curve = np.array([field_T * gain for field_T in laboratory.field.field_T])
    return {
        "t0_s": drawn(mass.t0_s.value, mass.t0_s.uncertainty),
        "k_s_per_sqrt_u": drawn(mass.k_s_per_sqrt_u.value, mass.k_s_per_sqrt_u.uncertainty, 15),
        "sensitivity_s_per_m": drawn(position.sensitivity_s_per_m.value, position.sensitivity_s_per_m.uncertainty),
        "C_T_m": drawn(laboratory.deflection.C_T_m.value, laboratory.deflection.C_T_m.uncertainty),
        "chopper_time_zero_s": drawn(velocity.time_zero_s.value, velocity.time_zero_s.uncertainty),
        "chopper_to_ionisation_m": drawn(velocity.flight_path_m, velocity.relative_uncertainty * velocity.flight_path_m),
        "focus_width_m": drawn(0.2e-3, 0.02e-3),
        "cluster_excess_K": max(
            drawn(laboratory.temperature.cluster_excess_K.value, laboratory.temperature.cluster_excess_K.uncertainty), 0.0
        ),
        "field_current_A": [*laboratory.field.current_A, 250.0],
        "field_T": [*np.round(curve - curve[0], 6).tolist(), round(float(curve[-1]) + 0.2, 6)],
        "remanence_T": max(left_T, 0.0),
    }


def clusters(seed: int) -> list[dict[str, Any]]:
    """What nobody has seen, of all sizes that the plans ask for, bent by no more than 8.5 mm at 25 K."""
    rng, deflection = np.random.default_rng([seed, 0xC1]), read_laboratory()[1].deflection
    rows = []
    for element, size in ((element, size) for element, largest in LARGEST.items() for size in range(2, largest + 1)):
        behaviour = str(rng.choice(["atomic-like", "superparamagnetic", "non-magnetic"]))
        per_uB_m = deflection_per_uB_m(cluster_mass_u(element, size), V_m_s, FIELD_T, deflection)
        moment_uB = rng.uniform(0.0, min(6.0, INSIDE_m / per_uB_m)) if behaviour != "non-magnetic" else 0.0
        rows.append({"element": element, "size": size, "behaviour": behaviour, "moment_uB": round(float(moment_uB), 3)})
        if behaviour == "atomic-like":
            rows[-1]["flips_per_transit"] = round(float(rng.exponential(0.5)), 3) if rng.random() < 0.5 else 0.0
    return rows


def reproduced(seed: int, directory: Path, kind: str) -> dict[str, Any]:
    """The document of a whole reproduction."""
    options = ["--seed", str(seed)]
    if kind != "shipped":
        truth = directory / "truth.toml"
        drawn = {"machine": machine(seed), **({"cluster": clusters(seed)} if kind == "unseen" else {})}
        write_toml(truth, drawn, f"Drawn for seed {seed}.")
        options += ["--truth", str(truth)]
    result = subprocess.run([*PROGRAM, str(directory / "paper"), *options], stderr=subprocess.PIPE, text=True, check=False)
    if result.returncode:
        print("\n".join(result.stderr.splitlines()[-3:]))
    document: dict[str, Any] = json.loads((directory / "paper" / "results" / "results.json").read_text("utf-8"))
    return document


def main() -> None:
    kind = next((word for word in sys.argv[1:] if word in ("shipped", "unseen")), "machine")
    numbers = [int(word) for word in sys.argv[1:] if word != kind] or [1, 2]
    first, last = numbers[0], numbers[-1]
    everything: list[float] = []
    short = []
    for seed in range(first, last + 1):
        with tempfile.TemporaryDirectory() as scratch:
            document = reproduced(seed, Path(scratch), kind)
        against = document["against_the_truth"]
        pulls = [one["pull"] for one in against["moments"]]
        everything += pulls
        print(f"seed {seed}: {len(pulls)} moments, rms pull {rms(pulls):.2f}, largest {max(map(abs, pulls)):.1f}", flush=True)
        for sentence in [*against["wrong"], *(f"{name} failed: {why}" for name, why in document["failures"].items())]:
            print(f"  {sentence}")
        for one in against["calibrations"]:
            off = one["found"] - one["truth"]
            share = f", {off / one['truth']:+.2%}" if one["part"] in RELATIVE else ""
            print(f"  {one['what']}: {one['found']:.6g} ± {one['error']:.2g}, {off:+.2g} off{share} ({one['pull']:+.1f} σ)")
            limit = RELATIVE[one["part"]][1] * one["truth"] if one["part"] in RELATIVE else MASS_u
            if one["part"] in (*RELATIVE, "mass") and abs(off) > limit:
                short.append(f"seed {seed}: {one['what']}")
    fine = 0.85 <= rms(everything) <= 1.15 and max(map(abs, everything)) <= 4.5
    print(
        f"{len(everything)} moments: rms pull {rms(everything):.2f}, largest {max(map(abs, everything)):.1f}: "
        f"{'as' if fine else 'not as'} wanted; calibrations off by more than wanted: {', '.join(short) or 'none'}"
    )


def rms(pulls: list[float]) -> float:
    return math.sqrt(sum(pull**2 for pull in pulls) / len(pulls)) if pulls else math.nan


if __name__ == "__main__":
    main()
