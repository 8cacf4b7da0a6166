"""The exported text means the same to every tool: names, events at time 0, registers without initial values."""

import re
import shutil
import subprocess

import numpy as np
import pytest

from qlif import PRESETS, Parameters, quantise
from qlif.hdl import Core, Storage, export
from qlif.hdl.selftest.export import board_top, export_self_test
from qlif.hdl.verilog_names import reserved_in
from qlif.model.golden.neurons import FixedNeurons
from qlif.model.selftest.plan import SelfTestPlan

NEURONS, TIMESTEPS = 16, 12
GENERATIONS = ("2005", "2009", "2012")


def core(preset, storage=None, **choices):
    return Core(quantise(Parameters(n=NEURONS, **choices), PRESETS[preset]), storage=storage or {})


EVERY_KIND = {
    "gates": lambda: export(core("square-16")).verilog,
    "stochastic": lambda: export(core("stochastic-12")).verilog,
    "factored, registers and memories": lambda: (
        export(
            core("factored-16", {"threshold": Storage.REGISTER, "drive": Storage.MEMORY}, lower_bound=-64.0)
        ).verilog
    ),
    "self-test": lambda: self_test_export().verilog + board_top(8, 1),
}


def self_test_export():
    made = export(core("tiny-8"))
    return export_self_test(made, SelfTestPlan.of(made.interface.words))


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_no_name_is_escaped_or_reserved_and_no_block_waits_for_an_event_at_time_0(kind):
    text = re.sub(r"//.*", "", EVERY_KIND[kind]())
    assert "\\" not in text
    assert "always @*" not in text and "always_comb" not in text
    declared = re.findall(r"^ *(?:input|output|wire|reg|module)\s+(?:\[\d+:\d+\] )?(\w+)", text, re.MULTILINE)
    assert len(declared) > 30
    assert {name: language for name in declared if (language := reserved_in(name))} == {}


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_registers_have_their_values_before_any_edge_at_time_0(kind):
    """An `initial` block may run after a clock's first edge, which would take the unknown value for good."""
    assert re.findall(r"^ *initial (?!begin)", EVERY_KIND[kind](), re.MULTILINE) == []


TESTBENCH = """
module testbench;
  reg clk=0, rst=1;
  {signals}
  wire currents_ready, updates_valid, events_valid;
  wire updates_spike;
  wire [{neuron_bits}:0] updates_neuron;
  wire [{potential_bits}:0] updates_potential;
  integer taken = 0;
  reg [{current_bits}:0] currents [0:{last}];
  initial begin
    $readmemh("currents.hex", currents);
    #27 rst = 0;  // between two edges
    {writes}
    #{time} $finish;
  end
  always #5 clk = ~clk;
  qlif_population dut(
    .clk(clk), .rst(rst), .currents_valid(!rst && {ready_to_feed} && taken <= {last}),
    .currents_ready(currents_ready),
    .currents_data(currents[taken]), .updates_valid(updates_valid), .updates_ready(1'b1),
    .updates_neuron(updates_neuron), .updates_spike(updates_spike), .updates_potential(updates_potential),
    .events_valid(events_valid), .events_ready(1'b1){connections}
  );
  always @(posedge clk) if (!rst) begin
    if ({ready_to_feed} && (currents_ready ^ currents_ready) !== 1'b0) $display("X currents_ready");
    if ((updates_valid ^ updates_valid) !== 1'b0) $display("X updates_valid");
    if ((events_valid ^ events_valid) !== 1'b0) $display("X events_valid");
    if ({ready_to_feed} && currents_ready && taken <= {last}) taken <= taken + 1;
    if (updates_valid === 1'b1) $display("%0d %0d %0d", updates_neuron, updates_spike, $signed(updates_potential));
  end
endmodule
"""


def played(tmp_path, made, currents, generation, verilog, writes=()):
    """Return what the updates are, and complaints about X, in Icarus' reading of a year's standard."""
    if shutil.which("iverilog") is None:
        pytest.skip("iverilog isn't installed")
    ports = {port.name: port for port in made.interface.ports}
    width = ports["currents_data"].width
    (tmp_path / "currents.hex").write_text(
        "".join(f"{int(word) & (1 << width) - 1:x}\n" for word in currents.ravel())
    )
    signals = connections = statements = ""
    if writes:
        names = ("valid", "select", "neuron", "word")
        signals = "".join(f"reg [{ports[f'parameters_{name}'].width - 1}:0] p_{name} = 0; " for name in names)
        signals += "wire p_ready; reg written = 0;"
        connections = ", .parameters_ready(p_ready)" + "".join(f", .parameters_{n}(p_{n})" for n in names)
        for select, word in writes:
            statements += f"@(negedge clk) p_valid = 1; p_select = {select}; p_word = {word}; "
            statements += "@(posedge clk); while (p_ready !== 1'b1) @(posedge clk); "
        statements += "@(negedge clk) p_valid = 0; written = 1;"
    (tmp_path / "bench.v").write_text(
        TESTBENCH.format(
            signals=signals,
            writes=statements,
            connections=connections,
            ready_to_feed="written" if writes else "1'b1",
            neuron_bits=ports["updates_neuron"].width - 1,
            potential_bits=ports["updates_potential"].width - 1,
            current_bits=width - 1,
            last=currents.size - 1,
            time=10 * (4 * currents.size + 200),
        )
    )
    (tmp_path / "dut.v").write_text(verilog)
    build = ["iverilog", f"-g{generation}", "-o", "bench", "-s", "testbench", "bench.v", "dut.v"]
    subprocess.run(build, cwd=tmp_path, check=True, capture_output=True, text=True)
    said = subprocess.run(["vvp", "-n", "bench"], cwd=tmp_path, check=True, capture_output=True, text=True)
    lines = said.stdout.splitlines()
    lines = [line for line in lines if not line.startswith("bench.v")]  # that it finishes
    unknown = [line for line in lines if set(line) & set("Xx")]
    return [tuple(map(int, line.split())) for line in lines if line not in unknown], unknown


