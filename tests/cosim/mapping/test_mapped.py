"""Cores behind their adapters: right ones pass every net, wrong ones and wrong maps don't."""

import json
import shutil
from dataclasses import replace
from functools import partial

import pytest

from qlif.cosim.configuration import Settings
from qlif.cosim.mapping.core_map import PortUse
from qlif.cosim.mapping.mapped import mapped_export
from qlif.cosim.mapping.read import read_map
from qlif.hdl.interface import Interface
from qlif.hdl.verilog import export_neuron
from qlif.model.exceptions import InputError

pytestmark = pytest.mark.usefixtures("yosys")

CONFIGURATION = Settings.read("tiny-8").population(1)
PIPELINE = export_neuron(CONFIGURATION.core())
LATENCY = PIPELINE.interface.latency
WAITING = CONFIGURATION.words.refractory.width
START = int(CONFIGURATION.words.constants["reset"].word) & 0xFF

STROBE = f"""\
module qif_cell #(parameter V_START = 0) (
  input ck, input nrst, input go, input scan, input [11:0] i,
  output reg rdy, output reg fire_n, output [9:0] u, output reg [7:0] x, output reg [{WAITING - 1}:0] n
);
  reg [7:0] v;
  reg [{LATENCY}:0] moving;
  wire [7:0] v1, x1;
  wire [{WAITING - 1}:0] n1;
  wire fire1;
  reg [7:0] held;
  assign u = {{v ^ 8'h80, 2'b00}};
  always @(posedge ck or negedge nrst)
    if (!nrst) begin
      v <= V_START; x <= 0; n <= 0; moving <= 0; rdy <= 0; fire_n <= 1; held <= 0;
    end else begin
      moving <= {{moving[{LATENCY - 1}:0], go}};
      if (go) held <= i[11:4];
      rdy <= moving[{LATENCY}];
      if (moving[{LATENCY}]) begin v <= v1; x <= x1; n <= n1; fire_n <= !fire1; end
    end
  qlif_neuron step(.clk(ck), .rst(1'b0), .potential_in(v), .refractory_in(n), .trace_in(x), .current_in(held),
    .potential_out(v1), .refractory_out(n1), .trace_out(x1), .spike_out(fire1));
endmodule
"""

STROBE_MAP = """\
module = "qif_cell"
sources = ["core.v", "neuron.v"]
contract = "strobe"
clock = "ck"
reset = { port = "nrst", active = "low", asynchronous = true }
constants = { scan = 0 }
parameters = { V_START = "reset" }

[ports]
start = "go"
done = "rdy"
current = { port = "i", align = "left" }
potential = { port = "u", align = "left", encoding = "offset" }
spike = { port = "fire_n", active = "low" }
trace = "x"
refractory = "n"
"""

PIPELINE_MAP = f"""\
module = "qlif_neuron"
sources = ["neuron.v"]
contract = "pipeline"
clock = "clk"
reset = "rst"
latency = {LATENCY}
neurons = {LATENCY + 1}

[ports]
current = "current_in"
potential_in = "potential_in"
refractory_in = "refractory_in"
trace_in = "trace_in"
potential = "potential_out"
refractory = "refractory_out"
trace = "trace_out"
spike = "spike_out"
"""


def write(folder, core=STROBE, text=STROBE_MAP):
    """Write a core and its map; return the map's file."""
    (folder / "core.v").write_text(core)
    (folder / "neuron.v").write_text(PIPELINE.verilog)
    file = folder / "core.toml"
    file.write_text(text)
    return file


def cosim(qlif, simulator, *more):
    """Run a short co-simulation of the map; return its exit code, results and errors."""
    code, said, errors = qlif(
        *("cosim", "--map", "core.toml", "--preset", "tiny-8", "--steps", 300, "--out", "out", "--json"),
        *("--simulator", simulator.name, *more),
    )
    return code, json.loads(said) if said else None, errors


slow = partial(pytest.param, marks=pytest.mark.slow)


@pytest.mark.slow
def test_a_strobed_core_is_compared_and_measured(qlif, tmp_path, quick_simulator):
    write(tmp_path)
    code, facts, _ = cosim(qlif, quick_simulator, "--thorough")
    assert code == 0
    assert facts["mismatches"] == 0 and facts["updates"] == 300
    assert facts["speed"] == {"latency": [LATENCY + 2] * 2, "interval": [LATENCY + 3] * 2, "updates": 256}
    assert facts["latency"] == LATENCY + 2
    assert facts["not_compared"] == ["events"]
    assert (facts["thorough_tests"], facts["thorough_failed"]) == (4, 0)


