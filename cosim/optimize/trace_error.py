"""How far a trace is from the exact one, whatever the spikes.

A spike sets a trace that isn't additive, in both models to the same value. From then on either depends on nothing
but the number of timesteps since, and a later spike only cuts that short. So the largest error over all spike trains
is the largest one on the way from one spike to 0, and no input need be tried.
"""

import functools

from qlif.model.exceptions import InputError
from qlif.model.formats import Format
from qlif.model.words import Words


def largest_trace_error(words: Words) -> float:
    """Return the largest difference between a neuron's trace and the real one, for the same spikes.

    Raises
    ------
    InputError
        There is no trace, or it is additive: then its error depends on the spikes.
    """
    parameters, constants = words.parameters, words.constants
    if not parameters.spike_trace or parameters.additive_spike_trace:
        kind = "an additive one" if parameters.spike_trace else "none"
        raise InputError(f"max_trace_error requires a trace that each spike sets, not {kind}")
    decay, spike = constants["decay"], constants["trace_spike"]
    return _largest(
        int(spike.word), words.arithmetic.trace, int(decay.word), decay.format, float(parameters.decay)
    )


@functools.cache
def _largest(word: int, trace: Format, decay: int, decay_format: Format, exact_decay: float) -> float:
    exact, largest = 1.0, abs(1.0 - word * trace.resolution)
    while word:
        word, exact = (word * decay) >> decay_format.f_bits, exact * exact_decay
        largest = max(largest, abs(exact - word * trace.resolution))
    return largest  # at 0 it stays, and the exact trace only comes nearer
