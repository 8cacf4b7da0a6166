"""The cheapest configuration within a budget: found, proved, written, exported, co-simulated."""

import itertools
import json
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from qlif import hdl
from qlif.cosim.configuration import Settings
from qlif.cosim.optimize import delivery
from qlif.cosim.optimize import search as search_module
from qlif.cosim.optimize.budget import Budget
from qlif.cosim.optimize.errors import Trial, at_share, errors_of
from qlif.cosim.optimize.held_out import interval_95, judge
from qlif.cosim.optimize.outcome import Outcome, error, flagged, front
from qlif.cosim.optimize.space import Candidate, candidates
from qlif.model.exceptions import InputError
from qlif.model.inputs import stimuli
from qlif.model.metrics import run_errors
from qlif.model.population import QLIFPopulation
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise
from qlif.model.studies.executors import Workers
from qlif.model.studies.grid import Sweep

INPUT = "constant:amplitude=40,spread=0.5"


@pytest.fixture
def small(quick_simulator, in_this_process):
    """A search that takes seconds."""
    space = ("--word-bits", "12..16:2", "--rounding", "RND,SR", "--rounding-seed", "1,2", "--processes", 1)
    inputs = ("--input", INPUT, "--input-neurons", 4, "--duration", 120, "--neurons", 4)
    return (*space, *inputs, "--cosim-steps", 100, "--simulator", quick_simulator.name)


def instead(small, *options):
    """The small search with some of its options given otherwise."""
    pairs = zip(small[::2], small[1::2], strict=True)
    return (*(word for pair in pairs if pair[0] not in options for word in pair), *options)


@pytest.mark.slow
def test_the_result_is_the_first_of_an_independent_exhaustion(qlif, small, tmp_path):
    budget = ("--max-lag-steps", 12, "--spikes", 3)
    code, out, err = qlif("study", "optimize", *budget, *small, "--json", "--out", "here")
    facts = json.loads(out)
    assert (code, err, facts["mismatches"]) == (0, "", 0)
    assert facts["cosimulated_updates"] == 400

    # Every configuration again, by the public model and the boolean records of spikes alone.
    sweep = Sweep.of(facts["study"])
    found, _ = candidates(sweep)
    parameters = sweep.neuron(0.1, 30.0, 4)
    currents = stimuli.make(INPUT, timesteps=1200, neurons=4, dt=0.1)
    euler = QLIFPopulation.of(parameters).run(currents).spikes
    passing = []
    for candidate in found:
        seeds = (1, 2) if candidate.arithmetic.random_bits else (1,)
        runs = [
            QLIFPopulation.of(parameters, candidate.arithmetic.replace(random_seed=seed)).run(currents).spikes
            for seed in seeds
        ]
        lags = [run_errors.spike_lag(euler, spikes) for spikes in runs]
        whole = all((lag.counts >= 3).all() and (lag.reference_counts >= 3).all() for lag in lags)
        if whole and max(np.abs(one[:3]).max() for lag in lags for one in lag.lags) <= 12:
            passing.append(candidate)
    least = min(candidate.state_bits for candidate in passing)
    assert facts["best"]["state_bits"] == least
    assert facts["best"]["name"] in [one.name for one in passing if one.state_bits == least]
    assert f"All {len(found)} configurations that hold the neuron were run" in facts["proof"]
    assert f"; {len(passing)} meet the budget" in facts["proof"]
    assert f"with fewer than {least} state bits does" in facts["proof"]

    # The file is a configuration like any other, and its Verilog and its checks are there.
    settings = Settings.read(None, tmp_path / "here" / "optimized.toml")
    assert settings.arithmetic in [one.arithmetic for one in passing]
    assert settings.population(4).parameters.tau_m == 30.0
    for name in ("rtl/interface.json", "table.csv", "front.svg", "front-dark.png", "result.json"):
        assert (tmp_path / "here" / name).stat().st_size > 0
    assert list((tmp_path / "here" / "rtl").glob("*.v"))
    # Again: nothing is run twice, and the answer is the same.
    lines = (tmp_path / "here" / "results.jsonl").read_bytes()
    assert json.loads(qlif("study", "optimize", *budget, *small, "--json", "--out", "here")[1]) == facts
    assert (tmp_path / "here" / "results.jsonl").read_bytes() == lines


