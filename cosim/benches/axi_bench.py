"""cocotb testbench of the AXI shell, with cocotbext-axi as the client."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import cocotb
import numpy as np
import numpy.typing as npt
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles
from cocotb.utils import get_sim_time
from cocotbext.axi import (
    AxiLiteBus,
    AxiLiteMaster,
    AxiStreamBus,
    AxiStreamFrame,
    AxiStreamSink,
    AxiStreamSource,
)
from cocotbext.axi.constants import AxiResp

from qlif.cosim.benches.inputs import constrained_random
from qlif.cosim.benches.job import Job
from qlif.cosim.benches.port_words import observed
from qlif.cosim.benches.scoreboard import Observed, Scoreboard
from qlif.hdl.ip.registers import ADDRESS_BITS, Access, RegisterMap, register_map
from qlif.hdl.ip.shell import IN, SHELL_MODULE
from qlif.hdl.ip.streams import data_bits, packing
from qlif.hdl.ports import Stream
from qlif.model.exceptions import DifferenceFound
from qlif.model.golden.neurons import ParameterWrite
from qlif.model.support.files import write_text


class AxiBench:
    """Plays currents through the shell."""

    def __init__(self, dut: Any, job: Job) -> None:
        self.dut, self.job, self.interface = dut, job, job.interface
        self.random = np.random.default_rng(cocotb.RANDOM_SEED)
        is_tested = bool(job.options.get("self_tested"))
        self.registers: RegisterMap = register_map(SHELL_MODULE, job.interface, is_tested)
        clock = dut.aclk, dut.aresetn, False
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, IN), *clock)
        self.sinks = {
            stream.name: AxiStreamSink(AxiStreamBus.from_prefix(dut, f"m_axis_{stream.name}"), *clock)
            for stream in job.interface.streams
            if stream.role == "source"
        }
        logging.getLogger(f"cocotb.{SHELL_MODULE}").setLevel(logging.WARNING)
        self.lite = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), *clock)

    async def start(self) -> None:
        """Start the clock, and reset."""
        self.dut.aresetn.value = 0
        Clock(self.dut.aclk, 2, unit="step", impl="gpi").start(start_high=False)
        await ClockCycles(self.dut.aclk, 4)
        self.dut.aresetn.value = 1
        await ClockCycles(self.dut.aclk, 2)

    def pause(self, rate: float) -> None:
        """Pause each channel at random, each on its own."""
        lite = self.lite
        channels = [self.source, *self.sinks.values()]
        channels += [lite.write_if.aw_channel, lite.write_if.w_channel, lite.write_if.b_channel]
        channels += [lite.read_if.ar_channel, lite.read_if.r_channel]
        for channel in channels:
            channel.set_pause_generator(self._pauses(rate))

    def _pauses(self, rate: float) -> Iterator[bool]:
        while True:
            yield from (self.random.random(1024) < rate).tolist()

    def offset(self, name: str) -> int:
        """Return a register's address."""
        return self.registers[name].offset

    async def read(self, name: str) -> int:
        """Read a register."""
        return int(await self.lite.read_dword(self.offset(name)))

    async def write(self, name: str, word: int) -> None:
        """Write a register."""
        await self.lite.write_dword(self.offset(name), word)

    def frame(self, words: npt.NDArray[np.int64]) -> bytes:
        """Return TDATA of a timestep, or of a part of it."""
        (stream,) = (one for one in self.interface.streams if one.name == "currents")
        size = packing(stream)[0].bits // 8
        return b"".join(int(word).to_bytes(size, "little", signed=True) for word in words.ravel())

    async def send(self, currents: npt.NDArray[np.int64]) -> None:
        """Send timesteps."""
        for step in currents:
            await self.source.send(AxiStreamFrame(self.frame(step)))

    async def play(self, currents: npt.NDArray[np.int64], more: int = 0) -> Observed:
        """Send timesteps; return what comes out until nothing does any more.

        So many more neurons' currents were sent before.
        """
        await self.send(currents)
        updates = (currents.size + more) // self.interface.lanes
        got: dict[str, bytes] = dict.fromkeys(self.sinks, b"")
        idle = 0
        while idle < 40:
            await ClockCycles(self.dut.aclk, 50)
            idle += 1
            for name, sink in self.sinks.items():
                while not sink.empty():
                    frame = sink.recv_nowait()
                    self._check_frame(name, frame)
                    got[name] += bytes(frame.tdata)
                    idle = 0
            if self.source.empty() and self.source.idle() and idle > 4 and "updates" in got:
                (stream,) = (one for one in self.interface.streams if one.name == "updates")
                if len(got["updates"]) * 8 >= updates * data_bits(stream):
                    break
        words = {stream.name: _transfers(stream, got[stream.name]) for stream in self._results()}
        given = words.get("updates") or [
            [row % self.interface.rows * self.interface.lanes] for row in range(updates)
        ]
        return observed(self.interface, given, words.get("events", []), 0)

    def _results(self) -> list[Stream]:
        return [stream for stream in self.interface.streams if stream.role == "source"]

    def _check_frame(self, name: str, frame: AxiStreamFrame) -> None:
        """Hold TLAST against its rule: the end of the timestep, or of each event."""
        (stream,) = (one for one in self._results() if one.name == name)
        rows = self.interface.rows if name == "updates" else 1
        if len(frame.tdata) * 8 != rows * data_bits(stream):
            raise DifferenceFound(f"{name}: TLAST after {len(frame.tdata)} bytes, not {rows} transfers")

    def judge(
        self,
        currents: npt.NDArray[np.int64],
        got: Observed,
        what: str,
        writes: tuple[ParameterWrite, ...] = (),
    ) -> int:
        """Compare with the golden model; return how many updates there were."""
        step_bits, absent = self.interface.core.step_bits, self.interface.absent
        verdict = Scoreboard(self.job.words, currents, writes, step_bits=step_bits, absent=absent).compare(
            got
        )
        verdict.judge(what)
        return verdict.updates


