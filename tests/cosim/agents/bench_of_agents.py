"""Cocotb tests of the agents on a module of ours; the job's options say what is to happen."""

import itertools
from typing import Any, NamedTuple

import cocotb
import numpy as np
import pytest
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, ReadOnly, RisingEdge

from qlif import Parameters, quantise
from qlif.cosim.agents import (
    CurrentMonitor,
    CurrentSource,
    EventMonitor,
    EventSink,
    Field,
    ParameterWriter,
    Scoreboard,
    UpdateMonitor,
    UpdateSink,
    constrained_random,
)
from qlif.cosim.benches.job import Job
from qlif.model.exceptions import DifferenceFound, InputError


class Fault(NamedTuple):
    """What the module does to its ports, in Verilog, and what the scoreboard says of it."""

    corrupted: dict[str, str]
    says: str


FAULTS = {
    "none": Fault({}, "nothing"),
    "a wrong potential": Fault(
        {"updates_potential": "count == 9 ? raw ^ 1 : raw"}, "update 9 (neuron 1, timestep 2): potential"
    ),
    "a wrong trace": Fault(
        {"updates_trace": "count == 9 ? raw ^ 1 : raw"}, "update 9 (neuron 1, timestep 2): trace"
    ),
    "a lost update": Fault({"updates_valid": "raw & count != 9"}, "update is missing"),
    "an update too many": Fault(
        {"updates_valid": "raw | count == 400"}, "an update more than currents follows"
    ),
    "updates without end": Fault({"updates_valid": "1'b1"}, "the payload is stable"),
    "a lost event": Fault({"events_valid": "raw & count < 200"}, "has no event"),
    "another's event": Fault({"events_neuron": "raw ^ 1'b1"}, "event (as an update number)"),
    "no current is taken": Fault({"currents_ready": "1'b0", "currents_valid": "1'b0"}, "were never taken"),
    "unstable": Fault(
        {"updates_trace": "updates_ready ? raw : raw ^ 1"}, "the payload is stable while valid waits"
    ),
    "withdrawn": Fault({"updates_valid": "raw & ~late"}, "valid isn't withdrawn"),
    "valid waits for ready": Fault({"updates_valid": "raw & updates_ready"}, "valid doesn't wait for ready"),
    # Only Icarus knows X, and only the last fault may leave one behind.
    "unknown": Fault({"updates_trace": "count == 9 ? raw ^ 8'bx : raw"}, "unresolved bits in updates_trace"),
}


