"""Which neuron is updated next, and in which timestep: they take turns."""

from qlif.cosim.proof.products import Products
from qlif.cosim.proof.solver import Term


class Turns:
    """The order of updates.

    Parameters
    ----------
    terms : Products
    neurons : int
    step_bits, neuron_bits : int
        Widths of a timestep, and of a neuron's number.
    """

    def __init__(self, terms: Products, neurons: int, step_bits: int, neuron_bits: int) -> None:
        self._terms, self.neurons = terms, neurons
        self.first = terms.constant(0, neuron_bits), terms.constant(0, step_bits)
        self._last = terms.constant(neurons - 1, neuron_bits)

    def any(self) -> tuple[Term, Term]:
        """Return number and timestep of any update, as variables; a single neuron is number 0."""
        number, step = (self._terms.width(one) for one in self.first)
        neuron = self._terms.fresh(number, "neuron") if self.neurons > 1 else self.first[0]
        return neuron, self._terms.fresh(step, "timestep")

    def after(self, neuron: Term, step: Term) -> tuple[Term, Term]:
        """Return number and timestep of the update after one."""
        return self._moved("BV_ADD", neuron, step, self._last, self.first[0])

    def before(self, neuron: Term, step: Term) -> tuple[Term, Term]:
        """Return number and timestep of the update before one."""
        return self._moved("BV_SUB", neuron, step, self.first[0], self._last)

    def _moved(self, way: str, neuron: Term, step: Term, end: Term, start: Term) -> tuple[Term, Term]:
        terms = self._terms
        moved, other = (terms.make(way, one, terms.constant(1, terms.width(one))) for one in (neuron, step))
        if self.neurons == 1:
            return neuron, other
        over = terms.equal(neuron, end)
        return terms.choose(over, start, moved), terms.choose(over, other, step)

    def is_neuron(self, number: Term) -> Term:
        """Return whether there is a neuron of a number."""
        terms, width = self._terms, self._terms.width(number) + 1
        return terms.make("BV_ULT", terms.extend(number, width, False), terms.constant(self.neurons, width))
