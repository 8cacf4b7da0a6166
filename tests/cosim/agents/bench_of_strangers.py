"""Cocotb tests of cores that aren't ours and have no handshake, written from docs/agents.md alone."""

from itertools import cycle
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles

from qlif import PRESETS, SQ, UQ, Arithmetic, Parameters, quantise
from qlif.cosim.agents import CurrentSource, Field, Reference, Scoreboard, UpdateSink, constrained_random

SERIAL = quantise(
    Parameters(n=1, R=60.0, tau_m=30.0, refrac_length=20),
    PRESETS["factored-16"].replace(current=SQ(11, 5)),
)
PULSE = quantise(
    Parameters(n=1, R=20.0, additive_spike_trace=True, trace_scale=0.5),
    PRESETS["tiny-8"].replace(
        potential=SQ(5, 7),
        current=SQ(8, 4),
        trace=UQ(3, 9),
        rounding="TRN",
        currents="raw",
        coefficient_bits=10,
    ),
)
NARROW = "SQ(5,15) TRN WRAP"
TRUNCATING = quantise(
    Parameters(
        n=1,
        rest_pot=-2.0,
        critical_pot=2.0,
        threshold=4.0,
        reset_pot=-2.0,
        refrac_length=0,
        spike_trace=False,
    ),
    Arithmetic(
        form="factored",
        potential=SQ(5, 15),
        current=SQ(5, 15),
        trace=UQ(1, 1),
        rounding="TRN",
        overflow="WRAP",
        trace_overflow="SAT",
        currents="raw",
        coefficient_bits=9,
        **dict.fromkeys(("difference", "product", "quadratic", "drive"), NARROW),
    ),
)
REFERENCE = Reference(TRUNCATING)


@cocotb.test(timeout_time=100_000, timeout_unit="step")
async def serial(dut: Any) -> None:
    dut.nrst.value = 0
    Clock(dut.ck, 2).start()
    common = {"clock": dut.ck, "reset": dut.nrst, "reset_active_level": False}
    source = CurrentSource(dut, SERIAL, valid="go", data="i_syn", **common)
    outputs = {"spike": "fire", "potential": "u_mem", "trace": "x_pre"}
    sink = UpdateSink(dut, SERIAL, valid="rdy", **outputs, **common)
    scoreboard = Scoreboard(SERIAL)
    scoreboard.watch(source, sink)
    source.set_pause_generator(cycle([False] + [True] * 6))
    await ClockCycles(dut.ck, 2)
    dut.nrst.value = 1
    await source.send(constrained_random(SERIAL, 600, 1, np.random.default_rng(cocotb.RANDOM_SEED)))
    await scoreboard.settle()
    scoreboard.check()


@cocotb.test(timeout_time=100_000, timeout_unit="step")
async def pulse(dut: Any) -> None:
    dut.rst_i.value = 1
    Clock(dut.clk_i, 2).start()
    common = {"clock": dut.clk_i, "reset": dut.rst_i}
    source = CurrentSource(dut, PULSE, valid="tick_i", data=Field("stim_i", encoding="offset"), **common)
    outputs = {"spike": "spike_o", "potential": "volt_o", "trace": "trace_o", "refractory": "hold_o"}
    sink = UpdateSink(dut, PULSE, valid="strobe_o", **outputs, **common)
    scoreboard = Scoreboard(PULSE)
    scoreboard.watch(source, sink)
    source.set_pause_generator(cycle([False, True, True]))
    await ClockCycles(dut.clk_i, 2)
    dut.rst_i.value = 0
    await source.send(constrained_random(PULSE, 600, 1, np.random.default_rng(cocotb.RANDOM_SEED)))
    await scoreboard.settle()
    scoreboard.check()


@cocotb.test(timeout_time=100_000, timeout_unit="step")
@cocotb.parametrize(run=[1, 2])
async def without_reset(dut: Any, run: int) -> None:
    Clock(dut.clk, 2).start()
    source = CurrentSource(dut, TRUNCATING, clock=dut.clk, valid="en", data="I")
    sink = UpdateSink(dut, TRUNCATING, clock=dut.clk, valid="vld", potential="v")
    scoreboard = Scoreboard(TRUNCATING, reference=REFERENCE)
    scoreboard.watch(source, sink)
    await source.send(constrained_random(TRUNCATING, 300, 1, np.random.default_rng(run)))
    await scoreboard.settle()
    scoreboard.check()


@cocotb.test(timeout_time=100_000, timeout_unit="step")
async def slow(dut: Any) -> None:
    """An update as late as ready is held back: valid didn't wait for it, though it looks so once."""
    dut.rst.value = 1
    Clock(dut.clk, 2).start()
    common = {"clock": dut.clk, "reset": dut.rst}
    source = CurrentSource.from_prefix(dut, "in", SERIAL, **common)
    sink = UpdateSink.from_prefix(dut, "out", SERIAL, **common)
    scoreboard = Scoreboard(SERIAL)
    scoreboard.watch(source, sink)
    await ClockCycles(dut.clk, 2)
    dut.rst.value = 0
    for _ in range(3):
        await source.send(0)
        await scoreboard.settle()
    assert scoreboard.check().broken == ()
