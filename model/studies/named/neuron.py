"""The neuron and the inputs that the named studies share: those of the project's notes on numerics."""

from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.model.arithmetic import Arithmetic
from qlif.model.formats import SQ
from qlif.model.metrics.fi_curve import fi_currents
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.studies.grid import DEFAULT_INPUT, Sweep, base_of

RANDOM_BITS = 8
"""Of stochastic rounding."""

NEURON = Parameters(n=1, tau_m=30.0, refrac_length=50, dt=0.1)
"""Default potentials, a membrane time constant of 30 ms, 5 ms refractory, a timestep of 0.1 ms."""

CURRENTS = np.linspace(17.0, 80.0, 24)
"""Constant inputs, mV: from just above the rheobase of 16 mV to where a spike takes few timesteps."""

CONSTANT_INPUT = DEFAULT_INPUT
"""The same as the input of 24 neurons."""

NOISE_INPUT = "ou:mean=18,sd=8,tau=5"
"""Frozen noise around rheobase."""

LOWEST_MV = 16.5
"""Where an f-I curve begins here: nearer to the rheobase of 16 mV a neuron crawls."""


def curve_currents(neuron: Parameters) -> npt.NDArray[np.float64]:
    """Return the constant inputs of a neuron's f-I curve from :data:`LOWEST_MV` up, mV."""
    grid = fi_currents(neuron)
    return np.unique(np.concatenate([[LOWEST_MV], grid[grid >= LOWEST_MV]]))


def sweep_of_neuron(**choices: Any) -> Sweep:
    """Return a sweep of :data:`NEURON` over one second."""
    parameters = {"refrac_length": NEURON.refrac_length}
    return Sweep(tau_m_ms=NEURON.tau_m, duration_ms=1000.0, parameters=parameters, **choices)


def usual(form: str, word_bits: int, rounding: str, seed: int = 1) -> Arithmetic:
    """Return the arithmetic of a form's usual preset with another word length and rounding."""
    base = PRESETS[base_of(form)]
    i_bits = base.potential.i_bits
    return base.replace(
        potential=SQ(i_bits, word_bits - i_bits),
        rounding=rounding,
        random_bits=RANDOM_BITS if rounding == "SR" else 0,
        random_seed=seed,
    )
