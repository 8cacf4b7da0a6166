"""The solver: bit-vector terms with constants folded, and questions with an answer in time."""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from qlif.model.support.optional import optional
from qlif.model.support.process import held_signals

Term = Any
"""A bit-vector or an array of the solver. A condition is a bit-vector of one bit."""


def _signed(word: int, width: int) -> int:
    return word - (1 << width) if word >> (width - 1) else word


Named = Mapping[str, Term] | Callable[[], Mapping[str, Term]] | None
"""What a counterexample tells, by name; a function is asked for it only when there is one."""

_FOLDED: dict[str, Callable[..., int]] = {
    "BV_NOT": lambda width, a: ~a,
    "BV_NEG": lambda width, a: -a,
    "BV_AND": lambda width, a, b: a & b,
    "BV_OR": lambda width, a, b: a | b,
    "BV_XOR": lambda width, a, b: a ^ b,
    "BV_ADD": lambda width, a, b: a + b,
    "BV_SUB": lambda width, a, b: a - b,
    "BV_MUL": lambda width, a, b: a * b,
    "EQUAL": lambda width, a, b: a == b,
    "BV_ULT": lambda width, a, b: a < b,
    "BV_ULE": lambda width, a, b: a <= b,
    "BV_UGT": lambda width, a, b: a > b,
    "BV_UGE": lambda width, a, b: a >= b,
    "BV_SLT": lambda width, a, b: _signed(a, width) < _signed(b, width),
    "BV_SLE": lambda width, a, b: _signed(a, width) <= _signed(b, width),
    "BV_SGT": lambda width, a, b: _signed(a, width) > _signed(b, width),
    "BV_SGE": lambda width, a, b: _signed(a, width) >= _signed(b, width),
}
"""What operations on constants give, from their width and words; any others the solver works out itself."""

_CONDITIONS = frozenset(kind for kind in _FOLDED if kind == "EQUAL" or kind[3:] in (
    "ULT", "ULE", "UGT", "UGE", "SLT", "SLE", "SGT", "SGE"))  # fmt: skip


class Answer(NamedTuple):
    """What the solver found.

    Attributes
    ----------
    verdict : {"proved", "refuted", "unknown"}
        Unknown on a timeout.
    values : mapping of str to int
        If refuted, the words of the counterexample, unsigned, by name.
    """

    verdict: str
    values: Mapping[str, int]