class Bench:
    def __init__(self, dut: Any, drive: bool = True, **options: Any) -> None:
        self.job, _ = Job.present()
        self.dut, self.interface, self.words = dut, self.job.interface, self.job.words
        self.random = np.random.default_rng(cocotb.RANDOM_SEED)
        Clock(dut.clk, 2, unit="step", impl="gpi").start(start_high=False)
        self.scoreboard = Scoreboard(self.words, **options)
        self.writer = None
        if not drive:
            return
        self.source = CurrentSource.from_interface(dut, self.interface)
        self.updates = UpdateSink.from_interface(dut, self.interface)
        self.events = EventSink.from_interface(dut, self.interface)
        self.scoreboard.watch(self.source, self.updates, self.events)
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
        return constrained_random(self.words, max(2, updates // neurons), neurons, self.random)


@cocotb.test(timeout_time=100_000, timeout_unit="step")
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


@cocotb.test(timeout_time=100_000, timeout_unit="step")
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


@cocotb.test(timeout_time=100_000, timeout_unit="step")
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


@cocotb.test(timeout_time=100_000, timeout_unit="step")
@cocotb.parametrize(fault=list(FAULTS))
async def finds(dut: Any, fault: str) -> None:
    """Switch a fault on; the scoreboard must say what it is expected to say."""
    bench = Bench(dut)
    dut.fault.value = list(FAULTS).index(fault)
    await bench.reset()
    bench.updates.set_pause_generator(bench.pauses(0.3))
    await bench.source.send(bench.currents(400))
    said = "nothing"
    try:
        await bench.scoreboard.settle(clocks=1200)
        bench.scoreboard.check()
    except DifferenceFound as error:
        said = str(error)
    assert FAULTS[fault].says in said, said


@cocotb.test(timeout_time=100_000, timeout_unit="step")
@cocotb.parametrize(withdraws=[False, True])
async def monitors_beside_other_drivers(dut: Any, withdraws: bool) -> None:
    """Somebody else's driver: the scoreboard watches alone, and sees what it does wrong."""
    bench = Bench(dut, drive=False)
    interface, words = bench.interface, bench.words
    monitors = [each.from_interface(dut, interface) for each in (CurrentMonitor, UpdateMonitor, EventMonitor)]
    bench.scoreboard.watch(*monitors)
    read = UpdateMonitor.from_interface(dut, interface)
    dut.currents_valid.value = 0
    dut.updates_ready.value = int(not withdraws)
    dut.events_ready.value = 1
    await bench.reset()
    for word in bench.currents(200).ravel().tolist():
        dut.currents_valid.value = 1
        dut.currents_data.value = word & (1 << words.arithmetic.current.width) - 1
        taken = False
        while not taken:
            await ReadOnly()
            taken = bool(dut.currents_ready.value)
            await RisingEdge(dut.clk)
            if withdraws and not taken:
                break
        dut.currents_valid.value = 0
        await RisingEdge(dut.clk)
    dut.updates_ready.value = 1
    await bench.scoreboard.settle()
    if withdraws:
        with pytest.raises(DifferenceFound, match=r"currents in clock \d+: .* \(valid isn't withdrawn\)"):
            bench.scoreboard.check()
        return
    verdict = bench.scoreboard.check()
    assert read.count() == verdict.updates == monitors[1].transfers
    first = await read.recv()
    assert (first.neuron, first.refractory) == (0, None)


@cocotb.test(timeout_time=100_000, timeout_unit="step")
async def a_pause_generator_halves_the_throughput(dut: Any) -> None:
    bench = Bench(dut)
    await bench.reset()
    currents = bench.currents(400)

    async def clocks() -> float:
        bench.source.send_nowait(currents)
        before = bench.source.cycle
        await bench.source.wait()
        return (bench.source.cycle - before) / currents.size

    full = await clocks()
    assert full < 1.2
    for agent, other in ((bench.source, bench.updates), (bench.updates, bench.source)):
        other.clear_pause_generator()
        agent.set_pause_generator(itertools.cycle([True, False]))
        assert 1.8 < await clocks() < 2.2
    bench.updates.set_pause_generator([True] * 300)
    bench.source.pause = True
    bench.source.send_nowait(currents)
    await ClockCycles(dut.clk, 100)
    assert bench.source.count() == currents.size
    bench.source.pause = False
    await ClockCycles(dut.clk, 100)
    left = bench.source.count()
    assert 0 < left < currents.size, left
    await bench.scoreboard.settle()
    bench.scoreboard.check()


@cocotb.test(timeout_time=100_000, timeout_unit="step")
async def what_is_sent_and_read(dut: Any) -> None:
    """Queues: limits, clearing, reading, waking up where signals can be driven."""
    bench = Bench(dut, drive=False)
    source = CurrentSource.from_interface(dut, bench.interface)
    updates, events = (each.from_interface(dut, bench.interface) for each in (UpdateSink, EventSink))
    source._limit = 8
    assert updates.empty() and source.idle()
    await bench.reset()
    strong = [bench.words.arithmetic.current.max_word] * 4000
    await source.send(strong)
    assert source.count() <= 8
    dut.updates_ready.value = 1  # nobody may be left where signals can't be driven
    first = await updates.recv()
    assert first.neuron == 0
    await source.wait()
    dut.currents_data.value = 0
    event = await events.recv()
    assert event.step is not None
    await updates.wait()
    assert updates.recv_nowait().neuron == 1
    source.send_nowait(strong)
    source.pause = True
    source.clear()
    await ClockCycles(dut.clk, 30)
    assert source.count() <= 1
    scoreboard = Scoreboard(bench.words)
    scoreboard.watch(updates)
    with pytest.raises(InputError, match="queue=True"):
        await updates.recv()
    source.send_nowait(strong)
    await bench.reset()
    await ClockCycles(dut.clk, 2)
    assert source.idle() and updates.count() == 0


@cocotb.test(timeout_time=100_000, timeout_unit="step")
async def wrong_names_and_words(dut: Any) -> None:
    bench = Bench(dut, drive=False)
    words, common = bench.words, {"clock": dut.clk, "reset": dut.rst}

    def refused(expected: str, make: Any) -> None:
        with pytest.raises(InputError, match=expected):
            make()

    refused(
        "unknown signal 'update_valid': did you mean 'updates_valid'",
        lambda: UpdateSink.from_prefix(dut, "update", words, spike="spike", **common),
    )
    refused("none is found", lambda: UpdateSink.from_prefix(dut, "events", words, **common))
    refused(
        "unknown field 'potentail': did you mean 'potential'",
        lambda: UpdateSink.from_prefix(dut, "updates", words, potentail="potential", **common),
    )
    refused("lanes must be", lambda: UpdateSink.from_prefix(dut, "updates", words, lanes=0, **common))
    refused(
        "which can't be 2 lanes", lambda: UpdateSink.from_prefix(dut, "updates", words, lanes=2, **common)
    )
    refused("the field spike", lambda: EventSink.from_prefix(dut, "events", words, lanes=2, **common))
    refused(
        "unknown align 'middle'",
        lambda: Field("POT", align="middle"),
    )
    refused("export it with --register", lambda: ParameterWriter.from_interface(dut, bench.interface))
    source = CurrentSource.from_prefix(dut, "currents", words, **common)
    refused("must be from", lambda: source.send_nowait(words.arithmetic.current.max_word + 1))
    refused("must be whole numbers", lambda: source.send_nowait(0.5))
    others = quantise(Parameters(n=words.parameters.n, threshold=-51.0), words.arithmetic)
    refused("other neurons", lambda: Scoreboard(others).watch(source))
    refused("known are updates, events|did you mean", lambda: Scoreboard(words, expects=["spikes"]))
    scoreboard = Scoreboard(words)
    scoreboard.watch(source)
    again = CurrentMonitor.from_prefix(dut, "currents", words, **common)
    refused("watches the currents already", lambda: scoreboard.watch(again))
    refused("watches neither", lambda: Scoreboard(words).check())
