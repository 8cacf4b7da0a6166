"""Every pair through the gates: of a right pipeline, and of wrong ones."""

import json
from dataclasses import replace

import pytest

from qlif.cosim.bitslice.exhaustion import exhaust
from qlif.cosim.configuration import Settings
from qlif.hdl.targets.catalogue import primitives
from qlif.hdl.verilog import export_neuron
from qlif.model.golden.step import State, step, where_integer


def test_every_pair_of_tiny_8(qlif, yosys):
    code, output, errors = qlif("exhaust", "--preset", "tiny-8", "--json")
    facts = json.loads(output)
    assert (code, facts["first_difference"], facts["all"]) == (0, None, True), errors
    assert facts["pairs"] == {"ready": 1 << 16, "refractory": 1 << 16}


@pytest.mark.slow_beyond(1)
@pytest.mark.parametrize("gates", ["ecp5", "up5k"])
def test_the_mapped_netlist_too(yosys, gates):
    found = exhaust(Settings.read("tiny-8"), gates=gates)
    assert (found.pairs, found.difference) == (1 << 16, None)


@pytest.mark.slow
def test_the_mapped_netlist_of_a_family_s_own_multiplier(yosys):
    # Its model is Yosys' own: ours beside it would be a second module of the name.
    core = Settings.read("tiny-8").population(1).core(built_from=primitives("explicit", "up5k"))
    found = exhaust(Settings.read("tiny-8"), export_neuron(core), gates="up5k")
    assert (found.pairs, found.difference) == (1 << 16, None)


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["square-16", "stochastic-12"])
def test_a_part_of_the_pairs_of_others(yosys, preset):
    found = exhaust(Settings.read(preset), most=1 << 20)
    assert found.pairs >= 1 << 20 and found.difference is None
    assert not found.all or preset != "square-16"


def test_a_fault_at_one_state_and_one_current_is_found_and_named(yosys):
    settings = Settings.read("tiny-8")
    export = export_neuron(settings.population(1).core())
    # Around the module: one pair's spike is turned over.
    text = export.verilog.replace("module qlif_neuron(", "module inner(")
    ports = export.interface.ports
    declared = ", ".join(f"{port.direction} [{port.width - 1}:0] {port.name}" for port in ports)
    connected = ", ".join(
        f".{port.name}({port.name if port.name != 'spike_out' else 'spiked'})" for port in ports
    )
    latency = export.interface.latency
    wrapped = f"""{text}
module qlif_neuron (input clk, input rst, {declared});
  wire spiked;
  reg [{latency - 1}:0] bomb = 0;
  always @(posedge clk) bomb <= {{bomb, potential_in == 8'd37 && current_in == 8'd211}};
  assign spike_out = spiked ^ bomb[{latency - 1}];
  inner core (.clk(clk), .rst(rst), {connected});
endmodule
"""
    found = exhaust(settings, replace(export, verilog=wrapped))
    assert found.difference is not None
    assert (found.difference.potential, found.difference.current & 255) == (37, 211)
    assert found.difference.what == "spike"


@pytest.mark.slow
def test_gates_of_another_threshold_differ_in_a_spike(yosys):
    settings = Settings.read("tiny-8")
    other = Settings.read("tiny-8", None, [("--set", "threshold=-50")]).population(1)
    difference = exhaust(settings, export_neuron(other.core())).difference
    assert difference is not None and "spike" in difference.what
    words = settings.population(1).words
    state = State(difference.potential, difference.refractory, difference.trace)
    assert (
        step(words, words.values, state, difference.current, 0, where_integer)[1]
        != step(other.words, other.words.values, state, difference.current, 0, where_integer)[1]
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--most", 0), "--most must be a whole number, 1 or more, not 0"),
        (("--threads", -1), "--threads must be a whole number, 1 or more, not -1"),
        (("--instances", 100), "width must be one of"),
        (("--gates", "ecp6"), "ecp6"),
    ],
)
def test_what_is_refused(qlif, yosys, arguments, text):
    code, _, errors = qlif("exhaust", "--preset", "tiny-8", *arguments)
    assert code == 2 and text in errors
