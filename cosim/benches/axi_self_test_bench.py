"""cocotb testbench of the self-test in an AXI shell: a client on AXI4-Lite starts it."""

from collections.abc import Callable
from typing import Any

import cocotb
from cocotb.task import bridge, resume
from cocotb.triggers import ClockCycles, RisingEdge

from qlif.cosim.benches.axi_bench import AxiBench
from qlif.cosim.benches.inputs import constrained_random
from qlif.cosim.benches.job import Job
from qlif.hdl.ip.register_files import python_driver
from qlif.model.exceptions import DifferenceFound
from qlif.model.selftest.golden import GoldenSelfTest
from qlif.model.selftest.plan import SelfTestPlan

RUNNING, DONE, FLAG = 2, 4, 16
"""In the register of the self-test; in that of the flags."""


async def _ready(dut: Any) -> tuple[AxiBench, int, int]:
    """Return a bench after reset, how many timesteps a run has, and the golden model's signature."""
    job, _ = Job.present()
    bench = AxiBench(dut, job)
    await bench.start()
    core, timesteps = job.interface.core, int(job.options["timesteps"])
    golden = GoldenSelfTest(job.words, SelfTestPlan.of(job.words), core.lanes, step_bits=core.step_bits)
    return bench, timesteps, golden.advance(timesteps)


async def _start(bench: AxiBench, timesteps: int) -> None:
    await bench.write("selftest_length", timesteps)
    await bench.write("selftest", 1)


async def _signature(bench: AxiBench) -> int:
    """Wait for the end of a run; return its signature."""
    while await bench.read("selftest") & RUNNING:
        await ClockCycles(bench.dut.aclk, 50)
    words = [await bench.read(one.name) for one in bench.registers.registers if "signature" in one.name]
    return sum(word << 32 * place for place, word in enumerate(words))


def _expect(what: str, got: int, expected: int) -> None:
    if got != expected:
        raise DifferenceFound(f"{what} is {got:#x}, not {expected:#x}")


async def _restart(bench: AxiBench) -> None:
    await bench.write("control", 3)
    while await bench.read("status") & 2:
        pass


async def _play(bench: AxiBench, what: str) -> None:
    """Play some timesteps, after a reset of the neurons."""
    currents = constrained_random(bench.job.words, 6, bench.interface.neurons, bench.random)
    bench.judge(currents, await bench.play(currents), what)


@cocotb.test()
async def signature_is_the_golden_one(dut: Any) -> None:
    """Run the self-test: its signature, what the registers say, and that the streams are quiet."""
    bench, timesteps, expected = await _ready(dut)
    await _play(bench, "before the self-test")
    await bench.write("interrupt", FLAG)
    await _start(bench, timesteps)
    _expect("done", await bench.read("selftest") & DONE, 0)
    while await bench.read("status") & 2:
        pass
    # What the source offers meanwhile waits until the streams open again.
    currents = constrained_random(bench.job.words, 3, bench.interface.neurons, bench.random)
    await bench.send(currents)
    handshakes = [dut.s_axis_currents_tready, dut.m_axis_updates_tvalid, dut.m_axis_events_tvalid]
    moved: list[str] = []
    await RisingEdge(dut.aclk)
    moved += [one._name for one in handshakes if int(one.value)]
    watching = [cocotb.start_soon(_watch(one, moved)) for one in handshakes]
    _expect("the signature", await _signature(bench), expected)
    _expect("the register of the self-test", await bench.read("selftest"), DONE)
    _expect("the number of timesteps", await bench.read("selftest_timesteps"), timesteps)
    _expect("the flag", await bench.read("flags") & FLAG, FLAG)
    _expect("the interrupt", int(dut.irq.value), 1)
    await ClockCycles(dut.aclk, 200)
    for task in watching:
        task.cancel()
    if moved:
        raise DifferenceFound(f"{', '.join(moved)} rose during the self-test")
    await _restart(bench)
    got = await bench.play(currents[:0], currents.size)
    bench.judge(currents, got, "currents that waited for the self-test's end")
    _expect("the register of the self-test", await bench.read("selftest"), 0)


async def _watch(signal: Any, moved: list[str]) -> None:
    await RisingEdge(signal)
    moved.append(signal._name)


@cocotb.test()
async def start_waits_for_results(dut: Any) -> None:
    """Start it while results are offered, again while it runs, and give it up."""
    bench, timesteps, expected = await _ready(dut)
    for sink in bench.sinks.values():
        sink.pause = True
    currents = constrained_random(bench.job.words, 4, bench.interface.neurons, bench.random)
    await bench.send(currents)
    await ClockCycles(dut.aclk, 60)
    await _start(bench, timesteps)
    await ClockCycles(dut.aclk, 300)
    _expect("the register of the self-test", await bench.read("selftest"), RUNNING)
    _expect("the number of timesteps", await bench.read("selftest_timesteps"), 0)
    if not any(int(one.value) for one in (dut.m_axis_updates_tvalid, dut.m_axis_events_tvalid)):
        raise DifferenceFound("a result was withdrawn")
    for sink in bench.sinks.values():
        sink.pause = False
    while not await bench.read("selftest_timesteps"):
        pass
    await _start(bench, timesteps)
    _expect("the signature of the second start", await _signature(bench), expected)
    await _start(bench, timesteps)
    while not await bench.read("selftest_timesteps"):
        pass
    await _restart(bench)
    _expect("the register of a self-test that was given up", await bench.read("selftest"), 0)
    # What was sent before is led back to a timestep's end.
    while not (bench.source.empty() and bench.source.idle()) or await bench.read("status") & 1:
        await ClockCycles(dut.aclk, 20)
    await _restart(bench)
    for sink in bench.sinks.values():
        sink.clear()
    await _play(bench, "after a self-test that was given up")


@cocotb.test()
async def start_at_any_clock_of_a_restart(dut: Any) -> None:
    """Write a restart and a start so many clocks apart: it always runs, once."""
    bench, timesteps, expected = await _ready(dut)
    for gap in range(1, 12):
        await bench.write("selftest_length", timesteps)
        restarting = cocotb.start_soon(bench.write("control", 3))
        await ClockCycles(dut.aclk, gap)
        await bench.write("selftest", 1)
        await restarting
        _expect("the signature", await _signature(bench), expected)


@cocotb.test()
async def driver(dut: Any) -> None:
    """Run it by the driver that is beside the export, with pauses of the streams."""
    bench, timesteps, expected = await _ready(dut)
    scope: dict[str, Any] = {}
    exec(python_driver(bench.registers), scope)

    @resume
    async def read(address: int) -> int:
        return int(await bench.lite.read_dword(address))

    @resume
    async def write(address: int, word: int) -> None:
        await bench.lite.write_dword(address, word)

    made: Callable[..., Any] = scope["Qlif"]

    @bridge
    def run() -> int:
        return int(made(read, write).run_selftest(timesteps, stalls=77))

    _expect("the signature by the driver", await run(), expected)
    await _play(bench, "after the driver's self-test")
