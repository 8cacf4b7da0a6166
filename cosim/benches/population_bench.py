"""cocotb testbench: a population against its golden model."""

import dataclasses
import json
import time
from typing import Any

import cocotb
import numpy as np
import numpy.typing as npt

from qlif.cosim.benches import inputs, recorder
from qlif.cosim.benches.agents import PopulationBench
from qlif.cosim.benches.drive import Stalls
from qlif.cosim.benches.job import Job, write_progress, write_seconds
from qlif.cosim.benches.scoreboard import Observed, Scoreboard, Verdict
from qlif.cosim.benches.vhdl_streams import streams_of
from qlif.model.exceptions import DifferenceFound
from qlif.model.golden.neurons import FixedNeurons, ParameterWrite
from qlif.model.support.files import write_text


def _random() -> np.random.Generator:
    """Return this test's generator; cocotb seeds only Python's own."""
    return np.random.default_rng(cocotb.RANDOM_SEED)


def _judge(
    job: Job,
    currents: npt.NDArray[np.int64],
    observed: Observed,
    case: str,
    writes: tuple[ParameterWrite, ...] = (),
) -> Verdict:
    """Compare with the golden model; fail the test on the first difference."""
    verdict = _scoreboard(job, currents, writes).compare(observed)
    verdict.judge(case)
    return verdict


def _scoreboard(job: Job, currents: npt.NDArray[np.int64], writes: tuple[ParameterWrite, ...]) -> Scoreboard:
    interface = job.interface
    step_bits, absent = interface.core.step_bits, interface.absent
    first = int(job.options.get("first_step", 0))
    golden = _golden(job)
    return Scoreboard(job.words, currents, writes, first, golden, step_bits=step_bits, absent=absent)


_left: dict[str, FixedNeurons] = {}
"""Where the golden model of a core without a reset was left by the runs before, in this simulation."""


def _golden(job: Job) -> FixedNeurons | None:
    """Return the golden model as the hardware is when a run begins; None if that is just out of reset."""
    if job.interface.mapped is None or job.interface.mapped.resets:
        return None
    return _left.setdefault(job.interface.module, FixedNeurons(job.words))


async def _ready(dut: Any, job: Job) -> PopulationBench:
    """Return a bench on the running module, just out of reset; once in each test, as it starts the clock."""
    dut = streams_of(dut, job)
    bench = PopulationBench(dut, job.interface, _random())
    bench.start_clock()
    if job.options.get("record"):
        cocotb.start_soon(recorder.record(dut, job.interface.ports, Job.directory() / recorder.FILE))
    await bench.reset()
    return bench


@cocotb.test()
async def replay(dut: Any) -> None:
    """Replay the job's currents, keep what came out, and leave the verdict behind."""
    job, directory = Job.present()
    currents = job.replayed
    stall = float(job.options.get("stalls", 0.0))
    bench = await _ready(dut, job)
    begun = time.perf_counter()
    observed = await bench.play(
        currents,
        Stalls(stall, stall, stall),
        progress=lambda done: write_progress(directory, done),
        writes=job.writes,
    )
    write_seconds(directory, time.perf_counter() - begun)
    observed.save(directory / "observed.npz")
    verdict = _scoreboard(job, currents, job.writes).compare(observed)
    write_text(directory / "verdict.json", json.dumps(dataclasses.asdict(verdict)))
    verdict.judge("replay")


@cocotb.test()
async def directed(dut: Any) -> None:
    """Play every directed case, each from reset."""
    job, _ = Job.present()
    bench = await _ready(dut, job)
    for name, currents in inputs.directed(job.words, job.words.parameters.n):
        await bench.reset()
        verdict = _judge(job, currents, await bench.play(currents, Stalls()), name)
        dut._log.info("%s: %d updates", name, verdict.updates)


