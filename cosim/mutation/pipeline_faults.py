"""A mutated pipeline's update compared with the golden step, for every reachable neuron state.

Nobody sees the refractory counter, so one that is stored otherwise is no fault, as long as the neuron does
the same. Counters are therefore compared as pairs: the golden one and the circuit's. Only those that come
from (0, 0) count; they are found by asking the solver for one more, until it finds none.
"""

from collections.abc import Callable, Collection

from qlif.cosim.proof.products import Products
from qlif.cosim.proof.solver import Answer, Term
from qlif.cosim.proof.update import Update

Follow = Callable[[Products, bool], tuple[Update, Term, list[Term]]]
"""Given terms and whether the circuit has a counter of its own: the update, the circuit's counter before it,
and that the state can be reached."""


def differs(follow: Follow, seconds: float) -> str | None:
    """Return how an update differs from the golden step; None if it is proved that it doesn't."""
    why = with_the_same_counter(follow, seconds)
    return None if why is None else _with_its_own_counter(follow, seconds, why)


def with_the_same_counter(follow: Follow, seconds: float) -> str | None:
    """Return how an update differs from the golden step, the refractory counter too; None if it doesn't."""
    terms = Products()
    update, _, reached = follow(terms, False)
    return _seen(terms, update, update.after, reached, seconds)


def _with_its_own_counter(follow: Follow, seconds: float, why: str) -> str | None:
    terms = Products()
    update, counter, reached = follow(terms, True)
    width = terms.width(counter)
    golden = update.before["refractory"]
    pairs = {(0, 0)}

    def related(one: Term, other: Term) -> Term:
        return terms.either(
            *(
                terms.both(
                    terms.equal(one, terms.constant(a, width)), terms.equal(other, terms.constant(b, width))
                )
                for a, b in sorted(pairs)
            )
        )

    after = (update.expected["refractory"].bits(width), update.after["refractory"])
    named = {"golden": after[0], "circuit": after[1]}
    while True:
        answer = terms.prove(related(*after), [related(golden, counter), *reached], named, seconds)
        if answer.verdict == "proved":
            break
        if answer.verdict == "unknown":
            return why
        pairs.add((answer.values["golden"], answer.values["circuit"]))
    # What can be told of an update from outside.
    shown = [name for name in update.after if name != "refractory"]
    seen = _seen(terms, update, shown, [related(golden, counter), *reached], seconds)
    return None if seen is None else why


def _seen(
    terms: Products,
    update: Update,
    names: Collection[str],
    given: list[Term],
    seconds: float,
) -> str | None:
    """Return in which of some words an update differs from the golden step."""
    refractory = terms.any(update.before["refractory"])
    for case in (terms.negation(refractory), refractory):
        for name in names:
            answer = terms.prove(update.agrees(terms, name), [case, *given], update.before, seconds)
            if answer.verdict != "proved":
                return _said(answer, name)
    return None


def _said(answer: Answer, name: str) -> str:
    if answer.verdict == "unknown":
        return f"unknown: the {name} after an update"
    shown = ", ".join(f"{key} {word}" for key, word in answer.values.items())
    return f"refuted: the {name} after an update, {shown}"
