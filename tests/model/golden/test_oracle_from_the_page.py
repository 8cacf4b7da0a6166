"""The golden model computes what the page says: a second model, written from the page alone, agrees with it."""

import contextlib
import importlib.util
import random
import warnings
from collections import Counter
from math import nextafter
from pathlib import Path

import numpy as np
import pytest

from qlif.model.arithmetic import NARROWED, Arithmetic
from qlif.model.exceptions import InputError, PrecisionWarning
from qlif.model.golden.neurons import FixedNeurons, ParameterWrite
from qlif.model.parameters import Parameters
from qlif.model.quantisation import quantise

_spec = importlib.util.spec_from_file_location("oracle", Path(__file__).with_name("oracle_from_the_page.py"))
oracle = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(oracle)

TIMESTEPS = 24


def narrowing(draw, i_bits, f_bits):
    """Return a narrower format of an intermediate result, mostly one near that of the potential."""
    i_bits, f_bits = i_bits + draw.randint(-3, 3), f_bits + draw.choice([0, 0, draw.randint(-4, 4)])
    rounding, overflow = draw.choice(["TRN", "RND", "RND_CONV"]), draw.choice(["SAT", "WRAP"])
    return f"SQ({max(i_bits, 2 - f_bits)},{f_bits}) {rounding} {overflow}"


def configuration(draw, narrower, phased):
    """Return parameters and an arithmetic at random; hard cases (powers of two, ends of formats) are common."""
    n = draw.choice([1, 1, 2, 3])
    square = draw.random() < 0.5

    def per_neuron(make):
        return [make() for _ in range(n)] if n > 1 and draw.random() < 0.4 else make()

    def gain_like():
        value = draw.choice([draw.uniform(0.05, 3), 2.0 ** draw.randint(-4, 1), 0.1 * draw.randint(1, 9)])
        return draw.choice([value, nextafter(value, 0), nextafter(value, 9), value * (1 - 2.0**-9)])

    rest = draw.choice([-62.0, -4.0, draw.uniform(-8, 8)])
    reset = rest + draw.choice([0, draw.uniform(-3, 3)])
    critical = rest + draw.choice([8.0, draw.uniform(-1, 9), 0.0])
    parameters = {
        "dt": draw.choice([0.1, 0.1, 0.25, 1.0, draw.uniform(0.01, 1)]),
        "tau_m": per_neuron(lambda: draw.choice([10.0, 8.0, draw.uniform(0.5, 60)])),
        "tau_s": per_neuron(lambda: draw.uniform(0.5, 60)),
        "a0": per_neuron(gain_like),
        "R": per_neuron(gain_like),
        "rest_pot": per_neuron(lambda: rest + draw.choice([0, draw.uniform(-0.5, 0.5)])),
        "critical_pot": per_neuron(lambda: critical),
        "threshold": per_neuron(lambda: reset + draw.uniform(0.2, 14)),
        "reset_pot": per_neuron(lambda: reset),
        "refrac_length": per_neuron(lambda: draw.choice([0, 0, 1, 2, 3, 8])),
        "lower_bound": draw.choice([None, None, reset - draw.uniform(0, 4)]),
        "spike_trace": draw.random() < 0.8,
        "additive_spike_trace": draw.random() < 0.5,
        "trace_scale": per_neuron(lambda: draw.uniform(0, 1.9)),
    }
    rounding = draw.choice(["TRN", "RND", "RND_CONV", "SR"])
    narrow = draw.random() < 0.3
    i_bits = draw.randint(4, 8) if square or abs(rest) < 20 else draw.randint(7, 9)
    f_bits = draw.randint(0, 32 - i_bits) if draw.random() < 0.2 else draw.randint(1, 10)
    names = NARROWED[square : 2 if narrow else 3] + NARROWED[3:]
    narrowings = (
        {name: narrowing(draw, i_bits, f_bits) for name in names if draw.random() < 0.5} if narrower else {}
    )
    arithmetic = Arithmetic(
        form="square" if square else "factored",
        potential=f"SQ({i_bits},{f_bits})",
        current=draw.choice(["SQ(8,8)", "SQ(5,3)", "SQ(8,24)", "SQ(9,-2)", "SQ(-1,9)"]),
        trace=f"UQ({draw.randint(1, 4)},{draw.randint(1, 14)})",
        rounding=rounding,
        overflow=draw.choice(["SAT", "WRAP"]),
        trace_overflow=draw.choice(["SAT", "WRAP"]),
        currents=draw.choice(["raw", "scaled"]),
        coefficient_bits=draw.choice([4, 6, 8, 10, 16, 18, 24, 32]),
        random_bits=draw.randint(1, 10) if rounding == "SR" else 0,
        random_seed=draw.choice([1, 0, 2**64 - 1, draw.getrandbits(64)]) if rounding == "SR" else 1,
        product_fraction=draw.randint(0, 12) if narrow else None,
        product_rounding=draw.choice(["TRN", "RND", "RND_CONV"]) if narrow else None,
        phase_bits=draw.randint(1, 4) if phased else 0,
        **narrowings,
    )
    return n, parameters, arithmetic


