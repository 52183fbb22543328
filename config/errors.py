"""One error for everything a user can get wrong in a file."""

from collections.abc import Sequence
from typing import Self


class ConfigurationError(ValueError):
    """A file, a key or a value the user gave is not usable.  The message is one sentence: what, where, allowed, what to do.

    `faults` are the single things that are wrong, where more than one can be.
    """

    def __init__(self, message: str, faults: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.faults = tuple(faults) or (message,)

    @classmethod
    def of(cls, where: str, faults: Sequence[str]) -> Self:
        """All faults in one message: a sentence for one, a numbered list for more."""
        if len(faults) == 1:
            return cls(f"{where}: {faults[0]}", faults)
        listed = "\n".join(f"  {number}. {fault}" for number, fault in enumerate(faults, 1))
        return cls(f"{where} has {len(faults)} faults:\n{listed}", faults)
