"""The joint search against brute force over the same space, with spikes and traces computed by other means."""

import csv
import json
import math
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from qlif.cosim.optimize import word_costs
from qlif.cosim.optimize.budget import Budget
from qlif.cosim.optimize.errors import Trial, errors_of
from qlif.cosim.optimize.joint_search import joint_search
from qlif.cosim.optimize.joint_space import JointSpace, enumerated
from qlif.cosim.optimize.screen import judge
from qlif.cosim.optimize.trace_error import largest_trace_error
from qlif.hdl.core import Core
from qlif.hdl.synthesis.mapping import mapped_netlist
from qlif.hdl.targets.catalogue import target
from qlif.hdl.verilog import export
from qlif.model.exceptions import InputError
from qlif.model.inputs import stimuli
from qlif.model.parameters import Parameters
from qlif.model.population import QLIFPopulation
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise, with_trace
from qlif.model.studies import axes
from qlif.model.studies.executors import Workers
from qlif.model.studies.grid import Sweep

INPUT = "stratified:low=25,high=80"
NEURONS, TIMESTEPS, SPIKES = 4, 1000, 4
SWEEP = Sweep(
    word_bits="11..12", fraction_bits="0..14", rounding="TRN,RND,SR", random_bits=4, coefficient_bits="8,9,13",
    neurons=NEURONS, duration_ms=100.0, input=[INPUT],
)  # fmt: skip
SPACE = JointSpace(
    SWEEP,
    axes.formats("current", "SQ(8,2..5:3)"),
    axes.formats("trace", "UQ(1,8..10)"),
    (None, -1),
    ("RND",),
)
TRIAL = Trial((1, 2), SPIKES, 0.75, traces=True)


def lags_by_records(candidate):
    """Return the records of every seed, and the lag of each neuron, all by boolean records and their indices."""
    parameters = SWEEP.neuron(0.1, 30.0, NEURONS)
    currents = stimuli.make(INPUT, timesteps=TIMESTEPS, neurons=NEURONS, dt=0.1)
    euler = QLIFPopulation.of(parameters).run(currents).spikes
    seeds = TRIAL.seeds if candidate.arithmetic.random_bits else (1,)
    records, lags = [], np.zeros(NEURONS)
    for seed in seeds:
        arithmetic = candidate.arithmetic.replace(random_seed=seed)
        spikes = QLIFPopulation.of(parameters, arithmetic).run(currents).spikes
        records.append(spikes)
        for neuron in range(NEURONS):
            pair = [list(np.flatnonzero(one[:, neuron]))[:SPIKES] for one in (euler, spikes)]
            filled = [one + [TIMESTEPS] * (SPIKES - len(one)) for one in pair]
            lag = max(abs(int(a) - int(b)) for a, b in zip(*filled, strict=True))
            lags[neuron] = max(lags[neuron], lag)
    return np.packbits(records).tobytes(), sorted(lags)[2]  # three of four neurons


@pytest.fixture(scope="module")
def brute():
    """The space, and the records and the lag of each of its configurations by index."""
    written = enumerated(SPACE, "bits", target("ecp5"), traces=True)
    spikes_of = {}
    for one in written.candidates:
        # The trace is the one axis that is taken for granted here; that no spike depends on it is tried below.
        known = (str(one.arithmetic.replace(trace="UQ(1,8)")), one.dt_ms)
        if known not in spikes_of:
            spikes_of[known] = lags_by_records(one)
        spikes_of[one.index] = spikes_of[known]
    return written, spikes_of


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cost", "limits"),
    [
        ("bits", {"max_lag_steps": 2.0, "max_trace_error": 0.19}),
        ("luts", {"max_lag_steps": 1.0, "max_trace_error": 0.06}),
        ("dsps", {"max_lag_steps": 1.0, "max_trace_error": 0.19}),
    ],
)
def test_the_optimum_is_that_of_brute_force(brute, tmp_path, cost, limits):
    _, found = brute
    budget = Budget(**limits, spikes=SPIKES, at=0.75)
    written = enumerated(SPACE, cost, target("ecp5"), traces=True)
    assert written.size == 1080
    met = {
        one.index: found[one.index][1] <= budget.max_lag_steps and one.trace_error <= budget.max_trace_error
        for one in written.candidates
    }

    def by_luck(one):
        wider = [other for other in written.candidates if other.family == one.family]
        bits = one.arithmetic.potential.f_bits
        return any(not met[other.index] for other in wider if other.arithmetic.potential.f_bits > bits)

    admissible = [one for one in written.candidates if met[one.index] and not by_luck(one)]
    least = min(one.costs[cost] for one in admissible)
    with ThreadPoolExecutor(1) as pool:
        result = joint_search(SPACE, written, budget, TRIAL, tmp_path, Workers(pool, 1))
        assert result.best.costs[cost] == least
        assert result.best.index in [one.index for one in admissible if one.costs[cost] == least]
        lucky = [one.index for one in written.candidates if met[one.index] and by_luck(one)]
        assert [one.index for one in result.lucky] == [
            index for index in lucky if index in _before(result, written)
        ]
        for one, verdict in result.failing:
            lag = found[one.index][1]
            assert lag > budget.max_lag_steps
            assert verdict["errors"]["max_lag_steps"] <= lag
        # What was run is kept: the same search again adds nothing, and a journal that was cut off goes on.
        journal = tmp_path / "joint.jsonl"
        lines = journal.read_bytes().splitlines(keepends=True)
        assert joint_search(SPACE, written, budget, TRIAL, tmp_path, Workers(pool, 1)) == result
        assert journal.read_bytes() == b"".join(lines)
        journal.write_bytes(b"".join(lines[:3]) + lines[3][:20])
        assert joint_search(SPACE, written, budget, TRIAL, tmp_path, Workers(pool, 1)) == result
        with pytest.raises(InputError, match="another study"):
            joint_search(SPACE, written, Budget(max_lag_steps=9.0), TRIAL, tmp_path, Workers(pool, 1))
    counts = result.counts
    left = counts["space"] - counts["impossible"] - counts["unfit"] - counts["trace"]
    assert counts["cheaper"] + counts["dearer"] + 1 == left and counts["run"] <= counts["functions"]


