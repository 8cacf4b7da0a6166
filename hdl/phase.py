"""The phase in gates: what was left of a timestep after a spike, and the step that is so much longer."""

import operator
from collections.abc import Callable

from amaranth.hdl import Cat, Const, Value

from qlif.hdl import fixed
from qlif.hdl.pipeline import Pipeline, Timed
from qlif.hdl.refractory_counter import unless_refractory
from qlif.model.formats import SQ, Format
from qlif.model.rounding import Overflow, Rounding
from qlif.model.words import Words


def longer_step(
    pipe: Pipeline,
    words: Words,
    potential: Timed,
    terms: list[Timed],
    refractory: Timed,
    phase: Timed,
    at_once: bool,
) -> tuple[Timed, Timed]:
    """Return the sum of a step that the phase makes longer, and its increment: the sum of its terms.

    The increment has a share added for each bit of the phase that is set. With `at_once` the shares are registers of
    the adder that the increment is one of, each with its own reset: a clock less, for hardly any gates.
    """
    bits, narrowing = words.arithmetic.phase_bits, words.arithmetic.increment
    added = pipe.together(operator.add, *terms)
    if narrowing is not None:
        added = pipe.register("added_terms", lambda exact: exact, added)
        added = pipe.together(lambda exact: exact.narrow(narrowing), added)
    added = pipe.together(_fitted(_increment_format(words).i_bits), added)
    increment = pipe.register("increment", unless_refractory, refractory, added)
    parts, whole = [], added if at_once else increment
    for place in range(bits):

        def part(count: fixed.Value, p: fixed.Value, exact: fixed.Value, place: int = place) -> fixed.Value:
            shared = _share(words, exact, bits - place)
            none = fixed.Const(0, fixed.Shape(shared.words))
            return fixed.choose(p.as_value()[place] & ~count.as_value().any(), shared, none)

        parts.append(pipe.register(f"share_{place}", part, refractory, phase, whole))
    extension = parts[0]
    for place, more in enumerate(parts[1:], 1):
        extension = pipe.register(f"shares_{place}", operator.add, extension, more)
    total = pipe.register("total", operator.add, potential, increment)
    fitted = _fitted(_integer_bits(words, 1))
    return pipe.register("extended", lambda x, more: fitted(x + more), total, extension), increment


def left_over(
    pipe: Pipeline, words: Words, total: Timed, threshold: Timed, increment: Timed, at_once: bool
) -> Timed:
    """Return how many units are left of the timestep, if there is a spike.

    How far the sum is above the threshold is compared with the increment's share of half a unit, one and a half, and
    so on: two at a time, and the last two without a register if `at_once`.
    """
    bits, shape = words.arithmetic.phase_bits, fixed.Shape(words.formats["phase"])
    distance = fixed.Shape(SQ(_integer_bits(words, 2), words.share_fraction))

    def less(rest: fixed.Value, taken: fixed.Value) -> fixed.Value:
        return (rest - taken).fit(distance, Overflow.WRAP)

    def once(rest: fixed.Value, added: fixed.Value) -> fixed.Value:
        return less(rest, _share(words, added, bits))

    def twice(rest: fixed.Value, added: fixed.Value) -> fixed.Value:
        return less(rest, _share(words, added, bits).scaled_by_power_of_two(1))

    def counted(units: fixed.Value, a: fixed.Value, b: fixed.Value) -> fixed.Value:
        return fixed.Value(shape, units.as_value() + _is_left(a) + _is_left(b))

    first = pipe.register("first_half", lambda at, d: at + _share(words, d, bits + 1), threshold, increment)
    rest = pipe.register("rest_1", less, total, first)
    count = Timed(fixed.Value(shape, Cat(_is_left(rest.value), Const(0, bits - 1))), rest.stage)
    for place in range(2, 1 << bits, 2):
        last = place + 2 == 1 << bits
        taken = [pipe.together(unit, rest, increment) for unit in (once, twice)]
        if not (at_once and last):
            names = (f"rest_{place}", f"rest_{place + 1}", f"units_{place - 1}")
            *taken, count = (
                pipe.register(name, lambda x: x, one)
                for name, one in zip(names, (*taken, count), strict=True)
            )
        count = pipe.together(counted, count, *taken)
        rest = taken[1]
    return count


def next_phase(pipe: Pipeline, refractory: Timed, spike: Timed, phase: Timed, left: Timed) -> Timed:
    """Return the phase after a timestep: held while refractory, else what is left after a spike."""

    def chosen(count: fixed.Value, s: Value, before: fixed.Value, after: fixed.Value) -> fixed.Value:
        kept = fixed.choose(s, after, before)
        # A refractory neuron that spikes has no phase, nor has one that integrates and doesn't spike.
        none = count.as_value().any() == s
        return fixed.choose(none, fixed.Const(0, fixed.Shape(kept.words)), kept)

    return pipe.register("phase__next", chosen, refractory, spike, phase, left)


def _is_left(rest: fixed.Value) -> Value:
    """Return whether a rest isn't negative."""
    return ~rest.as_value()[-1]


def _fitted(i_bits: int) -> Callable[[fixed.Value], fixed.Value]:
    """Return what leaves out integer bits that are copies of the sign in any case, though formats don't know it."""
    return lambda x: x.fit(fixed.Shape(SQ(i_bits, x.words.f_bits)), Overflow.WRAP)


def _share(words: Words, increment: fixed.Value, halvings: int) -> fixed.Value:
    """Return an increment halved so many times, rounded down: bits that are there already."""
    return increment.scaled_by_power_of_two(-halvings).reshape(words.share_fraction, Rounding.TRN)


def _increment_format(words: Words) -> Format:
    """Return a format of every increment: of an exact square, which has no sign, narrower than the golden model's."""
    arithmetic = words.arithmetic
    if arithmetic.form.has_differences or arithmetic.narrowings or arithmetic.product_fraction is not None:
        return words.added_format
    fraction = words.increment_format.f_bits
    others = [words.drive_format, words.constants["bias"].format]
    low = sum(format.min_word << fraction - format.f_bits for format in others)
    high = sum(format.max_word << fraction - format.f_bits for format in others)
    high += 1 << 2 * (arithmetic.potential.width - 1) + fraction - words.quadratic_format.f_bits
    return SQ(max(high, ~low).bit_length() + 1 - fraction, fraction)


def _integer_bits(words: Words, potentials: int) -> int:
    """Return how many a sum of so many potentials and of a step of any length needs, with what rounding takes.

    What is left above the threshold needs as many as two potentials: less than a whole step is taken away from it.
    """
    bits, fraction = words.arithmetic.phase_bits, words.share_fraction
    longest = ((2 << bits) - 1 << _increment_format(words).i_bits + fraction - 1) >> bits
    return ((potentials << words.arithmetic.potential.width) + longest + bits + 1).bit_length() + 1 - fraction
