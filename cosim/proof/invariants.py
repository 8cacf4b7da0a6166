"""Invariants around the pipelines of a population, for any number of clocks and any stalls.

Proved by induction over one clock: any registers and memories that satisfy the invariants must satisfy them again
in the next clock, and a reset must establish them from any state.
"""

from qlif.cosim.proof import held_currents
from qlif.cosim.proof.circuit import Clock
from qlif.cosim.proof.control import Control, Monitor
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.solver import Term
from qlif.hdl import probes

OF_THE_MEMORY = ("the memory holds what was written", "what was read is what was written")
"""The invariants that an upset of the state memory breaks."""


def assumed_of(control: Control, now: Clock, monitor: Monitor) -> list[Term]:
    """Return the assumptions in any clock after a reset: the invariants, and that a row is watched."""
    return [*invariants(control, now, monitor).values(), control.watches_a_row]


def invariants(control: Control, now: Clock, monitor: Monitor) -> dict[str, Term]:
    """Return what always holds, by name."""
    terms = control.terms
    reading, writing = (
        control.wide(control.row(now, probes.READING)),
        control.wide(control.row(now, probes.WRITING)),
    )
    last_row, watched = control.number(control.rows - 1), control.wide(control.watched_row)
    in_flight, accepted = control.bits(now[probes.IN_FLIGHT]), now[probes.ACCEPTED]
    # Rows in flight follow each other, and the first of them is the next to be written.
    ahead = terms.make("BV_SUB", control.plus(watched, control.number(control.rows)), writing)
    flying = monitor["flying"]
    flies = terms.negation(control.at_most(flying, control.round(ahead)))
    claimed, places = control.claimed(now, monitor), control.number(control.places)
    seen, read = monitor["seen"], monitor["read"]
    fresh = now[probes.FRESH]
    return {
        "rows are counted within their number": terms.both(
            control.at_most(reading, last_row),
            control.at_most(writing, last_row),
            control.at_most(control.wide(monitor["row"]), last_row),
            *_ends(control, now),
        ),
        "what is in flight is counted": terms.equal(flying, control.plus(*in_flight)),
        "what is in flight lies between the row that is written and the one that is read": terms.equal(
            reading, control.round(control.plus(writing, flying))
        ),
        **_of_the_banks(control, now, flying),
        "no row is in flight twice": control.at_most(
            control.plus(accepted, flying), control.number(control.rows)
        ),
        "claims of the queue are counted": terms.both(
            terms.equal(
                now[probes.SPARE],
                terms.slice(
                    terms.make("BV_SUB", control.number(control.places - 2), claimed),
                    terms.width(now[probes.SPARE]) - 1,
                    0,
                ),
            ),
            control.at_most(control.plus(claimed, accepted), places),
        ),
        "the first timestep lasts until each row was read": terms.equal(
            read,
            terms.either(terms.negation(fresh), terms.negation(control.at_most(reading, watched))),
        ),
        "a row that was read was written or is in flight": terms.both(
            terms.implies(terms.negation(read), terms.negation(terms.either(seen, flies))),
            terms.implies(terms.both(read, terms.negation(flies)), seen),
        ),
        **_of_the_memory(control, now, monitor),
        **_of_what_some_populations_have(control, now, flying),
        **dict(held_currents.invariant(control, now, monitor, watched)),
        **_of_the_outlet(control, now, monitor),
    }


def _of_the_banks(control: Control, now: Clock, flying: Term) -> dict[str, Term]:
    """Return what holds where each timestep reads one bank and writes the other."""
    if not control.swaps_banks:
        return {}
    terms, accepted = control.terms, now[probes.ACCEPTED]
    begun = control.plus(control.row(now, probes.WRITING), flying, accepted)
    waits = terms.both(now[probes.DRAINED], control.between(now))
    return {
        "what is in flight is of one timestep": control.at_most(begun, control.number(control.rows)),
        "a timestep begins when nothing is in flight": terms.implies(
            waits, terms.equal(control.plus(flying, accepted), control.number(0))
        ),
    }


def _of_the_memory(control: Control, now: Clock, monitor: Monitor) -> dict[str, Term]:
    """Return what holds of the memory's words for the row that is watched."""
    terms, seen = control.terms, monitor["seen"]
    return {
        "the memory holds what was written": terms.implies(
            seen, terms.equal(control.memory.row(now, control.watched_row), monitor["last"])
        ),
        "what was read is what was written": terms.both(
            *(
                terms.implies(
                    control.watched_at(now, monitor, stage),
                    terms.both(
                        terms.equal(control.memory.fresh(now, stage), terms.negation(seen)),
                        terms.implies(seen, terms.equal(control.memory.read(now, stage), monitor["last"])),
                    ),
                )
                for stage in range(control.memory.latency)
            )
        ),
    }


def _of_what_some_populations_have(control: Control, now: Clock, flying: Term) -> dict[str, Term]:
    """Return what holds of the counters that only few rows, or run-time parameters, need."""
    terms, held = control.terms, {}
    accepted = now[probes.ACCEPTED]
    if probes.FREE_ROWS in control.circuit.named:
        oldest = control.bits(now[probes.IN_FLIGHT])[-1]
        busy = control.minus(control.plus(accepted, flying), oldest)
        free = control.wide(now[probes.FREE_ROWS])
        held["free rows are counted"] = terms.equal(control.plus(free, busy), control.number(control.rows))
    if control.waits_for_timesteps:
        reading = control.wide(control.row(now, probes.READING))
        started = control.round(control.plus(reading, accepted))
        held["what waits for the end of a timestep knows it"] = terms.equal(
            control.between(now), terms.equal(started, control.number(0))
        )
    return held


