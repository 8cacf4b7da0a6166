"""Every potential with every current through the gates of one update, against the golden kernel."""

import ctypes
import functools
from collections.abc import Iterable, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.cosim.bitslice.netlist import SliceNetlist, export_netlist, slice_files
from qlif.cosim.bitslice.simulation import FLAGS, SliceProgram, SliceSimulation, pointer, sliced, unsliced
from qlif.cosim.configuration import Settings
from qlif.cosim.simulator.c_compiler import compiled_text
from qlif.hdl.synthesis.gates import cell_models, mapped_verilog
from qlif.hdl.targets.catalogue import target
from qlif.hdl.verilog import Export, export_neuron
from qlif.model.golden.step import State
from qlif.model.kernel.engines import chosen_threads
from qlif.model.kernel.fixed_engines import fixed_engine
from qlif.model.kernel.room import Room
from qlif.model.kernel.rules import Plan
from qlif.model.random_words import RandomWords
from qlif.model.support.progress import Progress
from qlif.model.support.scratch import scratch
from qlif.model.words import Words

_PAIRS = 1 << 16
"""Pairs that are computed at once: fewer would take longer to begin than to compute, more don't fit the caches."""

_LOOK_EVERY_S = 0.2
_ODD = 40503
"""What makes traces of potentials: neighbours get quite different ones."""


@dataclass(frozen=True)
class Difference:
    """An update in which gates and golden model differ; all in words."""

    potential: int
    refractory: int
    trace: int
    current: int
    what: str
    phase: int = 0


@dataclass(frozen=True)
class Exhausted:
    """What was tried, whether that is everything, and the first difference if there is one."""

    pairs: int
    all: bool
    difference: Difference | None


def neuron_netlist(export: Export, gates: str | None = None) -> SliceNetlist:
    """Return the netlist of a bare pipeline: as its text says, or as it is mapped to a target's cells.

    Raises
    ------
    InputError
        The target isn't known, or Yosys isn't installed.
    SynthesisError
        Yosys failed.
    """
    if gates is None:
        return export_netlist(export)
    device = target(gates)
    with scratch() as directory:
        mapped = directory / "gates.v"
        mapped_verilog(export, device, mapped)
        return slice_files(mapped, export.interface.module, cell_models(device, directory))


