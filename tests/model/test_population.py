"""The seed's population: its usage, its recordings, both arithmetics behind one interface, its refusals."""

import copy
import math
import pickle

import numpy as np
import pytest

from qlif.model import QLIFPopulation
from qlif.model.exceptions import InputError
from qlif.model.golden.neurons import FixedNeurons
from qlif.model.golden.step import State, step, where_integer
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS, preset
from qlif.model.quantisation import quantise
from qlif.model.random_words import RandomWords
from qlif.model.recording import Recording

ARITHMETICS = [None, *PRESETS]
NEURON = {"tau_m": 10.0, "tau_s": 5.0}


def noisy(timesteps, shape, seed=1, low=0, high=50):
    return np.random.default_rng(seed).uniform(low, high, (timesteps, *shape))


# ---- the seed's own usage ---------------------------------------------------------------------------


def test_the_seeds_usage_works_as_it_is_written():
    model = QLIFPopulation(n=10)
    model.forward([20] * model.n)
    assert model.s.shape == model.v.shape == model.traces.shape == (10,)
    assert model.s.dtype == np.bool_
    assert model.v[0] == pytest.approx(-61.8, abs=1e-12)
    model.reset_state_variables()
    assert np.all(model.v == -62)


def test_the_seeds_example_never_spikes_because_ten_is_below_rheobase():
    model = QLIFPopulation(n=10)
    for _ in range(3000):
        model.forward([10] * 10)
        assert not model.s.any()
    # with q = R I / a0 - h^2 = -6, rest moves up to the midpoint less sqrt(6)
    assert model.v[0] == pytest.approx(-58 - math.sqrt(6), abs=1e-9)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_both_arithmetics_have_the_same_interface(arithmetic):
    model = QLIFPopulation(shape=(2, 3), arithmetic=arithmetic, **NEURON)
    assert (model.n, model.shape, model.dt) == (6, (2, 3), 0.1)
    for _ in range(200):
        model.forward(np.full((2, 3), 60.0))
    assert model.v.shape == model.s.shape == model.traces.shape == (2, 3)
    assert model.v.dtype == model.traces.dtype == np.float64
    assert np.all(model.traces > 0)
    recording = model.run(np.full((50, 2, 3), 60.0))
    assert isinstance(recording, Recording)
    assert recording.spikes.shape == recording.potentials.shape == recording.traces.shape == (50, 2, 3)
    model.reset_state_variables()
    place = 0 if arithmetic is None else preset(arithmetic).potential.resolution / np.min(model.words.scale)
    assert np.all(np.abs(model.v + 62) <= place / 2)
    assert not model.s.any()
    assert not model.traces.any()


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_a_run_is_the_same_as_its_timesteps_one_by_one(arithmetic):
    inputs = noisy(300, (4,))
    at_once, stepwise = (QLIFPopulation(n=4, arithmetic=arithmetic, **NEURON) for _ in range(2))
    recording = at_once.run(inputs)
    for timestep, current in enumerate(inputs):
        stepwise.forward(current)
        assert np.array_equal(recording.spikes[timestep], stepwise.s)
        assert np.array_equal(recording.potentials[timestep], stepwise.v)
        assert np.array_equal(recording.traces[timestep], stepwise.traces)
    assert recording.spikes.any()
    assert np.array_equal(at_once.v, stepwise.v)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_a_run_goes_on_from_the_present_state_and_a_reset_starts_over(arithmetic):
    inputs = noisy(200, (3,))
    whole = QLIFPopulation(n=3, arithmetic=arithmetic, **NEURON).run(inputs)
    model = QLIFPopulation(n=3, arithmetic=arithmetic, **NEURON)
    for _ in range(2):
        parts = [model.run(inputs[:77]), model.run(inputs[77:])]
        assert np.array_equal(np.concatenate([part.spikes for part in parts]), whole.spikes)
        assert np.array_equal(np.concatenate([part.potentials for part in parts]), whole.potentials)
        model.reset_state_variables()


