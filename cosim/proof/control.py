"""Everything around the pipelines of a population, by induction: for any number of clocks, any stalls.

Registers and memories are anything that satisfies the invariants below; one clock later they have to
satisfy them again, and a reset has to bring them about from anything at all. Beside the circuit runs a
monitor, which counts and remembers what the claims speak of. It watches one row of neurons and one place of
the queue; which ones is left open, so that what holds of them holds of all.

The signals are those of :class:`qlif.hdl.population.Population`, found by their names. What the pipelines
themselves give is left open too: :mod:`qlif.cosim.proof.update` says what that is.
"""

from collections.abc import Mapping
from typing import Any

from qlif.cosim.proof.circuit import Circuit, Clock
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.solver import Term
from qlif.cosim.proof.state_memory import StateMemory
from qlif.cosim.proof.update import signal, unpacked
from qlif.model.words import Words

OF_THE_MEMORY = ("the memory holds what was written", "what was read is what was written")
"""The invariants that an upset of the state memory breaks."""

Monitor = dict[str, Term]
"""What the monitor remembers.

``flying``: how many rows are in flight. ``seen``, ``last``: whether the watched row was written since the
reset, and what; ``read``: whether it was read. ``waiting``, ``pushed``: whether the watched place of the
queue holds a row that wasn't read yet, and which. ``taken``, ``held``: the row that was read from the queue
is that one, and which. ``mine``, ``shown``: the same of the row that is offered. ``row``, ``step``: the
number of that row, counted. ``owes_update``, ``owes_event``: it wasn't taken yet.
"""