@pytest.mark.slow_beyond(1)
@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        slow("fire_n <= !fire1", "fire_n <= fire1", "spike: expected", id="spike"),
        slow("x <= x1", "x <= x1 ^ 1", "trace: expected", id="trace"),
        pytest.param("n <= n1", "n <= n1 ^ 1", "refractory: expected", id="refractory"),
        pytest.param(
            "rdy <= moving[", "rdy <= v != V_START[7:0] && moving[", "update is missing", id="dropped"
        ),
        slow("rdy <= moving[", "rdy <= moving[1] || moving[", "potential: expected", id="doubled"),
        slow("held <= i[11:4]", "held <= i[10:3]", "potential: expected", id="shifted"),
    ],
)
def test_a_faulty_core_is_found(qlif, tmp_path, quick_simulator, old, new, told):
    assert old in STROBE
    write(tmp_path, STROBE.replace(old, new, 1))
    code, facts, errors = cosim(qlif, quick_simulator, "--input", "constant:amplitude=20")
    assert code == 1
    assert told in (facts["first_mismatch"]["text"] if facts else errors)


@pytest.mark.slow
def test_what_a_core_does_not_tell_is_not_compared(qlif, tmp_path, quick_simulator):
    text = STROBE_MAP.replace('trace = "x"\nrefractory = "n"\n', "").replace("spike = ", "# ")
    write(tmp_path, STROBE.replace("x <= x1", "x <= 7"), text)
    code, facts, _ = cosim(qlif, quick_simulator)
    # The trace feeds nothing but itself.
    assert code == 0
    assert facts["not_compared"] == ["spike", "trace", "refractory", "events"]


@pytest.mark.slow
def test_a_value_outside_the_format_is_a_mismatch(qlif, tmp_path, quick_simulator):
    # The port could show more than the configuration's potential holds, and does once.
    text = STROBE_MAP.replace('"u", align = "left"', '"u", format = "SQ(5,5)"')
    write(tmp_path, STROBE.replace("2'b00}", "1'b0, v[0]}"), text)
    code, facts, errors = cosim(qlif, quick_simulator, "--input", "constant:amplitude=20")
    assert code == 1
    assert "missing" in (facts["first_mismatch"]["text"] if facts else errors)


@pytest.mark.slow
def test_a_pipeline_gets_its_state(qlif, tmp_path, quick_simulator):
    write(tmp_path, text=PIPELINE_MAP)
    code, facts, _ = cosim(qlif, quick_simulator, "--thorough")
    assert code == 0
    assert facts["neurons"] == LATENCY + 1
    assert facts["speed"]["latency"] == [LATENCY] * 2
    assert facts["speed"]["interval"] == [1, 1]
    assert facts["thorough_failed"] == 0


@pytest.mark.slow
def test_a_pipeline_that_is_slower_than_its_map_fails(qlif, tmp_path, quick_simulator):
    write(tmp_path, text=PIPELINE_MAP.replace(f"latency = {LATENCY}", f"latency = {LATENCY - 1}"))
    code, facts, _ = cosim(qlif, quick_simulator)
    assert code == 1 and facts["mismatches"]


@pytest.mark.slow
def test_our_own_population_is_a_core_with_streams(qlif, tmp_path, quick_simulator):
    text = CONFIGURATION.export().verilog
    (tmp_path / "core.v").write_text(text)
    ports = "\n".join(
        f'{role} = "{port}"'
        for role, port in {
            **{f"current_{end}": f"currents_{end}" for end in ("valid", "ready")},
            **{f"update_{end}": f"updates_{end}" for end in ("valid", "ready")},
            "current": "currents_data",
            **{name: f"updates_{name}" for name in ("neuron", "spike", "potential", "trace")},
            "event": "events_valid",
            "event_ready": "events_ready",
            **{f"event_{name}": f"events_{name}" for name in ("neuron", "step")},
        }.items()
    )
    (tmp_path / "core.toml").write_text(
        'module = "qlif_population"\nsources = ["core.v"]\ncontract = "streams"\nclock = "clk"\nreset = "rst"\n'
        f"latency = 2\n[ports]\n{ports}\n"
    )
    code, facts, _ = cosim(qlif, quick_simulator, "--thorough")
    assert facts["mismatches"] == 0 and facts["thorough_failed"] == 0
    assert facts["not_compared"] == ["refractory"]
    # Its latency is more than what the map claims, and that alone fails.
    (failure,) = facts["failures"]
    assert code == 1
    assert failure.startswith("the latency is ") and failure.endswith("above the map's 2 clocks")