def test_a_shape_is_only_a_way_to_number_the_neurons():
    inputs = noisy(200, (6,))
    flat = QLIFPopulation(n=6, arithmetic="stochastic-12", **NEURON).run(inputs)
    shaped = QLIFPopulation(shape=(2, 3), arithmetic="stochastic-12", **NEURON).run(inputs.reshape(200, 2, 3))
    assert np.array_equal(flat.potentials, shaped.potentials.reshape(200, 6))


# ---- inputs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("arithmetic", [None, "square-18"])
@pytest.mark.parametrize(("sum_input", "factor"), [(True, 3), (False, 1)])
def test_several_synapses_are_summed_or_averaged(arithmetic, sum_input, factor):
    synapses = np.array([[10.0, 4.0], [20.0, 4.0], [30.0, 1.0]])
    many = QLIFPopulation(n=2, sum_input=sum_input, arithmetic=arithmetic)
    one = QLIFPopulation(n=2, arithmetic=arithmetic)
    many.forward(synapses)
    one.forward([20.0 * factor, 3.0 * factor])
    assert np.array_equal(many.v, one.v)
    many.reset_state_variables()
    recording = many.run(np.stack([synapses] * 5))
    one.reset_state_variables()
    assert np.array_equal(recording.potentials, one.run([[20.0 * factor, 3.0 * factor]] * 5).potentials)


def test_one_synapse_axis_of_one_is_no_change():
    model, plain = QLIFPopulation(n=2), QLIFPopulation(n=2)
    model.forward([[5.0, 6.0]])
    plain.forward([5.0, 6.0])
    assert np.array_equal(model.v, plain.v)


def test_one_current_is_for_all():
    model, plain = QLIFPopulation(n=3), QLIFPopulation(n=3)
    model.forward(20)
    plain.forward([20, 20, 20])
    assert np.array_equal(model.v, plain.v)


@pytest.mark.parametrize("arithmetic", [None, "square-18"])
@pytest.mark.parametrize(("is_inhibitory", "sign"), [(False, 1), (True, -1)])
def test_spikes_leave_with_the_populations_sign(arithmetic, is_inhibitory, sign):
    model = QLIFPopulation(n=2, is_inhibitory=is_inhibitory, arithmetic=arithmetic)
    assert model.outgoing.tolist() == [0, 0]
    while not model.s.any():
        model.forward([80.0, 0.0])
    assert model.outgoing.tolist() == [sign, 0]
    assert model.s.tolist() == [True, False]


def test_learning_is_kept_and_toggled():
    model = QLIFPopulation(n=1, learning=False)
    assert model.learning is False
    assert model.train() is model
    assert model.learning is True
    assert model.train(False).learning is False


# ---- recordings -------------------------------------------------------------------------------------


def test_spike_times_are_the_ends_of_the_spiking_timesteps():
    spikes = np.zeros((5, 2, 2), dtype=bool)
    spikes[0, 0, 0] = spikes[3, 0, 0] = spikes[4, 1, 0] = True
    recording = Recording(0.5, spikes)
    assert recording.timesteps == 5
    assert [steps.tolist() for steps in recording.spike_steps] == [[0, 3], [], [4], []]
    assert [times.tolist() for times in recording.spike_times] == [[0.5, 2.0], [], [2.5], []]


def test_firing_rates_are_spikes_per_second_of_the_run():
    spikes = np.zeros((1000, 2), dtype=bool)
    spikes[::10, 0] = True
    # 100 spikes in 1000 steps of 0.1 ms, which are 0.1 s
    assert Recording(0.1, spikes).firing_rates().tolist() == pytest.approx([1000.0, 0.0])
    assert Recording(0.1, spikes.reshape(1000, 1, 2)).firing_rates().shape == (1, 2)


@pytest.mark.parametrize("arithmetic", [None, "square-18"])
def test_only_what_is_asked_for_is_kept(arithmetic):
    model = QLIFPopulation(n=2, arithmetic=arithmetic)
    only_spikes = model.run(np.zeros((3, 2)), record=[])
    assert only_spikes.potentials is None
    assert only_spikes.traces is None
    assert only_spikes.potential_words is None
    assert only_spikes.trace_words is None
    one = model.run(np.zeros((3, 2)), record=["traces"])
    assert one.potentials is None
    assert one.traces.shape == (3, 2)


