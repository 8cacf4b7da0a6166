"""How the float reference integrates a timestep."""

from enum import StrEnum
from typing import assert_never


class Integrator(StrEnum):
    """An explicit integrator of the membrane equation."""

    EULER = "euler"
    """One slope, at the beginning of the step: what the fixed-point neuron and its gates compute."""
    HEUN = "heun"
    """The mean of two, at the beginning and at the end of Euler's step: a second squaring."""

    @property
    def two_slopes(self) -> bool:
        """Whether a step evaluates the slope twice."""
        match self:
            case Integrator.EULER:
                return False
            case Integrator.HEUN:
                return True
            case unknown:
                assert_never(unknown)