def _before(result, written):
    order = [one.index for one in written.candidates]
    return order[: order.index(result.best.index)]


@pytest.mark.slow
def test_what_is_the_same_function_has_the_same_spikes(brute):
    written, found = brute
    by_function = {}
    for one in written.candidates:
        by_function.setdefault(one.function, set()).add(found[one.index][0])
    assert all(len(records) == 1 for records in by_function.values())
    coefficients = {}
    for one in written.candidates:
        coefficients.setdefault(one.function, set()).add(one.arithmetic.coefficient_bits)
    assert any(len(bits) > 1 for bits in coefficients.values()), "else nothing but the trace is shared"


def test_no_spike_depends_on_the_trace(brute):
    written, found = brute
    for one in written.candidates[::97]:
        assert lags_by_records(one)[0] == found[one.index][0]


@pytest.mark.parametrize("limit", [0.0, 3.0, 40.0])
def test_a_run_that_ends_early_is_judged_as_a_whole_one(brute, limit):
    written, found = brute
    budget = Budget(max_lag_steps=limit, spikes=SPIKES, at=0.75)
    early = 0
    for one in written.candidates[::23]:
        verdict, lag = judge(SWEEP, one.arithmetic, one.dt_ms, TRIAL, budget), found[one.index][1]
        assert verdict["met"] is bool(lag <= limit)
        shown = verdict["errors"]["max_lag_steps"]
        assert shown == lag if verdict["whole"] else limit < shown <= lag
        early += not verdict["whole"]
    assert early or limit == 40.0


@pytest.mark.slow
def test_phases_and_the_other_limits_are_judged_as_a_whole_run_is():
    sweep = Sweep(
        neurons=4, duration_ms=200.0, form="square", input=["stratified:low=25,high=40", "constant"]
    )
    trial = Trial((), 5, 0.9, intervals=True)
    verdicts = set()
    cases = ((2, 12, 0.6, 0.01), (2, 9, 0.3, 0.01), (1, 13, 1.3, 1e-6), (0, 11, 2, 1))
    for bits, fraction, lag, interval in cases:
        arithmetic = PRESETS["square-18"].replace(phase_bits=bits, potential=f"SQ(5,{fraction})")
        budget = Budget(max_lag_steps=lag, max_interval_error=interval, spikes=5, at=0.9)
        whole = errors_of(sweep, arithmetic, 0.1, trial)
        found = judge(sweep, arithmetic, 0.1, trial, budget)
        assert found["met"] is budget.met(whole)
        verdicts.add((found["met"], found["whole"]))
        if found["whole"]:
            assert {name: whole[name] for name in found["errors"]} == found["errors"]
        else:
            assert lag < found["errors"]["max_lag_steps"] <= whole["max_lag_steps"]
    assert verdicts == {(True, True), (False, True), (False, False)}


@pytest.mark.slow
def test_every_current_is_judged_by_some_first():
    sweep = Sweep(neurons=1, duration_ms=300.0, form="square")
    trial = Trial((), 4, every=(17.0, 40.0))
    for fraction, met in ((13, True), (6, False)):
        arithmetic = PRESETS["square-16"].replace(potential=f"SQ(5,{fraction})", current="SQ(8,5)")
        whole = errors_of(sweep, arithmetic, 0.1, trial)["max_lag_steps"]
        found = judge(sweep, arithmetic, 0.1, trial, Budget(max_lag_steps=20, spikes=4))
        assert found["met"] is met is (whole <= 20) and found["whole"] is met
        assert found["errors"]["max_lag_steps"] <= whole


