"""Instances side by side in bits, against Icarus on random circuits, and against the golden model."""

import random
import subprocess

import numpy as np
import pytest

from qlif.cosim.bitslice import program, simulation
from qlif.cosim.bitslice.netlist import export_netlist, slice_netlist
from qlif.cosim.bitslice.program import WIDTHS
from qlif.cosim.bitslice.simulation import SliceProgram, SliceSimulation, sliced, unsliced
from qlif.cosim.configuration import Settings
from qlif.cosim.simulator import find
from qlif.model.exceptions import InputError
from qlif.model.golden.neurons import FixedNeurons

OPERATORS = ("+", "-", "*", "&", "|", "^", "<", "==", ">>")
ONES = ~np.uint64(0)
CLOCKS = 60


def random_module(number, choose):
    """Return a small module with every kind of cell: arithmetic, choices, registers of all kinds, a memory."""
    lines, known = [], ["a", "b", "c", "word"]
    for index in range(choose.randint(3, 7)):
        width, signed = choose.randint(1, 9), choose.choice(("", "signed "))
        one, other, third = (choose.choice(known) for _ in range(3))
        lines.append(f"  wire {signed}[{width - 1}:0] w{index} = {one} {choose.choice(OPERATORS)} {other};")
        lines.append(f"  reg [{width - 1}:0] r{index} = {choose.randint(0, (1 << width) - 1)};")
        match choose.randint(0, 3):
            case 0:
                lines.append(f"  always @(posedge clk) r{index} <= w{index};")
            case 1:
                lines.append(f"  always @(posedge clk) if ({third} & 1) r{index} <= w{index};")
            case 2:
                lines.append(
                    f"  always @(posedge clk) if (rst) r{index} <= 1; else r{index} <= w{index} ^ r{index};"
                )
            case _:
                lines.append(
                    f"  always @(posedge clk or posedge rst) if (rst) r{index} <= 0; else r{index} <= w{index};"
                )
        known += [f"w{index}", f"r{index}"]
    mixed = " ^ ".join(choose.sample(known, 3))
    return f"""
module m{number} (input clk, input rst, input [4:0] a, input signed [3:0] b, input c, output [7:0] y, output z);
  reg [5:0] memory [0:6];
  integer i;
  initial for (i = 0; i < 7; i = i + 1) memory[i] = i * {choose.randint(1, 40)};
  wire [2:0] place = a[2:0] == 7 ? 3'd0 : a[2:0];
  wire [5:0] word = memory[place];
  always @(posedge clk) if (c) memory[b[1:0] + b[2]] <= a * 3;
{chr(10).join(lines)}
  assign y = {mixed};
  assign z = {known[-1]} > {known[-2]};
endmodule
"""


def random_circuits(count, seed):
    """Return the text of as many random modules beside each other in one called `top`."""
    choose = random.Random(seed)
    modules = "".join(random_module(number, choose) for number in range(count))
    instances = "".join(
        f"  m{n} i{n} (.clk(clk), .rst(rst), .a(a), .b(b), .c(c), .y(y[{8 * n + 7}:{8 * n}]), .z(z[{n}]));\n"
        for n in range(count)
    )
    ports = f"output [{8 * count - 1}:0] y, output [{count - 1}:0] z"
    inputs = "input clk, input rst, input [4:0] a, input [3:0] b, input c"
    return f"{modules}\nmodule top ({inputs}, {ports});\n{instances}endmodule\n"


def in_icarus(text, count, words, directory):
    """Return what the outputs are before each clock's edge, of one instance; inputs as one word of 11 bits."""
    (directory / "top.v").write_text(text)
    (directory / "in.hex").write_text("\n".join(f"{int(word):x}" for word in words))
    (directory / "bench.v").write_text(f"""
module bench;
  reg clk = 0; reg [10:0] in [0:{len(words) - 1}]; reg [10:0] now; integer i;
  wire [{8 * count - 1}:0] y; wire [{count - 1}:0] z;
  top dut (.clk(clk), .rst(now[10]), .a(now[9:5]), .b(now[4:1]), .c(now[0]), .y(y), .z(z));
  initial begin
    $readmemh("in.hex", in);
    for (i = 0; i < {len(words)}; i = i + 1) begin
      now = in[i]; #1 $display("%b%b", z, y); #1 clk = 1; #1 clk = 0;
    end
    $finish;
  end
endmodule
""")
    subprocess.run(["iverilog", "-g2009", "-o", "sim", "top.v", "bench.v"], cwd=directory, check=True)
    said = subprocess.run(["vvp", "sim"], cwd=directory, check=True, capture_output=True, text=True).stdout
    return [int(line, 2) for line in said.split() if set(line) <= {"0", "1"}]


def in_slices(text, words, width):
    """Return the same of as many instances as there are columns of words."""
    program_ = SliceProgram(slice_netlist(text, "top"), in_step=False, width=width)
    simulated = SliceSimulation(program_)
    inputs, outputs = simulated.inputs(len(words)), simulated.outputs(len(words))
    for name, low, bits in (("rst", 10, 1), ("a", 5, 5), ("b", 1, 4), ("c", 0, 1)):
        inputs[:, program_.inputs[name]] = sliced(words >> low & ((1 << bits) - 1), bits)
    simulated.run(inputs, outputs)
    return np.unpackbits(outputs.view(np.uint8), axis=-1, bitorder="little")


