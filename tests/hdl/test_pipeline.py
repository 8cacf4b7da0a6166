"""A pipeline's registers without a stage."""

import pytest
from amaranth.hdl import Const, Module, Signal
from amaranth.sim import Simulator

from qlif.hdl.pipeline import Pipeline, Timed


def test_a_settled_value_follows_its_register_a_clock_later_and_meets_any_later_stage():
    pipe = Pipeline()
    parameter, given = Signal(8), Signal(8)
    settled = pipe.settled("one_more", lambda word: (word + 1)[:8], Timed(parameter, None))
    given_1 = pipe.register("given__1", lambda word: word, pipe.input(given))
    total = pipe.register("total", lambda a, b: (a + b)[:8], given_1, settled)
    assert (settled.stage, total.stage) == (None, 2)
    m = Module()
    pipe.build(m)

    async def bench(context):
        for word in (3, 7):
            # It changes together with what enters.
            context.set(parameter, word)
            context.set(given, 10 * word)
            await context.tick()
            assert context.get(settled.value) == word + 1
            await context.tick()
            assert context.get(total.value) == 11 * word + 1

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def test_of_constants_it_is_one():
    pipe = Pipeline()
    made = pipe.settled("sum", lambda a, b: a + b, Timed(Const(1, 4), None), Timed(Const(2, 4), None))
    assert made.stage is None
    assert pipe.statements == []


def test_with_a_stage_it_is_a_register_of_the_pipeline():
    pipe = Pipeline()
    made = pipe.settled("sum", lambda a, b: a + b, Timed(Signal(4), None), pipe.input(Signal(4)))
    assert made.stage == 1


def test_one_that_would_be_looked_at_too_early_is_refused():
    pipe = Pipeline()
    settled = pipe.settled("copy", lambda word: word, Timed(Signal(8), None))
    for early in (pipe.input(Signal(8)), Timed(Signal(8), None)):
        with pytest.raises(ValueError, match="a settled value can't be had before stage 1"):
            pipe.register("sum", lambda a, b: a + b, early, settled)