@pytest.mark.slow
def test_what_has_phases_is_exported_and_cosimulated(qlif, quick_simulator, in_this_process, tmp_path):
    space = ("--word-bits", "14..15", "--rounding", "RND", "--form", "square", "--phase-bits", "0..2")
    inputs = ("--input", INPUT, "--input-neurons", 4, "--duration", 200, "--dt", "0.5", "--neurons", 4)
    rest = ("--cosim-steps", 100, "--simulator", quick_simulator.name, "--processes", 1, "--json")
    code, out, _ = qlif(
        "study", "optimize", "--max-interval-error", 0.012, *space, *inputs, *rest, "--out", "here"
    )
    facts = json.loads(out)
    assert (code, facts["mismatches"], facts["cosimulated_updates"]) == (0, 0, 400)
    assert facts["best"]["phase_bits"] > 0
    assert "updates_phase" in (tmp_path / "here" / "rtl" / "interface.json").read_text()


@pytest.mark.slow
def test_hardware_that_differs_from_the_golden_model_is_exit_1(qlif, small, monkeypatch):
    monkeypatch.setattr(delivery, "cosimulate", _with_another_threshold(delivery.cosimulate))
    code, out, _ = qlif("study", "optimize", "--max-lag-steps", 50, *small, "--out", "here")
    assert code == 1 and "bit mismatches" in out


def _with_another_threshold(cosimulate):
    """Give the bench Verilog whose threshold is another one."""

    def with_fault(configuration, currents, simulator, directory, **options):
        other = configuration.parameters.replace(threshold=configuration.parameters.threshold + 0.5)
        words = quantise(other, configuration.arithmetic)
        exported = hdl.export(hdl.Core(words))
        return cosimulate(configuration, currents, simulator, directory, export=exported, **options)

    return with_fault


def test_an_impossible_budget_says_what_is_reachable(qlif, small, tmp_path):
    budget = ("--max-rmse", 1e-6, "--max-rate-error", 0)
    code, out, err = qlif("study", "optimize", *budget, *small, "--out", "here")
    assert (code, out) == (2, "")
    assert "no configuration of the space meets the budget; the best reachable is largest relative" in err
    assert "RMSE of the potential (mV) 0.00" in err and "allowed 1e-06 (square SQ(4,12)" in err
    assert "; nearest to all limits together is square SQ(4,12)" in err
    assert not (tmp_path / "here" / "optimized.toml").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "a budget needs one limit or more: max_lag_steps"),
        (("--max-lag-steps", -1), "max_lag_steps must be 0 or more, not -1"),
        (("--max-rmse", "nan"), "max_rmse_mv must be finite"),
        (("--max-lag-steps", 1, "--spikes", 0), "spikes must be a whole number, 1 or more"),
        (("--max-rmse", 1, "--cost", "money"), "unknown cost 'money'"),
        (("--max-rmse", 1, "--cost", "area", "--target", "artix"), "unknown target 'artix'"),
        (("--max-rmse", 1, "--at", "99%"), "at requires a limit that each neuron can keep: max_lag_steps"),
        (("--max-lag-steps", 1, "--at", "0%"), "--at must be greater than 0 and at most 100 %"),
        (("--max-lag-steps", 1, "--at", "most"), "--at must be a number"),
        (("--max-lag-steps", 1, "--held-out-seed", 1), "--held-out-seed requires a random --input"),
        (
            ("--max-lag-steps", 1, "--input", "stratified", "--seed", 3, "--held-out-seed", 3),
            "--held-out-seed must not be the seed of the inputs, 3",
        ),
        (("--max-lag-steps", 1, "--dt", "0.1,0.2"), "several --dt require --max-interval-error"),
        (("--max-lag-steps", 1, "--every-current", "17..80"), "--input requires no --every-current"),
        (("--max-lag-steps", 1, "--phase-bits", "5"), "phase_bits must be whole numbers from 0 to 4"),
        (("--max-rmse", 1, "--word-bits", ""), "--word-bits must have a value, not ''"),
        (("--max-rmse", 1, "--word-bits", "9..8"), "word_bits is an empty axis"),
        (("--max-rmse", 1, "--word-bits", "2"), "no configuration of the space"),
        (("--max-rmse", 1, "--params", "missing.toml"), "missing.toml can't be read"),
    ],
)
def test_what_optimize_refuses(qlif, small, tmp_path, arguments, message):
    code, out, err = qlif("study", "optimize", *instead(small, *arguments), "--out", "here")
    assert (code, out) == (2, "")
    assert message in err and "Traceback" not in err


@pytest.mark.slow
def test_results_of_another_search_are_refused_and_untouched(qlif, small, tmp_path):
    qlif("study", "optimize", "--max-lag-steps", 50, *small, "--out", "here")
    before = (tmp_path / "here" / "results.jsonl").read_bytes()
    other = instead(small, "--duration", 80)
    code, _, err = qlif("study", "optimize", "--max-lag-steps", 50, *other, "--out", "here")
    assert code == 2 and "holds results of another study" in err
    assert (tmp_path / "here" / "results.jsonl").read_bytes() == before


