"""The proof of somebody else's core from a table of its registers: it holds, and each planted fault refutes it.

The core is small, so that each proof takes a second; the bugs are of the kinds that runs from reset miss.
"""

import json
import re
import tomllib

import pytest

from qlif.cosim.benches.monitors import no_event
from qlif.cosim.configuration import Settings
from qlif.cosim.proof.counterexample import lines
from qlif.cosim.proof.foreign_node import NoInvariant
from qlif.cosim.proof.foreign_update import (
    ANSWERS,
    RESETS,
    TAKES,
    UPDATES,
)
from qlif.model.exceptions import InputError

NEURON = """\
module cell_a (input ck, input nrst, input go, input signed [7:0] i, output reg rdy, output reg fire,
             output signed [7:0] u_out, output [7:0] x_out);
  reg [1:0] ph; reg signed [7:0] u, i_hold; reg [2:0] ref_ct; reg [7:0] x; reg signed [15:0] sq;
  assign u_out = u; assign x_out = x;
  // 12 fraction bits, rounded to 3 and saturated.
  wire signed [19:0] sum = (i_hold <<< 4) - 20'sd420 + (u <<< 9) + sq;
  wire signed [19:0] rounded = (sum + 20'sd256) >>> 9;
  wire signed [7:0] u_int = rounded > 127 ? 8'sd127 : rounded < -128 ? -8'sd128 : rounded[7:0];
  wire signed [7:0] u_next = ref_ct == 0 ? u_int : u;
  wire hit = u_next >= 8'sd31;
  wire [15:0] faded = x * 8'd253;
  always @(posedge ck or negedge nrst)
    if (!nrst) begin
      ph <= 0; rdy <= 0; fire <= 0; u <= -8'sd20; ref_ct <= 0; x <= 0; i_hold <= 0; sq <= 0;
    end else begin
      rdy <= 0;
      case (ph)
        0: if (go) begin i_hold <= i; ph <= 1; end
        1: begin sq <= u * u; ph <= 2; end
        2: begin
          u <= hit ? -8'sd20 : u_next; x <= hit ? 8'd64 : faded[15:8];
          ref_ct <= hit ? 3'd5 : ref_ct == 0 ? 3'd0 : ref_ct - 3'd1;
          fire <= hit; rdy <= 1; ph <= 0;
        end
        default: ph <= 0;
      endcase
    end
endmodule
"""

MAP = """\
module = "cell_a"
sources = ["cell.v"]
contract = "strobe"
clock = "ck"
reset = { port = "nrst", active = "low", asynchronous = true }

[ports]
start = "go"
current = "i"
done = "rdy"
spike = "fire"
potential = "u_out"
trace = "x_out"

[state]
potential = "u"
refractory = "ref_ct"
trace = "x"

[state.others]
ph = 0
rdy = 0
fire = "any"
i_hold = "any"
sq = "any"
"""

STREAM = """\
module cell_a (input ck, input rst, input s_vld, output s_rdy, input signed [7:0] i, output m_vld, input m_rdy,
             output reg fire, output reg signed [7:0] u_out, output reg [7:0] x_out);
  reg busy, full; reg signed [7:0] u, i_hold; reg [2:0] ref_ct; reg [7:0] x; reg signed [15:0] sq;
  assign s_rdy = !busy; assign m_vld = full;
  wire signed [19:0] sum = (i_hold <<< 4) - 20'sd420 + (u <<< 9) + sq;
  wire signed [19:0] rounded = (sum + 20'sd256) >>> 9;
  wire signed [7:0] u_int = rounded > 127 ? 8'sd127 : rounded < -128 ? -8'sd128 : rounded[7:0];
  wire signed [7:0] u_next = ref_ct == 0 ? u_int : u;
  wire hit = u_next >= 8'sd31;
  wire [15:0] faded = x * 8'd253;
  always @(posedge ck)
    if (rst) begin busy <= 0; full <= 0; u <= -8'sd20; ref_ct <= 0; x <= 0; end
    else begin
      if (full && m_rdy) full <= 0;
      if (s_vld && s_rdy) begin busy <= 1; i_hold <= i; sq <= u * u; end
      if (busy && (!full || m_rdy)) begin
        busy <= 0; full <= 1; fire <= hit;
        u <= hit ? -8'sd20 : u_next; u_out <= hit ? -8'sd20 : u_next;
        x <= hit ? 8'd64 : faded[15:8]; x_out <= hit ? 8'd64 : faded[15:8];
        ref_ct <= hit ? 3'd5 : ref_ct == 0 ? 3'd0 : ref_ct - 3'd1;
      end
    end
endmodule
"""

