"""What a simulator and Yosys read of one text: told in every report, and no proof where they differ."""

import hashlib
import json
import re

import pytest

from qlif import hdl
from qlif.cosim.foreign_views import YOSYS, read_views
from qlif.cosim.simulator.find import SimulatorName, installed
from qlif.model.parameters import Parameters
from qlif.model.presets import preset
from qlif.model.quantisation import quantise

PLAIN = """`timescale 1ns / 1ps
`default_nettype none
module a(input wire x, output wire y); // `ifdef in a comment
 assign y = x; // ``YOSYS
 initial $display("`VERILATOR // no comment");
endmodule
"""
HIDING = {
    "Verilator's macro": "`ifdef VERILATOR\n assign y = x;\n`else\n assign y = !x;\n`endif",
    "Icarus' macro": "`ifndef __ICARUS__\n assign y = x;\n`else\n assign y = !x;\n`endif",
    "Yosys' macro": "`ifdef YOSYS\n assign y = x;\n`else\n assign y = !x;\n`endif",
    "synthesis' macro": "`ifdef SYNTHESIS\n assign y = x;\n`elsif A\n`else\n assign y = !x;\n`endif",
    "a macro of a macro": "`ifdef YOSYS\n`define N ~\n`else\n`define N\n`endif\n assign y = `N x;",
    "a comment": "assign y = x\n// synopsys translate_off\n ^ 1\n// synopsys translate_on\n;",
    "a comment in one line": "assign y = x /*synthesis translate_off*/ ^ 1 /* synthesis translate_on */;",
    "a case that is said to be full": "reg z; always @* case (x) // synthesis full_case\n 1: z = 0; endcase",
}
HARMLESS = {
    "a constant": "`define WIDTH 1\nwire [`WIDTH-1:0] w = x; assign y = w;",
    "a macro with arguments": "`define INV(a) ~(a)\n assign y = `INV( x );",
    "an own switch": "`ifdef NOBODY\n assign y = !x;\n`else\n assign y = x;\n`endif",
    "comments": "assign y = /* `WIDTH */ x; // verilator lint_off WIDTH\n`define UNUSED",
    "a hidden comment": "`ifdef NOBODY\n// synopsys translate_off\n`endif\n assign y = x;",
}


def module(body):
    return f"module a(input wire x, output wire y);\n{body}\nendmodule\n"


def simulators():
    found = installed()
    assert found
    return found


def test_a_text_without_macros_is_the_same_for_all(monkeypatch):
    monkeypatch.setattr("qlif.cosim.foreign_views.yowasp", None)  # no tool is asked
    views = read_views(PLAIN, tuple(SimulatorName))
    assert not views.difference and not views.macros
    assert set(views.sha256) == {YOSYS, *SimulatorName} and len(set(views.sha256.values())) == 1
    spaced = PLAIN.replace(" assign", "\n /* */ assign").replace("input wire x", "input  wire x")
    assert read_views(spaced, ()).sha256[YOSYS] == views.sha256[YOSYS]
    assert read_views(PLAIN.replace("y = x", "y = !x"), ()).sha256[YOSYS] != views.sha256[YOSYS]


@pytest.mark.parametrize("body", HIDING.values(), ids=HIDING)
def test_code_that_one_tool_alone_reads_is_found(body, yosys):
    views = read_views(module(body), simulators())
    assert views.macros and views.difference
    assert any(digest != views.sha256[YOSYS] for digest in views.sha256.values())


@pytest.mark.parametrize("body", HARMLESS.values(), ids=HARMLESS)
def test_macros_that_mean_the_same_to_all_are_no_difference(body, yosys):
    views = read_views(module(body), simulators())
    assert views.difference == "" and len(set(views.sha256.values())) == 1


def test_the_difference_is_shown(yosys):
    views = read_views(module(HIDING["Verilator's macro"]), [SimulatorName.VERILATOR])
    assert views.difference == (
        "verilator reads 'y = x ; endmodule' where Yosys reads 'y = ! x ; endmodule': "
        "a macro or a comment hides code from one of them"
    )


def neuron():
    return hdl.export_neuron(hdl.Core(quantise(Parameters(n=1), preset("tiny-8")))).verilog


PROVE = (
    "prove", "--preset", "tiny-8", "--verilog", "mine.v", "--module", "qlif_neuron", "--json",
    "--report", "report.html",
)  # fmt: skip


def switched(text):
    """Return a text that is right for Yosys alone: one line is another for a simulator."""
    right = re.search(r"^ *assign \w+ = (.*);$", text, re.MULTILINE)
    assert right is not None
    wrong = right[0].replace(right[1], f"!({right[1]})")
    return text.replace(right[0], f"`ifdef YOSYS\n{right[0]}\n`else\n{wrong}\n`endif")


def test_a_proof_of_what_no_simulator_reads_fails(qlif, tmp_path, yosys):
    (tmp_path / "mine.v").write_text(switched(neuron()))
    code, said, errors = qlif(*PROVE)
    assert code == 1
    views, update = json.loads(said)
    assert (views["result"], update["result"]) == ("refuted", "proved")
    assert views["claim"] == "simulators read the text that is proved"
    digest = hashlib.sha256((tmp_path / "mine.v").read_bytes()).hexdigest()
    for claim in (views, update):
        assert claim["files_sha256"] == {"mine.v": digest}
        assert set(claim["views"]["sha256"]) == {YOSYS, *installed()}
        assert "where Yosys reads" in claim["views"]["difference"]
    assert f"warning: mine.v: {views['views']['difference']}" in errors
    assert digest in (tmp_path / "report.html").read_text()


def test_a_proof_without_a_simulator_to_compare_with_is_open(qlif, tmp_path, monkeypatch, yosys):
    monkeypatch.setattr("qlif.cosim.simulator.find.installed", list)
    (tmp_path / "mine.v").write_text(switched(neuron()))
    code, said, _ = qlif(*PROVE)
    assert code == 1 and [claim["result"] for claim in json.loads(said)] == ["unknown", "proved"]
    (tmp_path / "mine.v").write_text(neuron())
    code, said, _ = qlif(*PROVE)
    assert code == 0 and [claim["result"] for claim in json.loads(said)] == ["proved"]
