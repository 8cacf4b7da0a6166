"""Spikes between timesteps: the phase in fixed point and in float, and what becomes of the interval error."""

import pickle
import warnings

import numpy as np
import pytest

from qlif.model.exceptions import InputError, PrecisionWarning
from qlif.model.golden.neurons import FixedNeurons
from qlif.model.golden.step import State, step, where_integer
from qlif.model.parameters import Parameters
from qlif.model.population import QLIFPopulation
from qlif.model.presets import PRESETS, preset
from qlif.model.quantisation import quantise
from qlif.model.recording import Recording
from qlif.model.reference import FloatNeurons
from qlif.model.theory.closed_form import interspike_interval

CURRENTS = np.linspace(16.5, 48, 32)
COARSE = {"tau_m": 10.0, "dt": 0.2, "refrac_length": 2}


def interval_error(**choices):
    """RMS of the mean intervals' errors against the closed form, in percent."""
    population = QLIFPopulation(n=len(CURRENTS), engine="numpy", **COARSE, **choices)
    times = population.run(np.tile(CURRENTS, (3000, 1)), record=()).spike_times
    mean = np.array([(each[-1] - each[0]) / (len(each) - 1) for each in times])
    return 100 * np.sqrt(np.mean((mean / interspike_interval(Parameters(n=1, **COARSE), CURRENTS) - 1) ** 2))


@pytest.mark.parametrize(("bits", "expected"), [(0, 3.118), (1, 1.224), (2, 0.641), (3, 0.391)])
def test_each_bit_of_phase_brings_the_intervals_nearer_to_the_closed_form(bits, expected):
    arithmetic = preset("square-18").replace(phase_bits=bits)
    assert interval_error(arithmetic=arithmetic) == pytest.approx(expected, rel=0.05)


def test_the_exact_phase_is_better_than_any_number_of_bits():
    assert interval_error(substep=True) < 0.391


def one_neuron(currents, neuron):
    """The float timestep of one neuron with its phase, in Python's own floats."""
    v, count, phase = neuron.reset_pot, 0, 0.0
    for current in currents:
        ready = count == 0
        slope = neuron.a0 * (v - neuron.rest_pot) * (v - neuron.critical_pot) + neuron.R * current
        increment = neuron.dt / neuron.tau_m * slope
        if ready:
            v += increment * (1 + phase)
        spike = v >= neuron.threshold
        if ready:
            phase = min((v - neuron.threshold) / increment, 1.0) if spike else 0.0
        count = neuron.refrac_length if spike else max(count - 1, 0)
        v = neuron.reset_pot if spike else v
        yield spike, v, phase


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
@pytest.mark.parametrize("refractory", [0, 3])
def test_the_float_reference_keeps_what_is_left_of_a_timestep(engine, refractory):
    if engine == "compiled":
        pytest.importorskip("numba")
    neuron = Parameters(n=1, tau_m=10.0, refrac_length=refractory)
    currents = np.random.default_rng(3).normal(40, 60, 2000)
    run = QLIFPopulation.of(neuron, engine=engine, substep=True).run(currents[:, np.newaxis])
    expected = list(one_neuron(currents, neuron))
    assert run.spikes[:, 0].tolist() == [spike for spike, _, _ in expected]
    assert run.potentials[:, 0].tolist() == [v for _, v, _ in expected]
    assert run.phases[:, 0].tolist() == [phase for _, _, phase in expected]
    steps = np.flatnonzero(run.spikes[:, 0])
    assert len(steps) > 20
    assert run.spike_times[0] == pytest.approx([(k + 1 - expected[k][2]) * 0.1 for k in steps], rel=1e-12)


@pytest.mark.parametrize("substep", [False, True])
def test_heuns_step_converges_faster_and_a_population_of_it_can_be_copied(substep):
    choices = {"integrator": "heun", "engine": "numpy", "substep": substep}
    currents = np.linspace(20, 60, 400)[:, np.newaxis]
    population = QLIFPopulation(n=1, **choices)
    first = population.run(currents[:150])
    copied = pickle.loads(pickle.dumps(population))
    assert np.array_equal(copied.run(currents[150:]).potentials, population.run(currents[150:]).potentials)
    assert first.spikes.any()
    euler = interval_error(substep=True)
    assert interval_error(substep=True, integrator="heun") < euler / 2


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"integrator": "huen"}, "unknown integrator 'huen': did you mean 'heun'"),
        ({"integrator": "heun", "arithmetic": "square-18"}, "integrator must be euler with an arithmetic"),
        ({"integrator": "heun", "dialect": "synapticflow"}, "integrator must be euler with dialect"),
    ],
)
def test_an_integrator_that_there_is_not_is_refused(choices, message):
    with pytest.raises(InputError, match=message):
        QLIFPopulation(n=1, **choices)


def test_a_float_neuron_above_its_threshold_has_a_whole_timestep_left():
    population = QLIFPopulation(n=2, engine="numpy", substep=True)
    population.neurons.v = [-40.0, -51.0]
    run = population.run([[-1000.0, -1000.0]], record=())
    # The first still is above after a step down, the second isn't.
    assert run.spikes.tolist() == [[True, False]]
    assert run.phases.tolist() == [[1.0, 0.0]]


