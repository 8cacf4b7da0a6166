"""The golden model in C is the golden model: every preset, every choice, both compilers."""

import ctypes
import re
import shutil
import subprocess

import numpy as np
import pytest

from qlif.model.exceptions import InputError
from qlif.model.golden import step as datapath
from qlif.model.golden.c_source import c_files
from qlif.model.golden.neurons import FixedNeurons
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS, preset
from qlif.model.quantisation import quantise

STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
NEURONS = 64
CASES = {name: (name, {}, {}) for name in PRESETS} | {
    "bounded": ("square-16", {"lower_bound": -63.0}, {}),
    "wraps": ("square-16", {}, {"overflow": "WRAP"}),
    "to even": ("square-16", {}, {"rounding": "RND_CONV"}),
    "towards minus infinity": ("factored-16", {}, {"rounding": "TRN"}),
    "additive trace": ("square-18", {"additive_spike_trace": True}, {}),
    "without trace": ("square-18", {"spike_trace": False}, {}),
    "between timesteps": ("square-18", {}, {"phase_bits": 2}),
    "one word per neuron": ("square-18", {"refrac_length": np.arange(NEURONS) % 7}, {}),
}


def words_of(case, neurons=NEURONS):
    name, parameters, choices = CASES[case]
    return quantise(Parameters(n=neurons, **parameters), preset(name).replace(**choices))


