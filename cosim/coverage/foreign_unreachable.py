"""Proof that what no testbench reached of somebody else's core is unreachable.

Nothing is known of its inside. A bit is proved to be a constant if it is one whatever the registers hold, or if a
reset gives it that value and no clock changes it, whatever the other registers hold.
"""

from collections.abc import Mapping

from qlif.cosim.coverage.unreachable import SECONDS, Bit, no_update
from qlif.cosim.coverage.update_cases import UpdateCase
from qlif.cosim.proof.circuit import Clock
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.reach import Reach
from qlif.cosim.proof.read_verilog import read_circuit
from qlif.cosim.proof.solver import Term
from qlif.hdl.verilog import Export


class ForeignUnreachable:
    """Proves of a mapped core what can't be reached.

    Parameters
    ----------
    export : Export
        The core in its adapter.
    seconds : float
        The time that the solver may take for one question.
    """

    def __init__(self, export: Export, seconds: float = SECONDS) -> None:
        self._words, self._seconds = export.interface.words, seconds
        self._reach = Reach.of(self._words)
        self._circuit = read_circuit(export.verilog, export.interface.module, every_signal=True)

    def case(self, case: UpdateCase) -> bool:
        """Return whether a case is proved to be one of no update of the golden model."""
        return self._reach is not None and no_update(case, self._words, self._reach, self._seconds)

    def branch(self, line: int, what: str) -> None:
        """Return no claim: what a branch of a text that may be written in any way needs isn't known."""

    def constant(self, bits: Mapping[Bit, int], begins_otherwise: bool = False) -> set[Bit]:
        """Return which bits are proved to be constants, of those of one signal.

        Parameters
        ----------
        bits : mapping of Bit to int
            The constant that each is.
        begins_otherwise : bool
            At power-on it may be the other word, as long as it changes once only.
        """
        return {bit for bit, word in bits.items() if self._always(bit, word)}

    def _always(self, bit: Bit, word: int) -> bool:
        name, place = bit
        node = self._circuit.named.get(name, self._circuit.outputs.get(name))
        if node is None:
            return False
        terms = Products()

        def is_so(now: Clock) -> Term:
            return terms.equal(terms.slice(now.values[node], place, place), terms.constant(word, 1))

        now = Clock(terms, self._circuit, {"rst": terms.false}, {})
        reset = Clock(terms, self._circuit, {"rst": terms.true}, {})
        after = Clock(terms, self._circuit, {}, now.following())
        begun = Clock(terms, self._circuit, {}, reset.following())
        if self._proved(terms, is_so(now), []) and self._proved(terms, is_so(reset), []):
            return True
        return self._proved(terms, is_so(begun), []) and self._proved(terms, is_so(after), [is_so(now)])

    def _proved(self, terms: Products, claim: Term, assumed: list[Term]) -> bool:
        return claim == terms.true or terms.prove(claim, assumed, None, self._seconds).verdict == "proved"