@cocotb.test()
async def constrained_random(dut: Any) -> None:
    """Play random input that favours corner cases and rounding boundaries, at full speed."""
    job, _ = Job.present()
    bench = await _ready(dut, job)
    await _random_run(bench, job, Stalls(), "constrained random")
    neurons = job.words.parameters.n
    steps = max(8, min(2000, _updates(job)) // neurons)
    edges = inputs.rounding_edges(job.words, steps, neurons, bench.random)
    if edges is not None:
        await bench.reset()
        _judge(job, edges, await bench.play(edges, Stalls()), "edges of the rounding")


@cocotb.test()
async def stalled(dut: Any) -> None:
    """Play it with rare and frequent stalls on each of the three streams and on all of them.

    In the last ones a stall is so long that the pipelines run empty, or the queue full.
    """
    job, _ = Job.present()
    bench = await _ready(dut, job)
    for stalls in (
        Stalls(currents=0.5),
        Stalls(updates=0.5),
        Stalls(events=0.9),
        Stalls(0.3, 0.3, 0.3),
        Stalls(0.05, 0.9, 0.95),
        Stalls(currents=0.5, length=40),
        Stalls(0.2, 0.3, 0.3, length=40),
    ):
        await bench.reset()
        await _random_run(bench, job, stalls, f"{stalls}", share=0.1)
    # Each row on its own, with nothing before or behind it, while neurons spike.
    neurons = job.words.parameters.n
    strong = np.full(
        (max(4, 1000 // neurons), neurons), job.words.arithmetic.current.max_word, dtype=np.int64
    )
    await bench.reset()
    _judge(job, strong, await bench.play(strong, Stalls(currents=0.95)), "row by row")


@cocotb.test()
async def given_clocks(dut: Any) -> None:
    """Drive the job's inputs clock by clock, as in a counterexample, and judge what comes out."""
    job, _ = Job.present()
    bench = await _ready(dut, job)
    currents, observed = await bench.play_given(job.options["inputs"])
    _judge(job, currents, observed, "as given")


def _updates(job: Job) -> int:
    """Return how many updates random input is to have."""
    return int(job.options.get("updates", 10_000))


async def _random_run(
    bench: PopulationBench, job: Job, stalls: Stalls, case: str, share: float = 1.0
) -> None:
    neurons = job.words.parameters.n
    steps = max(8, -int(-_updates(job) * share // neurons))
    currents = inputs.constrained_random(job.words, steps, neurons, bench.random)
    observed = await bench.play(currents, stalls)
    _judge(job, currents, observed, f"{case}, seed {cocotb.RANDOM_SEED}")


@cocotb.test()
async def reset_in_mid_run(dut: Any) -> None:
    """Reset at any clock, in the middle of everything: it must start over cleanly."""
    job, _ = Job.present()
    bench = await _ready(dut, job)
    random = bench.random
    neurons = job.words.parameters.n
    currents = inputs.constrained_random(job.words, max(8, 400 // neurons), neurons, random)
    # Somebody else's may be unknown.
    latency = job.interface.latency or 8
    # At first, while parts of the memory have never been written.
    early = latency + neurons // 2
    for clocks in (early, 1, 2, 3, latency - 1, latency, latency + 1, 2 * latency, neurons, neurons + 1, 200):
        await bench.reset(clocks=1)
        await bench.play(currents, Stalls(0.2, 0.5, 0.5), stop_after=clocks)
        # One clock of reset is enough, and it comes while outputs are stalled and updates in flight.
        await bench.reset(clocks=1)
        _judge(job, currents, await bench.play(currents, Stalls()), f"after a reset in clock {clocks}")
    # While each counter of rows is at its last one: that of the rows that are read, written, and offered.
    for last in (neurons, neurons + latency):
        for clocks in range(max(1, last - 4), last + 4):
            await bench.play(currents, Stalls(), stop_after=clocks)
            await bench.reset(clocks=1)
            # A place of the queue too many shows when it is full.
            stalls = Stalls(updates=0.9 if clocks % 2 else 0.0)
            _judge(job, currents[:4], await bench.play(currents[:4], stalls), f"reset at row {clocks}")
            await bench.reset(clocks=1)
    # Strong input, until a spike is stuck, or everything is.
    strong = np.full((100, neurons), job.words.arithmetic.current.max_word, dtype=np.int64)
    for stalls in (Stalls(events=1.0), Stalls(updates=1.0, events=1.0)):
        await bench.play(strong, stalls, stop_after=60 * max(neurons, latency))
        await bench.reset(clocks=1)
        _judge(job, currents, await bench.play(currents, Stalls()), f"after a reset with {stalls}")


@cocotb.test()
async def full_speed(dut: Any) -> None:
    """Count clocks without stalls: one update each after the stated latency, or as N and the loop allow."""
    job, _ = Job.present()
    neurons, interface = job.words.parameters.n, job.interface
    steps = max(4, 256 // neurons)
    bench = await _ready(dut, job)
    currents = inputs.constrained_random(job.words, steps, neurons, bench.random)
    if interface.core.holds_currents:
        # Of one timestep, so that the others need no writes.
        currents = np.repeat(currents[:1], steps, axis=0)
        await bench.play(currents[:1], Stalls())
        await bench.reset()
    observed = await bench.play(currents, Stalls())
    _judge(job, currents, observed, "full speed")
    rounds, rest = divmod(steps * interface.rows - 1, interface.rows)
    expected = rounds * interface.clocks_per_timestep + rest + interface.latency + 1
    if abs(observed.cycles - expected) > 1:
        raise DifferenceFound(f"{observed.cycles} clocks, not {expected}")


@cocotb.test()
async def raced(dut: Any) -> None:
    """Write held currents at random while timesteps are asked for at random: each uses what was held at its start.

    In the second run the queue is full most of the time, so that timesteps wait between two rows.
    """
    job, _ = Job.present()
    bench = await _ready(dut, job)
    steps = max(20, int(job.options.get("updates", 10_000)) // (10 * job.words.parameters.n))
    for stalls in (Stalls(0.5), Stalls(0.3, 0.9, 0.5), Stalls(0.9), Stalls(currents=0.5, length=8)):
        await bench.reset(clocks=1)
        currents, observed = await bench.race(steps, stalls)
        _judge(job, currents, observed, f"race with {stalls}")


# The last one, because a reset keeps what it writes.
@cocotb.test()
async def rewritten(dut: Any) -> None:
    """Write every run-time parameter, some in each timestep, while currents wait and outputs stall.

    A reset in between keeps them: what follows it is played with the last words.
    """
    job, _ = Job.present()
    bench = await _ready(dut, job)
    random = bench.random
    neurons = job.words.parameters.n
    steps = max(40, 1000 // neurons)
    writes = tuple(inputs.random_writes(job.words, job.interface.runtime, steps, random))
    currents = inputs.constrained_random(job.words, steps, neurons, random)
    stalls = Stalls(0.1, 0.3, 0.3)
    await bench.reset()
    observed = await bench.play(currents, stalls, writes=writes)
    _judge(job, currents, observed, f"{len(writes)} writes", writes)
    await bench.reset(clocks=1)
    last = tuple(dataclasses.replace(write, step=0) for write in writes)
    _judge(job, currents, await bench.play(currents, stalls), "after a reset", last)
