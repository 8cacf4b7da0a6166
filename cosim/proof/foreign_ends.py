"""What a core does outside its updates: a reset leads to an idle state, and an idle core takes a current."""

from dataclasses import replace

from qlif.cosim.proof import integers
from qlif.cosim.proof.circuit import Clock
from qlif.cosim.proof.claims import Undecided, timed_out
from qlif.cosim.proof.foreign_core import ForeignCore
from qlif.cosim.proof.foreign_node import Node, NoInvariant, Refuted
from qlif.cosim.proof.idle import Golden
from qlif.cosim.proof.solver import Term
from qlif.model.golden.neurons import FixedNeurons

PATIENCE = 256
"""A current that isn't answered after this many clocks with the outputs taken counts as lost."""

SETTLING = 8
"""Most clocks from a reset to an idle state."""


def stays_legal(core: ForeignCore) -> None:
    """Show that a legal state stays legal in the golden model."""
    node = Node({}, core.idle.golden)
    for name, holds in core.idle.legal(core.golden).items():
        core.require(holds, node, f"the golden model leaves {name}")


def resets(core: ForeignCore) -> None:
    """Show that one clock of reset leads to an idle state with the initial state, from any registers at all."""
    terms = core.terms
    before = Clock(terms, core.circuit, {"rst": terms.true}, {})
    states = core.loosened(before.following())
    first = {
        name: int(word.ravel()[0])
        for name, word in FixedNeurons(core.words).state.by_name(core.words).items()
    }
    golden = Golden(
        {name: integers.constant(terms, word) for name, word in first.items()},
        terms.constant(0, terms.width(core.golden.step)),
    )
    named = {
        core.idle.names.get(node, name): before.values[node]
        for name, node in core.circuit.states.items()
        if not core.circuit.sorts[node].index
    }
    off: list[str] = []
    for _ in range(SETTLING):
        places = list(core.idle.places(states, golden))
        off = [place.name for place in places if terms.value(place.holds) == 0]
        if not off:
            for place in places:
                answer = terms.prove(place.holds, (), named, core.seconds)
                if answer.verdict == "unknown":
                    raise Undecided(timed_out(core.seconds, f"{place.name} after a reset"))
                if answer.verdict == "refuted":
                    raise Refuted(f"a reset doesn't bring about {place.name}", answer.values)
            return
        now = core.clock(Node(states, golden), terms.false, 1, 1, terms.fresh(terms.width(core.current)))
        states = core.loosened(now.following())
    raise NoInvariant(f"state: {SETTLING} clocks after a reset it isn't so that {', '.join(off)}")


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
