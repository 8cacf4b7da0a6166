"""Whole runs: both engines give the same, memory is what was asked for, and a run happens or doesn't."""

import re
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qlif.model.exceptions import InputError
from qlif.model.golden.neurons import FixedNeurons, ParameterWrite
from qlif.model.kernel import blocks, engines
from qlif.model.parameters import Parameters
from qlif.model.population import QLIFPopulation
from qlif.model.presets import preset
from qlif.model.quantisation import quantise
from qlif.model.support import memory

ENGINES = ("compiled", "numpy")


@pytest.fixture(autouse=True)
def numba():
    pytest.importorskip("numba")


def noise(timesteps, neurons, seed=1):
    return np.random.default_rng(seed).normal(20.0, 12.0, (timesteps, neurons))


def per_neuron(neurons, seed=1):
    generator = np.random.default_rng(seed)
    return {
        "tau_m": generator.uniform(8.0, 12.0, neurons),
        "threshold": generator.uniform(-53.0, -51.0, neurons),
        "R": generator.uniform(0.8, 1.2, neurons),
        "refrac_length": generator.integers(0, 9, neurons),
    }


def everything(population):
    """The whole state, float or fixed."""
    neurons = population.neurons
    return [population.v, neurons.refrac_count, population.traces, population.s]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


# ---- both engines ------------------------------------------------------------------------------------


@pytest.mark.parametrize("arithmetic", [None, "square-18"])
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize(
    "choices",
    [
        {"spike_trace": False},
        {"additive_spike_trace": True, "trace_scale": 0.4, "lower_bound": -64.0},
    ],
)
def test_both_engines_record_the_same(arithmetic, own, choices):
    neurons = 130
    found = []
    for engine in ENGINES:
        parameters = per_neuron(neurons) if own else {}
        population = QLIFPopulation(n=neurons, arithmetic=arithmetic, engine=engine, **parameters, **choices)
        recording = population.run(noise(200, neurons))
        for current in noise(3, neurons, seed=2):
            population.forward(current)
        found.append([recording.spikes, recording.potentials, recording.traces, *everything(population)])
    assert same(*found)
    assert found[0][0].any()


def test_the_float_reference_is_the_same_in_blocks_and_threads(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 128)
    monkeypatch.setattr(blocks, "STRETCH_UPDATES", 7 * 1001)
    monkeypatch.setattr(blocks, "_WORTH_UPDATES", 100)
    monkeypatch.setattr(blocks, "_WORTH_NEURONS", 100)
    found = []
    for engine, threads in (("compiled", 3), ("numpy", 1)):
        population = QLIFPopulation(n=1001, engine=engine, threads=threads, **per_neuron(1001))
        recording = population.run(noise(50, 1001))
        found.append([recording.spikes, recording.potentials, *everything(population)])
    assert same(*found)


@pytest.mark.parametrize("own", [False, True])
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_currents_in_mv_become_the_same_words(own, seed):
    """Also exact ties, the ends of the format and what is just outside."""
    generator = np.random.default_rng(seed)
    neurons = 70
    parameters = {"R": generator.uniform(0.5, 2.0, neurons)} if own else {}
    words = quantise(Parameters(n=neurons, **parameters), preset("tiny-8"))
    format = words.arithmetic.current
    halves = generator.integers(2 * format.min_word, 2 * format.max_word + 2, neurons) / 2
    currents = halves / 2**format.f_bits / words.current_scale
    currents = np.where(generator.random(neurons) < 0.3, np.nextafter(currents, 0), currents)
    ends = []
    for engine in ENGINES:
        model = FixedNeurons(words, engine)
        try:
            model.step(currents)
        except InputError as error:
            ends.append(str(error))
        else:
            ends.append([word.tolist() for word in model.state])
    assert ends[0] == ends[1]


def test_random_words_go_on_over_runs_and_steps_on_both_engines():
    found = []
    for engine in ENGINES:
        population = QLIFPopulation(n=70, arithmetic="stochastic-12", engine=engine)
        population.run(noise(30, 70))
        population.forward(noise(1, 70)[0])
        found.append([population.run(noise(30, 70, seed=3)).potential_words, *everything(population)])
    assert same(*found)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_with_writes_is_its_timesteps_with_writes_between(engine):
    """From the start too, where a write before the first timestep also moves the initial state."""
    words = quantise(Parameters(n=30), preset("square-18"))
    inputs = words.current_words(noise(40, 30))
    changes = [
        ParameterWrite(0, "reset", int(words.potential_words(-61.0))),
        ParameterWrite(9, "threshold", int(words.potential_words(-55.0))),
        ParameterWrite(9, "refractory", 1, 7),
        ParameterWrite(20, "reset", int(words.potential_words(-63.0)), 3),
    ]
    whole, stepwise = FixedNeurons(words, engine), FixedNeurons(words, engine)
    _, kept = whole.run_words(inputs, writes=changes)
    for timestep, current in enumerate(inputs):
        for change in changes:
            if change.step == timestep:
                stepwise.write(change)
        stepwise.step_words(current)
        assert same([kept[name][timestep] for name in kept], stepwise.state.by_name(stepwise.words).values())
    assert same(whole.state, stepwise.state)


def test_the_engine_is_chosen(monkeypatch):
    monkeypatch.delenv(engines.ENGINE_VARIABLE, raising=False)
    assert engines.chosen_engine() == "compiled"
    monkeypatch.setenv(engines.ENGINE_VARIABLE, "numpy")
    assert engines.chosen_engine() == "numpy"
    assert engines.chosen_engine("compiled") == "compiled"
    with pytest.raises(InputError, match="unknown engine 'cuda'"):
        QLIFPopulation(n=1, engine="cuda")
    with pytest.raises(InputError, match="threads must be a whole number, 1 or more, not 0"):
        QLIFPopulation(n=1, threads=0)
    monkeypatch.setenv(engines.THREADS_VARIABLE, "many")
    with pytest.raises(InputError, match="QLIF_THREADS must be a whole number, 1 or more, not 'many'"):
        QLIFPopulation(n=1)


