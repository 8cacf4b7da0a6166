"""A cocotb test of a core that isn't ours, ../cores/elastic; `python run_elastic.py` runs it."""

from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles

from qlif import PRESETS, SQ, Parameters, quantise
from qlif.cosim.agents import CurrentSource, Field, Scoreboard, UpdateSink, constrained_random

FORMATS = PRESETS["square-16"].replace(current=SQ(13, 3), rounding="RND_CONV")
WORDS = quantise(Parameters(n=1, critical_pot=-54.1, lower_bound=-70.0), FORMATS)
OUTPUTS = {"spike": "SPK", "potential": Field("POT", align="left"), "trace": "TRC"}


@cocotb.test()
async def random_currents(dut: Any) -> None:
    """Play random currents, with back-pressure; every update is compared with the golden model."""
    random = np.random.default_rng(cocotb.RANDOM_SEED)
    dut.CE.value = dut.SRST.value = 1
    Clock(dut.CLK, 2).start()
    common = {"clock": dut.CLK, "reset": dut.SRST, "valid": "VLD", "ready": "RDY"}
    source = CurrentSource.from_prefix(dut, "S", WORDS, data=Field("DAT", align="left"), **common)
    sink = UpdateSink.from_prefix(dut, "M", WORDS, **OUTPUTS, **common)
    sink.set_pause_generator(random.random(100_000) < 0.3)
    scoreboard = Scoreboard(WORDS)
    scoreboard.watch(source, sink)
    await ClockCycles(dut.CLK, 2)
    dut.SRST.value = 0
    await source.send(constrained_random(WORDS, 3000, 1, random))
    await scoreboard.settle()
    scoreboard.check()