def same_as_icarus(text, count, width, directory, instances):
    words = np.random.default_rng(1).integers(0, 1 << 11, (CLOCKS, width))
    words[:2] |= 1 << 10  # begins with a reset
    ones = in_slices(text, words, width)
    for instance in instances:
        expected = in_icarus(text, count, words[:, instance], directory)
        assert len(expected) == CLOCKS
        # Of the outputs, y comes before z in the order of the ports.
        found = [int("".join(map(str, row[::-1, instance])), 2) for row in ones]
        if found != expected:
            return False
    return True


@pytest.fixture
def icarus():
    try:
        return find.find("icarus")
    except InputError as error:
        pytest.skip(str(error))


def test_random_circuits_are_those_of_icarus(tmp_path, yosys, icarus):
    assert same_as_icarus(random_circuits(12, seed=1), 12, 64, tmp_path, (0, 31, 63))


@pytest.mark.slow
@pytest.mark.parametrize("width", WIDTHS)
def test_200_random_circuits_at_every_width(tmp_path, yosys, icarus, width):
    if width > simulation.widest():
        pytest.skip(f"this processor has no registers of {width} bits")
    assert same_as_icarus(random_circuits(200, seed=2), 200, width, tmp_path, (0, 7, width - 1))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("other, 0xCA", "other, 0xAC"),
        ("is[row] & ~address[bit]", "is[row]"),
        ("b ^ a", "b | a"),
    ],
)
def test_an_error_in_the_simulator_is_found(tmp_path, yosys, icarus, monkeypatch, good, bad):
    head = program._HEAD.replace("a ^ b;", "b ^ a;")
    assert good in head
    monkeypatch.setattr(program, "_HEAD", head.replace(good, bad))
    assert not same_as_icarus(random_circuits(40, seed=1), 40, 64, tmp_path, (0, 1))


@pytest.mark.slow_beyond(1)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_population_whose_instances_stall_each_in_its_own_way(yosys, width):
    if width > simulation.widest():
        pytest.skip(f"this processor has no registers of {width} bits")
    neurons, clocks = 4, 300
    configuration = Settings.read("tiny-8").population(neurons)
    program_ = SliceProgram(export_netlist(configuration.export()), in_step=False, width=width)
    simulated = SliceSimulation(program_)
    reset = simulated.inputs(2)
    reset[:, program_.inputs["rst"]] = ONES
    simulated.run(reset, simulated.outputs(2))
    inputs, outputs = simulated.inputs(clocks), simulated.outputs(clocks)
    inputs[:, :-1] = np.random.default_rng(2).integers(0, 1 << 64, inputs[:, :-1].shape, dtype=np.uint64)
    inputs[:, program_.inputs["rst"]] = 0
    simulated.run(inputs, outputs)

    def given(name, signed=False):
        slices, places = (inputs, program_.inputs) if name in program_.inputs else (outputs, program_.outputs)
        return unsliced(slices[:, places[name]], signed=signed)

    taken = (given("currents_valid") & given("currents_ready")).astype(bool)
    updated = (given("updates_valid") & given("updates_ready")).astype(bool)
    currents, potentials = given("currents_data", True), given("updates_potential", True)
    for instance in range(0, width, 7):
        words = currents[taken[:, instance], instance]
        steps = len(words) // neurons
        golden = FixedNeurons(configuration.words)
        _, kept = golden.run_words(words[: steps * neurons].reshape(steps, neurons), ("potential",))
        found = potentials[updated[:, instance], instance][: steps * neurons]
        assert len(found) > 60
        assert np.array_equal(found, kept["potential"].ravel()[: len(found)])


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("reg q; always @* if (a) q = b; assign y = q;", "keeps its value without a clock"),
        ("reg q; always @(posedge a) q <= b; assign y = q;", "must follow the rising edge of clk"),
        ("reg q; always @(negedge clk) q <= b; assign y = q;", "follow the rising edge of one clock"),
        ("assign y = y ^ a;", "form a loop"),
        ("assign y = ;", "can't be read"),
    ],
)
def test_what_can_not_be_sliced_is_refused_by_name(yosys, body, text):
    with pytest.raises(InputError, match=text):
        slice_netlist(f"module top (input clk, input a, input b, output y); {body} endmodule", "top")


def test_both_values_of_what_is_unknown_are_tried(yosys):
    text = "module top (input clk, output y); reg q; always @(posedge clk) q <= q; assign y = q; endmodule"
    program_ = SliceProgram(slice_netlist(text, "top"), in_step=False, width=64)
    simulated = SliceSimulation(program_, seed=1)
    outputs = simulated.outputs(1)
    simulated.run(simulated.inputs(1), outputs)
    assert 0 < int(outputs[0, 0, 0]).bit_count() < 64


def test_words_are_sliced_and_back():
    words = np.random.default_rng(3).integers(-4096, 4096, (3, 128))
    assert np.array_equal(unsliced(sliced(words, 13), signed=True), words)


def test_a_width_that_there_is_not(yosys):
    text = "module top (input clk, input a, output y); assign y = a; endmodule"
    with pytest.raises(InputError, match="width must be one of 512, 256, 128, 64, not 32"):
        SliceProgram(slice_netlist(text, "top"), in_step=True, width=32)