def test_without_numba_numpy_does_it(monkeypatch):
    monkeypatch.delenv(engines.ENGINE_VARIABLE, raising=False)
    compiled = QLIFPopulation(n=3, arithmetic="square-16").run(noise(300, 3))
    monkeypatch.setattr(engines, "_numba_is_there", lambda: False)
    population = QLIFPopulation(n=3, arithmetic="square-16")
    assert np.array_equal(population.run(noise(300, 3)).potential_words, compiled.potential_words)
    with pytest.raises(InputError, match="the compiled engine needs numba, which isn't installed"):
        QLIFPopulation(n=3, engine="compiled")


# ---- memory ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arithmetic", ["square-16", None])
def test_a_run_on_a_million_neurons_holds_the_recording_and_little_more(arithmetic):
    neurons, timesteps = 1_000_000, 60
    population = QLIFPopulation(n=neurons, arithmetic=arithmetic, threads=1)
    # One row that is seen again and again takes no memory itself.
    currents = np.broadcast_to(np.full(neurons, 20.0), (timesteps, neurons))
    population.run(currents[:1], record=())
    tracemalloc.start()
    recording = population.run(currents, record=())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    recorded = timesteps * neurons // 8
    assert recording.spike_bits.nbytes == recorded
    # The input as float64 alone would be 480 MB.
    at_once, state = blocks.STRETCH_UPDATES * 8, neurons * 24
    assert peak < recorded + at_once + 2 * state


def test_spikes_are_kept_as_bits_and_words_as_narrow_as_their_format():
    recording = QLIFPopulation(n=100, arithmetic="square-16").run(noise(50, 100))
    assert recording.spike_bits.shape == (50, 2) and recording.spike_bits.dtype == np.uint64
    assert recording.potential_words.dtype == np.int16 and recording.trace_words.dtype == np.uint16
    bits = recording.spike_bits[:, :, np.newaxis] >> np.arange(64, dtype=np.uint64) & 1
    assert np.array_equal(bits.reshape(50, 128)[:, :100].astype(bool), recording.spikes)
    assert np.array_equal(recording.spike_counts(), recording.spikes.sum(axis=0))


@pytest.mark.parametrize("arithmetic", ["square-16", None])
def test_a_run_too_large_for_memory_is_refused_before_it_starts(arithmetic, monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 10**9)
    population = QLIFPopulation(n=1000, arithmetic=arithmetic)
    before = everything(population)
    # 1000 bits are 16 words of 64; potentials are int16 or float64.
    size = "2.1" if arithmetic else "8.1"
    text = f"a recording of 1000000 steps of 1000 neurons takes about {size} GB of memory, but 1.0 GB are"
    with pytest.raises(InputError, match=re.escape(text)):
        population.run(np.broadcast_to(20.0, (1_000_000, 1000)), record=("potentials",))
    assert same(before, everything(population))


# ---- all of a run or nothing of it -------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("arithmetic", "value"), [("square-16", 400.0), ("stochastic-12", np.nan), (None, np.inf)]
)
def test_a_current_that_cannot_be_held_leaves_everything_as_it_was(engine, arithmetic, value, monkeypatch):
    monkeypatch.setattr(blocks, "STRETCH_UPDATES", 7 * 10)
    population = QLIFPopulation(n=10, arithmetic=arithmetic, engine=engine)
    population.run(noise(20, 10))
    before = everything(population)
    currents = noise(50, 10)
    currents[33, 7] = value
    with pytest.raises(InputError, match="current"):
        population.run(currents)
    with pytest.raises(InputError, match="current"):
        population.forward(currents[33])
    assert same(before, everything(population))
    other = QLIFPopulation(n=10, arithmetic=arithmetic, engine=engine)
    other.run(noise(20, 10))
    assert np.array_equal(population.run(noise(20, 10, 5)).potentials, other.run(noise(20, 10, 5)).potentials)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_bad_current_in_a_late_block_advances_no_neuron(engine, monkeypatch):
    """A single timestep of several blocks: the first ones were computed before the bad one is found."""
    monkeypatch.setattr(blocks, "BLOCK", 64)
    population = QLIFPopulation(n=1000, arithmetic="square-16", engine=engine)
    before = everything(population)
    current = noise(1, 1000)[0]
    current[990] = 1e9
    with pytest.raises(InputError):
        population.forward(current)
    assert same(before, everything(population))


@pytest.mark.parametrize("engine", ENGINES)
def test_an_interrupted_run_never_happened(engine, monkeypatch):
    monkeypatch.setattr(blocks, "STRETCH_UPDATES", 7 * 10)
    words = quantise(Parameters(n=10), preset("stochastic-12"))
    neurons, untouched = (FixedNeurons(words, engine) for _ in range(2))
    inputs = words.current_words(noise(40, 10)).astype(np.int16)

    def rows(begin, end):
        if begin >= 21:
            raise KeyboardInterrupt
        return inputs[begin:end]

    change = ParameterWrite(8, "threshold", int(words.potential_words(-56.0)))
    with pytest.raises(KeyboardInterrupt):
        neurons.run(rows, 40, writes=[change])
    assert same(neurons.state, untouched.state)
    first, second = (model.run_words(inputs)[1]["potential"] for model in (neurons, untouched))
    assert np.array_equal(first, second)