@pytest.mark.slow
def test_by_area_what_was_not_synthesised_is_said(qlif, small, monkeypatch):
    sizes = iter([300, 200, 100])
    synthesised_ones = []

    def synthesised(one, *_):
        synthesised_ones.append(one)
        # Of those that meet the budget as above; what fails is smaller.
        luts = next(sizes, 50)
        fits = {
            "lut": luts,
            "ff": 1,
            "dsp": 1,
            "ram": 1,
            "fmax_mhz": 100.0,
            "area": float(luts),
            "reason": None,
        }
        # The first one doesn't fit the device.
        return fits if luts < 300 else {**dict.fromkeys(fits), "area": math.inf, "reason": "too wide"}

    monkeypatch.setattr(search_module, "synthesised", synthesised)
    by_area = ("--cost", "area", "--max-syntheses", 3, "--max-lag-steps", 5)
    code, out, _ = qlif("study", "optimize", *by_area, *small, "--json", "--out", "here")
    facts = json.loads(out)
    assert code == 0 and facts["best"]["lut"] == 100
    assert "Of the 3 of these with the fewest state bits, 2 fit ecp5 and were synthesised" in facts["proof"]
    assert "were not, and one of them may be smaller" in facts["proof"]
    # The front by area has what fails too: that is what a smaller area costs in error.
    members = [(one["area"], one["max_lag_steps"], one["meets_budget"]) for one in facts["front"]]
    assert members == [(50.0, 6.0, False), (100.0, 1.0, True), (200.0, 0.0, True)]
    # At most three of either, and of what fails not one form or rounding alone.
    assert len(synthesised_ones) == 6 and len({one.kind for one in synthesised_ones[3:]}) > 1
    # The sizes are in the journal: nothing is synthesised again, though no size is left.
    assert json.loads(qlif("study", "optimize", *by_area, *small, "--json", "--out", "here")[1]) == facts


def test_spread_is_even_and_has_both_ends():
    assert search_module.spread("abcdefg", 3) == ["a", "d", "g"]
    assert search_module.spread("abc", 3) == search_module.spread("abc", 9) == ["a", "b", "c"]
    assert search_module.spread("abc", 1) == ["c"] and search_module.spread("", 2) == []


def test_by_area_where_nothing_fits_the_device_is_refused(qlif, small):
    by_area = ("--cost", "area", "--max-syntheses", 2, "--max-lag-steps", 1, "--form", "factored")
    space = ("--word-bits", "20..22", "--rounding", "RND")
    options = instead(small, *by_area, *space)
    seeds = options.index("--rounding-seed")  # of stochastic rounding, which isn't asked for
    code, out, err = qlif("study", "optimize", *options[:seeds], *options[seeds + 2 :], "--out", "here")
    assert (code, out) == (2, "")
    assert "none of the 2 with the fewest state bits fits ecp5: candidate-" in err


@pytest.mark.slow
def test_by_area_with_yosys_and_nextpnr(qlif, small):
    by_area = ("--cost", "area", "--max-syntheses", 2, "--max-lag-steps", 50, "--neurons", 64)
    code, out, _ = qlif("study", "optimize", *instead(small, *by_area), "--json", "--out", "here")
    best = json.loads(out)["best"]
    assert code == 0 and best["lut"] > 100 and best["area"] > best["lut"] and best["fmax_mhz"] > 50


def test_the_front_is_what_nothing_betters():
    budget = Budget(max_lag_steps=3.0, max_rmse_mv=0.5)
    arithmetic = PRESETS["square-16"]
    figures = ((20, 9.0, 0.1), (22, 9.0, 0.1), (22, 3.0, 1.0), (24, 3.0, 0.4), (26, 3.0, 0.5))
    made = [
        Outcome(Candidate(i, str(i), arithmetic, 0.1, bits, (bits,)), errors, budget.met(errors))
        for i, (bits, errors) in enumerate(
            (bits, {"max_lag_steps": lag, "max_rate_error": 0.0, "max_rmse_mv": rmse})
            for bits, lag, rmse in figures
        )
    ]
    members = front(made, "state-bits", budget)
    for one, other in itertools.product(made, members):
        assert one.cost("state-bits") >= other.cost("state-bits") or error(one.errors, budget) > error(
            other.errors, budget
        )
    assert [one.candidate.index for one in members] == [0, 2, 3]
    assert [one.met for one in made] == [False, False, False, True, True]
    nothing = Budget(max_lag_steps=0.0, max_rmse_mv=0.5)
    assert error({"max_lag_steps": 1.0, "max_rmse_mv": 0.1}, nothing) == math.inf
    assert error({"max_lag_steps": 0.0, "max_rmse_mv": 0.25}, nothing) == 0.5