STREAM_MAP = """\
module = "cell_a"
sources = ["cell.v"]
contract = "streams"
clock = "ck"
reset = "rst"

[ports]
current = "i"
current_valid = "s_vld"
current_ready = "s_rdy"
update_valid = "m_vld"
update_ready = "m_rdy"
spike = "fire"
potential = "u_out"
trace = "x_out"

[state]
potential = "u"
refractory = "ref_ct"
trace = "x"
others = { busy = 0, full = 0, fire = "any", i_hold = "any", sq = "any", u_out = "any", x_out = "any" }
"""


@pytest.fixture
def prove(prove_core):
    return lambda verilog=NEURON, core_map=MAP: prove_core(verilog, core_map)


def _edited(text, old, new):
    assert text.count(old) == 1, old
    return text.replace(old, new)


@pytest.mark.parametrize(("verilog", "core_map", "clocks"), [(NEURON, MAP, 3), (STREAM, STREAM_MAP, 2)])
def test_a_right_core_is_proved(prove, all_proved, verilog, core_map, clocks):
    claims = prove(verilog, core_map)
    all_proved(claims, RESETS, TAKES, UPDATES, ANSWERS.format(clocks))
    assert claims[UPDATES].bound is None
    assert claims[UPDATES].covers == "all legal states, and all inputs (induction)"


BUGS = {
    "one state, one current": (">= 8'sd31", ">= 8'sd31 && !(u == 30 && i_hold == 77)"),
    "threshold": (">= 8'sd31", "> 8'sd31"),
    "refractory": ("hit ? 3'd5", "hit ? 3'd4"),
    "rounding": ("+ 20'sd256", "+ 20'sd255"),
    "late": ("(i_hold <<< 4)", "(i <<< 4)"),
    "spike isn't shown": ("fire <= hit;", "fire <= hit && x != 8'd7;"),
    "never answered": ("if (go)", "if (go && i != 8'h2a)"),
    "waiting moves it": ("rdy <= 0;\n      case", "rdy <= 0; if (ph == 0 && !go && x == 9) u <= u + 1;\n      case"),
    "done twice": ("rdy <= 0;\n      case", "rdy <= ph == 1;\n      case"),
}  # fmt: skip


@pytest.mark.slow_beyond(4)
@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_refuted(prove, bug):
    claims = prove(_edited(NEURON, *BUGS[bug]))
    assert claims[UPDATES].result == "refuted", claims[UPDATES]
    assert claims[UPDATES].what
    assert claims[RESETS].result == "proved"


def test_an_update_that_is_dropped_in_some_states_is_refuted_soon(prove):
    claims = prove(_edited(NEURON, "rdy <= 1; ph <= 0;", "rdy <= x == 8'd3 ? 1'bx : 1'b1; ph <= 0;"))
    assert claims[UPDATES].what == "an update never comes, however long the outputs are taken"


UNSEEN = (
    ("rdy <= 1; ph <= 0;", "rdy <= 1; ph <= 0; sq <= 16'bx;"),
    ("default: ph <= 0;", "default: begin ph <= 2'bx; u <= 8'bx; end"),
)


def test_an_x_may_be_any_value(prove):
    shown = _edited(NEURON, "fire <= hit;", "if (x != 8'd3) fire <= hit; else fire <= 1'bx;")
    assert "spike" in prove(shown)[UPDATES].what
    bit = _edited(NEURON, "? u_int : u;", "? (i_hold == 77 ? u_int ^ 8'b0000x000 : u_int) : u;")
    assert prove(bit)[UPDATES].result == "refuted"


def test_an_x_that_nothing_comes_of_is_right(prove):
    text = NEURON
    for edit in UNSEEN:
        text = _edited(text, *edit)
    assert prove(text)[UPDATES].result == "proved"


def test_a_done_that_lasts_until_the_next_start(prove, all_proved):
    core_map = _edited(MAP, 'done = "rdy"', 'done = { port = "rdy", lasts = "start" }')
    text = _edited(NEURON, "      rdy <= 0;\n", "")
    text = _edited(text, "if (go) begin i_hold", "if (go) begin rdy <= 0; i_hold")
    claims = prove(text, _edited(core_map, "rdy = 0", 'rdy = "any"'))
    all_proved(claims)


