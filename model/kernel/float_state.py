"""What the float reference's engines keep of a neuron, and what its timestep needs."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qlif.model.parameters import Parameters


class FloatState(NamedTuple):
    """What a neuron keeps from one timestep to the next: mV, timesteps, its trace, and its phase in timesteps."""

    potential: npt.NDArray[np.float64]
    refractory: npt.NDArray[np.int64]
    trace: npt.NDArray[np.float64]
    phase: npt.NDArray[np.float64]


def physical(parameters: Parameters) -> dict[str, Any]:
    """Return what a timestep needs by name, a scalar or one for each neuron.

    ``step`` is dt / tau_m, `lower_bound` is minus infinity where there is none, and `trace_scale` is what a
    spike adds to the trace or writes into it.
    """
    names = ("threshold", "reset_pot", "rest_pot", "critical_pot", "a0", "R", "decay", "refrac_length")
    values: dict[str, Any] = {name: getattr(parameters, name) for name in names}
    values["step"] = parameters.dt / parameters.tau_m
    values["lower_bound"] = -np.inf if parameters.lower_bound is None else parameters.lower_bound
    values["trace_scale"] = parameters.trace_scale if parameters.additive_spike_trace else 1.0
    return values
