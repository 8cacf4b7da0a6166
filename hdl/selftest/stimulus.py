"""Currents made in gates: :mod:`qlif.model.selftest.plan` says which."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, ResetInserter, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from qlif.hdl.random_words import RandomWordSource
from qlif.hdl.row_counters import RowCounter, equals
from qlif.model.random_words import WORD_BITS
from qlif.model.selftest.plan import STRETCH_BITS, TIMESTEP_BITS, SelfTestPlan


class Stimulus(wiring.Component):
    """Offers the currents of some timesteps, as fast as they are taken, except for pauses.

    Parameters
    ----------
    plan : SelfTestPlan
    neurons, lanes : int
        Of the population that takes them.

    Attributes
    ----------
    start : In
        Start over; the currents follow from the clock after the next on.
    timesteps : In, 32 bits
        Number of timesteps; sampled in the clock in which `start` is high.
    pause : In
        Nothing new is offered in the next clock; what is offered already stays.
    currents : Out, stream of rows of current words
    """

    start: Value
    timesteps: Value
    pause: Value
    currents: Any

    def __init__(self, plan: SelfTestPlan, neurons: int, lanes: int = 1) -> None:
        self.plan, self.neurons, self.lanes = plan, neurons, lanes
        super().__init__(
            {
                "start": In(1),
                "timesteps": In(TIMESTEP_BITS),
                "pause": In(1),
                "currents": Out(stream.Signature(plan.width * lanes)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the gates: random words, the regimes' words from them, and a register behind."""
        m = Module()
        advance = Signal()
        rows = RowCounter(self.neurons // self.lanes)
        source = RandomWordSource(self.plan.random_seed, self.lanes)
        m.submodules.rows, m.submodules.source = (
            ResetInserter(self.start)(rows),
            ResetInserter(self.start)(source),
        )

        # How many timesteps are left, and whether that is one or none, known as early as the number itself.
        left, last, none_left = Signal(TIMESTEP_BITS), Signal(), Signal(init=1)
        elapsed = Signal(STRETCH_BITS + 2)
        with m.If(self.start):
            m.d.sync += [
                left.eq(self.timesteps),
                last.eq(self.timesteps == 1),
                none_left.eq(equals(self.timesteps, 0)),
                elapsed.eq(0),
                self.currents.valid.eq(0),
            ]
        with m.Else():
            with m.If(advance & rows.last):
                m.d.sync += [
                    left.eq(left - 1),
                    last.eq(left == 2),
                    none_left.eq(last),
                    elapsed.eq(elapsed + 1),
                ]
            m.d.sync += self.currents.valid.eq(advance | (self.currents.valid & ~self.currents.ready))
        room = ~self.currents.valid | self.currents.ready
        m.d.comb += [
            advance.eq(room & ~none_left & ~self.start & ~self.pause),
            rows.enable.eq(advance),
            source.advance.eq(advance),
        ]
        words = [
            self._word(
                source.words[lane * WORD_BITS : (lane + 1) * WORD_BITS],
                (self._neuron(rows.row, lane) + elapsed[STRETCH_BITS:])[:2],
            )
            for lane in range(self.lanes)
        ]
        with m.If(advance):
            m.d.sync += self.currents.payload.eq(Cat(*words))
        return m

    def _neuron(self, row: Value, lane: int) -> Value:
        """Return the low two bits of a lane's neuron."""
        lane_bits = ceil_log2(self.lanes)
        number = Cat(Const(lane, lane_bits), row) if lane_bits else row
        return number[:2]

    def _word(self, random: Value, regime: Value) -> Value:
        """Return a regime's word of a random word."""
        plan = self.plan
        mask = (1 << plan.width) - 1
        near, strong = (Const(word & mask, plan.width) for word in (plan.near, plan.strong))
        highest, lowest = mask >> 1, (mask >> 1) + 1
        rails = [Const(word, plan.width) for word in (0, highest, lowest, highest)]
        regimes = [
            random[: plan.width],
            (near + random[: plan.noise_bits].as_signed())[: plan.width],
            _one_of(rails, random[:2]),
            (strong + random[:2])[: plan.width],
        ]
        return _one_of(regimes, regime)


def _one_of(words: Sequence[Value], select: Value) -> Value:
    """Return the word that a two-bit number selects."""
    # An Array would become a `casez` with overlapping patterns, which Verilator's lint refuses.
    low, high = (Mux(select[0], odd, even) for even, odd in (words[:2], words[2:]))
    return Mux(select[1], high, low)
