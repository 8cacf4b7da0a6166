"""From physical parameters to words: what is reported, what is normalised, what is refused."""

import json
import math
import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qlif.model import quantisation
from qlif.model.arithmetic import Arithmetic, Currents, Form
from qlif.model.exceptions import InputError, PrecisionWarning
from qlif.model.formats import SQ, UQ
from qlif.model.parameters import Parameters
from qlif.model.presets import DEFAULT_PRESET, PRESETS, preset
from qlif.model.quantisation import quantise
from qlif.model.rounding import Overflow, Rounding
from qlif.model.words import Constant, ExactValue

ULPS = 8 * Fraction(1, 2**53)
"""A reported value passes through a handful of float64 operations, each of half a last place."""

SQUARE = preset("square-18")
FACTORED = preset("factored-16")
STOCHASTIC = preset("stochastic-12")


def made(arithmetic=SQUARE, **parameters):
    """Words of a neuron whose timestep may be too coarse for the ODE: here only the integers count."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PrecisionWarning)
        return quantise(Parameters(**{"n": 2, **parameters}), arithmetic)


def refusal(arithmetic=SQUARE, **parameters):
    with pytest.raises(InputError) as caught:
        made(arithmetic, **parameters)
    return str(caught.value)


def exactly(constant):
    return Fraction(constant.word) / Fraction(2) ** constant.format.f_bits


def close(value, exact):
    return abs(Fraction(value) - exact) <= ULPS * abs(exact)


# ---- the report -------------------------------------------------------------------------------------


@st.composite
def physical(draw):
    reset = draw(st.floats(-66, -60))
    return {
        "dt": draw(st.sampled_from([0.01, 0.1, 0.25])),
        "tau_m": draw(st.floats(2, 60)),
        "tau_s": draw(st.floats(1, 60)),
        "a0": draw(st.floats(0.1, 2)),
        "R": draw(st.floats(0.2, 4)),
        "rest_pot": draw(st.floats(-66, -60)),
        "critical_pot": draw(st.floats(-58, -54)),
        "threshold": draw(st.floats(-56, -51)),
        "reset_pot": reset,
        "lower_bound": draw(st.none() | st.floats(-68, reset)),
        "refrac_length": draw(st.integers(0, 1000)),
        "additive_spike_trace": draw(st.booleans()),
        "trace_scale": draw(st.floats(0.1, 1.9)),
    }


@given(physical(), st.sampled_from(sorted(PRESETS)))
@settings(max_examples=150, deadline=None)
def test_every_reported_value_is_what_the_words_say(parameters, name):
    try:
        words = made(preset(name), **parameters)
    except InputError:
        assume(False)
    origin, scale = Fraction(words.origin), Fraction(words.scale)
    real = {key: exactly(constant) for key, constant in words.constants.items()}
    gain = Fraction(words.parameters.gain)
    potentials = {"threshold": "threshold", "reset_pot": "reset", "lower_bound": "lower_bound",
                  "rest_pot": "rest", "critical_pot": "critical"}  # fmt: skip
    plain = {"refrac_length": "refractory", "exp(-dt / tau_s)": "decay", "trace_scale": "trace_spike"}
    seen = set()
    for line in words.report:
        seen.add(line.name)
        if line.name in ("rest_pot", "critical_pot") and "bias" in real:
            # Without input the exact quadratic term and the bias word cancel there. Two roundings near
            # -60 mV are 1.4e-14 mV.
            distance = math.sqrt(-real["bias"] / (scale * gain))
            assert abs(abs(line.exact - words.origin) - distance) < 3e-14
            assert (line.exact > words.origin) == (line.name == "critical_pot")
        elif line.name in potentials:
            # The sum with the origin is rounded where it is, the distance from it is what is scaled.
            exact = real[potentials[line.name]] / scale + origin
            assert abs(Fraction(line.exact) - exact) <= ULPS * (abs(exact) + abs(origin))
        elif line.name in plain:
            assert close(line.exact, real[plain[line.name]])
        elif line.name == "a0 dt / tau_m":
            if words.arithmetic.form is Form.FACTORED:
                assert close(line.exact, real["gain"])
            else:
                assert line.exact == words.parameters.gain
                assert close(line.exact, scale / Fraction(2) ** words.quadratic_shift)
        elif line.name == "R dt / tau_m":
            if words.arithmetic.currents is Currents.RAW:
                assert close(line.exact, real["drive"] / scale)
            else:
                current_scale = Fraction(words.current_scale)
                assert close(line.exact, current_scale / Fraction(2) ** words.drive_shift / scale)
        else:
            assert line.name == "tau_s"
            assert line.exact == pytest.approx(-words.parameters.dt / math.log(real["decay"]), rel=1e-12)
    assert seen == {
        "threshold", "reset_pot", "rest_pot", "critical_pot", "a0 dt / tau_m", "R dt / tau_m",
        "refrac_length", "exp(-dt / tau_s)", "tau_s",
    } | ({"trace_scale"} if words.parameters.additive_spike_trace else set()) | (
        {"lower_bound"} if words.parameters.lower_bound is not None else set()
    )  # fmt: skip


def test_a_report_line_shows_both_values_the_error_and_the_word():
    (line,) = [line for line in made(FACTORED, threshold=-52.001).report if line.name == "threshold"]
    assert line == ExactValue("threshold", "mV", -52.001, -52.0, "threshold = -13312 in SQ(8,8)")
    assert line.relative_error == pytest.approx(0.001 / 52.001, rel=1e-9)
    assert line.as_dict()["relative_error"] == line.relative_error
    json.dumps(line.as_dict())
    assert ExactValue("x", "", 0.0, 0.0, "x").relative_error == 0.0


def test_the_report_of_a_heterogeneous_population_shows_its_worst_neuron():
    words = made(FACTORED, n=3, threshold=[-52.0, -52.001, -52.0])
    (line,) = [line for line in words.report if line.name == "threshold"]
    assert (line.asked, line.exact) == (-52.001, -52.0)
    assert line.stored == "threshold = per neuron in SQ(8,8)"


def test_a_neuron_without_a_barrier_has_no_bias():
    words = made(SQUARE, rest_pot=-58, critical_pot=-58)
    assert words.constants["bias"].word == 0
    assert [line.exact for line in words.report if line.name in ("rest_pot", "critical_pot")] == [-58, -58]


def test_a_wrong_word_would_show_in_the_report(monkeypatch):
    """Planted: the bias loses its last bit. The reported rest_pot moves by what the word moved."""
    before = {line.name: line.exact for line in made().report}
    original = quantisation._coefficient

    def damaged(text, varied, value, bits, signed):
        constant = original(text, varied, value, bits, signed)
        return Constant(constant.word + (2 if signed else 0), constant.format)

    monkeypatch.setattr(quantisation, "_coefficient", damaged)
    after = {line.name: line.exact for line in made().report}
    assert before["rest_pot"] != after["rest_pot"]
    assert before["critical_pot"] != after["critical_pot"]


# ---- normalisation ----------------------------------------------------------------------------------


@given(st.floats(1e-6, 1e3), st.floats(1e-6, 1e3), st.sampled_from([4, 8, 18, 32]))
@settings(max_examples=200, deadline=None)
def test_the_mantissa_of_a_gain_has_its_top_bit_set(a0, R, bits):
    arithmetic = preset("wide-32").replace(coefficient_bits=bits)
    try:
        words = made(arithmetic, a0=a0, R=R, tau_m=10.0, tau_s=0.5)
    except InputError:
        assume(False)
    for name in ("gain", "drive"):
        constant = words.constants[name]
        assert constant.format.width == bits
        assert constant.word.bit_length() == bits


@given(st.floats(0.05, 2), st.floats(2, 60), st.sampled_from([4, 8, 18, 32]))
@settings(max_examples=100, deadline=None)
def test_the_mantissa_of_the_bias_uses_its_whole_width(a0, tau_m, bits):
    words = made(SQUARE.replace(coefficient_bits=bits), a0=a0, tau_m=tau_m, tau_s=0.5)
    constant = words.constants["bias"]
    assert constant.format.width == bits
    assert constant.word < 0
    # -2**(bits-1) is the one word that is as negative as the format can be.
    assert 2 ** (bits - 2) <= -constant.word <= 2 ** (bits - 1)


@pytest.mark.parametrize("bits", [4, 8, 16])
def test_a_gain_that_rounds_up_to_a_power_of_two_moves_its_exponent(bits):
    gain = 1 - 2.0 ** -(bits + 2)
    words = made(FACTORED.replace(coefficient_bits=bits), a0=gain, dt=0.5, tau_m=0.5, tau_s=0.5)
    constant = words.constants["gain"]
    assert constant.word == 1 << (bits - 1)
    assert constant.value == 1.0


# 1 + 2**-52 times a power of two: the logarithm, rounded, is a whole number.
JUST_ABOVE = [2.0**-k * (1 + 2.0**-52) for k in (1, 3, 7, 10, 13)]


@given(st.one_of(st.sampled_from(JUST_ABOVE), st.floats(1e-3, 0.9)), st.floats(0.1, 10))
@settings(max_examples=200, deadline=None)
def test_the_scales_of_the_square_form_are_above_a_half_and_at_most_one(gain, R):
    try:
        words = made(SQUARE, a0=gain, dt=1.0, tau_m=1.0, tau_s=10.0, R=R)
    except InputError:
        assume(False)
    assert 0.5 < words.scale <= 1
    assert 0.5 < words.current_scale <= 1
    assert words.scale == words.parameters.gain * 2.0**words.quadratic_shift
    assert words.origin == -58


@pytest.mark.parametrize("gain", JUST_ABOVE)
def test_a_gain_just_above_a_power_of_two_is_scaled_by_the_next(gain):
    assert 0.5 < made(SQUARE, a0=gain, dt=1.0, tau_m=1.0, tau_s=10.0).scale < 0.6


def test_a_gain_that_is_a_power_of_two_has_scale_one():
    words = made(SQUARE, a0=1.0, dt=0.125, tau_m=8.0)
    assert (words.scale, words.quadratic_shift) == (1.0, 6)


def test_the_factored_form_stays_in_millivolts():
    words = made(FACTORED)
    assert (words.origin, words.scale, words.current_scale) == (0.0, 1.0, 1.0)
    assert (words.quadratic_shift, words.drive_shift) == (0, 0)


@pytest.mark.parametrize("name", PRESETS)
def test_potentials_and_currents_survive_the_way_through_words(name):
    words = made(preset(name), tau_m=30.0)
    arithmetic = words.arithmetic
    generator = np.random.default_rng(5)
    for form, there, back in (
        (arithmetic.potential, words.potential_words, words.potentials),
        (arithmetic.current, words.current_words, words.currents),
    ):
        sample = generator.integers(form.min_word, form.max_word + 1, 500)
        sample[:2] = form.min_word, form.max_word
        assert np.array_equal(there(back(sample)), sample)


@pytest.mark.parametrize(
    ("refractory", "form"), [(0, UQ(1, 0)), (1, UQ(1, 0)), (2, UQ(2, 0)), (7, UQ(3, 0)), (8, UQ(4, 0))]
)
def test_the_refractory_counter_is_as_wide_as_its_largest_value(refractory, form):
    assert made(refrac_length=refractory).refractory == form
    assert made(refrac_length=[0, refractory]).refractory == form


# ---- one value per neuron ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["factored-16", "square-18"])
def test_one_value_per_neuron_gives_the_words_that_each_neuron_would_have_alone(name):
    values = {
        "threshold": [-52.0, -51.0, -50.5],
        "reset_pot": [-62.0, -61.0, -60.0],
        "lower_bound": [-65.0, -64.0, -63.0],
        "refrac_length": [0, 5, 9],
        "tau_s": [10.0, 20.0, 5.0],
        "trace_scale": [1.0, 0.5, 0.25],
    }
    common = {"tau_m": 10.0, "additive_spike_trace": True}
    together = made(preset(name), n=3, **values, **common)
    for neuron in range(3):
        alone = made(preset(name), n=1, **{key: value[neuron] for key, value in values.items()}, **common)
        for constant in ("threshold", "reset", "lower_bound", "refractory", "decay", "trace_spike"):
            assert together.constants[constant].word[neuron] == alone.constants[constant].word
        for constant in ("rest", "critical", "gain", "bias", "drive"):
            if constant in alone.constants:
                assert together.constants[constant].word == alone.constants[constant].word


def test_gains_per_neuron_share_the_exponent_of_the_largest():
    words = made(FACTORED, a0=[1.0, 0.25], R=[0.5, 2.0], tau_m=8.0, dt=0.125)
    gain, drive = words.constants["gain"], words.constants["drive"]
    assert gain.value.tolist() == [2.0**-6, 2.0**-8]
    assert drive.value.tolist() == [2.0**-7, 2.0**-5]
    assert int(max(gain.word)).bit_length() == int(max(drive.word)).bit_length() == 16


def test_scales_per_neuron_share_the_shift_of_the_largest():
    words = made(SQUARE, a0=[1.0, 0.5], tau_m=8.0, dt=0.125)
    assert words.quadratic_shift == 6
    assert words.scale.tolist() == [1.0, 0.5]
    # 6 mV above the midpoint, on two scales.
    assert words.constants["threshold"].word.tolist() == [6 << 13, 3 << 13]
    assert words.potentials(words.constants["threshold"].word).tolist() == [-52.0, -52.0]


def test_words_per_neuron_cant_be_changed():
    words = made(FACTORED, threshold=[-52.0, -51.0])
    with pytest.raises(ValueError, match="read-only"):
        words.constants["threshold"].word[0] = 0
    with pytest.raises(TypeError):
        words.constants["threshold"] = None


# ---- refusals ---------------------------------------------------------------------------------------

REFUSED = [
    (FACTORED, {"threshold": 150.0}, "threshold must be from -128 to 127.996 mV to fit SQ(8,8), not 150"),
    (
        FACTORED,
        {"threshold": [-50.0, 150.0]},
        "threshold must be from -128 to 127.996 mV to fit SQ(8,8), not 150 at index (1,)",
    ),
    (
        SQUARE,
        {"a0": [1.0, 0.9], "threshold": 50.0},
        "threshold must be from -83 to -33.0002 mV to fit SQ(5,13) around the middle of rest_pot and critical_pot, "
        "not 50 at index (0,)",
    ),
    (FACTORED, {"reset_pot": -200}, "reset_pot must be from -128 to 127.996 mV to fit SQ(8,8), not -200"),
    (FACTORED, {"lower_bound": -300}, "lower_bound must be from -128 to 127.996 mV to fit SQ(8,8), not -300"),
    (FACTORED, {"rest_pot": -300}, "rest_pot must be from -128 to 127.996 mV to fit SQ(8,8), not -300"),
    (
        FACTORED,
        {"critical_pot": 300},
        "critical_pot must be from -128 to 127.996 mV to fit SQ(8,8), not 300",
    ),
    (
        FACTORED,
        {"trace_scale": 300, "additive_spike_trace": True},
        "trace_scale must be from 0 to 15.9998 to fit UQ(4,12), not 300",
    ),
    (
        FACTORED,
        {"trace_scale": -1, "additive_spike_trace": True},
        "trace_scale must be from 0 to 15.9998 to fit UQ(4,12), not -1",
    ),
    (
        FACTORED,
        {"threshold": -61.999, "reset_pot": -62},
        "threshold and reset_pot must be different words of SQ(8,8) (LSB 0.00390625 mV), "
        "but -61.999 and -62 mV are not",
    ),
    (
        FACTORED,
        {"a0": [1, 1e-7]},
        "a0 must differ less among the neurons: a0 dt / tau_m at index (1,) is so much smaller than the largest "
        "that 16 bits (coefficient_bits) make it 0",
    ),
    (
        FACTORED,
        {"R": [1, 1e-7]},
        "R must differ less among the neurons: R dt / tau_m at index (1,) is so much smaller than the largest "
        "that 16 bits (coefficient_bits) make it 0",
    ),
    # What the user set, and not what it is multiplied with.
    (
        FACTORED,
        {"tau_m": [1, 1e7]},
        "tau_m must differ less among the neurons: a0 dt / tau_m at index (1,) is so much smaller than the largest "
        "that 16 bits (coefficient_bits) make it 0",
    ),
    (
        FACTORED,
        {"tau_s": [1, 1e7]},
        "tau_s must differ less among the neurons: a0 dt / tau_m at index (1,) is so much smaller than the largest "
        "that 16 bits (coefficient_bits) make it 0",
    ),
    (
        SQUARE,
        {"critical_pot": [-54, -61.9999]},
        "critical_pot must differ less among the neurons: a0 dt / tau_m (critical_pot - rest_pot)^2 at index (1,) "
        "is so much smaller than the largest that 18 bits (coefficient_bits) make it 0",
    ),
    (
        SQUARE,
        {"critical_pot": 0.0},
        "reset_pot must be from -56 to -6.00019 mV to fit SQ(5,13) around the middle of rest_pot and critical_pot, "
        "not -62",
    ),
    (
        SQUARE,
        {"a0": [1.0, 0.0025], "threshold": -61.95},
        "threshold and reset_pot must be different words of SQ(5,13) (LSB 0.0762939 mV), "
        "but -61.95 and -62 mV are not at index (1,)",
    ),
    *[
        (
            arithmetic,
            {name: 1e-9},
            f"{name} dt / tau_m = 1.0000000000000001e-11 is too small: its term stays below half an LSB "
            f"of {arithmetic.potential} for every {what}",
        )
        for arithmetic in (FACTORED, SQUARE)
        for name, what in (("a0", "state"), ("R", "input"))
    ],
    (
        FACTORED,
        {"tau_s": 1e6, "tau_m": 10},
        "dt and tau_s must give a decay exp(-dt / tau_s) that 16 bits (coefficient_bits) hold and that isn't 0 or 1, "
        "not dt = 0.1 and tau_s = 1000000.0 ms",
    ),
    (
        FACTORED,
        {"tau_s": 1e-3, "tau_m": 10},
        "dt and tau_s must give a decay exp(-dt / tau_s) that 16 bits (coefficient_bits) hold and that isn't 0 or 1, "
        "not dt = 0.1 and tau_s = 0.001 ms",
    ),
    (
        STOCHASTIC.replace(random_bits=32),
        {},
        "random_bits must be at most the 13 bits that the sum loses, not 32",
    ),
    (
        SQUARE.replace(product_fraction=32, product_rounding="RND"),
        {},
        "product_fraction must be below the 32 fraction bits of the exact product, not 32",
    ),
    (
        SQUARE.replace(potential=SQ(5, 20), product_fraction=2, product_rounding="RND"),
        {"tau_m": 1000.0, "tau_s": 10.0},
        "product_fraction must be at least 3, not 2: the quadratic term stays below half an LSB "
        "for every state",
    ),
    (
        FACTORED.replace(difference="SQ(12,-10) TRN WRAP"),
        {},
        "difference must have at least -9 fraction bits, not -10 as SQ(12,-10) has: every SQ(9,8) stays below half "
        "an LSB",
    ),
    (
        FACTORED.replace(difference="SQ(5,4) TRN WRAP", product="SQ(15,-11) TRN WRAP"),
        {},
        "product must have at least -10 fraction bits, not -11 as SQ(15,-11) has: every SQ(10,8) stays below half "
        "an LSB",
    ),
    (
        SQUARE.replace(quadratic="SQ(8,-5) TRN WRAP"),
        {},
        "quadratic must have at least -4 fraction bits, not -5 as SQ(8,-5) has: every SQ(4,32) stays below half an "
        "LSB",
    ),
    (
        SQUARE.replace(drive="SQ(-14,16) TRN WRAP"),
        {},
        "drive must reach half an LSB of SQ(5,13) or more, which SQ(-14,16) doesn't",
    ),
]


@pytest.mark.parametrize(("arithmetic", "parameters", "text"), REFUSED, ids=lambda x: str(x)[:30])
def test_what_cant_be_held_is_refused_in_words(arithmetic, parameters, text):
    assert refusal(arithmetic, **parameters) == text


def test_the_nearest_allowed_choice_is_allowed():
    made(STOCHASTIC.replace(random_bits=13))
    for narrowing in ("SQ(2,32) TRN WRAP", "SQ(4,-2) RND_CONV SAT", "SQ(-12,14) RND SAT"):
        made(SQUARE.replace(quadratic=narrowing))
    made(FACTORED.replace(difference="SQ(9,8) TRN WRAP", product="SQ(18,-16) TRN WRAP"))
    made(SQUARE.replace(product_fraction=31, product_rounding="RND"))
    made(
        SQUARE.replace(potential=SQ(5, 20), product_fraction=3, product_rounding="RND"),
        tau_m=1000.0,
        tau_s=10.0,
    )
    made(FACTORED, threshold=127.99, reset_pot=-128)


@pytest.mark.parametrize(
    ("parameters", "current", "text"),
    [
        ({}, [1, math.nan], "current must be finite, not nan"),
        ({}, math.inf, "current must be finite, not inf"),
        (
            {},
            [1, 1e9],
            "current must be from -156.25 to 156.249 mV/R to fit SQ(8,10), not 1e+09 at index (1,)",
        ),
        ({}, 156.24942, "current must be from -156.25 to 156.2488 mV/R to fit SQ(8,10), not 156.2494"),
        ({}, 200.0, "current must be from -156.25 to 156.249 mV/R to fit SQ(8,10), not 200"),
        (
            {"a0": [1.0, 0.9]},
            1e4,
            "current must be from -156.25 to 156.249 mV/R to fit SQ(8,10), not 10000 at index (0,)",
        ),
    ],
)
def test_a_current_outside_the_format_is_refused_in_words(parameters, current, text):
    words = made(SQUARE, **parameters)
    with pytest.raises(InputError) as caught:
        words.current_words(current)
    assert str(caught.value) == text


def test_a_potential_outside_the_format_is_refused_in_words():
    with pytest.raises(InputError) as caught:
        made(FACTORED).potential_words([-60, 128], "v")
    assert str(caught.value) == "v must be from -128 to 127.996 mV to fit SQ(8,8), not 128 at index (1,)"


# ---- the choices of arithmetic ----------------------------------------------------------------------

BAD_CHOICES = [
    ({"form": "x"}, "form must be one of factored, square, not 'x'"),
    ({"form": 3}, "form must be one of factored, square, not 3"),
    ({"rounding": "RNE"}, "rounding must be one of TRN, RND, RND_CONV, SR, not 'RNE'"),
    ({"rounding": ["RND"]}, "rounding must be one of TRN, RND, RND_CONV, SR, not ['RND']"),
    ({"overflow": "sat"}, "overflow must be one of SAT, WRAP, not 'sat'"),
    ({"trace_overflow": None}, "trace_overflow must be one of SAT, WRAP, not None"),
    ({"currents": ""}, "currents must be one of raw, scaled, not ''"),
    ({"product_rounding": "x"}, "product_rounding must be one of TRN, RND, RND_CONV, SR, not 'x'"),
    ({"potential": "SQ(33,0)"}, "potential must have 2 to 32 bits, not 33 as SQ(33,0) has"),
    ({"current": SQ(1, 0)}, "current must have 2 to 32 bits, not 1 as SQ(1,0) has"),
    ({"potential": UQ(3, 3)}, "potential must be a signed format, not UQ(3,3)"),
    ({"current": "UQ(3,3)"}, "current must be a signed format, not UQ(3,3)"),
    ({"trace": "SQ(3,3)"}, "trace must be an unsigned format, not SQ(3,3)"),
    ({"trace": UQ(0, 4)}, "trace must hold 1, so it needs at least 1 integer bit, unlike UQ(0,4)"),
    ({"potential": "16"}, "a format is written SQ(i_bits,f_bits) or UQ(i_bits,f_bits), not '16'"),
    ({"potential": 5}, "potential must be a signed format, not 5"),
    ({"coefficient_bits": 1}, "coefficient_bits must be a whole number from 2 to 32, not 1"),
    ({"coefficient_bits": True}, "coefficient_bits must be a whole number from 2 to 32, not True"),
    ({"coefficient_bits": 16.0}, "coefficient_bits must be a whole number from 2 to 32, not 16.0"),
    ({"random_seed": -1}, "random_seed must be a whole number from 0 to 18446744073709551615, not -1"),
    ({"random_bits": 3}, "random_bits must be 0 with rounding RND, not 3"),
    ({"rounding": "SR"}, "random_bits must be a whole number from 1 to 32, not 0"),
    ({"rounding": "SR", "random_bits": 33}, "random_bits must be a whole number from 1 to 32, not 33"),
    ({"product_fraction": 3}, "product_fraction and product_rounding are given together or not at all"),
    ({"product_rounding": "RND"}, "product_fraction and product_rounding are given together or not at all"),
    (
        {"product_fraction": 3, "product_rounding": "SR"},
        "product_rounding must be one of TRN, RND, RND_CONV, not SR",
    ),
    (
        {"product_fraction": -1, "product_rounding": "RND"},
        "product_fraction must be a whole number from 0 to 64, not -1",
    ),
    (
        {"drive": "SQ(5,15)"},
        "drive: a narrower format is written with its rounding and its overflow, as in SQ(5,15) TRN WRAP, "
        "not 'SQ(5,15)'",
    ),
    (
        {"increment": 5},
        "increment: a narrower format is written with its rounding and its overflow, as in SQ(5,15) TRN WRAP, not 5",
    ),
    (
        {"drive": "SQ(5) TRN SAT"},
        "drive: a format is written SQ(i_bits,f_bits) or UQ(i_bits,f_bits), not 'SQ(5)'",
    ),
    (
        {"drive": "SQ(5,5) FLOOR SAT"},
        "drive: its rounding must be one of TRN, RND, RND_CONV, SR, not 'FLOOR'",
    ),
    ({"drive": "SQ(5,5) SR SAT"}, "drive: its rounding must be one of TRN, RND, RND_CONV, not 'SR'"),
    ({"drive": "SQ(5,5) RND sat"}, "drive: its overflow must be one of SAT, WRAP, not 'sat'"),
    ({"product": "UQ(5,5) RND SAT"}, "product must be a signed format, not UQ(5,5)"),
    ({"product": "SQ(60,5) RND SAT"}, "product must have 2 to 64 bits, not 65 as SQ(60,5) has"),
    (
        {"difference": "SQ(5,5) RND SAT"},
        "difference requires the form factored: the form square has none",
    ),
    (
        {"quadratic": "SQ(5,5) RND SAT", "product_fraction": 3, "product_rounding": "RND"},
        "quadratic and product_fraction both round the quadratic term: give one of them",
    ),
    ({"potental": SQ(8, 8)}, "unknown arithmetic choice 'potental': did you mean 'potential'?"),
]


@pytest.mark.parametrize(("changes", "text"), BAD_CHOICES, ids=lambda x: str(x)[:40])
def test_choices_that_cant_be_are_refused_in_words(changes, text):
    with pytest.raises(InputError) as caught:
        SQUARE.replace(**changes)
    assert str(caught.value) == text


@pytest.mark.parametrize("name", PRESETS)
def test_an_arithmetic_is_rebuilt_from_its_text(name):
    as_text = json.loads(json.dumps(preset(name).as_dict()))
    assert Arithmetic(**as_text) == preset(name)


def test_text_becomes_the_named_choices():
    arithmetic = SQUARE.replace(form="factored", rounding="TRN", overflow="WRAP", potential="SQ(8,8)")
    assert arithmetic.form is Form.FACTORED
    assert arithmetic.rounding is Rounding.TRN
    assert arithmetic.overflow is Overflow.WRAP
    assert arithmetic.potential == SQ(8, 8)


def test_an_unknown_preset_is_refused_with_the_nearest_one():
    known = "known are factored-16, square-16, square-18, stochastic-12, tiny-8, wide-32"
    for name, text in (
        ("sqare-18", "unknown preset 'sqare-18': did you mean 'square-18'?"),
        ("factored16", "unknown preset 'factored16': did you mean 'factored-16'?"),
        ("zzz", f"unknown preset 'zzz': {known}"),
        (3, f"unknown preset '3': {known}"),
    ):
        with pytest.raises(InputError) as caught:
            preset(name)
        assert str(caught.value) == text


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_holds_the_default_neuron(name):
    words = made(preset(name))
    assert words.constants["threshold"].word > words.constants["reset"].word


def test_the_default_preset_is_in_the_catalogue():
    assert DEFAULT_PRESET in PRESETS
    with pytest.raises(TypeError):
        PRESETS["mine"] = SQUARE


def test_what_is_shown_is_short_and_can_be_typed():
    for name, arithmetic in PRESETS.items():
        assert eval(repr(arithmetic), {"Arithmetic": Arithmetic}) == arithmetic
        assert eval(repr(arithmetic.potential), {"SQ": SQ}) == arithmetic.potential
        words = quantise(Parameters(n=2, threshold=[-52.0, -51.0]), arithmetic)
        shown = repr(words)
        assert arithmetic.summary in shown and "; threshold per neuron, " in shown and len(shown) < 300, name
        assert f" reset {int(words.constants['reset'].word)}" in shown
