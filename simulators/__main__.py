"""`python -m simulators`: a simulated laboratory on the wire."""

import argparse
import asyncio
import json
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from config.errors import ConfigurationError
from config.laboratory import SHIPPED, Laboratory, read_laboratory
from config.writing import write_toml
from simulators.laboratory import SimulatedLaboratory
from simulators.server import Wiring, start, until_ended
from simulators.wire.clock import Clock
from simulators.world.truth import NOZZLES, read_truth


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="simulators", description=__doc__)
    parser.add_argument("--config", type=Path, help="laboratory whose instruments are simulated")
    parser.add_argument("--write-config", type=Path, help="write the laboratory with its real addresses here")
    parser.add_argument("--truth", type=Path, help="TOML file that replaces the truth, whole or in part")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=float, help="laboratory seconds per second")
    parser.add_argument("--cold", action="store_true", help="start with everything off and warm")
    parser.add_argument("--serial", action="store_true", help="serial instruments on pseudo-terminals")
    parser.add_argument("--fixed-ports", action="store_true", help="the ports of the configuration instead of free ones")
    parser.add_argument("--control", type=int, default=0, help="port of the control socket")
    parser.add_argument("--faults", type=Path, help="TOML file of faults and their times")
    parser.add_argument("--rod", choices=("V", "Nb", "Ta", "Al"), default="V", help="metal in the source")
    parser.add_argument("--focus", choices=("wide", "narrow"), default="wide", help="the ionising light, by its lens")
    parser.add_argument("--nozzle", choices=NOZZLES, default=NOZZLES[0], help="shape of the source's nozzle")
    parser.add_argument("--transfer-MB-s", type=float, help="how fast the digitizer's network is")
    parser.add_argument("--canned", action="store_true", help="fixed traces instead of simulated ones")
    parser.add_argument("--json", action="store_true", help="print one JSON line when ready")
    parser.add_argument("--print-truth", action="store_true", help="print the truth as one JSON line instead, and end")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when standard input ends")
    return parser.parse_args()


async def run(options: argparse.Namespace, laboratory: Laboratory, calibrations: str) -> None:
    """Serve until told to end."""
    simulated = SimulatedLaboratory(
        laboratory, read_truth(options.truth), options.seed, cold=options.cold, canned=options.canned
    )
    simulated.beamline.load_rod(options.rod)
    simulated.beamline.nozzle = options.nozzle
    simulated.narrow_focus = options.focus == "narrow"
    clock = Clock(options.speed or laboratory.clock.speed)
    wiring = Wiring(options.fixed_ports, options.serial, options.control, options.faults, options.transfer_MB_s)
    async with AsyncExitStack() as context:
        real = await start(simulated, laboratory, clock, wiring, context)
        if options.write_config is not None:
            table = real.model_dump(exclude_none=True) | {"calibrations": calibrations}
            write_toml(options.write_config, table, "Written by a simulated laboratory; valid while it runs.")
        announce(real, as_json=options.json)
        await until_ended(stdin=options.until_stdin_closes)


def announce(laboratory: Laboratory, *, as_json: bool) -> None:
    """Say that it is ready, and where everything is."""
    described: dict[str, Any] = {
        name: {"role": one.role, "driver": one.driver, "address": one.address} for name, one in laboratory.instruments.items()
    }
    if as_json:
        print(json.dumps(described), flush=True)
    else:
        width = max(len(name) for name in described)
        for name, one in described.items():
            print(f"{name:<{width}}  {one['role']:<20} {one['address']}")
        print("Ready; Ctrl-C ends it.", flush=True)
    print(f"control socket at {laboratory.control}", file=sys.stderr, flush=True)


def calibrations_anywhere(laboratory: Laboratory, config: Path | None) -> str:
    """How another directory's laboratory can name the same calibrations."""
    beside = None if config is None else config.parent / laboratory.calibrations
    if beside is not None and beside.is_file() and beside.parent != SHIPPED / "laboratories":
        return str(beside.resolve())
    return laboratory.calibrations


def main() -> None:
    options = arguments()
    try:
        if options.speed is not None and not options.speed > 0:
            raise ConfigurationError(f"--speed = {options.speed:g} must be positive")
        if options.transfer_MB_s is not None and not options.transfer_MB_s > 0:
            raise ConfigurationError(f"--transfer-MB-s = {options.transfer_MB_s:g} must be positive")
        if options.print_truth:
            print(read_truth(options.truth).model_dump_json())
            return
        laboratory, _ = read_laboratory(options.config)
        asyncio.run(run(options, laboratory, calibrations_anywhere(laboratory, options.config)))
    except (ConfigurationError, OSError) as error:
        print(f"clusterbeam simulate: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
