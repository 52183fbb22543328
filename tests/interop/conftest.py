"""The simulated laboratory, once over TCP and once on pseudo-terminals."""

from collections.abc import Iterator

import pytest

from tests.interop.laboratory import Wires, laboratory


@pytest.fixture(scope="package")
def tcp() -> Iterator[Wires]:
    with laboratory() as wires:
        yield wires


@pytest.fixture(scope="package")
def serial() -> Iterator[Wires]:
    with laboratory("--serial") as wires:
        yield wires
