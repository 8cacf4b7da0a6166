"""cocotb testbench: how fast a core is, as it is and not as anybody says."""

import json
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, ReadOnly

from qlif.cosim.benches import inputs
from qlif.cosim.benches.agents import PopulationBench
from qlif.cosim.benches.job import Job
from qlif.cosim.benches.port_words import packed_rows
from qlif.cosim.benches.vhdl_streams import streams_of
from qlif.model.support.files import write_text

FILE = "speed.json"
UPDATES = 256
PATIENCE = 20_000
"""Clocks without a transfer after which nothing is waited for."""


@cocotb.test()
async def measure(dut: Any) -> None:
    """Offer currents and take updates in every clock; keep the clocks of both.

    Whether the updates are right is for the other testbenches to say.
    """
    job, directory = Job.present()
    dut = streams_of(dut, job)
    bench = PopulationBench(dut, job.interface, np.random.default_rng(cocotb.RANDOM_SEED))
    bench.start_clock()
    await bench.reset()
    neurons = job.interface.neurons
    currents = inputs.constrained_random(job.words, -(-UPDATES // neurons), neurons, bench.random)
    (data,) = job.interface.currents.payload
    rows = packed_rows(data, currents)
    handles = bench.handles
    falling, clock, last = FallingEdge(dut.clk), 0, 0
    begun: list[int] = []
    ended: list[int] = []
    while len(ended) < len(rows) and clock - last < PATIENCE:
        await falling
        offering = len(begun) < len(rows)
        handles["currents_valid"].value = int(offering)
        handles["updates_ready"].value = handles["events_ready"].value = 1
        if offering:
            handles["currents_data"].value = rows[len(begun)]
        await ReadOnly()
        clock += 1
        if offering and str(handles["currents_ready"].value) == "1":
            begun.append(clock)
            last = clock
        if str(handles["updates_valid"].value) == "1":
            ended.append(clock)
            last = clock
    write_text(directory / FILE, json.dumps({"begun": begun, "ended": ended}))
