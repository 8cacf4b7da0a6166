"""The proof of somebody else's core of several neurons, by the row that is watched: each bug refutes it.

The core has five neurons, so that not every number of three bits is one, and its state in three memories.
"""

import shutil
import tomllib
from pathlib import Path

import pytest

from qlif.cosim.configuration import Settings
from qlif.cosim.mapping.mapped import mapped_export
from qlif.cosim.mapping.read import read_map
from qlif.cosim.mapping.state import read_state
from qlif.cosim.proof.foreign_node import NoInvariant
from qlif.cosim.proof.foreign_update import ANSWERS, RESETS, UPDATES, prove_state
from qlif.model.exceptions import InputError

CELLS = """\
module cells (input ck, input rst, input s_vld, output s_rdy, input signed [7:0] i, output m_vld, input m_rdy,
             output reg [2:0] who, output reg fire, output reg signed [7:0] u_out, output reg [7:0] x_out);
  reg busy, full; reg [2:0] k; reg signed [7:0] i_hold; reg signed [15:0] sq;
  reg signed [7:0] u [0:7]; reg [2:0] c [0:7]; reg [7:0] x [0:7];
  wire [2:0] at = k; wire [2:0] to = k;
  wire signed [7:0] u_k = u[at]; wire [2:0] c_k = c[at]; wire [7:0] x_k = x[at];
  assign s_rdy = !busy; assign m_vld = full;
  wire signed [19:0] sum = (i_hold <<< 4) - 20'sd420 + (u_k <<< 9) + sq;
  wire signed [19:0] rounded = (sum + 20'sd256) >>> 9;
  wire signed [7:0] u_int = rounded > 127 ? 8'sd127 : rounded < -128 ? -8'sd128 : rounded[7:0];
  wire signed [7:0] u_next = c_k == 0 ? u_int : u_k;
  wire hit = u_next >= 8'sd31;
  wire [15:0] faded = x_k * 8'd253;

  always @(posedge ck)
    if (rst) begin
      busy <= 0; full <= 0; k <= 0;
      for (integer j = 0; j < 5; j = j + 1) begin u[j] <= -8'sd20; c[j] <= 0; x[j] <= 0; end
    end else begin
      if (full && m_rdy) full <= 0;
      if (s_vld && s_rdy) begin busy <= 1; i_hold <= i; sq <= u_k * u_k; end
      if (busy && (!full || m_rdy)) begin
        busy <= 0; full <= 1; fire <= hit; who <= k;
        u[to] <= hit ? -8'sd20 : u_next; u_out <= hit ? -8'sd20 : u_next;
        x[to] <= hit ? 8'd64 : faded[15:8]; x_out <= hit ? 8'd64 : faded[15:8];
        c[to] <= hit ? 3'd5 : c_k == 0 ? 3'd0 : c_k - 3'd1;
        k <= k == 4 ? 0 : k + 1;
      end
    end
endmodule
"""

MAP = """\
module = "cells"
sources = ["cells.v"]
contract = "streams"
clock = "ck"
reset = "rst"
neurons = 5

[ports]
current = "i"
current_valid = "s_vld"
current_ready = "s_rdy"
update_valid = "m_vld"
update_ready = "m_rdy"
neuron = "who"
spike = "fire"
potential = "u_out"
trace = "x_out"

[state]
potential = "u"
refractory = "c"
trace = "x"
neuron = "k"
others = { busy = 0, full = 0, fire = "any", who = "any", i_hold = "any", sq = "any", u_out = "any", x_out = "any" }
"""


@pytest.fixture
def prove(prove_core):
    return lambda verilog=CELLS, core_map=MAP: prove_core(verilog, core_map)


def _edited(text, *edits):
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


# No reset clears the memory: until a neuron was updated once, its rows don't count.
WARM = (
    ("for (integer j = 0; j < 5; j = j + 1) begin u[j] <= -8'sd20; c[j] <= 0; x[j] <= 0; end", "warm <= 0;"),
    ("reg busy, full;", "reg busy, full, warm;"),
    ("u_k = u[at];", "u_k = warm ? u[at] : -8'sd20;"),
    ("c_k = c[at];", "c_k = warm ? c[at] : 3'd0;"),
    ("x_k = x[at];", "x_k = warm ? x[at] : 8'd0;"),
    ("k <= k == 4 ? 0 : k + 1;", "k <= k == 4 ? 0 : k + 1; if (k == 4) warm <= 1;"),
)
WARM_MAP = ('neuron = "k"', 'neuron = "k"\nfirst = "warm == 0"')