@pytest.mark.slow
def test_a_core_without_a_reset_goes_on(qlif, tmp_path, quick_simulator):
    core = STROBE.replace("input nrst, ", "").replace("  always @(posedge ck or negedge nrst)", "\n".join((
        "  wire nrst = 1'b1;",
        "  initial begin v = V_START; x = 0; n = 0; moving = 0; rdy = 0; fire_n = 1; held = 0; end",
        "  always @(posedge ck)",
    )))  # fmt: skip
    text = STROBE_MAP.replace(
        'reset = { port = "nrst", active = "low", asynchronous = true }', "reset = false"
    )
    write(tmp_path, core, text)
    code, facts, _ = cosim(qlif, quick_simulator, "--thorough")
    assert code == 0
    # All but the one of resets, and of the speed, which is measured by itself.
    assert (facts["thorough_tests"], facts["thorough_failed"]) == (3, 0)


@pytest.mark.slow
def test_a_done_may_last_until_the_next_start(qlif, tmp_path, quick_simulator):
    core = STROBE.replace(f"rdy <= moving[{LATENCY}]", f"rdy <= moving[{LATENCY}] || (rdy && !go)")
    file = write(tmp_path, core, STROBE_MAP.replace('"rdy"', '{ port = "rdy", lasts = "start" }'))
    code, facts, _ = cosim(qlif, quick_simulator)
    assert (code, facts["mismatches"]) == (0, 0)
    # Taken for a clock, each clock of it is an update.
    file.write_text(STROBE_MAP)
    assert cosim(qlif, quick_simulator)[0] == 1


def with_delays(qlif, tmp_path, simulator):
    write(tmp_path, "`timescale 1ns/1ps\n" + STROBE.replace("rdy <= ", "rdy <= #1 "))
    code, facts, _ = cosim(qlif, simulator)
    assert (code, facts["mismatches"]) == (0, 0)


@pytest.mark.slow
def test_delays_and_a_time_unit_are_no_matter(qlif, tmp_path, quick_simulator):
    with_delays(qlif, tmp_path, quick_simulator)


@pytest.mark.slow
def test_nor_are_they_in_any_simulator(qlif, tmp_path, simulator):
    with_delays(qlif, tmp_path, simulator)


def contradictions(tmp_path, core=STROBE, text=STROBE_MAP):
    """Return what is said of a core and a map that contradict each other."""
    with pytest.raises(InputError) as refused:
        mapped_export(read_map(write(tmp_path, core, text)), CONFIGURATION)
    return str(refused.value)


def test_every_contradiction_is_told_at_once(tmp_path):
    text = STROBE_MAP.replace('"rdy"', '"rdi"').replace('start = "go"', 'start = "fire_n"')
    said = contradictions(tmp_path, text=text.replace('spike = { port = "fire_n", active = "low" }\n', ""))
    assert "the module has no such port: unknown port 'rdi': did you mean 'rdy'?" in said
    assert "port fire_n is an output of the module, not an input" in said
    assert "input go is not in the map: give it a role, or a value in [constants]" in said


def test_every_width_that_does_not_fit_is_told_at_once(tmp_path):
    text = STROBE_MAP.replace('{ port = "i", align = "left" }', '"i"').replace("scan = 0", "scan = 2")
    said = contradictions(
        tmp_path, text=text.replace('trace = "x"', 'trace = { port = "x", format = "UQ(4,6)" }')
    )
    assert 'current: port i has 12 bits, and SQ(7,1) has 8: say its format, or align = "left"' in said
    assert "trace: port x has 8 bits, and UQ(4,6) has 10" in said
    assert "constants: scan has 1 bits, which don't hold 2" in said


def test_what_has_no_effect_on_a_port_is_refused(tmp_path):
    text = STROBE_MAP.replace('trace = "x"', 'trace = { port = "x", active = "low" }')
    said = contradictions(tmp_path, text=text.replace('"fire_n", active = "low"', '"fire_n", align = "left"'))
    assert "trace: port x has a value: active is for what is yes or no" in said
    assert "spike: port fire_n is one bit: it has no align and no encoding" in said


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("reset, synchronous", ", asynchronous = true", "reset nrst is asynchronous in the module"),
        ("polarity", 'active = "low", ', "reset nrst is active low in the module"),
    ],
    ids=["synchronous", "high"],
)
def test_a_map_that_contradicts_the_reset_is_refused(tmp_path, old, new, told):
    assert told in contradictions(tmp_path, text=STROBE_MAP.replace(new, ""))


