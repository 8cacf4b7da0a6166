"""The bit-accurate step of one neuron: the golden model itself.

Pure integer arithmetic without a branch on data, so that the same function runs on Python integers,
on integer arrays (one element per neuron) and on a solver's bit-vectors. What is proved about the
hardware is therefore proved about this function and not about a copy of it.

Each caller supplies `where(condition, a, b)` for its kind of integer; everything else is done with the
operators ``+ - * << >> &`` and comparisons. The operators must not overflow: integers are as wide as
they need to be, and the only places where bits are lost are `drop` and `fit` of :mod:`qlif.model.rounding`
(`narrow` is both).
"""

from collections.abc import Mapping
from typing import NamedTuple, assert_never

from qlif.model.arithmetic import Currents, Form
from qlif.model.rounding import Integer, Rounding, Where, drop, fit, narrow
from qlif.model.words import Words


class State(NamedTuple):
    """What a neuron keeps from one timestep to the next, in words."""

    potential: Integer
    refractory: Integer
    trace: Integer


def step(
    words: Words,
    constants: Mapping[str, Integer],
    state: State,
    current: Integer,
    random: Integer,
    where: Where,
) -> tuple[State, Integer]:
    """Return the state after one timestep, and whether the neuron spiked.

    Parameters
    ----------
    words : Words
        Formats, form and exponents. Of its constants only the formats and names are used.
    constants : mapping of str to integer
        The parameter words by name, usually ``words.values``.
    state : State
        The state before.
    current : integer
        The current word.
    random : integer
        The random word; its low `random_bits` bits are used with stochastic rounding, none otherwise.
    where : callable
        ``where(condition, a, b)`` is a where the condition holds, else b.

    Notes
    -----
    The order is that of the continuous neuron's timestep: integrate unless refractory, spike, count
    down and reset, lower bound, trace.

    A counter is above the refractory period only after an upset, or if the period was made shorter
    meanwhile. The neuron then waits no longer than after a spike.
    """
    integrated = integrate(words, constants, state.potential, current, random, where)
    potential = where(state.refractory == 0, integrated, state.potential)
    spike = potential >= constants["threshold"]
    length = constants["refractory"]
    counted = state.refractory - where(state.refractory == 0, 0, 1)
    refractory = where(spike, length, where(counted > length, length, counted))
    potential = where(spike, constants["reset"], potential)
    if "lower_bound" in constants:
        lower_bound = constants["lower_bound"]
        potential = where(potential < lower_bound, lower_bound, potential)
    trace = decay_trace(words, constants, state.trace, spike, where)
    return State(potential, refractory, trace), spike


def integrate(
    words: Words,
    constants: Mapping[str, Integer],
    potential: Integer,
    current: Integer,
    random: Integer,
    where: Where,
) -> Integer:
    """Return the potential word after one forward Euler step, for a neuron that isn't refractory.

    All products are exact, but for those that the arithmetic narrows; all terms are aligned to the finest fraction
    and summed exactly; the sum is rounded once and brought to the range of the potential once.
    """
    rounded = rounded_sum(words, constants, potential, current, random, where)
    return fit(rounded, words.arithmetic.potential, words.arithmetic.overflow, where)


def rounded_sum(
    words: Words,
    constants: Mapping[str, Integer],
    potential: Integer,
    current: Integer,
    random: Integer,
    where: Where,
) -> Integer:
    """Return the potential word after one forward Euler step, if its format had no ends."""
    arithmetic = words.arithmetic
    total = exact_sum(words, constants, potential, current, where)
    excess = words.sum_format.f_bits - arithmetic.potential.f_bits
    return drop(total, excess, arithmetic.rounding, random, arithmetic.random_bits)


def exact_sum(
    words: Words, constants: Mapping[str, Integer], potential: Integer, current: Integer, where: Where
) -> Integer:
    """Return the sum of one forward Euler step before it is rounded, in the format `words.sum_format`."""
    arithmetic = words.arithmetic
    match arithmetic.form:
        case Form.FACTORED:
            fraction = words.difference_format.f_bits
            over_rest = narrow(potential - constants["rest"], fraction, arithmetic.difference, where)
            over_critical = narrow(potential - constants["critical"], fraction, arithmetic.difference, where)
            product = over_rest * over_critical
        case Form.SQUARE:
            product = potential * potential
        case unknown:
            assert_never(unknown)
    product = narrow(product, words.product_format.f_bits, arithmetic.product, where)
    quadratic = product * constants["gain"] if "gain" in constants else product
    bias = constants.get("bias")
    quadratic_fraction = words.quadratic_format.f_bits
    if arithmetic.quadratic is not None:
        quadratic = narrow(quadratic, quadratic_fraction, arithmetic.quadratic, where)
        quadratic_fraction = arithmetic.quadratic.format.f_bits
    if arithmetic.product_fraction is not None and arithmetic.product_rounding is not None:
        excess = quadratic_fraction - arithmetic.product_fraction
        quadratic = drop(quadratic, excess, arithmetic.product_rounding)
        quadratic_fraction = arithmetic.product_fraction
    match arithmetic.currents:
        case Currents.RAW:
            drive = current * constants["drive"]
        case Currents.SCALED:
            drive = current
        case never:
            assert_never(never)

    drive_fraction = words.drive_format.f_bits
    if arithmetic.drive is not None:
        drive = narrow(drive, drive_fraction, arithmetic.drive, where)
        drive_fraction = arithmetic.drive.format.f_bits

    # An exact sum may have any order. In the hardware's order, a solver sees immediately that they agree.
    finest = words.sum_format.f_bits if arithmetic.increment is None else words.increment_format.f_bits
    total = drive << (finest - drive_fraction)
    if bias is not None:
        total = total + (bias << (finest - words.constants["bias"].format.f_bits))
    if arithmetic.increment is None:
        total = total + (potential << (finest - arithmetic.potential.f_bits))
        return total + (quadratic << (finest - quadratic_fraction))
    total = total + (quadratic << (finest - quadratic_fraction))
    increment, finest = narrow(total, finest, arithmetic.increment, where), words.sum_format.f_bits
    potential = potential << (finest - arithmetic.potential.f_bits)
    return potential + (increment << (finest - arithmetic.increment.format.f_bits))


def decay_trace(
    words: Words, constants: Mapping[str, Integer], trace: Integer, spike: Integer, where: Where
) -> Integer:
    """Return the trace word after one timestep; unchanged if the population keeps no trace.

    The decay rounds down, so that a trace reaches 0.
    """
    if not words.parameters.spike_trace:
        return trace
    decayed = drop(trace * constants["decay"], words.constants["decay"].format.f_bits, Rounding.TRN)
    spiked = constants["trace_spike"]
    if words.parameters.additive_spike_trace:
        spiked = fit(decayed + spiked, words.arithmetic.trace, words.arithmetic.trace_overflow, where)
    return where(spike, spiked, decayed)


def where_integer(condition: object, a: Integer, b: Integer) -> Integer:
    """Choose between two Python integers: the `where` of a single neuron."""
    return a if condition else b
