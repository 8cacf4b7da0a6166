# amaranth: UnusedElaboratable=no
"""The time-multiplexed population against the golden model, with stalls, few neurons and resets."""

import numpy as np
import pytest
from amaranth.hdl import ClockDomain, Module
from amaranth.sim import Simulator

from qlif.hdl import population as population_module
from qlif.hdl.core import Core
from qlif.hdl.population import Population
from qlif.model.golden.neurons import FixedNeurons
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS, preset
from qlif.model.quantisation import quantise

# Eager: most neurons spike within a few timesteps.
NEURON = {"tau_m": 2.0, "tau_s": 10.0, "threshold": -57.0, "refrac_length": 2}


def words_of(name, neurons, **parameters):
    return quantise(Parameters(n=neurons, **{**NEURON, **parameters}), preset(name))


def random_currents(words, steps, seed=1):
    """Current words of every neuron in every timestep, mostly strong enough for spikes."""
    current = words.arithmetic.current
    return np.random.default_rng(seed).integers(
        current.min_word // 8, current.max_word + 1, (steps, words.parameters.n)
    )


def golden(words, currents):
    """Updates (neuron, spike, potential, trace) and events (neuron, step), in the order of updates."""
    spikes, kept = FixedNeurons(words).run_words(currents)
    updates, events = [], []
    for timestep, neuron in np.ndindex(*currents.shape):
        at = timestep, neuron
        updates.append((neuron, int(spikes[at]), int(kept["potential"][at]), int(kept["trace"][at])))
        if spikes[at]:
            events.append((neuron, timestep))
    return updates, events


class Played:
    """What came out of a population, and in which clocks."""

    def __init__(self):
        self.updates, self.events = [], []
        self.accepted_at, self.offered_at = [], []
        self.clocks = 0


def play(dut, currents, *, stalls=(0.0, 0.0, 0.0), seed=0, resets=(), ready=None, clocks=None):
    """Show currents to a population and take what comes, until nothing is missing or `clocks` are over.

    Parameters
    ----------
    stalls : three floats
        How often the currents, the updates and the events stall.
    resets : iterable of int
        Clocks in which the reset is high; what came before is forgotten and the currents start over.
    ready : callable, optional
        ``ready(clock)`` gives whether updates and events are taken, instead of random stalls.
    """
    generator = np.random.default_rng(seed)
    waiting = [int(word) for word in currents.ravel()]
    m = Module()
    m.domains.sync = domain = ClockDomain()
    m.submodules.dut = dut
    # Rows without a spike leave the queue of events one per clock: so long may the last event take.
    quiet = dut.queue_depth + 8
    limit = clocks or 200 + 40 * len(waiting) * dut.loop_latency
    result = Played()

    async def bench(ctx):
        nonlocal result
        sent, offering, clock, silent = 0, False, 0, 0
        while clock < limit and (clocks or len(result.updates) < len(waiting) or silent < quiet):
            if clock in resets:
                ctx.set(domain.rst, 1)
                await ctx.tick()
                ctx.set(domain.rst, 0)
                result, sent, offering = Played(), 0, False
                clock += 1
                continue
            # An offer stays until it is taken.
            offering = sent < len(waiting) and (offering or generator.random() >= stalls[0])
            ctx.set(dut.currents.valid, offering)
            if offering:
                ctx.set(dut.currents.payload.as_value(), waiting[sent])
            taken = ready(clock) if ready else tuple(generator.random() >= stall for stall in stalls[1:])
            ctx.set(dut.updates.ready, taken[0])
            ctx.set(dut.events.ready, taken[1])
            if offering and ctx.get(dut.currents.ready):
                result.accepted_at.append(clock)
                sent, offering = sent + 1, False
            if ctx.get(dut.updates.valid):
                update = dut.updates.payload
                # A population without traces has no port for them.
                trace = ctx.get(update.trace.as_value()) if "trace" in update.shape().members else 0
                if len(result.offered_at) == len(result.updates):
                    result.offered_at.append(clock)
                if taken[0]:
                    result.updates.append(
                        (
                            ctx.get(update.neuron),
                            ctx.get(update.spike),
                            ctx.get(update.potential.as_value()),
                            trace,
                        )
                    )
            if ctx.get(dut.events.valid) and taken[1]:
                result.events.append((ctx.get(dut.events.payload.neuron), ctx.get(dut.events.payload.step)))
            silent = 0 if ctx.get(dut.events.valid) or ctx.get(dut.updates.valid) else silent + 1
            await ctx.tick()
            clock += 1
        result.clocks = clock

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return result


