"""The eight edges of a simulated DG645: each a delay after another one, or after T0.  Pages of the manual."""

import math

LONGEST_S, STEP_S, AFTER_LONGEST_S = 1999.999999999995, 5e-12, 25e-9
T0, T1 = 0, 1
OUTPUTS = {"AB": (2, 3), "CD": (4, 5), "EF": (6, 7), "GH": (8, 9)}
"""Leading and trailing edge (p. 56)."""


class IllegalLinkError(ValueError):
    """A channel would follow itself, T1, or is T0."""


class IllegalDelayError(ValueError):
    """An edge would come before T0 or too late."""


class Delays:
    """Channels 2 (A) to 9 (H), with what each refers to (p. 27)."""

    def __init__(self) -> None:
        """Factory settings (p. 37)."""
        self.links = {2: 0, 3: 2, 4: 0, 5: 4, 6: 0, 7: 6, 8: 0, 9: 8}
        self.after_s = {channel: 0.0 if channel % 2 == 0 else 10e-9 for channel in range(2, 10)}

    def copy(self) -> "Delays":
        other = Delays()
        other.links, other.after_s = dict(self.links), dict(self.after_s)
        return other

    def total_s(self, channel: int) -> float:
        """Time after T0."""
        total = 0.0
        while channel > T1:
            total += self.after_s[channel]
            channel = self.links[channel]
        return total

    def longest_s(self) -> float:
        return max(self.total_s(channel) for channel in self.after_s)

    def edges(self, hold_off_s: float) -> dict[str, tuple[float, float]]:
        """Leading edge after T0 and width, in s, of every output.  T0 lasts longer than all others (p. 27)."""
        found = {name: (self.total_s(a), self.total_s(b) - self.total_s(a)) for name, (a, b) in OUTPUTS.items()}
        return found | {"T0": (0.0, max(hold_off_s, self.longest_s()) + AFTER_LONGEST_S)}

    def move(self, channel: int, reference: int, delay_s: float) -> None:
        self._check_link(channel, reference)
        if not (math.isfinite(delay_s) and -STEP_S / 2 <= self.total_s(reference) + delay_s <= LONGEST_S):
            raise IllegalDelayError(channel)
        self.links[channel], self.after_s[channel] = reference, round(delay_s / STEP_S) * STEP_S

    def link(self, channel: int, reference: int) -> None:
        """Refer to another edge without moving (p. 28)."""
        self._check_link(channel, reference)
        self.after_s[channel] = self.total_s(channel) - self.total_s(reference)
        self.links[channel] = reference

    def _check_link(self, channel: int, reference: int) -> None:
        if channel not in self.links or (reference != T0 and reference not in self.links):
            raise IllegalLinkError(channel)
        at = reference
        while at:
            if at == channel:
                raise IllegalLinkError(channel)
            at = self.links[at]