def _ends(control: Control, now: Clock) -> list[Term]:
    """Return that counters know when they are at their last row."""
    found = []
    for counter in (probes.READING, probes.WRITING, probes.OFFERED_ROWS):
        if probes.counted_last(counter) in control.circuit.named:
            row = control.wide(control.row(now, counter))
            at_end = control.terms.equal(row, control.number(control.rows - 1))
            found.append(control.terms.equal(now[probes.counted_last(counter)], at_end))
    return found


def _halved_steps(terms: Products, now: Clock, monitor: Monitor) -> Term:
    """Return that the timestep is right, and that the high half of its counter knows when the low one carries."""
    low = now[probes.STEPS_LOW]
    return terms.both(
        terms.equal(now[probes.STEP], monitor["step"]),
        terms.equal(now[probes.STEPS_FULL], terms.equal(low, terms.constant(-1, terms.width(low)))),
    )


def _serial_steps(control: Control, now: Clock, monitor: Monitor) -> Term:
    """Return that the timestep is right, or already the next one, and how far that one's number has come.

    A bit is added with each row, and all are well before the last row. With that, the next timestep may be shown as
    soon as no event waits, if a row follows.
    """
    terms, step, shifts = control.terms, monitor["step"], now[probes.STEPS_SHIFTS]
    bits = terms.width(step)
    following = terms.make("BV_ADD", step, terms.constant(1, bits))
    next_step = control.bits(following)
    row = control.wide(control.row(now, probes.OFFERED_ROWS))
    early = terms.both(
        now[probes.HELD],
        terms.negation(monitor["owes_event"]),
        terms.equal(row, control.number(control.rows - 1)),
        terms.equal(now[probes.STEP], following),
    )
    cases = [terms.either(terms.equal(now[probes.STEP], step), early)]
    for done in range(bits + 1):
        # The bits that are done have gone to the top.
        word = terms.concat(*reversed([*control.bits(step)[done:], *next_step[:done]]))
        low_ones = terms.both(*control.bits(step)[:done])
        held = terms.equal(now[probes.STEPS_FOLLOWING], word)
        if done < bits:
            held = terms.both(held, terms.equal(now[probes.STEPS_CARRY], low_ones))
        added = control.minus(control.plus(row, control.number(1)), shifts)
        reached = terms.equal(added, control.number(done))
        if done == bits:
            reached = control.at_most(control.number(bits), added)
        cases.append(terms.implies(reached, held))
    turning = terms.equal(now[probes.STEPS_TURNING], control.at_most(row, control.number(bits - 2)))
    begun = control.at_most(row, control.number(bits - 1))
    return terms.both(*cases, turning, terms.implies(shifts, begun))


def _of_the_outlet(control: Control, now: Clock, monitor: Monitor) -> dict[str, Term]:
    terms, place = control.terms, control.watched_place
    ahead = control.wide(terms.make("BV_SUB", place, now[probes.QUEUE_TAKEN]))
    within = terms.negation(control.at_most(control.waiting(now), ahead))
    offered, steps = [], []
    if control.streams.has_updates:
        offered.append(terms.equal(now[probes.UPDATE_VALID], monitor["owes_update"]))
    if control.streams.has_events:
        offered.append(terms.equal(now.output("events_valid"), monitor["owes_event"]))
        serial = control.counts_steps_serially
        steps.append(_serial_steps(control, now, monitor) if serial else _halved_steps(terms, now, monitor))
    return {
        "the queue holds what was pushed": terms.both(
            terms.equal(monitor["waiting"], within),
            terms.implies(
                within,
                terms.equal(terms.read(now.values[control.queue], place), monitor["pushed"]),
            ),
        ),
        "what waits is known": terms.both(
            terms.either(
                now[probes.QUEUE_WAITS],
                terms.equal(now[probes.QUEUE_TAKEN], now[probes.QUEUE_WRITTEN]),
            ),
            terms.implies(
                now[probes.QUEUE_WAITS],
                terms.equal(
                    now[probes.QUEUE_WRITTEN],
                    terms.make("BV_ADD", now[probes.QUEUE_NEWEST], terms.constant(1, terms.width(place))),
                ),
            ),
        ),
        "what is shown is what was taken out of the queue": terms.both(
            terms.implies(monitor["taken"], terms.equal(now[probes.QUEUE_READ], monitor["held"])),
            terms.implies(monitor["mine"], control.shows(now, monitor["shown"])),
        ),
        "rows leave the queue in their order": terms.equal(
            control.round(
                control.plus(monitor["row"], control.number(1), now[probes.HELD], control.waiting(now))
            ),
            control.wide(control.row(now, probes.WRITING)),
        ),
        "rows and timesteps that are shown are counted": terms.both(
            terms.equal(control.row(now, probes.OFFERED_ROWS), monitor["row"]),
            *steps,
        ),
        "each row is offered until it was taken": terms.both(*offered),
    }
