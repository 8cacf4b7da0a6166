"""Everything around the pipelines of a population, and a monitor that runs beside it.

The monitor counts and remembers what the claims are about. It watches one row of neurons and one place in the
queue, both arbitrary, so that what holds for them holds for all.

The signals are those of :class:`qlif.hdl.population.Population`, found by their names. What the pipelines
themselves give is left open too: :mod:`qlif.cosim.proof.update` says what that is.
"""

from qlif.cosim.proof.circuit import Circuit, Clock
from qlif.cosim.proof.memories import RowMemory, StateMemory
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.solver import Term
from qlif.cosim.proof.update import shown_widths, unpacked
from qlif.hdl import probes
from qlif.hdl.interface import Interface

Monitor = dict[str, Term]
"""What the monitor remembers.

``flying``: how many rows are in flight. ``seen``, ``last``: whether the watched row was written since the
reset, and what; ``read``: whether it was read. ``waiting``, ``pushed``: whether the watched place of the
queue holds a row that wasn't read yet, and which. ``taken``, ``held``: the row that was read from the queue
is that one, and which. ``mine``, ``shown``: the same of the row that is offered. ``row``, ``step``: the
number of that row, counted. ``owes_update``, ``owes_event``: it wasn't taken yet. Where currents are held,
``due``, ``started``: whether the watched row is still to be read in its timestep, and what it held when that started.
"""


