"""A population in hundreds of instances, each with currents and pauses of its own, against the golden model."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from qlif.cosim.bitslice.netlist import SliceNetlist, slice_files
from qlif.cosim.bitslice.simulation import SliceProgram, SliceSimulation, sliced, unsliced
from qlif.cosim.simulator.c_compiler import compiler
from qlif.hdl.interface import RESET, Interface
from qlif.hdl.synthesis.gates import cell_models
from qlif.hdl.targets.catalogue import target
from qlif.hdl.verilog import Export
from qlif.model.golden.neurons import FixedNeurons
from qlif.model.support.progress import Progress, unwatched
from qlif.model.support.scratch import scratch

_STALLS = 0.1
"""Where none are asked for: instances that go in step would try less."""
_TIMESTEPS = 40
"""Of each instance; there are hundreds."""


class SlicedPopulation:
    """A population of one lane, as its text says or as it is mapped, on random currents from a reset on.

    Parameters
    ----------
    netlist : SliceNetlist
    interface : Interface
    clocks : int
        Length of the run.
    stalls : float
        Probability per clock that a stream pauses, of each instance by itself. With 0 all go in step, and faster.
    seed : int

    Attributes
    ----------
    program : SliceProgram
    simulation : SliceSimulation
        After the run.
    inputs, outputs : array of uint64, (clocks, bits, instances / 64)
        What was driven, and what came.

    Raises
    ------
    InputError
        There is no C compiler, or the population holds its currents.
    """

    def __init__(
        self, netlist: SliceNetlist, interface: Interface, *, clocks: int, stalls: float, seed: int = 0
    ) -> None:
        interface.core.require_stream("a run of instances side by side")
        self._interface = interface
        self.program = SliceProgram(netlist, in_step=stalls == 0)
        self.simulation = SliceSimulation(self.program, seed)
        self.inputs, self.outputs = self.simulation.inputs(clocks), self.simulation.outputs(clocks)
        reset = self.simulation.inputs(2)
        reset[:, self.program.inputs[RESET]] = ~np.uint64(0)
        self.simulation.run(reset, self.simulation.outputs(2))
        random, shape = np.random.default_rng(seed), (clocks, self.program.width)
        format = interface.words.arithmetic.current
        # Half of them around and above rheobase, half anything.
        words = random.integers(format.max_word // 4, format.max_word // 2, shape)
        anything = random.integers(format.min_word, format.max_word, shape, endpoint=True)
        self._currents = np.where(random.random(shape) < 0.5, words, anything)
        self._put("currents_data", self._currents)
        for name in ("currents_valid", "updates_ready", "events_ready"):
            self._put(name, (random.random(shape) >= stalls).astype(np.int64))
        self.simulation.run(self.inputs, self.outputs)

    def difference(self) -> tuple[int, str | None]:
        """Return how many updates were compared with the golden model, and the first difference in words."""
        taken = (self._given("currents_valid") & self._given("currents_ready")).astype(bool)
        updated = (self._given("updates_valid") & self._given("updates_ready")).astype(bool)
        values = {
            name: self._given(f"updates_{name}", name == "potential")
            for name in self._interface.updates.fields
        }
        words, neurons, compared = self._interface.words, self._interface.neurons, 0
        for instance in range(self.program.width):
            given = {name: value[updated[:, instance], instance] for name, value in values.items()}
            currents = self._currents[taken[:, instance], instance]
            if 2 * len(given["neuron"]) < len(currents):  # much less is in flight
                came = f"{len(given['neuron'])} updates of {len(currents)} came"
                return compared, f"instance {instance}: {came}"
            steps = len(currents) // neurons
            count = min(steps * neurons, len(given["neuron"]))
            currents = currents[: steps * neurons].reshape(steps, *words.parameters.shape)
            spikes, kept = FixedNeurons(words).run_words(currents)
            golden = {"neuron": np.arange(steps * neurons) % neurons, "spike": spikes, **kept}
            for name, found in given.items():
                expected = np.asarray(golden[name]).ravel()[:count].astype(np.int64)
                if (wrong := np.flatnonzero(found[:count] != expected)).size:
                    at = int(wrong[0])
                    text = f"update {at} of instance {instance}: {name} is {found[at]}, not {expected[at]}"
                    return compared, text
            compared += count
        return compared, None

    def _put(self, port: str, values: npt.NDArray[np.int64]) -> None:
        place = self.program.inputs[port]
        self.inputs[:, place] = sliced(values, place.stop - place.start)

    def _given(self, port: str, signed: bool = False) -> npt.NDArray[np.int64]:
        ours = port in self.program.inputs
        slices, place = (self.inputs, self.program.inputs) if ours else (self.outputs, self.program.outputs)
        return unsliced(slices[:, place[port]], signed=signed)


def compare_netlist(
    export: Export, gates: str, directory: Path, stalls: float, seed: int, progress: Progress = unwatched
) -> tuple[int, str | None] | None:
    """Compare hundreds of instances of a mapped netlist with the golden model, by our models of its cells.

    Parameters
    ----------
    export : Export
        What was mapped.
    gates : str
        The target.
    directory : Path
        Of the co-simulation, with the netlist in it.
    stalls : float
        Probability per clock that a stream pauses.
    seed : int
        Of currents and pauses.
    progress : callable, optional

    Returns
    -------
    tuple of (int, str or None), optional
        As of :meth:`SlicedPopulation.difference`. None if there is no C compiler, or the export isn't a population of
        this project with one lane and fixed parameters.
    """
    interface = export.interface
    if compiler() is None or interface.lanes > 1 or interface.runtime or interface.mapped is not None:
        return None
    progress("comparing instances of the netlist side by side", 0.0)
    with scratch() as work:
        cells = cell_models(target(gates), work)
        netlist = slice_files(directory / "gates" / "gates.v", interface.module, cells)
    clocks = _TIMESTEPS * max(interface.rows, interface.loop_latency)
    return SlicedPopulation(
        netlist, interface, clocks=clocks, stalls=stalls or _STALLS, seed=seed
    ).difference()
