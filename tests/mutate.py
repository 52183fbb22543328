"""`make mutate`: do the tests notice when an instrument is read wrongly?

One change at a time is made to a module, and its own tests must fail: every command word of a simulator is renamed, every
terminator and every scale factor of a driver is changed.  A change that no test notices is a survivor; there must be none.

    python -P tests/mutate.py [MODULE ...]        e.g. drivers.lakeshore_336 simulators.instruments.srs_sr542
"""

import argparse
import ast
import importlib.abc
import importlib.machinery
import importlib.util
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
NOT_INSTRUMENTS = {"__init__", "instrument", "driver", "errors", "quantity", "roles", "registry", "catalogue"}
LONGEST_S = 120.0
"""A change that makes the tests hang counts as noticed."""
PRELOADED = ("hypothesis.strategies", "numpy", "pydantic", "pyvisa", "pymodbus.client")
"""What the tests need is imported once, before the processes part; the instruments are imported by each."""
PASSED, NOTICED = 0, (1, 2, -signal.SIGKILL)
"""Exit codes of pytest: a failed test, a module that cannot be imported; and the end of one that hangs."""
TABLES_ELSEWHERE = {
    "simulators.instruments.lakeshore_336_inputs": "lakeshore_336",
    "simulators.instruments.lakeshore_336_outputs": "lakeshore_336",
    "simulators.instruments.lock_history": "misfires",
    "simulators.instruments.compexpro_gas": "coherent_compexpro",
    "simulators.instruments.danfysik_ramps": "danfysik_8500",
    "simulators.instruments.dg645_settings": "srs_dg645",
    "simulators.instruments.dg645_delays": "srs_dg645",
    "simulators.instruments.dg645_triggers": "srs_dg645",
    "simulators.instruments.infiniium_settings": "keysight_infiniium",
    "simulators.instruments.infiniium_record": "keysight_infiniium",
    "simulators.instruments.scpi": "keysight_infiniium",
    "drivers.infiniium_setup": "keysight_infiniium",
    "drivers.infiniium_preamble": "keysight_infiniium",
    "drivers.infiniium_quantities": "keysight_infiniium",
}
"""Modules that are tested with the instrument they belong to."""
NOT_COMMANDS = re.compile(
    "identity|foreign|causes|_rates|_ports|_values|_channels|_latch|_settings|_lines|partial|samples|INTERLOCKS|FAULTS",
    re.IGNORECASE,
)
"""Tables of other things, by their names."""
OTHER_END = {b"\r\n": b"\r\r", b"\r": b"\n", b"\n": b"\r"}


@dataclass(frozen=True)
class Mutant:
    """A module with one change."""

    module: str
    line: int
    before: str
    after: str
    source: str

    def __str__(self) -> str:
        return f"{self.module}:{self.line}: {self.before} -> {self.after}"


def modules() -> list[str]:
    """All instruments, on both sides of the wire."""
    return [
        ".".join((*folder.split("/"), path.stem))
        for folder in ("simulators/instruments", "drivers")
        for path in sorted((ROOT / folder).glob("*.py"))
        if path.stem not in NOT_INSTRUMENTS
    ]


def mutants(module: str) -> list[Mutant]:
    """Every change of one module."""
    path = ROOT / Path(*module.split(".")).with_suffix(".py")
    source = path.read_text()
    tree = ast.parse(source)
    places = _commands(tree) if module.startswith("simulators.") else [*_terminators(tree), *_scales(tree)]
    made = {}
    for node, after in places:
        before = ast.get_source_segment(source, node)
        assert before is not None
        if before != after:
            made[node.lineno, node.col_offset] = Mutant(module, node.lineno, before, after, _replaced(source, node, after))
    return [made[place] for place in sorted(made)]


def unchanged(module: str) -> Mutant:
    """No change at all: its tests must pass, or a failure would mean nothing."""
    return Mutant(module, 0, "", "", (ROOT / Path(*module.split(".")).with_suffix(".py")).read_text())


def _commands(tree: ast.Module) -> Iterator[tuple[ast.expr, str]]:
    """Command words: patterns of `match` statements and keys of tables, not the arguments, faults and names beside them."""
    for node in _outside(tree, {"fault", "state"}, _is_name_table):
        if isinstance(node, ast.match_case):
            sequence = isinstance(node.pattern, ast.MatchSequence) and node.pattern.patterns
            first = sequence[0] if sequence else node.pattern
            choices = first.patterns if isinstance(first, ast.MatchOr) else [first]
            for one in choices:
                if isinstance(one, ast.MatchValue) and _is_text(one.value):
                    yield one.value, _renamed(one.value)
        if isinstance(node, ast.Dict) and len(node.keys) > 1:
            yield from ((key, _renamed(key)) for key in node.keys if key is not None and _is_text(key))


