"""States in two banks of single-port RAM that swap roles with each timestep: in gates, proved, and what faults do."""

import dataclasses
import re

import pytest

from qlif import hdl
from qlif.cosim.benches.job import Job
from qlif.cosim.cosimulation import tests_of as benches_of
from qlif.cosim.proof.population_claims import READS, PopulationProof, population_claims, visible
from qlif.cosim.proof.read_verilog import read_export
from qlif.cosim.simulator.cocotb_design import Design
from qlif.hdl.core import Feed
from qlif.hdl.synthesis.fit import check_fit
from qlif.hdl.synthesis.gates import models_of
from qlif.hdl.targets.catalogue import TARGETS, primitives
from qlif.hdl.targets.up5k import UP5KPrimitives
from qlif.hdl.verilog import Export
from qlif.model.exceptions import InputError
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise


def made(
    neurons=24, preset="square-16", lanes=1, rows_of_block_ram=2, storage=None, feed=Feed.STREAM, **parameters
):
    words = quantise(Parameters(**{"n": neurons, "spike_trace": False, **parameters}), PRESETS[preset])
    built_from = UP5KPrimitives(rows_of_block_ram)
    return hdl.export(hdl.Core(words, lanes, storage or {}, built_from, name=preset, feed=feed))


def results_of(export):
    return {one.claim: one.result for one in population_claims(read_export(export), export.interface, 60)}


@pytest.mark.parametrize(
    ("rows_of_block_ram", "neurons", "lanes", "preset", "trace", "swaps"),
    [
        (2048, 2048, 1, "square-16", False, False),
        (2048, 2049, 1, "square-16", False, True),
        (2048, 16384, 1, "square-16", False, True),
        (2048, 16385, 1, "square-16", False, False),
        # 16 + 3 bits; and 16 more of the trace.
        (2048, 8192, 2, "square-16", False, False),
        (2048, 4096, 1, "square-16", True, False),
        # 12 + 3 bits on two lanes; and 12 + 3 + 12 on one.
        (2048, 8192, 2, "stochastic-12", False, True),
        (2048, 8192, 1, "stochastic-12", True, True),
    ],
)
def test_which_states_are_in_single_port_ram(rows_of_block_ram, neurons, lanes, preset, trace, swaps):
    words = quantise(Parameters(n=neurons, spike_trace=trace), PRESETS[preset])
    assert hdl.Core(words, lanes, primitives=UP5KPrimitives(rows_of_block_ram)).swaps_banks is swaps
    assert not hdl.Core(words, lanes).swaps_banks
    assert not hdl.Core(words, lanes, primitives=primitives("explicit", "ecp5")).swaps_banks


def test_it_takes_no_block_ram():
    words = quantise(Parameters(n=8192, spike_trace=False), PRESETS["square-16"])
    up5k = TARGETS["up5k"]
    check_fit(hdl.Core(words, primitives=primitives("explicit", "up5k")), up5k)
    with pytest.raises(InputError, match="need 38 block RAMs or more, but up5k has 30"):
        check_fit(hdl.Core(words), up5k)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        pytest.param({"feed": Feed.HELD, "neurons": 5}, marks=pytest.mark.slow),
        pytest.param(
            {"lanes": 2, "preset": "stochastic-12", "storage": {"threshold": "register"}},
            marks=pytest.mark.slow,
        ),
        pytest.param({"neurons": 8192, "rows_of_block_ram": 2048}, marks=pytest.mark.slow),
    ],
)
def test_every_claim_is_proved(changes):
    results = results_of(made(**changes))
    assert READS in results
    assert set(results.values()) == {"proved"}, results


def replaced(export, pattern, by):
    text, count = re.subn(pattern, by, export.verilog)
    assert count >= 1
    return Export(text, export.interface)


FAULTS = {
    "a timestep doesn't wait for the one before": (r"drained <= \w+;", "drained <= 1'h1;"),
    "the banks aren't swapped": (r"assign (\w+) = bank \^ \w+;", r"assign \1 = bank;"),
    "the bank that is written is read": (
        r"= bank \? (\{ state_bank1.*?\}) : (\{.*?\});",
        r"= bank ? \2 : \1;",
    ),
    "both banks are written": (r"= bank & (in_flight\[\d+\])", r"= \1"),
}


@pytest.mark.slow_beyond(2)
@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_seen(fault):
    export = replaced(made(), *FAULTS[fault])
    proof = PopulationProof(read_export(export), export.interface, 60)
    reads = visible(proof.control, proof.now, proof.monitor)[READS]
    assert proof.broken or proof.prove(reads).verdict == "refuted"


def played(tmp_path, simulator, export, tests):
    """Run benches; return how many there were and failed, and the log."""
    # What the benches read has the target's own primitives: the same ports and latency.
    core = dataclasses.replace(export.interface.core, primitives=primitives("explicit", "up5k"))
    interface = dataclasses.replace(export.interface, core=core)
    (tmp_path / "design.v").write_text(export.verilog)
    design = Design(
        simulator, tmp_path / "design.v", interface.module, tmp_path / "simulation", cells=models_of(export)
    )
    (tmp_path / "job").mkdir()
    Job(interface.words, interface, {"updates": 300}).write(tmp_path / "job")
    outcome = design.run("qlif.cosim.benches.population_bench", tmp_path / "job", 1, tests)
    return outcome, (tmp_path / "job" / "simulation.log").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "left_out"),
    [
        ({"neurons": 9}, {"directed", "reset_in_mid_run"}),
        ({"neurons": 9}, {}),
        ({"neurons": 24, "feed": Feed.HELD}, {}),
        ({"neurons": 3}, {}),
        ({"neurons": 24, "lanes": 2, "preset": "stochastic-12"}, {}),
        ({"storage": {"threshold": "register", "bias": "memory"}}, {}),
    ],
)
def test_benches_pass(tmp_path, quick_simulator, changes, left_out):
    export = made(**changes)
    # The bench of the clocks at full speed knows the target's own primitives: it is below.
    tests = tuple(one for one in benches_of(export.interface) if one not in {"full_speed", *left_out})
    outcome, log = played(tmp_path, quick_simulator, export, tests)
    assert outcome == (len(tests), 0), log


@pytest.mark.slow
def test_a_timestep_takes_its_rows_and_the_loop(tmp_path, quick_simulator):
    export = made(neurons=2100, rows_of_block_ram=2048)
    outcome, log = played(tmp_path, quick_simulator, export, ("full_speed",))
    assert outcome == (1, 0), log
