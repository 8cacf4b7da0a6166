"""The same upsets of the same netlist in somebody else's simulator, and what becomes of them."""

import random
import subprocess

import numpy as np
import pytest

from qlif.cosim.bitslice.netlist import ONE, UNKNOWN, ZERO
from qlif.cosim.faults.watch import Outcome, outcomes_of
from qlif.cosim.simulator import find
from qlif.model.exceptions import InputError
from qlif.model.support import process


class Replay:
    """A netlist in Icarus or Verilator, under the traffic of a campaign, one fault for each run."""

    def __init__(self, export, netlist, played, directory, simulator):
        self._netlist, self._played, self._directory = netlist, played, directory
        self._interface = export.interface
        fields = list(export.interface.updates.payload)
        self._spike = sum(
            port.width for port in fields[: [port.name for port in fields].index("updates_spike")]
        )
        (directory / "netlist.v").write_text(verilog(netlist, export.interface.module))
        (directory / "bench.v").write_text(self._bench())
        for name, rows in (("currents", played.currents), ("pattern", played.pattern)):
            words = rows if name == "pattern" else words_of(rows)
            (directory / f"{name}.hex").write_text("\n".join(f"{int(word):x}" for word in words))
        if simulator.makes_programs:
            command = [
                "verilator_bin",
                "--binary",
                "--timing",
                "-CFLAGS",
                "-std=c++20 -fcoroutines",
                "-MAKEFLAGS",
                "CFG_CXXFLAGS_PCH_I=-include",
                "-Wno-fatal",
                "-Wno-lint",
                "-Wno-style",
            ]
            command += ["--x-initial", "0", "--top-module", "bench", "bench.v", "netlist.v"]
            self._run = [str(directory / "obj_dir" / "Vbench")]
        else:
            command = ["iverilog", "-g2009", "-o", "sim", "bench.v", "netlist.v"]
            self._run = ["vvp", "sim"]
        given = process.environment(simulator.environment)
        subprocess.run(command, cwd=directory, check=True, capture_output=True, env=given)
        self._good = {}

    def outcome(self, place, clock):
        """Return what becomes of an upset."""
        if clock not in self._good:
            self._good[clock] = self._log(-1, clock)
        return classified(self._log(place, clock), self._good[clock], self._played, self._spike)

    def _log(self, place, clock):
        """Return each clock's transfers, and the state at the end of the watch."""
        given = [f"+place={place}", f"+clock={clock}"]
        done = subprocess.run(
            [*self._run, *given], cwd=self._directory, check=True, capture_output=True, text=True
        )
        lines = [line.split() for line in done.stdout.splitlines()]
        clocks = [tuple(line[1:]) for line in lines if line[:1] == ["T"]]
        (state,) = [line[1:] for line in lines if line[:1] == ["S"]]
        return clocks, state

    def _bench(self):
        played, interface, netlist = self._played, self._interface, self._netlist
        flips = [
            f"{number}: dut.q[{number}] = ~dut.q[{number}];" for number in range(len(netlist.flip_flops))
        ]
        state = ["dut.q"]
        for number, memory in enumerate(netlist.memories):
            state += [f"dut.m{number}[{row}]" for row in range(memory.size)]
            flips += [
                f"{len(flips) + place}: {name} = ~{name};"
                for place, name in enumerate(
                    f"dut.m{number}[{row}][{bit}]"
                    for row in range(memory.size)
                    for bit in range(memory.width)
                )
            ]
        given = [f"reg [{port.width - 1}:0] {port.name} = 0;" for port in interface.inputs]
        seen = [f"wire [{port.width - 1}:0] {port.name};" for port in interface.outputs]
        connections = ", ".join(f".{port.name}({port.name})" for port in interface.ports)
        payload = {
            stream.name: "{" + ", ".join(port.name for port in reversed(stream.payload)) + "}"
            for stream in (interface.updates, interface.events)
        }
        return f"""
module bench;
  reg clk = 0, rst = 1, offered = 0;
  {" ".join([*given, *seen])}
  reg [{played.currents.shape[1] - 1}:0] currents [0:{len(played.currents) - 1}];
  reg [7:0] pattern [0:{len(played.pattern) - 1}];
  reg [7:0] goes;
  integer i, place, clock, taken = 0;
  {interface.module} dut (.clk(clk), .rst(rst), {connections});
  initial begin
    if (!$value$plusargs("place=%d", place) || !$value$plusargs("clock=%d", clock)) $finish;
    $readmemh("currents.hex", currents);
    $readmemh("pattern.hex", pattern);
    repeat (2) begin #1 clk = 1; #1 clk = 0; end
    rst = 0;
    for (i = 0; i < clock + {played.watch + played.settle}; i = i + 1) begin
      if (i == clock) case (place)
        {" ".join(flips)}
        default: ;
      endcase
      goes = i - clock < {played.watch - played.settle} ? pattern[i] : i - clock < {played.watch} ? 7 : 6;
      offered = offered | goes[0];
      currents_valid = offered; currents_data = currents[taken];
      updates_ready = goes[1]; events_ready = goes[2];
      #1;
      $display("T %b %b %h %b %h", currents_valid & currents_ready,
        updates_valid & updates_ready, {payload["updates"]}, events_valid & events_ready, {payload["events"]});
      if (currents_valid & currents_ready) begin taken = taken + 1; offered = 0; end
      clk = 1; #1 clk = 0; #1;
      if (i == clock + {played.watch} - 1) $display("S %h", {{{", ".join(state)}}});
    end
    $finish;
  end
endmodule
"""


