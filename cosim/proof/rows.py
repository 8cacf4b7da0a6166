"""Where somebody else's core keeps its neurons' words: in registers, or in a row of a memory for each neuron."""

from collections.abc import Iterator, Mapping

from qlif.cosim.mapping.state import Location
from qlif.cosim.proof.circuit import Circuit
from qlif.cosim.proof.integers import Integer
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.solver import Term
from qlif.model.words import Words


class Rows:
    """The words of a core's neurons.

    Parameters
    ----------
    terms : Products
    circuit : Circuit
    words : Words
    neurons : int
    places : mapping of str to (tuple of int, Location)
        For potential, refractory counter and trace, the states that hold it: one, or one for each neuron.

    Attributes
    ----------
    content : dict of int to Term
        What those states hold in any idle state.
    variables : list of Term
        What that is made of.
    """

    def __init__(
        self,
        terms: Products,
        circuit: Circuit,
        words: Words,
        neurons: int,
        places: Mapping[str, tuple[tuple[int, ...], Location]],
    ) -> None:
        self._terms, self._circuit, self._words, self._places = terms, circuit, words, places
        self._neurons = neurons
        self.content: dict[int, Term] = {}
        self.variables: list[Term] = []
        shared = [number for numbers, _ in places.values() for number in numbers]
        for name, (numbers, location) in places.items():
            for number in numbers:
                if number not in self.content:
                    alone = location.bits is None and shared.count(number) == 1
                    self.content[number] = self._any(number, name, alone)

    def _any(self, number: int, name: str, alone: bool) -> Term:
        """Return any content of a state; a register that holds a word and nothing else is an extension of it."""
        terms, sort = self._terms, self._circuit.sorts[number]
        if sort.index:
            found = terms.fresh_array(sort.index, sort.width, name)
        elif alone:
            format = self._words.formats[name]
            found = terms.fresh(format.width, name)
            self.variables.append(found)
            return terms.extend(found, sort.width, format.signed)
        else:
            found = terms.fresh(sort.width, name)
        self.variables.append(found)
        return found

    def faults(self) -> Iterator[str]:
        """Tell what of the places can't be."""
        taken: dict[int, list[tuple[str, int, int]]] = {}
        for name, (numbers, location) in self._places.items():
            for number in numbers:
                sort = self._circuit.sorts[number]
                high, low = location.bits or (sort.width - 1, 0)
                if not 0 <= low <= high < sort.width:
                    yield f"state: {location}: {location.name} has {sort.width} bits"
                for other, top, bottom in taken.get(number, []):
                    if low <= top and bottom <= high:
                        yield f"state: {name} and {other} are both in {location.name}: name the bits of each"
                taken.setdefault(number, []).append((name, high, low))
            one = self._circuit.sorts[numbers[0]]
            if self._neurons > len(numbers) and 1 << one.index < self._neurons:
                yield (
                    f"state: {location} holds the {name} of {1 << one.index} neurons, not of {self._neurons}: "
                    f"name a memory with a row for each, or registers {location.name}[0] and so on"
                )

    def held(self, states: Mapping[int, Term], name: str, row: Term) -> Integer:
        """Return what some states hold as a word of a neuron, in all the bits that are its."""
        terms, format = self._terms, self._words.formats[name]
        numbers, location = self._places[name]
        word = states[numbers[-1]]
        if index := self._circuit.sorts[numbers[0]].index:
            word = terms.read(word, terms.extend(row, index, False))
        for place, number in enumerate(numbers[:-1]):
            at = terms.equal(row, terms.constant(place, terms.width(row)))
            word = terms.choose(at, states[number], word)
        high, low = location.bits or (terms.width(word) - 1, 0)
        word = terms.slice(word, high, low)
        width = terms.width(word)
        lowest = -(1 << width - 1) if format.signed else 0
        return Integer(terms, word, lowest, lowest + (1 << width) - 1, format.signed)

    def word(self, name: str, row: Term) -> Integer:
        """Return a word of a neuron in any idle state."""
        held = self.held(self.content, name, row)
        return Integer.of(self._terms, held.word, self._words.formats[name])