def compiled(files, directory, compiler="gcc", *flags):
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} isn't installed")
    for name, text in files.items():
        (directory / name).write_text(text)
    library = directory / f"{compiler}{len(list(directory.iterdir()))}.so"
    sources = [str(directory / name) for name in files if name.endswith(".c")]
    command = [compiler, *STRICT, *flags, "-shared", "-fPIC", "-o", str(library), *sources, "-lm"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return ctypes.CDLL(str(library))


def array(values):
    return values.ctypes.data_as(ctypes.c_void_p)


def run(library, words, currents):
    """Return who spiked, and the potentials at the end."""
    population = ctypes.create_string_buffer(1 << 20)
    spikes = np.zeros(currents.shape, dtype=np.uint8)
    library.qlif_init(population)
    for row, out in zip(currents, spikes, strict=True):
        library.qlif_step(population, array(row), array(out))
    kind = FixedNeurons(words)._plan.potential
    return spikes.astype(bool), np.frombuffer(population.raw, dtype=kind, count=currents.shape[1])


def currents_of(words, timesteps):
    format = words.arithmetic.current
    random = np.random.default_rng(1)
    drawn = random.integers(format.min_word, format.max_word, (timesteps, words.parameters.n), endpoint=True)
    drawn[timesteps // 2 :] = np.abs(drawn[timesteps // 2 :] + (drawn[timesteps // 2 :] == format.min_word))
    return drawn.astype(FixedNeurons(words)._plan.current)


@pytest.mark.slow_beyond(7)
@pytest.mark.parametrize("case", CASES)
def test_a_run_in_c_is_a_run_of_the_golden_model(case, tmp_path):
    words = words_of(case)
    currents = currents_of(words, 300)
    golden = FixedNeurons(words)
    spikes, _ = golden.run_words(currents, ())
    # One compiler for each case: all of them compile all presets in the slow tests.
    compiler = "clang" if len(case) % 2 and shutil.which("clang") else "gcc"
    found, potential = run(compiled(c_files(words, case), tmp_path, compiler, "-O1"), words, currents)
    assert spikes.any()
    assert np.array_equal(found, spikes)
    assert np.array_equal(potential, golden.state.potential)


# A driver within C: one update from any state, for many states at once.
MANY = """
#include "qlif_golden.c"
void many(long count, {STATE}const qlif_current_type *current, const uint32_t *random, uint8_t *spike);
void many(long count, {STATE}const qlif_current_type *current, const uint32_t *random, uint8_t *spike) {{
    for (long i = 0; i < count; i++)
        spike[i] = update({GIVEN}current[i]{RANDOM});
    (void)random;
}}
"""


def many(words, directory, compiler, *flags):
    files = c_files(words, "many")
    kept = words.kept_formats
    random = ", random[i]" if words.arithmetic.rounding.stochastic else ""
    (directory / "qlif_golden.h").write_text(files["qlif_golden.h"])
    (directory / "qlif_golden.c").write_text(files["qlif_golden.c"])
    state = "".join(f"qlif_{name}_type *{name}, " for name in kept)
    source = MANY.format(STATE=state, GIVEN="".join(f"{name} + i, " for name in kept), RANDOM=random)
    return compiled({"many.c": source}, directory, compiler, *flags)


def golden_step(words, given, random):
    """Return the golden step of some updates, over arrays: the state after it, and who spiked."""
    wide = np.int64 if words.largest_width < 63 else object
    state = ("potential", "refractory", "trace", "phase")
    before = datapath.State(**{name: given[name].astype(wide) for name in state if name in given})
    return datapath.step(
        words, words.values, before, given["current"].astype(wide), random.astype(wide), np.where
    )


def differing(library, words, given, random, golden):
    """Return how many updates in C differ from the golden step."""
    kept = list(words.kept_formats)
    plan = FixedNeurons(words)._plan
    kinds = {
        "potential": plan.potential,
        "refractory": plan.refractory,
        "trace": plan.trace,
        "phase": plan.phase,
        "current": plan.current,
    }
    # Copies: C writes the state after the update where the state before it was.
    columns = {name: np.array(given[name], dtype=kinds[name]) for name in (*kept, "current")}
    after, spike = golden
    spikes = np.zeros(len(spike), dtype=np.uint8)
    random = np.ascontiguousarray(random, dtype=np.uint32)
    pointers = [array(columns[name]) for name in (*kept, "current")]
    library.many(ctypes.c_long(len(spikes)), *pointers, array(random), array(spikes))
    wrong = spikes.astype(bool) != spike.astype(bool)
    for name in kept:
        wrong |= columns[name] != getattr(after, name)
    return int(wrong.sum())


def same_as_the_step(library, words, given, random):
    """Return how many of some updates differ from the golden step over arrays."""
    return differing(library, words, given, random, golden_step(words, given, random))


def drawn(words, count, random):
    formats = words.formats
    return {
        name: random.integers(formats[name].min_word, formats[name].max_word, count, endpoint=True)
        for name in ("potential", "refractory", "trace", "phase", "current")
        if name in formats
    }


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize(
    "flags", [("-O0", "-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"), ("-O3",)]
)
def test_updates_from_any_state(name, flags, tmp_path):
    words, random = quantise(Parameters(n=1), preset(name)), np.random.default_rng(2)
    library = many(words, tmp_path, "gcc", *flags)
    count = 20_000
    given = drawn(words, count, random)
    assert same_as_the_step(library, words, given, random.integers(0, 1 << 32, count)) == 0


UNDEFINED = ("-fsanitize=undefined", "-fsanitize-undefined-trap-on-error")
BUILDS = [
    (compiler, level, *flags)
    for compiler in ("gcc", "clang")
    for level, flags in (("-O0", ()), ("-O3", ()), ("-O1", UNDEFINED))
]


def every_build(words, directory):
    """Return the C of each compiler without and with optimisation, and with its sanitizer."""
    libraries = []
    for number, build in enumerate(BUILDS):
        (directory / str(number)).mkdir()
        libraries.append(many(words, directory / str(number), *build))
    return libraries


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_a_hundred_million_updates_from_any_state(name, tmp_path):
    words, generator = quantise(Parameters(n=1), preset(name)), np.random.default_rng(3)
    libraries = every_build(words, tmp_path)
    for _ in range(400):
        given = drawn(words, 250_000, generator)
        random = generator.integers(0, 1 << 32, 250_000)
        golden = golden_step(words, given, random)
        assert [differing(library, words, given, random, golden) for library in libraries] == [0] * 6


@pytest.mark.slow
def test_every_state_and_current_of_tiny_8(tmp_path):
    words = quantise(Parameters(n=1), preset("tiny-8"))
    libraries = every_build(words, tmp_path)
    formats = words.formats
    ranges = [
        np.arange(formats[name].min_word, formats[name].max_word + 1)
        for name in ("refractory", "potential", "current")
    ]
    grid = dict(zip(("refractory", "potential", "current"), map(np.ravel, np.meshgrid(*ranges)), strict=True))
    random = np.zeros(len(grid["current"]), dtype=np.int64)
    for trace in range(formats["trace"].max_word + 1):
        given = grid | {"trace": np.full(len(random), trace)}
        golden = golden_step(words, given, random)
        assert [differing(library, words, given, random, golden) for library in libraries] == [0] * 6


def test_a_wrong_update_is_seen(tmp_path):
    words, random = quantise(Parameters(n=1), preset("square-16")), np.random.default_rng(2)
    many(words, tmp_path, "gcc")
    text = (tmp_path / "qlif_golden.c").read_text()
    changed = re.sub(r"(const int \w+ = t\d+) >= ", r"\1 > ", text)
    assert changed != text
    (tmp_path / "qlif_golden.c").write_text(changed)
    library = compiled({"again.c": (tmp_path / "many.c").read_text()}, tmp_path)
    given = drawn(words, 1000, random) | {
        "potential": np.full(1000, words.values["threshold"]),
        "refractory": np.ones(1000, int),
    }
    assert same_as_the_step(library, words, given, np.zeros(1000, int)) > 0


def test_what_c_cannot_hold_is_refused(monkeypatch):
    monkeypatch.setattr("qlif.model.golden.c_source.MOST_BITS", 64)
    with pytest.raises(
        InputError, match="C holds integers of at most 64 bits, and an update of wide-32 needs 88"
    ):
        c_files(quantise(Parameters(n=1), preset("wide-32")), "wide-32")


def test_conversions(tmp_path):
    words = words_of("square-16")
    library = compiled(c_files(words, "square-16"), tmp_path)
    library.qlif_current_word.argtypes = [ctypes.c_double, ctypes.c_size_t]
    library.qlif_current_word.restype = ctypes.c_int16
    library.qlif_potential_mv.argtypes = [ctypes.c_int16, ctypes.c_size_t]
    library.qlif_potential_mv.restype = ctypes.c_double
    for current in (-3.7, 0.0, 0.0023, 12.3, 100.01):
        assert library.qlif_current_word(current, 0) == words.current_words(current)
    assert library.qlif_current_word(1e9, 0) == words.arithmetic.current.max_word
    assert library.qlif_potential_mv(1234, 0) == pytest.approx(float(words.potentials(1234)), rel=1e-15)