def test_a_float_run_has_no_report():
    recording = QLIFPopulation(n=1).run([[0.0]])
    assert recording.report == ()
    assert recording.words is None


@pytest.mark.parametrize("name", PRESETS)
def test_a_fixed_run_keeps_its_words_and_their_report(name):
    model = QLIFPopulation(n=3, arithmetic=name, **NEURON)
    recording = model.run(noisy(100, (3,)))
    assert recording.words is model.words
    assert recording.report == model.words.report
    assert {line.name for line in recording.report} >= {"threshold", "reset_pot", "tau_s"}
    arithmetic = preset(name)
    scale, origin = float(model.words.scale), float(model.words.origin)
    potentials = recording.potential_words.astype(np.float64) / 2**arithmetic.potential.f_bits
    assert np.array_equal(recording.potentials, potentials / scale + origin)
    assert np.array_equal(
        recording.traces, recording.trace_words.astype(np.float64) / 2**arithmetic.trace.f_bits
    )


# ---- the golden model behind it ---------------------------------------------------------------------


@pytest.mark.parametrize("name", PRESETS)
def test_a_fixed_run_is_the_golden_update_of_each_neuron_in_order(name):
    """With stochastic rounding, word u belongs to update u: step after step, neuron after neuron."""
    timesteps, neurons = 60, 3
    words = quantise(Parameters(n=neurons, **NEURON), preset(name))
    inputs = words.current_words(noisy(timesteps, (neurons,), low=-20, high=75))
    spikes, kept = FixedNeurons(words).run_words(inputs)
    randoms = iter(RandomWords(words.arithmetic.random_seed).take(timesteps * neurons).tolist())
    states = [State(words.constants["reset"].word, 0, 0)] * neurons
    for timestep in range(timesteps):
        for neuron in range(neurons):
            states[neuron], spike = step(
                words,
                words.values,
                states[neuron],
                int(inputs[timestep, neuron]),
                next(randoms),
                where_integer,
            )
            assert State(**{name: int(kept[name][timestep, neuron]) for name in kept}) == states[neuron]
            assert spikes[timestep, neuron] == spike
    assert spikes.any()


def test_random_words_in_another_order_would_be_found(monkeypatch):
    """Planted: neuron-major instead of step-major."""
    original = RandomWords.take
    monkeypatch.setattr(RandomWords, "take", lambda self, count: original(self, count)[::-1])
    model = QLIFPopulation(n=3, arithmetic="stochastic-12", **NEURON)
    reversed_words = model.run(np.full((100, 3), 20.0)).potential_words
    monkeypatch.undo()
    model = QLIFPopulation(n=3, arithmetic="stochastic-12", **NEURON)
    assert not np.array_equal(model.run(np.full((100, 3), 20.0)).potential_words, reversed_words)


@pytest.mark.parametrize("name", ["factored-16", "square-18", "wide-32"])
def test_one_value_per_neuron_is_as_if_each_neuron_were_alone(name):
    values = {"a0": [1.0, 1.0, 1.0], "threshold": [-52.0, -51.0, -50.0], "refrac_length": [0, 3, 9]}
    inputs = noisy(200, (3,), high=60)
    together = QLIFPopulation(n=3, arithmetic=name, **NEURON, **values).run(inputs)
    for neuron in range(3):
        own = {key: value[neuron] for key, value in values.items()}
        alone = QLIFPopulation(n=1, arithmetic=name, **NEURON, **own).run(inputs[:, [neuron]])
        assert np.array_equal(together.potential_words[:, neuron], alone.potential_words[:, 0])
        assert np.array_equal(together.spikes[:, neuron], alone.spikes[:, 0])


def test_an_arithmetic_may_be_given_instead_of_its_name():
    by_name, by_value = (
        QLIFPopulation(n=2, arithmetic=choice, **NEURON) for choice in ("tiny-8", preset("tiny-8"))
    )
    inputs = noisy(50, (2,))
    assert np.array_equal(by_name.run(inputs).potential_words, by_value.run(inputs).potential_words)


