"""The claims about a population that holds its currents in a memory: which word each update uses."""

from collections.abc import Iterator, Sequence

from qlif.cosim.proof.circuit import Clock
from qlif.cosim.proof.control import Control, Monitor
from qlif.cosim.proof.solver import Term
from qlif.hdl import probes

HOLDS = "a held current changes only by a write to it, and no reset changes it"
APART = "no row's currents are read in the clock of a write"
USES = "each update uses the last current that was written before its timestep started"
STARTS = "a timestep starts when its command is taken, and only then"
TAKES = "a write waits for the timestep that is under way and for no other one"
OF_HELD_CURRENTS = (
    "a row's current is to be read from its timestep's start until it is",
    "a current that is to be read is the one of its timestep's start",
)
"""The invariants that only a fault in what currents are held, or in when they are written, breaks."""
WAITING_CLOCKS = 3
"""A write that is offered between two timesteps is taken in one of so many."""


def holds(control: Control) -> Term:
    """Return that any row of the memory is a clock later what its writes make of it, with a reset or without."""
    terms = control.terms
    held = []
    for reset in (terms.false, terms.true):
        now = Clock(terms, control.circuit, {"rst": reset}, {})
        after = Clock(terms, control.circuit, {}, now.following())
        row = control.held_currents.row(after, control.watched_row)
        held.append(terms.equal(row, control.currents_after(now)))
    return terms.both(*held)


def apart(control: Control, now: Clock) -> Term:
    """Return that nothing is written while a row is read: memories differ in what they make of that."""
    terms = control.terms
    return terms.negation(terms.both(control.taken(now, "currents"), now[probes.ACCEPTED]))


def uses(control: Control, now: Clock, monitor: Monitor, later: Clock) -> Term:
    """Return that the watched row, read in this clock, gets what it held when its timestep started.

    Its words and the row itself are at the pipelines in a `later` clock.
    """
    terms = control.terms
    reads = terms.both(
        now[probes.ACCEPTED], terms.equal(control.row(now, probes.READING), control.watched_row)
    )
    place = control.memory.latency - 1
    arrives = terms.slice(later[probes.IN_FLIGHT], place, place)
    return terms.both(
        terms.equal(arrives, now[probes.ACCEPTED]),
        terms.implies(
            reads,
            terms.both(monitor["due"], terms.equal(later[probes.CURRENT_WORDS], monitor["started"])),
        ),
    )


def starts(control: Control, now: Clock, later: Clock) -> Term:
    """Return that the first row is accepted just after a command was taken."""
    terms, row = control.terms, control.row(later, probes.READING)
    first = terms.equal(row, terms.constant(0, terms.width(row)))
    return terms.equal(terms.both(later[probes.ACCEPTED], first), control.commanded(now))


def invariant(control: Control, now: Clock, monitor: Monitor, watched: Term) -> Iterator[tuple[str, Term]]:
    """Give what always holds of the watched row's current, by name."""
    if not control.holds_currents:
        return
    terms = control.terms
    reading = control.wide(control.row(now, probes.READING))
    running = terms.either(terms.negation(control.between(now)), now[probes.ACCEPTED])
    due, started = OF_HELD_CURRENTS
    yield (
        due,
        terms.equal(monitor["due"], terms.both(running, control.at_most(reading, watched))),
    )
    yield (
        started,
        terms.implies(
            monitor["due"],
            terms.equal(control.held_currents.row(now, control.watched_row), monitor["started"]),
        ),
    )


def takes(control: Control, clocks: Sequence[Clock]) -> Term:
    """Return that no timestep starts once a write has waited for a clock, and that it is taken at its end.

    In each of the clocks a write is offered.
    """
    terms, (_, *waiting) = control.terms, clocks
    taken = terms.either(*(now.output("currents_ready") for now in waiting))
    return terms.both(
        terms.negation(control.commanded(waiting[0])), terms.implies(control.between(waiting[0]), taken)
    )