def test_a_neuron_that_should_be_silent_and_is_not_is_infinitely_wrong():
    with pytest.raises(InputError, match="a budget needs one limit"):
        Budget()
    assert Budget(max_rate_error=0.1).met({"max_lag_steps": 9, "max_rate_error": 0.1, "max_rmse_mv": 9})
    assert not Budget(max_rate_error=0.1).met({"max_rate_error": math.inf})


def test_what_is_silent_in_fixed_point_or_in_both_is_counted_as_it_is_in_sweeps():
    arithmetic = PRESETS["square-18"].replace(potential="SQ(5,11)", coefficient_bits=6, rounding="RND")

    def of(amplitude):
        sweep = Sweep(neurons=2, duration_ms=300.0, form="square", input=[f"constant:amplitude={amplitude}"])
        return errors_of(sweep, arithmetic, 0.1, Trial((), 20))

    assert of(15.9)["max_rate_error"] == math.inf
    assert of(10.0)["max_rate_error"] == 0.0


def test_a_share_of_the_neurons_is_the_least_limit_that_so_many_keep():
    values = np.array([3.0, 1.0, 2.0, math.inf])
    assert [at_share(values, share) for share in (0.25, 0.5, 0.51, 0.75, 1.0)] == [
        1.0,
        2.0,
        3.0,
        3.0,
        math.inf,
    ]
    assert at_share(np.arange(100.0), 0.99) == 98.0  # 99 of 100 keep it


def test_the_interval_of_a_share_is_wilsons():
    # Brown, Cai and DasGupta, Statistical Science 16 (2001): for no failure, n / (n + z^2) is the lower end.
    z = 1.959964
    assert interval_95(256, 256) == (pytest.approx(256 / (256 + z * z)), 1.0)
    low, high = interval_95(50, 100)
    assert (low, high) == (pytest.approx(0.4038, abs=1e-4), pytest.approx(0.5962, abs=1e-4))


def test_what_passes_while_a_wider_word_of_its_range_fails_does_by_luck():
    def outcome(i_bits, f_bits, met, rounding="RND"):
        arithmetic = PRESETS["square-16"].replace(potential=f"SQ({i_bits},{f_bits})", rounding=rounding)
        return Outcome(Candidate(0, "", arithmetic, 0.1, 0, ()), {}, met)

    cases = [
        (outcome(5, 10, True), True),
        (outcome(5, 11, False), False),
        (outcome(5, 12, True), False),
        (outcome(6, 10, True), False),
        (outcome(5, 10, True, "TRN"), False),
    ]
    assert [one.luck for one in flagged([one for one, _ in cases])] == [luck for _, luck in cases]


@pytest.mark.parametrize("phases", [0, 2])
def test_errors_of_each_neuron_are_those_of_its_own_run(phases):
    arithmetic = PRESETS["square-16"].replace(phase_bits=phases)
    sweep = Sweep(neurons=6, duration_ms=200.0, form="square", input=["stratified:low=17,high=40"])
    trial = Trial((), 5, 0.5)
    parameters = sweep.neuron(0.1, 30.0, 6)
    currents = stimuli.make(sweep.input[0], timesteps=2000, neurons=6, dt=0.1)
    euler = QLIFPopulation.of(parameters, substep=phases > 0).run(currents).spike_times
    golden = QLIFPopulation.of(parameters, arithmetic).run(currents).spike_times
    lags = []
    for expected, found in zip(euler, golden, strict=True):
        common = min(len(expected), len(found), 5)
        lag = [abs(a - b) / 0.1 for a, b in zip(expected[:common], found[:common], strict=True)]
        # A spike ends its timestep: one after the end is two timesteps later than one that ends the last but one.
        lag += [2000 - (one / 0.1 - 1) for one in (*expected[common:5], *found[common:5])]
        lags.append(max(lag))
    assert errors_of(sweep, arithmetic, 0.1, trial)["max_lag_steps"] == pytest.approx(
        sorted(lags)[2], abs=1e-5
    )
    budget = Budget(max_lag_steps=sorted(lags)[2] + 1e-4, spikes=5, at=0.5)
    kept = sum(lag <= budget.max_lag_steps for lag in lags)
    found = judge(Candidate(0, "", arithmetic, 0.1, 0, ()), sweep, trial, budget, 0)
    assert (found["within"], found["neurons"]) == (kept, 6)


