"""Our own contenders: the golden model and the float reference, as they are called."""

from typing import Any

from qlif.cosim.benchmark.contender import Contender
from qlif.cosim.benchmark.work import Work
from qlif.model.golden.neurons import FixedNeurons
from qlif.model.population import QLIFPopulation

KERNEL, TRACED = "kernel, trace off", "kernel, trace on"
STEPWISE = "kernel, step by step"
ALL_CORES = "kernel, all cores"
BEYOND, ALL_CORES_BEYOND = "kernel, input beyond the caches", "kernel, all cores, input beyond the caches"
RUN, FORWARD, FLOAT_RUN = "run()", "forward()", "float reference, run()"
OURS = KERNEL, TRACED, ALL_CORES, BEYOND, ALL_CORES_BEYOND, STEPWISE, RUN, FORWARD, FLOAT_RUN


def kernel(name: str, work: Work, threads: int | None = 1) -> Contender:
    """Return the kernel over the whole input, of words; who spiked is recorded."""
    neurons = FixedNeurons(work.words, "compiled", threads)
    words, timesteps = work.current_words, work.timesteps

    def run() -> None:
        neurons.run(lambda begin, end: words[begin:end], timesteps)

    return Contender(name, work.n, work.updates, run, lambda: _state(neurons), work, threads == 1)


def stepwise(name: str, work: Work) -> Contender:
    """Return the kernel as it is called where the input isn't known before."""
    neurons = FixedNeurons(work.words, "compiled", 1)

    def run() -> None:
        for current in work.current_words:
            neurons.step_words(current)

    return Contender(name, work.n, work.updates, run, lambda: _state(neurons), work)


def population_run(name: str, work: Work, arithmetic: Any) -> Contender:
    """Return a population's ``run()`` over currents in mV; who spiked is recorded."""
    population = QLIFPopulation.of(work.parameters, arithmetic, "compiled", 1)
    end = None if arithmetic is None else lambda: _state(population.neurons)
    return Contender(name, work.n, work.updates, lambda: population.run(work.currents, record=()), end, work)


def population_forward(name: str, work: Work) -> Contender:
    """Return a population's ``forward()``, called for each timestep with currents in mV."""
    population = QLIFPopulation.of(work.parameters, work.words.arithmetic, "compiled", 1)

    def run() -> None:
        for current in work.currents:
            population.forward(current)

    return Contender(name, work.n, work.updates, run, lambda: _state(population.neurons), work)


def _state(neurons: Any) -> Any:
    state = neurons.state
    return state.potential, state.refractory
