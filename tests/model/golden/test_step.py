"""One update in words against the page that defines it, in exact fractions, and against the float step."""

import warnings
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import floor

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qlif.model.arithmetic import NARROWED, Arithmetic, Currents, Form
from qlif.model.exceptions import InputError, PrecisionWarning
from qlif.model.formats import SQ, UQ
from qlif.model.golden import step as datapath
from qlif.model.golden.neurons import FixedNeurons
from qlif.model.golden.step import State, step, where_integer
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS, preset
from qlif.model.quantisation import quantise
from qlif.model.reference import FloatNeurons
from qlif.model.rounding import Overflow, Rounding, drop

HALF = Fraction(1, 2)


def rounded(value, f_bits, rounding, random=0, random_bits=0):
    """Section 4: the word of the value with `f_bits` fraction bits."""
    places = value * Fraction(2) ** f_bits
    match rounding:
        case "TRN":
            return floor(places)
        case "RND":
            return floor(places + HALF)
        case "RND_CONV":
            return round(places)  # Python rounds an exact half to even
        case "SR":
            return floor(places + Fraction(random % 2**random_bits, 2**random_bits))


def brought_into_range(word, format, overflow):
    width = format.i_bits + format.f_bits
    low, high = (-(2 ** (width - 1)), 2 ** (width - 1) - 1) if format.signed else (0, 2**width - 1)
    if overflow == "SAT":
        return min(max(word, low), high)
    return (word - low) % 2**width + low


@lru_cache(maxsize=1)
def real_constants(words):
    return {
        name: Fraction(constant.word) / Fraction(2) ** constant.format.f_bits
        for name, constant in words.constants.items()
    }


def narrowed(words, name, value):
    """An intermediate result in its own format, if it has one."""
    narrowing = words.arithmetic.narrowings.get(name)
    if narrowing is None:
        return value
    word = rounded(value, narrowing.format.f_bits, narrowing.rounding)
    return Fraction(brought_into_range(word, narrowing.format, narrowing.overflow)) / Fraction(2) ** (
        narrowing.format.f_bits
    )


def update(words, state, current, random):
    """Sections 2 and 4 of numerics.md, on the real values of the words."""
    arithmetic, parameters = words.arithmetic, words.parameters
    real = real_constants(words)
    v = Fraction(state.potential) / Fraction(2) ** arithmetic.potential.f_bits
    current = Fraction(current) / Fraction(2) ** arithmetic.current.f_bits

    # 1. integrate: products exact, one exact sum, rounded once, saturated once.
    potential = state.potential
    if state.refractory == 0:
        if arithmetic.form == "factored":
            over_rest, over_critical = (
                narrowed(words, "difference", v - real[name]) for name in ("rest", "critical")
            )
            quadratic = real["gain"] * narrowed(words, "product", over_rest * over_critical)
            bias = Fraction(0)
        else:
            quadratic = narrowed(words, "product", v * v) / Fraction(2) ** words.quadratic_shift
            bias = real["bias"]
        quadratic = narrowed(words, "quadratic", quadratic)
        if arithmetic.product_fraction is not None:
            narrow = rounded(quadratic, arithmetic.product_fraction, arithmetic.product_rounding)
            quadratic = Fraction(narrow) / Fraction(2) ** arithmetic.product_fraction
        if arithmetic.currents == "raw":
            drive = real["drive"] * current
        else:
            drive = current / Fraction(2) ** words.drive_shift
        total = v + narrowed(words, "increment", quadratic + narrowed(words, "drive", drive) + bias)
        word = rounded(
            total, arithmetic.potential.f_bits, arithmetic.rounding, random, arithmetic.random_bits
        )
        potential = brought_into_range(word, arithmetic.potential, arithmetic.overflow)

    # 2. spike   3. refractory counter and reset   4. lower bound
    spike = potential >= words.constants["threshold"].word
    refractory = min(max(state.refractory - 1, 0), parameters.refrac_length)
    if spike:
        refractory = parameters.refrac_length
        potential = words.constants["reset"].word
    if parameters.lower_bound is not None:
        potential = max(potential, words.constants["lower_bound"].word)

    # 5. trace: the decay with TRN, then the spike.
    trace = state.trace
    if parameters.spike_trace:
        trace = floor(trace * real["decay"])
        if spike and parameters.additive_spike_trace:
            trace = brought_into_range(
                trace + words.constants["trace_spike"].word, arithmetic.trace, arithmetic.trace_overflow
            )
        elif spike:
            trace = 2**arithmetic.trace.f_bits
    return State(potential, refractory, trace), spike


