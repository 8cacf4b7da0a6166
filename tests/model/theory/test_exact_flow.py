"""The exact solution against the closed form, a general solver, and Euler with shrinking steps."""

import warnings

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from qlif.model.exceptions import InputError, PrecisionWarning
from qlif.model.parameters import Parameters
from qlif.model.population import QLIFPopulation
from qlif.model.theory import closed_form, exact_flow

CURRENTS = np.array([16.0, 16.2, 17.0, 20.0, 30.0, 80.0])


def test_constant_input_gives_the_closed_form_interval():
    parameters = Parameters(n=6, tau_m=30.0, refrac_length=50)
    run = exact_flow.solve(parameters, np.broadcast_to(CURRENTS, (12_000, 6)))
    expected = closed_form.interspike_interval(parameters, CURRENTS)
    for times, interval in zip(run.spike_times, expected, strict=True):
        if np.isinf(interval):
            assert not len(times)
        else:
            assert len(times) >= 2
            np.testing.assert_allclose(np.diff(times), interval, rtol=1e-9)
            assert times[0] == pytest.approx(interval - 5.0, rel=1e-9)


@pytest.mark.parametrize(
    "parameters",
    [
        Parameters(n=3, threshold=-64.0, rest_pot=-60.0, critical_pot=-50.0, reset_pot=-70.0),
        Parameters(n=3, reset_pot=-53.0, threshold=-45.0, rest_pot=-60.0, critical_pot=-54.0),
    ],
    ids=["threshold below rest", "reset above critical"],
)
def test_neurons_that_fire_below_rheobase(parameters):
    currents = np.array([0.0, 2.0, 5.0])
    expected = closed_form.interspike_interval(parameters, currents)
    assert np.all(np.isfinite(expected))
    run = exact_flow.solve(parameters, np.broadcast_to(currents, (2000, 3)))
    for times, interval in zip(run.spike_times, expected, strict=True):
        np.testing.assert_allclose(np.diff(times), interval, rtol=1e-9)


def test_potential_under_changing_input_is_that_of_a_general_solver():
    parameters = Parameters(n=1, tau_m=20.0, lower_bound=None)
    currents = np.random.default_rng(3).normal(8.0, 12.0, (60, 1))
    run = exact_flow.solve(parameters, currents)
    assert not len(run.spike_times[0])
    v = -62.0
    for timestep, current in enumerate(currents[:, 0]):
        answer = solve_ivp(
            lambda _, v, current=current: ((v + 62) * (v + 54) + current) / 20,
            (0, 0.1),
            [v],
            rtol=1e-11,
            atol=1e-11,
        )
        v = answer.y[0, -1]
        assert run.potentials[timestep, 0] == pytest.approx(v, abs=1e-8)


def test_euler_with_shrinking_steps_comes_to_the_same_spikes():
    coarse = np.random.default_rng(5).normal(19.0, 8.0, (2000, 4))
    run = exact_flow.solve(Parameters(n=4, lower_bound=-65.0), coarse)
    distances = []
    for factor in (1, 8, 64):
        fine = Parameters(n=4, lower_bound=-65.0, dt=0.1 / factor, refrac_length=5 * factor)
        euler = QLIFPopulation.of(fine).run(np.repeat(coarse, factor, axis=0), record=())
        lags = [np.abs(a[:3] - b[:3]).max() for a, b in zip(euler.spike_times, run.spike_times, strict=True)]
        distances.append(max(lags))
    assert distances[2] < distances[1] < distances[0]
    assert distances[2] < 0.03


def test_potential_never_leaves_the_lower_bound():
    parameters = Parameters(n=1, lower_bound=-63.0)
    run = exact_flow.solve(parameters, np.full((500, 1), -200.0))
    assert run.potentials.min() == run.potentials[-1, 0] == -63.0


def test_wrong_input_is_refused():
    with pytest.raises(InputError, match=r"currents must be of shape \(timesteps, 2\), not \(5,\)"):
        exact_flow.solve(Parameters(n=2), np.zeros(5))
    with pytest.raises(InputError, match="finite"):
        exact_flow.solve(Parameters(n=1), [[np.inf]])


@pytest.mark.parametrize("dt", [1e9, 1e40])
def test_a_timestep_with_more_spikes_than_anyone_can_wait_for_is_refused(dt):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PrecisionWarning)
        parameters = Parameters(n=2, dt=dt, refrac_length=0)
    with pytest.raises(
        InputError, match=r"the exact neurons spike .* times, more than 100,000,000: dt \(1e\+"
    ):
        exact_flow.solve(parameters, np.full((3, 2), 40.0))
    assert exact_flow.solve(parameters, np.zeros((3, 2))).spike_times[0].size == 0
