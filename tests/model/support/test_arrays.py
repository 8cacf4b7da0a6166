"""Where arrays enter: units are converted, and what isn't made of plain real numbers is refused, not cast."""

import datetime
import decimal

import numpy as np
import pint
import pytest
import quantities

from qlif.model import QLIFPopulation
from qlif.model.exceptions import InputError
from qlif.model.inputs.stimuli import Constant
from qlif.model.parameters import Parameters
from qlif.model.presets import preset
from qlif.model.quantisation import quantise
from qlif.model.support.arrays import real_array, real_numbers

PINT = pint.UnitRegistry()


class Astropy:
    """What astropy's and unyt's quantities have in common: `unit` and `to_value`."""

    unit = "V"
    __array_priority__ = 1

    def __init__(self, volts):
        self.volts = volts

    def to_value(self, unit):
        if unit != "mV":
            raise ValueError
        return np.multiply(self.volts, 1000)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.volts, dtype)  # which loses the unit


class Foreign:
    """A number with a unit that says no way to convert it, as Brian2's."""

    dim = "V"

    def __float__(self):
        return 0.02

    def __repr__(self):
        return "20 mV"


VOLTS = [
    lambda x: x * PINT.volt,
    lambda x: x * quantities.volt,
    Astropy,
]


@pytest.mark.parametrize("in_volts", VOLTS)
def test_units_are_converted(in_volts):
    np.testing.assert_allclose(real_array("x", in_volts(0.02), "mV"), 20)
    np.testing.assert_allclose(real_array("x", in_volts(np.array([0.02, 0.01])), "mV"), [20, 10])
    np.testing.assert_allclose(real_array("x", [[in_volts(0.02), 3], [4, 5.0]], "mV"), [[20, 3], [4, 5]])
    with pytest.raises(InputError, match=r"^x must be in ms, or in a unit that converts to it, not "):
        real_array("x", in_volts(0.02), "ms")
    with pytest.raises(InputError, match=r"^x must be a pure number, not "):
        real_array("x", in_volts(0.02))


def test_pure_numbers_of_a_library_of_units():
    assert real_array("x", 5 * PINT.dimensionless) == real_array("x", 5 * quantities.dimensionless) == 5


def test_astropy_itself():
    units = pytest.importorskip("astropy.units")
    np.testing.assert_allclose(real_array("x", [0.02] * units.V, "mV"), [20])
    np.testing.assert_allclose(real_array("x", 1000 / units.V, "1/mV"), 1)
    assert real_array("x", 5 * units.dimensionless_unscaled) == 5
    with pytest.raises(InputError):
        real_array("x", 5 * units.ms, "mV")


@pytest.mark.parametrize("dialect", ["default", "synapticflow"])
@pytest.mark.parametrize("unit", [PINT, quantities])
def test_units_reach_neither_parameters_nor_currents_unconverted(dialect, unit):
    volt, second = unit.volt, unit.second
    times = {"tau_s": 0.03 * second, "refrac_length": 0.005 * second}
    plain_times = {"tau_s": 30.0, "refrac_length": 5}
    if dialect == "default":
        times |= {"dt": 0.0001 * second, "tau_m": 0.01 * second, "refrac_length": 5}
        plain_times |= {"dt": 0.1, "tau_m": 10.0}
    voltages = {"threshold": -0.052 * volt, "rest_pot": -0.062 * volt, "lower_bound": -0.07 * volt}
    model = QLIFPopulation(n=2, dialect=dialect, a0=1000 / volt, **voltages, **times)
    plain = QLIFPopulation(
        n=2, dialect=dialect, a0=1.0, threshold=-52.0, rest_pot=-62.0, lower_bound=-70.0, **plain_times
    )
    model.forward(np.array([0.02, 0.03]) * volt)
    plain.forward(np.array([20.0, 30.0]))
    np.testing.assert_allclose(model.v, plain.v, rtol=1e-6)
    model.run(np.full((3, 2), 0.02) * volt)
    plain.run(np.full((3, 2), 20.0))
    np.testing.assert_allclose(model.v, plain.v, rtol=1e-6)
    with pytest.raises(InputError):
        model.forward(np.array([0.02, 0.03]) * second)


