"""The float reference over blocks of neurons and whole stretches of time, compiled.

Every operation is that of :class:`qlif.model.reference.FloatNeurons`, in its order: the results are the same
in every bit.
"""

import functools
from typing import Any

import numpy as np

from qlif.model.kernel.integers import choose, like, store, truths_of_64
from qlif.model.kernel.jit import Compiled

PARAMETERS = (
    "threshold",
    "reset_pot",
    "lower_bound",
    "rest_pot",
    "critical_pot",
    "a0",
    "R",
    "step",
    "decay",
    "trace_scale",
)
"""Rows of the array of parameters."""

(_THRESHOLD, _RESET, _LOWER_BOUND, _REST, _CRITICAL, _A0, _R, _STEP, _DECAY, _SCALE) = range(len(PARAMETERS))


@functools.cache
def advance(per_neuron: bool, substep: bool, two_slopes: bool) -> Compiled:
    """Return the compiled loop, for parameters of the whole population or of each neuron, with phases or without.

    With `two_slopes` the increment is the mean of those at both ends of Euler's step.

    It is called as ``advance(v, count, trace, phase, parameters, periods, trace_on, additive, block, first,
    end, flags, spikes, potentials, traces, phases, currents)``, like :func:`qlif.model.kernel.loops.advance`.
    """

    def loop(
        v: Any,
        count: Any,
        trace: Any,
        phase: Any,
        parameters: Any,
        periods: Any,
        trace_on: Any,
        additive: Any,
        block: Any,
        first: Any,
        end: Any,
        flags: Any,
        spikes: Any,
        potentials: Any,
        traces: Any,
        phases: Any,
        currents: Any,
    ) -> Any:
        threshold, reset = parameters[_THRESHOLD, 0], parameters[_RESET, 0]
        lower_bound, rest = parameters[_LOWER_BOUND, 0], parameters[_REST, 0]
        critical, a0, resistance = parameters[_CRITICAL, 0], parameters[_A0, 0], parameters[_R, 0]
        step, decay, scale = parameters[_STEP, 0], parameters[_DECAY, 0], parameters[_SCALE, 0]
        period = periods[0]
        none, one = like(0, count[0]), like(1, count[0])
        neurons = currents.shape[1]
        for start in range(first, end, block):
            stop = min(start + block, end)
            potential, refractory, x = v[start:stop], count[start:stop], trace[start:stop]
            due = phase[start:stop]
            for timestep in range(len(currents)):
                row = currents[timestep, start:stop]
                finite = True
                for i in range(stop - start):
                    finite &= np.abs(row[i]) < np.inf
                if not finite:
                    return False
                for i in range(stop - start):
                    if per_neuron:
                        n = start + i
                        threshold, reset = parameters[_THRESHOLD, n], parameters[_RESET, n]
                        lower_bound, rest = parameters[_LOWER_BOUND, n], parameters[_REST, n]
                        critical, a0 = parameters[_CRITICAL, n], parameters[_A0, n]
                        resistance, step = parameters[_R, n], parameters[_STEP, n]
                        period = periods[n]
                    before = potential[i]
                    slope = a0 * (before - rest) * (before - critical) + resistance * row[i]
                    ready = refractory[i] == none
                    increment = step * slope
                    if two_slopes:
                        ahead = before + (increment * (1 + due[i]) if substep else increment)
                        slope = a0 * (ahead - rest) * (ahead - critical) + resistance * row[i]
                        increment = (increment + step * slope) / 2
                    if substep:
                        after = choose(ready, before + increment * (1 + due[i]), before)
                        left_over = choose(increment > 0.0, min((after - threshold) / increment, 1.0), 1.0)
                    else:
                        after = choose(ready, before + increment, before)
                    spiked = after >= threshold
                    if substep:
                        held = choose(spiked, 0.0, due[i])
                        due[i] = choose(ready, choose(spiked, left_over, 0.0), held)
                    counted = choose(ready, none, like(refractory[i] - one, none))
                    refractory[i] = choose(spiked, period, counted)
                    after = choose(spiked, reset, after)
                    potential[i] = choose(after < lower_bound, lower_bound, after)
                    flags[i] = spiked
                if trace_on:
                    for i in range(stop - start):
                        if per_neuron:
                            decay, scale = parameters[_DECAY, start + i], parameters[_SCALE, start + i]
                        decayed = x[i] * decay
                        x[i] = choose(flags[i] != 0, choose(additive, decayed + scale, scale), decayed)
                for i in range(stop - start, (stop - start + 63) // 64 * 64):
                    flags[i] = 0  # of a block before this one
                for i in range(0, stop - start, 64):
                    spikes[timestep, (start + i) >> 6] = truths_of_64(flags, i)
                if len(potentials):
                    for i in range(stop - start):
                        store(potentials, timestep * neurons + start + i, potential[i], 9)
                if len(traces):
                    for i in range(stop - start):
                        store(traces, timestep * neurons + start + i, x[i], 9)
                if len(phases):
                    for i in range(stop - start):
                        store(phases, timestep * neurons + start + i, due[i], 9)
        return True

    return Compiled(
        loop,
        f"{'own' if per_neuron else 'shared'}{'_substep' if substep else ''}{'_heun' if two_slopes else ''}",
    )
