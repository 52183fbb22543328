"""`clusterbeam recover`: a killed, truncated or half-written run file made ordinary."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from daq.cli.console import err, out
from daq.record.recover import Recovery
from daq.record.recover import recover as recover_run
from daq.record.run_file import RunFile, RunFileError
from daq.record.verify import verify


def recover(
    file: Annotated[Path, typer.Argument(help="The damaged run file; it is not altered.")],
    output: Annotated[Path | None, typer.Option(help="The new file; FILE-recovered.h5 if not given.")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put the recovered file in the place of the damaged one, which is gone then.")
    ] = False,
) -> None:
    """Make an ordinary run file of what is left in a damaged one, and say exactly what is kept and what is lost."""
    target = output or file.with_name(f"{file.stem}-recovered.h5")
    if replace and _apart(target, file):
        raise RunFileError(f"{target} would lie on another disk than {file} and cannot take its place; leave out --output")
    try:
        recovery = recover_run(file, target)
    except FileExistsError:
        raise RunFileError(f"{target} exists; choose another file with --output") from None
    except OSError as error:
        raise RunFileError(f"{file} cannot be recovered into {target} ({error}); choose another file with --output") from None
    with RunFile(target) as run:
        faults = verify(run).faults
    for fault in faults:
        err.print(f"clusterbeam: {target}: {fault}", soft_wrap=True, markup=False)
    replaces = replace and not faults and not recovery.gap
    if replaces:
        target.replace(file)
    out.print(f"{file if replaces else target}: {_words(recovery)}", soft_wrap=True, markup=False)
    if replace and not replaces:
        err.print(f"clusterbeam: {file} is kept, since not all that it holds is in {target}", soft_wrap=True, markup=False)
    if faults or recovery.damaged or recovery.gap:
        raise typer.Exit(1)


def _apart(target: Path, file: Path) -> bool:
    """Whether the one cannot simply be put in the place of the other; what does not exist is complained of later."""
    with suppress(OSError):
        return target.parent.stat().st_dev != file.parent.stat().st_dev
    return False


def _words(recovery: Recovery) -> str:
    words = [f"{recovery.kept} shots kept, {recovery.lost} lost"]
    if recovery.damaged:
        first, last = min(recovery.damaged), max(recovery.damaged)
        words.append(f"{len(recovery.damaged)} of these were recorded, between shots {first} and {last}, and are damaged")
    if recovery.gap:
        words.append("a part of the journal is missing, and what was recorded after it is not in the new file")
    elif not recovery.status:
        words.append("the end of the run is not in the file, which does not tell whether more was recorded")
    return "; ".join(words)
