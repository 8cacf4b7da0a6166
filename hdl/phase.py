"""The phase in gates: what was left of a timestep after a spike, and the step that is so much longer."""

import operator

from amaranth.hdl import Cat, Const, Value

from qlif.hdl import fixed
from qlif.hdl.pipeline import Pipeline, Timed
from qlif.model.rounding import Rounding
from qlif.model.words import Words


def longer_by(pipe: Pipeline, words: Words, total: Timed, phase: Timed, increment: Timed) -> Timed:
    """Return a sum with the increment's part that a phase adds: one share for each of its bits."""
    bits, parts = words.arithmetic.phase_bits, []
    for place in range(bits):

        def part(p: fixed.Value, added: fixed.Value, place: int = place) -> fixed.Value:
            # Flip-flops with a reset: that costs no gates.
            shared = _share(words, added, bits - place)
            return fixed.choose(p.as_value()[place], shared, fixed.Const(0, fixed.Shape(shared.words)))

        parts.append(pipe.register(f"extension_{place}", part, phase, increment))
    extension = parts[0]
    for place, more in enumerate(parts[1:], 1):
        extension = pipe.register(f"extensions_{place}", operator.add, extension, more)
    return pipe.register("extended", operator.add, total, extension)


def left_over(pipe: Pipeline, words: Words, total: Timed, threshold: Timed, increment: Timed) -> Timed:
    """Return how many units are left of the timestep, if there is a spike.

    How far the sum is above the threshold is compared with the increment's share of half a unit, one and a half, and
    so on: two at a time.
    """
    bits, shape = words.arithmetic.phase_bits, fixed.Shape(words.formats["phase"])

    def less(rest: fixed.Value, added: fixed.Value, times: int) -> fixed.Value:
        return rest - _share(words, added, bits).scaled_by_power_of_two(times)

    def counted(units: fixed.Value, a: fixed.Value, b: fixed.Value) -> fixed.Value:
        return fixed.Value(shape, units.as_value() + _is_left(a) + _is_left(b))

    first = pipe.register("first_half", lambda at, d: at + _share(words, d, bits + 1), threshold, increment)
    rest = pipe.register("rest_1", operator.sub, total, first)
    count = Timed(fixed.Value(shape, Cat(_is_left(rest.value), Const(0, bits - 1))), rest.stage)
    for place in range(2, 1 << bits, 2):
        one = pipe.register(f"rest_{place}", lambda r, d: less(r, d, 0), rest, increment)
        two = pipe.register(f"rest_{place + 1}", lambda r, d: less(r, d, 1), rest, increment)
        # The last ones are counted where the phase is chosen.
        before = pipe.register(f"units_{place - 1}", lambda units: units, count)
        count, rest = Timed(counted(before.value, one.value, two.value), two.stage), two
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


def _share(words: Words, increment: fixed.Value, halvings: int) -> fixed.Value:
    """Return an increment halved so many times, rounded down: bits that are there already."""
    return increment.scaled_by_power_of_two(-halvings).reshape(words.share_fraction, Rounding.TRN)