STREAM_BUGS = {
    "moves while it waits": ("m_rdy) full <= 0;", "m_rdy) full <= 0; else if (full) x_out <= 0;"),
    "withdrawn": ("if (full && m_rdy) full <= 0;", "if (full && (m_rdy || x == 8'd3)) full <= 0;"),
    "overwritten": ("if (busy && (!full || m_rdy))", "if (busy)"),
    "dropped": ("busy <= 0; full <= 1;", "busy <= 0; full <= !(full && x == 8'd3);"),
}  # fmt: skip


@pytest.mark.slow_beyond(1)
@pytest.mark.parametrize("bug", STREAM_BUGS)
def test_a_bug_under_stalls_is_refuted(prove, bug):
    claims = prove(_edited(STREAM, *STREAM_BUGS[bug]), STREAM_MAP)
    assert claims[UPDATES].result == "refuted", claims[UPDATES]


@pytest.mark.slow_beyond(2)
@pytest.mark.parametrize("word", ["u <= -8'sd20;", "ref_ct <= 0;", "x <= 0;", "ph <= 0;"])
def test_what_survives_a_reset_is_refuted(prove, word):
    before, after = NEURON.split("end else begin", 1)
    claims = prove(_edited(before, word, "") + "end else begin" + after)
    assert claims[RESETS].result == "refuted", claims[RESETS]
    assert claims[UPDATES].result == "proved"


COUNTED = (
    ("reg signed [15:0] sq;", "reg signed [15:0] sq; reg [20:0] n = 0;"),
    ("rdy <= 1; ph <= 0;", "rdy <= 1; ph <= 0; if (!n[20]) n <= n + 1;"),
    ("assign u_out = u;", "assign u_out = n[20] ? 8'sd0 : u;"),
)


def _counted():
    text = NEURON
    for edit in COUNTED:
        text = _edited(text, *edit)
    return text


def test_a_counter_has_to_have_a_place(prove):
    with pytest.raises(InputError, match=r'register n has no place: give it a value, "any" or a condition'):
        prove(_counted())


def test_any_means_really_any(prove):
    claims = prove(_counted(), MAP + 'n = "any"\n')
    assert claims[UPDATES].result == "refuted"
    assert "potential" in claims[UPDATES].what


@pytest.mark.slow
@pytest.mark.parametrize("place", ["0", '"n <= 3"'])
def test_a_counter_that_leaves_its_place_is_told(prove, place):
    with pytest.raises(NoInvariant, match=r"state: .*\bn\b"):
        prove(_counted(), MAP + f"n = {place}\n")


def test_a_condition_that_is_an_invariant_is_enough(prove):
    text = NEURON.replace("reg signed [15:0] sq;", "reg signed [15:0] sq; reg [2:0] n;")
    text = text.replace("sq <= 0;", "sq <= 0; n <= 0;").replace(
        "fire <= hit;", "fire <= hit; n <= n == 5 ? 0 : n + 1;"
    )
    text = _edited(text, "assign u_out = u;", "assign u_out = n > 5 ? 8'sd0 : u;")
    assert prove(text, MAP + 'n = "n <= 5"\n')[UPDATES].result == "proved"


def test_the_step_that_leaves_a_table_is_told_in_numbers(prove):
    told = (
        r"ph = 'ph <= 1' is no invariant: waiting .* leaves it, from current = .*potential = -?\d+, .*ph = 1"
    )
    with pytest.raises(NoInvariant, match=told):
        prove(NEURON, _edited(MAP, "ph = 0", 'ph = "ph <= 1"'))


@pytest.mark.slow
def test_a_counter_that_counts_up_is_placed_by_the_golden_one(prove, all_proved):
    text = NEURON.replace("ref_ct == 0", "ref_ct == 5").replace("hit ? 3'd5 :", "hit ? 3'd0 :")
    text = _edited(text, "3'd0 : ref_ct - 3'd1", "3'd5 : ref_ct + 3'd1").replace(
        "ref_ct <= 0;", "ref_ct <= 5;"
    )
    core_map = _edited(MAP, 'refractory = "ref_ct"\n', "")
    claims = prove(text, core_map + 'ref_ct = "ref_ct + golden.refractory == 5"\n')
    all_proved(claims)

    # A word that no register is named for is the golden model's, and said to be.
    faulty = _edited(text, "u_next >= 8'sd31", "u_next >= 8'sd30")
    refuted = prove(faulty, core_map + 'ref_ct = "ref_ct + golden.refractory == 5"\n')[UPDATES]
    assert refuted.result == "refuted" and refuted.of_golden == ("refractory",)
    words = Settings.read("tiny-8").population(1).words
    named = [line.name for line in lines(words, refuted.counterexample, refuted.of_golden)]
    assert "refractory, golden model" in named and "potential" in named


