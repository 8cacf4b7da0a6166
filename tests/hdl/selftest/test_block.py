# amaranth: UnusedElaboratable=no
"""Stimulus and signature in gates against the golden model's, in Amaranth's own simulator."""

import numpy as np
import pytest
from amaranth.sim import Simulator

from qlif import hdl
from qlif.hdl.random_words import RandomWordSource
from qlif.hdl.selftest.export import export_self_test
from qlif.hdl.selftest.signature import Signature
from qlif.hdl.selftest.stimulus import Stimulus
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise
from qlif.model.random_words import RandomWords
from qlif.model.selftest.golden import GoldenSelfTest
from qlif.model.selftest.plan import SIGNATURE_START, SelfTestPlan
from qlif.model.selftest.signature import absorb


def simulate(dut, testbench):
    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()


def taken(preset, neurons, lanes, timesteps, stall, restart_after=None):
    """Return the currents that a stimulus offers, (timesteps, neurons)."""
    words = quantise(Parameters(n=neurons), PRESETS[preset])
    plan = SelfTestPlan.of(words)
    dut = Stimulus(plan, neurons, lanes)
    random = np.random.default_rng(1)
    got = []

    async def testbench(ctx):
        async def start():
            got.clear()
            ctx.set(dut.start, 1)
            ctx.set(dut.timesteps, timesteps)
            ctx.set(dut.currents.ready, 0)
            await ctx.tick()
            ctx.set(dut.start, 0)

        await start()
        clock, idle = 0, 0
        while idle < 20:
            clock += 1
            if clock == restart_after:
                await start()
            ready = random.random() >= stall
            ctx.set(dut.currents.ready, ready)
            offered, payload = ctx.get(dut.currents.valid), ctx.get(dut.currents.payload)
            idle += 1
            if offered and ready:
                got.append(payload)
            if offered:
                idle = 0
            await ctx.tick()

    simulate(dut, testbench)
    width, sign = plan.width, 1 << (plan.width - 1)
    currents = [(row >> lane * width) & ((1 << width) - 1) for row in got for lane in range(lanes)]
    expected = GoldenSelfTest(words, plan, lanes).currents(timesteps).ravel().tolist() if timesteps else []
    return [(word ^ sign) - sign for word in currents], expected


@pytest.mark.parametrize(
    ("preset", "neurons", "lanes", "timesteps"),
    [("square-18", 3, 1, 140), ("wide-32", 8, 4, 70), ("tiny-8", 1, 1, 300), ("square-16", 8, 8, 130)],
)
@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_stimulus_is_the_golden_one_whatever_stalls(preset, neurons, lanes, timesteps, stall):
    got, expected = taken(preset, neurons, lanes, timesteps, stall)
    assert got == expected


@pytest.mark.parametrize("timesteps", [0, 1, 2, 3])
def test_stimulus_ends_after_its_timesteps(timesteps):
    got, expected = taken("square-16", 2, 1, timesteps, 0.2)
    assert got == expected and len(got) == 2 * timesteps
    got, expected = taken("square-16", 1, 1, timesteps, 0.0)
    assert got == expected and len(got) == timesteps


def test_stimulus_starts_over_in_the_middle():
    got, expected = taken("square-18", 5, 1, 30, 0.3, restart_after=77)
    assert got == expected


@pytest.mark.slow_beyond(3)
@pytest.mark.parametrize("at_once", [1, 2, 16, 64])
def test_signature_absorbs_words_side_by_side_like_one_after_another(at_once):
    dut = Signature(at_once)
    random = np.random.default_rng(at_once)
    words = random.integers(0, 1 << 63, size=(20, at_once), dtype=np.uint64) << np.uint64(1)
    words ^= random.integers(0, 2, size=words.shape, dtype=np.uint64)

    async def testbench(ctx):
        assert ctx.get(dut.value) == SIGNATURE_START
        for row in words:
            ctx.set(dut.words, sum(int(word) << 64 * place for place, word in enumerate(row)))
            ctx.set(dut.absorb, 1)
            await ctx.tick()
            ctx.set(dut.absorb, 0)
            ctx.set(dut.words, 0)
            for _ in range(int(random.integers(3))):
                await ctx.tick()
        for _ in range(2):
            await ctx.tick()
        assert ctx.get(dut.value) == absorb(SIGNATURE_START, words)

    simulate(dut, testbench)


@pytest.mark.slow
def test_many_random_words_at_once_are_the_sequence():
    dut = RandomWordSource(5, at_once=64)
    expected = RandomWords(5).take(3 * 64).reshape(3, 64)

    async def testbench(ctx):
        ctx.set(dut.advance, 1)
        for row in expected:
            assert ctx.get(dut.words) == sum(int(word) << 32 * place for place, word in enumerate(row))
            await ctx.tick()

    simulate(dut, testbench)


def test_export_has_the_ports_and_the_population_unchanged():
    words = quantise(Parameters(n=16), PRESETS["square-18"])
    population = hdl.export(hdl.Core(words))
    plan = SelfTestPlan.of(words, seed=7)
    export = export_self_test(population, plan)
    assert export.verilog.endswith(population.verilog)
    assert export_self_test(population, plan).verilog == export.verilog
    assert [port.name for port in export.interface.ports] == [
        "start", "timesteps", "stalls", "done", "timestep", "signature",
    ]  # fmt: skip
    assert export.interface.tested.stimulus_seed == 7
    observed = export_self_test(population, plan, observed=True)
    names = {port.name for port in observed.interface.ports}
    assert {"updates_potential", "events_step"} <= names
