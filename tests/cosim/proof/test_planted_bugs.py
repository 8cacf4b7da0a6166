"""The proof can fail: each planted bug is refuted, and its counterexample is one."""

import dataclasses
import re
from types import MappingProxyType

import pytest

from qlif import hdl
from qlif.cosim.configuration import Settings
from qlif.cosim.proof import population_claims
from qlif.cosim.proof.counterexample import expected, replay
from qlif.cosim.proof.prove import prove_population, prove_update, replay_clocks, replay_run
from qlif.cosim.proof.read_verilog import read_circuit
from qlif.hdl import fixed, neuron, refractory_counter
from qlif.hdl import population as hardware
from qlif.hdl.outlet import Outlet
from qlif.hdl.pipeline import Pipeline
from qlif.hdl.verilog import Export
from qlif.model import random_words
from qlif.model.parameters import Parameters
from qlif.model.presets import preset
from qlif.model.quantisation import quantise
from qlif.model.rounding import Overflow, Rounding

WORDS = quantise(Parameters(n=5), preset("square-16"))


def with_constant(words, name, change):
    """The words with one parameter word other than the golden model's."""
    constant = words.constants[name]
    other = dataclasses.replace(constant, word=constant.word + change)
    return dataclasses.replace(words, constants=MappingProxyType({**words.constants, name: other}))


def verilog_of(words):
    """The neuron's Verilog."""
    return hdl.export_neuron(hdl.Core(words)).verilog


def neuron_with(name, change):
    """The neuron's Verilog with another parameter word."""
    return verilog_of(with_constant(WORDS, name, change))


def edited(pattern, by):
    """The neuron's Verilog with one thing in it replaced."""
    text, count = re.subn(pattern, by, verilog_of(WORDS), count=1)
    assert count == 1
    return text


def rounding_constant(patch):
    honest = neuron.NeuronPipeline._bias_and_half

    def damaged(self, pipe):
        value, stage = honest(self, pipe)
        word = value.as_value().value - 1
        return neuron.Timed(fixed.Const(word, fixed.Shape(value.words)), stage)

    patch.setattr(neuron.NeuronPipeline, "_bias_and_half", damaged)


def saturation_bound(patch):
    # (The lower bound would be no bug: the square keeps every sum of this preset above it.)
    patch.setattr(
        fixed.Value, "is_above", lambda self, shape: ~self._word[-1] & self._word[shape.words.width :].any()
    )


def more_for_at_least(patch):
    honest = fixed._at_least
    patch.setattr(fixed, "_at_least", lambda word, bound: honest(word, bound + 1))


def decay_rounding(patch):
    honest = fixed.Value.reshape
    product = WORDS.arithmetic.trace * WORDS.constants["decay"].format

    def damaged(self, f_bits, rounding, random=None):
        return honest(self, f_bits, Rounding.RND if self.words == product else rounding, random)

    patch.setattr(fixed.Value, "reshape", damaged)


def counter_wraps(patch):
    patch.setattr(
        refractory_counter,
        "_count_down",
        lambda count, length: fixed.Value(fixed.Shape(count.words), count.as_value() - 1),
    )


def upset_counter_runs_out(patch):
    honest = refractory_counter._count_down
    patch.setattr(
        refractory_counter,
        "_count_down",
        lambda count, length: honest(count, fixed.Const(count.words.max_word, count.shape())),
    )


def refractory_neurons_integrate(patch):
    patch.setattr(neuron, "unless_refractory", lambda count, term: term)


def stale_operand(patch):
    honest = Pipeline.at

    def damaged(self, operand, stage):
        late = getattr(operand.value, "as_value", str)()
        if getattr(late, "name", "") == "trace__1" and stage == operand.stage + 1:
            return neuron.Timed(self._registered("late", honest(self, operand, stage).value), stage)
        return honest(self, operand, stage)

    patch.setattr(Pipeline, "at", damaged)


PATCHES = [
    stale_operand,
    rounding_constant,
    saturation_bound,
    more_for_at_least,
    decay_rounding,
    counter_wraps,
    upset_counter_runs_out,
    refractory_neurons_integrate,
]
OTHERS = {
    "shift by one": lambda: verilog_of(dataclasses.replace(WORDS, quadratic_shift=WORDS.quadratic_shift + 1)),
    "wraps instead of saturating": lambda: verilog_of(
        dataclasses.replace(WORDS, arithmetic=WORDS.arithmetic.replace(overflow=Overflow.WRAP))
    ),
    "missing sign extension": lambda: edited(r"\$signed\((\w+)\) \* \$signed\(\1\)", r"\1 * \1"),
    "early operand": lambda: edited(r"counted__5 <= counted__4;", "counted__5 <= counted__3;"),
    "refractory off by one": lambda: neuron_with("refractory", 1),
    "reset value": lambda: neuron_with("reset", 1),
    "threshold off by one": lambda: neuron_with("threshold", 1),
}


