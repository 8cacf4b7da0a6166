"""The exported Verilog against the golden model, on every simulator, for every preset."""

import re

import numpy as np
import pytest

from qlif import hdl
from qlif.cosim.benches.job import Job
from qlif.cosim.cosimulation import RUNTIME_TEST, THOROUGH_TESTS
from qlif.cosim.cosimulation import tests_of as benches_of
from qlif.cosim.simulator import cocotb_design as simulators
from qlif.cosim.simulator.find import SimulatorName, find
from qlif.hdl.synthesis.gates import models_of
from qlif.hdl.targets.catalogue import primitives
from qlif.hdl.verilog import Export
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise

VARIANTS = {
    "plain": {},
    "bounded, additive trace": {"lower_bound": -64.0, "additive_spike_trace": True, "trace_scale": 0.75},
    "no refractory period, no trace": {"refrac_length": 0, "spike_trace": False},
}
CHOICES = {
    "truncated, wrapping": {"rounding": "TRN", "overflow": "WRAP", "trace_overflow": "WRAP"},
    "raw currents": {"currents": "raw", "rounding": "RND_CONV"},
    "scaled currents in the factored form": {
        "form": "factored",
        "currents": "scaled",
        "potential": "SQ(8,4)",
    },
    "narrow product": {"product_fraction": 8, "product_rounding": "RND", "potential": "SQ(6,6)"},
    "stochastic": {"rounding": "SR", "random_bits": 3, "random_seed": 7},
    "between timesteps": {"phase_bits": 2, "potential": "SQ(5,6)"},
    "narrow inside": {
        "form": "factored",
        "currents": "raw",
        "potential": "SQ(8,4)",
        "difference": "SQ(5,4) TRN WRAP",
        "product": "SQ(7,2) RND SAT",
        "increment": "SQ(4,5) RND_CONV WRAP",
    },
}


def quick(names, *chosen):
    """Return the names, those that weren't chosen marked slow: each more is seconds of simulation."""
    return [pytest.param(name, marks=[] if name in chosen else [pytest.mark.slow]) for name in names]


HARD_TESTS = ("directed", "stalled", "reset_in_mid_run")
"""Left out for hardware that differs from what has passed them only in how words are kept or multiplied."""


def run_bench(tmp_path, simulator, bench, export, job, seed=1, tests=()):
    """Build an export and run a bench on it; return (tests, failures) and the log."""
    verilog = tmp_path / "design.v"
    verilog.write_text(export.verilog)
    module, models = export.interface.module, models_of(export)
    design = simulators.Design(simulator, verilog, module, tmp_path / "simulation", cells=models)
    directory = tmp_path / "job"
    directory.mkdir()
    job.write(directory)
    return design.run(bench, directory, seed, tests), (directory / "simulation.log").read_text()


def population_run(tmp_path, simulator, words, updates, tests=THOROUGH_TESTS, export=None):
    export = export or hdl.export(hdl.Core(words))
    job = Job(words, export.interface, {"updates": updates})
    return run_bench(tmp_path, simulator, "qlif.cosim.benches.population_bench", export, job, tests=tests)


def neuron_run(tmp_path, simulator, words, updates, test):
    export = hdl.export_neuron(hdl.Core(words))
    job = Job(words, export.interface, {"updates": updates})
    return run_bench(tmp_path, simulator, "qlif.cosim.benches.neuron_bench", export, job, tests=(test,))


# In Verilator, below, another one; square-16 is the plain one of the parameters.
@pytest.mark.parametrize("name", quick(PRESETS, "factored-16"))
def test_every_preset_passes_every_bench(tmp_path, quick_simulator, name):
    words = quantise(Parameters(n=14), PRESETS[name])
    outcome, log = population_run(tmp_path, quick_simulator, words, 1000)
    assert outcome == (len(THOROUGH_TESTS), 0), log


@pytest.mark.slow
def test_every_bench_passes_in_verilator(tmp_path):
    words = quantise(Parameters(n=20), PRESETS["square-18"])
    outcome, log = population_run(tmp_path, find(SimulatorName.VERILATOR), words, 4000)
    assert outcome == (len(THOROUGH_TESTS), 0), log


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_passes_100_000_random_updates(tmp_path, simulator, name):
    words = quantise(Parameters(n=64), PRESETS[name])
    outcome, log = population_run(tmp_path, simulator, words, 100_000)
    assert outcome == (len(THOROUGH_TESTS), 0), log


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_parameters_that_change_the_gates(tmp_path, quick_simulator, variant):
    words = quantise(Parameters(n=13, **VARIANTS[variant]), PRESETS["square-16"])
    outcome, log = population_run(tmp_path, quick_simulator, words, 1000)
    assert outcome == (len(THOROUGH_TESTS), 0), log