def test_a_reset_that_is_not_asynchronous_is_refused(tmp_path):
    core = STROBE.replace(" or negedge nrst", "")
    assert "reset nrst is no register's asynchronous reset" in contradictions(tmp_path, core)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "posedge ck or negedge",
            "posedge gated or negedge",
            "is clocked by gated, not by ck: a gated clock",
        ),
        ("posedge ck or negedge", "negedge ck or negedge", "follows the falling edge of ck"),
        ("fire_n <= !fire1", "fire_n <= !fire1 ^ open", "core.v:13: open is a latch"),
        ("fire_n <= !fire1", "fire_n <= !fire1 ^ bus", "core.v:14: z of a tristate"),
        ("posedge ck or negedge", "posedge scan or negedge", "is clocked by the port scan, not by ck"),
        ("fire_n <= !fire1", "fire_n <= !fire1 ^ loop", "core.v:15: a combinational loop through loop"),
        ("fire_n <= !fire1", "fire_n <= !fire1 ^ two", "multiple conflicting drivers for two"),
    ],
    ids=["gated", "falling", "latch", "tristate", "port", "loop", "drivers"],
)
def test_clocks_that_no_net_follows_are_refused(tmp_path, old, new, told):
    more = "  wire gated = ck && go;\n  reg open;\n  always @* if (go) open = i[0];"
    more += "\n  wire bus; assign bus = go ? i[0] : 1'bz;"
    more += "\n  wire loop; assign loop = !loop ^ go;\n  wire two; assign two = !go; assign two = !scan;"
    core = STROBE.replace(old, new).replace("  reg [7:0] held;", f"  reg [7:0] held;\n{more}")
    assert told in contradictions(tmp_path, core)


def test_what_a_tool_says_of_the_text_comes_with_file_and_line(tmp_path):
    line = STROBE.splitlines().index("  wire fire1;") + 1
    said = contradictions(tmp_path, STROBE.replace("  wire fire1;", "  wire fire1"))
    assert f"core.v:{line + 1}:" in said
    # Verilator takes this one, and Yosys doesn't.
    said = contradictions(
        tmp_path, STROBE.replace("  wire fire1;", "  wire fire1; string text; initial text.len();")
    )
    assert f"core.v:{line}: " in said and "rror" in said


def test_a_module_that_is_not_ended_is_told_in_its_file(tmp_path):
    last = len(STROBE.rstrip().splitlines()) - 1
    said = contradictions(tmp_path, STROBE.replace("endmodule", ""))
    assert f"core.v:{last}: module qif_cell, which begins in line 1, has no endmodule" in said


def test_a_parameter_that_is_not_there_is_named(tmp_path):
    said = contradictions(tmp_path, text=STROBE_MAP.replace("V_START =", "V_STRAT ="))
    assert said == "parameters: unknown parameter 'V_STRAT': did you mean 'V_START'?"


def test_every_source_that_is_none_is_told_at_once(tmp_path):
    text = STROBE_MAP.replace('"core.v", "neuron.v"', '"core.v", "neuron.v", "neuron.v", ".", "nix.v"')
    more = 'includes = ["core.v", "nix"]\ndefines = ["WIDTH=3", "a b", "=1"]\ncontract'
    said = contradictions(tmp_path, text=text.replace("contract", more))
    for told in (
        f"{tmp_path} must be a file, and is a folder",
        "nix.v can't be read: there is no such file",
        "core.v must be a folder, and is a file",
        "nix can't be read: there is no such folder",
        "neuron.v is named twice",
        "define must be NAME or NAME=VALUE, not 'a b'",
        "define must be NAME or NAME=VALUE, not '=1'",
    ):
        assert told in said
    assert "WIDTH" not in said


@pytest.mark.slow
def test_files_includes_and_defines_make_one_text(qlif, tmp_path, quick_simulator):
    core = '`include "start.vh"\n' + STROBE.replace("rdy <= moving", "rdy <= `GO && moving")
    file = write(tmp_path, core, STROBE_MAP.replace(', "neuron.v"', ""))
    folder = tmp_path / "inc"
    folder.mkdir()
    (folder / "start.vh").write_text("`define GO (`LEVEL == 3)\n")
    more = ("--source", "neuron.v", "--include", "inc")
    code, _, said = cosim(qlif, quick_simulator, *more)
    assert code == 2 and "LEVEL" in said
    code, facts, _ = cosim(qlif, quick_simulator, *more, "--define", "LEVEL=3")
    assert (code, facts["mismatches"]) == (0, 0)
    # In the map they are the same.
    text = file.read_text().replace("contract", 'includes = ["inc"]\ndefines = ["LEVEL=3"]\ncontract')
    file.write_text(text.replace('"core.v"', '"core.v", "neuron.v"'))
    export, _ = mapped_export(read_map(file), CONFIGURATION)
    assert "(3 == 3) && moving" in export.verilog
    assert cosim(qlif, quick_simulator, "--source", "none.v")[0] == 2