def test_numbers_of_stimuli_are_converted():
    assert Constant(amplitude=0.02 * PINT.volt).amplitude == 20
    with pytest.raises(InputError, match=r"^amplitude must be in mV, or in a unit that converts to it, not "):
        Constant(amplitude=0.02 * PINT.second)


def test_a_unit_that_cant_be_converted_is_refused():
    with pytest.raises(InputError) as error:
        real_array("threshold", Foreign(), "mV")
    assert str(error.value) == "threshold must be in mV, or in a unit that converts to it, not 20 mV"


class Broken:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("on another device")


REFUSED = [
    1 + 2j,
    np.ones(3, complex),
    [1.0, 1j, 2.0],
    "20",
    b"20",
    ["1", "2", "3"],
    True,
    [True, 1.0, 2.0],
    np.ones(3, bool),
    None,
    [None, 1.0, 2.0],
    {},
    {1.0, 2.0, 3.0},
    object(),
    decimal.Decimal(20),
    datetime.datetime(2026, 1, 1),
    np.datetime64("2026-01-01"),
    np.array([1, 2, 3], "m8[ms]"),
    np.zeros(3, "i4,f8"),
    np.array([1.0, 2.0, 3.0], object)[[0]] + np.array([1j], object),
    np.ma.masked_array([1.0, 2.0, 3.0], [False, True, False]),
    [[1.0, 2.0], [3.0]],
    (x for x in [1.0, 2.0, 3.0]),
    Broken(),
]


def plain_population(arithmetic=None):
    return QLIFPopulation(n=3, arithmetic=arithmetic)


ENTRANCES = [
    lambda value: Parameters(n=3, threshold=value),
    lambda value: Parameters(n=3, refrac_length=value),
    lambda value: Parameters(n=3, dt=value),
    lambda value: plain_population().forward(value),
    lambda value: plain_population().run(value),
    lambda value: plain_population("square-16").forward(value),
    lambda value: plain_population("square-16").run(value),
    lambda value: setattr(plain_population().neurons, "v", value),
    lambda value: quantise(Parameters(n=3), preset("square-16")).potential_words(value),
    lambda value: quantise(Parameters(n=3), preset("square-16")).current_words(value),
    lambda value: preset("square-16").current.words(value),
    lambda value: Constant(amplitude=value),
]


@pytest.mark.parametrize("entrance", range(len(ENTRANCES)))
@pytest.mark.parametrize("value", REFUSED, ids=lambda value: type(value).__name__)
def test_what_isnt_real_is_refused_in_one_line(entrance, value):
    with pytest.raises(InputError) as error:
        ENTRANCES[entrance](value)
    assert "\n" not in str(error.value)


def test_a_numbers_own_type_is_kept_where_it_takes_less_memory():
    assert real_numbers("x", np.ones(3, np.int16)).dtype == np.int16
    assert real_numbers("x", [1, 2]).dtype == np.int64
    assert real_array("x", [10**25, 1]).tolist() == [1e25, 1.0]
    with pytest.raises(InputError, match=r"^x must be finite, not "):
        real_array("x", 10**400)
    np.testing.assert_array_equal(real_array("x", np.ma.masked_array([1.0, 2.0])), [1, 2])


STATES = [
    ([0.5, 0.5, 0.5], "potential must be integers, not float64"),
    (np.zeros(2, int), "potential must be one integer or of shape (3,), not of shape (2,)"),
    ([0, 1 << 15, 0], "potential must be from -32768 to 32767, not 32768"),
]


@pytest.mark.parametrize(("words", "message"), STATES)
def test_states_that_are_set(words, message):
    neurons = plain_population("square-16").neurons
    with pytest.raises(InputError) as error:
        neurons.state = neurons.state._replace(potential=words)
    assert str(error.value) == message


def test_potentials_that_are_set():
    neurons = plain_population().neurons
    neurons.v = -60 * PINT.mV
    np.testing.assert_array_equal(neurons.v, [-60] * 3)
    for value, message in [
        ([1.0, 2.0], "v must be one potential or of shape (3,), not of shape (2,)"),
        ([1.0, np.nan, 2.0], "v must be finite, not nan at index (1,)"),
    ]:
        with pytest.raises(InputError) as error:
            neurons.v = value
        assert str(error.value) == message


def test_current_words_are_integers():
    with pytest.raises(InputError, match=r"^current words must be integers, not float64$"):
        plain_population("square-16").neurons.run_words(np.zeros((2, 3)))