@pytest.mark.slow
@pytest.mark.parametrize("choice", CHOICES)
def test_choices_of_arithmetic_outside_the_catalogue(tmp_path, quick_simulator, choice):
    words = quantise(Parameters(n=15), PRESETS["tiny-8"].replace(**CHOICES[choice]))
    tests = ("directed", "constrained_random")
    outcome, log = population_run(tmp_path, quick_simulator, words, 1000, tests)
    assert outcome == (len(tests), 0), log


@pytest.mark.slow
@pytest.mark.parametrize(
    ("preset", "lanes", "neurons"),
    [
        ("square-18", 2, 26),
        ("square-16", 4, 4),
        ("stochastic-12", 2, 6),
        # Its random words for four lanes are minutes of work for a simulator.
        ("stochastic-12", 4, 60),
        ("factored-16", 8, 104),
    ],
)
def test_lanes_side_by_side_are_the_same_neurons(tmp_path, quick_simulator, preset, lanes, neurons):
    words = quantise(Parameters(n=neurons), PRESETS[preset])
    export = hdl.export(hdl.Core(words, lanes))
    outcome, log = population_run(tmp_path, quick_simulator, words, 1000, export=export)
    assert outcome == (len(THOROUGH_TESTS), 0), log


def all_in(words, storage):
    return dict.fromkeys(words.constants, storage)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "preset", "lanes", "storage"),
    [
        ("ecp5", "square-18", 1, "gates"),
        ("ecp5", "factored-16", 2, "register"),
        ("ecp5", "stochastic-12", 1, "memory"),
        ("up5k", "square-16", 1, "gates"),
        ("up5k", "stochastic-12", 2, "memory"),
    ],
)
@pytest.mark.parametrize("thorough", [False, True])
def test_the_explicit_variants_with_models_of_their_cells(
    tmp_path, quick_simulator, target, preset, lanes, storage, thorough
):
    words = quantise(Parameters(n=24 if thorough else 6), PRESETS[preset])
    built_from = primitives("explicit", target)
    export = hdl.export(hdl.Core(words, lanes, all_in(words, storage), built_from))
    tests = tuple(test for test in benches_of(export.interface) if thorough or test not in HARD_TESTS)
    outcome, log = population_run(
        tmp_path, quick_simulator, words, 3000 if thorough else 500, tests, export=export
    )
    assert outcome == (len(tests), 0), log


@pytest.mark.slow
def test_a_multiplier_block_that_lacks_a_register_is_seen(tmp_path, quick_simulator):
    words = quantise(Parameters(n=24), PRESETS["square-18"])
    export = hdl.export(hdl.Core(words, primitives=primitives("explicit", "ecp5")))
    faulty = export.verilog.replace('.REG_PIPELINE_CLK("CLK0")', '.REG_PIPELINE_CLK("NONE")')
    assert faulty != export.verilog
    export = Export(faulty, export.interface)
    outcome, _ = population_run(tmp_path, quick_simulator, words, 500, ("constrained_random",), export=export)
    assert outcome == (1, 1)


@pytest.mark.slow_beyond(1)
@pytest.mark.parametrize(
    ("preset", "lanes", "storage"),
    [
        ("square-16", 1, "memory"),
        ("stochastic-12", 2, "register"),
        pytest.param("square-16", 1, "register", marks=pytest.mark.slow),
        pytest.param("stochastic-12", 2, "memory", marks=pytest.mark.slow),
        pytest.param("factored-16", 1, "register", marks=pytest.mark.slow),
        pytest.param("factored-16", 1, "memory", marks=pytest.mark.slow),
    ],
)
def test_parameters_written_at_run_time(tmp_path, quick_simulator, preset, lanes, storage):
    words = quantise(Parameters(n=20, lower_bound=-63.0, additive_spike_trace=True), PRESETS[preset])
    export = hdl.export(hdl.Core(words, lanes, all_in(words, storage)))
    tests = ("constrained_random", RUNTIME_TEST)
    outcome, log = population_run(tmp_path, quick_simulator, words, 1000, tests, export)
    assert outcome == (len(tests), 0), log


@pytest.mark.slow
def test_each_neuron_with_its_own_parameters(tmp_path, quick_simulator):
    spread = np.linspace(0.9, 1.1, 24)
    parameters = Parameters(
        n=24,
        a0=spread,
        threshold=-52 * spread,
        tau_s=10 * spread,
        refrac_length=np.arange(24),
        R=spread[::-1],
    )
    words = quantise(parameters, PRESETS["square-18"])
    export = hdl.export(hdl.Core(words, 2, all_in(words, "memory")))
    tests = (*THOROUGH_TESTS, RUNTIME_TEST)
    outcome, log = population_run(tmp_path, quick_simulator, words, 1000, tests, export)
    assert outcome == (len(tests), 0), log


