"""Equivalence proofs for mutants of somebody else's core that no testbench killed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from qlif.cosim.mapping.core_map import Contract, CoreMap
from qlif.cosim.mutation.equivalence import SAME, SECONDS, Decision, one_of, selected
from qlif.cosim.mutation.lockstep import same_outputs
from qlif.cosim.mutation.mutated_netlist import MutatedNetlist
from qlif.cosim.proof.circuit import Circuit, Clock
from qlif.cosim.proof.claims import Claim, Unproved
from qlif.cosim.proof.foreign_pipeline import prove_pipeline
from qlif.cosim.proof.foreign_update import prove_state
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.read_verilog import check_ports, read_circuit
from qlif.hdl.verilog import Export
from qlif.model.exceptions import InputError


class ForeignEquivalence:
    """Decides faults of a mapped core's netlist.

    Two proofs are tried. Both speak of any number of updates:

    1. in each clock, from any registers, outputs and next state are those of the circuit without the fault;
    2. each update is the golden step: of a pipeline, whatever its registers hold; of another core, from any idle
       state of the map's table ``[state]``, under any stalls.

    Parameters
    ----------
    netlist : MutatedNetlist
        The faults.
    export : Export
        The core in its adapter, of which it was made.
    core_map : CoreMap
        Without a table ``[state]``, only a pipeline has the second proof.
    seconds : float
        The time that the solver may take for one question.
    """

    def __init__(
        self, netlist: MutatedNetlist, export: Export, core_map: CoreMap, seconds: float = SECONDS
    ) -> None:
        self._netlist, self._export = netlist, export
        self._interface, self._map, self._seconds = export.interface, core_map, seconds
        self._unbounded = core_map.contract is Contract.PIPELINE or core_map.state is not None
        self._circuit = read_circuit(netlist.selectable(), export.interface.module)
        self._original = selected(self._circuit, 0)
        check_ports(self._original, self._interface)

    def check_premise(self) -> None:
        """Prove all that the decisions rest upon, of the netlist without a fault.

        Raises
        ------
        Unproved
            It isn't so.
        """
        if not self._unbounded:
            return
        why = self._differs(self._export.verilog, 6 * self._seconds)
        if why is not None:
            raise Unproved(f"the core without a fault isn't proved: {why}")

    def decide(self, number: int) -> Decision:
        """Decide one fault, by its number."""
        changed = selected(self._circuit, number)
        if self._same(changed):
            return Decision(True, SAME)
        why = self._differs(self._netlist.alone(number), self._seconds)
        return Decision(True, "every update is the golden step") if why is None else Decision(False, why)

    def decide_all(self, numbers: Sequence[int]) -> list[Decision]:
        """Decide some faults: together if the first proof goes, else half by half."""
        if len(numbers) == 1:
            return [self.decide(numbers[0])]
        if self._same(one_of(self._circuit, numbers)):
            return [Decision(True, SAME)] * len(numbers)
        half = len(numbers) // 2
        return self.decide_all(numbers[:half]) + self.decide_all(numbers[half:])

    def _differs(self, verilog: str, seconds: float) -> str | None:
        """Return which claim about a core isn't proved; None if all are."""
        if not self._unbounded:
            return "not the same in each clock, and the map has no table [state] for more"
        try:
            claims = self._claims(replace(self._export, verilog=verilog), seconds)
            failed = next((claim for claim in claims if claim.result != "proved"), None)
        except InputError as error:
            return f"refuted: {error}"
        return None if failed is None else f"{failed.result}: {failed.claim}: {failed.what or failed.why}"

    def _claims(self, export: Export, seconds: float) -> Iterator[Claim]:
        """Prove a core without a bound, by what its map says of it."""
        if self._map.state is None:
            return prove_pipeline(export, self._map, seconds=seconds)
        return prove_state(export, self._map.state.with_adapter(self._map), seconds=seconds)

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
