"""The proof that a fault is none: it has to refuse whatever the benches have seen."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from qlif.cosim.configuration import Settings
from qlif.cosim.mutation.equivalence import Equivalence
from qlif.cosim.mutation.faults import plant
from qlif.cosim.mutation.outcomes import KILLED
from qlif.cosim.proof.circuit import Node
from qlif.cosim.proof.population_claims import PopulationProof
from qlif.hdl import probes


@pytest.fixture(scope="module")
def tiny():
    pytest.importorskip("bitwuzla")
    return Settings.read("tiny-8", None).population(16).export(step_bits=8)


def test_faults_between_memory_and_pipeline_are_not_taken_for_none(yosys, tiny, tmp_path):
    export = tiny
    # Whatever is read of a potential or a trace is seen, so each of these is a fault. Which ones a sample has changes
    # with any line of the text.
    for seed in range(1, 20):
        netlist = plant(export, 400, seed, tmp_path)
        read = [m for m in netlist.mutants if "$memrd$state" in m.cell and m.port == "DATA"]
        if read:
            break
    decided = Equivalence(netlist.verilog.read_text(), export, 5.0)
    assert read
    for mutant in read[:2]:
        assert not decided.decide(mutant.number).equivalent


def reset_otherwise(circuit, name):
    """Return a circuit in which a reset turns over the lowest bit of a register."""
    state, (turned, chosen) = circuit.register(name), (max(circuit.sorts) + n for n in (2, 3))
    following, one = circuit.following[state], turned - 1
    return replace(
        circuit,
        nodes=[
            *circuit.nodes,
            Node(one, "constant", constant=1),
            Node(turned, "xor", (following, one)),
            Node(chosen, "ite", (circuit.inputs["rst"], turned, following)),
        ],
        sorts=circuit.sorts | dict.fromkeys((one, turned, chosen), circuit.sorts[state]),
        following={**circuit.following, state: chosen},
    )


def test_what_nobody_reads_before_it_is_written_may_be_reset_to_anything(yosys, tiny, tmp_path):
    netlist = plant(tiny, 1, 1, tmp_path)
    decided = Equivalence(netlist.verilog.read_text(), tiny, 20.0)
    original = decided.original
    newest = reset_otherwise(original, probes.QUEUE_NEWEST)
    assert decided.decide_circuit(newest).equivalent
    assert PopulationProof(newest, tiny.interface, 20.0).reset.verdict == "proved"
    # What the next row is written over, or called, or how many wait, is seen.
    for seen in (probes.QUEUE_WRITTEN, probes.counted_row(probes.OFFERED_ROWS), probes.POPPED):
        assert not decided.decide_circuit(reset_otherwise(original, seen)).equivalent


@pytest.mark.parametrize("memory", [probes.STATE, probes.QUEUE])
def test_a_memory_that_is_not_written_is_a_fault(yosys, tiny, tmp_path, memory):
    netlist = plant(tiny, 1, 1, tmp_path)
    decided = Equivalence(netlist.verilog.read_text(), tiny, 20.0)
    state = decided.original.named[memory]
    following = {**decided.original.following, state: state}
    assert not decided.decide_circuit(replace(decided.original, following=following)).equivalent


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["tiny-8", "square-16"])
def test_no_fault_that_the_benches_see_is_proved_to_be_none(qlif, yosys, preset):
    code, _, errors = qlif("mutate", "--preset", preset, "--count", 100, "--seed", 9)
    assert code == 0, errors
    facts = json.loads(Path("qlif-out/mutation.json").read_text())
    seen = [outcome for outcome in facts["list"] if outcome["result"] == KILLED]
    configuration = Settings.read(preset, None).population(16)
    export = configuration.export(step_bits=8)
    text = Path("qlif-out/mutation/netlist/mutated.v").read_text()
    decided = Equivalence(text, export, 2.0)
    for outcome in random.Random(1).sample(seen, 25):
        decision = decided.decide(outcome["mutant"])
        # The claims about a population leave open in which clock something is done; a bench's record doesn't.
        allowed = decision.reason == "all claims about the population hold"
        assert not decision.equivalent or allowed, (outcome, decision)
