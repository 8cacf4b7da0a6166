"""Ranges of signals against all states that a small neuron reaches, and against a run word by word."""

import json

import numpy as np
import pytest

from qlif.cosim.ranges import SignalRange, ranges_of
from qlif.model.exceptions import InputError
from qlif.model.formats import SQ, UQ
from qlif.model.golden import step
from qlif.model.inputs import stimuli
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise


def reached(words):
    """Return every potential that comes after any inputs, word by word from the reset on."""
    constants = {name: int(word) for name, word in words.values.items()}
    current = words.arithmetic.current
    known, new = set(), {constants["reset"]}
    while new:
        known |= new
        before = np.repeat(sorted(new), current.max_word - current.min_word + 1)
        every = np.tile(np.arange(current.min_word, current.max_word + 1), len(new))
        state = step.State(before, np.zeros_like(before), np.zeros_like(before))
        after, _ = step.step(words, constants, state, every, 0, np.where)
        new = set(map(int, np.unique(after.potential))) - known
    return sorted(known)


@pytest.mark.parametrize("lower_bound", [None, -75.0])
def test_what_is_possible_holds_all_that_a_small_neuron_reaches(lower_bound):
    words = quantise(Parameters(n=1, lower_bound=lower_bound), PRESETS["tiny-8"])
    found = {one.name: one for one in ranges_of(words, np.full((50, 1), 20.0))}
    potentials = np.array(reached(words))
    assert found["potential"].possible == (potentials.min(), potentials.max())
    # By the page: V*V, shifted, plus the current, shifted, plus B; in the potential's LSBs.
    current = words.arithmetic.current
    every = np.arange(current.min_word, current.max_word + 1)
    v, i = np.meshgrid(potentials / 2.0**3, every / 2.0**current.f_bits)
    values = {
        "product": v * v,
        "quadratic term": v * v * 2.0**-words.quadratic_shift,
        "drive": i * 2.0**-words.drive_shift,
        "current": i,
        "increment": v * v * 2.0**-words.quadratic_shift
        + i * 2.0**-words.drive_shift
        + words.constants["bias"].value,
    }
    values["rounded sum"] = np.floor((v + values["increment"]) * 2**3 + 0.5) / 2**3
    for name, value in values.items():
        one = found[name].as_dict()
        low, high = one["possible"]
        assert low <= value.min() and value.max() <= high, name
        if name in ("current", "drive"):
            assert (low, high) == (value.min(), value.max())
        else:  # nor much wider: neighbouring potentials are taken together
            assert high - low <= 1.1 * (value.max() - value.min()) + 2.0**-2, name


@pytest.mark.parametrize("preset", ["factored-16", "square-16", "stochastic-12"])
def test_what_was_seen_is_what_a_run_word_by_word_has(preset):
    parameters = Parameters(n=2)
    words = quantise(parameters, PRESETS[preset].replace(rounding="RND", random_bits=0))
    currents = stimuli.make("ou:mean=20,sd=20", timesteps=400, neurons=2, dt=parameters.dt, seed=2)
    found = {one.name: one for one in ranges_of(words, currents)}
    constants = {name: int(word) for name, word in words.values.items()}
    seen = {"potential": [], "refractory": [], "rounded sum": [], "potential - rest": [], "product": []}
    for column in words.current_words(currents).T:
        state = step.State(constants["reset"], 0, 0)
        for current in map(int, column):
            v = state.potential
            if not state.refractory:
                seen["rounded sum"].append(
                    step.rounded_sum(words, constants, v, current, 0, step.where_integer)
                )
                if "rest" in constants:
                    seen["potential - rest"].append(v - constants["rest"])
                    seen["product"].append((v - constants["rest"]) * (v - constants["critical"]))
                else:
                    seen["product"].append(v * v)
            state, _ = step.step(words, constants, state, current, 0, step.where_integer)
            seen["potential"].append(state.potential)
            seen["refractory"].append(state.refractory)
    for name, values in seen.items():
        if values:
            assert found[name].seen == (min(values), max(values)), name
            low, high = found[name].possible
            assert low <= min(values) and max(values) <= high, name
    outside = [value for value in seen["rounded sum"] if not words.arithmetic.potential.holds(value)]
    assert found["rounded sum"].outside == len(outside)


def test_what_saturates_is_near_its_rails():
    words = quantise(Parameters(n=1), PRESETS["tiny-8"])
    (high,) = words.currents(np.array([words.arithmetic.current.max_word]))
    quiet = {one.name: one.as_dict() for one in ranges_of(words, np.full((300, 1), 5.0))}
    loud = {one.name: one.as_dict() for one in ranges_of(words, np.full((300, 1), 0.95 * high))}
    assert not any(one["near_rails"] for name, one in quiet.items() if name != "refractory")
    assert loud["current"]["near_rails"] and 0.9 < loud["current"]["used"] < 1
    # Eight integer values either way aren't enough for the lowest currents.
    narrow = quantise(Parameters(n=1), PRESETS["square-16"].replace(potential="SQ(4,12)"))
    (low,) = narrow.currents(np.array([narrow.arithmetic.current.min_word]))
    fallen = {one.name: one.as_dict() for one in ranges_of(narrow, np.full((2000, 1), low))}
    assert fallen["rounded sum"]["outside"] > 0 and fallen["rounded sum"]["near_rails"]
    assert fallen["rounded sum"]["integer_bits_seen"] == 5 and fallen["potential"]["used"] == 1.0


def test_the_integer_bits_that_would_do():
    for ends, format, bits in (
        ((-8, 7), SQ(5, 0), 4),
        ((-9, 7), SQ(5, 0), 5),
        ((0, 8), SQ(5, 0), 5),
        ((-8, 7), SQ(4, 2), 2),
        ((0, 15), UQ(6, 0), 4),
        ((0, 0), SQ(4, 4), -3),
    ):
        one = SignalRange("", format, ends, ends)
        assert one.bits_for(ends) == bits
        low, high = ends
        held = (
            (-(1 << (bits + format.f_bits - 1)), (1 << (bits + format.f_bits - 1)) - 1)
            if format.signed
            else None
        )
        assert held is None or (held[0] <= low and high <= held[1])


def test_the_command_prints_a_table_or_json(qlif):
    size = ("--neurons", 3, "--steps", 200)
    code, out, err = qlif("ranges", "--preset", "square-16", "--input", "constant:amplitude=30", *size)
    assert (code, err) == (0, "") and "rounded sum" in out and "near its rails" in out and "bits:" in out
    code, out, _ = qlif("ranges", "--preset", "factored-16", *size, "--json")
    facts = json.loads(out)
    assert code == 0 and facts["preset"] == "factored-16"
    assert {"potential - rest", "quadratic term", "trace"} <= {one["signal"] for one in facts["signals"]}
    assert "trace" not in json.dumps(json.loads(qlif("ranges", "--no-trace", *size, "--json")[1])["signals"])
    for arguments, message in (
        (("--input", "constant", "--seed", 1), "--seed requires a random --input"),
        (("--input", "constant:amplitude=999"), "current must be from"),
        (("--preset", "square"), "unknown preset 'square'"),
    ):
        code, out, err = qlif("ranges", *arguments, *size)
        assert (code, out) == (2, "") and message in err


def test_neurons_with_parameters_of_their_own_are_refused():
    words = quantise(Parameters(n=2, tau_m=[20.0, 30.0]), PRESETS["square-16"])
    with pytest.raises(InputError, match="neurons with equal parameters"):
        ranges_of(words, np.zeros((10, 2)))
