"""The deflection magnet: current to field with saturation and remanence, the gradient that follows the field."""

import math
from dataclasses import dataclass, field

import numpy as np

from simulators.world.truth import Machine

MAGNETISED_A = 50.0
"""Current that leaves most of the remanence behind (assumed)."""


@dataclass
class Magnet:
    """Remembers the largest current since it was demagnetised, which decides the remanence."""

    machine: Machine
    largest_A: float = field(default=0.0)

    def field_T(self, current_A: float) -> float:
        """Field on the beam axis, signed; the remanence keeps the sign of the strongest magnetisation."""
        if abs(current_A) > abs(self.largest_A):
            self.largest_A = current_A
        curve = float(np.interp(abs(current_A), self.machine.field_current_A, self.machine.field_T))
        return math.copysign(curve, current_A) + self.machine.remanence_T * math.tanh(self.largest_A / MAGNETISED_A)

    def gradient_T_m(self, field_T: float) -> float:
        """Field gradient on the axis towards the strong field; proportional to the field (assumed)."""
        machine = self.machine
        arm_m2 = machine.magnet_length_m * (machine.magnet_length_m / 2 + machine.magnet_to_ionisation_m)
        return machine.C_T_m / arm_m2 * abs(field_T) / machine.calibration_field_T