class Control:
    """A population's control, with its monitor.

    Parameters
    ----------
    terms : Products
    circuit : Circuit
        A population that this project exported.
    interface : Interface

    Raises
    ------
    InputError
        A signal that it speaks of isn't there.
    """

    def __init__(self, terms: Products, circuit: Circuit, interface: Interface) -> None:
        self.terms, self.circuit = terms, circuit
        self.lanes, self.rows = interface.lanes, interface.rows
        self.loop, self.places = interface.loop_latency, interface.queue_depth
        self.streams = streams = interface.core.streams
        self.step_bits = circuit.width(circuit.outputs["events_step"]) if streams.has_events else 1
        self.holds_currents = interface.core.holds_currents
        self.swaps_banks = interface.core.swaps_banks
        self.waits_for_timesteps = interface.core.waits_for_timesteps
        self.counts_steps_serially = interface.core.counts_steps_serially
        self._words, self._storage = interface.words, interface.core.storage
        # Enough for any count that is compared.
        self._bits = (2 * self.rows + 2 * self.loop + 4 * self.places).bit_length()
        self._row_bits = max(1, (self.rows - 1).bit_length())
        self.watched_row = terms.fresh(self._row_bits, "watched row")
        self.watches_a_row = self.at_most(self.wide(self.watched_row), self.number(self.rows - 1))
        self.watched_place = terms.fresh(self._width(probes.QUEUE_WRITTEN), "watched place")
        self.memory = StateMemory(terms, circuit, interface.core.swaps_banks)
        self.queue = circuit.signal(probes.QUEUE)
        if self.holds_currents:
            self._current_width = interface.words.arithmetic.current.width
            width = self._current_width * self.lanes
            self.held_currents = RowMemory(terms, circuit, probes.HELD_CURRENTS, width, self.lanes)

    def _width(self, name: str) -> int:
        return self.circuit.width(self.circuit.signal(name))

    def row(self, now: Clock, counter: str) -> Term:
        """Return a counter of rows; a single row isn't counted."""
        return self.terms.constant(0, 1) if self.rows == 1 else now[probes.counted_row(counter)]

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
        """Return whether the watched row was given to the memory this many clocks before the last one."""
        *younger, there = self.bits(now[probes.IN_FLIGHT])[: stage + 1]
        # The others, which are older, retire before it.
        older = self.minus(monitor["flying"], there, *younger)
        row = self.round(self.plus(self.row(now, probes.WRITING), older))
        return self.terms.both(there, self.terms.equal(row, self.wide(self.watched_row)))

    def waiting(self, now: Clock) -> Term:
        """Return how many rows are in the queue."""
        between = self.terms.make("BV_SUB", now[probes.QUEUE_NEWEST], now[probes.QUEUE_TAKEN])
        rows = self.plus(between, self.number(1))
        return self.terms.choose(now[probes.QUEUE_WAITS], rows, self.number(0))

    def claimed(self, now: Clock, monitor: Monitor) -> Term:
        """Return how many places of the queue are taken or claimed by what is in flight."""
        return self.plus(monitor["flying"], self.waiting(now), now[probes.POPPED])

    def outcome(self, now: Clock) -> Term:
        """Return the row that is pushed into the queue, as it should stand there.

        It is what is written into the memory, but for the refractory counters; only the spikes and the phases, if
        there are no updates.
        """
        spikes = now[probes.PUSHED_SPIKES]
        lanes = [unpacked(self.terms, self._words, now[probes.WRITTEN], lane) for lane in range(self.lanes)]
        words = [state[name] for name in self._shown_widths() for state in lanes]
        any_spike = [self.terms.any(spikes)] if self.streams.has_events else []
        return self.terms.concat(*any_spike, *reversed(words), spikes)

    def _shown_widths(self) -> dict[str, int]:
        """Return how wide the words are that leave the population, besides the spikes."""
        widths = shown_widths(self._words)
        # The phase is part of an event too.
        return (
            widths if self.streams.has_updates else {name: widths[name] for name in widths if name == "phase"}
        )

    def ports(self, row: Term) -> dict[str, Term]:
        """Return what the ports of the updates should show of a row of the queue."""
        widths = {"spike": 1, **self._shown_widths()}
        return self.terms.fields(row, {name: self.lanes * width for name, width in widths.items()})

    def initial_state(self, now: Clock) -> Term:
        """Return the state in which a row's neurons begin."""
        if self._storage["reset"].is_writable:
            return now[probes.INITIAL]
        reset = self._words.constants["reset"].word
        width = self.terms.width(now[probes.STORED]) // self.lanes
        potential = self._words.arithmetic.potential.width
        one = int(reset) & ((1 << potential) - 1)
        return self.terms.concat(*[self.terms.constant(one, width)] * self.lanes)

    def between(self, now: Clock) -> Term:
        """Return whether the next row to start is a timestep's first; a single row isn't counted."""
        return self.terms.true if self.rows == 1 else now[probes.BETWEEN]

    def taken(self, now: Clock, stream: str) -> Term:
        """Return whether a stream into the population moves."""
        valid = now.values[self.circuit.inputs[f"{stream}_valid"]]
        return self.terms.both(valid, now.output(f"{stream}_ready"))

    def commanded(self, now: Clock) -> Term:
        """Return whether a timestep's command is taken."""
        return self.taken(now, "steps")

    def currents_after(self, now: Clock) -> Term:
        """Return the currents that the watched row holds a clock later, as a write of this clock makes them."""
        inputs = self.circuit.inputs
        neuron, word = (now.values[inputs[f"currents_{part}"]] for part in ("neuron", "word"))
        before = self.held_currents.row(now, self.watched_row)
        return self.written(self.taken(now, "currents"), neuron, word, before)

    def written(self, write: Term, neuron: Term, word: Term, before: Term) -> Term:
        """Return what the watched row of a memory of one word per neuron holds after a write, if there is one."""
        terms, lanes, row, width = self.terms, self.lanes, self.watched_row, self.terms.width(word)
        parts = []
        for lane in range(lanes):
            number = terms.extend(neuron, terms.width(row) + lanes.bit_length(), False)
            wanted = terms.concat(row, terms.constant(lane, lanes.bit_length() - 1)) if lanes > 1 else row
            its_own = terms.equal(number, terms.extend(wanted, terms.width(number), False))
            old = terms.slice(before, (lane + 1) * width - 1, lane * width)
            parts.append(terms.choose(terms.both(write, its_own), word, old))
        return terms.concat(*reversed(parts))

    def reset_monitor(self) -> Monitor:
        """Return what the monitor remembers after a reset."""
        terms = self.terms
        no = terms.false
        return {
            "flying": self.number(0),
            "seen": no,
            "read": no,
            "last": terms.fresh(self._width(probes.WRITTEN), "last"),
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
            **self._reset_currents(),
        }

    def _reset_currents(self) -> Monitor:
        """Return what the monitor remembers of held currents after a reset."""
        if not self.holds_currents:
            return {}
        started = self.terms.fresh(self._current_width * self.lanes, "started")
        return {"due": self.terms.false, "started": started}

    def _next_currents(self, now: Clock, monitor: Monitor, reads: Term) -> Monitor:
        """Return what it remembers of held currents a clock later."""
        if not self.holds_currents:
            return {}
        terms, starts = self.terms, self.commanded(now)
        return {
            "due": terms.either(starts, terms.both(monitor["due"], terms.negation(reads))),
            "started": terms.choose(starts, self.currents_after(now), monitor["started"]),
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
        retire = self.bits(now[probes.IN_FLIGHT])[-1]
        writes = terms.both(retire, terms.equal(self.row(now, probes.WRITING), self.watched_row))
        reads = terms.both(now[probes.ACCEPTED], terms.equal(self.row(now, probes.READING), self.watched_row))
        pushes = terms.both(retire, terms.equal(now[probes.QUEUE_WRITTEN], place))
        vacant, held = now[probes.VACANT], now[probes.HELD]
        reading, moving = now[probes.QUEUE_READING], terms.both(held, vacant)
        takes = terms.both(reading, terms.equal(now[probes.QUEUE_TAKEN], place))
        moves = terms.both(moving, monitor["taken"])
        end = terms.equal(monitor["row"], terms.constant(self.rows - 1, self._row_bits))
        one = terms.constant(1, self._row_bits)
        row = terms.choose(end, terms.constant(0, self._row_bits), terms.make("BV_ADD", monitor["row"], one))
        step = terms.make("BV_ADD", monitor["step"], terms.extend(end, self.step_bits, False))
        no = terms.false
        given_update = (
            terms.both(now.output("updates_valid"), now.values[self.circuit.inputs["updates_ready"]])
            if self.streams.has_updates
            else no
        )
        event_ready = now.values[self.circuit.inputs["events_ready"]] if self.streams.has_events else no
        new_update = moving if self.streams.has_updates else no
        new_event = terms.both(moving, self.holds_spike(now)) if self.streams.has_events else no
        return {
            "flying": self.minus(self.plus(monitor["flying"], now[probes.ACCEPTED]), retire),
            "seen": terms.either(monitor["seen"], writes),
            "read": terms.either(monitor["read"], reads),
            "last": terms.choose(writes, now[probes.WRITTEN], monitor["last"]),
            "waiting": terms.either(pushes, terms.both(monitor["waiting"], terms.negation(takes))),
            "pushed": terms.choose(pushes, self.outcome(now), monitor["pushed"]),
            "taken": terms.choose(now[probes.QUEUE_REFILL], takes, monitor["taken"]),
            "held": terms.choose(takes, monitor["pushed"], monitor["held"]),
            "mine": terms.choose(vacant, moves, monitor["mine"]),
            "shown": terms.choose(moves, monitor["held"], monitor["shown"]),
            "row": terms.choose(moving, row, monitor["row"]),
            "step": terms.choose(moving, step, monitor["step"]),
            "owes_update": terms.either(
                new_update, terms.both(monitor["owes_update"], terms.negation(given_update))
            ),
            "owes_event": terms.either(
                new_event,
                terms.both(monitor["owes_event"], terms.negation(event_ready)),
            ),
            **self._next_currents(now, monitor, reads),
        }

    def holds_spike(self, now: Clock) -> Term:
        """Return whether the row that was read from the queue has a spike."""
        top = self._width(probes.QUEUE_READ) - 1
        return self.terms.slice(now[probes.QUEUE_READ], top, top)

    def without_any(self, row: Term) -> Term:
        """Return a row of the queue without the bit that tells whether it has a spike."""
        any_spike = 1 if self.streams.has_events else 0
        return self.terms.slice(row, self.terms.width(row) - 1 - any_spike, 0)

    def first_neuron(self, monitor: Monitor, port: Term) -> Term:
        """Return whether a port shows the number of the first neuron of the row that is offered."""
        width = self.terms.width(port)
        row = self.terms.extend(monitor["row"], width, False)
        return self.terms.equal(port, self.terms.make("BV_MUL", row, self.terms.constant(self.lanes, width)))

    def shows(self, now: Clock, row: Term) -> Term:
        """Return whether a row of the queue is the one that is offered.

        A lone neuron's event has nothing but its number and its timestep, and its phase.
        """
        row = self.without_any(row)
        offered = [now[probes.OFFERED_WORDS]] if self._shown_widths() else []
        if self.streams.has_updates or self.lanes > 1:
            offered.append(now[probes.OFFERED_SPIKES])
        elif offered:
            row = self.terms.slice(row, self.terms.width(row) - 1, 1)
        return self.terms.equal(self.terms.concat(*offered), row) if offered else self.terms.true