@pytest.mark.slow_beyond(1)
@pytest.mark.parametrize(
    ("edits", "map_edits"),
    [
        ((), ()),
        (WARM, (WARM_MAP,)),
        # Yosys makes registers of a memory with an asynchronous reset, and what an address beyond them reads is an X.
        pytest.param((("always @(posedge ck)", "always @(posedge ck or posedge rst)"),
          ("output reg [2:0] who", "output reg who"), ("u [0:7]", "u [0:1]"), ("c [0:7]", "c [0:1]"),
          ("x [0:7]", "x [0:1]"),
          ("[2:0] at = k; wire [2:0] to = k", "at = k[0], to = k[0]"), ("j < 5", "j < 2"), ("k == 4", "k == 1")),
         (('reset = "rst"', 'reset = { port = "rst", asynchronous = true }'),
          ("neurons = 5", "neurons = 2")), marks=pytest.mark.slow),
        # Two words in one row, and a counter that isn't read but followed.
        pytest.param((("reg [7:0] x [0:7];", "reg [2:0] left;"),
          ("reg [2:0] c [0:7];", "reg [10:0] c [0:7];"),
          ("c_k = c[at];", "c_k = c[at][10:8];"),
          ("x_k = x[at];", "x_k = c[at][7:0];"),
          ("c[j] <= 0; x[j] <= 0;", "c[j] <= 0; left <= 5;"),
          ("        x[to] <= hit ? 8'd64 : faded[15:8]; x_out", "        left <= left == 1 ? 5 : left - 1; x_out"),
          ("c[to] <= hit ? 3'd5 : c_k == 0 ? 3'd0 : c_k - 3'd1;",
           "c[to] <= {hit ? 3'd5 : c_k == 0 ? 3'd0 : c_k - 3'd1, hit ? 8'd64 : faded[15:8]};")),
         (('refractory = "c"', 'refractory = "c[10:8]"'), ('trace = "x"', 'trace = "c[7:0]"'),
          ("busy = 0,", 'busy = 0, left = "left + golden.neuron == 5",')), marks=pytest.mark.slow),
    ],
    ids=["cleared", "warm", "registers", "packed"],
)  # fmt: skip
def test_a_right_core_is_proved(prove, all_proved, edits, map_edits):
    claims = prove(_edited(CELLS, *edits), _edited(MAP, *map_edits))
    all_proved(claims, RESETS, UPDATES, ANSWERS.format(2))
    assert claims[UPDATES].covers == "all legal states, and all inputs (induction)"


BUGS = {
    "wrong row written": ("[2:0] to = k", "[2:0] to = i_hold == 8'sh2a ? 0 : k"),
    "address bit dropped": ("[2:0] to = k", "[2:0] to = {k[2] && x_k != 7, k[1:0]}"),
    "address bit dropped in both": ("[2:0] at = k; wire [2:0] to = k", "[2:0] at = k[1:0]; wire [2:0] to = at"),
    "neighbour disturbed": ("busy <= 0; full <= 1;", "busy <= 0; full <= 1; if (x_k == 7) x[k + 3'd1] <= 0;"),
    "bomb at one row": ("fire <= hit;", "fire <= hit ^ (k == 3 && x_k == 9);"),
    "stale row": ("[2:0] at = k", "[2:0] at = x[k] == 5 && k != 0 ? k - 1 : k"),
    "turn lost": ("k == 4 ? 0", "k == 4 || (k == 2 && i_hold == 8'sh2a) ? 0"),
    "wrong name": ("who <= k;", "who <= k == 3 && hit ? 2 : k;"),
    "waiting moves it": ("if (full && m_rdy)", "if (!busy && !s_vld) x[3] <= x[3] - (x[3] == 9); if (full && m_rdy)"),
}  # fmt: skip


SLOW = ("address bit dropped in both", "turn lost", "wrong name", "waiting moves it")


