"""The grid of a sweep, and what is refused before anything runs."""

import pytest

from qlif.model.exceptions import InputError
from qlif.model.studies.grid import Sweep


def test_every_combination_comes_once_and_in_order():
    sweep = Sweep(
        word_bits="8..12:4",
        rounding=["RND", "SR"],
        random_bits=[4, 8],
        rounding_seed="1,2",
        form="square",
        input=["constant", "ou"],
    )
    points = sweep.points()
    assert [point.index for point in points] == list(range(20))
    assert len({tuple(vars(point).values())[1:] for point in points}) == 20
    # Round to nearest has neither random bits nor seeds to vary; the input varies fastest.
    names = ("word_bits", "fraction_bits", "rounding", "random_bits", "rounding_seed", "input")
    assert [tuple(getattr(point, name) for name in names) for point in points[:4]] == [
        (8, 3, "RND", 0, 1, "constant"),
        (8, 3, "RND", 0, 1, "ou"),
        (8, 3, "SR", 4, 1, "constant"),
        (8, 3, "SR", 4, 1, "ou"),
    ]


def test_the_refractory_period_is_the_same_time_at_every_timestep():
    sweep = Sweep(parameters={"refrac_length": 50, "dt": 0.1})
    assert [sweep.neuron(dt, 30.0, 2).refrac_length for dt in (0.05, 0.1, 0.2)] == [100, 50, 25]


def test_automatic_fraction_and_given_one_that_is_equal_are_one_point():
    assert len(Sweep(word_bits=16, fraction_bits="auto,8", form="factored", rounding="RND").points()) == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"word_bits": ""}, "word_bits is an empty axis"),
        ({"rounding": []}, "rounding is an empty axis"),
        ({"input": []}, "input is an empty axis"),
        ({"input": [" "]}, "input is an empty axis"),
        ({"word_bits": "18..8"}, "word_bits is an empty axis: the range '18..8' holds no number"),
        ({"word_bits": "8..x"}, "word_bits must be whole numbers or ranges"),
        ({"word_bits": "8..12:0"}, "word_bits must be a range"),
        ({"word_bits": [40]}, "word_bits must be whole numbers from 2 to 32, not 40"),
        ({"rounding": "RND,SRR"}, "rounding: unknown value 'SRR': did you mean 'SR'"),
        ({"dt_ms": "0"}, "dt_ms must be greater than 0 ms"),
        ({"dt_ms": "fast"}, "dt_ms must be a number"),
        ({"input": "noise"}, "noise"),
        ({"word_bit": 8}, "unknown sweep setting 'word_bit': did you mean 'word_bits'"),
        ({"parameters": {"tau_m": 10.0}}, "tau_m is set by tau_m_ms"),
        ({"parameters": {"tresh": 10.0}}, "unknown parameter 'tresh'"),
        ({"parameters": {"a0": [1.0, 2.0]}}, "a0 must be one value for all neurons"),
        ({"parameters": {"a0": -1.0}}, "a0 must be greater than 0"),
        ({"arithmetic": {"rounding": "RND"}}, "rounding is an axis of the sweep"),
        ({"neurons": 0}, "neurons must be a whole number"),
    ],
)
def test_what_is_refused(settings, message):
    with pytest.raises(InputError, match=message):
        Sweep.of(settings)
