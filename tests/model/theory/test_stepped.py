"""Neurons with a timestep: the exact map against the exact flow, Euler and Heun against the compiled reference."""

import numpy as np
import pytest

from qlif.model.exceptions import InputError, PrecisionWarning
from qlif.model.metrics.run_errors import mean_intervals
from qlif.model.parameters import Parameters
from qlif.model.population import QLIFPopulation
from qlif.model.studies.named.neuron import curve_currents
from qlif.model.theory import closed_form, exact_flow, stepped
from qlif.model.theory.stepped import Remainder, Step

NOISE = np.random.default_rng(7).normal(25.0, 30.0, (800, 5))


@pytest.mark.parametrize(("step", "integrator"), [(Step.EULER, "euler"), (Step.HEUN, "heun")])
@pytest.mark.parametrize(("remainder", "substep"), [(Remainder.LOST, False), (Remainder.LONGER, True)])
@pytest.mark.parametrize("bound", [None, -63.0])
@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_the_float_reference_takes_the_same_steps(step, integrator, remainder, substep, bound, engine):
    if engine == "compiled":
        pytest.importorskip("numba")
    neuron = Parameters(n=5, refrac_length=2, lower_bound=bound)
    found = stepped.solve(neuron, NOISE, step, remainder)
    choices = {"integrator": integrator, "substep": substep, "engine": engine}
    run = QLIFPopulation.of(neuron, **choices).run(NOISE)
    np.testing.assert_allclose(found.potentials, run.potentials, rtol=1e-11)
    assert sum(map(len, run.spike_times)) > 50
    for expected, times in zip(run.spike_times, found.spike_times, strict=True):
        np.testing.assert_allclose(times, expected, rtol=1e-11)


def test_the_exact_map_is_the_exact_flow_until_the_first_spike_and_rounds_its_time_up():
    neuron = Parameters(n=3, dt=0.5, refrac_length=2)
    currents = np.tile([18.0, 30.0, 70.0], (100, 1))
    exact = exact_flow.solve(neuron, currents)
    found = stepped.solve(neuron, currents, Step.EXACT, Remainder.LOST)
    for n in range(3):
        first = exact.spike_times[n][0]
        assert found.spike_times[n][0] == pytest.approx(np.ceil(first / 0.5) * 0.5)
        before = int(first / 0.5)
        np.testing.assert_allclose(found.potentials[:before, n], exact.potentials[:before, n], rtol=1e-12)
        # On a grid all intervals are the same whole number of timesteps.
        assert set(np.round(np.diff(found.spike_times[n]) / 0.5, 9)) == {
            np.ceil((exact.spike_times[n][0]) / 0.5) + 2
        }


def test_a_step_past_infinity_has_all_of_its_time_left():
    with pytest.warns(PrecisionWarning):
        neuron = Parameters(n=1, dt=5.0, tau_m=10.0, refrac_length=0)
    found = stepped.solve(neuron, [[400.0], [400.0]], Step.EXACT, Remainder.LONGER)
    assert found.spike_times[0].tolist() == [0.0, 5.0]


@pytest.mark.parametrize(
    ("tau_m", "dt", "length", "expected"),
    [
        (10.0, 0.1, 5, {"grid": 1.29, "exact grid": 1.09, "own": 0.37, "heun": 0.021, "exact": 0.018}),
        (30.0, 1.0, 5, {"grid": 3.5, "exact grid": 2.8, "own": 0.72, "heun": 0.19, "exact": 0.17}),
    ],
)
def test_the_split_of_errors_is_the_one_noted_before(tau_m, dt, length, expected):
    """These figures were measured with another implementation."""
    one = Parameters(n=1, tau_m=tau_m, dt=dt, refrac_length=length, spike_trace=False)
    drives = curve_currents(one)
    closed = closed_form.interspike_interval(one, drives)
    cases = {
        "grid": (Step.EULER, Remainder.LOST),
        "exact grid": (Step.EXACT, Remainder.LOST),
        "own": (Step.EULER, Remainder.OWN),
        "heun": (Step.HEUN, Remainder.OWN),
        "exact": (Step.EXACT, Remainder.OWN),
    }
    currents = np.broadcast_to(drives, (round(400 / dt), len(drives)))
    for name, case in cases.items():
        times = stepped.solve(one.replace(n=len(drives)), currents, *case).spike_times
        error = 100 * np.sqrt(np.mean((mean_intervals(times) / closed - 1) ** 2))
        digits = len(str(expected[name]).partition(".")[2])
        assert round(error, digits) == expected[name], name


def test_currents_of_another_shape_are_refused():
    with pytest.raises(InputError, match=r"currents must be of shape \(timesteps, 2\)"):
        stepped.solve(Parameters(n=2), [[1.0]], Step.EULER, Remainder.LOST)