@pytest.mark.slow_beyond(2)
@pytest.mark.parametrize(
    "bug", [pytest.param(bug, marks=pytest.mark.slow) if bug in SLOW else bug for bug in BUGS]
)
def test_a_planted_bug_is_refuted(prove, bug):
    claims = prove(_edited(CELLS, BUGS[bug]))
    assert claims[UPDATES].result == "refuted", claims[UPDATES]
    assert claims[RESETS].result == "proved"


@pytest.mark.slow
def test_a_row_that_no_reset_clears_is_refuted(prove):
    claims = prove(_edited(CELLS, ("j < 5", "j < 4")))
    assert claims[RESETS].result == "refuted"
    assert claims[UPDATES].result == "proved"


@pytest.mark.parametrize("when", [pytest.param("k == 3", marks=pytest.mark.slow), "k == 4 && i_hold != 9"])
def test_a_memory_that_counts_too_soon_or_too_late_is_refuted(prove, when):
    text = _edited(_edited(CELLS, *WARM), ("if (k == 4) warm", f"if ({when}) warm"))
    assert prove(text, _edited(MAP, WARM_MAP))[UPDATES].result == "refuted"


@pytest.mark.parametrize(
    ("old", "new", "errors"),
    [
        ('neuron = "k"', "neuron = 5", ["neuron must be a register's name in quotes, not 5"]),
        ('neuron = "k"', "first = true", ["first must be a condition in quotes, not True"]),
        ('neuron = "k"', 'first = "k"', ["first: 'k': k is not a condition"]),
        ('neuron = "k"', 'neurons = "k"', ["unknown key 'neurons': did you mean 'neuron'"]),
        ('trace = "x"', 'trace = "u"', ["register u is named twice, once as trace"]),
        ("sq = ", 'x = "any", sq = ', ["register x is named twice, once as trace"]),
    ],
)
def test_a_table_that_can_not_be_is_refused(old, new, errors):
    table = tomllib.loads(_edited(MAP, (old, new)))["state"]
    with pytest.raises(InputError) as raised:
        read_state(table)
    assert all(error in str(raised.value) for error in errors)


@pytest.mark.slow_beyond(2)
@pytest.mark.parametrize(
    ("edits", "errors"),
    [
        (
            (('trace = "x"', 'trace = "z"'), ('neuron = "k"', 'first = "hot == 0"')),
            ["unknown register 'z'", "unknown register 'hot'", "register k has no place"],
        ),
        (
            (('trace = "x"', 'trace = "x[9:1]"'), ('neuron = "k"', 'neuron = "k"\nfirst = "busy == 1"')),
            ["x[9:1]: x has 8 bits", "busy has a place: first says what it is"],
        ),
        (
            (('trace = "x"', 'trace = "sq"'), ('sq = "any"', 'x = "any"')),
            ["sq holds the trace of 1 neurons, not of 5: name a memory with a row for each"],
        ),
        (
            (('trace = "x"', 'trace = "u[7:0]"'), ("sq = ", 'x = "any", sq = ')),
            ["trace and potential are both in u: name the bits of each"],
        ),
        (
            (('trace = "x"', ""), ("sq = ", 'x = "any", sq = ')),
            ["trace is missing: name the memory with a row for each neuron"],
        ),
    ],
)
def test_a_table_that_contradicts_the_core_is_refused(prove, edits, errors):
    with pytest.raises(InputError) as raised:
        prove(CELLS, _edited(MAP, *edits))
    assert all(error in str(raised.value) for error in errors), raised.value


@pytest.mark.slow
def test_a_register_that_isnt_the_neurons_number_is_told(prove):
    core_map = _edited(MAP, ('neuron = "k"', ""), ("busy = 0,", 'busy = 0, k = "k <= 4",'))
    claims = prove(CELLS, core_map)
    assert claims[UPDATES].what.startswith("the neuron of an update: ")
    with pytest.raises(NoInvariant, match=r"clocks after a reset it isn't so that k = 'k == 3'"):
        prove(CELLS, _edited(core_map, ("k <= 4", "k == 3")))