def assert_refuted(verilog, simulator, directory):
    export = Export(verilog, hdl.export_neuron(hdl.Core(WORDS)).interface)
    claim = prove_update(export)
    assert claim.result == "refuted"
    golden = expected(WORDS, claim.counterexample)
    outputs = (*WORDS.state_names, "spike")
    got = {name: claim.counterexample[f"{name}_out"] for name in outputs}
    masks = {name: export.interface.port(f"{name}_out").mask for name in outputs}
    assert got != {name: golden[name] & mask for name, mask in masks.items()}
    played = replay(export, claim, simulator, directory)
    assert played.shown
    assert played.waves.stat().st_size


@pytest.mark.slow_beyond(3)
@pytest.mark.parametrize("plant", PATCHES, ids=lambda plant: plant.__name__)
def test_a_bug_in_the_update_is_refuted(monkeypatch, tmp_path, quick_simulator, plant):
    plant(monkeypatch)
    verilog = verilog_of(WORDS)
    monkeypatch.undo()
    assert_refuted(verilog, quick_simulator, tmp_path)


@pytest.mark.slow_beyond(2)
@pytest.mark.parametrize("name", OTHERS)
def test_another_neuron_is_refuted(tmp_path, quick_simulator, name):
    assert_refuted(OTHERS[name](), quick_simulator, tmp_path)


def half_the_queue(patch):
    honest = Outlet.__init__
    patch.setattr(
        Outlet, "__init__", lambda self, *, places, **others: honest(self, places=places // 2, **others)
    )


def no_bubbles(patch):
    patch.setattr(hardware.Population, "_room", lambda self, m, *_: hardware.Const(1, 1))


@pytest.mark.slow_beyond(1)
@pytest.mark.parametrize(
    ("plant", "claim"),
    [(half_the_queue, population_claims.ORDER), (no_bubbles, population_claims.READS)],
    ids=["a stall drops updates", "a neuron overtakes itself"],
)
def test_a_bug_around_the_pipeline_is_refuted(monkeypatch, tmp_path, quick_simulator, plant, claim):
    neurons = 5 if plant is no_bubbles else 16
    words = quantise(Parameters(n=neurons), preset("tiny-8"))
    plant(monkeypatch)
    export = hdl.export(hdl.Core(words))
    monkeypatch.undo()
    circuit = read_circuit(export.verilog, "qlif_population")
    proof = population_claims.PopulationProof(circuit, export.interface, seconds=20)
    assert proof.broken
    answer, _ = proof.search(claim)
    assert answer.verdict == "refuted"
    assert replay_clocks(export, answer.values, quick_simulator, tmp_path).shown


@pytest.mark.slow
@pytest.mark.parametrize(
    ("right", "wrong", "name"),
    [
        ("updates_neuron = updates__payload[5:0]", "updates_neuron = {updates__payload[5:3], 3'd0}", "ORDER"),
        ("updates_spike = updates__payload[9:6]", "updates_spike = {4{updates__payload[6]}}", "ORDER"),
        ("updates_trace = updates__payload[73:42]", "updates_trace = updates__payload[72:41]", "ORDER"),
        ("events_spike = events__payload[9:6]", "events_spike = {4{events__payload[6]}}", "EVENTS"),
        ("events_neuron = events__payload[5:0]", "events_neuron = 6'd0", "EVENTS"),
    ],
    ids=["neuron", "spike", "trace", "spike of an event", "neuron of an event"],
)
def test_a_bug_at_the_ports_is_refuted(tmp_path, quick_simulator, right, wrong, name):
    words = quantise(Parameters(n=64), preset("tiny-8"))
    export = hdl.export(hdl.Core(words, lanes=4))
    assert export.verilog.count(right) == 1
    damaged = Export(export.verilog.replace(right, wrong), export.interface)
    wanted = getattr(population_claims, name)
    claims = prove_population(damaged)
    found = next(claim for claim in claims if claim.claim == wanted)
    assert found.result == "refuted"
    assert replay_clocks(damaged, found.counterexample, quick_simulator, tmp_path).shown


@pytest.mark.slow_beyond(3)
@pytest.mark.parametrize(
    ("right", "wrong", "name"),
    [
        (r"(parameters__ready = .*)& quiet;", r"\1;", "WRITES"),
        (r"(parameters__ready = ).*& (quiet;)", r"\1\2", "WRITES"),
        (r"quiet <= .*;", "quiet <= 1'h1;", "WRITES"),
        (r"value_threshold <= (.*);", r"value_threshold <= ~\1;", "KEEPS"),
        (r"memory_reset\[write__addr\] <=", "memory_reset[3'd0] <=", "KEEPS"),
        (r"<= memory_reset\[read__addr\]", "<= memory_reset[read__addr ^ 3'd1]", "OWN"),
    ],
    ids=[
        "with rows in flight",
        "beside a row",
        "at once",
        "another word",
        "the first neuron's",
        "a neighbour's",
    ],
)
def test_a_bug_in_the_writes_of_parameters_is_refuted(right, wrong, name):
    export = hdl.export(hdl.Core(WORDS, storage={"threshold": "register", "reset": "memory"}))
    text, count = re.subn(right, wrong, export.verilog)
    assert count == 1
    claims = prove_population(Export(text, export.interface))
    found = next(claim for claim in claims if claim.claim == getattr(population_claims, name))
    assert found.result == "refuted"


@pytest.mark.slow_beyond(1)
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("following[0] ^ carry", "following[0] | carry"),
        ("carry & following[0]", "carry | following[0]"),
        ("row == 2'h3", "row == 2'h2"),
    ],
    ids=["wrong sum", "wrong carry", "a bit is left out"],
)
def test_a_bug_in_the_serial_count_of_timesteps_is_refuted(right, wrong):
    words = quantise(Parameters(n=8), preset("tiny-8"))
    export = hdl.export(hdl.Core(words, step_bits=5))
    assert export.verilog.count(right) == 1, re.findall(r".*(?:following|carry|row ==).*", export.verilog)
    circuit = read_circuit(export.verilog.replace(right, wrong), "qlif_population")
    proof = population_claims.PopulationProof(circuit, export.interface, seconds=20)
    assert proof.disturbed == ["rows and timesteps that are shown are counted"]


