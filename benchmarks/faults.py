"""Random faults on the wires of every instrument: no hang, no detectable corruption taken for a value, recovery after each.

    python benchmarks/faults.py [FAULTS] [SEED]

A fault spoils the next reply; the driver then reads a setting whose value is known.  It must answer with that value or with one
of its named errors, in time, and after at most a few more tries with the value again.  Prints one line per driver.
"""

import random
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from config.laboratory import InstrumentConfiguration, read_laboratory
from drivers.errors import DriverError, LinkClosed
from drivers.registry import connect
from simulators.wire.remote import Remote

EVERY = Path(__file__).parents[1] / "config" / "every-instrument.toml"
KINDS = ("silence", "delay", "garbage", "half_reply", "double_reply", "drop")
SETTINGS = {
    "srs_dg645": "threshold_V",
    "keysight_infiniium": "sample_rate_Hz",
    "danfysik_8500": "set_current_A",
    "lakeshore_425": "range",
    "lakeshore_336": "set_temperature_K",
    "srs_sr542": "multiple",
    "quantel_bss": "lamp_voltage_V",
    "coherent_compexpro": "preset_energy_mJ",
    "bronkhorst_elpress": "set_pressure_bar",
    "bnc_575": "period_s",
    "spectraphysics_quantaray": "oscillator_percent",
    "thorlabs_mc2000b": "blade",
    "caen_dt1470et": "ch0_current_limit_uA",
    "iseg_nhq": "break_time_ms",
    "alicat_pc": "p_gain",
    "cryomech_cpa": "panel_serial_number",
    "cryomech_cpa_rtu": "panel_serial_number",
    "sumitomo_f70": "return_pressure_psi",
    "newport_esp301": "axis1_unit",
    "pfeiffer_tpg362": "digits",
    "gentec_maestro": "wavelength_nm",
    "ophir_ea1": "wavelength_nm",
    "coherent_energymax": "delay_us",
}
"""By driver: something that nothing but a command changes."""
PATIENCE_S, TRIES = 10.0, 6


@dataclass
class Tally:
    """What became of the faults of one instrument."""

    driver: str
    faults: int = 0
    errors: int = 0
    values: int = 0
    problems: list[str] = field(default_factory=list)
    slowest_s: float = 0.0


def campaign(name: str, configured: InstrumentConfiguration, control: Remote, faults: int, seed: int) -> Tally:
    """All faults of one instrument, one after the other."""
    dice = random.Random(f"{seed} {name}")
    tally = Tally(configured.driver)
    unit = connect(name, configured)
    unit.identify()
    unit.prepare()
    unit.link.timeout_s = 0.3
    quantity = SETTINGS[configured.driver]
    truth = unit.read(quantity)
    for _ in range(faults):
        kind = dice.choice(KINDS)
        control(do="fault", instrument=name, kind=kind, count=1, **({"delay_s": 0.5} if kind == "delay" else {}))
        tally.faults += 1
        for attempt in range(TRIES):
            started = time.monotonic()
            try:
                value = unit.read(quantity)
            except DriverError as error:
                tally.errors += attempt == 0
                if isinstance(error, LinkClosed):
                    unit.close()
                    unit = connect(name, configured)
                    unit.link.timeout_s = 0.3
            else:
                tally.values += attempt == 0
                if value != truth:
                    tally.problems.append(f"{kind}: {value!r} was taken for {truth!r}")
                break
            finally:
                took_s = time.monotonic() - started
                tally.slowest_s = max(tally.slowest_s, took_s)
                if took_s > PATIENCE_S:
                    tally.problems.append(f"{kind}: {took_s:.1f} s for one answer")
        else:
            tally.problems.append(f"{kind}: no recovery in {TRIES} tries")
        control(do="clear", instrument=name)
    unit.close()
    return tally


def main() -> None:
    faults = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "laboratory.toml"
        command = [sys.executable, "-P", "-m", "simulators", "--config", str(EVERY), "--write-config", str(config)]
        command += ["--json", "--until-stdin-closes", "--speed", "1"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            cast(IO[bytes], process.stdout).readline()
            laboratory, _ = read_laboratory(config)
            control = Remote(laboratory.control)
            count = len(laboratory.instruments)
            with ThreadPoolExecutor(count) as pool:
                running = [
                    pool.submit(campaign, name, one, control, -(-faults // count), seed)
                    for name, one in laboratory.instruments.items()
                ]
                tallies = [each.result() for each in running]
            control.close()
            cast(IO[bytes], process.stdin).close()
    for tally in tallies:
        print(f"{tally.driver:<26} {tally.faults:6d} faults {tally.errors:6d} named errors {tally.values:6d} values", end="")
        print(f" {len(tally.problems):4d} problems, slowest answer {tally.slowest_s:.2f} s")
        for problem in tally.problems[:5]:
            print(f"    {problem}")
    total, bad = sum(tally.faults for tally in tallies), sum(len(tally.problems) for tally in tallies)
    print(f"{total} faults, {bad} problems")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