def test_the_counter_of_a_fixed_population_reads_as_timesteps():
    model = QLIFPopulation(n=1, arithmetic="square-18", refrac_length=4, **NEURON)
    while not model.s.any():
        model.forward(80.0)
    seen = []
    for _ in range(5):
        seen.append(int(model.neurons.refrac_count[0]))
        model.forward(0.0)
    assert seen == [4, 3, 2, 1, 0]


# ---- refusals ---------------------------------------------------------------------------------------

CURRENTS = [
    ("forward", [1.0, math.nan, 2.0], "currents must be finite, not nan at index (1,)"),
    ("forward", [1.0, 2.0, -math.inf], "currents must be finite, not -inf at index (2,)"),
    ("forward", [1.0, 2.0], "currents must be of shape (3) or (synapses, 3), not (2,)"),
    ("forward", [[[1.0, 2.0, 3.0]]], "currents must be of shape (3) or (synapses, 3), not (1, 1, 3)"),
    ("forward", np.zeros((0, 3)), "currents must be of shape (3) or (synapses, 3), not (0, 3)"),
    ("forward", [[1.0, 2.0], [3.0]], "currents must be a number or an array, not a ragged list"),
    ("forward", ["a", "b", "c"], "currents must be a number or an array, not ['a' 'b' 'c']"),
    ("forward", None, "currents must be a number or an array, not None"),
    ("run", [[1.0, 2.0, math.nan]], "currents must be finite, not nan at index (0, 2)"),
    (
        "run",
        [1.0, 2.0, 3.0],
        "currents must be of shape (timesteps, 3) or (timesteps, synapses, 3), not (3,)",
    ),
    (
        "run",
        np.zeros((5, 4)),
        "currents must be of shape (timesteps, 3) or (timesteps, synapses, 3), not (5, 4)",
    ),
    ("run", [[1.0, 2.0], [3.0]], "currents must be a number or an array, not a ragged list"),
    ("run", 5.0, "currents must be of shape (timesteps, 3) or (timesteps, synapses, 3), not ()"),
    ("run", [], "currents must be of shape (timesteps, 3) or (timesteps, synapses, 3), not (0,)"),
    ("run", [["a", "b", "c"]], "currents must be a number or an array, not [['a' 'b' 'c']]"),
]


@pytest.mark.parametrize("arithmetic", [None, "square-18"])
@pytest.mark.parametrize(("method", "currents", "text"), CURRENTS)
def test_currents_that_cant_be_are_refused_in_words(arithmetic, method, currents, text):
    model = QLIFPopulation(n=3, arithmetic=arithmetic)
    with pytest.raises(InputError) as caught:
        getattr(model, method)(currents)
    assert str(caught.value) == text


@pytest.mark.parametrize("arithmetic", [None, "square-18", "stochastic-12"])
def test_a_refused_run_leaves_the_population_as_it_was(arithmetic):
    model, untouched = (QLIFPopulation(n=2, arithmetic=arithmetic) for _ in range(2))
    inputs = np.full((20, 2), 20.0)
    bad = inputs.copy()
    bad[-1, 1] = math.nan
    with pytest.raises(InputError):
        model.run(bad)
    with pytest.raises(InputError):
        model.forward(bad[-1])
    assert np.array_equal(model.run(inputs).potentials, untouched.run(inputs).potentials)


@pytest.mark.parametrize("method", ["forward", "run"])
def test_a_current_that_the_format_cant_hold_is_refused_with_its_range(method):
    model = QLIFPopulation(n=2, arithmetic="factored-16")
    currents, index = ([1.0, 200.0], "(1,)") if method == "forward" else ([[1.0, 200.0]], "(0, 1)")
    with pytest.raises(InputError) as caught:
        getattr(model, method)(currents)
    text = f"current must be from -128 to 127.996 mV/R to fit SQ(8,8), not 200 at index {index}"
    assert str(caught.value) == text


