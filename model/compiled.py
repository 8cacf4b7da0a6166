"""The golden step over a whole input at machine speed: compiled once for all arithmetics.

What :func:`qlif.model.datapath.step` says one operator after the other, for words that 64 bits hold, is
one compiled loop here; forms, shifts and roundings are numbers in it, so that a sweep over configurations
compiles nothing. :mod:`qlif.model.fixed` uses it for long runs where numba is installed (the extra
``study``), and the tests hold the two against each other in every bit.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.model.arithmetic import Currents, Form
from qlif.model.datapath import State
from qlif.model.formats import Overflow, Rounding
from qlif.model.words import Words

WORTHWHILE = 50_000
"""Updates from which on a run is compiled: below, loading the compiler takes longer."""

Integers = npt.NDArray[np.int64]
Run = Callable[..., None]

SPLIT = 30
"""Bits of the lower of two parts of a long product."""

_BITS = 62

_CONSTANTS = (
    "threshold",
    "reset",
    "refractory",
    "lower_bound",
    "decay",
    "trace_spike",
    "rest",
    "critical",
    "gain",
    "bias",
    "drive",
)
_ROUNDINGS = (Rounding.TRN, Rounding.RND, Rounding.RND_CONV, Rounding.SR)


@functools.cache
def kernel() -> Run | None:
    """Return the compiled loop; None where numba isn't installed."""
    try:
        from qlif.model.compiled_loop import run
    except ImportError:
        return None
    return run  # type: ignore[no-any-return]


def options(words: Words) -> Integers:
    """Return a population's formats, form and roundings as the numbers that the loop takes."""
    arithmetic = words.arithmetic
    potential, trace = arithmetic.potential, arithmetic.trace
    finest, quadratic = words.sum_format.f_bits, words.quadratic_format.f_bits
    product_excess, product_rounding = 0, 0
    if arithmetic.product_fraction is not None and arithmetic.product_rounding is not None:
        product_excess = quadratic - arithmetic.product_fraction
        product_rounding = _ROUNDINGS.index(arithmetic.product_rounding)
        quadratic = arithmetic.product_fraction
    bias = words.constants["bias"].format.f_bits if "bias" in words.constants else finest
    numbers = (
        arithmetic.form is Form.SQUARE,
        arithmetic.currents is Currents.RAW,
        product_excess,
        product_rounding,
        finest - potential.f_bits,
        finest - quadratic,
        finest - words.drive_format.f_bits,
        finest - bias,
        _ROUNDINGS.index(arithmetic.rounding),
        arithmetic.random_bits,
        arithmetic.overflow is Overflow.WRAP,
        potential.min_word,
        potential.max_word,
        words.parameters.spike_trace,
        words.parameters.additive_spike_trace,
        words.constants["decay"].format.f_bits,
        arithmetic.trace_overflow is Overflow.WRAP,
        trace.max_word,
        quadratic_width(words) > _BITS,
    )
    return np.array(numbers, dtype=np.int64)


def quadratic_width(words: Words) -> int:
    """Return the bits of the exact quadratic term."""
    return words.quadratic_format.width


def compilable(words: Words) -> bool:
    """Whether every integer of the loop is held by 64 bits.

    The sum of a timestep is kept in two parts, above and below the last place of the potential, and a
    product of three factors is made in two parts; so that only very wide words are left to the golden step.
    """
    arithmetic = words.arithmetic
    below = words.sum_format.f_bits - arithmetic.potential.f_bits
    widths = [
        below + 3,  # the low part: up to five terms, not carried
        words.sum_format.width - below + 1,
        words.drive_format.width,
        (arithmetic.trace * words.constants["decay"].format).width,
    ]
    if arithmetic.form is Form.SQUARE or arithmetic.product_fraction is not None:
        widths.append(words.quadratic_format.width)
    else:
        factors = words.quadratic_format.width - words.constants["gain"].format.width
        widths += [factors, max(factors - SPLIT, SPLIT) + words.constants["gain"].format.width]
    return max(widths) <= _BITS


def constants(words: Words, values: Mapping[str, Any]) -> Integers:
    """Return every parameter word of every neuron, ``(words, neurons)``; those that don't act are 0."""
    n, shape = words.parameters.n, words.parameters.shape
    table = np.zeros((len(_CONSTANTS), n), dtype=np.int64)
    table[_CONSTANTS.index("lower_bound")] = words.arithmetic.potential.min_word
    for row, name in enumerate(_CONSTANTS):
        if name in values:
            table[row] = np.broadcast_to(np.asarray(values[name], dtype=np.int64), shape).reshape(n)
    return table


def advance(
    run: Run,
    words: Words,
    values: Mapping[str, Any],
    state: State,
    currents: npt.NDArray[Any],
    random: Callable[[int], Integers],
    spikes: npt.NDArray[np.bool_],
    kept: Mapping[str, npt.NDArray[Any]],
) -> State:
    """Advance over an input, write what happens into arrays, and return the state after it.

    Parameters
    ----------
    run : callable
        From :func:`kernel`.
    words : Words
    values : mapping of str to int or array
        The parameter words.
    state : State
        The state before, arrays of the population's shape.
    currents : array of int, (timesteps, *shape)
    random : callable
        Returns the next so many random words.
    spikes : array of bool, (timesteps, *shape)
        Filled.
    kept : mapping of {"potential", "refractory", "trace"} to array of int, (timesteps, *shape)
        Filled.
    """
    n = words.parameters.n
    numbers, table = options(words), constants(words, values)
    now = np.stack([np.asarray(part, dtype=np.int64).reshape(n) for part in state])
    # As many timesteps at a time as the caches hold.
    block = max(1, (1 << 16) // n)
    for start in range(0, len(currents), block):
        inputs = np.ascontiguousarray(currents[start : start + block].reshape(-1, n), dtype=np.int64)
        steps = len(inputs)
        words_of_noise = random(inputs.size) if words.arithmetic.random_bits else np.zeros(0, dtype=np.int64)
        fired = np.empty((steps, n), dtype=np.bool_)
        history = np.empty((3, steps, n), dtype=np.int64)
        run(numbers, table, now, inputs, words_of_noise, fired, history)
        spikes[start : start + steps] = fired.reshape(steps, *spikes.shape[1:])
        for name, array in kept.items():
            part = history[State._fields.index(name)]
            array[start : start + steps] = part.reshape(steps, *array.shape[1:])
    return State(*(part.reshape(words.parameters.shape).copy() for part in now))
