"""What a core does outside its updates: a reset leads to an idle state, and an idle core takes a current."""

from dataclasses import replace

from qlif.cosim.proof.circuit import Clock
from qlif.cosim.proof.claims import Undecided, timed_out
from qlif.cosim.proof.foreign_core import ForeignCore
from qlif.cosim.proof.foreign_node import Node, NoInvariant, Refuted
from qlif.cosim.proof.idle import Placed
from qlif.cosim.proof.solver import Term

PATIENCE = 256
"""A current that isn't answered after this many clocks with the outputs taken counts as lost."""

SETTLING = 8
"""Most clocks from a reset to an idle state, besides two for each neuron: a memory is cleared row by row."""


def stays_legal(core: ForeignCore) -> None:
    """Show that there are idle states at all, and that a legal state stays legal in the golden model."""
    if core.prove(core.terms.false, ()).verdict == "proved":
        raise NoInvariant("state: no registers and no legal state are as all its conditions together say")
    node = Node({}, core.idle.golden)
    for name, holds in core.idle.legal(core.after).items():
        core.require(holds, node, f"the golden model leaves {name}")


def resets(core: ForeignCore) -> None:
    """Show that one clock of reset leads to an idle state with the initial state, from any registers at all."""
    terms = core.terms
    before = Clock(terms, core.circuit, {"rst": terms.true}, {})
    states = core.loosened(before.following())
    golden = core.idle.initial()
    named = {
        core.idle.names.get(node, name): before.values[node]
        for name, node in core.circuit.states.items()
        if not core.circuit.sorts[node].index
    }
    off: list[Placed] = []
    most = SETTLING + 2 * core.idle.turns.neurons
    for _ in range(most):
        places = list(core.idle.places(states, golden))
        off = [place for place in places if terms.value(place.holds) == 0]
        if not off:
            for place in places:
                answer = terms.prove(
                    place.holds, [core.idle.turns.is_neuron(core.idle.watch)], named, core.seconds
                )
                if answer.verdict == "unknown":
                    raise Undecided(timed_out(core.seconds, f"{place.name} after a reset"))
                if answer.verdict == "refuted":
                    raise Refuted(f"a reset doesn't bring about {place.name}", answer.values)
            return
        now = core.clock(Node(states, golden), terms.false, 1, 1, terms.fresh(terms.width(core.current)))
        states = core.loosened(now.following())
    names = ", ".join(place.name for place in off)
    if all(place.kind == "word" for place in off):
        raise Refuted(f"a reset doesn't bring about {names}", {})
    raise NoInvariant(f"state: {most} clocks after a reset it isn't so that {names}")


def takes_currents(core: ForeignCore) -> None:
    """Show that from any idle state a current is taken within some clocks, if the outputs are."""
    terms = core.terms
    node = Node(core.idle.node_states(), core.idle.golden)
    taken: list[Term] = []
    for _ in range(PATIENCE):
        anything = terms.fresh(terms.width(core.current), "anything")
        now = core.clock(node, terms.true, 1, 1, anything)
        ready = now.output("currents_ready")
        if terms.value(ready) == 1:
            return
        taken.append(ready)
        if len(taken) & (len(taken) - 1) == 0 and (core.prove(terms.either(*taken), ()).verdict == "proved"):
            return
        node = replace(node, states=now.following())
    core.require(terms.either(*taken), node, f"no current is taken for {PATIENCE} clocks of an idle core")