def assert_is_golden(result, words, currents):
    updates, events = golden(words, currents)
    assert result.updates == updates
    assert result.events == events
    assert events


LOOP = {name: Population(Core(words_of(name, 1))).loop_latency for name in PRESETS}


@pytest.mark.parametrize("name", PRESETS)
def test_a_population_with_random_stalls_is_the_golden_model(name):
    words = words_of(name, 5)
    currents = random_currents(words, 30)
    assert_is_golden(play(Population(Core(words)), currents, stalls=(0.2, 0.3, 0.3)), words, currents)


@pytest.mark.parametrize("stalls", [(0.0, 0.0, 0.0), (0.5, 0.0, 0.0), (0.0, 0.9, 0.0), (0.0, 0.0, 0.95)])
def test_whoever_stalls_the_outcome_is_the_same(stalls):
    words = words_of("stochastic-12", LOOP["stochastic-12"] + 3)
    currents = random_currents(words, 10)
    assert_is_golden(play(Population(Core(words)), currents, stalls=stalls), words, currents)


@pytest.mark.parametrize("stalled", [False, True], ids=["full speed", "stalled"])
@pytest.mark.parametrize("off", [-1, 0, 1])
def test_as_many_neurons_as_the_loop_has_clocks_is_no_special_case(off, stalled):
    words = words_of("tiny-8", LOOP["tiny-8"] + off)
    currents = random_currents(words, 12)
    stalls = (0.3, 0.3, 0.3) if stalled else (0, 0, 0)
    assert_is_golden(play(Population(Core(words)), currents, stalls=stalls), words, currents)


