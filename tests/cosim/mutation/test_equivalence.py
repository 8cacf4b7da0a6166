"""The proof that a fault is none: it has to refuse whatever the benches have seen."""

import json
import random
from pathlib import Path

import pytest

from qlif.cosim.configuration import Settings
from qlif.cosim.mutation.equivalence import Equivalence
from qlif.cosim.mutation.faults import plant
from qlif.cosim.mutation.outcomes import KILLED


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
    decided = Equivalence(netlist.selectable(), export, 5.0)
    assert read
    for mutant in read[:2]:
        assert not decided.decide(mutant.number).equivalent


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