@pytest.mark.slow
def test_a_dropped_event_reads_as_in_the_testbenches(prove):
    text = _edited(NEURON, "output reg fire,", "output reg fire, output reg told,").replace(
        "rdy <= 0;\n      case", "rdy <= 0; told <= 0;\n      case"
    )
    text = _edited(text, "fire <= hit; rdy <= 1;", "fire <= hit; told <= hit && x != 8'd3; rdy <= 1;")
    text = text.replace("ph <= 0; rdy <= 0; fire <= 0; u", "ph <= 0; rdy <= 0; told <= 0; fire <= 0; u")
    core_map = _edited(MAP, 'spike = "fire"\n', 'spike = "fire"\nevent = "told"\n') + "told = 0\n"
    assert prove(text.replace(" && x != 8'd3", ""), core_map)[UPDATES].result == "proved"
    refuted = prove(text, core_map)[UPDATES]
    assert re.fullmatch(re.escape(no_event(0, 777)).replace("777", r"\d+"), refuted.what), refuted


@pytest.mark.slow_beyond(4)
@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("ph = 0", "ph = 9", "ph has 2 bits, which don't hold 9"),
        ("ph = 0", "pq = 0", "unknown register 'pq': did you mean"),
        ('trace = "x"\n', "", "register x has no place"),
        ('sq = "any"', 'sq = "whatever"', "is not a condition"),
        ('sq = "any"', 'sq = "sq < other"', "unknown register 'other'"),
        ('sq = "any"', 'sq = "sq < golden.voltage"', "unknown word of the golden model"),
        ('sq = "any"', "sq = true", "not True"),
        ('potential = "u"', 'potential = "x"', "named twice"),
        ("ph = 0", 'ph = "ph == 1 and ph == 2"', "no registers and no legal state are as all its conditions"),
    ],
)
def test_a_wrong_table_is_refused(prove, old, new, error):
    with pytest.raises(InputError, match=error):
        prove(NEURON, _edited(MAP, old, new))


@pytest.mark.slow
@pytest.mark.parametrize(("verilog", "core_map"), [(NEURON, MAP), (STREAM, STREAM_MAP)])
def test_the_proposed_table_proves_the_core(qlif, yosys, prove, tmp_path, verilog, core_map):
    without = core_map.partition("[state]")[0]
    (tmp_path / "cell.v").write_text(verilog)
    (tmp_path / "core.toml").write_text(without)
    code, table, errors = qlif("prove", "--map", tmp_path / "core.toml", "--preset", "tiny-8", "--find-state")
    assert code == 0, errors
    assert 'sq = "any"  # not placed' in table
    assert tomllib.loads(table)["state"]["potential"] == "u"
    assert prove(verilog, without + table)[UPDATES].result == "proved"


@pytest.mark.slow
def test_the_command_says_what_it_covers(prove, qlif, tmp_path):
    (tmp_path / "cell.v").write_text(_edited(NEURON, *BUGS["one state, one current"]))
    (tmp_path / "core.toml").write_text(MAP)
    code, output, errors = qlif("prove", "--map", tmp_path / "core.toml", "--preset", "tiny-8", "--json")
    claims = {claim["claim"]: claim for claim in json.loads(output)}
    assert code == 1, errors
    assert claims[UPDATES]["result"] == "refuted"
    assert claims[UPDATES]["method"] == "induction"
    assert claims[UPDATES]["counterexample"] == {"current": 77, "potential": 30} | {
        name: claims[UPDATES]["counterexample"][name] for name in ("refractory", "trace", "event_time")
    }
    assert "in an update from" in errors


@pytest.mark.slow
@pytest.mark.parametrize("first", ["i[3:0]", "{i[7], 3'd1}"])
def test_a_counter_that_a_current_sets_is_followed_to_its_end(prove, all_proved, first):
    # More numbers than are followed each by itself, and fewer.
    text = NEURON.replace("sq <= 0;", "sq <= 0; n <= 0;")
    for old, new in (
        ("reg [1:0] ph;", "reg [1:0] ph; reg [3:0] n;"),
        ("i_hold <= i; ph <= 1;", f"i_hold <= i; n <= {first}; ph <= 1;"),
        (
            "1: begin sq <= u * u; ph <= 2; end",
            "1: begin sq <= u * u; if (n == 0) ph <= 2; else n <= n - 1; end",
        ),
    ):
        text = _edited(text, old, new)
    claims = prove(text, MAP + "n = 0\n")
    all_proved(claims)
