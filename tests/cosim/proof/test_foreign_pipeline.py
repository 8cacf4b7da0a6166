"""The proof of somebody else's pipeline: it holds for any number of updates, and each planted fault refutes it."""

import pytest

from qlif.cosim.configuration import Settings
from qlif.cosim.mapping.mapped import mapped_export
from qlif.cosim.mapping.read import read_map
from qlif.cosim.mutation.foreign_equivalence import ForeignEquivalence
from qlif.cosim.mutation.mutated_netlist import plant
from qlif.cosim.proof.foreign_pipeline import LEGAL_WORDS, UPDATE, prove_pipeline
from qlif.cosim.proof.tasks import mapped_tasks
from qlif.model.exceptions import InputError

PIPELINE = """\
module pipe (input ck, input signed [7:0] i, u, input [2:0] n, input [7:0] x,
             output reg fire, output reg signed [7:0] u_out, output reg [2:0] n_out, output reg [7:0] x_out);
  reg signed [7:0] i1, u1; reg [2:0] n1; reg [7:0] x1; reg signed [15:0] sq;
  wire signed [19:0] sum = (i1 <<< 4) - 20'sd420 + (u1 <<< 9) + sq;
  wire signed [19:0] rounded = (sum + 20'sd256) >>> 9;
  wire signed [7:0] u_int = rounded > 127 ? 8'sd127 : rounded < -128 ? -8'sd128 : rounded[7:0];
  wire signed [7:0] u_next = n1 == 0 ? u_int : u1;
  wire hit = u_next >= 8'sd31;
  wire [15:0] faded = x1 * 8'd253;
  always @(posedge ck) begin
    i1 <= i; u1 <= u; n1 <= n; x1 <= x; sq <= u * u;
    fire <= hit; u_out <= hit ? -8'sd20 : u_next; x_out <= hit ? 8'd64 : faded[15:8];
    n_out <= hit ? 3'd5 : n1 == 0 ? 3'd0 : n1 - 3'd1;
  end
endmodule
"""

MAP = """\
module = "pipe"
sources = ["pipe.v"]
contract = "pipeline"
clock = "ck"
reset = false
latency = 2
neurons = 3

[ports]
current = "i"
potential_in = "u"
potential = "u_out"
refractory_in = "n"
refractory = "n_out"
trace_in = "x"
trace = "x_out"
spike = "fire"
"""


@pytest.fixture
def prove(tmp_path, yosys):
    def proved(verilog=PIPELINE, core_map=MAP):
        (tmp_path / "pipe.v").write_text(verilog)
        (tmp_path / "core.toml").write_text(core_map)
        found = read_map(tmp_path / "core.toml")
        export, _ = mapped_export(found, Settings.read("tiny-8").population(found.neurons))
        legal, claim = prove_pipeline(export, found, seconds=60)
        assert legal.result == "proved"
        return claim

    return proved


def test_a_right_pipeline_is_proved_for_all_states(prove):
    claim = prove()
    assert (claim.claim, claim.result, claim.bound) == (UPDATE, "proved", None)
    assert claim.covers == f"{LEGAL_WORDS} (induction)"


BUGS = {
    "one state, one current": (">= 8'sd31", ">= 8'sd31 && !(u1 == 30 && i1 == 77)"),
    "input sampled late": ("(i1 <<< 4)", "(i <<< 4)"),
    "2^20 updates later": ("sq <= u * u;", "age <= age + 1; sq <= &age ? 16'd0 : u * u;"),
    "magic sequence": ("i1 <= i;", "i1 <= i1 == 77 && i == 42 ? 0 : i;"),
    "an x in one bit": ("i1 <= i;", "i1 <= u == 30 ? i ^ 8'b0000x000 : i;"),
}


@pytest.mark.slow_beyond(2)
@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_refuted(prove, bug):
    old, new = BUGS[bug]
    assert PIPELINE.count(old) == 1
    text = PIPELINE.replace(old, new).replace("signed [15:0] sq;", "signed [15:0] sq; reg [19:0] age = 0;")
    claim = prove(text)
    assert claim.result == "refuted"
    assert {"current", "potential"} <= claim.counterexample.keys()


def test_another_latency_is_refuted(prove):
    assert prove(core_map=MAP.replace("latency = 2", "latency = 1")).result == "refuted"


def test_a_pipeline_keeps_no_state_of_its_own(tmp_path, yosys):
    (tmp_path / "pipe.v").write_text(PIPELINE)
    (tmp_path / "core.toml").write_text(f'{MAP}\n[state]\npotential = "u_out"\n')
    found = read_map(tmp_path / "core.toml")
    configuration = Settings.read("tiny-8").population(found.neurons)
    export, _ = mapped_export(found, configuration)
    with pytest.raises(InputError, match="a pipeline keeps none"):
        list(mapped_tasks(configuration, export, found))


@pytest.mark.slow
def test_a_fault_in_a_pipeline_is_decided_by_its_update(tmp_path, yosys, monkeypatch):
    (tmp_path / "pipe.v").write_text(PIPELINE)
    (tmp_path / "core.toml").write_text(MAP)
    core_map = read_map(tmp_path / "core.toml")
    export, _ = mapped_export(core_map, Settings.read("tiny-8").population(core_map.neurons))
    netlist = plant(export, 40, 1, tmp_path / "netlist")
    equivalence = ForeignEquivalence(netlist, export, core_map, 60.0)
    # The first proof compares clock by clock, from any registers: it would hide what the second one says.
    monkeypatch.setattr(ForeignEquivalence, "_same", lambda *arguments: False)
    equivalence.check_premise()
    # Which faults are of which kind changes with any line of the core or its adapter.
    decided = {}
    for mutant in netlist.mutants:
        decision = equivalence.decide(mutant.number)
        decided.setdefault(decision.equivalent, decision.reason)
        if len(decided) == 2:
            break
    assert decided[True] == "every update is the golden step"
    assert decided[False].startswith(f"refuted: {UPDATE}")
