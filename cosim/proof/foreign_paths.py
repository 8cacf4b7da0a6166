"""Follows somebody else's core clock by clock from its idle states, until nothing new comes."""

import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from qlif.cosim.benches.monitors import no_event
from qlif.cosim.proof.claims import Undecided
from qlif.cosim.proof.counterexample import lines
from qlif.cosim.proof.foreign_core import ForeignCore
from qlif.cosim.proof.foreign_node import Node, NoInvariant, Owed, Refuted
from qlif.cosim.proof.foreign_overlaps import Overlaps
from qlif.cosim.proof.foreign_streams import ForeignStreams
from qlif.cosim.proof.solver import Term

NODES = 3000
"""Most states that are followed: what doesn't come back by then is undecided."""

TOGETHER = 5
"""Times what the solver has for one question: the time for all of an update's."""

DRIFT = 12
"""A register that holds so many values after an update that aren't in the table isn't what the table says."""


class ForeignPaths:
    """The paths of a core.

    Parameters
    ----------
    core : ForeignCore

    Attributes
    ----------
    latest : int
        Most clocks from a current to an idle state again, where the outputs are taken.
    """

    def __init__(self, core: ForeignCore) -> None:
        self.core, self.latest = core, 0
        self._streams, self._overlaps = ForeignStreams(core), Overlaps(core)
        self._drifting: set[tuple[object, ...]] = set()

    def follow(self) -> None:
        """Follow the core from its idle states until nothing new comes.

        Raises
        ------
        Refuted, Undecided, NoInvariant
        """
        start = self.core.idle.node_states(), self.core.idle.golden
        deadline = time.thread_time() + TOGETHER * self.core.seconds
        todo = deque([Node(*start)])
        keys = {self._key(todo[0]): 0}
        nodes, live = list(todo), {0: list[int]()}
        while todo:
            node = todo.popleft()
            place = keys[self._key(node)]
            if time.thread_time() > deadline:
                raise Undecided(
                    f"{TOGETHER * self.core.seconds:g} s passed with {len(todo)} states still to follow"
                )
            for found, taken_in, lively in self._successors(node):
                arrived = self._settled(found)
                if arrived is None:
                    if lively and not taken_in:
                        live[place].append(0)
                    continue
                kept = tuple(one for one in arrived.path if self.core.depends(one)[0])
                arrived = replace(arrived, path=kept)
                key = self._key(arrived)
                if key not in keys:
                    if len(nodes) >= NODES:
                        raise Undecided(f"it didn't come back to a known state within {NODES} different ones")
                    keys[key] = len(nodes)
                    live[len(nodes)] = []
                    nodes.append(arrived)
                    todo.append(arrived)
                if lively and not taken_in:
                    live[place].append(keys[key])
        self._check_answers(nodes, live)
        if self._overlaps.undecided:
            raise Undecided(self._overlaps.undecided)

    def _key(self, node: Node) -> tuple[object, ...]:
        """Return what tells a node from others: a register that may be anything doesn't."""
        states = tuple(
            -1
            if not term.is_value() and not self.core.depends(term)[0] and number in self.core.idle.free
            else term.id()
            for number, term in sorted(node.states.items())
        )
        owed = tuple(
            (
                *(term.id() for term in (o.spike, o.step, *(word.word for word in o.words.values()))),
                *(o.shown, o.told, o.offered, o.announced),
            )
            for o in node.owed
        )
        golden = (node.golden.step.id(), *(word.word.id() for word in node.golden.words.values()))
        return states, golden, owed, frozenset(one.id() for one in node.path)

    def _successors(self, node: Node) -> Iterator[tuple[Node, bool, bool]]:
        """Give the nodes a clock later, whether a current was taken, and whether both outputs could be."""
        terms = self.core.terms
        events = (1,) if self.core.event_queued or "events" in self.core.absent else (0, 1)
        fresh = self.core.golden.step.id() == node.golden.step.id()
        for valid in (0, 1):
            for ready in (0, 1):
                for event_ready in events:
                    lively = bool(ready and event_ready)
                    anything = terms.fresh(terms.width(self.core.current), "anything")
                    handshakes = (terms.constant(valid, 1), ready, event_ready)
                    now = self.core.clock(node, *handshakes, anything)
                    taken = now.output("currents_ready") if valid else terms.false
                    for accepted, path in self.core.branches(taken, node.path):
                        if accepted and fresh:
                            # Updates are followed one at a time: this one isn't known to be in the state yet.
                            continue
                        here = replace(node, path=path)
                        if accepted:
                            now = self.core.clock(node, *handshakes, self.core.current)
                            before = self.core.idle.golden
                            new = Owed(self.core.spike, self.core.after, before.step, before.neuron)
                            here = replace(here, golden=self.core.golden, owed=(*node.owed, new))
                        for later in self._streams.observed(now, here, ready, event_ready):
                            yield later, accepted, lively

    def _settled(self, node: Node) -> Node | None:
        """Return where a node goes on: None if it is idle, or what may be any node like it."""
        terms = self.core.terms
        places = list(self.core.idle.places(node.states, node.golden))
        if not node.owed and not any(terms.value(place.holds) == 0 for place in places):
            for place in places:
                self._require_place(node, place.name, place.holds, place.kind, place.pair)
            return None
        if node.golden.step.id() != self.core.golden.step.id():
            return node
        anything = terms.fresh(terms.width(self.core.current), "anything")
        if terms.value(self.core.clock(node, terms.true, 1, 1, anything).output("currents_ready")) == 0:
            return node
        for _ in self._successors(node):
            # What it shows next is compared while each register is still known.
            pass
        found = self._overlaps.any_like(node)
        if found is not None and not node.owed:
            self._drifting.add(self._key(found))
            if len(self._drifting) > DRIFT:
                off = [place.name for place in places if terms.value(place.holds) == 0]
                raise NoInvariant(f"state: after {DRIFT} updates it isn't so that {', '.join(off)}")
        return found or node

    def _require_place(
        self, node: Node, name: str, holds: Term, kind: str, pair: tuple[Any, Any] | None
    ) -> None:
        waits = node.golden.step.id() == self.core.idle.golden.step.id()
        when = "waiting without a current" if waits else "an update"
        try:
            self.core.require(holds, node, f"{when} leaves {name}", pair)
        except Refuted as refuted:
            if kind != "condition":
                raise
            words = (f"{line.name} = {line.word}" for line in lines(self.core.words, refuted.values))
            raise NoInvariant(
                f"state: {name} is no invariant: {when} leaves it, from {', '.join(words)}"
            ) from None

    def _check_answers(self, nodes: list[Node], live: Mapping[int, list[int]]) -> None:
        """Refuse paths that never become idle where the outputs are taken; note the longest."""
        depth: dict[int, int] = {0: 0}
        for start in live:
            stack: list[tuple[int, Iterator[int]]] = (
                [(start, iter(live[start]))] if start not in depth else []
            )
            on_path = {start}
            while stack:
                place, others = stack[-1]
                other = next(others, None)
                if other is None:
                    stack.pop()
                    on_path.discard(place)
                    depth[place] = 1 + max((depth[one] for one in live[place]), default=0)
                elif other in on_path:
                    self._never_idle(nodes[other])
                elif other not in depth:
                    on_path.add(other)
                    stack.append((other, iter(live[other])))
        self.latest = max(depth.values())

    def _never_idle(self, node: Node) -> None:
        """Refuse a node from which a path leads back to itself, with the outputs taken all the time."""
        if node.owed:
            oldest = node.owed[0]
            if oldest.shown:
                self.core.impossible(node, no_event("{neuron}", "{step}"), oldest)
            self.core.impossible(node, "an update never comes, however long the outputs are taken")
        anything = self.core.terms.fresh(self.core.terms.width(self.core.current), "anything")
        ready = self.core.clock(node, self.core.terms.true, 1, 1, anything).output("currents_ready")
        off = [
            place.name
            for place in self.core.idle.places(node.states, node.golden)
            if self.core.terms.value(place.holds) == 0
        ]
        if self.core.terms.value(ready) == 0:
            self.core.impossible(
                node, f"after an update it never takes another current: {', '.join(off)} isn't so"
            )
        raise NoInvariant(f"state: after an update, however long it waits, it isn't so that {', '.join(off)}")