def _terminators(tree: ast.Module) -> Iterator[tuple[ast.expr, str]]:
    """Ends of lines, wherever bytes are written out."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Constant) and isinstance(node.value, bytes)):
            continue
        text = node.value
        for end, other in OTHER_END.items():
            if text.endswith(end):
                yield node, repr(text[: -len(end)] + other)
                break


def _scales(tree: ast.Module) -> Iterator[tuple[ast.expr, str]]:
    """Numbers that multiply or divide, also through the name of a constant, and the values of tables of them.

    Not those of limits and of what counts as equal: those are no scale factors.
    """
    used: set[str] = set()
    for node in _outside(tree, {"expected_numbers"}, _is_limit):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div | ast.FloorDiv):
            for side in (node.left, node.right):
                if _is_number(side):
                    yield side, _other_number(side)
                used |= {name.id for name in ast.walk(side) if isinstance(name, ast.Name) and name.id.isupper()}
    for statement in tree.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        names = {target.id for target in targets if isinstance(target, ast.Name)}
        if isinstance(statement, ast.Assign) and names & used:
            values = statement.value.values if isinstance(statement.value, ast.Dict) else [statement.value]
            yield from ((value, _other_number(value)) for value in values if _is_number(value))


def _is_limit(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        return any("within" in ast.unparse(target) or "top" in ast.unparse(target) for target in node.targets)
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) == "self._limit"
    return isinstance(node, ast.Compare) or (isinstance(node, ast.keyword) and node.arg == "within")


def _is_name_table(node: ast.AST) -> bool:
    targets = (
        node.targets
        if isinstance(node, ast.Assign)
        else [node.target]
        if isinstance(node, ast.AnnAssign | ast.AugAssign)
        else []
    )
    return any(NOT_COMMANDS.search(ast.unparse(target)) for target in targets)


def _outside(tree: ast.AST, functions: set[str], also: Callable[[ast.AST], bool]) -> Iterator[ast.AST]:
    """All nodes but those inside these functions and inside nodes that `also` names."""
    for child in ast.iter_child_nodes(tree):
        if (isinstance(child, ast.FunctionDef) and child.name in functions) or also(child):
            continue
        yield child
        yield from _outside(child, functions, also)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and bool(node.value)


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _renamed(node: ast.expr) -> str:
    assert isinstance(node, ast.Constant)
    return '"\\x00renamed"' if isinstance(node.value, str) else 'b"\\x00renamed"'


def _other_number(node: ast.expr) -> str:
    assert isinstance(node, ast.Constant)
    value = node.value
    assert isinstance(value, int | float)
    return repr(value + 1 if isinstance(value, int) else value * 1.25)


def _replaced(source: str, node: ast.expr, text: str) -> str:
    lines = source.splitlines(keepends=True)
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    first, last = node.lineno - 1, node.end_lineno - 1
    head = lines[first].encode()[: node.col_offset].decode()
    tail = lines[last].encode()[node.end_col_offset :].decode()
    return "".join([*lines[:first], head + text + tail, *lines[last + 1 :]])


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds one module, and gives it another source."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_loader(name, self) if name == self._mutant.module else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._mutant.source, self._mutant.module, "exec"), module.__dict__)


def tests_of(module: str) -> list[str]:
    """The test files of a module: those of its instrument, on its side of the wire."""
    side = "tests/simulators/instruments" if module.startswith("simulators.") else "tests/drivers"
    name = TABLES_ELSEWHERE.get(module, module.rpartition(".")[2])
    return [str(path) for path in (ROOT / side).glob(f"test_{name}.py")]


def _run_tests(mutant: Mutant) -> int:
    os.setpgid(0, 0)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    sys.meta_path.insert(0, Changed(mutant))
    # What is preloaded cannot have its assertions rewritten any more, and need not.
    quiet = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    options = ["-x", *quiet, "--hypothesis-seed=1", f"--rootdir={ROOT}"]
    return int(pytest.main([*options, *tests_of(mutant.module)]))


def survivors(made: Sequence[Mutant], at_once: int | None = None) -> list[Mutant]:
    """The changes that nobody noticed.  Each is tried in a process of its own; `at_once` of them run side by side."""
    for name in PRELOADED:
        importlib.import_module(name)
    left, waiting = [], list(reversed(made))
    running: dict[int, tuple[Mutant, float]] = {}
    while waiting or running:
        while waiting and len(running) < (at_once or os.cpu_count() or 1):
            mutant = waiting.pop()
            if child := os.fork():
                running[child] = mutant, time.monotonic() + LONGEST_S
            else:
                os._exit(_run_tests(mutant))
        time.sleep(0.01)
        for child, (mutant, deadline) in list(running.items()):
            if time.monotonic() > deadline:
                os.killpg(child, signal.SIGKILL)
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                del running[child]
                code = os.waitstatus_to_exitcode(status)
                assert code in (PASSED, *NOTICED), f"{mutant}: pytest ended with {code}"
                if code == PASSED:
                    left.append(mutant)
                    if mutant.line:
                        print(f"survived: {mutant}", flush=True)
                if len(waiting) % 50 == 0:
                    print(f"{len(waiting)} to go", file=sys.stderr, flush=True)
    return left


def main() -> None:
    parser = argparse.ArgumentParser(prog="mutate", description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("module", nargs="*", help="modules to change; all instruments without any")
    names = parser.parse_args().module or modules()
    untested = [name for name in names if not tests_of(name)]
    made = [mutant for name in names if name not in untested for mutant in mutants(name)]
    before = [unchanged(name) for name in names if name not in untested]
    broken = {one.module for one in before} - {one.module for one in survivors(before)}
    if broken:
        sys.exit(f"fail without any change: {', '.join(sorted(broken))}")
    left = survivors(made)
    for name in untested:
        print(f"no tests of its own: {name}")
    print(f"{len(made)} changes, {len(left)} survivors")
    sys.exit(1 if left or untested else 0)


if __name__ == "__main__":
    main()