@pytest.mark.parametrize("stalled", [False, True], ids=["full speed", "stalled"])
@pytest.mark.parametrize("neurons", [1, 2, 3])
@pytest.mark.parametrize("name", ["tiny-8", "stochastic-12"])
def test_few_neurons_dont_overtake_themselves(name, neurons, stalled):
    words = words_of(name, neurons)
    currents = random_currents(words, 45 // neurons)
    stalls = (0.3, 0.3, 0.3) if stalled else (0, 0, 0)
    assert_is_golden(play(Population(Core(words)), currents, stalls=stalls), words, currents)


OTHERS = [
    {"spike_trace": False},
    {"additive_spike_trace": True},
    {"refrac_length": 0},
    {"lower_bound": -62.0, "refrac_length": 1},
]


@pytest.mark.parametrize("parameters", OTHERS, ids=str)
def test_other_neurons_are_kept_in_memory_as_well(parameters):
    words = words_of("square-18", 4, **parameters)
    currents = random_currents(words, 40)
    assert_is_golden(play(Population(Core(words)), currents, stalls=(0.1, 0.2, 0.2)), words, currents)


# ---- time -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PRESETS)
def test_an_update_is_offered_exactly_latency_clocks_after_its_current(name):
    words = words_of(name, 3)
    dut = Population(Core(words))
    result = play(dut, random_currents(words, 4))
    delays = {
        offered - accepted for accepted, offered in zip(result.accepted_at, result.offered_at, strict=True)
    }
    assert delays == {dut.latency}


@pytest.mark.parametrize("off", [0, 1, 5])
def test_with_enough_neurons_there_is_an_update_in_every_clock(off):
    words = words_of("tiny-8", LOOP["tiny-8"] + off)
    result = play(Population(Core(words)), random_currents(words, 8))
    first, last = result.offered_at[0], result.offered_at[-1]
    assert last - first == len(result.updates) - 1


@pytest.mark.parametrize("neurons", [1, 3, LOOP["tiny-8"] - 1])
def test_with_fewer_the_whole_population_takes_one_turn_of_the_loop(neurons):
    words = words_of("tiny-8", neurons)
    result = play(Population(Core(words)), random_currents(words, 8))
    turns = np.array(result.offered_at).reshape(8, neurons)
    assert np.all(np.diff(turns[:, 0]) == LOOP["tiny-8"])


# ---- back-pressure ----------------------------------------------------------------------------------


@pytest.mark.parametrize("blocked", ["updates", "events", "both"])
@pytest.mark.parametrize("neurons", [1, 20])
def test_a_consumer_that_stops_holds_up_the_currents_and_loses_nothing(neurons, blocked):
    # Strong currents and no refractory period: almost every update spikes.
    words = words_of("tiny-8", neurons, refrac_length=0)
    currents = np.full((120 // neurons, neurons), words.arithmetic.current.max_word)
    dut = Population(Core(words))
    released = 200
    seen = play(
        dut, currents, ready=lambda clock: (blocked == "events", blocked == "updates"), clocks=released
    )
    assert 0 < len(seen.accepted_at) <= 3 * dut.queue_depth
    dut = Population(Core(words))
    result = play(
        dut,
        currents,
        ready=lambda clock: (
            (True, True) if clock >= released else (blocked == "events", blocked == "updates")
        ),
    )
    assert_is_golden(result, words, currents)


def test_events_that_nobody_takes_dont_hold_up_neurons_that_are_silent():
    words = words_of("tiny-8", 20)
    currents = np.zeros((10, 20), dtype=np.int64)
    result = play(Population(Core(words)), currents, ready=lambda clock: (True, False))
    assert len(result.updates) == 200
    assert result.offered_at[-1] - result.offered_at[0] == 199


def test_nobody_is_ready_and_nothing_is_valid_without_currents():
    words = words_of("tiny-8", 2)
    result = play(Population(Core(words)), np.zeros((0, 2), dtype=np.int64), clocks=50)
    assert (result.updates, result.events, result.offered_at) == ([], [], [])


# ---- reset ------------------------------------------------------------------------------------------


# At rest, with one update or several in flight or waiting, and with every neuron's turn next.
RESETS = [(0,), (1,), (7,), *((clock,) for clock in range(40, 48)), (41, 42, 43), (30, 77)]


@pytest.mark.slow_beyond(5)
@pytest.mark.parametrize("resets", RESETS, ids=str)
def test_a_reset_at_any_clock_starts_over(resets):
    words = words_of("stochastic-12", 3)
    currents = random_currents(words, 12)
    result = play(Population(Core(words)), currents, stalls=(0.1, 0.2, 0.2), resets=resets)
    assert_is_golden(result, words, currents)


# ---- planted faults ---------------------------------------------------------------------------------


LOOP_LATENCY = Population.loop_latency.fget
STATE_LATENCY = Population._state_latency.fget
ROOM, OUTLET = Population._room, population_module.Outlet


def _one_bubble_too_few(monkeypatch):
    monkeypatch.setattr(Population, "loop_latency", property(lambda self: LOOP_LATENCY(self) - 1))


def _no_bubbles(monkeypatch):
    monkeypatch.setattr(
        Population, "_room", lambda self, m, what, places, *rest: ROOM(self, m, what, 99, *rest)
    )


def _memory_is_late(monkeypatch):
    monkeypatch.setattr(Population, "_state_latency", property(lambda self: STATE_LATENCY(self) + 1))


def _more_places_than_the_queue_has(monkeypatch):
    monkeypatch.setattr(
        population_module, "Outlet", lambda *, places, **rest: OUTLET(places=places // 2, **rest)
    )


PLANTED = [
    (_one_bubble_too_few, LOOP["tiny-8"] - 1, 0.0),
    (_no_bubbles, 3, 0.0),
    (_memory_is_late, 5, 0.0),
    (_more_places_than_the_queue_has, 40, 0.9),
]


@pytest.mark.slow_beyond(2)
@pytest.mark.parametrize(("plant", "neurons", "stall"), PLANTED)
def test_a_planted_fault_is_found(monkeypatch, plant, neurons, stall):
    words = words_of("tiny-8", neurons)
    currents = random_currents(words, 20)
    dut = Population(Core(words))
    assert_is_golden(play(dut, currents, stalls=(0, stall, stall)), words, currents)
    plant(monkeypatch)
    result = play(Population(Core(words)), currents, stalls=(0, stall, stall), clocks=2000)
    with pytest.raises(AssertionError):
        assert_is_golden(result, words, currents)