@pytest.mark.slow
def test_what_the_lint_says_is_shown_and_can_be_waived(qlif, tmp_path, quick_simulator):
    core = STROBE.replace("  wire fire1;", "  wire fire1;\n  wire [3:0] odd = i;")
    file = write(tmp_path, core)
    code, _, said = cosim(qlif, quick_simulator)
    assert code == 0 and "lint: WIDTHTRUNC: " in said and "core.v:" in said
    file.write_text('waivers = ["WIDTHTRUNC"]\n' + STROBE_MAP)
    code, _, said = cosim(qlif, quick_simulator)
    assert code == 0 and "WIDTHTRUNC" not in said


@pytest.mark.slow
@pytest.mark.parametrize("command", ["prove", "selftest"])
def test_other_nets_take_the_map(qlif, tmp_path, command):
    own = () if command == "prove" else ("--steps", 500)
    arguments = (command, "--map", "core.toml", "--preset", "tiny-8", "--out", "out", "--json", *own)
    write(tmp_path)
    assert qlif(*arguments)[0] == 0
    write(tmp_path, STROBE.replace("x <= x1", "x <= x1 ^ fire1"))
    assert qlif(*arguments)[0] == 1


def test_the_adapter_is_written_to_keep(qlif, tmp_path):
    write(tmp_path)
    code, said, _ = qlif("export", "--map", "core.toml", "--preset", "tiny-8", "--out", "out", "--json")
    assert code == 0
    text = (tmp_path / "out/qif_cell_adapter.v").read_text()
    assert "qif_cell #(.V_START(" in text and ".nrst(~rst)" in text
    assert "module qif_cell " not in text
    read = Interface.read(tmp_path / "out/interface.json")
    assert json.loads(said)["mapped"]["module"] == "qif_cell"
    assert read.mapped is not None and read.mapped.absent == ("events",)
    assert "updates_refractory" in [port.name for port in read.ports]


def test_an_option_that_the_map_says_is_refused(qlif, tmp_path):
    write(tmp_path)
    for option in (("--neurons", 4), ("--lanes", 2), ("--register", "threshold"), ("--verilog", "core.v")):
        code, _, said = qlif("cosim", "--map", "core.toml", "--preset", "tiny-8", *option)
        assert code == 2 and f"{option[0]} requires no --map" in said


def test_a_word_that_is_not_there_is_refused(tmp_path):
    said = contradictions(tmp_path, text=STROBE_MAP.replace('V_START = "reset"', 'V_START = "resett"'))
    assert "parameters: V_START: the configuration has no parameter word 'resett'" in said


VHDL = """\
library ieee; use ieee.std_logic_1164.all; use ieee.numeric_std.all;
entity Integrator is
  generic (START : integer := 0);
  port (Clk, Rst, Go : in std_logic; I : in signed(7 downto 0); Done : out std_logic; V : out signed(7 downto 0));
end entity;
architecture rtl of Integrator is
  signal held : signed(7 downto 0);
begin
  V <= held;
  process (Clk) begin
    if rising_edge(Clk) then
      Done <= Go;
      if Rst = '1' then held <= to_signed(START, 8); Done <= '0';
      elsif Go = '1' then held <= held + I; end if;
    end if;
  end process;
end architecture;
"""


def test_vhdl_is_taken_through_ghdl(tmp_path):
    if shutil.which("ghdl") is None:
        pytest.skip("no ghdl")
    (tmp_path / "core.vhd").write_text(VHDL)
    file = tmp_path / "core.toml"
    file.write_text(
        'module = "Integrator"\nsources = ["core.vhd"]\ncontract = "strobe"\nclock = "Clk"\nreset = "Rst"\n'
        'parameters = { START = "reset" }\n[ports]\nstart = "Go"\ncurrent = "I"\ndone = "Done"\npotential = "V"\n'
    )
    core_map = read_map(file)
    export, _ = mapped_export(core_map, CONFIGURATION)
    assert "Integrator core (" in export.verilog and export.interface.module == "Integrator_adapter"
    wrong = {**core_map.ports, "potential": PortUse("VV")}
    with pytest.raises(InputError, match=r"unknown port 'VV': did you mean 'V'"):
        mapped_export(replace(core_map, ports=wrong), CONFIGURATION)
    (tmp_path / "core.vhd").write_text(VHDL.replace("held + I;", "held + ;"))
    with pytest.raises(InputError, match=r"ghdl: .*core.vhd:14:"):
        mapped_export(core_map, CONFIGURATION)
