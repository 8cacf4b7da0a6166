"""The compiled golden model against the datapath: every state of small formats, the whole range of large."""

import dataclasses
import time
import warnings
from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qlif.model.arithmetic import NARROWED, Arithmetic, Currents, Form
from qlif.model.exceptions import InputError, PrecisionWarning
from qlif.model.formats import SQ, UQ
from qlif.model.golden.neurons import FixedNeurons, ParameterWrite
from qlif.model.golden.step import State, where_integer
from qlif.model.kernel import block_choice, blocks, rules
from qlif.model.kernel.rules import WIDTHS, Narrow, Plan, Range, Shifts, narrow_place
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS, preset
from qlif.model.quantisation import quantise
from qlif.model.rounding import Overflow, Rounding, narrow

pytest.importorskip("numba")

NEURON = {"tau_m": 10.0, "tau_s": 5.0}
PRODUCTS = (None, "TRN", "RND", "RND_CONV")


def quantised(arithmetic, **parameters):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PrecisionWarning)
        return quantise(Parameters(**{"n": 1, **NEURON, **parameters}), arithmetic)


def drawn(generator, format, count):
    """Words over the whole format, its ends often."""
    ends = generator.choice([format.min_word, format.max_word, max(format.min_word, -1), 0, 1], count)
    inside = generator.integers(format.min_word, format.max_word, count, endpoint=True)
    return np.where(generator.random(count) < 0.2, ends, inside)


def with_any_constants(words, generator, per_neuron=False):
    """Parameter words from anywhere in their formats, as they can be written at run time."""
    count = words.parameters.n if per_neuron else 1
    constants = {
        name: dataclasses.replace(constant, word=column if per_neuron else int(column[0]))
        for name, constant in words.constants.items()
        for column in [drawn(generator, constant.format, count)]
    }
    return dataclasses.replace(words, constants=constants)


def random_state(words, generator):
    n = words.parameters.n
    refractory = drawn(generator, words.refractory, n) * (generator.random(n) < 0.3)
    arithmetic = words.arithmetic
    phases = generator.integers(0, 1 << arithmetic.phase_bits, n)
    return State(
        drawn(generator, arithmetic.potential, n), refractory, drawn(generator, arithmetic.trace, n), phases
    )


def both_engines(words):
    return FixedNeurons(words, "compiled"), FixedNeurons(words, "numpy")


def assert_same_run(words, generator, timesteps=6, writes=()):
    """Both engines give the same from any state on, with any currents."""
    engines = both_engines(words)
    state = random_state(words, generator)
    currents = drawn(generator, words.arithmetic.current, timesteps * words.parameters.n)
    results = []
    for neurons in engines:
        neurons.state = state
        results.append(
            (*neurons.run_words(currents.reshape(timesteps, -1), writes=writes), neurons.state, neurons.s)
        )
    (spikes, kept, after, last), (spikes_too, kept_too, after_too, last_too) = results
    assert np.array_equal(spikes, spikes_too)
    for name, column in kept.items():
        assert np.array_equal(column, kept_too[name]), name
    for mine, other in zip(after, after_too, strict=True):
        assert np.array_equal(mine, other)
    assert np.array_equal(last, last_too)
    return spikes


# ---- every state with every input --------------------------------------------------------------------


def coarse(arithmetic_of, form, currents, rounding, overflow, narrow):
    """Neurons enough for every state with every input of a coarse arithmetic."""
    arithmetic = arithmetic_of(
        form,
        currents,
        rounding,
        overflow,
        # What the product doesn't have, the sum can't lose.
        random_bits=(2 if narrow is None else 1) if rounding is Rounding.SR else 0,
        product_fraction=None if narrow is None else 2,
        product_rounding=narrow,
    )
    every = 1 << (arithmetic.potential.width + arithmetic.current.width + 3)
    # Coefficients that aren't powers of two, so that all fractions occur.
    odd = {"a0": 1.3, "R": 3.3, "rest_pot": -61.0, "dt": 1.0, "tau_m": 4.0}
    return quantised(arithmetic, n=every, additive_spike_trace=True, refrac_length=3, **odd)


