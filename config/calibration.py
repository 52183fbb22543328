"""Calibrations of the machine, each value with its standard uncertainty.  They are made from runs, never constants in code.

Formulas: flight time t(m, d) = t0 + k √m + s(m) d + q(m) d² with s(m) = s_ref √(m / m_ref); deflection d = µ_z C / (m v²);
velocity v = flight path / (ionisation − chopper opening − time zero).
"""

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from config.model import Model

Positive = Annotated[float, Field(gt=0)]


class Measured(Model):
    """A value with its standard uncertainty, both in the unit of the key they stand under."""

    value: float
    uncertainty: Annotated[float, Field(ge=0)]


class MassCalibration(Model):
    """Flight time of undeflected ions: t = t0 + k √m, m in u."""

    t0_s: Measured
    k_s_per_sqrt_u: Measured


class PositionCalibration(Model):
    """Flight time against position: s(m) = s_ref √(m / m_ref), q(m) scaled alike; position along the gradient, s_ref > 0."""

    reference_mass_u: Positive
    sensitivity_s_per_m: Measured
    curvature_s_per_m2: Measured = Measured(value=0.0, uncertainty=0.0)

    @field_validator("sensitivity_s_per_m")
    @classmethod
    def _tells_the_strong_field(cls, found: Measured) -> Measured:
        if not found.value > 0:
            raise ValueError("its value must be above 0: ions that are nearer to the strong field arrive later")
        return found


class DeflectionCalibration(Model):
    """C of d = µ_z C / (m v²), in T·m, at the field it was calibrated at; at low field C is proportional to the field."""

    field_T: Positive
    C_T_m: Measured
    relative_gradient_slope_per_m: float = -310.0
    """d ln G / dz at the working height (derived, two-wire formula); with it a deflected peak is stretched."""
    velocity_m_s: Positive | None = None
    """Where C comes from atoms, theirs.  The uncertainty of C is then without that of the velocity: flight path and time zero
    are the same for atoms and clusters, and most of their errors cancel in a moment."""


class VelocityCalibration(Model):
    """Time of flight between chopper and ionisation; `time_zero_s` is what the programmed opening is early by."""

    flight_path_m: Positive
    time_zero_s: Measured
    relative_uncertainty: Annotated[float, Field(ge=0, lt=1)]


class FieldCalibration(Model):
    """Field at the beam against magnet current, rising branch after a degaussing cycle."""

    current_A: list[float]
    field_T: list[float]
    remanence_T: Measured
    relative_uncertainty: Annotated[float, Field(ge=0, lt=1)]

    @model_validator(mode="after")
    def _is_a_curve(self) -> Self:
        rising = all(a < b for a, b in zip(self.current_A, self.current_A[1:], strict=False)) and all(
            a < b for a, b in zip(self.field_T, self.field_T[1:], strict=False)
        )
        if len(self.current_A) != len(self.field_T) or len(self.current_A) < 2 or not rising:
            raise ValueError("current_A and field_T must be two equally long, rising lists of at least two points")
        return self


class TemperatureCalibration(Model):
    """Cluster temperature T_cl = T_source + excess (paper: 40 K for a 20 K source)."""

    cluster_excess_K: Measured


class Calibrations(Model):
    """Everything that turns a recorded trace into a moment.  `version` and `made` identify the set in every run file."""

    version: str
    made: str
    mass: MassCalibration
    position: PositionCalibration
    deflection: DeflectionCalibration
    velocity: VelocityCalibration
    field: FieldCalibration
    temperature: TemperatureCalibration
