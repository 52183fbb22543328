"""How an instrument is found by whoever looks: one line of `clusterbeam check`."""

import math
import time
from dataclasses import dataclass

from config.laboratory import InstrumentConfiguration
from drivers.errors import DriverError
from drivers.roles import Identity, Instrument, Status


@dataclass(frozen=True)
class Health:
    """`error` is empty when it answers."""

    name: str
    role: str
    driver: str
    identity: Identity | None = None
    status: Status | None = None
    error: str = ""
    answer_s: float = 0.0
    """How long connecting, identifying and asking took."""
    answered_at: float | None = None
    """When the last answer came, seconds since 1970; None if there was none."""
    spare: bool = False

    def age_s(self) -> float:
        """Age of its last answer now; NaN if it never answered."""
        return math.nan if self.answered_at is None else time.time() - self.answered_at


def silent(name: str, configured: InstrumentConfiguration, error: str) -> Health:
    """An instrument that does not answer, and why."""
    return Health(name, configured.role, configured.driver, error=error, spare=configured.spare)


def looked(name: str, configured: InstrumentConfiguration, instrument: Instrument, identity: Identity, since: float) -> Health:
    """Ask an instrument that is open how it is; `since` (`time.monotonic`) is when the looking began.  Never raises."""
    try:
        status = instrument.status()
    except DriverError as error:
        return silent(name, configured, error.what)
    took_s = time.monotonic() - since
    return Health(name, configured.role, configured.driver, identity, status, "", took_s, time.time(), configured.spare)
