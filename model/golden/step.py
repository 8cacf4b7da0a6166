"""The bit-accurate step of one neuron: the golden model itself.

Pure integer arithmetic without a branch on data, so that the same function runs on Python integers,
on integer arrays (one element per neuron) and on a solver's bit-vectors. What is proved about the
hardware is therefore proved about this function and not about a copy of it.

Each caller supplies `where(condition, a, b)` for its kind of integer; everything else is done with the
operators ``+ - * << >> &`` and comparisons. The operators must not overflow: integers are as wide as
they need to be, and the only places where bits are lost are `drop` and `fit` of :mod:`qlif.model.rounding`
(`narrow` is both).
"""

import operator
from collections.abc import Mapping
from functools import reduce
from typing import NamedTuple, assert_never

from qlif.model.arithmetic import Currents, Form
from qlif.model.rounding import Integer, Rounding, Where, drop, fit, narrow
from qlif.model.words import Words


class State(NamedTuple):
    """What a neuron keeps from one timestep to the next, in words."""

    potential: Integer
    refractory: Integer
    trace: Integer
    phase: Integer = 0

    def by_name(self, words: Words) -> dict[str, Integer]:
        """Return the words by their names; a phase only where it has bits."""
        return {name: word for name, word in self._asdict().items() if name in words.formats}


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

    The phase counts parts of a timestep that were left over after a spike. It is held until the neuron integrates
    again, in a step that is so much longer. (A spike of a refractory neuron has none: it follows from a write.)
    """
    phase = state.phase
    if words.arithmetic.phase_bits:
        increment = exact_increment(words, constants, state.potential, current, where)
        total = longer_step(words, state.potential, increment, state.phase, where)
        reached = _rounded(words, total, random)
        integrated = _in_range(words, reached, where)
    else:
        integrated = integrate(words, constants, state.potential, current, random, where)
    potential = where(state.refractory == 0, integrated, state.potential)
    spike = potential >= constants["threshold"]
    if words.arithmetic.phase_bits:
        left_over = phase_of_spike(words, reached, constants["threshold"], increment, where)
        phase = where(state.refractory == 0, where(spike, left_over, 0), where(spike, 0, phase))
    length = constants["refractory"]
    counted = state.refractory - where(state.refractory == 0, 0, 1)
    refractory = where(spike, length, where(counted > length, length, counted))
    potential = where(spike, constants["reset"], potential)
    if "lower_bound" in constants:
        lower_bound = constants["lower_bound"]
        potential = where(potential < lower_bound, lower_bound, potential)
    trace = decay_trace(words, constants, state.trace, spike, where)
    return State(potential, refractory, trace, phase), spike


def integrate(
    words: Words,
    constants: Mapping[str, Integer],
    potential: Integer,
    current: Integer,
    random: Integer,
    where: Where,
    phase: Integer = 0,
) -> Integer:
    """Return the potential word after one forward Euler step, for a neuron that isn't refractory.

    All products are exact, but for those that the arithmetic narrows; all terms are aligned to the finest fraction
    and summed exactly; the sum is rounded once and brought to the range of the potential once.
    """
    return _in_range(words, rounded_sum(words, constants, potential, current, random, where, phase), where)


def rounded_sum(
    words: Words,
    constants: Mapping[str, Integer],
    potential: Integer,
    current: Integer,
    random: Integer,
    where: Where,
    phase: Integer = 0,
) -> Integer:
    """Return the potential word after one forward Euler step, if its format had no ends."""
    return _rounded(words, exact_sum(words, constants, potential, current, where, phase), random)


def _rounded(words: Words, total: Integer, random: Integer) -> Integer:
    """Return a sum with the fraction bits of the potential."""
    arithmetic = words.arithmetic
    excess = words.sum_format.f_bits - arithmetic.potential.f_bits
    return drop(total, excess, arithmetic.rounding, random, arithmetic.random_bits)


def _in_range(words: Words, potential: Integer, where: Where) -> Integer:
    """Return a potential word brought to the range of its format."""
    return fit(potential, words.arithmetic.potential, words.arithmetic.overflow, where)


def exact_sum(
    words: Words,
    constants: Mapping[str, Integer],
    potential: Integer,
    current: Integer,
    where: Where,
    phase: Integer = 0,
) -> Integer:
    """Return the sum of one forward Euler step before it is rounded, in the format `words.sum_format`."""
    arithmetic = words.arithmetic
    if arithmetic.phase_bits or arithmetic.increment is not None:
        increment = exact_increment(words, constants, potential, current, where)
        return longer_step(words, potential, increment, phase, where)
    # Here too the order is the hardware's.
    finest = words.sum_format.f_bits
    others, quadratic = _terms(words, constants, potential, current, finest, where)
    return others + (potential << (finest - arithmetic.potential.f_bits)) + quadratic


def exact_increment(
    words: Words, constants: Mapping[str, Integer], potential: Integer, current: Integer, where: Where
) -> Integer:
    """Return all that one forward Euler step of length dt adds, in the format `words.added_format`."""
    finest = words.increment_format.f_bits
    others, quadratic = _terms(words, constants, potential, current, finest, where)
    return narrow(others + quadratic, finest, words.arithmetic.increment, where)


def longer_step(
    words: Words, potential: Integer, increment: Integer, phase: Integer, where: Where
) -> Integer:
    """Return the sum of a step that the phase makes longer, in the format `words.sum_format`."""
    # An exact sum may have any order. In the hardware's order, a solver sees immediately that they agree.
    finest, bits = words.sum_format.f_bits, words.arithmetic.phase_bits
    aligned = potential << (finest - words.arithmetic.potential.f_bits)
    total = aligned + (increment << (finest - words.added_format.f_bits))
    if not bits:
        return total
    parts = [
        where((phase >> place) & 1 == 1, share(words, increment, bits - place), 0) for place in range(bits)
    ]
    return total + (reduce(operator.add, parts) << (finest - words.share_fraction))


def share(words: Words, increment: Integer, halvings: int) -> Integer:
    """Return an increment halved so many times, rounded down to `words.share_fraction` bits."""
    dropped = words.added_format.f_bits + halvings - words.share_fraction
    return increment >> dropped if dropped >= 0 else increment << -dropped


def phase_of_spike(
    words: Words, reached: Integer, threshold: Integer, increment: Integer, where: Where
) -> Integer:
    """Return how much of a timestep is left over after a spike, in the phase's units.

    That is how far the rounded sum is above the threshold, by the increment, to the nearest unit. Instead of a
    division, the share of half a unit and then that of one after another is taken away as long as something is left.
    """
    bits, finer = words.arithmetic.phase_bits, words.share_fraction - words.arithmetic.potential.f_bits
    unit = share(words, increment, bits)
    rest = (reached << finer) - ((threshold << finer) + share(words, increment, bits + 1))
    phase = where(rest >= 0, 1, 0)
    for _ in range(2, 1 << bits, 2):
        phase = phase + where(rest - unit >= 0, 1, 0)
        rest = rest - (unit << 1)
        phase = phase + where(rest >= 0, 1, 0)
    return phase


def _terms(
    words: Words,
    constants: Mapping[str, Integer],
    potential: Integer,
    current: Integer,
    finest: int,
    where: Where,
) -> tuple[Integer, Integer]:
    """Return drive and bias, and the quadratic term, with `finest` fraction bits."""
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

    others = drive << (finest - drive_fraction)
    if bias is not None:
        others = others + (bias << (finest - words.constants["bias"].format.f_bits))
    return others, quadratic << (finest - quadratic_fraction)


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