def verilog(netlist, module):
    """Return a netlist as Verilog: flip-flops in the vector q, each memory by its number."""

    def name(bit):
        return {ZERO: "1'b0", ONE: "1'b1", UNKNOWN: "1'b0"}.get(bit, f"b{bit}")

    def joined(bits):
        return "{" + ", ".join(map(name, reversed(bits))) + "}"

    inputs = [f"input [{len(bits) - 1}:0] {port}" for port, bits in netlist.inputs.items()]
    outputs = [f"output [{len(bits) - 1}:0] {port}" for port, bits in netlist.outputs.items()]
    first = "".join(str(each.initial or 0) for each in reversed(netlist.flip_flops))
    count = len(first)
    lines = [f"module {module} (input clk, {', '.join([*inputs, *outputs])});"]
    lines += [f"wire {', '.join(map(name, netlist.wires))};", f"reg [{count - 1}:0] q = {count}'b{first};"]
    lines += [f"assign {joined(bits)} = {port};" for port, bits in netlist.inputs.items()]
    lines += [f"assign {port} = {joined(bits)};" for port, bits in netlist.outputs.items()]
    lines += [f"assign {joined([each.output for each in netlist.flip_flops])} = q;"]
    lines += [f"always @(posedge clk) q <= {joined([each.data for each in netlist.flip_flops])};"]
    for table in netlist.tables:
        size = 1 << len(table.inputs)
        lines.append(f"assign {name(table.output)} = {size}'d{table.truth} >> {joined(table.inputs)};")
    for number, memory in enumerate(netlist.memories):
        lines.append(f"reg [{memory.width - 1}:0] m{number} [0:{memory.size - 1}]; integer i{number};")
        row = f"m{number}[i{number}]"
        lines.append(
            f"initial for (i{number} = 0; i{number} < {memory.size}; i{number} = i{number} + 1) {row} = 0;"
        )
        for port in memory.reads:
            for place, bit in enumerate(port.data):
                lines += (
                    [f"assign {name(bit)} = m{number}[{joined(port.address)}][{place}];"] if bit >= 0 else []
                )
        for port in memory.writes:
            for place, (bit, enable) in enumerate(zip(port.data, port.enable, strict=True)):
                row = f"m{number}[{joined(port.address)}][{place}]"
                lines.append(f"always @(posedge clk) if ({name(enable)}) {row} <= {name(bit)};")
    return "\n".join([*lines, "endmodule"])


def classified(got, good, played, spike):
    """Return the outcome by the page's words, from a whole run's transfers clock by clock, and the state."""
    clocks, state = got
    words = {name: words_of(getattr(played, name)) for name in ("updates", "events")}
    taken = given = spikes = events = 0
    wrong = False
    for takes, gives, update, tells, event in clocks:
        if tells == "1":
            wrong |= int(event, 16) not in words["events"][max(0, given - 1) : given + 1]
            events += 1
        if gives == "1":
            wrong |= int(update, 16) != words["updates"][given]
            spikes += int(update, 16) >> spike & 1
            given += 1
        taken += takes == "1"
    end = len(clocks) - played.settle
    quiet = clocks[end - played.settle : end]
    if not any(clock[0] == "1" for clock in quiet) or not any(clock[1] == "1" for clock in quiet):
        return Outcome.HUNG
    if taken > given or spikes > events:
        return Outcome.LOST
    if taken < given or spikes < events:
        return Outcome.DOUBLED
    if wrong:
        return Outcome.WRONG if state != good[1] else Outcome.RECOVERED
    if [clock[0] + clock[1] + clock[3] for clock in clocks] != [c[0] + c[1] + c[3] for c in good[0]]:
        return Outcome.DELAYED
    return Outcome.LATENT if state != good[1] else Outcome.MASKED


def words_of(rows):
    """Return the words whose bits are rows."""
    return [sum(int(bit) << place for place, bit in enumerate(row)) for row in rows]


def replayed(tiny, upset, count, directory, simulator):
    """Compare some faults of each outcome with another simulator."""
    export, netlist, played = tiny
    try:
        found = find.find(simulator)
    except InputError as error:
        pytest.skip(str(error))
    outcomes = outcomes_of(upset[1])
    choose, chosen = random.Random(1), []
    for outcome in Outcome:
        clocks, places = np.nonzero(outcomes == outcome)
        picked = choose.sample(range(len(clocks)), min(len(clocks), -(-count // len(Outcome))))
        chosen += [(outcome, int(places[one]), int(clocks[one])) for one in picked]
    replay = Replay(export, netlist, played, directory, found)
    for outcome, place, clock in chosen:
        assert replay.outcome(place, clock) == outcome, (upset[0][place], clock)
    return {outcome for outcome, _, _ in chosen}


@pytest.mark.slow
def test_upsets_replayed_in_icarus_have_the_same_outcomes(tiny, upset, tmp_path):
    assert replayed(tiny, upset, 20, tmp_path, "icarus") == set(Outcome)


@pytest.mark.slow
def test_1000_upsets_replayed_in_verilator_have_the_same_outcomes(tiny, upset, tmp_path):
    replayed(tiny, upset, 1000, tmp_path, "verilator")