def golden_updates(words, currents):
    neurons = FixedNeurons(words)
    spikes, kept = neurons.run_words(currents)
    return [
        (neuron, int(spikes[step, neuron]), int(kept["potential"][step, neuron]))
        for step in range(len(currents))
        for neuron in range(currents.shape[1])
    ]


def some_currents(words):
    format = words.arithmetic.current
    return np.random.default_rng(5).integers(0, format.max_word, (TIMESTEPS, NEURONS))


def without_initial_values(verilog):
    """Return Verilog as a tool sees it that ignores initial values: every register and memory begins as X."""
    text, registers = re.subn(r"^( *reg [^=;]*) = [^;]*;", r"\1;", verilog, flags=re.MULTILINE)
    text, blocks = re.subn(r"^ *initial begin\n.*?^ *end\n", "", text, flags=re.MULTILINE | re.DOTALL)
    assert registers and blocks and "initial" not in re.sub(r"//.*|initial_state", "", text)
    return text


@pytest.mark.slow_beyond(4)
@pytest.mark.parametrize("stripped", [False, True])
@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("preset", ["square-16", "stochastic-12"])
def test_one_reset_makes_everything_known_in_every_years_standard(tmp_path, preset, generation, stripped):
    """The clock and the reset have their first values in their declarations, as most testbenches do."""
    made = export(core(preset))
    words = made.interface.words
    currents = some_currents(words)
    verilog = without_initial_values(made.verilog) if stripped else made.verilog
    updates, unknown = played(tmp_path, made, currents, generation, verilog)
    assert unknown == []
    assert updates == golden_updates(words, currents)


@pytest.mark.parametrize("stripped", [False, True])
@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_register_without_an_initial_value_is_known_once_it_is_written(tmp_path, generation, stripped):
    made = export(core("square-16", {"threshold": Storage.REGISTER, "reset": Storage.REGISTER}))
    words = made.interface.words
    currents = some_currents(words)
    verilog = without_initial_values(made.verilog) if stripped else made.verilog
    width = made.interface.core.word_format.width
    writes = [
        (one.select, int(words.constants[one.name].word) & (1 << width) - 1) for one in made.interface.runtime
    ]
    updates, unknown = played(tmp_path, made, currents, generation, verilog, writes)
    assert unknown == []
    assert updates == golden_updates(words, currents)


@pytest.mark.parametrize("passes", [True, False])
def test_the_board_tells_that_it_passed_in_the_clock_in_which_it_is_done(tmp_path, passes):
    if shutil.which("iverilog") is None:
        pytest.skip("iverilog isn't installed")
    (tmp_path / "bench.v").write_text(
        """
module qlif_self_test(input clk, input rst, input start, input [31:0] timesteps, input [7:0] stalls,
                      output reg done, output [31:0] timestep, output [127:0] signature);
  assign signature = 128'd7;
  assign timestep = 0;
  always @(posedge clk) if (rst) done <= 0; else if (start) done <= 1;
endmodule
module testbench;
  reg clk = 0, rst = 1, start = 0;
  wire done, passed;
  qlif_self_test_board dut(.clk(clk), .rst(rst), .start(start), .done(done), .passed(passed));
  always #5 clk = ~clk;
  initial begin #32 rst = 0; #10 start = 1; #100 $finish; end
  always @(negedge clk) if (!rst) $display("%b%b", done, passed);
endmodule
"""
        + board_top(1, 7 if passes else 8)
    )
    build = ["iverilog", "-o", "bench", "-s", "testbench", "bench.v"]
    subprocess.run(build, cwd=tmp_path, check=True, capture_output=True)
    said = subprocess.run(["vvp", "-n", "bench"], cwd=tmp_path, check=True, capture_output=True, text=True)
    seen = [line for line in said.stdout.split() if re.fullmatch("[01xz]{2}", line)]
    first = next(line for line in seen if line[0] == "1")
    assert first == ("11" if passes else "10")
    assert set(seen) <= {"00", first}
