"""The proof that a fault is none: it has to refuse whatever the benches have seen."""

import json
import random
from pathlib import Path

import pytest

from qlif.cosim.configuration import Settings
from qlif.cosim.mutation.equivalence import POWERED, Equivalence, _folded
from qlif.cosim.mutation.mutated_netlist import plant
from qlif.cosim.mutation.outcomes import KILLED
from qlif.cosim.proof.circuit import Clock
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.reach import Reach
from qlif.cosim.proof.read_verilog import read_circuit


@pytest.fixture(scope="module")
def tiny():
    pytest.importorskip("bitwuzla")
    return Settings.read("tiny-8", None).population(16).export(step_bits=8)


@pytest.mark.slow
def test_faults_between_memory_and_pipeline_are_not_taken_for_none(yosys, tiny, tmp_path):
    export = tiny
    # Whatever is read of a potential or a trace is seen, so each of these is a fault. Which ones a sample has changes
    # with any line of the text.
    for seed in range(1, 20):
        netlist = plant(export, 400, seed, tmp_path)
        read = [m for m in netlist.mutants if "$memrd$state" in m.cell and m.port == "DATA"]
        if read:
            break
    decided = Equivalence(netlist.selectable(), export, 5.0)
    assert read
    for mutant in read[:2]:
        assert not decided.decide(mutant.number).equivalent


def faults_at(netlist, cell, port, bit):
    """Return the faults of a pin, by their kind; a cell of the population or, with a dot, of a part of it."""
    found = [
        m for m in netlist.mutants
        if m.cell.startswith(f"core.{cell}") and (m.port, m.bit) == (port, bit)
    ]  # fmt: skip
    assert len({m.cell for m in found}) == 1
    return {m.mode: m.number for m in found}


@pytest.mark.slow
@pytest.mark.parametrize(
    "cell",
    [
        "$auto$proc_memwr",
        "$memrd$state",
        "outlet.$memrd$queue",
        "outlet.$auto$proc_memwr",
    ],
)
def test_a_bit_of_a_memory_that_no_state_sets_may_be_stuck_at_0(yosys, tiny, tmp_path, cell):
    netlist = plant(tiny, None, 1, tmp_path)
    words, never = tiny.interface.words, Reach.of(tiny.interface.words).trace.bit_length()
    assert never < words.arithmetic.trace.width
    before = 1 if "outlet" in cell else words.formats["refractory"].width
    trace = words.formats["potential"].width + before
    data, used = (faults_at(netlist, cell, "DATA", trace + bit) for bit in (never, never - 1))
    # It would read 1 where it never is; and the same in a bit that is set now and then.
    expected = {data["const0"]: True, data["const1"]: False, used["const0"]: False}
    if "memwr" in cell:
        enable, used = (faults_at(netlist, cell, "EN", trace + bit) for bit in (never, never - 1))
        expected |= {enable["const0"]: True, enable["inv"]: True, used["const0"]: False}
    decided = Equivalence(netlist.only(expected).selectable(), tiny, 2.0)
    decided.check_premise()
    found = {number: decided.decide(number) for number in expected}
    assert {number: found[number].equivalent for number in expected} == expected, found
    if "memwr" in cell:
        # What is never written is 0 only because memories begin so: a reset alone leaves what it held before.
        assert found[enable["const0"]].reason == POWERED


@pytest.mark.slow
def test_what_the_first_update_makes_nothing_of_is_no_matter(yosys, tiny, tmp_path):
    netlist = plant(tiny, None, 1, tmp_path)
    words = tiny.interface.words
    trace = words.formats["potential"].width + words.formats["refractory"].width
    # A trace of one LSB decays to 0; of two it doesn't, and a potential of one more is another potential.
    mux = next(m.cell for m in netlist.mutants if m.net.endswith("stored") or "port_20_0" in m.net)
    begin = {
        bit: faults_at(netlist, mux.removeprefix("core."), "B", bit)["inv"] for bit in (0, trace, trace + 2)
    }
    decided = Equivalence(netlist.only(begin.values()).selectable(), tiny, 2.0)
    found = {bit: decided.decide(number).equivalent for bit, number in begin.items()}
    assert found == {0: False, trace: True, trace + 2: False}


@pytest.mark.slow
def test_faults_are_decided_in_any_company(yosys, tiny, tmp_path):
    netlist = plant(tiny, None, 1, tmp_path)
    cells = json.loads((tmp_path / "netlist.json").read_text())["modules"][netlist.module]["cells"]

    def is_none(mutant):
        bit = cells[mutant.raw_cell]["connections"][mutant.port][mutant.bit]
        return (bit, mutant.mode) in (("0", "const0"), ("1", "const1"))

    none = [mutant.number for mutant in netlist.mutants if is_none(mutant)][:8]
    seen = next(m.number for m in netlist.mutants if "$memrd$state" in m.cell and m.port == "DATA")
    decided = Equivalence(netlist.only({*none, seen}).selectable(), tiny, 2.0)
    assert len(none) == 8
    *several, last = decided.decide_all([*none, seen])
    assert all(each.equivalent for each in several) and not last.equivalent


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["tiny-8", "square-16"])
def test_no_fault_that_the_benches_see_is_proved_to_be_none(qlif, yosys, preset):
    code, _, errors = qlif("mutate", "--preset", preset, "--count", 100, "--seed", 9)
    assert code == 0, errors
    facts = json.loads(Path("qlif-out/mutation.json").read_text())
    seen = [outcome for outcome in facts["list"] if outcome["result"] == KILLED]
    configuration = Settings.read(preset, None).population(16)
    export = configuration.export(step_bits=8)
    text = plant(export, 100, 9, Path("planted")).selectable()
    decided = Equivalence(text, export, 2.0)
    for outcome in random.Random(1).sample(seen, 25):
        decision = decided.decide(outcome["mutant"])
        # The claims about a population leave open in which clock something is done; a bench's record doesn't.
        allowed = decision.reason == "all claims about the population hold"
        assert not decision.equivalent or allowed, (outcome, decision)


def test_a_memory_that_is_never_written_because_of_a_fault_keeps_its_words(yosys):
    circuit = read_circuit(
        "module m(input clk, input en, input a, input [1:0] d, output [1:0] q);\n"
        "reg [1:0] words [0:1]; always @(posedge clk) if (en) words[a] <= d; assign q = words[a]; endmodule\n",
        "m",
    )
    folded = _folded(circuit, {circuit.inputs["en"]: 0}, ())
    terms = Products()
    states = {
        node: terms.fresh_array(circuit.sorts[node].index, circuit.sorts[node].width)
        for node in circuit.states.values()
    }
    assert len(states) == 1
    assert Clock(terms, folded, {}, states).following() == states
    # What decides is the constant: else a word may be written.
    assert Clock(terms, circuit, {}, states).following() != states
