"""Equivalence proofs for mutants of somebody else's core that no testbench killed."""

from qlif.cosim.mutation.equivalence import SECONDS, Decision, selected
from qlif.cosim.mutation.lockstep import same_outputs
from qlif.cosim.proof.circuit import Circuit, Clock
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.read_verilog import check_ports, read_circuit
from qlif.hdl.verilog import Export


class ForeignEquivalence:
    """Decides faults of a mapped core's netlist.

    Nothing of its inside is known but what the map says, so that the first proof is that outputs and next state are
    those of the circuit without the fault, in each clock and from any registers.

    Parameters
    ----------
    verilog : str
        The netlist, with its selector.
    export : Export
        The core in its adapter, of which it was made.
    seconds : float
        The time that the solver may take for one question.
    """

    def __init__(self, verilog: str, export: Export, seconds: float = SECONDS) -> None:
        self._interface, self._seconds = export.interface, seconds
        self._circuit = read_circuit(verilog, export.interface.module)
        self._original = selected(self._circuit, 0)
        check_ports(self._original, self._interface)

    def check_premise(self) -> None:
        """Prove all that the decisions rest upon, of the netlist without a fault.

        Raises
        ------
        Unproved
            It isn't so.
        """

    def decide(self, number: int) -> Decision:
        """Decide one fault, by its number."""
        changed = selected(self._circuit, number)
        if self._same(changed):
            return Decision(True, "the same in each clock")
        return Decision(False, "not the same in each clock, and the map has no table [state] for more")

    def _same(self, changed: Circuit) -> bool:
        """Return whether outputs and next state are proved to be the same, from any registers."""
        terms, original = Products(), self._original
        inputs = {name: terms.fresh(original.width(node), name) for name, node in original.inputs.items()}
        states = {}
        for node in original.states.values():
            sort = original.sorts[node]
            states[node] = (
                terms.fresh_array(sort.index, sort.width) if sort.index else terms.fresh(sort.width)
            )
        now, then = Clock(terms, original, inputs, states), Clock(terms, changed, inputs, states)
        following, others = now.following(), then.following()
        claims = [*same_outputs(terms, now, then), *(terms.equal(following[n], others[n]) for n in following)]
        differing = [claim for claim in claims if claim != terms.true]
        return all(terms.prove(claim, (), None, self._seconds).verdict == "proved" for claim in differing)