@pytest.mark.parametrize("trace", ["UQ(1,6)", "UQ(2,10)", "UQ(1,14)"])
def test_the_trace_error_is_the_largest_for_any_spikes(trace):
    sweep = Sweep(neurons=6, duration_ms=600.0, input=["poisson:rate=300,weight=9,offset=15"])
    parameters = sweep.neuron(0.1, 30.0, 6).replace(tau_s=5.0)
    words = quantise(parameters.replace(n=1), PRESETS["square-16"].replace(trace=trace, coefficient_bits=9))
    largest = largest_trace_error(words)
    # By exact fractions, from a spike to 0 and beyond.
    decay, format = words.constants["decay"], words.arithmetic.trace
    word, errors = 1 << format.f_bits, []
    for step in range(3000):
        errors.append(abs(float(Fraction(word, 1 << format.f_bits)) - math.exp(-0.1 * step / 5.0)))
        word = word * decay.word // (1 << decay.format.f_bits)
    assert largest == pytest.approx(max(errors), rel=1e-9)
    # In a run with spikes no trace is further off; exact traces from the golden spikes.
    currents = stimuli.make(sweep.input[0], timesteps=6000, neurons=6, dt=0.1, seed=1)
    run = QLIFPopulation.of(parameters, words.arithmetic).run(currents)
    exact, furthest = np.zeros(6), 0.0
    for spikes, traces in zip(run.spikes, run.traces, strict=True):
        exact = np.where(spikes, 1.0, exact * math.exp(-0.1 / 5.0))
        furthest = max(furthest, float(np.abs(traces - exact).max()))
    assert 0.2 * largest < furthest <= largest * (1 + 1e-9)
    additive = quantise(parameters.replace(n=1, additive_spike_trace=True), words.arithmetic)
    with pytest.raises(InputError, match="a trace that each spike sets, not an additive one"):
        largest_trace_error(additive)


@pytest.mark.parametrize("additive", [False, True])
def test_words_with_another_trace_are_those_of_quantise(additive):
    parameters = Sweep().neuron(0.1, 30.0, 3).replace(additive_spike_trace=additive, trace_scale=0.3)
    first = quantise(parameters, PRESETS["square-16"])
    for trace in ("UQ(1,6)", "UQ(4,14)"):
        expected = quantise(parameters, PRESETS["square-16"].replace(trace=trace))
        found = with_trace(first, axes.formats("trace", trace)[0])
        assert found.values == expected.values and found.report == expected.report
        assert found.arithmetic == expected.arithmetic and found.kept_formats == expected.kept_formats


def test_formats_with_ranges():
    found = axes.formats("current", "SQ(7..8,4..8:2), SQ(6,-1)")
    assert list(map(str, found)) == [
        *("SQ(7,4)", "SQ(7,6)", "SQ(7,8)", "SQ(8,4)", "SQ(8,6)", "SQ(8,8)", "SQ(6,-1)")
    ]
    for wrong in ("", "SQ(8)", "SQ(8,4) x", "8..9", "SQ(8,x)"):
        with pytest.raises(InputError, match="current must be"):
            axes.formats("current", wrong)
    assert axes.kept_bits("product", "2..3,exact", -8, 40) == (None, 2, 3)


def test_no_wider_word_is_estimated_smaller():
    assert min(word_costs.WEIGHTS.values()) >= 0
    words = quantise(Sweep().neuron(0.1, 30.0, 1), PRESETS["square-18"])
    assert word_costs.features(words).keys() == word_costs.WEIGHTS.keys()
    # State of 18 + 15 + 3, current 18, bias and decay 18 each, and the sum.
    assert word_costs.bits(words) == 36 + 18 + 36 + words.sum_format.width


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["square-16", "factored-16", "stochastic-12", "square-18"])
def test_the_estimate_of_luts_is_as_near_yosys_as_the_page_says(yosys, tmp_path, preset):
    core = Core(quantise(Sweep().neuron(0.1, 30.0, 1024), PRESETS[preset]), name=preset)
    made = export(core)
    (tmp_path / "block.v").write_text(made.verilog)
    device = target("ecp5")
    netlist = mapped_netlist(tmp_path, device, made.interface.module, "block", ["block.v"], core.primitives)
    found = netlist.luts(device)
    assert word_costs.cost_of("luts", core, device) == pytest.approx(found, rel=0.15)  # docs/studies.md


