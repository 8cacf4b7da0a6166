"""Software only: golden model and float neuron on the same input."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qlif.cosim.configuration import Configuration
from qlif.model.metrics import run_errors
from qlif.model.population import QLIFPopulation
from qlif.model.recording import Recording
from qlif.model.words import Words


@dataclass(frozen=True, eq=False)
class Simulation:
    """A finished simulation.

    Attributes
    ----------
    words : Words
    golden, floating : Recording
        Fixed point, and float64 Euler.
    lag : SpikeLag
        Golden spikes behind float ones.
    error : PotentialError
        Golden potentials against float ones.
    """

    words: Words
    golden: Recording
    floating: Recording
    lag: run_errors.SpikeLag
    error: run_errors.PotentialError


def simulate(configuration: Configuration, currents: npt.NDArray[np.float64]) -> Simulation:
    """Run an input through the golden model and the float reference.

    Parameters
    ----------
    configuration : Configuration
        With as many neurons as the input has columns. Its writes change the golden model; the float
        neuron keeps its initial parameters.
    currents : array, (timesteps, neurons)
        Input currents in the parameters' unit.

    Raises
    ------
    InputError
        A current isn't finite or is out of range.
    """
    fixed = QLIFPopulation.of(configuration.parameters, configuration.arithmetic)
    assert fixed.words is not None
    golden = fixed.run(currents, writes=configuration.parameter_writes(fixed.words, len(currents)))
    # With phases, the float neuron keeps them too, unrounded.
    substep = fixed.words.arithmetic.phase_bits > 0
    floating = QLIFPopulation.of(configuration.parameters, substep=substep).run(currents)
    assert golden.potentials is not None and floating.potentials is not None
    return Simulation(
        fixed.words,
        golden,
        floating,
        run_errors.spike_lag(floating.spikes, golden.spikes),
        run_errors.potential_error(floating.potentials, golden.potentials),
    )
