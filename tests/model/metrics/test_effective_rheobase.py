"""Where rounding lets a neuron fire."""

import pytest

from qlif.model.formats import SQ
from qlif.model.metrics.effective_rheobase import effective_rheobase
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS

NEURON = Parameters(n=1, tau_m=30.0)


@pytest.mark.slow
def test_rounding_down_moves_it_by_the_current_of_half_a_place():
    arithmetic = PRESETS["factored-16"].replace(rounding="TRN")
    # The slope has to lift the sum by a whole last place: R I - a0 h^2 >= 2^-8 tau_m / dt = 1.17 mV.
    found = effective_rheobase(NEURON, arithmetic)
    assert found == pytest.approx(16 + 2**-8 * 300, abs=0.03)
    nearest = effective_rheobase(NEURON, "factored-16")
    assert nearest == pytest.approx(16 + 2**-9 * 300, abs=0.03)


def test_float_has_almost_that_of_the_equation():
    assert 16.0 < effective_rheobase(NEURON, duration_ms=4000.0) < 16.03


def test_a_neuron_that_never_fires_has_none():
    assert effective_rheobase(
        NEURON, PRESETS["factored-16"].replace(potential=SQ(8, 2), rounding="TRN")
    ) == float("inf")
