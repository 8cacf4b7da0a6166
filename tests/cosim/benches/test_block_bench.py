"""The block-wise replay: it sees what the per-cycle bench sees."""

import numpy as np
import pytest

from qlif.cosim.benches.inputs import constrained_random
from qlif.cosim.benches.scoreboard import Observed
from qlif.cosim.configuration import Settings
from qlif.cosim.cosimulation import BLOCK_BENCH, POPULATION_BENCH, cosimulate


def both(tmp_path, simulator, preset, neurons, steps, lanes=1):
    """Run one input under both benches; return what they observed."""
    configuration = Settings.read(preset).population(neurons)
    words = configuration.words
    currents = constrained_random(words, steps, neurons, np.random.default_rng(1))
    observed = []
    # So rare a stall never comes, but it takes the per-cycle bench.
    export = configuration.export(lanes)
    for folder, stalls in (("blocks", 0.0), ("cycles", 1e-300)):
        run = cosimulate(
            configuration,
            words.currents(currents),
            simulator,
            tmp_path / folder,
            export=export,
            stalls=stalls,
        )
        assert run.verdict.first is None, run.verdict.first
        observed.append(Observed.load(tmp_path / folder / "run" / "observed.npz"))
        benches = (BLOCK_BENCH, POPULATION_BENCH)
        assert benches[folder == "cycles"].encode() in (run.log).read_bytes()
    return observed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("preset", "neurons", "lanes"),
    [
        ("square-18", 24, 1),
        ("square-16", 8, 4),
        ("stochastic-12", 3, 1),
    ],
)
def test_both_benches_observe_the_same_in_as_many_clocks(tmp_path, quick_simulator, preset, neurons, lanes):
    # More than one block, and not a whole number of them.
    first, second = both(tmp_path, quick_simulator, preset, neurons, 1700 // neurons, lanes)
    for name, values in vars(first).items():
        assert np.array_equal(values, getattr(second, name)), name


@pytest.mark.slow
def test_every_simulator(tmp_path, simulator):
    first, second = both(tmp_path, simulator, "square-16", 32, 60)
    for name, values in vars(first).items():
        assert np.array_equal(values, getattr(second, name)), name


def faulty(tmp_path, simulator, with_fault, corrupted):
    configuration = Settings.read("square-18").population(16)
    words = configuration.words
    export = with_fault(configuration.export(), corrupted)
    currents = words.currents(np.full((200, 16), words.arithmetic.current.max_word // 4))
    return cosimulate(configuration, currents, simulator, tmp_path, export=export).verdict


def test_one_wrong_bit_is_seen(tmp_path, quick_simulator, with_fault):
    fault = {"updates_potential": "count == 1234 ? raw ^ 1 : raw"}
    verdict = faulty(tmp_path, quick_simulator, with_fault, fault)
    assert verdict.mismatches == 1
    assert (verdict.first.update, verdict.first.what) == (1234, "potential")


@pytest.mark.slow
def test_a_module_that_takes_nothing_is_seen(tmp_path, quick_simulator, with_fault):
    fault = {"currents_ready": "raw & 1'b0", "currents_valid": "raw & 1'b0"}
    verdict = faulty(tmp_path, quick_simulator, with_fault, fault)
    assert verdict.first.what == "update is missing" and verdict.updates == 0