CONSTRUCTIONS = [
    ({"n": 1, "treshold": -50}, "unknown parameter 'treshold': did you mean 'threshold'?"),
    ({"n": 1, "dialect": "synaptic"}, "unknown dialect 'synaptic': did you mean 'synapticflow'?"),
    ({"n": 1, "dialect": 3}, "unknown dialect '3': known are default, synapticflow"),
    ({"n": 1, "arithmetic": "square18"}, "unknown preset 'square18': did you mean 'square-18'?"),
    (
        {"n": 1, "arithmetic": "square-18", "dialect": "synapticflow"},
        "arithmetic must be left out with dialect 'synapticflow', which is float32",
    ),
    ({}, "n or shape is needed: the number of neurons, or the population's topology"),
    ({"n": 4, "shape": (2, 3)}, "n must be the product of shape (2, 3), 6, not 4"),
    (
        {"n": 1, "arithmetic": "factored-16", "threshold": 200},
        "threshold must be from -128 to 127.996 mV to fit SQ(8,8), not 200",
    ),
]


@pytest.mark.parametrize(("keywords", "text"), CONSTRUCTIONS)
def test_populations_that_cant_be_are_refused_in_words(keywords, text):
    with pytest.raises(InputError) as caught:
        QLIFPopulation(**keywords)
    assert str(caught.value) == text


def test_an_unknown_recording_is_refused_with_the_nearest_one():
    with pytest.raises(InputError) as caught:
        QLIFPopulation(n=1).run([[0.0]], record=["potential"])
    assert str(caught.value) == "unknown recording 'potential': did you mean 'potentials'?"


def test_the_synapticflow_dialect_has_the_same_interface():
    model = QLIFPopulation(n=3, dialect="synapticflow")
    recording = model.run(np.full((200, 3), 20.0, dtype=np.float32))
    stepwise = QLIFPopulation(n=3, dialect="synapticflow")
    for timestep in range(200):
        stepwise.forward(np.full(3, 20.0, dtype=np.float32))
        assert np.array_equal(recording.potentials[timestep], stepwise.v)
    assert recording.potentials.dtype == np.float32
    assert recording.report == ()


# ---- recordings and populations that can't be ---------------------------------------------------------

SPIKES = np.zeros((5, 2, 3), dtype=bool)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"potentials": np.zeros((5, 3, 2))},
            "potentials must be of the spikes' shape (5, 2, 3), not (5, 3, 2)",
        ),
        ({"traces": np.zeros((4, 2, 3))}, "traces must be of the spikes' shape (5, 2, 3), not (4, 2, 3)"),
        (
            {"potential_words": np.zeros((5, 6))},
            "potential_words must be of the spikes' shape (5, 2, 3), not (5, 6)",
        ),
        (
            {"trace_words": np.zeros((5, 2, 3))},
            "potential_words, trace_words and phase_words need words, which say what they mean",
        ),
        (
            {"words": quantise(Parameters(n=6), preset("square-16"))},
            "words must be of a population of shape (2, 3), not (6,)",
        ),
        (
            {"spikes": np.zeros((5, 2))},
            "spikes must be truth values of shape (timesteps, *shape), at least one, not float64 of shape (5, 2)",
        ),
        (
            {"spikes": np.zeros(5, bool)},
            "spikes must be truth values of shape (timesteps, *shape), at least one, not bool of shape (5,)",
        ),
        ({"dt": 0}, "dt must be greater than 0 ms, not 0.0"),
    ],
)
def test_recordings_whose_parts_dont_fit_are_refused(change, text):
    with pytest.raises(InputError) as caught:
        Recording(**{"dt": 0.1, "spikes": SPIKES, **change})
    assert str(caught.value) == text


@pytest.mark.parametrize("arithmetic", [None, "square-16"])
@pytest.mark.parametrize("method", ["run", "forward"])
def test_a_sum_over_synapses_that_overflows_is_named(arithmetic, method):
    model = QLIFPopulation(n=2, arithmetic=arithmetic, sum_input=True)
    currents = np.array([[1e308, 1.0], [1e308, 1.0]])
    at = "index (0,)" if method == "forward" else "index (0, 0)"
    with pytest.raises(InputError) as caught:
        getattr(model, method)(currents if method == "forward" else currents[np.newaxis])
    assert str(caught.value) == f"the sum of the currents of all synapses must be finite, not inf at {at}"


