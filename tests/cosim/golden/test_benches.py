"""The testbenches without Python pass on our core and fail on every bug planted in it, from a folder of their own."""

import dataclasses
import re
import shlex
import shutil
import subprocess

import numpy as np
import pytest

from qlif import hdl
from qlif.cosim.benches.inputs import constrained_random, directed
from qlif.cosim.golden import benches
from qlif.cosim.golden.checks import CHECKS_FILE, checks_text
from qlif.cosim.golden.languages import Language, golden_files
from qlif.cosim.simulator.find import find
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS, preset
from qlif.model.quantisation import quantise
from qlif.model.support import process

NEURONS = 8
icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="Icarus isn't installed")


def words_of(name="square-16", **choices):
    return quantise(Parameters(n=NEURONS, lower_bound=-63.0), preset(name).replace(**choices))


def off(name, by):
    """Return the words with one parameter word changed."""
    words = words_of()
    constant = words.constants[name]
    changed = dataclasses.replace(constant, word=constant.word + by)
    return dataclasses.replace(words, constants=dict(words.constants) | {name: changed})


BUGS = {
    "threshold above": lambda: off("threshold", 1),
    "threshold below": lambda: off("threshold", -1),
    "reset": lambda: off("reset", 1),
    "lower bound": lambda: off("lower_bound", 1),
    "short refractory period": lambda: off("refractory", -1),
    "long refractory period": lambda: off("refractory", 1),
    "bias": lambda: off("bias", -256),
    "decay": lambda: off("decay", -1),
    "trace of a spike": lambda: off("trace_spike", -1),
    "rounding": lambda: words_of(rounding="TRN"),
}


def exported(words, lanes=1):
    return hdl.export(hdl.Core(words, lanes, name="under test"))


def vectors(words):
    random = constrained_random(words, 60, NEURONS, np.random.default_rng(1))
    return [*(case for _, case in directed(words, NEURONS)), random]


def written(files, folder):
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def commands(bench, simulator):
    """Return the commands in the header of a testbench: what builds it, and what runs it."""
    line = next(line for line in bench.splitlines() if line.startswith(f"//   $ {simulator}"))
    return [shlex.split(part) for part in line.removeprefix("//   $ ").split("&&")]


def with_icarus(design, good, folder, cases=None):
    files = benches.vector_files(good.interface, cases or vectors(good.interface.words))
    written(files | {"qlif_population.v": design.verilog}, folder)
    build, run = commands(files[benches.VECTOR_FILE], "iverilog")
    subprocess.run(build, cwd=folder, check=True)
    return subprocess.run(run, cwd=folder, capture_output=True, text=True)


@pytest.mark.slow_beyond(1)
@icarus
@pytest.mark.parametrize(("name", "lanes"), [("square-16", 1), ("stochastic-12", 2), ("wide-32", 1)])
def test_vectors_pass(name, lanes, tmp_path):
    good = exported(words_of(name), lanes)
    done = with_icarus(good, good, tmp_path)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "PASS")
    assert re.search(r"\d+ updates, \d+ events compared", done.stdout)


@pytest.mark.slow
@icarus
def test_vectors_pass_with_phases(tmp_path):
    good = exported(phased(), 2)
    done = with_icarus(good, good, tmp_path)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "PASS")


@pytest.mark.slow_beyond(1)
@icarus
@pytest.mark.parametrize("stream", ["updates", "events"])
def test_vectors_find_a_wrong_phase(stream, tmp_path):
    good = exported(phased())
    head = f"assign {stream}_phase = "
    assert good.verilog.count(head) == 1
    done = with_icarus(
        dataclasses.replace(good, verilog=good.verilog.replace(head, f"{head}2'h1 ^ ")), good, tmp_path
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "FAIL")


def phased():
    return quantise(Parameters(n=NEURONS), preset("square-16").replace(phase_bits=2))


@pytest.mark.slow_beyond(3)
@icarus
@pytest.mark.parametrize("bug", BUGS)
def test_vectors_find_each_bug(bug, tmp_path):
    done = with_icarus(exported(BUGS[bug]()), exported(words_of()), tmp_path)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "FAIL")
    assert re.search(r"update \d+ \(neuron \d+, timestep \d+\): \w+ is \w+, expected \w+", done.stdout)