def both(n, parameters, arithmetic):
    """Return the golden population and the oracle's; None for each that refuses."""
    physical = {
        name: np.array(value) if isinstance(value, list) else value for name, value in parameters.items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PrecisionWarning)
        checked = Parameters(n=n, **physical)
    golden = page = None
    with contextlib.suppress(InputError), warnings.catch_warnings():
        warnings.simplefilter("ignore", PrecisionWarning)
        golden = quantise(checked, arithmetic)
    with contextlib.suppress(oracle.Refused):
        page = oracle.Population(n, parameters, arithmetic.as_dict())
    return golden, page


def listed(n, values):
    return np.broadcast_to(values, n).tolist()


def assert_same_words(n, golden, page):
    assert {name: listed(n, constant.word) for name, constant in golden.constants.items()} == page.words
    formats = {name: str(constant.format) for name, constant in golden.constants.items()}
    assert formats == {name: str(form) for name, form in page.formats.items()}
    assert (golden.quadratic_shift, golden.drive_shift) == (page.k, page.s)
    for name in ("origin", "scale", "current_scale"):
        assert listed(n, getattr(golden, name)) == getattr(page, name)


def currents_of(draw, page):
    """Return the current words of one timestep: small ones, and the ends of the format."""
    low, high = page.current.range
    return [
        draw.choice([low, high, 0, draw.randint(low, high), draw.randint(0, high)]) for _ in range(page.n)
    ]


def writes_of(draw, page, timesteps):
    """Return a few writes, in the order in which they are made; any word that its format holds."""
    changes = []
    for _ in range(draw.choice([0, 0, 1, 3])):
        name = draw.choice(sorted(page.words))
        step, neuron = (
            draw.choice([0, draw.randrange(timesteps)]),
            draw.choice([None, draw.randrange(page.n)]),
        )
        changes.append(ParameterWrite(step, name, draw.randint(*page.formats[name].range), neuron))
    return changes


def assert_same_run(draw, page, neurons):
    """Run both over random current words, with writes on the way, and compare every state and spike."""
    currents = [currents_of(draw, page) for _ in range(TIMESTEPS)]
    writes = writes_of(draw, page, TIMESTEPS)
    spikes, words = neurons.run_words(np.array(currents), writes=writes)
    for step, row in enumerate(currents):
        for change in writes:
            if change.step == step:
                page.write(change.name, change.word, change.neuron)
        assert spikes[step].tolist() == page.step(row)
        state = {"potential": page.v, "refractory": page.counter, "trace": page.x, "phase": page.phase}
        for name in words:
            assert words[name][step].tolist() == state[name], (step, name)
    return int(spikes.sum())


def sweep(seed, count, engine, narrower=False, phased=False):
    """Compare random configurations, `narrower` inside or `phased` or not, and return what was among them."""
    draw = random.Random(seed)
    seen = Counter()
    for _ in range(count):
        n, parameters, arithmetic = configuration(draw, narrower, phased)
        golden, page = both(n, parameters, arithmetic)
        assert (golden is None) == (page is None), (parameters, arithmetic)
        if golden is None:
            seen["refused"] += 1
            continue
        seen.update(
            [arithmetic.form, arithmetic.currents, arithmetic.rounding, arithmetic.overflow, "accepted"]
        )
        for name, given in arithmetic.narrowings.items():
            seen.update([(name, given.rounding), (name, given.overflow)])
        assert_same_words(n, golden, page)
        neurons = FixedNeurons(golden, engine=engine)
        real = [draw.uniform(-3, 30) for _ in range(n)]
        try:
            expected = page.current_words(real)
        except oracle.Refused:
            with pytest.raises(InputError):
                golden.current_words(real)
        else:
            assert golden.current_words(real).tolist() == expected
        seen["spikes"] += assert_same_run(draw, page, neurons)
        page.reset()  # keeps what was written, and rewinds the random words
        neurons.reset()
        seen["spikes"] += assert_same_run(draw, page, neurons)
    return seen


@pytest.mark.slow_beyond(2)
@pytest.mark.parametrize("seed", range(4))
def test_random_populations_are_what_the_page_says(seed):
    seen = sweep(seed, 100, "numpy")
    assert seen["accepted"] > 40 and seen["refused"] > 5
    assert seen["spikes"] > 200
    choices = "square", "factored", "raw", "scaled", "TRN", "RND", "RND_CONV", "SR", "SAT", "WRAP"
    assert all(seen[choice] > 4 for choice in choices), seen


@pytest.mark.slow
def test_intermediate_results_are_as_narrow_as_the_page_says():
    seen = sweep(0, 400, "numpy", narrower=True)
    assert seen["accepted"] > 40 and seen["spikes"] > 200
    choices = "TRN", "RND", "RND_CONV", "SAT", "WRAP"
    assert all(seen[name, choice] > 2 for name in NARROWED for choice in choices), seen