@pytest.mark.slow
@pytest.mark.parametrize("neurons", (1, 16))
def test_storage_can_be_mixed(tmp_path, quick_simulator, neurons):
    words = quantise(Parameters(n=neurons), PRESETS["square-16"])
    export = hdl.export(hdl.Core(words, storage={"threshold": "register", "bias": "memory"}))
    assert [(one.name, one.select, one.storage) for one in export.interface.runtime] == [
        ("threshold", 0, "register"),
        ("bias", 1, "memory"),
    ]
    tests = ("reset_in_mid_run", RUNTIME_TEST)
    outcome, log = population_run(tmp_path, quick_simulator, words, 1000, tests, export)
    assert outcome == (len(tests), 0), log


@pytest.mark.slow
def test_a_write_inside_a_timestep_would_be_seen(tmp_path, quick_simulator):
    """The gates take writes at any time: the bench that writes must fail."""
    words = quantise(Parameters(n=16), PRESETS["square-16"])
    export = hdl.export(hdl.Core(words, storage={"threshold": "register", "reset": "register"}))
    ready = r"assign parameters__ready = .*& quiet;"
    verilog, count = re.subn(ready, "assign parameters__ready = 1'b1;", export.verilog)
    assert count == 1
    faulty = type(export)(verilog, export.interface)
    outcome, log = population_run(tmp_path, quick_simulator, words, 3000, (RUNTIME_TEST,), faulty)
    assert outcome == (1, 1), log


# The loop has as many stages as 12 neurons fill.
@pytest.mark.slow
@pytest.mark.parametrize("neurons", (1, 2, 7, 12, 13))
def test_fewer_neurons_than_stages_only_insert_bubbles(tmp_path, quick_simulator, neurons):
    words = quantise(Parameters(n=neurons), PRESETS["square-16"])
    tests = tuple(test for test in THOROUGH_TESTS if test != "directed")
    outcome, log = population_run(tmp_path, quick_simulator, words, 500, tests)
    assert outcome == (len(tests), 0), log


@pytest.mark.slow
def test_tiny_8_is_right_in_every_state_with_every_input(tmp_path, quick_simulator):
    words = quantise(Parameters(n=1), PRESETS["tiny-8"])
    outcome, log = neuron_run(tmp_path, quick_simulator, words, 0, "every_state_and_input")
    assert outcome == (1, 0), log
    assert f"{3 * 2**16} updates compared" in log


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_any_state_legal_or_not(tmp_path, quick_simulator, name):
    words = quantise(Parameters(n=1, lower_bound=-63.0, additive_spike_trace=True), PRESETS[name])
    outcome, log = neuron_run(tmp_path, quick_simulator, words, 20_000, "random_states")
    assert outcome == (1, 0), log


FAULTS = {
    "threshold one word higher": ("threshold", 1),
    "reset one word lower": ("reset", -1),
    "refractory one timestep longer": ("refractory", 1),
    "decay one word smaller": ("decay", -1),
    "bias one word larger": ("bias", 1),
}


@pytest.mark.parametrize("fault", quick(FAULTS, "refractory one timestep longer"))
def test_a_fault_in_one_constant_is_seen(tmp_path, quick_simulator, fault):
    """The benches can fail: the gates get another constant than the golden model."""
    name, change = FAULTS[fault]
    words = quantise(Parameters(n=8), PRESETS["square-16"])
    faulty = quantise(Parameters(n=8), PRESETS["square-16"])
    constants = dict(faulty.constants)
    constant = constants[name]
    constants[name] = type(constant)(constant.word + change, constant.format)
    object.__setattr__(faulty, "constants", constants)
    gates, right = hdl.export(hdl.Core(faulty)), hdl.export(hdl.Core(words))
    assert gates.verilog != right.verilog
    export = Export(gates.verilog, right.interface)
    tests = ("directed", "constrained_random")
    (count, failed), log = population_run(tmp_path, quick_simulator, words, 1000, tests, export)
    assert count == 2 and failed > 0
    assert "mismatches, the first at update" in log


def test_stalls_that_lose_an_update_are_seen(tmp_path, quick_simulator):
    """A queue that forgets back-pressure: the next update takes the place of one that waits."""
    words = quantise(Parameters(n=16), PRESETS["square-16"])
    export = hdl.export(hdl.Core(words))
    # Rows leave whether or not the consumer is ready.
    verilog = export.verilog.replace(".update_ready(updates_ready)", ".update_ready(1'b1)")
    verilog = verilog.replace(".update_ready(updates__ready)", ".update_ready(1'b1)")
    assert verilog != export.verilog
    faulty = type(export)(verilog, export.interface)
    outcome, log = population_run(tmp_path, quick_simulator, words, 4000, ("stalled",), faulty)
    assert outcome == (1, 1)
    assert "updates_neuron went from 0 to 1" in log and "the payload is stable while valid waits" in " ".join(
        log.split()
    )
