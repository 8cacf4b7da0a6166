"""The register of random words as terms: :mod:`qlif.model.random_words` on a solver's bit-vectors."""

from qlif.cosim.proof.solver import Term, Terms
from qlif.model.random_words import MASK_LAGS, REGISTER_BITS, TAPS, WORD_BITS


def next_register(terms: Terms, register: Term) -> Term:
    """Return the register one word later."""
    fed_back, *others = (terms.slice(register, tap + WORD_BITS - 1, tap) for tap in TAPS)
    for other in others:
        fed_back = terms.make("BV_XOR", fed_back, other)
    return terms.concat(fed_back, terms.slice(register, REGISTER_BITS - 1, WORD_BITS))


def random_bits(terms: Terms, register: Term, bits: int) -> Term:
    """Return the lowest bits of a register's random word."""
    first, one, other = (terms.slice(register, lag + bits - 1, lag) for lag in (0, *MASK_LAGS))
    return terms.make("BV_XOR", first, terms.make("BV_AND", one, other))