def test_the_estimate_of_luts_is_within_a_tenth_of_the_table():
    tried = 0
    with (Path(__file__).parents[3] / "docs/synthesis/figures.csv").open() as file:
        for row in csv.DictReader(file):
            # With phases the explicit variant has fewer stages, and so another number of LUTs.
            estimated = row["phase_bits"] == "0" or row["variant"] == "portable"
            if (
                row["lut"]
                and estimated
                and (row["target"], row["lanes"], row["storage"]) == ("ecp5", "1", "gates")
            ):
                neuron = Parameters(n=int(row["neurons"]), spike_trace=row["trace"] == "True")
                arithmetic = PRESETS[row["preset"]].replace(phase_bits=int(row["phase_bits"]))
                core = Core(quantise(neuron, arithmetic))
                estimate = word_costs.cost_of("luts", core, target("ecp5"))
                assert estimate == pytest.approx(int(row["lut"]), rel=0.1), row["preset"]
                tried += 1
    assert tried >= 9


@pytest.fixture
def small(quick_simulator, in_this_process):
    """A search that takes seconds."""
    space = (
        "--word-bits",
        "12..14",
        "--coefficient-bits",
        "10,12",
        "--current",
        "SQ(8,6)",
        "--form",
        "square",
    )
    inputs = ("--input", INPUT, "--input-neurons", 8, "--duration", 100, "--neurons", 4, "--spikes", 4)
    return (*space, *inputs, "--cosim-steps", 50, "--processes", 1, "--simulator", quick_simulator.name)


def test_the_command_writes_what_it_found(qlif, small, tmp_path):
    options = ("--max-lag-steps", 2, "--trace", "UQ(1,8..9)", "--max-trace-error", 0.15)
    code, out, err = qlif("study", "joint", *options, *small, "--out", "here")
    facts = json.loads((tmp_path / "here" / "result.json").read_text())
    assert (code, err, facts["mismatches"], facts["counts"]["space"]) == (0, "", 0, 72)
    best = facts["best"]
    assert best["max_lag_steps"] <= 2 and best["max_trace_error"] <= 0.15
    assert facts["arithmetic"]["trace"] == "UQ(1,9)" and facts["counts"]["trace"] == 36
    assert "In the order of cost, none of the" in facts["proof"]
    assert best["name"] in out.replace("\n", "") and "cheaper, but failing" in out
    for name in ("optimized.toml", "rtl/interface.json", "joint.jsonl"):
        assert (tmp_path / "here" / name).stat().st_size > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "a budget needs one limit or more"),
        (("--max-lag-steps", 1, "--trace", "UQ(1,8..9)"), "--trace is an axis that this budget can't bound"),
        (("--max-lag-steps", 1, "--phase-bits", "0..1"), "--phase-bits is an axis that this budget can't bound"),
        (
            ("--max-lag-steps", 1, "--current", "SQ(8,4..5)", "--every-current", "17..40"),
            "--current is an axis that --every-current can't bound",
        ),
        (("--max-lag-steps", 1, "--dt", "0.1,0.2"), "several --dt require --max-interval-error"),
        (("--max-lag-steps", 1, "--trace", "SQ(1,8)"), "trace must be an unsigned format, not SQ(1,8)"),
        (("--max-lag-steps", 1, "--trace", "8..9"), "trace must be formats, whose bits may be ranges"),
        (("--max-lag-steps", 1, "--product", "99"), "product must be whole numbers from -8 to 40"),
        (("--max-lag-steps", 1, "--product", "0", "--product-rounding", "SR"), "unknown value 'SR'"),
        (("--max-lag-steps", 1, "--cost", "money"), "unknown cost 'money'"),
        (("--max-lag-steps", 0, "--word-bits", "6"), "no configuration of the space meets the budget"),
        (("--max-trace-error", 1e-9,), "no configuration of the space keeps the limit of the trace"),
        (("--max-trace-error", 0.1, "--no-trace"), "max_trace_error requires a trace that each spike sets, not none"),
        (("--max-lag-steps", 1, "--input", "constant:amplitude=200"), "no configuration of the space can hold"),
    ],
)  # fmt: skip
def test_what_the_joint_search_refuses(qlif, small, tmp_path, arguments, message):
    pairs = zip(small[::2], small[1::2], strict=True)
    lag = "--max-lag-steps" in arguments
    without = set(arguments) | (set() if lag else {"--spikes"})
    without |= {"--input", "--input-neurons"} if "--every-current" in arguments else set()
    others = [word for pair in pairs if pair[0] not in without for word in pair]
    code, out, err = qlif("study", "joint", *others, *arguments, "--out", "here")
    assert (code, out) == (2, ""), err
    assert message in err and "Traceback" not in err
    assert not (tmp_path / "here" / "optimized.toml").exists()
