"""The physical parameters: what is taken, what is refused and in which words."""

import json
import math
import warnings

import numpy as np
import pytest

from qlif.model.exceptions import InputError, PrecisionWarning
from qlif.model.parameters import PER_NEURON, Parameters, population_shape

DEFAULTS = {
    "n": 3,
    "shape": (3,),
    "spike_trace": True,
    "additive_spike_trace": False,
    "tau_s": 10.0,
    "a0": 1.0,
    "critical_pot": -54.0,
    "threshold": -52.0,
    "rest_pot": -62.0,
    "reset_pot": -62.0,
    "refrac_length": 5,
    "dt": 0.1,
    "lower_bound": None,
    "sum_input": False,
    "trace_scale": 1.0,
    "is_inhibitory": False,
    "R": 1.0,
    "learning": True,
    "tau_m": 10.0,
}


def text_of(**keywords):
    with pytest.raises(InputError) as caught:
        Parameters(**{"n": 3, **keywords})
    return str(caught.value)


def test_defaults_are_the_seed_documents():
    assert Parameters(n=3).as_dict() == DEFAULTS
    assert Parameters.names() == set(DEFAULTS)


def test_membrane_time_constant_follows_the_trace():
    assert Parameters(n=1, tau_s=25.0).tau_m == 25.0
    assert Parameters(n=1, tau_s=25.0, tau_m=30.0).tau_m == 30.0


@pytest.mark.parametrize(
    "name", [name for name in PER_NEURON if name not in ("lower_bound", "refrac_length")]
)
def test_one_value_per_neuron(name):
    values = DEFAULTS[name] + np.array([0.25, 0.0, 0.125])
    given = getattr(Parameters(n=3, **{"reset_pot": -63.0, name: values}), name)
    assert given.dtype == np.float64 and given.tolist() == values.tolist()
    with pytest.raises(ValueError, match="read-only"):
        given[0] = 1
    values[0] = 99.0
    assert given[0] != 99.0


def test_refractory_periods_and_lower_bounds_per_neuron():
    p = Parameters(n=3, refrac_length=[0, 5.0, 7], lower_bound=[-62, -63, -70.5])
    assert p.refrac_length.dtype == np.int64 and p.refrac_length.tolist() == [0, 5, 7]
    assert p.lower_bound.tolist() == [-62.0, -63.0, -70.5]


def test_coefficients_of_one_timestep():
    p = Parameters(n=1, a0=0.5, dt=0.2, tau_m=20.0, tau_s=4.0, R=3.0)
    assert p.gain == pytest.approx(0.005) and p.drive == pytest.approx(0.03)
    assert p.decay == math.exp(-0.05)
    assert Parameters(n=2, tau_s=[4.0, 8.0]).decay.tolist() == np.exp([-0.025, -0.0125]).tolist()


@pytest.mark.parametrize(
    ("n", "shape", "expected"),
    [
        (5, None, (5, (5,))),
        (None, (2, 3), (6, (2, 3))),
        (6, [2, 3], (6, (2, 3))),
        (None, iter([4]), (4, (4,))),
        (np.int64(2), None, (2, (2,))),
    ],
)
def test_population_shape(n, shape, expected):
    assert population_shape(n, shape) == expected


@pytest.mark.parametrize(
    ("keywords", "text"),
    [
        ({}, "n or shape is needed: the number of neurons, or the population's topology"),
        ({"n": 0}, "n must be a whole number, 1 or more, not 0"),
        ({"n": 2.0}, "n must be a whole number, 1 or more, not 2.0"),
        ({"n": True}, "n must be a whole number, 1 or more, not True"),
        ({"shape": ()}, "shape must have at least one axis, not ()"),
        ({"shape": 5}, "shape must be a list of whole numbers, not 5"),
        ({"shape": (2, 0)}, "shape must be a whole number, 1 or more, not 0"),
        ({"n": 5, "shape": (2, 3)}, "n must be the product of shape (2, 3), 6, not 5"),
    ],
)
def test_unusable_shape(keywords, text):
    with pytest.raises(InputError) as caught:
        Parameters(**keywords)
    assert str(caught.value) == text


@pytest.mark.parametrize("name", PER_NEURON)
def test_numbers_and_arrays_that_are_refused(name):
    assert text_of(**{name: "x"}) == f"{name} must be a number or an array, not 'x'"
    assert text_of(**{name: math.nan}) == f"{name} must be finite, not nan"
    assert text_of(**{name: [1.0, math.inf, 2.0]}) == f"{name} must be finite, not [ 1. inf 2.]"
    assert text_of(**{name: [1.0, 2.0]}) == (
        f"{name} must be one number or an array of the population's shape (3,), not of shape (2,)"
    )


@pytest.mark.parametrize("name", ["a0", "R", "tau_m", "tau_s", "dt"])
def test_values_that_must_be_positive(name):
    assert text_of(**{name: 0}) == f"{name} must be greater than 0, not 0"
    assert text_of(**{name: -1.5}) == f"{name} must be greater than 0, not -1.5"
    if name != "dt":
        assert text_of(**{name: [1, 2, -3]}) == f"{name} must be greater than 0, not [ 1 2 -3]"


@pytest.mark.parametrize("value", ["10", True, 1 + 2j, [[1.0, 2.0], [3.0]]])
def test_what_is_no_number(value):
    assert text_of(a0=value).startswith("a0 must be a number or an array, not ")


