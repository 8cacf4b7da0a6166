"""The float64 reference against a loop over plain numbers, the ODE and its closed form."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from qlif.model.parameters import Parameters
from qlif.model.reference import FloatNeurons
from qlif.model.theory.closed_form import interspike_interval

STATES = ("s", "v", "refrac_count", "traces")


def one_neuron(
    currents, *, dt, tau_m, tau_s, a0, rest, critical, threshold, reset, hold, R, floor, additive, scale
):
    """The timestep of numerics.md section 2 for one neuron, in Python's own floats."""
    v, count, trace = reset, 0, 0.0
    for current in currents:
        if count == 0:
            v += (dt / tau_m) * (a0 * (v - rest) * (v - critical) + R * current)
        spike = v >= threshold
        if count > 0:
            count -= 1
        if spike:
            count = hold
            v = reset
        if floor is not None and v < floor:
            v = floor
        trace *= math.exp(-dt / tau_s)
        if spike and additive:
            trace += scale
        elif spike:
            trace = 1.0
        yield spike, v, count, trace


@st.composite
def neurons(draw):
    def number(low, high):
        return draw(st.floats(low, high))

    reset = number(-70, -60)
    return {
        "dt": number(0.01, 0.2),
        "tau_m": number(8, 40),
        "tau_s": number(2, 40),
        "a0": number(0.2, 1.5),
        "rest": number(-66, -60),
        "critical": number(-57, -53),
        "threshold": number(-55, -45),
        "reset": reset,
        "hold": draw(st.integers(0, 12)),
        "R": number(0.3, 3),
        "floor": draw(st.none() | st.floats(-75, reset)),
        "additive": draw(st.booleans()),
        "scale": number(-2, 3),
    }


def parameters(neurons, **keywords):
    """Return a population of these neurons, each parameter an array."""
    names = {
        "rest_pot": "rest",
        "critical_pot": "critical",
        "threshold": "threshold",
        "reset_pot": "reset",
        "refrac_length": "hold",
        "trace_scale": "scale",
        "lower_bound": "floor",
        "tau_m": "tau_m",
        "tau_s": "tau_s",
        "a0": "a0",
        "R": "R",
    }
    values = {name: [neuron[key] for neuron in neurons] for name, key in names.items()}
    if neurons[0]["floor"] is None:
        values["lower_bound"] = None
    return Parameters(
        n=len(neurons),
        dt=neurons[0]["dt"],
        additive_spike_trace=neurons[0]["additive"],
        **{**values, **keywords},
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(neurons(), min_size=1, max_size=3), st.integers(0, 2**32 - 1))
def test_follows_the_loop(population, seed):
    first = population[0]
    for neuron in population[1:]:  # these are one for the population
        neuron.update(dt=first["dt"], additive=first["additive"])
        neuron["floor"] = None if first["floor"] is None else neuron["reset"] - 1.5
    currents = np.random.default_rng(seed).normal(25, 60, (150, len(population)))
    neurons = FloatNeurons(parameters(population))
    loops = [one_neuron(currents[:, j].tolist(), **neuron) for j, neuron in enumerate(population)]
    for current, *expected in zip(currents, *loops, strict=True):
        neurons.step(current)
        spikes, potentials, counts, traces = zip(*expected, strict=True)
        assert neurons.s.tolist() == list(spikes)
        assert neurons.refrac_count.tolist() == list(counts)
        np.testing.assert_array_equal(neurons.v, potentials)
        # Two libraries' exponentials differ in the last bit.
        np.testing.assert_allclose(neurons.traces, traces, rtol=1e-13, atol=1e-300)


def spike_times(parameters, current, spikes):
    """Return the timesteps of the first spikes under a constant current, ``(spikes, neurons)``."""
    neurons = FloatNeurons(parameters)
    times = [[] for _ in current]
    timestep = 0
    while min(map(len, times)) < spikes:
        neurons.step(current)
        for index in np.flatnonzero(neurons.s):
            times[index].append(timestep)
        timestep += 1
    return np.array([each[:spikes] for each in times]).T


def test_integration_error_is_the_published_one():
    """The row "float64 Euler" of numerics.md section 5, to its printed digits."""
    parameters = Parameters(n=4, tau_m=30.0, refrac_length=50)
    current = np.array([16.5, 17, 20, 30])
    times = spike_times(parameters, current, 4)
    intervals = np.diff(times, axis=0) * parameters.dt
    np.testing.assert_allclose(intervals[0], intervals[1])
    exact = interspike_interval(parameters, current)
    percent = 100 * (intervals.mean(axis=0) / exact - 1)
    assert [f"{value:.2f}" for value in percent] == ["0.09", "0.06", "0.14", "0.57"]