@pytest.mark.slow
def test_updates_that_overlap_before_the_state_is_written_are_unknown_and_say_why(prove):
    overlapping = (
        ("assign s_rdy = !busy;", "assign s_rdy = !busy || !full || m_rdy;"),
        ("sq <= u_k * u_k; end", "sq <= u_r * u_r; end"),
        ("wire signed [7:0] u_k = u[at];", "wire signed [7:0] u_k = u[at]; wire signed [7:0] u_r = u[next];"),
        ("[2:0] at = k;", "[2:0] at = k; wire [2:0] next = !busy ? k : k == 4 ? 0 : k + 1;"),
        ("if (s_vld && s_rdy) begin busy <= 1; i_hold", "if (s_vld && s_rdy) begin i_hold"),
        ("busy <= 0; full <= 1;", "busy <= s_vld; full <= 1;"),
        (
            "k <= k == 4 ? 0 : k + 1;\n      end",
            "k <= k == 4 ? 0 : k + 1;\n      end else if (s_vld && s_rdy) busy <= 1;",
        ),
    )
    claims = prove(_edited(CELLS, *overlapping))
    assert claims[UPDATES].result == "unknown"
    assert claims[UPDATES].why.startswith("it takes a current before the state after the one before is in ")


STROBE_EDITS = (
    ("input s_vld, output s_rdy, input", "input s_vld, input"),
    ("output m_vld, input m_rdy,", "output m_vld, output spk,"),
    ("assign s_rdy = !busy; assign m_vld = full;", "assign m_vld = full; assign spk = full && fire;"),
    ("if (full && m_rdy) full <= 0;", "full <= 0;"),
    ("if (s_vld && s_rdy) begin", "if (s_vld && !busy) begin"),
    ("if (busy && (!full || m_rdy)) begin", "if (busy) begin"),
)
STROBE_MAP_EDITS = (
    ('contract = "streams"', 'contract = "strobe"'),
    ('current_valid = "s_vld"\ncurrent_ready = "s_rdy"\n', 'start = "s_vld"\n'),
    (
        'update_valid = "m_vld"\nupdate_ready = "m_rdy"\nneuron = "who"\nspike = "fire"\n',
        'done = "m_vld"\nevent = "spk"\n',
    ),
)


# The adapter counts: whose update and event it is, and in which timestep.
@pytest.mark.parametrize(
    ("edit", "result"),
    [
        (("spk = full && fire", "spk = full && fire"), "proved"),
        pytest.param(("spk = full && fire", "spk = full && fire && k != 3"), "refuted", marks=pytest.mark.slow),
        pytest.param(("spk = full && fire", "spk = fire && busy"), "refuted", marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_a_core_that_tells_of_events_alone_is_proved(prove, edit, result):
    claims = prove(_edited(_edited(CELLS, *STROBE_EDITS), edit), _edited(MAP, *STROBE_MAP_EDITS))
    assert claims[UPDATES].result == result, claims[UPDATES]
    assert claims[RESETS].result == "proved"


BANK = Path(__file__).parents[3] / "examples" / "cores" / "bank"

BANK_BUGS = {
    "wrong row written": ("ram[turn] <=", "ram[turn ^ (amp == 16'sh1234)] <="),
    "address bit dropped": ("q <= ram[turn];", "q <= ram[{turn[2] & turn[1:0] != 2'd3, turn[1:0]}];"),
    "stale row": ("q <= ram[turn];", "if (ph == STORE) q <= ram[turn + 3'd1];"),
    "bomb at one row": ("v_new >= V_TH;", "v_new >= V_TH && !(turn == 5 && amp == 16'sd4321);"),
    "counts too soon": ("if (turn == CELLS - 1) warm", "if (turn == CELLS - 2) warm"),
}


@pytest.mark.slow
@pytest.mark.parametrize("bug", [None, *BANK_BUGS])
def test_the_example_core_is_proved_and_its_bugs_refuted(yosys, tmp_path, bug):
    shutil.copytree(BANK, tmp_path, dirs_exist_ok=True)
    text = (BANK / "core.v").read_text()
    (tmp_path / "core.v").write_text(text if bug is None else _edited(text, BANK_BUGS[bug]))
    found = read_map(tmp_path / "core.toml")
    export, _ = mapped_export(found, Settings.read(None, tmp_path / "neuron.toml").population(found.neurons))
    claims = list(prove_state(export, found.state.with_adapter(found), seconds=300))
    results = {claim.claim: claim.result for claim in claims}
    assert results[UPDATES] == ("proved" if bug is None else "refuted")
    assert {result for claim, result in results.items() if claim != UPDATES} == {"proved"}