def exhaust(
    settings: Settings,
    export: Export | None = None,
    *,
    gates: str | None = None,
    refractory: bool = False,
    most: int | None = None,
    threads: int | None = None,
    width: int | None = None,
    progress: Progress = lambda what, share: None,
) -> Exhausted:
    """Compare gates and golden model for every potential, every phase if there are any, and every current.

    Parameters
    ----------
    settings : Settings
    export : Export, optional
        The bare pipeline; this project's if not given.
    gates : str, optional
        A target whose mapped netlist is tried, instead of the text.
    refractory : bool
        Whether the neurons are refractory, by counters of every value above 0, and not ready.
    most : int, optional
        End after about so many pairs, spread over all currents.
    threads : int, optional
        As :func:`qlif.model.kernel.engines.chosen_threads` has it.
    width : int, optional
        Instances side by side; as many as the widest registers hold if not given.

    Raises
    ------
    InputError
        There is no C compiler, or Yosys isn't installed.

    Notes
    -----
    The trace and, with stochastic rounding, the random word follow from the potential: each is tried with all
    currents, but not with all traces and random words.
    """
    export = export_neuron(settings.population(1).core()) if export is None else export
    program = SliceProgram(neuron_netlist(export, gates), in_step=True, width=width)
    threads = chosen_threads(threads)
    workers = [_Worker(settings, export, program, refractory) for _ in range(threads)]
    first = workers[0]
    stride = 1 if most is None else max(1, first.pieces * first.pairs // max(most, first.pairs))
    pieces = range(0, first.pieces, stride)
    with ThreadPoolExecutor(threads) as pool:
        running = [pool.submit(worker.run, pieces[number::threads]) for number, worker in enumerate(workers)]
        try:
            while wait(running, timeout=_LOOK_EVERY_S, return_when=FIRST_EXCEPTION).not_done:
                progress("pairs", sum(worker.done for worker in workers) / len(pieces))
        finally:
            for worker in workers:
                worker.stopped = True
    differences = [each.result() for each in running]
    pairs = sum(worker.done for worker in workers) * first.pairs
    return Exhausted(pairs, pairs == first.pairs * first.pieces, next(filter(None, differences), None))


class _Worker:
    """One thread's gates and golden model.

    A piece is one current and phase with every potential, or with a part of them; or with several currents where
    there are few.
    """

    def __init__(self, settings: Settings, export: Export, program: SliceProgram, refractory: bool) -> None:
        arithmetic = settings.population(1).words.arithmetic
        self._potential, self._current = arithmetic.potential, arithmetic.current
        potentials, currents = 1 << self._potential.width, 1 << self._current.width
        self._each = min(currents, max(1, _PAIRS // potentials))
        self._phases = 1 << arithmetic.phase_bits
        parts = max(1, potentials // _PAIRS)
        self._parts = parts * self._phases
        self.pairs = potentials * self._each // parts
        self.pieces = currents // self._each * self._parts
        self.done, self.stopped = 0, False
        words = settings.population(self.pairs).words
        plan = Plan(words)
        self._engine = fixed_engine(plan, threads=1)
        self._engine.configure(dict(words.values))
        self._plan, self._refractory, self._place = plan, refractory, np.arange(self.pairs)
        self._currents = self._place // potentials + self._current.min_word
        self._words = np.empty((1, self.pairs), dtype=plan.current)
        types = {name: getattr(plan, name) for name in State._fields}
        self._room = Room.of(1, self.pairs, types, words.state_names)
        self._compare = comparison(program.width)
        self._prepare_gates(words, export, program)

    def _take_part(self, part: int) -> None:
        """Go on to other potentials, or another phase; the rest of the state follows from them."""
        plan, self._part = self._plan, part
        part, phase = divmod(part, self._phases)
        place = (self._place + part * self.pairs) % (1 << self._potential.width)
        highest = plan.words.refractory.max_word
        counters = 1 + place % highest if self._refractory else 0 * place
        traces = place * _ODD & plan.words.arithmetic.trace.max_word
        states = {"potential": place + self._potential.min_word, "refractory": counters, "trace": traces}
        if self._phases > 1:
            states["phase"] = np.full(self.pairs, phase)
        for name, values in states.items():
            self._put(f"{name}_in", values)
        self._state = State(**{name: values.astype(getattr(plan, name)) for name, values in states.items()})

    def _prepare_gates(self, words: Words, export: Export, program: SliceProgram) -> None:
        self._program, self._simulation = program, SliceSimulation(program)
        self._latency, self._rows = export.interface.latency, self.pairs // program.width
        self._in = self._simulation.inputs(self._rows + self._latency)
        self._out = self._simulation.outputs(self._rows + self._latency)
        self._take_part(0)
        self._random = words.arithmetic.random_bits > 0
        if self._random:
            random = RandomWords(words.arithmetic.random_seed).take(self.pairs)
            self._put("random_in", random.astype(np.int64) & ((1 << words.arithmetic.random_bits) - 1))

    def _put(self, port: str, values: npt.NDArray[np.int64]) -> None:
        """Set a port's slices in every row."""
        place = self._program.inputs[port]
        shape = self._rows, self._program.width
        self._in[: self._rows, place] = sliced(values.reshape(shape), place.stop - place.start)

    def run(self, pieces: Iterable[int]) -> Difference | None:
        """Compare; return the first difference."""
        for piece in pieces:
            if self.stopped:
                return None
            found = self._differs(piece)
            self.done += 1
            if found is not None:
                return found
        return None

    def _differs(self, piece: int) -> Difference | None:
        part, piece = divmod(piece, self.pieces // self._parts)
        if part != self._part:
            self._take_part(part)
        if self._each == 1:
            # The current is the same in all instances: each bit is a whole slice of zeros or ones.
            self._words[:] = current = self._current.min_word + piece
            place = self._program.inputs["current_in"]
            bits = (current >> np.arange(place.stop - place.start)) & 1
            self._in[: self._rows, place] = (0 - bits.astype(np.uint64))[:, None]
        else:
            currents = self._currents + piece * self._each
            self._words[:] = currents
            self._put("current_in", currents)
        self._simulation.run(self._in, self._out)
        self._engine.state = self._state
        if self._random:
            self._engine.rewind()
        self._engine.advance(self._words, self._room)
        return self._first_difference()

    def _first_difference(self) -> Difference | None:
        out, places = self._out[self._latency :], self._program.outputs
        parts = out.shape[-1]
        spiked = out[:, places["spike_out"].start] != self._room.spikes.reshape(-1, parts)
        rows = {"spike": int(np.argmax(spiked.any(axis=1)))} if spiked.any() else {}
        for name in self._plan.words.state_names:
            place, golden = places[f"{name}_out"], self._room.kept[name]
            row = self._compare(
                pointer(out[0, place]),
                ctypes.c_long(out.shape[1]),
                place.stop - place.start,
                pointer(golden),
                golden.itemsize,
                ctypes.c_long(self._rows),
            )
            if row >= 0:
                rows[name] = row
        if not rows:
            return None
        row = min(rows.values())
        what = ", ".join(name for name, each in rows.items() if each == row)
        instance = row * self._program.width + self._instance(row, rows, places)
        before = {name: int(words[instance]) for name, words in self._state.by_name(self._plan.words).items()}
        return Difference(**before, current=int(self._words[0, instance]), what=what)

    def _instance(self, row: int, rows: Mapping[str, int], places: Mapping[str, slice]) -> int:
        """Return the first instance of a row that differs."""
        width, wrong = self._program.width, np.zeros(self._program.width, dtype=np.bool_)
        for name in rows:
            bits = self._out[self._latency + row, places[f"{name}_out"]]
            if name == "spike":
                golden = self._room.spikes.reshape(-1, len(bits[0]))[row][None]
            else:
                words = self._room.kept[name][0, row * width : (row + 1) * width].astype(np.int64)
                golden = sliced(words, len(bits))
            wrong |= unsliced(bits ^ golden).astype(np.bool_)
        return int(np.argmax(wrong))


@functools.cache
def comparison(width: int) -> Any:
    """Return the compiled function that compares slices with words."""
    text = Path(__file__).with_name("exhaustion.c").read_text(encoding="utf-8")
    return compiled_text(text, FLAGS, {"WIDTH": width}).differs