def _transfers(stream: Stream, data: bytes) -> list[list[int]]:
    """Return the words of the population's ports in each transfer; TDATA has to be extended by signs."""
    size, found = data_bits(stream) // 8, []
    for start in range(0, len(data), size):
        word = int.from_bytes(data[start : start + size], "little")
        row = dict.fromkeys((port.name for port in stream.payload), 0)
        for part in packing(stream):
            bits = word >> part.low & ((1 << part.bits) - 1)
            one = part.port.format.width == 1
            width = part.port.width if one else part.port.format.width
            low = bits & ((1 << width) - 1)
            negative = part.port.format.signed and low >> (width - 1)
            if bits != low | (((1 << part.bits) - 1) >> width << width if negative else 0):
                raise DifferenceFound(f"{part.port.name}: {bits:#x} isn't extended from {width} bits")
            row[part.port.name] |= low << (part.lane * width)
        found.append(list(row.values()))
    return found


async def _ready(dut: Any) -> AxiBench:
    job, _ = Job.present()
    bench = AxiBench(dut, job)
    await bench.start()
    return bench


def _random(bench: AxiBench, steps: int) -> npt.NDArray[np.int64]:
    return constrained_random(bench.job.words, steps, bench.interface.neurons, bench.random)


@cocotb.test()
async def paused(dut: Any) -> None:
    """Play random currents while every channel pauses at random, and registers are read beside them."""
    bench = await _ready(dut)
    bench.pause(0.3)
    steps = -(-int(bench.job.options["updates"]) // bench.interface.neurons)
    currents = _random(bench, steps)
    reading = cocotb.start_soon(_read_on(bench))
    got = await bench.play(currents)
    reading.cancel()
    count = bench.judge(currents, got, "paused")
    write_text(Job.directory() / "updates.json", json.dumps(count))
    spikes = await bench.read("spikes")
    expected = int(Scoreboard(bench.job.words, currents).spikes.sum())
    if spikes != expected:
        raise DifferenceFound(f"the register of spikes says {spikes}, not {expected}")
    core = bench.interface.core
    if core.streams.has_updates:
        bits = core.step_bits if core.streams.has_events else 32
        timestep, expected = await bench.read("timestep"), (steps - 1) % (1 << bits)
        if timestep != expected:
            raise DifferenceFound(f"the register of the timestep says {timestep}, not {expected}")
    if await bench.read("status"):
        raise DifferenceFound("busy at the end")


async def _read_on(bench: AxiBench) -> None:
    while True:
        if await bench.read("neurons") != bench.interface.neurons:
            raise DifferenceFound("the register of neurons changed")


@cocotb.test()
async def one_update_per_clock(dut: Any) -> None:
    """Count clocks at full speed."""
    bench = await _ready(dut)
    steps = max(2, 400 // bench.interface.rows)
    currents = _random(bench, steps)
    begun = get_sim_time("step")
    taken = 0
    cocotb.start_soon(bench.send(currents))
    while taken < steps * bench.interface.rows:
        await ClockCycles(dut.aclk, 1)
        taken += int(dut.s_axis_currents_tvalid.value) and int(dut.s_axis_currents_tready.value)
    clocks = (get_sim_time("step") - begun) // 2
    rounds = steps * max(bench.interface.rows, bench.interface.loop_latency)
    if clocks > rounds + 16:
        raise DifferenceFound(f"{clocks} clocks for {steps} timesteps, not {rounds}")


@cocotb.test()
async def misplaced_tlast(dut: Any) -> None:
    """Put TLAST too early and too late: a flag stays, the next timestep is right, and nothing is reset."""
    bench = await _ready(dut)
    rows = bench.interface.rows
    if rows == 1:
        return
    currents = _random(bench, 6)
    flat = [bench.frame(step) for step in currents]
    lane_bytes = len(flat[0]) // rows
    cut = max(1, rows // 2)
    await bench.source.send(AxiStreamFrame(flat[0]))
    await bench.source.send(AxiStreamFrame(flat[1][: cut * lane_bytes]))
    await bench.source.send(AxiStreamFrame(flat[2]))
    await bench.source.send(AxiStreamFrame(flat[3] + b"\x11" * lane_bytes * 3))
    expected = np.array(currents[:5])
    expected[1].reshape(rows, -1)[cut:] = 0
    got = await bench.play(currents[4:5], expected[:4].size)
    bench.judge(expected, got, "misplaced TLAST")
    flags = await bench.read("flags")
    if flags & 3 != 3:
        raise DifferenceFound(f"flags are {flags:#x} after misplaced TLASTs")
    await bench.write("interrupt", 1)
    if not int(dut.irq.value):
        raise DifferenceFound("no interrupt")
    await bench.lite.write(bench.offset("flags"), b"\x01")
    if await bench.read("flags") & 3 != 2 or int(dut.irq.value):
        raise DifferenceFound("a flag isn't cleared alone")


@cocotb.test()
async def registers(dut: Any) -> None:
    """Read every register; access what isn't there, or can't be written; strobe single bytes."""
    bench = await _ready(dut)
    bench.pause(0.2)
    before = [await bench.read(one.name) for one in bench.registers.registers]
    for register, word in zip(bench.registers.registers, before, strict=True):
        constant = sum(f.mask for f in register.fields if f.access in (Access.CONSTANT, Access.CONTROL))
        if word & constant != register.reset & constant:
            raise DifferenceFound(f"{register.name} reads as {word:#x}, not {register.reset:#x}")
    end = 4 * len(bench.registers.registers)
    off = bench.random.integers(end // 4, (1 << ADDRESS_BITS) // 4, 25) * 4
    read_only = [one.offset for one in bench.registers.registers if not one.is_writable]
    for address in [*off.tolist(), *read_only]:
        if (await bench.lite.write(int(address), b"\xff\xff\xff\xff")).resp != AxiResp.SLVERR:
            raise DifferenceFound(f"a write to {address:#x} isn't answered with SLVERR")
    for address in off.tolist():
        if (await bench.lite.read(int(address), 4)).resp != AxiResp.SLVERR:
            raise DifferenceFound(f"a read of {address:#x} isn't answered with SLVERR")
    after = [await bench.read(one.name) for one in bench.registers.registers]
    if after != before:
        raise DifferenceFound(f"registers went from {before} to {after}")
    # The byte beside that of `enable`, then that byte.
    await bench.lite.write(bench.offset("control") + 1, b"\x00")
    if await bench.read("control") != 1:
        raise DifferenceFound("a write of another byte changed control")
    await bench.lite.write(bench.offset("control"), b"\x00")
    if await bench.read("control") != 0:
        raise DifferenceFound("control isn't written")
    currents = _random(bench, 2)
    await bench.send(currents)
    await ClockCycles(dut.aclk, 100)
    if bench.source.idle():
        raise DifferenceFound("a current was taken while it isn't enabled")
    await bench.write("control", 1)
    bench.judge(currents, await bench.play(currents[:0], currents.size), "enabled again")


@cocotb.test()
async def restarted(dut: Any) -> None:
    """Restart in the middle of a timestep while results wait: no handshake breaks, and it starts over."""
    bench = await _ready(dut)
    currents = _random(bench, 8)
    for sink in bench.sinks.values():
        sink.pause = True
    await bench.send(currents[:4])
    await ClockCycles(dut.aclk, 60)
    await bench.write("control", 3)
    if not await bench.read("status") & 2:
        raise DifferenceFound("a restart doesn't wait for what is offered")
    for sink in bench.sinks.values():
        sink.pause = False
    while await bench.read("status") & 2:
        pass
    # The rest of what was sent is led back to a timestep's end.
    while await bench.read("status") & 1 or not (bench.source.empty() and bench.source.idle()):
        await ClockCycles(dut.aclk, 20)
    await bench.write("control", 3)
    while await bench.read("status") & 3:
        pass
    for sink in bench.sinks.values():
        sink.clear()
    bench.judge(currents, await bench.play(currents), "after a restart")


@cocotb.test()
async def parameters(dut: Any) -> None:
    """Write parameters, read them back, and play with them."""
    bench = await _ready(dut)
    if not bench.interface.runtime:
        return
    currents = _random(bench, 8)
    writes = []
    for parameter in bench.interface.runtime:
        neuron = bench.interface.neurons - 1
        old = int(
            np.broadcast_to(bench.job.words.constants[parameter.name].word, bench.interface.neurons)[neuron]
        )
        word = old - 1
        width = parameter.format.width
        await bench.write("parameter_select", parameter.select)
        await bench.write("parameter_neuron", neuron)
        if await bench.read("parameter_word") != old & ((1 << width) - 1):
            raise DifferenceFound(f"{parameter.name} doesn't read as it was built")
        await bench.write("parameter_word", word & 0xFFFFFFFF)
        while await bench.read("status") & 4:
            pass
        if await bench.read("parameter_word") != word & ((1 << width) - 1):
            raise DifferenceFound(f"{parameter.name} doesn't read as it was written")
        which = neuron if parameter.storage.is_per_neuron else None
        writes.append(ParameterWrite(step=0, name=parameter.name, word=word, neuron=which))
    await bench.write("parameter_select", (1 << bench.interface.core.select_format.width) - 1)
    bench.judge(currents, await bench.play(currents), "parameters", tuple(writes))
