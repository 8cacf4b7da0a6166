"""The counter of spikes, whose high bits count one after another."""

import random

import pytest
from amaranth.sim import Simulator

from qlif.hdl.ip.spike_counter import SpikeCounter

LONGEST_WAIT = 30
"""Clocks in which a carry is on its way."""


@pytest.mark.parametrize("lanes", [1, 2, 128])
def test_it_has_every_spike_whenever_it_has_settled(lanes):
    counter = SpikeCounter(lanes)
    choose = random.Random(3)

    async def bench(context):
        total = waits = settled = 0
        for clock in range(3000):
            # At full speed first, so that carries come as soon as they can; then at random.
            spikes = (1 << lanes) - 1 if clock < 1500 else choose.getrandbits(lanes)
            context.set(counter.spikes, spikes)
            await context.tick()
            total += spikes.bit_count()
            if context.get(counter.settled):
                assert context.get(counter.count) == total
                waits, settled = 0, settled + 1
            else:
                waits += 1
                assert waits <= LONGEST_WAIT
        assert settled > 200

    simulator = Simulator(counter)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
