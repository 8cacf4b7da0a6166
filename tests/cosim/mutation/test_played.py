"""What is seen of faults side by side, against Yosys' own planting of one fault and Icarus."""

import itertools
import random
import subprocess

import numpy as np
import pytest

from qlif.cosim.configuration import Settings
from qlif.cosim.mutation import recorded_benches
from qlif.cosim.mutation.mutant import MODES
from qlif.cosim.mutation.mutated_netlist import plant
from qlif.cosim.mutation.play_benches import Replay
from qlif.cosim.simulator import find
from qlif.hdl.synthesis import yowasp
from qlif.model.exceptions import DifferenceFound

BENCH = """
module bench;
  reg clk = 0; reg [{inputs}:0] given [0:{last}]; integer i;
  {ports}
  {module} dut (.clk(clk), {connections});
  initial begin
    $readmemh("given.hex", given);
    for (i = 0; i <= {last}; i = i + 1) begin
      {{{in_names}}} = given[i];
      #1 $display("%b", {{{out_names}}});
      clk = 1; #1 clk = 0;
    end
  end
endmodule
"""


class Icarus:
    """A population with one fault, that Yosys plants, under what the benches drove."""

    def __init__(self, export, stimuli, directory):
        self._export, self._directory = export, directory
        interface = export.interface
        self._stimuli = stimuli
        self._inputs = [("rst", 1), *((port.name, port.width) for port in interface.inputs)]
        self._outputs = [(port.name, port.width) for port in interface.outputs]
        clocks = sum(stimulus.clocks for stimulus in stimuli)
        words = [0] * clocks
        for name, width in self._inputs:
            column = np.concatenate([stimulus.words[name] for stimulus in stimuli])
            words = [word << width | int(value) for word, value in zip(words, column, strict=True)]
        (directory / "given.hex").write_text("\n".join(f"{word:x}" for word in words))
        declared = [f"reg [{width - 1}:0] {name};" for name, width in self._inputs]
        declared += [f"wire [{width - 1}:0] {name};" for name, width in self._outputs]
        names = [name for name, _ in (*self._inputs, *self._outputs)]
        bench = BENCH.format(
            inputs=sum(width for _, width in self._inputs) - 1,
            last=clocks - 1,
            ports=" ".join(declared),
            module=interface.module,
            connections=", ".join(f".{name}({name})" for name in names),
            in_names=", ".join(name for name, _ in self._inputs),
            out_names=", ".join(name for name, _ in self._outputs),
        )
        (directory / "bench.v").write_text(bench)
        (directory / "export.v").write_text(export.verilog)

    def first_difference(self, mutant):
        """Return bench, clock and output, or None."""
        module = self._export.interface.module
        where = f"-port {mutant.port} -portbit {mutant.bit}"
        where += "" if mutant.control is None else f" -ctrlbit {mutant.control}"
        # Yosys' names have a backslash in front, but for those that it made.
        cell = mutant.raw_cell if mutant.raw_cell.startswith("$") else f"\\{mutant.raw_cell}"
        script = (
            f"read_verilog -sv export.v; hierarchy -check -top {module}; proc; flatten; opt_clean; "
            f"mutate -mode {mutant.mode} -module {module} -cell {cell} {where}; write_verilog -noattr planted.v"
        )
        yowasp.run(yowasp.YOSYS, ["-q", "-p", script], self._directory, "log", extra="proof")
        command = ["iverilog", "-g2012", "-s", "bench", "-o", "sim", "bench.v", "planted.v"]
        subprocess.run(command, cwd=self._directory, check=True)
        said = subprocess.run(
            ["vvp", "-n", "sim"], cwd=self._directory, check=True, capture_output=True, text=True
        )
        lines = iter(said.stdout.splitlines())
        began = False
        for stimulus in self._stimuli:
            for clock in range(stimulus.clocks):
                seen = self._words(next(lines))
                began |= bool(stimulus.words["rst"][clock])
                if not began or stimulus.words["rst"][clock]:
                    continue
                for name, _ in self._outputs:
                    valid = f"{name.partition('_')[0]}_valid"
                    counts = valid not in seen or name == valid or seen[valid] == "1"
                    if counts and int(seen[name].replace("x", "0"), 2) != stimulus.words[name][clock]:
                        return stimulus.bench, clock, name
        return None

    def _words(self, line):
        words, begin = {}, 0
        for name, width in self._outputs:
            words[name] = line[begin : begin + width]
            begin += width
        return words


def _compare(export, simulator, count, updates, directory):
    netlist = plant(export, None, 3, directory / "netlist")
    choose = random.Random(3)
    # Of each kind of fault, at inputs and at outputs in turn.
    sides = itertools.cycle([("Y", "Q"), ("A", "B", "S"), ("DATA",), ("D", "EN", "ADDR")])
    some = [
        choose.choice([m for m in netlist.mutants if m.mode == mode and m.port in side])
        for mode, side in zip([*MODES] * count, sides, strict=False)
    ]
    netlist = netlist.only({mutant.number for mutant in some})
    benches = ("directed", "stalled")
    stimuli = recorded_benches.record(
        export, simulator, directory / "benches", updates=updates, benches=benches
    )
    replay = Replay(netlist, export.interface, stimuli)
    numbers = [mutant.number for mutant in netlist.mutants]
    found = dict(each for some in replay.run(numbers, 1) for each in some)
    icarus = Icarus(export, stimuli, directory)
    for mutant in netlist.mutants:
        assert icarus.first_difference(mutant) == found[mutant.number], mutant
    assert len({each[:2] for each in found.values() if each}) > 1
    # The circuit without a fault differs from another record.
    clock = int(np.flatnonzero(stimuli[0].words["updates_valid"])[0])
    replay._expected[clock, 0] ^= 1
    with pytest.raises(DifferenceFound, match=rf"clock={clock}, output='{export.interface.outputs[0].name}'"):
        list(replay.run(numbers, 1))


@pytest.mark.slow
@pytest.mark.parametrize(("preset", "count", "updates"), [("tiny-8", 1, 50), ("square-16", 20, 300)])
def test_a_fault_shows_where_it_shows_in_icarus_as_yosys_plants_it(yosys, tmp_path, preset, count, updates):
    export = Settings.read(preset, None).population(4).export(step_bits=8)
    _compare(export, find.find("icarus"), count, updates, tmp_path)