def words_of(parameters, arithmetic):
    """Words of a neuron whose timestep may be too coarse for the ODE: here only the integers count."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PrecisionWarning)
        return quantise(Parameters(**{"n": 1, **parameters}), arithmetic)


@st.composite
def neurons(draw):
    """Words of a random neuron in a random arithmetic."""
    reset = draw(st.floats(-66, -60))
    parameters = {
        "dt": draw(st.sampled_from([0.01, 0.1, 0.25, 1.0])),
        "tau_m": draw(st.floats(2, 60)),
        "tau_s": draw(st.floats(1, 60)),
        "a0": draw(st.floats(0.1, 2)),
        "R": draw(st.floats(0.2, 4)),
        "rest_pot": draw(st.floats(-66, -60)),
        "critical_pot": draw(st.floats(-58, -54)),
        "threshold": draw(st.floats(-56, -51)),
        "reset_pot": reset,
        "refrac_length": draw(st.sampled_from([0, 1, 5, 300])),
        "lower_bound": draw(st.none() | st.floats(-68, reset)),
        "spike_trace": draw(st.booleans()),
        "additive_spike_trace": draw(st.booleans()),
        "trace_scale": draw(st.floats(0, 1.9)),
    }
    form = draw(st.sampled_from(list(Form)))
    rounding = draw(st.sampled_from(list(Rounding)))
    narrow = draw(st.booleans())
    i_bits = draw(st.integers(8, 10) if form is Form.FACTORED else st.integers(5, 8))
    arithmetic = Arithmetic(
        form=form,
        potential=SQ(i_bits, draw(st.integers(1, 16))),
        current=SQ(draw(st.integers(2, 16)), draw(st.integers(0, 16))),
        trace=UQ(draw(st.integers(1, 4)), draw(st.integers(1, 16))),
        rounding=rounding,
        overflow=draw(st.sampled_from(list(Overflow))),
        trace_overflow=draw(st.sampled_from(list(Overflow))),
        currents=draw(st.sampled_from(list(Currents))),
        coefficient_bits=draw(st.integers(6, 24)),
        random_bits=draw(st.integers(1, 8)) if rounding is Rounding.SR else 0,
        product_fraction=draw(st.integers(0, 12)) if narrow else None,
        product_rounding=draw(st.sampled_from(["TRN", "RND", "RND_CONV"])) if narrow else None,
    )
    try:
        return words_of(parameters, arithmetic)
    except InputError:
        assume(False)


def random_states(words, generator, count):
    """States, currents and random words over the whole formats, their ends included."""

    def column(low, high):
        edges = [low, high, 0, -1, 1]
        inside = [edge for edge in edges if low <= edge <= high]
        return [
            int(generator.choice(inside))
            if generator.random() < 0.2
            else int(generator.integers(low, high + 1))
            for _ in range(count)
        ]

    arithmetic = words.arithmetic
    near_threshold = int(words.constants["threshold"].word) + generator.integers(-3, 3, count)
    potentials = [
        min(max(int(near), arithmetic.potential.min_word), arithmetic.potential.max_word)
        if generator.random() < 0.2
        else potential
        for near, potential in zip(
            near_threshold, column(arithmetic.potential.min_word, arithmetic.potential.max_word), strict=True
        )
    ]
    refractory = [0 if generator.random() < 0.7 else count for count in column(0, words.refractory.max_word)]
    traces = column(0, arithmetic.trace.max_word)
    currents = column(arithmetic.current.min_word, arithmetic.current.max_word)
    randoms = column(0, 2**32 - 1)
    return [State(*state) for state in zip(potentials, refractory, traces, strict=True)], currents, randoms


@given(neurons(), st.integers(0, 2**32 - 1))
@settings(max_examples=200, deadline=None)
def test_an_update_is_the_defined_one_on_integers_and_on_both_kinds_of_arrays(words, seed):
    states, currents, randoms = random_states(words, np.random.default_rng(seed), 12)
    single = [
        step(words, words.values, state, current, random, where_integer)
        for state, current, random in zip(states, currents, randoms, strict=True)
    ]
    assert single == [
        update(words, state, current, random)
        for state, current, random in zip(states, currents, randoms, strict=True)
    ]
    for state, _ in single:
        assert words.arithmetic.potential.holds(state.potential)
        assert words.refractory.holds(state.refractory)
        assert words.arithmetic.trace.holds(state.trace)
    for kind in (np.int64, object):
        if kind is np.int64 and words.largest_width > 63:
            continue
        columns = State(*(np.array(column, dtype=kind) for column in zip(*states, strict=True)))
        after, spikes = step(
            words,
            words.values,
            columns,
            np.array(currents, dtype=kind),
            np.array(randoms, dtype=kind),
            np.where,
        )
        listed = [State(*state) for state in zip(*(column.tolist() for column in after), strict=True)]
        assert list(zip(listed, spikes.tolist(), strict=True)) == single


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_makes_the_defined_update_at_the_ends_of_its_formats(name):
    words = words_of({"lower_bound": -62.5, "additive_spike_trace": True}, preset(name))
    potential, current = words.arithmetic.potential, words.arithmetic.current
    threshold = words.constants["threshold"].word
    traces = (0, words.arithmetic.trace.max_word)
    for v in (potential.min_word, -1, 0, 1, threshold - 1, threshold, threshold + 1, potential.max_word):
        for i in (current.min_word, -1, 0, 1, current.max_word):
            for count in (0, 1, 5):
                for trace in traces:
                    state = State(v, count, trace)
                    for random in (0, 2**32 - 1):
                        after = step(words, words.values, state, i, random, where_integer)
                        assert after == update(words, state, i, random)


@pytest.fixture(scope="module")
def tiny():
    """`tiny-8` with every potential and every current, and what the definition makes of them."""
    words = words_of({"tau_m": 10.0}, preset("tiny-8"))
    format, current = words.arithmetic.potential, words.arithmetic.current
    potentials, currents = np.meshgrid(
        np.arange(format.min_word, format.max_word + 1), np.arange(current.min_word, current.max_word + 1)
    )
    assert potentials.size == 1 << 16
    expected = np.array(
        [
            (*after.by_name(words).values(), spike)
            for v, i in zip(potentials.ravel().tolist(), currents.ravel().tolist(), strict=True)
            for after, spike in [update(words, State(v, 0, 100), i, 0)]
        ]
    )
    return words, potentials.ravel(), currents.ravel(), expected


def made_of_tiny(tiny):
    words, potentials, currents, _ = tiny
    zero = np.zeros_like(potentials)
    after, spike = step(words, words.values, State(potentials, zero, zero + 100), currents, zero, np.where)
    return np.stack([*after.by_name(words).values(), spike], axis=1)


def test_every_state_with_every_input_of_tiny_8_makes_the_defined_update(tiny):
    assert np.array_equal(made_of_tiny(tiny), tiny[-1])
    assert {0, 1} == set(tiny[-1][:, 3].tolist())  # both outcomes are among them


COARSE = list(product(Form, Currents, Rounding, Overflow))


def coarse(arithmetic_of, form, currents, rounding, overflow):
    arithmetic = arithmetic_of(
        form, currents, rounding, overflow, random_bits=2 if rounding is Rounding.SR else 0
    )
    return words_of({"dt": 1.0, "tau_m": 4.0, "R": 4.0, "additive_spike_trace": True}, arithmetic)


def mismatches_of_coarse(arithmetic_of, choices):
    words = coarse(arithmetic_of, *choices)
    potential, current = words.arithmetic.potential, words.arithmetic.current
    return [
        (v, i)
        for v in range(potential.min_word, potential.max_word + 1)
        for i in range(current.min_word, current.max_word + 1)
        for state, random in [(State(v, 0, (v + i) % 16), v * i % 4)]
        if step(words, words.values, state, i, random, where_integer) != update(words, state, i, random)
    ]


@pytest.mark.slow_beyond(8)
@pytest.mark.parametrize("choices", COARSE, ids=lambda choices: "-".join(choices))
def test_every_state_with_every_input_of_a_coarse_neuron_makes_the_defined_update(coarse_arithmetic, choices):
    assert mismatches_of_coarse(coarse_arithmetic, choices) == []


NARROWER = [
    (form, name, rounding, overflow)
    for form, name, rounding, overflow in product(Form, NARROWED, Rounding, Overflow)
    if not rounding.stochastic and (form is Form.FACTORED or name != "difference")
]


@pytest.mark.slow_beyond(5)
@pytest.mark.parametrize(
    ("form", "name", "rounding", "overflow"),
    [
        # Half of them are enough for every day: in each form, one of the overflows.
        pytest.param(
            *one, marks=() if (one[0] is Form.FACTORED) == (one[3] is Overflow.WRAP) else pytest.mark.slow
        )
        for one in NARROWER
    ],
    ids=str,
)
def test_every_state_with_every_input_of_a_neuron_with_a_narrower_intermediate_result(
    coarse_arithmetic, form, name, rounding, overflow
):
    # A sum that wraps, behind which a result that saturated is still seen.
    arithmetic = coarse_arithmetic(form, Currents.RAW, Rounding.RND, Overflow.WRAP)
    parameters = {"dt": 1.0, "tau_m": 3.0, "R": 4.0, "refrac_length": 0}
    potential, current = arithmetic.potential, arithmetic.current
    narrowing = f"SQ({potential.i_bits - 1},{potential.f_bits - 1}) {rounding} {overflow}"
    exact, words = (
        words_of(parameters, one) for one in (arithmetic, arithmetic.replace(**{name: narrowing}))
    )
    differs = 0
    for v in range(potential.min_word, potential.max_word + 1):
        for i in range(current.min_word, current.max_word + 1):
            after = step(words, words.values, State(v, 0, 0), i, 0, where_integer)
            assert after == update(words, State(v, 0, 0), i, 0)
            differs += after != step(exact, exact.values, State(v, 0, 0), i, 0, where_integer)
    assert differs


def _off_by_one_tie(value, bits, rounding, random=0, random_bits=0):
    return (value + (1 << bits >> 1) - 1) >> bits if bits else value


FAULTS = {
    "a tie goes down": ("drop", _off_by_one_tie),
    "an overflow wraps": (
        "fit",
        lambda value, format, overflow, where: (value - format.min_word) % 2**format.width + format.min_word,
    ),
    "the trace rounds to nearest": (
        "decay_trace",
        lambda words, constants, trace, spike, where: where(
            spike,
            constants["trace_spike"],
            datapath.drop(trace * constants["decay"], words.constants["decay"].format.f_bits, Rounding.RND),
        ),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_in_the_update_is_found(tiny, monkeypatch, fault):
    name, damaged = FAULTS[fault]
    monkeypatch.setattr(datapath, name, damaged)
    assert not np.array_equal(made_of_tiny(tiny), tiny[-1])


def _damaged_saturation(below, above):
    def damaged(value, format, overflow, where):
        low, high = format.min_word + below, format.max_word - above
        return where(value > format.max_word, high, where(value < format.min_word, low, value))

    return damaged


COARSE_FAULTS = {
    "the lowest word is never reached": (Rounding.RND, "fit", _damaged_saturation(1, 0)),
    "the highest word is never reached": (Rounding.RND, "fit", _damaged_saturation(0, 1)),
    "half up for half to even": (
        Rounding.RND_CONV,
        "drop",
        lambda value, bits, rounding, random=0, random_bits=0: drop(value, bits, Rounding.RND),
    ),
    "half to even for half up": (
        Rounding.RND,
        "drop",
        lambda value, bits, rounding, random=0, random_bits=0: drop(value, bits, Rounding.RND_CONV),
    ),
    "a random bit too low": (
        Rounding.SR,
        "drop",
        lambda value, bits, rounding, random=0, random_bits=0: drop(
            value, bits, rounding, random >> 1, random_bits
        ),
    ),
}


@pytest.mark.parametrize("fault", COARSE_FAULTS)
def test_a_planted_fault_in_the_coarse_neuron_is_found(monkeypatch, coarse_arithmetic, fault):
    rounding, name, damaged = COARSE_FAULTS[fault]
    monkeypatch.setattr(datapath, name, damaged)
    choices = (Form.SQUARE, Currents.SCALED, rounding, Overflow.SAT)
    assert mismatches_of_coarse(coarse_arithmetic, choices)


@pytest.mark.parametrize("name", [name for name in PRESETS if PRESETS[name].rounding is not Rounding.SR])
def test_one_update_is_the_float_step_but_for_its_roundings(name):
    """The oracle above takes the exponents from the words; this holds the words against the neuron.

    The bound is what section 4 allows: half a last place for the sum, and half a last place of each
    coefficient and each potential constant times what it multiplies.
    """
    parameters = Parameters(n=200, tau_m=30.0, threshold=-45.0, refrac_length=0)
    arithmetic = preset(name)
    words = quantise(parameters, arithmetic)
    generator = np.random.default_rng(3)
    start = words.potential_words(generator.uniform(-66, -46, 200))
    current = words.current_words(generator.uniform(-40, 60, 200))

    fixed = FixedNeurons(words)
    fixed.state = fixed.state._replace(potential=start.astype(fixed.state.potential.dtype))
    fixed.step_words(current)
    real = FloatNeurons(parameters)
    v, i = words.potentials(start), words.currents(current)
    real.v = v.copy()
    real.step(i)

    place = arithmetic.potential.resolution / words.scale
    mantissa = 2.0 ** -(arithmetic.coefficient_bits - 1)
    quadratic, drive = parameters.gain * np.abs((v + 62) * (v + 54)), parameters.drive * np.abs(i)
    constants = parameters.gain * (np.abs(v + 62) + np.abs(v + 54) + place) * place / 2
    bias = parameters.gain * 16 * mantissa
    bound = place / 2 + mantissa * (quadratic + drive) + constants + bias
    stepped = ~(fixed.s | real.s)
    assert np.count_nonzero(stepped) > 150
    assert np.all(np.abs(fixed.v - real.v)[stepped] <= bound[stepped])
    # and it did move: a shift that is wrong by one would not hide in the bound
    assert np.median(np.abs(real.v - v)) > 4 * np.median(bound) or name == "tiny-8"


@pytest.mark.parametrize("name", PRESETS)
def test_a_refractory_neuron_is_frozen_and_counts_down(name):
    words = words_of({"refrac_length": 3}, preset(name))
    state = State(words.constants["reset"].word, 3, words.arithmetic.trace.max_word)
    for left in (2, 1, 0):
        state, spike = step(
            words, words.values, state, words.arithmetic.current.max_word, 2**32 - 1, where_integer
        )
        assert not spike
        assert (state.potential, state.refractory) == (words.constants["reset"].word, left)


@pytest.mark.parametrize("name", PRESETS)
def test_a_trace_reaches_zero(name):
    words = words_of({}, preset(name))
    trace, steps = words.arithmetic.trace.max_word, 0
    while trace:
        below = datapath.decay_trace(words, words.values, trace, False, where_integer)
        assert below < trace
        trace, steps = below, steps + 1
    assert steps < 20000
