"""Every current: the same first spikes as long runs of the public model, and no current left out."""

import numpy as np
import pytest

from qlif.model.exceptions import InputError
from qlif.model.metrics.first_spikes import first_spikes
from qlif.model.parameters import Parameters
from qlif.model.population import QLIFPopulation
from qlif.model.presets import preset
from qlif.model.quantisation import quantise
from qlif.model.studies import every_current


@pytest.mark.parametrize("refractory", [0, 7])
@pytest.mark.parametrize("bits", [0, 2])
@pytest.mark.parametrize("count", [1, 6])
def test_the_spikes_are_those_of_a_whole_run(refractory, bits, count, monkeypatch):
    monkeypatch.setattr(every_current, "BLOCK", 128)
    neuron = Parameters(n=1, refrac_length=refractory)
    arithmetic = preset("square-16").replace(current="SQ(8,1)", phase_bits=bits)
    words = every_current.every_word(neuron, arithmetic, -1e9, 1e9)
    form = arithmetic.current
    assert words.tolist() == list(range(form.min_word, form.max_word + 1))
    currents = quantise(neuron, arithmetic).currents(words)
    inputs = np.broadcast_to(currents, (1700, len(words)))
    many = neuron.replace(n=len(words))
    fixed = first_spikes(QLIFPopulation.of(many, arithmetic).run(inputs, record=()), count)
    assert np.array_equal(every_current.of_arithmetic(neuron, arithmetic, words, 1700, count), fixed)
    euler = first_spikes(QLIFPopulation.of(many, substep=bits > 0).run(inputs, record=()), count)
    assert np.array_equal(every_current.of_euler(neuron, currents, 1700, count, bits > 0), euler)
    # There are currents with all spikes and with none.
    assert np.any(fixed[:, -1] < 1700) and np.any(fixed[:, 0] == 1700)


def test_the_ends_are_included_and_the_last_block_may_be_short(monkeypatch):
    monkeypatch.setattr(every_current, "BLOCK", 8)
    neuron, arithmetic = Parameters(n=1), preset("factored-16").replace(current="SQ(8,2)")
    words = every_current.every_word(neuron, arithmetic, 17.0, 20.0)
    assert quantise(neuron, arithmetic).currents(words).tolist() == np.arange(17, 20.1, 0.25).tolist()
    assert every_current.of_arithmetic(neuron, arithmetic, words, 50, 2).shape == (13, 2)


def test_what_cannot_be_tried_is_refused():
    neuron, arithmetic = Parameters(n=1), preset("factored-16")
    with pytest.raises(InputError, match=r"from 1 to 2\*\*20 currents to try each, not 0"):
        every_current.every_word(neuron, arithmetic, 500.0, 600.0)
    wide = arithmetic.replace(current="SQ(8,16)")
    with pytest.raises(InputError, match=r"not 16777216 as SQ\(8,16\) has"):
        every_current.every_word(neuron, wide, -1000.0, 1000.0)
    with pytest.raises(InputError, match="rounding must not be SR"):
        words = np.array([1])
        every_current.of_arithmetic(neuron, preset("stochastic-12"), words, 10, 1)
