"""The same population in hundreds of instances, one bit of a machine word each; and a mapped netlist in Icarus."""

import time
from pathlib import Path

import numpy as np

from qlif.cosim.bitslice.netlist import SliceNetlist
from qlif.cosim.bitslice.population import SlicedPopulation
from qlif.cosim.simulator.cocotb_design import SimulationError
from qlif.hdl.interface import Interface
from qlif.hdl.synthesis.gates import GateNetlist
from qlif.model.exceptions import DifferenceFound
from qlif.model.support import process

CHECKED = 512
"""Clocks that are compared with the golden model."""
PERIOD = 64
"""Those of their inputs that are then played over and over: with what comes out they fit the caches."""
PAUSES = 0.1
"""Probability that a stream pauses, where each instance stalls in its own way."""
ICARUS_UPDATES = 256
_SECONDS = 600.0


class SlicedLoop:
    """A population that is driven without Python, all instances at once.

    Parameters
    ----------
    netlist : SliceNetlist
    interface : Interface
    in_step : bool
        Whether no stream ever pauses, so that all instances have the same addresses; else each pauses in its own way.

    Raises
    ------
    DifferenceFound
        An instance isn't the golden model.
    """

    def __init__(self, netlist: SliceNetlist, interface: Interface, in_step: bool) -> None:
        population = SlicedPopulation(netlist, interface, clocks=CHECKED, stalls=0.0 if in_step else PAUSES)
        if (wrong := population.difference()[1]) is not None:
            raise DifferenceFound(f"the bit-sliced population isn't the golden model: {wrong}")
        self._simulation = population.simulation
        self._in, self._out = population.inputs[:PERIOD], population.outputs[:PERIOD]
        self._valid = self._out[:, population.program.outputs["updates_valid"]]
        self._ready = self._in[:, population.program.inputs["updates_ready"]]

    def speed(self, updates: int) -> float:
        """Return the updates per second of a run of about so many, all instances together."""
        done, begun = 0, time.perf_counter()
        while done < updates:
            self._simulation.run(self._in, self._out)
            done += int(np.bitwise_count(self._valid & self._ready).sum())
        return done / (time.perf_counter() - begun)


class IcarusLoop:
    """A mapped netlist in a bare Icarus loop.

    Parameters
    ----------
    gates : GateNetlist
    interface : Interface
    directory : Path
        Where it is built.

    Raises
    ------
    SimulationError
        It can't be built.
    """

    def __init__(self, gates: GateNetlist, interface: Interface, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "bench.v").write_text(_bench(interface), encoding="utf-8")
        self._program = directory / "bench.vvp"
        files = map(str, (directory / "bench.v", gates.verilog, *gates.cells))
        self._run(["iverilog", "-g2012", "-s", "bench", "-o", str(self._program), *files], "iverilog")

    def speed(self, updates: int) -> float:
        """Return the updates per second of a run of so many."""
        begun = time.perf_counter()
        self._run(["vvp", str(self._program), f"+updates={updates}"], "vvp")
        return updates / (time.perf_counter() - begun)

    def _run(self, command: list[str], what: str) -> None:
        done = process.run(command, what=what, seconds=_SECONDS)
        if done.code:
            raise SimulationError(f"{what} failed: {(done.said.strip().splitlines() or ['nothing said'])[0]}")


def _bench(interface: Interface) -> str:
    inputs = [f"reg [{port.width - 1}:0] {port.name} = 0;" for port in interface.inputs]
    outputs = [f"wire [{port.width - 1}:0] {port.name};" for port in interface.outputs]
    connections = ", ".join(f".{port.name}({port.name})" for port in interface.ports)
    return f"""\
module bench;
  reg clk = 0, rst = 1;
  integer updates, seen = 0;
  {" ".join((*inputs, *outputs))}
  {interface.module} dut (.clk(clk), .rst(rst), {connections});
  initial begin
    if (!$value$plusargs("updates=%d", updates)) $finish;
    updates_ready = 1; events_ready = 1;
    repeat (4) begin #1 clk = 1; #1 clk = 0; end
    rst = 0; currents_valid = 1;
    while (seen < updates) begin
      currents_data = $random >>> 2;
      #1 if (updates_valid === 1'b1) seen = seen + 1;
      clk = 1; #1 clk = 0;
    end
    $finish;
  end
endmodule
"""
