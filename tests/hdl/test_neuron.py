# amaranth: UnusedElaboratable=no
"""The pipeline of one update against the golden model, in Amaranth's simulator."""

import warnings
from itertools import combinations, product

import numpy as np
import pytest
from amaranth.sim import Simulator

from qlif.hdl import fixed, refractory_counter
from qlif.hdl import neuron as neuron_module
from qlif.hdl.core import Core
from qlif.hdl.neuron import NeuronPipeline
from qlif.hdl.population import Population
from qlif.hdl.primitives import PORTABLE, Primitives
from qlif.hdl.targets.catalogue import primitives
from qlif.model.arithmetic import Arithmetic
from qlif.model.exceptions import InputError, PrecisionWarning
from qlif.model.formats import SQ, UQ
from qlif.model.golden import step as datapath
from qlif.model.golden.step import State, step, where_integer
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS, preset
from qlif.model.quantisation import quantise

OPTIONS = {
    "form": ["factored", "square"],
    "currents": ["raw", "scaled"],
    "rounding": ["TRN", "RND", "RND_CONV", "SR"],
    "overflow": ["SAT", "WRAP"],
    "lower_bound": [None, -63.0],
    "refrac_length": [0, 5],
    "trace": ["off", "replacing", "additive"],
    "product_rounding": [None, "TRN", "RND", "RND_CONV"],
    "inside": ["exact", "TRN WRAP", "RND SAT", "RND_CONV SAT"],
}
INSIDE = {
    "factored": {"difference": (5, 3), "product": (6, 5), "drive": (5, 3), "increment": (4, 7)},
    "square": {"product": (6, 8), "drive": (5, 3), "increment": (3, 8)},
}


def every_pair(options):
    """Rows of choices such that each two choices of different options meet in some row."""
    names = list(options)
    rows = [dict(zip(names, row, strict=True)) for row in product(*options.values())]
    rows = [(row, set(combinations(row.items(), 2))) for row in rows]
    missing = set().union(*(pairs for _, pairs in rows))
    chosen = []
    while missing:
        best, pairs = max(rows, key=lambda each: len(each[1] & missing))
        missing -= pairs
        chosen.append(best)
    return chosen


ROWS = every_pair(OPTIONS)