def test_the_interval_error_is_against_the_equation_and_phases_make_it_small():
    sweep = Sweep(neurons=8, duration_ms=300.0, form="square", input=["stratified:low=17,high=40"])
    trial = Trial((), 5, intervals=True)
    errors = [
        errors_of(sweep, PRESETS["square-18"].replace(phase_bits=bits), dt, trial)["max_interval_error"]
        for bits, dt in ((0, 0.1), (3, 0.1), (3, 0.2))
    ]
    assert errors[1] < errors[2] < errors[0] < 0.02
    silent = PRESETS["square-16"].replace(potential="SQ(5,3)")
    assert errors_of(sweep, silent, 0.1, trial)["max_interval_error"] == math.inf


def test_every_current_between_two_is_tried():
    arithmetic = PRESETS["square-16"].replace(current="SQ(8,3)")
    sweep = Sweep(neurons=1, duration_ms=600.0, form="square")
    trial = Trial((), 4, every=(17.0, 40.0))
    words = quantise(sweep.neuron(0.1, 30.0, 1), arithmetic)
    every = np.arange(arithmetic.current.min_word, arithmetic.current.max_word + 1)
    currents = words.currents(every)
    currents = currents[(currents >= 17) & (currents <= 40)]
    assert len(currents) > 50
    parameters = sweep.neuron(0.1, 30.0, len(currents))
    inputs = np.broadcast_to(currents, (6000, len(currents)))
    lag = run_errors.spike_lag(
        QLIFPopulation.of(parameters).run(inputs).spikes,
        QLIFPopulation.of(parameters, arithmetic).run(inputs).spikes,
    )
    assert all(len(one) >= 4 for one in lag.lags)
    expected = max(np.abs(one[:4]).max() for one in lag.lags)
    assert errors_of(sweep, arithmetic, 0.1, trial) == {"max_lag_steps": expected}


@pytest.mark.slow
def test_the_winner_is_judged_on_currents_that_it_was_not_chosen_by(qlif, small, tmp_path):
    drawn = instead(small, "--input", "stratified:low=17,high=40", "--input-neurons", 40)
    budget = ("--max-lag-steps", 12, "--spikes", 3, "--at", "90%")
    code, out, _ = qlif("study", "optimize", *budget, *drawn, "--out", "here")
    held_out = json.loads((tmp_path / "here" / "result.json").read_text())["held_out"]
    assert code == 0 and (held_out["seed"], held_out["neurons"]) == (1, 40)
    assert held_out["share_low"] < held_out["share"] <= held_out["share_high"] <= 1
    assert held_out["meets_budget"] is (held_out["within"] >= 36)
    assert f"{held_out['within']} of 40 neurons within, 95 % interval" in " ".join(out.split())


def test_timesteps_are_compared_by_the_error_against_the_equation(tmp_path):
    sweep = Sweep(
        word_bits="16,18", fraction_bits="11..13", rounding="RND", form="square", dt_ms="0.05,0.1,0.2", neurons=12,
        duration_ms=300.0, input=["stratified:low=17,high=40"],
    )  # fmt: skip
    trial = Trial((), 5, intervals=True)
    with ThreadPoolExecutor(1) as pool:
        found = search_module.search(
            sweep, Budget(max_interval_error=0.008), trial, tmp_path, Workers(pool, 1), cost="state-bits"
        )
    errors = {}
    for outcome in found.outcomes:
        errors.setdefault(outcome.candidate.dt_ms, []).append(outcome.errors["max_interval_error"])
        assert f"dt {outcome.candidate.dt_ms:g} ms" in outcome.candidate.name
        assert outcome.met is (outcome.errors["max_interval_error"] <= 0.008)
    assert max(errors[0.05]) < min(errors[0.1]) and max(errors[0.1]) < min(errors[0.2])
    # Of what passes with as many state bits, the longest timestep comes first: it leaves room for more neurons.
    passing = [one for one in found.outcomes if one.met and not one.luck]
    least = min(one.candidate.state_bits for one in passing)
    assert found.best.candidate.state_bits == least


def test_the_cost_in_real_time_is_luts_for_each_neuron_that_a_lane_serves():
    candidate = Candidate(0, "", PRESETS["square-16"], 0.5, 20, ())
    costs = {"lut": 200, "fmax_mhz": 100.0, "area": 1300.0}
    # 100 million updates a second are 50,000 neurons with 2,000 timesteps each.
    assert Outcome(candidate, {}, True, costs).cost("real-time") == pytest.approx(200 / 50_000)
    assert Outcome(candidate, {}, True).cost("real-time") == math.inf
    assert Outcome(candidate, {}, True, {**costs, "area": None}).cost("real-time") == math.inf