class Terms:
    """Makes terms.

    Whatever is known without a solver is folded here: operations on constants, and choices by them.

    Raises
    ------
    InputError
        The solver isn't installed.
    """

    def __init__(self) -> None:
        self._bitwuzla = optional("bitwuzla", "proof")
        self._kind: Any = self._bitwuzla.Kind
        self._manager: Any = self._bitwuzla.TermManager()
        self._count = 0
        self.true, self.false = self.constant(1, 1), self.constant(0, 1)

    def fresh(self, width: int, name: str = "any") -> Term:
        """Return a free variable."""
        self._count += 1
        return self._manager.mk_const(self._manager.mk_bv_sort(width), f"{name}#{self._count}")

    def fresh_array(self, index: int, width: int, name: str = "memory") -> Term:
        """Return a free array of words of `width` bits with addresses of `index` bits."""
        self._count += 1
        sorts = (self._manager.mk_bv_sort(index), self._manager.mk_bv_sort(width))
        return self._manager.mk_const(self._manager.mk_array_sort(*sorts), f"{name}#{self._count}")

    def filled_array(self, index: int, word: Term) -> Term:
        """Return an array with addresses of `index` bits that holds the same word everywhere."""
        sorts = (self._manager.mk_bv_sort(index), self._manager.mk_bv_sort(self.width(word)))
        return self._manager.mk_const_array(self._manager.mk_array_sort(*sorts), word)

    def constant(self, word: int, width: int) -> Term:
        """Return a constant; only its low bits count."""
        return self._manager.mk_bv_value(self._manager.mk_bv_sort(width), word & ((1 << width) - 1))

    def width(self, term: Term) -> int:
        """Return how many bits a term has."""
        return int(term.sort().bv_size())

    def value(self, term: Term) -> int | None:
        """Return a constant's word, unsigned; None if the term isn't one."""
        return int(term.value(2), 2) if term.is_value() else None

    def make(self, kind: str, *operands: Term, indices: tuple[int, ...] = ()) -> Term:
        """Return an operation of the solver, by its name there, as a bit-vector."""
        if kind in _FOLDED and all(operand.is_value() for operand in operands):
            width = self.width(operands[0])
            bits = 1 if kind in _CONDITIONS else width
            return self.constant(_FOLDED[kind](width, *(int(x.value(2), 2) for x in operands)), bits)
        if kind in ("BV_AND", "BV_OR"):
            whole = (1 << self.width(operands[0])) - 1 if kind == "BV_AND" else 0
            for one, other in (operands, operands[::-1]):
                if self.value(one) == whole:
                    return other
                if self.value(one) == whole ^ ((1 << self.width(one)) - 1):
                    return one
        term = self._manager.mk_term(getattr(self._kind, kind), list(operands), list(indices))
        if term.sort().is_bool():
            term = self._manager.mk_term(self._kind.ITE, [term, self.true, self.false])
        if all(operand.is_value() for operand in operands):
            # The solver's own rewriter does it.
            term = self._bitwuzla.Bitwuzla(self._manager, self._bitwuzla.Options()).simplify_term(term)
        return term

    def slice(self, term: Term, high: int, low: int) -> Term:
        """Return the bits from `low` to `high`."""
        if low == 0 and high == self.width(term) - 1:
            return term
        if term.kind() == self._kind.BV_CONCAT:
            upper, lower = term[0], term[1]
            split = self.width(lower)
            if low >= split:
                return self.slice(upper, high - split, low - split)
            if high < split:
                return self.slice(lower, high, low)
        elif term.kind() in (self._kind.BV_SIGN_EXTEND, self._kind.BV_ZERO_EXTEND):
            inner, signed = self.unextended(term)
            top = self.width(inner) - 1
            if high <= top:
                return self.slice(inner, high, low)
            if signed and low >= top:
                return self.extend(self.slice(inner, top, top), high - low + 1, signed)
            if not signed and low > top:
                return self.constant(0, high - low + 1)
            return self.extend(self.slice(inner, top, low), high - low + 1, signed)
        elif term.kind() == self._kind.BV_EXTRACT:
            offset = term.indices()[1]
            return self.slice(term[0], high + offset, low + offset)
        return self.make("BV_EXTRACT", term, indices=(high, low))

    def fields(self, term: Term, widths: Mapping[str, int], low: int = 0) -> dict[str, Term]:
        """Return the fields that lie side by side in a term from bit `low` on, the first one lowest."""
        found = {}
        for name, width in widths.items():
            found[name] = self.slice(term, low + width - 1, low)
            low += width
        return found

    def concat(self, *parts: Term) -> Term:
        """Return bit-vectors side by side, the first one highest; copies of a sign are an extension."""
        joined = parts[-1]
        for part in reversed(parts[:-1]):
            top, width = self.width(joined) - 1, self.width(part) + self.width(joined)
            bit, signed = self.unextended(part)
            if self.value(part) == 0:
                joined = self.extend(joined, width, False)
            elif signed and self.width(bit) == 1 and bit == self.slice(joined, top, top):
                joined = self.extend(joined, width, True)
            else:
                joined = self.make("BV_CONCAT", part, joined)
        return joined

    def extend(self, term: Term, width: int, signed: bool) -> Term:
        """Return a term with copies of its sign, or zeros, up to a width; or without what is above it."""
        missing = width - self.width(term)
        if missing < 0:
            return self.slice(term, width - 1, 0)
        if missing == 0:
            return term
        if self.value(term) is None:
            inner, inner_signed = self.unextended(term)
            # What was extended with zeros has no sign any more.
            if inner is not term and (inner_signed is signed or not inner_signed):
                return self.extend(inner, width, inner_signed)
        return self.make("BV_SIGN_EXTEND" if signed else "BV_ZERO_EXTEND", term, indices=(missing,))

    def negation(self, term: Term) -> Term:
        """Return the complement."""
        return term[0] if term.kind() == self._kind.BV_NOT else self.make("BV_NOT", term)

    def both(self, *conditions: Term) -> Term:
        """Return whether all conditions hold."""
        result = self.true
        for condition in conditions:
            if self.value(condition) == 0 or self.value(result) == 0:
                return self.false
            if self.value(result) == 1:
                result = condition
            elif self.value(condition) != 1:
                result = self.make("BV_AND", result, condition)
        return result

    def either(self, *conditions: Term) -> Term:
        """Return whether one of the conditions holds."""
        return self.negation(self.both(*(self.negation(condition) for condition in conditions)))

    def implies(self, condition: Term, consequence: Term) -> Term:
        """Return whether a consequence holds where its condition does."""
        return self.either(self.negation(condition), consequence)

    def choose(self, condition: Term, a: Term, b: Term) -> Term:
        """Return a where the condition holds, else b."""
        known = self.value(condition)
        if known is not None:
            return a if known else b
        if a == b:
            return a
        return self._manager.mk_term(self._kind.ITE, [self.holds(condition), a, b])

    def read(self, memory: Term, address: Term) -> Term:
        """Return a word of an array."""
        while memory.kind() == self._kind.ARRAY_STORE and self.value(address) is not None:
            if memory[1] == address:
                return memory[2]
            if self.value(memory[1]) is None:
                break
            memory = memory[0]
        return self.make("ARRAY_SELECT", memory, address)

    def equal(self, a: Term, b: Term) -> Term:
        """Return whether two bit-vectors are equal."""
        return self.true if a == b else self.make("EQUAL", a, b)

    def any(self, term: Term) -> Term:
        """Return whether a bit is set."""
        if self.width(term) == 1:
            return term
        return self.negation(self.equal(term, self.constant(0, self.width(term))))

    def holds(self, condition: Term) -> Term:
        """Return a condition as the solver's own Boolean."""
        return self._manager.mk_term(self._kind.EQUAL, [condition, self.true])

    def unextended(self, term: Term) -> tuple[Term, bool]:
        """Return a term as it was before it was extended, and whether it is signed; itself, if it wasn't."""
        if term.kind() == self._kind.BV_ZERO_EXTEND:
            return term[0], False
        return (term[0] if term.kind() == self._kind.BV_SIGN_EXTEND else term), True

    def ask(
        self,
        claim: Term,
        assumptions: Iterable[Term] = (),
        named: Named = None,
        seconds: float | None = None,
    ) -> Answer:
        """Ask whether a claim holds for all values of the free variables that satisfy the assumptions.

        Parameters
        ----------
        claim : Term
            One bit.
        assumptions : iterable of Term
            One bit each.
        named : mapping of str to Term, or what returns one
            What a counterexample tells.
        seconds : float, optional
            The processor time that the solver may take: other load on the machine changes no verdict.
        """
        solver = self.solver([*assumptions, self.negation(claim)])
        unsatisfiable = self.unsatisfiable(solver, (), math.inf if seconds is None else seconds)
        if unsatisfiable is None:
            return Answer("unknown", {})
        if unsatisfiable:
            return Answer("proved", {})
        told = named() if callable(named) else named or {}
        values = {name: int(solver.get_value(term).value(2), 2) for name, term in told.items()}
        return Answer("refuted", values)

    def solver(self, assumptions: Iterable[Term]) -> Any:
        """Return a solver that assumes conditions."""
        options = self._bitwuzla.Options()
        options.set(self._bitwuzla.Option.PRODUCE_MODELS, True)
        solver = self._bitwuzla.Bitwuzla(self._manager, options)
        for assumption in assumptions:
            solver.assert_formula(self.holds(assumption))
        return solver

    def unsatisfiable(self, solver: Any, conditions: Iterable[Term], seconds: float) -> bool | None:
        """Return whether a solver finds no values for what it assumes and some conditions; None on a timeout."""
        limit = time.thread_time() + seconds
        # The solver returns only when it is told to: Python's own handlers wait for that.
        with held_signals() as interrupted:
            solver.configure_terminator(lambda: interrupted() or time.thread_time() > limit)
            result = solver.check_sat(*map(self.holds, conditions))
        if result == self._bitwuzla.Result.UNSAT:
            return True
        return False if result == self._bitwuzla.Result.SAT else None


class Given:
    """Questions with the same assumptions, one after the other: the solver keeps what it has learned.

    Parameters
    ----------
    terms : Terms
    assumptions : iterable of Term
        One bit each.
    """

    def __init__(self, terms: Terms, assumptions: Iterable[Term]) -> None:
        self._terms, self._solver = terms, terms.solver(assumptions)

    def proves(self, claim: Term, *further: Term, seconds: float) -> bool:
        """Return whether a claim is proved from the assumptions, and some further ones, in time."""
        if claim == self._terms.true:
            return True
        asked = (self._terms.negation(claim), *further)
        return self._terms.unsatisfiable(self._solver, asked, seconds) is True

    def holds_somewhere(self, seconds: float) -> bool:
        """Return whether there is anything of which all assumptions hold: else every claim would be proved."""
        return self._terms.unsatisfiable(self._solver, (), seconds) is False