def test_fixed_point_spike_times_have_their_phase():
    arithmetic = preset("square-18").replace(phase_bits=2)
    currents = np.linspace(20, 60, 600)[:, np.newaxis]
    run = QLIFPopulation(n=1, engine="numpy", arithmetic=arithmetic).run(currents, record=())
    (steps,), (times,) = run.spike_steps, run.spike_times
    phases = run.phase_words[steps, 0]
    assert set(phases) == {0, 1, 2, 3}
    assert times.tolist() == ((steps + 1 - phases / 4) * 0.1).tolist()
    assert np.array_equal(run.phases, run.phase_words / 4)


@pytest.mark.parametrize(
    "choices", [{"substep": True}, {"arithmetic": PRESETS["tiny-8"].replace(phase_bits=2)}]
)
def test_a_saved_recording_and_a_table_keep_the_phases(tmp_path, choices):
    run = QLIFPopulation(n=2, engine="numpy", **choices).run(np.linspace([20, 30], [40, 60], 300))
    run.save(tmp_path / "run.npz")
    back = Recording.load(tmp_path / "run.npz")
    assert np.array_equal(back.phases, run.phases)
    times = np.sort(np.concatenate(run.spike_times))
    assert len(times) > 5 and np.array_equal(np.sort(np.concatenate(back.spike_times)), times)
    pytest.importorskip("pandas")
    assert np.array_equal(np.sort(run.to_pandas().time_ms), times)


def test_a_phase_is_held_while_refractory_and_used_once():
    words = quantise(Parameters(n=1, refrac_length=2), preset("square-18").replace(phase_bits=2))
    reset, threshold = words.values["reset"], words.values["threshold"]
    drive = words.current_words(30.0).item()
    held, _ = step(words, words.values, State(reset, 2, 0, 3), drive, 0, where_integer)
    assert held == State(reset, 1, 0, 3)
    longer, _ = step(words, words.values, State(reset, 0, 0, 3), drive, 0, where_integer)
    plain, _ = step(words, words.values, State(reset, 0, 0, 0), drive, 0, where_integer)
    assert longer.phase == plain.phase == 0
    assert longer.potential - reset == pytest.approx(1.75 * (plain.potential - reset), abs=1.5)
    # Only a write can put the threshold below a refractory neuron: that spike ends its timestep.
    after, spike = step(words, words.values, State(threshold, 2, 0, 3), drive, 0, where_integer)
    assert spike and after.phase == 0


def test_a_population_goes_on_where_it_was():
    arithmetic = preset("square-18").replace(phase_bits=3)
    currents = np.random.default_rng(5).normal(40, 30, (300, 4))
    whole = QLIFPopulation(n=4, engine="numpy", arithmetic=arithmetic).run(currents)
    in_parts = QLIFPopulation(n=4, engine="numpy", arithmetic=arithmetic)
    parts = [in_parts.run(part) for part in np.split(currents, [70, 71, 200])]
    assert np.array_equal(whole.phase_words, np.concatenate([part.phase_words for part in parts]))
    in_parts.reset_state_variables()
    assert np.array_equal(in_parts.run(currents).phase_words, whole.phase_words)


@pytest.mark.parametrize("name", PRESETS)
def test_without_bits_nothing_is_said_of_phases(name):
    assert "phase_bits" not in preset(name).as_dict()
    words = quantise(Parameters(n=1), preset(name))
    assert "phase" not in words.kept_formats
    assert set(FixedNeurons(words, "numpy").run_words(np.zeros((1, 1), dtype=int))[1]) == {
        "potential",
        "refractory",
        "trace",
    }
    phased = preset(name).replace(phase_bits=2)
    assert phased.as_dict()["phase_bits"] == 2
    assert quantise(Parameters(n=1), phased).state_bits == words.state_bits + 2


@pytest.mark.parametrize("value", [-1, 5, 2.0, True, "2"])
def test_other_numbers_of_bits_are_refused(value):
    with pytest.raises(InputError, match="phase_bits must be a whole number from 0 to 4, not"):
        preset("square-18").replace(phase_bits=value)


def test_what_has_no_phases_refuses_them():
    phased = preset("square-18").replace(phase_bits=2)
    with pytest.raises(InputError, match="substep must be false with an arithmetic"):
        QLIFPopulation(n=1, arithmetic=phased, substep=True)
    with pytest.raises(InputError, match="substep must be false with dialect 'synapticflow'"):
        QLIFPopulation(n=1, dialect="synapticflow", substep=True)
    with pytest.raises(InputError, match="substep must be true or false, not 1"):
        QLIFPopulation(n=1, substep=1)
    neurons = FixedNeurons(quantise(Parameters(n=1), preset("square-18")), "numpy")
    with pytest.raises(InputError, match="phase must be from 0 to 0, not 1"):
        neurons.state = neurons.state._replace(phase=np.array([1]))
    with pytest.raises(InputError, match="phase_words need words"):
        Recording(0.1, np.ones((1, 1), dtype=bool), phase_words=np.ones((1, 1), dtype=np.uint8))


def test_a_step_that_only_a_phase_makes_too_long_is_warned_about():
    neuron = Parameters(n=1, tau_m=1.0, dt=0.1)  # a0 dt / tau_m times 8 mV is 0.8
    phased = preset("square-18").replace(phase_bits=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quantise(neuron, preset("square-18"))
    with pytest.warns(PrecisionWarning, match="rest_pot in the longer step after a spike; make dt smaller"):
        quantise(neuron, phased)
    with pytest.warns(PrecisionWarning, match="the longer step after a spike"):
        FloatNeurons(neuron, "numpy", substep=True)