def test_converges_to_the_ode_with_order_one():
    p = Parameters(n=1, tau_m=20.0)
    duration, current = 10.0, 14.0  # below rheobase: it relaxes, and nothing is reset

    def slope(_, v):
        return (p.a0 * (v - p.rest_pot) * (v - p.critical_pot) + p.R * current) / p.tau_m

    exact = solve_ivp(slope, (0, duration), [p.reset_pot], rtol=1e-11, atol=1e-12).y[0, -1]
    errors = []
    for timesteps in (100, 200, 400, 800):
        neurons = FloatNeurons(p.replace(dt=duration / timesteps))
        for _ in range(timesteps):
            neurons.step(np.array([current]))
        errors.append(abs(neurons.v[0] - exact))
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    np.testing.assert_allclose(orders, 1.0, atol=0.05)
    assert errors[-1] < 0.01


def test_is_silent_below_rheobase_and_fires_above():
    neurons = FloatNeurons(Parameters(n=2, tau_m=30.0))
    fired = np.zeros(2, dtype=bool)
    for _ in range(5000):
        neurons.step(np.array([15.9, 16.1]))
        fired |= neurons.s
    assert fired.tolist() == [False, True]


@pytest.mark.parametrize("hold", [0, 1, 5])
def test_holds_for_exactly_the_refractory_period(hold):
    neurons = FloatNeurons(Parameters(n=1, refrac_length=hold))
    strong = np.array([5000.0])
    neurons.step(strong)
    for _ in range(2):
        assert neurons.s[0] and neurons.refrac_count[0] == hold
        for left in range(hold - 1, -1, -1):
            neurons.step(strong)
            assert not neurons.s[0] and neurons.v[0] == -62 and neurons.refrac_count[0] == left
        neurons.step(strong)


def test_spikes_at_the_threshold_itself():
    # From -62 the slope is R I alone: one timestep adds exactly 0.5 * 20 = 10 mV.
    neurons = FloatNeurons(Parameters(n=2, dt=0.5, tau_m=1.0, a0=0.001))
    neurons.step(np.array([20.0, 20.0 - 2.0**-40]))
    assert neurons.s.tolist() == [True, False]


def test_lower_bound_holds_the_potential():
    neurons = FloatNeurons(Parameters(n=2, lower_bound=[-62.0, -62.4]))
    for _ in range(20):
        neurons.step(np.array([-30.0, -30.0]))
    assert neurons.v.tolist() == [-62.0, -62.4]


def test_traces_replace_or_add():
    strong = np.array([5000.0])
    replacing = FloatNeurons(Parameters(n=1, refrac_length=0, trace_scale=0.25))
    adding = FloatNeurons(Parameters(n=1, refrac_length=0, trace_scale=0.25, additive_spike_trace=True))
    for neurons in (replacing, adding):
        neurons.step(strong)
        neurons.step(strong)
    assert replacing.traces[0] == 1.0
    assert adding.traces[0] == pytest.approx(0.25 * (1 + math.exp(-0.01)))


def test_a_population_without_trace_keeps_zeros():
    neurons = FloatNeurons(Parameters(n=2, spike_trace=False))
    neurons.step(np.full(2, 5000.0))
    assert neurons.s.all() and not neurons.traces.any()


def test_starts_and_resets_at_reset_pot():
    neurons = FloatNeurons(Parameters(shape=(2, 3), reset_pot=-61.0))
    for _ in range(2):
        types = [getattr(neurons, state).dtype for state in STATES]
        assert types == [np.bool_, np.float64, np.int64, np.float64]
        for state, value in zip(STATES, (False, -61.0, 0, 0.0), strict=True):
            array = getattr(neurons, state)
            assert array.shape == (2, 3) and np.all(array == value)
        neurons.step(np.full((2, 3), 5000.0))
        neurons.reset()


def test_types_and_shapes_do_not_change():
    neurons = FloatNeurons(Parameters(shape=(2, 3), refrac_length=np.arange(6).reshape(2, 3)))
    for _ in range(3):
        neurons.step(np.full((2, 3), 5000.0))
        arrays = [getattr(neurons, state) for state in STATES]
        assert [array.dtype for array in arrays] == [np.bool_, np.float64, np.int64, np.float64]
        assert {array.shape for array in arrays} == {(2, 3)}


def test_a_kept_state_does_not_change():
    neurons = FloatNeurons(Parameters(n=2, refrac_length=1))
    for _ in range(4):
        kept = [(getattr(neurons, state), getattr(neurons, state).copy()) for state in STATES]
        neurons.step(np.array([5000.0, 20.0]))
        for array, copy in kept:
            np.testing.assert_array_equal(array, copy)