@pytest.mark.parametrize("size", [{"n": 10**12}, {"shape": (10**7, 10**7)}])
@pytest.mark.parametrize("choice", [{}, {"arithmetic": "square-16"}, {"dialect": "synapticflow"}])
def test_a_population_that_memory_cant_hold_is_refused_before_it_is_made(size, choice):
    with pytest.raises(InputError, match=r"^a population of [0-9e+]+ neurons takes about "):
        QLIFPopulation(**size, **choice)


@pytest.mark.parametrize("writes", [("x",), [None], [(0, "reset", 1)]])
@pytest.mark.parametrize("arithmetic", [None, "square-16"])
def test_writes_are_parameter_writes(writes, arithmetic):
    with pytest.raises(InputError, match=r"^each of writes must be a ParameterWrite, not "):
        QLIFPopulation(n=1, arithmetic=arithmetic).run([[0.0]], writes=writes)


@pytest.mark.parametrize("n", [1 << 53, 10**30, 10**400])
def test_a_population_that_no_machine_holds_is_refused_in_one_short_line(n):
    with pytest.raises(
        InputError, match=r"^a population must have fewer than 2\*\*53 neurons, not [0-9.e+]{1,9}$"
    ):
        QLIFPopulation(n=n)


@pytest.mark.parametrize(
    "name", ["a0", "R", "tau_m", "tau_s", "dt", "rest_pot", "critical_pot", "trace_scale"]
)
@pytest.mark.parametrize("value", [1e308, 5e-324])
@pytest.mark.parametrize("arithmetic", [None, "square-16", "factored-16"])
def test_values_whose_products_overflow_are_refused_by_name(name, value, arithmetic):
    if value < 1 and name in ("rest_pot", "critical_pot", "trace_scale"):
        value = -1e308
    with pytest.raises(InputError, match=f"^{name} must be "):
        QLIFPopulation(n=2, arithmetic=arithmetic, **{name: value})


def test_fraction_bits_that_no_float_can_scale_by_are_refused():
    with pytest.raises(InputError, match=r"^potential must have at most 64 fraction bits"):
        PRESETS["square-16"].replace(potential="SQ(2000,-1990)")


@pytest.mark.parametrize("arithmetic", [None, "square-16"])
def test_every_parameter_is_an_attribute_that_can_be_read_only(arithmetic):
    model = QLIFPopulation(n=3, tau_m=30.0, threshold=[-52.0, -51.0, -50.0], arithmetic=arithmetic)
    for name, value in vars(model.parameters).items():
        assert np.array_equal(getattr(model, name), value)
    for name in sorted(Parameters.names() - {"learning"}):
        with pytest.raises(AttributeError, match=rf"{name} can't be set: .*replace\({name}=\.\.\.\)"):
            setattr(model, name, 1)
    model.learning = False
    assert model.learning is False
    with pytest.raises(AttributeError, match="'QLIFPopulation' object has no attribute 'tau'"):
        _ = model.tau
    other = QLIFPopulation.of(model.parameters.replace(tau_m=20.0), arithmetic)
    assert other.tau_m == 20.0 and model.tau_m == 30.0
    assert copy.deepcopy(model).tau_m == pickle.loads(pickle.dumps(model)).tau_m == 30.0


def test_a_population_is_called_like_torchs():
    one, other = QLIFPopulation(n=3), QLIFPopulation(n=3)
    one.forward([20.0] * 3)
    assert other([20.0] * 3) is None
    assert np.array_equal(one.v, other.v) and one.v[0] != -62.0


def test_a_population_says_what_it_is():
    assert repr(QLIFPopulation(n=3)) == "QLIFPopulation(shape=(3,))"
    assert repr(QLIFPopulation(n=3, tau_s=5.0)) == "QLIFPopulation(shape=(3,), tau_s=5.0)"
    assert repr(QLIFPopulation(n=3, tau_m=30.0, arithmetic="square-16")) == (
        "QLIFPopulation(shape=(3,), tau_m=30.0, "
        "arithmetic=<square, potential SQ(6,10), current SQ(8,8), RND SAT>)"
    )
    assert (
        repr(QLIFPopulation(n=3, dialect="synapticflow"))
        == "QLIFPopulation(shape=(3,), dialect='synapticflow')"
    )
