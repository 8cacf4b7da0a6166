"""The same dropped event gives the same words from each testbench, and from what the proof replays."""

import re

import numpy as np
import pytest

from qlif.cosim.benches.job import Job
from qlif.cosim.configuration import Settings
from qlif.cosim.cosimulation import POPULATION_BENCH, cosimulate
from qlif.cosim.proof.claims import Claim
from qlif.cosim.proof.prove import prove_runs, replay_run
from qlif.cosim.simulator.cocotb_design import Design, failures
from qlif.model.golden.neurons import FixedNeurons

CONFIGURATION = Settings.read("tiny-8").population(2)
SAID = r"the spike of neuron 0 in timestep (\d+) has no event"


@pytest.fixture(scope="module")
def dropping(with_fault):
    """A population that tells no spike of its first neuron."""
    return with_fault(CONFIGURATION.export(), {"events_valid": "raw & events_neuron != 1'd0"})


@pytest.mark.slow
def test_each_testbench_says_it_with_the_same_words(dropping, quick_simulator, tmp_path):
    source, _ = dropping.write(tmp_path)
    module = dropping.interface.module
    design = Design(quick_simulator, source, module, tmp_path / "simulation", False)
    job = tmp_path / "job"
    job.mkdir()
    Job(CONFIGURATION.words, dropping.interface, {"updates": 300}).write(job)
    benches = ("directed", "stalled", "full_speed")
    assert design.run(POPULATION_BENCH, job, 1, benches) == (3, 3)
    said = failures(job)
    assert len(said) == 3 and all(re.search(SAID, one) for one in said), said


@pytest.mark.slow
def test_so_do_the_replays(dropping, quick_simulator, tmp_path):
    words = CONFIGURATION.words
    currents = np.full((40, 2), words.arithmetic.current.max_word)
    values = words.currents(currents)
    blocks = cosimulate(CONFIGURATION, values, quick_simulator, tmp_path / "blocks", export=dropping).verdict
    played = replay_run(
        dropping,
        CONFIGURATION,
        Claim("tiny-8", "", "refuted", None, 0.0, run=currents),
        quick_simulator,
        tmp_path,
    )
    (timestep,) = {re.search(SAID, text)[1] for text in (blocks.text, blocks.first.text, played.said)}
    spikes, _ = FixedNeurons(words).run_words(currents)
    assert int(timestep) == np.flatnonzero(spikes[:, 0])[0]


@pytest.mark.slow
def test_so_does_the_proof(dropping, yosys):
    pytest.importorskip("bitwuzla")
    claim = prove_runs(dropping, "so are those around the first spike")
    assert claim.result == "refuted" and re.search(SAID, claim.what), claim
