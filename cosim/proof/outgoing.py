"""Results on their way from a pipeline through the queue to the outputs: words of reachable states.

All of it is about one lane.
"""

from qlif.cosim.proof.circuit import Circuit, Clock
from qlif.cosim.proof.control import Control, Monitor
from qlif.cosim.proof.invariants import assumed_of
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.reach import Reach
from qlif.cosim.proof.solver import Term
from qlif.cosim.proof.update import shown_widths, unpacked
from qlif.hdl import probes
from qlif.hdl.interface import Interface
from qlif.model.words import Words

SHOWN = (probes.UPDATE_VALID, probes.EVENT_VALID)
"""What is offered counts only while one of these is 1."""


def sends_what_it_keeps(terms: Products, words: Words, now: Clock) -> Term:
    """Return whether a pipeline sends what it writes into the memory, but for the refractory counter."""
    kept = unpacked(terms, words, now[probes.WRITTEN])
    sent = [kept[name] for name in shown_widths(words)]
    return terms.equal(now[probes.PUSHED_WORDS], terms.concat(*reversed(sent)))


def retired(terms: Products, words: Words, reach: Reach, control: Control, now: Clock) -> Term:
    """Return that what a pipeline outputs, if anything, is a reachable state."""
    state = unpacked(terms, words, now[probes.WRITTEN])
    return terms.implies(
        control.bits(now[probes.IN_FLIGHT])[-1],
        terms.both(*reach.holds(terms, words, state), sends_what_it_keeps(terms, words, now)),
    )


def of_a_state(terms: Products, words: Words, reach: Reach, sent: Term) -> Term:
    """Return whether the words that leave a population are of a reachable state."""
    return terms.both(*reach.holds(terms, words, terms.fields(sent, shown_widths(words))))


def words_of_row(terms: Products, row: Term) -> Term:
    """Return the words in a row of the queue.

    They lie between its spike and the bit that tells whether there is one.
    """
    return terms.slice(row, terms.width(row) - 2, 1)


def on_the_way(terms: Products, words: Words, reach: Reach, now: Clock) -> dict[str, Term]:
    """Return that the words in the registers behind the queue are of reachable states."""
    read, offered = words_of_row(terms, now[probes.QUEUE_READ]), now[probes.OFFERED_WORDS]
    return {
        "what was read from the queue": terms.implies(
            now[probes.HELD], of_a_state(terms, words, reach, read)
        ),
        "what is offered": terms.implies(
            terms.either(*(now[name] for name in SHOWN)), of_a_state(terms, words, reach, offered)
        ),
    }


def always_legal(control: Control, words: Words, reach: Reach, now: Clock) -> list[Term]:
    """Return that rows of state memory and queue hold no counter and trace beyond what a neuron can come to.

    That is so of rows that were never written too, as memories begin with 0; of any other word it need not be so.
    """
    terms = control.terms
    kept = unpacked(terms, words, control.memory.row(now, control.watched_row))
    row = words_of_row(terms, terms.read(now.values[control.queue], control.watched_place))
    sent = terms.fields(row, shown_widths(words))
    return [
        *reach.holds(terms, words, {name: kept[name] for name in ("refractory", "trace") if name in kept}),
        *reach.holds(terms, words, {name: sent[name] for name in ("trace",) if name in sent}),
    ]


def prove_always_legal(original: Circuit, interface: Interface, reach: Reach, seconds: float) -> str:
    """Prove by induction, from how registers and memories begin, what :func:`always_legal` says.

    Also that the invariants hold as they begin. Returns as :func:`prove_on_the_way`, which has to hold.
    """
    terms = Products()
    words, control = interface.words, Control(terms, original, interface)
    first = Clock(terms, original, {}, {}).initial()
    begun = Clock(terms, original, {"rst": terms.false}, first)
    held = assumed_of(control, begun, control.reset_monitor())[:-1]
    held += [*on_the_way(terms, words, reach, begun).values(), *always_legal(control, words, reach, begun)]
    claims = [(claim, [control.watches_a_row]) for claim in held]
    monitor = control.any_monitor()
    now = Clock(terms, original, {}, {})
    after = Clock(terms, original, {}, now.following())
    # What is written is the watched place: any place is watched.
    assumed = [
        *assumed_of(control, now, monitor),
        retired(terms, words, reach, control, now),
        *always_legal(control, words, reach, now),
    ]
    claims += [(claim, assumed) for claim in always_legal(control, words, reach, after)]
    verdicts = (terms.prove(claim, given, None, seconds).verdict for claim, given in claims)
    return next((verdict for verdict in verdicts if verdict != "proved"), "proved")


def prove_on_the_way(original: Circuit, interface: Interface, reach: Reach, seconds: float) -> str:
    """Prove by induction that results on their way out are of reachable states.

    For the pipeline's output this is assumed. Returns "proved", or the solver's other verdict.
    """
    terms = Products()
    words, control = interface.words, Control(terms, original, interface)
    monitor = control.any_monitor()
    now = Clock(terms, original, {"rst": terms.false}, {})

    def waiting(remembered: Monitor) -> Term:
        row = words_of_row(terms, remembered["pushed"])
        return terms.implies(remembered["waiting"], of_a_state(terms, words, reach, row))

    held = on_the_way(terms, words, reach, now)
    assumed = [
        *assumed_of(control, now, monitor),
        waiting(monitor),
        retired(terms, words, reach, control, now),
        *held.values(),
    ]
    after = Clock(terms, original, {"rst": terms.false}, now.following())
    still = on_the_way(terms, words, reach, after)
    # What is read is the watched place: any place is watched.
    watched = terms.equal(control.watched_place, now[probes.QUEUE_TAKEN])
    claims = [
        (waiting(control.next_monitor(now, monitor)), assumed),
        *((claim, [*assumed, watched]) for claim in still.values()),
    ]
    # A reset leaves nothing on its way.
    before = Clock(terms, original, {"rst": terms.true}, {})
    begun = Clock(terms, original, {"rst": terms.false}, before.following())
    claims += [(claim, []) for claim in on_the_way(terms, words, reach, begun).values()]
    for claim, given in claims:
        answer = terms.prove(claim, given, None, seconds)
        if answer.verdict != "proved":
            return answer.verdict
    return "proved"