@pytest.mark.slow
def test_a_bias_in_a_register_without_its_half_is_refuted(monkeypatch):
    core = hdl.Core(WORDS, storage={"bias": "register"})
    assert prove_update(hdl.export(core)).result == "proved"
    monkeypatch.setattr(neuron.NeuronPipeline, "_bias_and_half", lambda self, pipe: self.constant("bias"))
    assert prove_update(hdl.export(core)).result == "refuted"


def _other_tap(patch):
    patch.setattr(random_words, "TAPS", (0, 9, 28, 33))


def _other_gate(patch):
    patch.setattr(random_words, "MASK_LAGS", (32, 96))


def _without_a_gate(patch):
    patch.setattr(random_words, "MASK_LAGS", (0, 0))


def _other_start(patch):
    patch.setattr(random_words, "WARM_UP", 63)


def _other_words_in_a_lane(patch):
    honest = hardware.Population._lanes_of
    patch.setattr(hardware.Population, "_lanes_of", lambda self, bits: honest(self, bits)[::-1])


@pytest.mark.slow_beyond(1)
@pytest.mark.parametrize(
    "plant",
    [
        None,
        _other_tap,
        *(
            pytest.param(plant, marks=pytest.mark.slow)
            for plant in (_other_gate, _without_a_gate, _other_start)
        ),
        _other_words_in_a_lane,
    ],
)
def test_other_random_words_are_refuted(monkeypatch, plant):
    words = quantise(Parameters(n=8), preset("stochastic-12"))
    if plant is not None:
        plant(monkeypatch)
    export = hdl.export(hdl.Core(words, lanes=2))
    monkeypatch.undo()
    found = {claim.claim: claim.result for claim in prove_population(export)}
    assert found[population_claims.RANDOM] == ("proved" if plant is None else "refuted")


@pytest.mark.slow
def test_a_bug_in_a_population_is_shown_by_a_run_from_reset(tmp_path, quick_simulator):
    configuration = Settings.read("tiny-8", None).population(3)
    words = configuration.words
    faulty = hdl.export(hdl.Core(with_constant(words, "bias", 1)))
    export = Export(faulty.verilog, configuration.export().interface)
    claim = prove_update(export)
    assert claim.result == "refuted"
    played = replay_run(export, configuration, claim, quick_simulator, tmp_path)
    assert not isinstance(played, str) and "mismatches, the first at update" in played.said
    named = {path.name for path in played.pictures if path.exists()}
    assert {"first-mismatch.svg", "first-mismatch-dark.svg"} <= named