@pytest.mark.slow_beyond(1)
@pytest.mark.parametrize("narrower", [False, True])
def test_spikes_fall_between_timesteps_as_the_page_says(narrower):
    seen = sweep(5, 80, "numpy", narrower, phased=True)
    assert seen["accepted"] > 20 and seen["spikes"] > 100


def test_a_phase_rounded_down_would_be_found(monkeypatch):
    right = oracle.Population._integrated

    def wrong(self, i, current, random):
        word, left_over = right(self, i, current, random)
        return word, max(left_over - 1, 0)

    monkeypatch.setattr(oracle.Population, "_integrated", wrong)
    with pytest.raises(AssertionError):
        sweep(5, 20, "numpy", phased=True)


@pytest.mark.slow
def test_thousands_of_random_populations_are_what_the_page_says():
    assert sweep(1000, 5000, "numpy")["accepted"] > 2000
    assert sweep(3000, 5000, "numpy", narrower=True)["accepted"] > 1000
    assert sweep(4000, 5000, "numpy", phased=True)["accepted"] > 2000


@pytest.mark.slow
def test_random_populations_in_compiled_loops_are_what_the_page_says():
    """Few, because nearly each has a loop of its own to compile."""
    pytest.importorskip("numba")
    assert sweep(2000, 60, "compiled")["accepted"] > 20


@pytest.mark.parametrize("rounding", ["RND", "RND_CONV", "SR", "TRN"])
def test_a_fault_in_a_rounding_of_the_oracle_is_found(monkeypatch, rounding):
    right = oracle.rounded

    def wrong(value, f_bits, name, random=0, random_bits=0):
        if name == rounding:
            value = value + oracle.Fraction(1, 2**random_bits) / oracle.Fraction(2) ** (f_bits + 1)
        return right(value, f_bits, name, random, random_bits)

    monkeypatch.setattr(oracle, "rounded", wrong)
    with pytest.raises(AssertionError):
        sweep(0, 100, "numpy")


CARRY = {"tau_m": 10.0, "dt": 0.1, "a0": 100 * (1 - 2.0**-20), "R": 100 * (1 - 2.0**-20)}


@pytest.mark.parametrize(
    ("changes", "choices", "word", "expected"),
    [
        # A mantissa that rounds up to 2^8 carries; the neuron is only there for its words.
        (CARRY, {"form": "factored", "coefficient_bits": 8}, "gain", (128, "UQ(1,7)")),
        (CARRY, {"form": "factored", "coefficient_bits": 8}, "drive", (128, "UQ(1,7)")),
        # A bias that does sits on the rail: -16 (1 - 2^-20) in 8 bits with the sign.
        (CARRY, {"form": "square", "coefficient_bits": 8}, "bias", (-128, "SQ(5,3)")),
        ({}, {"form": "square", "coefficient_bits": 8}, "decay", (253, "UQ(0,8)")),
        ({"spike_trace": False}, {"form": "square", "coefficient_bits": 8}, "trace_spike", (64, "UQ(2,6)")),
    ],
)
def test_words_that_the_page_singles_out(coarse_words, changes, choices, word, expected):
    golden, page = coarse_words(changes, choices)
    assert (golden.constants[word].word, str(golden.constants[word].format)) == expected
    assert (page.words[word][0], str(page.formats[word])) == expected


@pytest.fixture
def coarse_words():
    def words(changes, choices):
        parameters = {
            "dt": 0.1, "tau_m": 10.0, "tau_s": 10.0, "a0": 1.0, "R": 1.0, "rest_pot": -62.0,
            "critical_pot": -54.0, "threshold": -52.0, "reset_pot": -62.0, "refrac_length": 5,
            "lower_bound": None, "spike_trace": True, "additive_spike_trace": False, "trace_scale": 1.0,
        }  # fmt: skip
        arithmetic = Arithmetic(
            **{
                "potential": "SQ(8,8)", "current": "SQ(8,8)", "trace": "UQ(2,6)", "rounding": "RND",
                "overflow": "SAT", "trace_overflow": "SAT", "currents": "raw", **choices,
            }
        )  # fmt: skip
        return both(1, {**parameters, **changes}, arithmetic)

    return words


def test_one_ulp_next_to_a_power_of_two_doubles_the_scale(coarse_words):
    """(a0 dt) / tau_m of the first is 2^-3 exactly; of the second one ulp more."""
    scales = []
    for a0 in (1.0, nextafter(1.0, 2)):
        golden, page = coarse_words(
            {"a0": a0, "dt": 0.125, "tau_m": 1.0}, {"form": "square", "coefficient_bits": 8}
        )
        assert golden.scale == page.scale[0]
        scales.append(golden.scale)
    assert scales[0] == 1.0
    assert scales[1] == pytest.approx(0.5)


def test_a_write_of_reset_before_the_first_timestep_moves_the_initial_potential(coarse_words):
    golden, page = coarse_words({}, {"form": "factored", "coefficient_bits": 16})
    neurons = FixedNeurons(golden, engine="numpy")
    word = golden.constants["reset"].word + 100
    neurons.write(ParameterWrite(0, "reset", word))
    page.write("reset", word)
    assert neurons.state.potential.tolist() == page.v == [word]