def words_of(arithmetic, **parameters):
    """Words of a neuron whose timestep may be too coarse for the ODE: here only the integers count."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PrecisionWarning)
        return quantise(Parameters(n=1, **parameters), arithmetic)


def narrowed_inside(row):
    """The formats of intermediate results, all with the same rounding and overflow."""
    if row["inside"] == "exact":
        return {}
    formats = INSIDE[row["form"]] | ({} if row["product_rounding"] else {"quadratic": (4, 6)})
    return {name: f"SQ({i_bits},{f_bits}) {row['inside']}" for name, (i_bits, f_bits) in formats.items()}


def words_of_row(row):
    factored, narrow = row["form"] == "factored", row["product_rounding"]
    arithmetic = Arithmetic(
        form=row["form"],
        potential=SQ(8, 4) if factored else SQ(5, 5),
        current=SQ(9, 2),
        trace=UQ(1, 7),
        rounding=row["rounding"],
        overflow=row["overflow"],
        trace_overflow=row["overflow"],
        currents=row["currents"],
        coefficient_bits=7,
        random_bits=3 if row["rounding"] == "SR" else 0,
        product_fraction=8 if narrow else None,
        product_rounding=narrow,
        **narrowed_inside(row),
    )
    return words_of(
        arithmetic,
        dt=0.5,
        tau_m=2.0,
        tau_s=5.0,
        R=0.9,
        lower_bound=row["lower_bound"],
        refrac_length=row["refrac_length"],
        spike_trace=row["trace"] != "off",
        additive_spike_trace=row["trace"] == "additive",
        trace_scale=0.75,
    )


def random_inputs(words, count, seed):
    """(state, current, random) over the whole formats, often at their ends and near the threshold."""
    generator = np.random.default_rng(seed)
    arithmetic = words.arithmetic

    def column(format):
        edges = [edge for edge in (format.min_word, -1, 0, 1, format.max_word) if format.holds(edge)]
        anywhere = generator.integers(format.min_word, format.max_word + 1, count)
        return np.where(generator.random(count) < 0.2, generator.choice(edges, count), anywhere).tolist()

    threshold = int(words.constants["threshold"].word)
    potential = [
        threshold + int(generator.integers(-2, 2)) if generator.random() < 0.1 else word
        for word in column(arithmetic.potential)
    ]
    refractory = [0 if generator.random() < 0.7 else word for word in column(words.refractory)]
    random = generator.integers(0, 2 ** max(arithmetic.random_bits, 1), count).tolist()
    phases = generator.integers(0, 1 << arithmetic.phase_bits, count).tolist()
    states = map(State, potential, refractory, column(arithmetic.trace), phases)
    return list(zip(states, column(arithmetic.current), random, strict=True))


def run(pipeline, inputs, clocks):
    """The outputs before each of `clocks` clock edges, while one input after the other is shown.

    The last input stays.
    """
    seen = []

    async def bench(ctx):
        for clock in range(clocks):
            state, current, random = inputs[min(clock, len(inputs) - 1)]
            for name, word in state.by_name(pipeline.words).items():
                ctx.set(getattr(pipeline, name).as_value(), word)
            ctx.set(pipeline.current.as_value(), current)
            if pipeline.words.arithmetic.random_bits:
                ctx.set(pipeline.random, random)
            ports = {
                name: getattr(pipeline, f"next_{name}").as_value() for name in state.by_name(pipeline.words)
            }
            after = State(**{name: ctx.get(port) for name, port in ports.items()})
            seen.append((after, bool(ctx.get(pipeline.spike))))
            await ctx.tick()

    simulator = Simulator(pipeline)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return seen


def golden(words, case):
    state, current, random = case
    after, spike = step(words, words.values, state, current, random, where_integer)
    return after, bool(spike)


class FastCarries(Primitives):
    """As on a family where gates behind a chain of carries are fast enough."""

    fast_carries = True


def mismatches(words, count=600, seed=1, built_from=PORTABLE):
    pipeline = NeuronPipeline(Core(words, primitives=built_from))
    inputs = random_inputs(words, count, seed)
    seen = run(pipeline, inputs, count + pipeline.latency)
    expected = [golden(words, case) for case in inputs]
    assert any(spike for _, spike in expected)
    assert any(not spike for _, spike in expected)
    return [
        (case, want, got)
        for case, want, got in zip(inputs, expected, seen[pipeline.latency :], strict=True)
        if want != got
    ]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_in_gates_is_the_golden_model(name):
    assert mismatches(words_of(preset(name), tau_m=30.0, tau_s=10.0)) == []


def test_the_rows_meet_in_every_pair():
    assert len(ROWS) < 40
    for (name, choices), (other, others) in combinations(OPTIONS.items(), 2):
        met = {(row[name], row[other]) for row in ROWS}
        assert met == set(product(choices, others))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: "-".join(map(str, row.values())))
def test_every_pair_of_options_in_gates_is_the_golden_model(row):
    assert mismatches(words_of_row(row)) == []


PHASED = {
    "factored-16": {"phase_bits": 1},
    "square-16": {"phase_bits": 2},
    "square-18": {"phase_bits": 3, "overflow": "WRAP"},
    "stochastic-12": {"phase_bits": 2},
    "tiny-8": {"phase_bits": 4, "rounding": "RND_CONV"},
    "wide-32": {"phase_bits": 2, "rounding": "TRN", "increment": "SQ(9,26) RND SAT"},
}


@pytest.mark.parametrize("name", PHASED)
def test_phases_in_gates_are_the_golden_model(name):
    words = words_of(preset(name).replace(**PHASED[name]), tau_m=30.0, tau_s=10.0)
    assert mismatches(words) == []
    assert mismatches(words, built_from=FastCarries()) == []
    # Each phase is met: of the state before, and of a spike.
    inputs = random_inputs(words, 600, 1)
    phases = set(range(1 << words.arithmetic.phase_bits))
    assert {state.phase for state, _, _ in inputs} == phases
    assert len({after.phase for after, spike in (golden(words, case) for case in inputs) if spike}) > 1


@pytest.mark.parametrize("row", ROWS[::4], ids=lambda row: "-".join(map(str, row.values())))
def test_options_with_phases_in_gates_are_the_golden_model(row):
    words = words_of_row(row)
    phased = quantise_again(words, phase_bits=1 + ROWS.index(row) // 4 % 3)
    assert mismatches(phased, count=300) == []
    assert mismatches(phased, count=300, built_from=FastCarries()) == []


@pytest.mark.parametrize("bits", [1, 2])
def test_up_to_two_bits_of_phase_take_no_clock_where_carries_are_fast(bits):
    latencies = {
        Population(Core(words, primitives=primitives("explicit", "ecp5"))).latency
        for words in (words_of(preset("square-18").replace(phase_bits=count)) for count in (0, bits))
    }
    assert len(latencies) == 1


def quantise_again(words, **choices):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PrecisionWarning)
        return quantise(words.parameters, words.arithmetic.replace(**choices))


def differing_cases(words):
    """Two inputs whose outcomes differ in every output."""
    arithmetic = words.arithmetic
    spiking = State(arithmetic.potential.max_word, 0, 0), arithmetic.current.max_word, 0
    refractory = State(0, 1, arithmetic.trace.max_word // 2), 0, 0
    (first, first_spike), (second, second_spike) = golden(words, spiking), golden(words, refractory)
    assert first_spike != second_spike
    assert all(word != second.by_name(words)[name] for name, word in first.by_name(words).items())
    return spiking, refractory


@pytest.mark.parametrize("name", PRESETS)
def test_a_change_is_seen_on_every_output_exactly_latency_clocks_later(name):
    # Kept below the threshold, 0 (the square form's midpoint) spikes in neither form.
    words = words_of(preset(name), tau_m=30.0, tau_s=10.0, threshold=1.0, rest_pot=-12.0, critical_pot=-4.0,
                     reset_pot=-12.0, refrac_length=4)  # fmt: skip
    pipeline = NeuronPipeline(Core(words))
    latency, settled = pipeline.latency, 40
    assert latency < settled
    before, after = differing_cases(words)
    seen = run(pipeline, [before] * settled + [after], settled + latency + 5)
    for clock in range(latency, settled + latency):
        assert seen[clock] == golden(words, before), f"changed {clock - settled} clocks after its input"
    for clock in range(settled + latency, len(seen)):
        assert seen[clock] == golden(words, after)


def test_the_square_form_saves_the_stages_of_its_multipliers():
    latencies = {name: NeuronPipeline(Core(words_of(preset(name), tau_m=30.0))).latency for name in PRESETS}
    assert latencies["square-18"] < latencies["factored-16"]


@pytest.mark.parametrize(
    "parameters",
    [{"threshold": [-52.0, -51.0]}, {"refrac_length": [3, 4]}, {"tau_s": [5.0, 6.0], "tau_m": 10.0}],
)
def test_a_constant_per_neuron_is_refused_in_words(parameters):
    words = quantise(Parameters(n=2, **parameters), preset("factored-16"))
    (given,) = set(parameters) - {"tau_m"}
    word = {"threshold": "threshold", "refrac_length": "refractory", "tau_s": "decay"}[given]
    name = given if given == word else f"{given} (from which the word of {word} follows)"
    with pytest.raises(InputError) as caught:
        Core(words)
    text = f"{name} must be one value for all neurons: the hardware has it in its gates"
    assert str(caught.value) == text


# ---- planted faults ---------------------------------------------------------------------------------


def _late_spike(monkeypatch):
    monkeypatch.setattr(neuron_module.fixed.Value, "__ge__", lambda a, b: (a - b).as_value() > 0)


def _counter_sticks(monkeypatch):
    monkeypatch.setattr(refractory_counter, "_count_down", lambda count, length: count)


def _upset_counter_runs_out(monkeypatch):
    original = refractory_counter._count_down
    monkeypatch.setattr(
        refractory_counter,
        "_count_down",
        lambda count, length: original(count, fixed.Const(count.words.max_word, count.shape())),
    )


def _trace_loses_its_top_bit(monkeypatch):
    original = datapath.decay_trace
    monkeypatch.setattr(
        datapath,
        "decay_trace",
        lambda *arguments: original(*arguments) & 0x7F if arguments[3] else original(*arguments),
    )


def _unbalanced(monkeypatch):
    """The delay of early operands is forgotten."""
    monkeypatch.setattr(neuron_module.Pipeline, "at", lambda pipe, operand, stage: operand)


def _random_bits_at_the_wrong_clock(monkeypatch):
    original = neuron_module.Pipeline.at
    monkeypatch.setattr(
        neuron_module.Pipeline,
        "at",
        lambda pipe, operand, stage: operand if operand.stage == 0 else original(pipe, operand, stage),
    )


VULNERABLE = {
    "form": "square",
    "currents": "scaled",
    "rounding": "SR",
    "overflow": "SAT",
    "lower_bound": None,
    "refrac_length": 5,
    "trace": "additive",
    "product_rounding": None,
    "inside": "exact",
}
PLANTED = [
    _late_spike,
    _counter_sticks,
    _upset_counter_runs_out,
    _trace_loses_its_top_bit,
    _unbalanced,
    _random_bits_at_the_wrong_clock,
]


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_a_planted_fault_is_found(monkeypatch, plant):
    words = words_of_row(VULNERABLE)
    plant(monkeypatch)
    assert mismatches(words)
