"""What can go wrong between us and an instrument, each with a sentence for the operator.

Every error names the instrument.  `LinkError` and its kin mean that the wire failed; `InstrumentError` and its kin mean
that the wire worked and the instrument, or our own limits, refused.
"""


class DriverError(Exception):
    """Root of everything a driver raises."""

    def __init__(self, instrument: str, what: str) -> None:
        super().__init__(f"{instrument}: {what}")
        self.instrument = instrument
        self.what = what


class LinkError(DriverError):
    """The exchange of bytes failed."""


class LinkClosed(LinkError):
    """The other end closed the connection, or it could never be opened."""


class LinkTimeout(LinkError):
    """No complete reply before the deadline.  The link resynchronises before the next exchange."""


class GarbledReply(LinkError):
    """Bytes came, but not a reply of the documented form."""


class InstrumentError(DriverError):
    """The instrument answered, and the answer is no."""


class WrongInstrument(InstrumentError):
    """Another instrument answers at this address than the configuration says."""


class Refused(InstrumentError):
    """The instrument reported an error for a command, or its read-back differs from what was asked."""


class LimitError(InstrumentError):
    """The value was refused before a byte left: outside limits, wrong type, or no such quantity."""