@icarus
def test_each_case_begins_with_a_reset(tmp_path):
    # The only update of neuron 0 at exactly the threshold is in a case that begins at the reset potential.
    hit = next(case for name, case in directed(words_of(), NEURONS) if name == "threshold hit exactly")
    above, good = exported(off("threshold", 1)), exported(words_of())
    charged = np.full((9, NEURONS), 1000)
    assert with_icarus(above, good, tmp_path / "joined", [np.concatenate([charged, hit])]).returncode == 0
    done = with_icarus(above, good, tmp_path / "apart", [charged, hit])
    assert done.returncode == 1
    assert re.search(r"timestep \d+\): spike is", done.stdout)


def with_verilator(design, good, folder, bench, *arguments):
    """Build and run a testbench by the commands in its header; return exit code and what it said."""
    simulator = find("verilator")
    files = golden_files(good.interface.core, [Language.C])[0]
    files |= benches.vector_files(good.interface, vectors(good.interface.words))
    files |= {
        benches.DPI_BENCH_FILE: benches.dpi_bench(good.interface),
        CHECKS_FILE: checks_text(good.interface),
    }
    written(files | {"qlif_population.v": design.verilog}, folder)
    build, run = commands(files[bench], "verilator")
    environment = dict(simulator.environment)
    program = f"{environment['VERILATOR_ROOT']}/bin/verilator" if environment else "verilator"
    more = ["--assert", CHECKS_FILE] if bench == benches.DPI_BENCH_FILE else []
    made = process.run(
        [program, *more, *build[1:]], what="verilator", directory=folder, seconds=900.0, extra=environment
    )
    assert made.code == 0, made.said
    done = subprocess.run([*run, *arguments], cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_both_pass_in_verilator(name, tmp_path):
    good = exported(words_of(name))
    for bench in (benches.VECTOR_FILE, benches.DPI_BENCH_FILE):
        code, said = with_verilator(good, good, tmp_path / bench[:-2], bench)
        assert code == 0 and "\nPASS\n" in f"\n{said}"


@pytest.mark.slow
def test_both_pass_in_verilator_with_phases(tmp_path):
    good = exported(phased(), 2)
    for bench in (benches.VECTOR_FILE, benches.DPI_BENCH_FILE):
        code, said = with_verilator(good, good, tmp_path / bench[:-2], bench)
        assert code == 0 and "\nPASS\n" in f"\n{said}"


@pytest.mark.slow
@pytest.mark.parametrize("bench", [benches.VECTOR_FILE, benches.DPI_BENCH_FILE])
@pytest.mark.parametrize("bug", BUGS)
def test_verilator_finds_each_bug_by_either(bug, bench, tmp_path):
    code, said = with_verilator(exported(BUGS[bug]()), exported(words_of()), tmp_path, bench)
    assert code != 0 and "\nPASS\n" not in f"\n{said}"
    # By comparison, or before that by an assertion: a potential above threshold without a spike.
    assert re.search(r"^(update|event) \d+|Assertion failed", said, re.MULTILINE)


def test_vectors_are_as_large_as_foretold():
    good = exported(words_of())
    files = benches.vector_files(good.interface, vectors(words_of()))
    size = sum(len(files[name]) for name in (benches.CURRENTS_FILE, benches.UPDATES_FILE))
    foretold = benches.vector_bytes(good.interface, sum(map(len, vectors(words_of()))))
    assert 0 <= size - foretold < 100


def withdrawing(text):
    """Return a population that withdraws an update that waited."""
    changed = text.replace(".updates__valid(updates_valid)", ".updates__valid(valid_inside)")
    assert changed != text
    head = "  output updates_valid;\n"
    more = "  wire valid_inside;\n  reg waited = 0;\n"
    more += "  always @(posedge clk) waited <= updates_valid & !updates_ready;\n"
    return changed.replace(head, f"{head}{more}  assign updates_valid = valid_inside & !waited;\n", 1)


FIRED = {
    "updates_stays": lambda: dataclasses.replace(
        good := exported(words_of()), verilog=withdrawing(good.verilog)
    ),
    "lane0_below_threshold": lambda: exported(off("threshold", 50)),
}


@pytest.mark.slow
@pytest.mark.parametrize("rule", FIRED)
def test_an_assertion_fires(rule, tmp_path):
    code, said = with_verilator(FIRED[rule](), exported(words_of()), tmp_path, benches.DPI_BENCH_FILE)
    assert code != 0
    assert f"{rule}: " in said
