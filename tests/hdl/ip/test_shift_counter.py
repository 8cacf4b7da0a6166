"""Counters without an adder, and the last row of a timestep that one of them finds."""

import random

import pytest
from amaranth.hdl import Module, ResetInserter, Signal
from amaranth.sim import Simulator

from qlif.hdl.ip.shift_counter import Mark, not_before, nth
from qlif.hdl.ip.timestep_end import TimestepEnd


def seen(mark: Mark, clocks: int) -> list[int]:
    """Return in which clocks a mark is seen, by the counter in Amaranth."""
    m = Module()
    state, found = Signal(mark.counter.bits), Signal()
    m.d.comb += found.eq(mark.seen(state))
    m.d.sync += state.eq(mark.counter.following(state))
    when = []

    async def bench(context):
        for clock in range(clocks):
            if context.get(found):
                when.append(clock)
            await context.tick()

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return when


@pytest.mark.parametrize(
    ("number", "period"), [(0, 2), (2, 4), (7, 9), (98, 100), (510, 512), (0, 5), (3, 5)]
)
def test_a_state_is_told_from_all_others_of_the_period(number, period):
    mark = nth(number, period)
    assert seen(mark, period) == [number]
    # One bit more than the number of states takes, at most.
    assert mark.counter.bits <= max(2, period.bit_length())


def test_few_bits_tell_the_last_row_of_a_thousand():
    assert len(nth(1022, 1024).places) <= 7


@pytest.mark.parametrize("clocks", [1, 10, 34, 60, 100, 300])
def test_a_mark_is_not_seen_before_their_time_and_soon_after(clocks):
    mark = not_before(clocks)
    first = seen(mark, 2 * clocks + 16)[0]
    assert clocks <= first < 2 * clocks + 16
    assert len(mark.places) == 4 or clocks > 100


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 31, 32, 33, 100])
def test_the_last_row_is_found_again_and_again(rows):
    counter = TimestepEnd(rows)
    restart = Signal()
    choose = random.Random(rows)
    top = Module()
    top.submodules.counter = ResetInserter(restart)(counter)
    # With a single row there is nothing to clock.
    top.d.sync += Signal().eq(restart)

    async def bench(context):
        row = 0
        for clock in range(8 * rows + 50):
            moved, again = choose.random() < 0.7, clock > 4 * rows and choose.random() < 0.02
            context.set(counter.moved, moved)
            context.set(restart, again)
            assert context.get(counter.last) == (row == rows - 1)
            await context.tick()
            row = 0 if again else (row + moved) % rows

    simulator = Simulator(top)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
