"""The counter of timesteps wraps: at its full width of 32 bits, from just before the end."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from qlif.cosim.benches.job import Job
from qlif.cosim.configuration import Settings
from qlif.cosim.cosimulation import POPULATION_BENCH
from qlif.cosim.simulator.cocotb_design import Design
from qlif.cosim.simulator.find import find
from qlif.hdl.verilog import Export

FIRST = (1 << 32) - 20
"""The timestep that the counter begins with."""


def begun(export: Export) -> Export:
    """Return a population whose counter stands just before that, at power-up and after a reset."""
    low = f"16'h{FIRST - 1 & 0xFFFF:04x}"
    text, registers = re.subn(r"reg \[15:0\] low = 16'hffff;", f"reg [15:0] low = {low};", export.verilog)
    text, full = re.subn(r"reg full = 1'h1;", "reg full = 1'h0;", text)
    # Of the two halves and the carry between them, the ones that a reset sets.
    steps = text.index("_outlet_steps(rst")
    end = text.index("endmodule", steps)
    module = text[steps:end]
    (next_low,) = re.findall(r"low <= (\w+);", module)
    (next_full,) = re.findall(r"full <= (\w+);", module)
    module, resets = re.subn(
        rf"assign {next_low} = rst \? 16'hffff", f"assign {next_low} = rst ? {low}", module
    )
    module, carries = re.subn(
        rf"assign {next_full} = rst \? 1'h1", f"assign {next_full} = rst ? 1'h0", module
    )
    assert (registers, full, resets, carries) == (1, 1, 1, 1)
    return dataclasses.replace(export, verilog=text[:steps] + module + text[end:])


@pytest.mark.slow_beyond(1)
@pytest.mark.parametrize("carries", [True, False], ids=["right", "no carry"])
def test_events_beyond_the_last_timestep_begin_at_0(carries: bool, tmp_path: Path) -> None:
    configuration = Settings.read("tiny-8", None, []).population(2)
    export = begun(configuration.export())
    if not carries:
        # The upper half stays as it is.
        text, count = re.subn(r"= high \+ (\w+);", r"= high + (\1 & 1'h0);", export.verilog)
        assert count == 1
        export = dataclasses.replace(export, verilog=text)
    interface = export.interface
    verilog, _ = export.write(tmp_path)
    design = Design(find("icarus"), verilog, interface.module, tmp_path / "simulation")
    strong = np.full((40, 2), interface.words.arithmetic.current.max_word, dtype=np.int64)
    Job(interface.words, interface, {"first_step": FIRST}, strong).write(tmp_path)
    assert design.run(POPULATION_BENCH, tmp_path, 0, ("replay",)) == (1, 0 if carries else 1)
    if carries:
        steps = np.load(tmp_path / "observed.npz")["event_step"]
        assert steps.min() < FIRST <= steps.max()