def test_refractory_period_that_no_counter_holds():
    assert text_of(refrac_length=1e300) == "refrac_length must be below 2147483648 timesteps, not 1e+300"


def test_a_threshold_below_rest_is_no_matter_of_the_timestep():
    Parameters(n=1, rest_pot=-50, critical_pot=-45, threshold=-52, reset_pot=-60, dt=0.001)


def test_parameters_do_not_change():
    with pytest.raises(AttributeError, match="a0 can't be changed"):
        Parameters(n=1).a0 = 2.0


@pytest.mark.parametrize(
    "name", ["spike_trace", "additive_spike_trace", "sum_input", "is_inhibitory", "learning"]
)
def test_flags(name):
    assert getattr(Parameters(n=3, **{name: np.True_}), name) is True
    assert text_of(**{name: 1}) == f"{name} must be true or false, not 1"
    assert text_of(**{name: "yes"}) == f"{name} must be true or false, not 'yes'"


@pytest.mark.parametrize(
    ("keywords", "text"),
    [
        (
            {"refrac_length": 2.5},
            "refrac_length must be a whole number of timesteps, 0 or more, not 2.5",
        ),
        (
            {"refrac_length": -1},
            "refrac_length must be a whole number of timesteps, 0 or more, not -1",
        ),
        (
            {"refrac_length": [1, 2.5, 3]},
            "refrac_length must be a whole number of timesteps, 0 or more, not [1. 2.5 3. ]",
        ),
        (
            {"dt": [0.1, 0.1, 0.2]},
            "dt must be one number for the whole population, not [0.1 0.1 0.2]",
        ),
        ({"threshold": -62}, "threshold must be above reset_pot (-62.0 mV), not -62.0 mV"),
        (
            {"reset_pot": [-62, -50, -60]},
            "threshold must be above reset_pot ([-62. -50. -60.] mV), not -52.0 mV",
        ),
        ({"lower_bound": -61.5}, "lower_bound must be at most reset_pot (-62.0 mV), not -61.5 mV"),
    ],
)
def test_values_that_do_not_fit_together(keywords, text):
    assert text_of(**keywords) == text


def test_bounds_themselves_are_allowed():
    p = Parameters(n=1, threshold=np.nextafter(-62.0, 0), rest_pot=-70.0, lower_bound=-62.0, refrac_length=0)
    assert p.lower_bound == p.reset_pot < p.threshold


def warning_of(**keywords):
    with pytest.warns(PrecisionWarning) as caught:
        Parameters(**keywords)
    assert len(caught) == 1 and caught[0].filename == __file__
    return str(caught[0].message)


def test_warns_where_a_step_jumps_past_threshold():
    # At rheobase the first step is gain * 16 mV, from -62 to a threshold that is 10 mV above.
    assert warning_of(n=1, dt=1.0, tau_m=1.6) == (
        "a0 dt / tau_m = 0.625/mV is so large that one timestep at rheobase takes "
        "the neuron from rest past threshold; make dt smaller"
    )


def test_warns_where_the_potential_overshoots_rest():
    # Near rest a step scales the distance by 1 - 8 gain.
    assert warning_of(n=1, dt=1.0, tau_m=4.0) == (
        "a0 dt / tau_m = 0.25/mV is so large that the potential overshoots rest_pot when it relaxes; "
        "make dt smaller"
    )
    assert "a0 dt / tau_m = [0.01 0.25]/mV" in warning_of(n=2, tau_m=[10.0, 0.4])


def test_does_not_warn_at_the_limit():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Parameters(n=1, dt=1.0, tau_m=8.0)


def test_replace_checks_like_new():
    p = Parameters(n=3, a0=0.5)
    changed = p.replace(threshold=-50.0, refrac_length=7)
    assert (changed.threshold, changed.refrac_length, changed.a0) == (-50.0, 7, 0.5)
    assert (p.threshold, p.refrac_length) == (-52.0, 5)
    with pytest.raises(InputError) as caught:
        p.replace(threshold=-70.0)
    assert str(caught.value) == "threshold must be above reset_pot (-62.0 mV), not -70.0 mV"


def test_replace_of_the_size():
    p = Parameters(shape=(2, 3))
    assert p.replace(n=4).shape == (4,)
    assert p.replace(shape=(5, 2)).n == 10
    assert p.replace(n=6, shape=(3, 2)).shape == (3, 2)
    with pytest.raises(InputError) as caught:
        Parameters(n=2, a0=[1, 2]).replace(n=3)
    assert str(caught.value) == (
        "a0 must be one number or an array of the population's shape (3,), not of shape (2,)"
    )


def test_replace_names_what_it_does_not_know():
    with pytest.raises(InputError) as caught:
        Parameters(n=3).replace(treshold=-50)
    assert str(caught.value) == "unknown parameter 'treshold': did you mean 'threshold'?"


def test_as_dict_goes_through_json_and_back():
    p = Parameters(shape=(2, 2), a0=[[1, 2], [3, 4]], refrac_length=[[1, 2], [3, 4]], lower_bound=-70)
    values = json.loads(json.dumps(p.as_dict()))
    assert values["a0"] == [[1.0, 2.0], [3.0, 4.0]] and values["refrac_length"] == [[1, 2], [3, 4]]
    assert Parameters(**values).as_dict() == p.as_dict()


def test_repr_names_every_value():
    text = repr(Parameters(n=3, R=2.5))
    assert text.startswith("Parameters(n=3, shape=(3,), ") and "R=2.5" in text
    assert all(f"{name}=" in text for name in Parameters.names())
