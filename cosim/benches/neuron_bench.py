"""cocotb testbench of the bare pipeline: any state, any input, one per clock."""

from collections.abc import Iterator
from typing import Any

import cocotb
import numpy as np
import numpy.typing as npt
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge
from cocotb.utils import get_sim_time

from qlif.cosim.benches.agents import CLOCK_PERIOD_STEPS
from qlif.cosim.benches.job import BEGIN_FILE, Job
from qlif.model.exceptions import DifferenceFound
from qlif.model.golden import step as datapath
from qlif.model.support.files import write_text
from qlif.model.words import Words

Vectors = dict[str, npt.NDArray[np.int64]]


@cocotb.test()
async def every_state_and_input(dut: Any) -> None:
    """Every potential with every current, not refractory, in its last timestep of it, and in its first."""
    job, _ = Job.present()
    await _compare(dut, job, _exhaustive(job.words))


@cocotb.test()
async def random_states(dut: Any) -> None:
    """Random states and inputs over the whole formats, legal or not, with the corners made likely."""
    job, _ = Job.present()
    updates = int(job.options.get("updates", 10_000))
    random = np.random.default_rng(cocotb.RANDOM_SEED)
    await _compare(dut, job, iter([_random_vectors(job.words, updates, random)]))


@cocotb.test()
async def given_inputs(dut: Any) -> None:
    """Play the job's inputs, clock by clock; what leaves for the first of them has to be what the job says.

    Its options have, as unsigned words by port: ``inputs``, for each clock, and ``expected``.
    """
    job, directory = Job.present()
    inputs, expected = job.options["inputs"], job.options["expected"]
    latency = job.interface.latency
    Clock(dut.clk, CLOCK_PERIOD_STEPS, unit="step", impl="gpi").start()
    falling = FallingEdge(dut.clk)
    dut.rst.value = 0
    for words in (dict.fromkeys(inputs[0], 0), inputs[0]):
        await falling
        for name, word in words.items():
            getattr(dut, name).value = word
    write_text(directory / BEGIN_FILE, str(get_sim_time("step")))
    for clock in range(1, latency + 1):
        await falling
        if clock < latency:
            for name, word in inputs[clock].items():
                getattr(dut, name).value = word
    got = {name: int(getattr(dut, name).value) for name in expected}
    if got != expected:
        raise DifferenceFound(f"expected {expected}, got {got}")


def _exhaustive(words: Words) -> Iterator[Vectors]:
    potential, current = words.arithmetic.potential, words.arithmetic.current
    random = np.random.default_rng(cocotb.RANDOM_SEED)
    potentials, currents = (
        grid.ravel()
        for grid in np.meshgrid(
            np.arange(potential.min_word, potential.max_word + 1),
            np.arange(current.min_word, current.max_word + 1),
            indexing="ij",
        )
    )
    for refractory in sorted({0, 1, int(np.max(words.parameters.refrac_length))}):
        # Trace and random bits don't meet the potential before the spike and the rounding.
        vectors = _random_vectors(words, len(potentials), random)
        vectors.update(
            potential=potentials, current=currents, refractory=np.full(len(potentials), refractory)
        )
        yield vectors


def _random_vectors(words: Words, count: int, random: np.random.Generator) -> Vectors:
    vectors = {}
    for name, format in words.formats.items():
        anywhere = random.integers(format.min_word, format.max_word + 1, size=count)
        corners = random.choice(
            [format.min_word, format.min_word + 1, format.max_word - 1, format.max_word], size=count
        )
        vectors[name] = np.where(random.random(count) < 0.1, corners, anywhere)
    # Half the neurons aren't refractory.
    vectors["refractory"] *= random.random(count) < 0.5
    constants = words.constants
    near = int(np.min(constants["threshold"].word)) + random.integers(-2, 3, size=count)
    potential = words.arithmetic.potential
    near = np.clip(near, potential.min_word, potential.max_word)
    vectors["potential"] = np.where(random.random(count) < 0.1, near, vectors["potential"])
    return vectors


async def _compare(dut: Any, job: Job, batches: Iterator[Vectors]) -> None:
    """Feed one vector per clock; compare each output `latency` clocks later with the golden step."""
    words, latency = job.words, job.interface.latency
    Clock(dut.clk, CLOCK_PERIOD_STEPS, unit="step", impl="gpi").start()
    dut.rst.value = 0
    falling = FallingEdge(dut.clk)
    names = (*words.state_names, "spike")
    outputs = [getattr(dut, f"{name}_out") for name in names]
    await falling
    checked = 0
    for vectors in batches:
        inputs = [getattr(dut, f"{name}_in") for name in vectors]
        columns = [
            (column & job.interface.port(f"{name}_in").mask).tolist() for name, column in vectors.items()
        ]
        rows = list(zip(*columns, strict=True))
        got: list[list[int]] = []
        for clock in range(len(rows) + latency):
            if clock < len(rows):
                for handle, word in zip(inputs, rows[clock], strict=True):
                    handle.value = word
            await falling
            # This edge was the first after the input: its outputs come latency - 1 edges later.
            if clock >= latency - 1 and len(got) < len(rows):
                got.append([int(handle.value) for handle in outputs])
        expected = _golden(words, vectors)
        masks = np.array([job.interface.port(f"{name}_out").mask for name in names])
        wrong = np.any(np.array(got) != (expected & masks), axis=1)
        if wrong.any():
            k = int(np.argmax(wrong))
            state = ", ".join(f"{name} {int(column[k])}" for name, column in vectors.items())
            raise DifferenceFound(
                f"{int(wrong.sum())} of {len(rows)} updates differ, first {state}: expected "
                f"({', '.join(names)}) {(expected[k] & masks).tolist()}, got {got[k]}"
            )
        checked += len(rows)
    dut._log.info("%d updates compared", checked)


def _golden(words: Words, vectors: Vectors) -> npt.NDArray[np.int64]:
    """Return the golden outputs, one row per vector."""
    dtype = np.int64 if words.largest_width <= 63 else object
    columns = {name: column.astype(dtype) for name, column in vectors.items()}
    state = datapath.State(**{name: columns[name] for name in words.state_names})
    random = columns.get("random", 0)
    after, spike = datapath.step(words, words.values, state, columns["current"], random, np.where)
    return np.stack(
        [np.asarray(column).astype(np.int64) for column in (*after.by_name(words).values(), spike)], axis=1
    )
