"""Where a parameter word may live, and what a refusal blames."""

import pytest

from qlif.hdl.storage import place
from qlif.model.exceptions import InputError
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise


@pytest.mark.parametrize(
    ("preset", "parameters", "blamed"),
    [
        ("square-18", {"a0": [1.0, 1.1]}, "a0 (from which the word of threshold follows)"),
        ("square-18", {"tau_m": [9.0, 10.0]}, "tau_m (from which the word of threshold follows)"),
        ("square-18", {"tau_s": [9.0, 10.0]}, "tau_s (from which the word of threshold follows)"),
        ("square-18", {"rest_pot": [-62.0, -61.0]}, "rest_pot (from which the word of threshold follows)"),
        ("square-18", {"threshold": [-52.0, -51.0]}, "threshold"),
        ("factored-16", {"a0": [1.0, 1.1]}, "a0 (from which the word of gain follows)"),
        ("factored-16", {"R": [1.0, 1.1]}, "R (from which the word of drive follows)"),
        ("factored-16", {"reset_pot": [-62.0, -61.0]}, "reset_pot (from which the word of reset follows)"),
    ],
)
def test_a_refusal_blames_what_was_given_per_neuron(preset, parameters, blamed):
    words = quantise(Parameters(n=2, **parameters), PRESETS[preset])
    with pytest.raises(InputError) as caught:
        place(words, {})
    assert (
        str(caught.value) == f"{blamed} must be one value for all neurons: the hardware has it in its gates"
    )
