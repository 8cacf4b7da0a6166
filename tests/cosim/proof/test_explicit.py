"""What is proved of a target's own cells, and that faults in how they are used are refuted."""

import dataclasses

import pytest

from qlif.cosim.configuration import Settings
from qlif.cosim.proof.claims import Claim
from qlif.cosim.proof.population_claims import EVENTS, ORDER, OWN, READS
from qlif.cosim.proof.prove import prove_population
from qlif.cosim.proof.tasks import explicit_tasks
from qlif.hdl.targets.catalogue import primitives
from qlif.hdl.verilog import Export
from qlif.model.exceptions import InputError

TARGETS = ("ecp5", "up5k")


def configuration(name, neurons, storage=None):
    found = Settings.read(name, None).population(neurons)
    found.storage.update(storage or {})
    return found


def claims_of(tasks):
    return [claim for task in tasks for claim in task.prove(60.0)]


def assert_all_proved(claims):
    assert claims
    assert [claim for claim in claims if claim.result != "proved" or claim.bound] == []


@pytest.mark.slow
@pytest.mark.parametrize(("name", "target"), [("stochastic-12", "up5k"), ("square-18", "ecp5")])
def test_a_population_of_a_targets_cells_is_proved(name, target):
    assert_all_proved(claims_of(explicit_tasks(configuration(name, 64), target)))


def test_words_of_parameters_in_block_ram_are_proved():
    export = configuration("tiny-8", 4, {"bias": "memory"}).export(1, primitives("explicit", "ecp5"))
    assert {claim.claim: claim.result for claim in prove_population(export)}[OWN] == "proved"


@pytest.mark.slow
@pytest.mark.parametrize(("neurons", "lanes"), [(16, 2), (1500, 1)], ids=str)
def test_any_number_of_neurons_and_lanes(neurons, lanes):
    """Few rows and several lanes; and so many rows that a block RAM has bytes for words."""
    storage = {"bias": "memory", "reset": "register"}
    assert_all_proved(claims_of(explicit_tasks(configuration("tiny-8", neurons, storage), "ecp5", lanes)))


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_products_of_more_blocks_than_one(target):
    """The words of ``wide-32`` are cut into pieces, whose products are added."""
    assert_all_proved(claims_of(explicit_tasks(configuration("wide-32", 64), target)))


def damaged(name, neurons, right, wrong):
    """Return the tasks of ECP5's cells with something replaced in the population's text."""
    tasks = []
    for task in explicit_tasks(configuration(name, neurons), "ecp5"):
        text = task.export.verilog
        if "module qlif_population" in text:
            assert right in text
            export = Export(text.replace(right, wrong), task.export.interface)
            tasks.append(dataclasses.replace(task, export=export))
    assert len(tasks) == 2
    return tasks


def refuted(tasks):
    """Return the refuted claims, each with its task."""
    return [(task, claim) for task in tasks for claim in task.prove(60.0) if claim.result == "refuted"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (".ADA1(1'h1)", ".ADA1(1'h0)"),
        (".OCEB(1'h1)", ".OCEB(accepted)"),
        (".CEB(1'h1)", ".CEB(in_flight[0])"),
    ],
    ids=["half of a word isn't written", "the output register waits", "the read is a clock late"],
)
def test_a_block_ram_used_wrongly_is_refuted(right, wrong, quick_simulator, tmp_path):
    _, around = damaged("tiny-8", 5, right, wrong)
    claims = {claim.claim.removesuffix(", of the cells of ecp5"): claim for claim in around.prove(60.0)}
    assert claims[READS].result == "refuted"
    # The control doesn't depend on what the memory holds.
    assert [claims[name].result for name in (ORDER, EVENTS)] == ["proved", "proved"]
    assert around.replay(claims[READS], quick_simulator, tmp_path).shown


@pytest.mark.slow
def test_a_sign_that_is_missing_is_refuted_and_replayed_with_the_cells(quick_simulator, tmp_path):
    tasks = damaged("square-16", 64, ".SIGNEDA(1'h1)", ".SIGNEDA(1'h0)")
    (task, claim), *_ = refuted(tasks)
    assert isinstance(claim, Claim)
    assert "golden step" in claim.claim
    played = task.replay(claim, quick_simulator, tmp_path)
    assert not isinstance(played, str) and played.shown


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ('.WRITEMODE_A("NORMAL")', '.WRITEMODE_A("WRITETHROUGH")', "WRITEMODE must be NORMAL"),
        ('.REG_INPUTA_CLK("CLK0")', '.REG_INPUTA_CLK("CLK0"), .MULT_BYPASS("ENABLED")', "MULT_BYPASS"),
    ],
    ids=["memory", "multiplier"],
)
def test_a_choice_that_a_model_does_not_know_is_no_proof(right, wrong, said):
    (first, *_) = damaged("tiny-8", 64, right, wrong)
    with pytest.raises(InputError, match=said):
        list(first.prove(60.0))


def test_more_rows_than_a_block_ram_holds_are_refused():
    with pytest.raises(InputError, match="a lane must have at most 16384 neurons in the explicit variant"):
        list(explicit_tasks(configuration("tiny-8", 20_000), "ecp5"))
