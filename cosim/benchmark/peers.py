"""Other simulators and libraries: float, one thread.

Their neurons aren't ours, so only speeds are compared; each gets a new input in each timestep.
"""

import os
from collections.abc import Callable
from typing import Any

from qlif.cosim.benchmark.contender import Contender
from qlif.cosim.benchmark.missing import library
from qlif.cosim.benchmark.work import Work

PEERS: dict[str, Callable[[Work], Contender]] = {}


def _peer(name: str) -> Callable[[Callable[[str, Work], Contender]], Callable[[str, Work], Contender]]:
    def noted(make: Callable[[str, Work], Contender]) -> Callable[[str, Work], Contender]:
        PEERS[name] = lambda work: make(name, work)
        return make

    return noted


@_peer("Brian2, QIF")
def brian2(name: str, work: Work) -> Contender:
    """Return the same neuron in Brian2, compiled by Cython. Its runs begin slowly, so they are long."""
    brian = library("brian2", "brian2")
    work = Work(work.n, fewest=max(work.timesteps, 20_000_000 // work.n))
    brian.prefs.codegen.target = "cython"
    parameters, step = work.parameters, work.parameters.dt * brian.ms
    names = {
        "tau": parameters.tau_m * brian.ms,
        "gain": parameters.a0,
        "rest": parameters.rest_pot,
        "critical": parameters.critical_pot,
        "resistance": parameters.R,
        "highest": parameters.threshold,
        "lowest": parameters.reset_pot,
        "drive": brian.TimedArray(work.currents, dt=step),
    }
    neurons = brian.NeuronGroup(
        work.n,
        "dv/dt = (gain * (v - rest) * (v - critical) + resistance * drive(t, i)) / tau "
        ": 1 (unless refractory)",
        threshold="v >= highest",
        reset="v = lowest",
        refractory=parameters.refrac_length * step,
        method="euler",
        namespace=names,
        dt=step,
    )
    neurons.v = parameters.reset_pot
    network = brian.Network(neurons)
    network.run(step, namespace={})

    def run() -> None:
        network.t_ = 0.0
        network.run(work.timesteps * step, namespace={})

    return Contender(name, work.n, work.updates, run)


@_peer("NEST, izhikevich")
def nest(name: str, work: Work) -> Contender:
    """Return NEST's quadratic neuron under its own noise, which is new in each timestep."""
    os.environ.setdefault("PYNEST_QUIET", "1")
    kernel = library("nest", "nest-simulator")
    kernel.verbosity = kernel.VerbosityLevel.ERROR
    kernel.ResetKernel()
    kernel.resolution = work.parameters.dt
    neurons = kernel.Create("izhikevich", work.n)
    noise = kernel.Create("noise_generator", params={"mean": 10.0, "std": 5.0, "dt": work.parameters.dt})
    kernel.Connect(noise, neurons)
    kernel.Prepare()
    return Contender(name, work.n, work.updates, lambda: kernel.Run(work.timesteps * work.parameters.dt))


def _torch() -> Any:
    """Return torch, on one thread."""
    torch = library("torch", "torch")
    torch.set_num_threads(1)
    return torch


@_peer("snnTorch, Leaky")
def snntorch(name: str, work: Work) -> Contender:
    """Return snnTorch's linear neuron."""
    torch, package = _torch(), library("snntorch", "snntorch")
    leaky = package.Leaky(beta=0.99)
    currents = torch.tensor(work.currents, dtype=torch.float32)

    def run() -> None:
        with torch.no_grad():
            potential = leaky.init_leaky()
            for current in currents:
                _, potential = leaky(current, potential)

    return Contender(name, work.n, work.updates, run)


@_peer("Norse, LIF")
def norse(name: str, work: Work) -> Contender:
    """Return Norse's linear neuron."""
    torch, package = _torch(), library("norse.torch", "norse")
    cell = package.LIFCell()
    currents = torch.tensor(work.currents, dtype=torch.float32)

    def run() -> None:
        with torch.no_grad():
            state = None
            for current in currents:
                _, state = cell(current, state)

    return Contender(name, work.n, work.updates, run)


@_peer("SynapticFlow, QLIF")
def synapticflow(name: str, work: Work) -> Contender:
    """Return the population that this project began with, without its trace."""
    torch, populations = _torch(), library("synapticflow.network.neural_populations", "synapticflow")
    population = populations.QLIFPopulation(n=work.n, spike_trace=False)
    currents = torch.tensor(work.currents, dtype=torch.float32)

    def run() -> None:
        with torch.no_grad():
            for current in currents:
                population(current)

    return Contender(name, work.n, work.updates, run)