class Control:
    """A population's control, with the invariants that hold of it.

    Parameters
    ----------
    terms : Products
    circuit : Circuit
        A population that this project exported.
    words : Words
    interface : mapping

    Raises
    ------
    InputError
        A signal that an invariant speaks of isn't there.
    """

    def __init__(self, terms: Products, circuit: Circuit, words: Words, interface: Mapping[str, Any]) -> None:
        self.terms, self.circuit = terms, circuit
        self.lanes = int(interface["lanes"])
        self.rows = int(interface["neurons"]) // self.lanes
        self.loop = int(interface["neurons_for_full_speed"]) // self.lanes
        self.places = int(interface["queue_depth"])
        self.step_bits = circuit.width(circuit.outputs["events_step"])
        self._words, self._runtime = words, {c["name"]: c["depth"] for c in interface["runtime"]}
        # Enough for any count that is compared.
        self._bits = (2 * self.rows + 2 * self.loop + 4 * self.places).bit_length()
        self._row_bits = max(1, (self.rows - 1).bit_length())
        self.watched_row = terms.fresh(self._row_bits, "watched row")
        self.watched_place = terms.fresh(self._width("core.outlet.written"), "watched place")
        self.memory = StateMemory(terms, circuit)
        self.queue = signal(circuit, "core.outlet.queue")

    def _width(self, name: str) -> int:
        return self.circuit.width(signal(self.circuit, name))

    def row(self, now: Clock, counter: str) -> Term:
        """Return a counter of rows; a single row isn't counted."""
        return self.terms.constant(0, 1) if self.rows == 1 else now[f"core.{counter}.row"]

    def number(self, word: int) -> Term:
        """Return a constant as wide as the counts."""
        return self.terms.constant(word, self._bits)

    def wide(self, term: Term) -> Term:
        """Return a word as wide as the counts."""
        return self.terms.extend(term, self._bits, False)

    def plus(self, *parts: Term) -> Term:
        """Return a sum of words as wide as the counts."""
        total = self.number(0)
        for part in parts:
            total = self.terms.make("BV_ADD", total, self.wide(part))
        return total

    def minus(self, count: Term, *parts: Term) -> Term:
        """Return a count without some words."""
        return self.terms.make("BV_SUB", count, self.plus(*parts))

    def at_most(self, a: Term, b: Term) -> Term:
        """Return whether a count is at most another."""
        return self.terms.make("BV_ULE", a, b)

    def bits(self, term: Term) -> list[Term]:
        """Return a word's bits, the lowest first."""
        return [self.terms.slice(term, place, place) for place in range(self.terms.width(term))]

    def round(self, count: Term) -> Term:
        """Return which row a count of rows ends at."""
        return self.terms.make("BV_UREM", count, self.number(self.rows))

    def watched_at(self, now: Clock, monitor: Monitor, stage: int) -> Term:
        """Return whether the watched row was given to the memory so many clocks before the last one."""
        *younger, there = self.bits(now["core.in_flight"])[: stage + 1]
        # The others, which are older, retire before it.
        older = self.minus(monitor["flying"], there, *younger)
        row = self.round(self.plus(self.row(now, "writing"), older))
        return self.terms.both(there, self.terms.equal(row, self.wide(self.watched_row)))

    def waiting(self, now: Clock) -> Term:
        """Return how many rows are in the queue."""
        between = self.terms.make("BV_SUB", now["core.outlet.newest"], now["core.outlet.taken"])
        rows = self.plus(between, self.number(1))
        return self.terms.choose(now["core.outlet.waits"], rows, self.number(0))

    def claimed(self, now: Clock, monitor: Monitor) -> Term:
        """Return how many places of the queue are taken or claimed by what is in flight."""
        return self.plus(monitor["flying"], self.waiting(now), now["core.outlet.popped"])

    def outcome(self, now: Clock) -> Term:
        """Return the row that is pushed into the queue, as it should stand there.

        It is what is written into the memory, but for the refractory counters.
        """
        spikes = now["core.outlet.pushed_spikes"]
        lanes = [unpacked(self.terms, self._words, now["core.written"], lane) for lane in range(self.lanes)]
        shown = [name for name in self._words.kept_formats if name != "refractory"]
        words = [state[name] for name in shown for state in lanes]
        return self.terms.concat(self.terms.any(spikes), *reversed(words), spikes)

    def ports(self, row: Term) -> dict[str, Term]:
        """Return what the ports of the updates should show of a row of the queue."""
        low, found = 0, {}
        shown = ["spike", *(name for name in self._words.kept_formats if name != "refractory")]
        for name in shown:
            width = self.lanes * (1 if name == "spike" else self._words.formats[name].width)
            found[name] = self.terms.slice(row, low + width - 1, low)
            low += width
        return found

    def initial_state(self, now: Clock) -> Term:
        """Return the state in which a row's neurons begin."""
        if "reset" in self._runtime:
            return now["core.initial"]
        reset = self._words.constants["reset"].word
        width = self.terms.width(now["core.stored"]) // self.lanes
        potential = self._words.arithmetic.potential.width
        one = int(reset) & ((1 << potential) - 1)
        return self.terms.concat(*[self.terms.constant(one, width)] * self.lanes)

    def reset_monitor(self) -> Monitor:
        """Return what the monitor remembers after a reset."""
        terms = self.terms
        no = terms.false
        return {
            "flying": self.number(0),
            "seen": no,
            "read": no,
            "last": terms.fresh(self._width("core.written"), "last"),
            "waiting": no,
            "pushed": terms.fresh(self.circuit.sorts[self.queue].width, "pushed"),
            "taken": no,
            "held": terms.fresh(self.circuit.sorts[self.queue].width, "held"),
            "mine": no,
            "shown": terms.fresh(self.circuit.sorts[self.queue].width, "shown"),
            "row": terms.constant(self.rows - 1, self._row_bits),
            "step": terms.constant(-1, self.step_bits),
            "owes_update": no,
            "owes_event": no,
        }

    def any_monitor(self) -> Monitor:
        """Return a monitor that remembers anything."""
        return {
            name: self.terms.fresh(self.terms.width(term), name)
            for name, term in self.reset_monitor().items()
        }

    def next_monitor(self, now: Clock, monitor: Monitor) -> Monitor:
        """Return what the monitor remembers a clock later, without a reset."""
        terms, place = self.terms, self.watched_place
        retire = self.bits(now["core.in_flight"])[-1]
        writes = terms.both(retire, terms.equal(self.row(now, "writing"), self.watched_row))
        reads = terms.both(now["core.accepted"], terms.equal(self.row(now, "reading"), self.watched_row))
        pushes = terms.both(retire, terms.equal(now["core.outlet.written"], place))
        vacant, held = now["core.outlet.vacant"], now["core.outlet.held"]
        reading, moving = now["core.outlet.reading"], terms.both(held, vacant)
        takes = terms.both(reading, terms.equal(now["core.outlet.taken"], place))
        moves = terms.both(moving, monitor["taken"])
        end = terms.equal(monitor["row"], terms.constant(self.rows - 1, self._row_bits))
        one = terms.constant(1, self._row_bits)
        row = terms.choose(end, terms.constant(0, self._row_bits), terms.make("BV_ADD", monitor["row"], one))
        step = terms.make("BV_ADD", monitor["step"], terms.extend(end, self.step_bits, False))
        given_update = terms.both(
            now.output("updates_valid"), now.values[self.circuit.inputs["updates_ready"]]
        )
        event_ready = now.values[self.circuit.inputs["events_ready"]]
        return {
            "flying": self.minus(self.plus(monitor["flying"], now["core.accepted"]), retire),
            "seen": terms.either(monitor["seen"], writes),
            "read": terms.either(monitor["read"], reads),
            "last": terms.choose(writes, now["core.written"], monitor["last"]),
            "waiting": terms.either(pushes, terms.both(monitor["waiting"], terms.negation(takes))),
            "pushed": terms.choose(pushes, self.outcome(now), monitor["pushed"]),
            "taken": terms.choose(now["core.outlet.refill"], takes, monitor["taken"]),
            "held": terms.choose(takes, monitor["pushed"], monitor["held"]),
            "mine": terms.choose(vacant, moves, monitor["mine"]),
            "shown": terms.choose(moves, monitor["held"], monitor["shown"]),
            "row": terms.choose(moving, row, monitor["row"]),
            "step": terms.choose(moving, step, monitor["step"]),
            "owes_update": terms.either(
                moving, terms.both(monitor["owes_update"], terms.negation(given_update))
            ),
            "owes_event": terms.either(
                terms.both(moving, self.holds_spike(now)),
                terms.both(monitor["owes_event"], terms.negation(event_ready)),
            ),
        }

    def holds_spike(self, now: Clock) -> Term:
        """Return whether the row that was read from the queue has a spike."""
        top = self._width("core.outlet.read__data") - 1
        return self.terms.slice(now["core.outlet.read__data"], top, top)

    def without_any(self, row: Term) -> Term:
        """Return a row of the queue without the bit that tells whether it has a spike."""
        return self.terms.slice(row, self.terms.width(row) - 2, 0)

    def first_neuron(self, monitor: Monitor, port: Term) -> Term:
        """Return whether a port shows the number of the first neuron of the row that is offered."""
        width = self.terms.width(port)
        row = self.terms.extend(monitor["row"], width, False)
        return self.terms.equal(port, self.terms.make("BV_MUL", row, self.terms.constant(self.lanes, width)))

    def offered(self, now: Clock) -> Term:
        """Return the row that is offered."""
        return self.terms.concat(now["core.outlet.words"], now["core.outlet.spikes"])

    def invariants(self, now: Clock, monitor: Monitor) -> dict[str, Term]:
        """Return what always holds, by name."""
        terms = self.terms
        reading, writing = self.wide(self.row(now, "reading")), self.wide(self.row(now, "writing"))
        last_row, watched = self.number(self.rows - 1), self.wide(self.watched_row)
        in_flight, accepted = self.bits(now["core.in_flight"]), now["core.accepted"]
        # Rows in flight follow each other, and the first of them is the next to be written.
        ahead = terms.make("BV_SUB", self.plus(watched, self.number(self.rows)), writing)
        flying = monitor["flying"]
        flies = terms.negation(self.at_most(flying, self.round(ahead)))
        claimed, places = self.claimed(now, monitor), self.number(self.places)
        seen, read = monitor["seen"], monitor["read"]
        fresh = now["core.fresh"]
        held = {
            "rows are counted within their number": terms.both(
                self.at_most(reading, last_row),
                self.at_most(writing, last_row),
                self.at_most(self.wide(monitor["row"]), last_row),
                *self._ends(now),
            ),
            "what is in flight is counted": terms.equal(flying, self.plus(*in_flight)),
            "what is in flight lies between the row that is written and the one that is read": terms.equal(
                reading, self.round(self.plus(writing, flying))
            ),
            "no row is in flight twice": self.at_most(self.plus(accepted, flying), self.number(self.rows)),
            "claims of the queue are counted": terms.both(
                terms.equal(
                    now["core.spare"],
                    terms.slice(
                        terms.make("BV_SUB", self.number(self.places - 2), claimed),
                        terms.width(now["core.spare"]) - 1,
                        0,
                    ),
                ),
                self.at_most(self.plus(claimed, accepted), places),
            ),
            "the first timestep lasts until each row was read": terms.equal(
                read,
                terms.either(terms.negation(fresh), terms.negation(self.at_most(reading, watched))),
            ),
            "a row that was read was written or is in flight": terms.both(
                terms.implies(terms.negation(read), terms.negation(terms.either(seen, flies))),
                terms.implies(terms.both(read, terms.negation(flies)), seen),
            ),
            "the memory holds what was written": terms.implies(
                seen, terms.equal(self.memory.row(now, self.watched_row), monitor["last"])
            ),
            "what was read is what was written": terms.both(
                *(
                    terms.implies(
                        self.watched_at(now, monitor, stage),
                        terms.both(
                            terms.equal(self.memory.fresh(now, stage), terms.negation(seen)),
                            terms.implies(seen, terms.equal(self.memory.read(now, stage), monitor["last"])),
                        ),
                    )
                    for stage in range(self.memory.latency)
                )
            ),
            **self._outlet_invariants(now, monitor),
        }
        if "core.free_rows" in self.circuit.named:
            busy = self.minus(self.plus(accepted, flying), in_flight[-1])
            free = self.wide(now["core.free_rows"])
            held["free rows are counted"] = terms.equal(self.plus(free, busy), self.number(self.rows))
        return held

    def _ends(self, now: Clock) -> list[Term]:
        """Return that counters know when they are at their last row."""
        found = []
        for counter in ("reading", "writing", "outlet.rows"):
            if f"core.{counter}.last" in self.circuit.named:
                row = self.wide(self.row(now, counter))
                at_end = self.terms.equal(row, self.number(self.rows - 1))
                found.append(self.terms.equal(now[f"core.{counter}.last"], at_end))
        return found

    def _outlet_invariants(self, now: Clock, monitor: Monitor) -> dict[str, Term]:
        terms, place = self.terms, self.watched_place
        ahead = self.wide(terms.make("BV_SUB", place, now["core.outlet.taken"]))
        within = terms.negation(self.at_most(self.waiting(now), ahead))
        low = now["core.outlet.steps.low"]
        ones = terms.constant(-1, terms.width(low))
        return {
            "the queue holds what was pushed": terms.both(
                terms.equal(monitor["waiting"], within),
                terms.implies(
                    within,
                    terms.equal(terms.read(now.values[self.queue], place), monitor["pushed"]),
                ),
            ),
            "what waits is known": terms.both(
                terms.either(
                    now["core.outlet.waits"],
                    terms.equal(now["core.outlet.taken"], now["core.outlet.written"]),
                ),
                terms.equal(
                    now["core.outlet.written"],
                    terms.make("BV_ADD", now["core.outlet.newest"], terms.constant(1, terms.width(place))),
                ),
            ),
            "what is shown is what was taken out of the queue": terms.both(
                terms.implies(monitor["taken"], terms.equal(now["core.outlet.read__data"], monitor["held"])),
                terms.implies(
                    monitor["mine"], terms.equal(self.offered(now), self.without_any(monitor["shown"]))
                ),
            ),
            "rows leave the queue in their order": terms.equal(
                self.round(
                    self.plus(monitor["row"], self.number(1), now["core.outlet.held"], self.waiting(now))
                ),
                self.wide(self.row(now, "writing")),
            ),
            "rows and timesteps that are shown are counted": terms.both(
                terms.equal(self.row(now, "outlet.rows"), monitor["row"]),
                terms.equal(now["core.outlet.step"], monitor["step"]),
                terms.equal(now["core.outlet.steps.full"], terms.equal(low, ones)),
            ),
            "each row is offered until it was taken": terms.both(
                terms.equal(now["core.outlet.update_valid"], monitor["owes_update"]),
                terms.equal(now.output("events_valid"), monitor["owes_event"]),
            ),
        }
