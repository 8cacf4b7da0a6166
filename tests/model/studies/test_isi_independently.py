"""The intervals that differ from those noted before, from another implementation: apytypes, and the equation.

Nothing of the golden model is used here: numbers, products, sums and the one rounding are those of apytypes,
and the closed form is an integral done by scipy.
"""

import math

import numpy as np
import pytest
from apytypes import APyFixed, OverflowMode, QuantizationMode
from scipy.integrate import quad

from qlif.model.studies.named import isi

TAU_M, DT, REFRACTORY_STEPS = 30.0, 0.1, 50


def closed_form(drive):
    """Refractory period, and the time from -62 to -52 mV: the integral of dv over dv/dt."""
    time, error = quad(lambda v: TAU_M / ((v + 62) * (v + 54) + drive), -62, -52, epsabs=1e-10)
    assert error < 1e-6
    return REFRACTORY_STEPS * DT + time


def gain(bits):
    """``dt / tau_m`` to nearest with so many bits from its first one on."""
    exponent = math.frexp(DT / TAU_M)[1]
    return APyFixed.from_float(DT / TAU_M, int_bits=exponent + 1, frac_bits=bits - exponent)


def interval(drive, potentials, i_bits, f_bits, rounding, coefficient_bits=16):
    """The interval in ms; under a constant current all are alike, for a spike resets the whole state."""
    rest, critical, threshold = (APyFixed.from_float(v, i_bits, f_bits) for v in potentials)
    current = APyFixed.from_float(drive, 8, 8)
    g = gain(coefficient_bits)
    v, steps = rest, 0
    while v < threshold:
        # Products and sums of apytypes are exact.
        exact = v + g * (v - rest) * (v - critical) + g * current
        v = exact.cast(i_bits, f_bits, quantization=rounding, overflow=OverflowMode.SAT)
        steps += 1
    return (REFRACTORY_STEPS + steps) * DT


MILLIVOLT, FROM_MIDPOINT = (-62.0, -54.0, -52.0), (-4.0, 4.0, 6.0)
TRN, RND = QuantizationMode.TRN, QuantizationMode.RND


@pytest.mark.parametrize(
    ("label", "drive", "potentials", "format", "rounding", "percent"),
    [
        ("SQ(8,8) factored RND", 17.0, MILLIVOLT, (8, 8), RND, 0.985),
        ("SQ(8,8) factored RND", 20.0, MILLIVOLT, (8, 8), RND, 0.885),
        ("SQ(6,10) midpoint RND", 16.5, FROM_MIDPOINT, (6, 10), RND, -1.498),
        # Three on which the notes and the golden model agree.
        ("SQ(6,10) midpoint RND", 17.0, FROM_MIDPOINT, (6, 10), RND, 0.870),
        ("SQ(8,8) factored TRN", 20.0, MILLIVOLT, (8, 8), TRN, 10.056),
        ("SQ(8,8) factored RND", 30.0, MILLIVOLT, (8, 8), RND, 0.567),
    ],
)
def test_apytypes_gives_what_the_study_gives(label, drive, potentials, format, rounding, percent):
    assert 100 * (interval(drive, potentials, *format, rounding) / closed_form(drive) - 1) == pytest.approx(
        percent, abs=5e-4
    )
    (neuron, arithmetic) = next((case[1], case[2]) for case in isi.CASES if case[0] == label)
    golden = isi.fi_curve(neuron, np.array([drive]), arithmetic=arithmetic, duration_ms=1000.0)
    assert golden.mean_isi_ms[0] == pytest.approx(interval(drive, potentials, *format, rounding), abs=1e-9)


@pytest.mark.parametrize(("bits", "percent"), [(8, (1.2, 1.1)), (9, (0.985, 0.885)), (24, (0.985, 0.885))])
def test_coefficients_of_8_bits_give_what_was_noted_and_from_9_on_they_do_not(bits, percent):
    for drive, expected in zip((17.0, 20.0), percent, strict=True):
        error = 100 * (interval(drive, MILLIVOLT, 8, 8, RND, bits) / closed_form(drive) - 1)
        assert round(error, 1 if bits == 8 else 3) == expected