def mismatches_of_coarse(arithmetic_of, choices, damage=None):
    """Each state meets each input; potential, current, counter (2 bits) and a bit of nothing, for SR."""
    words = coarse(arithmetic_of, *choices)
    potential, current = words.arithmetic.potential, words.arithmetic.current
    index = np.arange(words.parameters.n)
    state = State(
        potential.min_word + (index >> (current.width + 3)),
        (index >> 1) & 3,
        (index * 7 + (index >> 4)) % (words.arithmetic.trace.max_word + 1),
    )
    currents = current.min_word + (index >> 3) % (1 << current.width)
    compiled, plain = both_engines(words)
    if damage is not None:
        damage(compiled)
    for neurons in (compiled, plain):
        neurons.state = state
        neurons.step_words(currents)
    different = compiled.s != plain.s
    for mine, other in zip(compiled.state, plain.state, strict=True):
        different |= mine != other
    assert plain.s.any() and not plain.s.all()
    return int(different.sum())


def chosen(rounding, narrow):
    """Return choices with a form, a kind of current and an overflow, which are spread over the roundings."""
    k = list(Rounding).index(rounding) + PRODUCTS.index(narrow)
    return list(Form)[k % 2], list(Currents)[k // 2 % 2], rounding, list(Overflow)[(k // 2 + k) % 2], narrow


# Each is compiled on its own: each rounding with two of the others.
COARSE = [
    chosen(rounding, PRODUCTS[other % len(PRODUCTS)])
    for k, rounding in enumerate(Rounding)
    for other in (k, k + 1)
]
ALL_COARSE = list(product(Form, Currents, Rounding, Overflow, PRODUCTS))


def name_of(choices):
    return "-".join(map(str, choices))


@pytest.mark.parametrize("choices", COARSE, ids=name_of)
def test_every_state_with_every_input_of_a_coarse_neuron(coarse_arithmetic, choices):
    assert mismatches_of_coarse(coarse_arithmetic, choices) == 0


@pytest.mark.slow
@pytest.mark.parametrize("choices", [c for c in ALL_COARSE if c not in COARSE], ids=name_of)
def test_every_state_with_every_input_of_every_coarse_neuron(coarse_arithmetic, choices):
    assert mismatches_of_coarse(coarse_arithmetic, choices) == 0


def test_every_state_with_every_input_of_tiny_8():
    arithmetic = preset("tiny-8")
    words = quantised(arithmetic, n=1 << 19)
    index = np.arange(1 << 19)
    state = State((index & 255) - 128, (index >> 16) * (index >> 16 < 6), index * 37 % 256)
    compiled, plain = both_engines(words)
    for neurons in (compiled, plain):
        neurons.state = state
        neurons.step_words((index >> 8 & 255) - 128)
    assert np.array_equal(compiled.s, plain.s)
    assert plain.s.any()
    for mine, other in zip(compiled.state, plain.state, strict=True):
        assert np.array_equal(mine, other)


@pytest.mark.parametrize(
    "place", [Shifts.SUM_OFFSET, Shifts.DRIVE, Shifts.LOW, Shifts.TRACE_HIGH, Shifts.PRODUCT_OFFSET]
)
def test_a_planted_fault_is_found(coarse_arithmetic, place):
    choices = (Form.FACTORED, Currents.RAW, Rounding.RND, Overflow.SAT, "TRN")

    def damage(neurons):
        neurons._plan.shifts[place] += -1 if place is Shifts.SUM_OFFSET else 1

    assert mismatches_of_coarse(coarse_arithmetic, choices) == 0
    assert mismatches_of_coarse(coarse_arithmetic, choices, damage) > 0


def narrower(rounding, overflow):
    """A narrower format of each intermediate result, as in a core that truncates or wraps."""
    return {
        "product": f"SQ(7,-3) {rounding} {overflow}",
        "quadratic": f"SQ(5,0) {rounding} {overflow}",
        "drive": f"SQ(4,1) {rounding} {overflow}",
        "increment": f"SQ(4,0) {rounding} {overflow}",
    }


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("rounding", ["TRN", "RND", "RND_CONV"])
def test_narrower_intermediate_results_of_every_state_with_every_input(coarse_arithmetic, form, rounding):
    for overflow in Overflow:
        choices = narrower(rounding, overflow)
        if form is Form.FACTORED:
            choices["difference"] = f"SQ(5,0) {rounding} {overflow}"
        # The loops are compiled once for each form.
        assert mismatches_of_coarse(
            lambda *given, choices=choices, **others: coarse_arithmetic(*given, **(others | choices)),
            (form, Currents.RAW, Rounding.RND, Overflow.WRAP, None),
        ) == 0  # fmt: skip


@pytest.mark.parametrize("name", NARROWED)
@pytest.mark.parametrize("number", [Narrow.DOWN, Narrow.OFFSET, Narrow.HIGH])
def test_a_planted_fault_in_a_narrower_result_is_found(coarse_arithmetic, name, number):
    choices = narrower("RND", "SAT") | {"difference": "SQ(5,-1) RND SAT"}

    def damage(neurons):
        neurons._plan.shifts[narrow_place(name) + number] -= 1

    def arithmetic_of(*given, **others):
        return coarse_arithmetic(*given, **(others | {name: choices[name]}))

    rule = (Form.FACTORED, Currents.RAW, Rounding.RND, Overflow.WRAP, None)
    assert mismatches_of_coarse(arithmetic_of, rule, damage) > 0


# ---- the whole range of large formats ----------------------------------------------------------------

SQUARE_32 = preset("square-18").replace(
    potential=SQ(6, 26),
    current=SQ(8, 24),
    trace=UQ(2, 30),
    rounding="SR",
    random_bits=32,
    overflow="WRAP",
    trace_overflow="WRAP",
    coefficient_bits=32,
)
FACTORED_32 = preset("wide-32").replace(
    potential=SQ(8, 24),
    overflow="WRAP",
    coefficient_bits=32,
    product_fraction=31,
    product_rounding="RND_CONV",
)
FAR_APART = preset("wide-32").replace(
    potential=SQ(32, 0), current=SQ(2, 30), trace=UQ(32, 0), coefficient_bits=32, rounding="TRN"
)
FAR_APART_NEURON = {"a0": 100.0, "R": 16.0}
LARGE = dict(PRESETS) | {"square-32": SQUARE_32, "factored-32": FACTORED_32, "far-apart": FAR_APART}
FAST = [
    ("stochastic-12", False),
    *((name, True) for name in ("square-16", "wide-32", "square-32", "far-apart")),
]


# Each is compiled on its own.
@pytest.mark.parametrize(
    ("name", "per_neuron"),
    [
        pytest.param(*each, marks=() if each in FAST else pytest.mark.slow)
        for each in product(LARGE, (False, True))
    ],
)
def test_any_state_with_any_current_and_any_parameter_words(name, per_neuron):
    generator = np.random.default_rng(7)
    words = quantised(
        LARGE[name],
        n=700,
        lower_bound=-64.0,
        additive_spike_trace=True,
        trace_scale=0.7,
        **(FAR_APART_NEURON if name == "far-apart" else {}),
    )
    for _ in range(4):
        spikes = assert_same_run(with_any_constants(words, generator, per_neuron), generator)
    assert spikes.any()


PHASED = {
    "square-32": SQUARE_32.replace(phase_bits=4, increment="SQ(7,40) RND SAT", random_bits=14),
    "factored-16": PRESETS["factored-16"].replace(phase_bits=1, rounding="RND_CONV", overflow="WRAP"),
    "square-16": PRESETS["square-16"].replace(phase_bits=2),
    "stochastic-12": PRESETS["stochastic-12"].replace(phase_bits=3),
}


@pytest.mark.slow_beyond(2)
@pytest.mark.parametrize("name", PHASED)
def test_any_state_with_phases(name):
    generator = np.random.default_rng(8)
    words = quantised(PHASED[name], n=200, lower_bound=-64.0)
    for _ in range(4):
        spikes = assert_same_run(with_any_constants(words, generator), generator)
    assert spikes.any()


def test_integers_of_each_width_are_met():
    words = [*map(quantised, PRESETS.values()), quantised(FAR_APART, **FAR_APART_NEURON)]
    assert {Plan(each).rule(False, False).sum_bits for each in words} == set(WIDTHS)


@st.composite
def arithmetics(draw):
    """Any formats up to 32 bits, and any choice besides."""
    form = draw(st.sampled_from(list(Form)))
    rounding = draw(st.sampled_from(list(Rounding)))
    narrow = draw(st.sampled_from(PRODUCTS))
    i_bits = draw(st.integers(8, 10) if form is Form.FACTORED else st.integers(5, 8))
    current_bits = draw(st.integers(2, 16))
    return Arithmetic(
        form=form,
        potential=SQ(i_bits, draw(st.integers(1, 32 - i_bits))),
        current=SQ(current_bits, draw(st.integers(0, 32 - current_bits))),
        trace=UQ(draw(st.integers(1, 16)), draw(st.integers(1, 16))),
        rounding=rounding,
        overflow=draw(st.sampled_from(list(Overflow))),
        trace_overflow=draw(st.sampled_from(list(Overflow))),
        currents=draw(st.sampled_from(list(Currents))),
        coefficient_bits=draw(st.integers(6, 32)),
        random_bits=draw(st.integers(1, 32)) if rounding is Rounding.SR else 0,
        product_fraction=None if narrow is None else draw(st.integers(0, 20)),
        product_rounding=narrow,
        phase_bits=draw(st.sampled_from([0, 0, 1, 2, 3, 4])),
        **{
            name: f"SQ({i_bits + draw(st.integers(-3, 12))},{draw(st.integers(2 - i_bits + 3, 30))}) "
            f"{draw(st.sampled_from(['TRN', 'RND', 'RND_CONV']))} {draw(st.sampled_from(['SAT', 'WRAP']))}"
            for name in NARROWED[form is Form.SQUARE :]
            if draw(st.integers(0, 3)) == 0 and (name != "quadratic" or narrow is None)
        },
    )


def words_of(arithmetic, n, additive, bounded):
    try:
        return quantised(
            arithmetic, n=n, additive_spike_trace=additive, lower_bound=-63.0 if bounded else None
        )
    except InputError:
        assume(False)


@pytest.mark.slow
@given(arithmetics(), st.booleans(), st.booleans(), st.booleans(), st.integers(0, 2**32 - 1))
@settings(max_examples=150, deadline=None)
def test_any_arithmetic_is_the_datapath(arithmetic, additive, bounded, per_neuron, seed):
    generator = np.random.default_rng(seed)
    words = words_of(arithmetic, 200, additive, bounded)
    assert_same_run(with_any_constants(words, generator, per_neuron), generator)


# ---- the proof of the width --------------------------------------------------------------------------


def watched_sum(words, potential, current, random):
    """The loops' sum, without V, in exact integers; every one of them."""
    shifts, values = Plan(words).shifts.tolist(), words.values
    seen = []

    def note(value):
        seen.append(value)
        return value

    arithmetic = words.arithmetic

    def narrowed(name, value):
        if name not in arithmetic.narrowings:
            return value
        up, down = shifts[narrow_place(name) :][:2]
        note(note(value << up) + note((1 << down) - 1))
        return note(narrow(value, down - up + arithmetic.narrowings[name].format.f_bits,
                           arithmetic.narrowings[name], where_integer))  # fmt: skip

    if arithmetic.form is Form.SQUARE:
        quadratic = narrowed("product", note(potential * potential))
    else:
        factors = (narrowed("difference", note(potential - values[name])) for name in ("rest", "critical"))
        quadratic = note(narrowed("product", note(prod(factors))) * values["gain"])
    quadratic = narrowed("quadratic", quadratic)
    down = shifts[Shifts.PRODUCT]
    if arithmetic.product_rounding is not None:
        quadratic = note(quadratic + (1 << down) - 1) >> down
    quadratic = note(quadratic << shifts[Shifts.QUADRATIC])
    drive = narrowed("drive", note(current * values.get("drive", 1)))
    total = note(quadratic + note(drive << shifts[Shifts.DRIVE]))
    total = note(total + note(values.get("bias", 0) << shifts[Shifts.BIAS]))
    total = note(narrowed("increment", total) << shifts[Shifts.INCREMENT])
    down = shifts[Shifts.SUM]
    note(1 << max(down - 1, 0))
    note(potential + (note(total + (1 << down) - 1) >> down))
    return seen


@given(arithmetics(), st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_no_intermediate_integer_leaves_the_range_that_was_proved(arithmetic, seed):
    words = words_of(arithmetic, 1, True, False)
    generator = np.random.default_rng(seed)
    plan = Plan(words)
    assert plan.sum_range.bits <= plan.rule(False, False).sum_bits
    for _ in range(20):
        some = with_any_constants(words, generator)
        potential = int(drawn(generator, arithmetic.potential, 1)[0])
        current = int(drawn(generator, arithmetic.current, 1)[0])
        for value in watched_sum(some, potential, current, 0):
            assert plan.sum_range.low <= value <= plan.sum_range.high


def test_integers_that_are_too_narrow_would_be_found(monkeypatch):
    """Planted: a proof that promises too much."""
    generator = np.random.default_rng(1)
    words = with_any_constants(quantised(preset("square-18"), n=500), generator)
    assert_same_run(words, generator)
    monkeypatch.setattr(Plan, "_sum_range", lambda self: Range(-(1 << 31), (1 << 31) - 1))
    assert Plan(words).rule(False, False).sum_bits == WIDTHS[0]
    with pytest.raises(AssertionError):
        assert_same_run(words, generator)


@pytest.mark.parametrize(
    ("name", "bits"), [("square-16", 32), ("stochastic-12", 32), ("tiny-8", 32), ("square-18", 64)]
)
def test_the_sums_of_a_preset_are_as_narrow_as_that(name, bits):
    assert Plan(quantised(preset(name))).rule(False, False).sum_bits == bits


# ---- blocks, stretches and threads ------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    ("name", "many"), [("square-16", 4096), ("square-16", 1001), ("stochastic-12", 1001)]
)
def test_neither_blocks_nor_stretches_nor_threads_change_a_result(monkeypatch, name, many, threads):
    monkeypatch.setattr(rules, "MANY", many)
    words = quantised(preset(name), n=1001, tau_m=2.0)
    form = words.arithmetic.current
    currents = np.random.default_rng(3).integers(0, form.max_word // 2, (37, 1001))
    writes = [
        ParameterWrite(11, "threshold", int(words.potential_words(-53.0))),
        ParameterWrite(20, "reset", int(words.potential_words(-61.0)), 900),
    ]
    expected, kept = FixedNeurons(words, "numpy").run_words(currents, writes=writes)
    assert expected.any()
    monkeypatch.setattr(block_choice, "SIZES", (128, 256))
    monkeypatch.setattr(block_choice, "LEAST_UPDATES", 1)
    monkeypatch.setattr(block_choice, "TRIALS", 1)
    block_choice.block_choice.cache_clear()
    monkeypatch.setattr(blocks, "STRETCH_UPDATES", 5 * 1001)
    monkeypatch.setattr(blocks, "_WORTH_UPDATES", 100)
    monkeypatch.setattr(blocks, "_WORTH_NEURONS", 100)
    neurons = FixedNeurons(words, "compiled", threads)
    spikes, kept_too = neurons.run_words(currents, writes=writes)
    assert np.array_equal(spikes, expected)
    for name, column in kept.items():
        assert np.array_equal(kept_too[name], column)
    assert np.array_equal(neurons.s, expected[-1])


def test_steps_and_runs_take_the_same_random_words():
    words = quantised(preset("stochastic-12"), n=90)
    currents = np.random.default_rng(3).integers(0, 10000, (50, 90))
    _, expected = FixedNeurons(words, "numpy").run_words(currents)
    neurons = FixedNeurons(words, "compiled")
    neurons.run_words(currents[:7])
    for timestep in range(7, 20):
        neurons.step_words(currents[timestep])
    _, kept = neurons.run_words(currents[20:])
    assert np.array_equal(kept["potential"], expected["potential"][20:])


@pytest.mark.parametrize("engine", ["compiled", "numpy"])
def test_a_current_word_outside_its_format_is_refused(engine):
    words = quantised(preset("tiny-8"), n=2)
    neurons = FixedNeurons(words, engine)
    before = neurons.state
    text = r"^current words must be from -128 to 127 to fit SQ\(7,1\), not 128$"
    with pytest.raises(InputError, match=text):
        neurons.step_words(np.array([0, 128]))
    with pytest.raises(InputError, match=text):
        neurons.run_words(np.array([[0, 1], [0, 128]]))
    assert all(np.array_equal(a, b) for a, b in zip(before, neurons.state, strict=True))


def test_no_thread_writes_any_more_when_one_has_failed():
    done = []

    def work(first, end):
        if first == 0:
            raise ZeroDivisionError
        time.sleep(0.2)
        done.append((first, end))
        return True

    neurons = 2 * blocks.BLOCK + 7
    with pytest.raises(ZeroDivisionError):
        blocks.on_blocks(work, neurons, 2, blocks.BLOCK)
    assert done[-1][1] == neurons and len(done) == 3
    assert blocks.on_blocks(lambda first, end: first != 0, neurons, 2, blocks.BLOCK) is False
    assert blocks.on_blocks(lambda first, end: True, neurons, 2, blocks.BLOCK) is True


@pytest.mark.parametrize("neurons", [1, 3, 63, 64, 65, 100, 127, 129])
@pytest.mark.parametrize("real", [False, True])
def test_populations_that_are_no_whole_chunks(neurons, real):
    """The last chunk of the last timestep would read beyond the input."""
    words = quantised(preset("stochastic-12"), n=neurons, tau_m=2.0)
    currents = np.random.default_rng(neurons).integers(0, words.arithmetic.current.max_word, (9, neurons))
    expected, kept = FixedNeurons(words, "numpy").run_words(currents)
    neurons_ = FixedNeurons(words, "compiled")
    if real:
        in_mv = currents / (words.current_scale * 2.0**words.arithmetic.current.f_bits)
        room = neurons_.run(lambda begin, end: in_mv[begin:end], 9, ("potential",))
        assert np.array_equal(room.kept["potential"], kept["potential"])
    else:
        spikes, kept_too = neurons_.run_words(currents)
        assert np.array_equal(spikes, expected)
        assert np.array_equal(kept_too["potential"], kept["potential"])
