"""Effective parameters: they have to hold on an input that they weren't fitted to."""

import numpy as np
import pytest

from qlif.model.exceptions import InputError
from qlif.model.inputs import stimuli
from qlif.model.parameters import Parameters
from qlif.model.population import QLIFPopulation
from qlif.model.presets import PRESETS
from qlif.model.studies import effective_parameters
from qlif.model.studies.effective_parameters import FITTED, fit_effective, jitter
from qlif.model.theory import exact_flow

ONE = Parameters(n=1, tau_m=30.0, dt=0.5, refrac_length=10, spike_trace=False)
PHASES = PRESETS["square-18"].replace(phase_bits=2)


def noise(seed, neurons=24, timesteps=2000):
    return stimuli.make("ou:mean=24,sd=6,tau=10", timesteps=timesteps, neurons=neurons, dt=ONE.dt, seed=seed)


def judged(parameters, currents):
    trials = {"n": currents.shape[1]}
    references = exact_flow.solve(ONE.replace(**trials), currents).spike_times
    population = QLIFPopulation.of(parameters.replace(**trials), PHASES)
    return jitter(references, population.run(currents, record=()).spike_times, 2.0)


@pytest.mark.slow
def test_a_fit_holds_on_other_noise():
    fit = fit_effective(ONE, PHASES, noise(1), evaluations=90)
    assert fit.jitter_after < 0.7 * fit.jitter_before and fit.kept_after > fit.kept_before
    (before, kept), (after, still) = judged(ONE, noise(2)), judged(fit.parameters, noise(2))
    assert after < 0.75 * before and still > kept
    moved = {name for name in FITTED if getattr(fit.parameters, name) != getattr(ONE, name)}
    assert moved == {*FITTED} and (fit.parameters.dt, fit.parameters.refrac_length) == (ONE.dt, 10)


def test_a_fit_is_no_worse_than_what_it_began_with(monkeypatch):
    # A simplex that is worse everywhere but at the given parameters.
    monkeypatch.setattr(effective_parameters, "_START", np.array([3.0, 0.5, 0.2, 2.0, -0.5, 0.5]))
    fit = fit_effective(ONE, PHASES, noise(1, neurons=4), evaluations=21)
    assert fit.jitter_after <= fit.jitter_before and fit.kept_after >= fit.kept_before


def test_what_cannot_be_fitted_is_refused():
    with pytest.raises(InputError, match=r"parameters must be those of one neuron, not of shape \(2,\)"):
        fit_effective(ONE.replace(n=2), PHASES, noise(1, neurons=2))
    with pytest.raises(InputError, match="currents must make the neuron spike"):
        fit_effective(ONE, PHASES, np.zeros((10, 1)))
