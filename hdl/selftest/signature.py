"""A response compactor in gates: :mod:`qlif.model.selftest.plan` says what it computes."""

import functools
import operator
from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from qlif.model.selftest.plan import SIGNATURE_BITS, SIGNATURE_START, SIGNATURE_TAPS


class Signature(wiring.Component):
    """A MISR that absorbs several words per clock, the first one first.

    Parameters
    ----------
    at_once : int
        Words per clock.

    Attributes
    ----------
    words : In, 64 bits each
        The first one lowest.
    absorb : In
        In the second clock after, :attr:`value` holds them.
    value : Out, 64 bits
    """

    words: Value
    absorb: Value
    value: Value

    def __init__(self, at_once: int = 1) -> None:
        self.at_once = at_once
        start: Any = Out(SIGNATURE_BITS, init=SIGNATURE_START)  # type: ignore[call-arg]
        super().__init__({"words": In(SIGNATURE_BITS * at_once), "absorb": In(1), "value": start})

    def elaborate(self, platform: object) -> Module:
        """Build the gates: one register for the words together, one for the remainder."""
        m = Module()
        # Each word is followed by later ones, which multiply it by x that many times.
        later = [
            times_x(self.words[k * SIGNATURE_BITS : (k + 1) * SIGNATURE_BITS], self.at_once - 1 - k)
            for k in range(self.at_once)
        ]
        together, due = Signal(SIGNATURE_BITS), Signal()
        m.d.sync += [together.eq(functools.reduce(operator.xor, later)), due.eq(self.absorb)]
        with m.If(due):
            m.d.sync += self.value.eq(times_x(self.value, self.at_once) ^ together)
        return m


def times_x(value: Value, power: int) -> Value:
    """Return a remainder times a power of x, modulo the signature's polynomial."""
    # Which bits of the value each bit of the result is the exclusive or of.
    bits = [{place} for place in range(SIGNATURE_BITS)]
    for _ in range(power):
        top = bits[-1]
        bits = [set(), *bits[:-1]]
        for place in range(SIGNATURE_BITS):
            if SIGNATURE_TAPS >> place & 1:
                bits[place] = bits[place] ^ top
    return Cat(functools.reduce(operator.xor, (value[place] for place in sorted(part))) for part in bits)


def folded(parts: Sequence[Value]) -> Value:
    """Return parts side by side as one word of 64 bits: bit i of them is added to bit i modulo 64."""
    bits: Value = Cat(*parts)
    pieces = [bits[low : low + SIGNATURE_BITS] for low in range(0, len(bits), SIGNATURE_BITS)]
    word = functools.reduce(operator.xor, pieces)
    return Cat(word, Const(0, SIGNATURE_BITS - len(word))) if len(word) < SIGNATURE_BITS else word
