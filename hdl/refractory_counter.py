"""The refractory counter in gates: timesteps for which a neuron is still held."""

from amaranth.hdl import Cat

from qlif.hdl import fixed
from qlif.hdl.pipeline import Pipeline, Timed


def next_count(pipe: Pipeline, count: Timed, spike: Timed, length: Timed) -> Timed:
    """Return the counter after a timestep: one less, and the refractory period after a spike."""
    counted = pipe.register("counted", _count_down, count, length)
    return pipe.register("refractory__next", fixed.choose, spike, length, counted)


def _count_down(count: fixed.Value, length: fixed.Value) -> fixed.Value:
    """Return one less, or 0 at 0; at most the refractory period."""
    word = count.as_value()
    # Each bit turns over where all below it are 0: gates, which share their LUTs with the rest.
    less = Cat(~(bit ^ word[:place].any()) & word.any() for place, bit in enumerate(word))
    return fixed.choose(length >= count, fixed.Value(fixed.Shape(count.words), less), length)


def unless_refractory(count: fixed.Value, term: fixed.Value) -> fixed.Value:
    """Return a term, or 0 while the refractory counter isn't 0."""
    return fixed.choose(count.as_value().any(), fixed.Const(0, fixed.Shape(term.words)), term)
