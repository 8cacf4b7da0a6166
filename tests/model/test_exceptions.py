"""The words of an error."""

import pytest

from qlif.model.exceptions import InputError, apart, show
from qlif.model.inputs import stimuli
from qlif.model.support.checks import Quantity


@pytest.mark.parametrize(
    ("numbers", "texts"),
    [
        ((1.0, 2.0), ("1", "2")),
        ((156.24878, 156.24942), ("156.2488", "156.2494")),
        ((0.1, 0.1 + 1e-16), ("0.1", "0.1000000000000001")),
        ((3.0, 3), ("3", "3")),
        ((float("inf"), 1e9), ("inf", "1e+09")),
    ],
)
def test_numbers_that_differ_read_differently(numbers, texts):
    assert apart(*numbers) == texts


def test_a_value_just_above_its_limit_doesnt_read_like_the_limit():
    """Half a cycle in 0.3 ms is 1666.666... Hz."""
    with pytest.raises(InputError) as caught:
        stimuli.make("sine:frequency=1666.667", timesteps=1, neurons=1, dt=0.3)
    assert str(caught.value) == (
        "frequency must be from 0 to 1666.6667 Hz, half a cycle in a timestep of 0.3 ms, not 1666.667"
    )
    with pytest.raises(InputError, match=r"^x must be from 0 to 1666\.6666 Hz, not 1666\.667$"):
        Quantity("Hz", 0, 1666.6666).check("x", 1666.667)


def test_arrays_that_differ_read_differently():
    assert show([-52.0, -62.0000001]) == "[-52. -62.0000001]"
