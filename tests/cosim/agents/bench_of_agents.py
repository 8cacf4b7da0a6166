"""Cocotb tests of the agents on a module of ours; the job's options say what is to happen."""

import itertools
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from qlif.cosim.agents import (
    CurrentSource,
    EventSink,
    ParameterWriter,
    Scoreboard,
    UpdateSink,
)
from qlif.cosim.benches import inputs
from qlif.cosim.benches.job import Job


class Bench:
    def __init__(self, dut: Any) -> None:
        self.job, self.directory = Job.present()
        self.dut, self.interface, self.words = dut, self.job.interface, self.job.words
        self.random = np.random.default_rng(cocotb.RANDOM_SEED)
        Clock(dut.clk, 2, unit="step", impl="gpi").start(start_high=False)
        self.source = CurrentSource.from_interface(dut, self.interface)
        self.updates = UpdateSink.from_interface(dut, self.interface)
        self.events = EventSink.from_interface(dut, self.interface)
        self.scoreboard = Scoreboard(self.words)
        self.scoreboard.watch(self.source, self.updates, self.events)
        self.writer = None
        if self.interface.runtime:
            self.writer = ParameterWriter.from_interface(dut, self.interface)
            self.scoreboard.watch(self.writer)

    async def reset(self, clocks: int = 2) -> None:
        self.dut.rst.value = 1
        for _ in range(clocks):
            await FallingEdge(self.dut.clk)
        self.dut.rst.value = 0

    def pauses(self, rate: float):
        while True:
            yield bool(self.random.random() < rate)

    def currents(self, updates: int):
        neurons = self.words.parameters.n
        return inputs.constrained_random(self.words, max(2, updates // neurons), neurons, self.random)


@cocotb.test()
async def pauses_on_all_streams(dut: Any) -> None:
    bench = Bench(dut)
    await bench.reset()
    for rates in ((0, 0, 0), (0.5, 0, 0), (0, 0.5, 0), (0, 0, 0.9), (0.3, 0.5, 0.5)):
        for agent, rate in zip((bench.source, bench.updates, bench.events), rates, strict=True):
            agent.set_pause_generator(bench.pauses(rate))
        currents = bench.currents(bench.job.options.get("updates", 300))
        before = bench.updates.transfers
        await bench.source.send(currents)
        await bench.scoreboard.settle()
        verdict = bench.scoreboard.check(f"pauses {rates}")
        assert bench.updates.transfers - before == currents.size // bench.interface.lanes
        assert bench.events.transfers > 0 or not bench.job.options.get("spikes", True)
    assert verdict.updates == bench.updates.transfers * bench.interface.lanes


@cocotb.test()
async def reset_in_mid_run(dut: Any) -> None:
    bench = Bench(dut)
    bench.source.send_nowait(bench.currents(40))
    await bench.reset()
    for clocks in (3, 7, 20, 41, 60):
        bench.updates.set_pause_generator(bench.pauses(0.5))
        await bench.source.send(bench.currents(200))
        for _ in range(clocks):
            await FallingEdge(dut.clk)
        await bench.reset(clocks=1)
        await bench.source.send(bench.currents(100))
        await bench.scoreboard.settle()
        bench.scoreboard.check(f"after {clocks}")


@cocotb.test()
async def writes_while_it_runs(dut: Any) -> None:
    bench = Bench(dut)
    await bench.reset()
    bench.events.set_pause_generator(itertools.cycle([True, False]))
    words = bench.words
    for round in range(20):
        bench.source.send_nowait(bench.currents(60))
        for _ in range(int(bench.random.integers(0, 80))):
            await FallingEdge(dut.clk)
        name = list(bench.writer.selects)[round % len(bench.writer.selects)]
        format = words.constants[name].format
        word = int(bench.random.integers(max(format.min_word, -40), min(format.max_word, 40) + 1))
        neuron = int(bench.random.integers(words.parameters.n)) if name in bench.writer.per_neuron else None
        bench.writer.send_nowait(name, word, neuron)
    await bench.scoreboard.settle()
    bench.scoreboard.check("writes")
    await bench.reset(1)
    bench.source.send_nowait(bench.currents(60))
    await bench.scoreboard.settle()
    bench.scoreboard.check("after a reset")
