"""What somebody else's core shows in a clock, against what it owes: updates and events, which stay until taken."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from qlif.cosim.benches.monitors import no_event
from qlif.cosim.proof.circuit import Clock
from qlif.cosim.proof.foreign_core import ForeignCore
from qlif.cosim.proof.foreign_node import Node, Owed, Refuted, Shown
from qlif.cosim.proof.integers import Integer
from qlif.cosim.proof.solver import Term


class ForeignStreams:
    """Compares what a core shows.

    Parameters
    ----------
    core : ForeignCore
    """

    def __init__(self, core: ForeignCore) -> None:
        self.core = core

    def observed(self, now: Clock, node: Node, ready: int, event_ready: int) -> Iterator[Node]:
        """Compare what is shown in a clock with what is owed; give the nodes after it."""
        shown = self.core.shown(now)
        after = self.core.loosened(now.following())
        taken, event_taken = ready or self.core.queued, event_ready or self.core.event_queued
        event = self.core.terms.false if "events" in self.core.absent else shown.event
        for told, event_path in self.core.branches(event, node.path):
            here = replace(node, path=event_path)
            if told:
                here = self._told(here, shown, bool(event_taken))
            elif any(one.announced for one in here.owed):
                self.core.impossible(here, "an event is withdrawn before it is taken")
                continue
            for updated, path in self.core.branches(shown.update, here.path):
                there = replace(here, path=path)
                if updated:
                    there = self._updated(there, shown, bool(taken))
                elif any(one.offered for one in there.owed):
                    self.core.impossible(there, "an update is withdrawn before it is taken")
                    continue
                for rest in self._over(there):
                    known = after if rest.path == node.path else self.core.decided(after, rest.path)
                    for states, taken_path in self.core.cases(known, rest.path):
                        yield replace(rest, states=states, path=taken_path)

    def _told(self, node: Node, shown: Shown, taken: bool) -> Node:
        """Compare an event."""
        terms, owed = self.core.terms, list(node.owed)
        for place, one in enumerate(owed):
            if one.told:
                continue
            if terms.value(one.spike) != 1 and (
                self.core.prove(terms.negation(one.spike), node.path).verdict == "proved"
            ):
                owed[place] = replace(one, told=True)
                continue
            self.core.require(one.spike, node, "an event without a spike")
            self._of_this_update(node, shown, one, owed[place + 1 :])
            owed[place] = replace(one, told=taken, announced=not taken)
            return replace(node, owed=tuple(owed))
        self.core.impossible(node, "an event without a spike")
        return node

    def _of_this_update(self, node: Node, shown: Shown, one: Owed, others: Sequence[Owed]) -> None:
        """Compare an event's parts; neuron and timestep of a later update say that this one's never came."""
        terms = self.core.terms

        def same(update: Owed) -> Term:
            return terms.both(terms.equal(shown.neuron, update.neuron), terms.equal(shown.step, update.step))

        try:
            for what, *pair in (("neuron", shown.neuron, one.neuron), ("timestep", shown.step, one.step)):
                self.core.require(terms.equal(*pair), node, f"an event's {what}", (pair[0], pair[1]))
        except Refuted:
            for other in others:
                if self.core.prove(same(other), node.path).verdict == "proved":
                    self.core.require(same(one), node, no_event("{neuron}", "{step}"), of=one)
            raise
        if shown.phase is not None:
            phase = Integer.of(terms, shown.phase, self.core.words.formats["phase"])
            self.core.require(
                phase == one.words["phase"], node, "an event's phase", (phase, one.words["phase"])
            )

    def _updated(self, node: Node, shown: Shown, taken: bool) -> Node:
        """Compare an update."""
        terms, owed = self.core.terms, list(node.owed)
        place = next((place for place, one in enumerate(owed) if not one.shown), None)
        if place is None:
            self.core.impossible(node, "an update without a current")
            return node
        one = owed[place]
        if shown.row is not None:
            pair = shown.row, one.neuron
            self.core.require(terms.equal(*pair), node, "the neuron of an update", pair)
        for name, word in shown.words.items():
            if name == "spike":
                self.core.require(
                    terms.equal(word, one.spike), node, "the spike of an update", (word, one.spike)
                )
            else:
                number = Integer.of(terms, word, self.core.words.formats[name])
                self.core.require(
                    number == one.words[name], node, f"the {name} of an update", (number, one.words[name])
                )
        owed[place] = replace(one, shown=taken, offered=not taken)
        return replace(node, owed=tuple(owed))

    def _over(self, node: Node) -> Iterator[Node]:
        """Drop the updates that are over; what is left of others depends on whether they spiked."""
        terms = self.core.terms
        if not node.owed or not node.owed[0].shown:
            yield node
            return
        oldest, *others = node.owed
        rest = replace(node, owed=tuple(others))
        if oldest.told or "events" in self.core.absent:
            yield from self._over(rest)
            return
        no_spike = terms.negation(oldest.spike)
        if self.core.prove(no_spike, node.path).verdict == "proved":
            yield from self._over(rest)
            return
        for spiked, path in self.core.branches(oldest.spike, node.path):
            if spiked:
                waits = replace(oldest, spike=terms.true)
                yield replace(node, owed=(waits, *others), path=path)
            else:
                yield from self._over(replace(rest, path=path))
