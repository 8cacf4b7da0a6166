"""Heun's step in fixed point against exact fractions."""

import math
from fractions import Fraction

import numpy as np
import pytest

from qlif.model.exceptions import InputError
from qlif.model.parameters import Parameters
from qlif.model.presets import preset
from qlif.model.quantisation import quantise
from qlif.model.studies import heun


def exactly(words, current, timesteps):
    """One neuron in the square form, round half up, in exact fractions of mV-like units."""
    arithmetic, values = words.arithmetic, words.values
    bits = arithmetic.phase_bits

    def real(name):
        return Fraction(values[name]) / 2 ** words.constants[name].format.f_bits

    lsb = Fraction(1, 2**arithmetic.potential.f_bits)
    shift = words.quadratic_format.f_bits - words.product_format.f_bits
    drive = Fraction(current, 2**words.drive_format.f_bits)
    if "drive" in values:
        drive *= values["drive"]

    def added(v):
        return v * v / 2**shift + drive + real("bias")

    def word(x):
        rounded = math.floor(x / lsb + Fraction(1, 2))
        return min(max(rounded, arithmetic.potential.min_word), arithmetic.potential.max_word) * lsb

    v, count, phase, times = Fraction(values["reset"]) * lsb, 0, 0, []
    threshold = Fraction(values["threshold"]) * lsb
    for timestep in range(timesteps):
        if count:
            count -= 1
            continue
        length = 1 + Fraction(phase, 2**bits)
        first = added(v)
        mean = (first + added(word(v + first * length))) / 2
        total = v + mean * length
        v, phase = word(total), 0
        if v >= threshold:
            part = (total - threshold) / mean
            phase = min(max(math.floor(part * 2**bits + Fraction(1, 2)), 0), 2**bits - 1)
            times.append(float(timestep + 1 - Fraction(phase, 2**bits)) * words.parameters.dt)
            v, count = Fraction(values["reset"]) * lsb, values["refractory"]
    return times


@pytest.mark.parametrize("bits", [0, 2, 4])
def test_every_spike_is_that_of_exact_fractions(bits):
    drives = np.array([16.6, 20.0, 33.0, 80.0])
    words = quantise(Parameters(n=4, refrac_length=2), preset("square-18").replace(phase_bits=bits))
    currents = np.broadcast_to(words.current_words(drives), (900, 4))
    found = heun.spike_times(words, currents)
    for n, times in enumerate(found):
        assert times.tolist() == pytest.approx(exactly(words, int(currents[0, n]), 900), rel=1e-12)
        assert len(times) >= 1


def test_what_it_cannot_do_is_refused():
    words = quantise(Parameters(n=1), preset("stochastic-12"))
    with pytest.raises(InputError, match="rounding must not be stochastic"):
        heun.spike_times(words, np.zeros((1, 1), dtype=np.int64))
    words = quantise(Parameters(n=1), preset("wide-32"))
    with pytest.raises(InputError, match="must fit 63 bits"):
        heun.spike_times(words, np.zeros((1, 1), dtype=np.int64))
