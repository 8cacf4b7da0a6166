"""Plays the benches' recorded clocks to many faults side by side."""

import ctypes
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qlif.cosim.bitslice.netlist import slice_netlist
from qlif.cosim.bitslice.simulation import SliceProgram, SliceSimulation, pointer, port_places
from qlif.cosim.mutation.mutated_netlist import MutatedNetlist
from qlif.cosim.mutation.player import Player, Running
from qlif.cosim.mutation.recorded_benches import Stimulus
from qlif.hdl.interface import RESET, Interface

PROGRAM = Path(__file__).with_name("play_benches.c")


class Difference(NamedTuple):
    """Where a fault first shows.

    Attributes
    ----------
    bench : str
    clock : int
        Counted from the bench's start.
    output : str
        The port that isn't as recorded.
    """

    bench: str
    clock: int
    output: str


class Replay(Player):
    """A netlist with faults, and what the benches drove and saw, one bench after the other.

    Parameters
    ----------
    netlist : MutatedNetlist
    interface : Interface
    stimuli : sequence of Stimulus

    Raises
    ------
    InputError
        There is no C compiler, or the netlist can't be sliced.
    """

    def __init__(self, netlist: MutatedNetlist, interface: Interface, stimuli: Sequence[Stimulus]) -> None:
        self._stimuli = stimuli
        self._ends = np.cumsum([stimulus.clocks for stimulus in stimuli])
        self.clocks = int(self._ends[-1])
        self._outputs = [port.name for port in interface.outputs]
        ports = [RESET, *(port.name for port in interface.inputs)]
        verilog, masks = netlist.masked()
        sliced = slice_netlist(verilog, netlist.module)
        self._given = np.concatenate([_bits(each, ports, sliced.inputs) for each in stimuli])
        self._expected = np.concatenate([_bits(each, self._outputs, sliced.outputs) for each in stimuli])
        self._looks = np.concatenate([_looks(each) for each in stimuli])
        # Without a reset, a circuit that is switched on once for all benches would carry on.
        resets = interface.mapped is None or interface.mapped.resets
        self._begins = [0] if resets else [0, *self._ends[:-1].tolist()]
        (inputs, _), (outputs, count) = port_places(sliced.inputs), port_places(sliced.outputs)
        macros = {
            "OUTPUTS": [count],
            "PLAYED": [place for name in ports for place in _places(inputs[name])],
            "SEEN": [place for name in self._outputs for place in _places(outputs[name])],
            "ENDS": np.cumsum([len(_places(outputs[name])) for name in self._outputs]).tolist(),
            "SHOWN": [_shown(name, outputs) for name in self._outputs],
        }
        further = "".join(f"#define {name} {', '.join(map(str, each))}\n" for name, each in macros.items())
        further += PROGRAM.read_text(encoding="utf-8")
        super().__init__(netlist.mutants, masks, SliceProgram(sliced, in_step=False, further=further))

    def _begin(self, running: Running) -> None:
        pass

    def _advance(self, running: Running, more: None, begin: int, end: int) -> int:
        for start in self._begins:
            if begin < start < end:
                self._advance(running, more, begin, start)
                return self._advance(running, more, start, end)
        if begin in self._begins[1:]:
            fresh = SliceSimulation(self._program, None)
            running.simulation.state[:] = fresh.state
            for name, room in running.simulation.memories.items():
                room[:] = fresh.memories[name]
        clocks, outputs = running.found
        left: int = self._program.library.play(
            *running.pointers(),
            *map(pointer, (self._given, self._expected, self._looks)),
            ctypes.c_long(begin),
            ctypes.c_long(end),
            *map(pointer, (running.open, clocks, outputs)),
        )
        return left

    def _finding(self, clock: int, output: int) -> Difference:
        bench = int(np.searchsorted(self._ends, clock, side="right"))
        start = int(self._ends[bench - 1]) if bench else 0
        return Difference(self._stimuli[bench].bench, clock - start, self._outputs[output])


def _places(place: slice) -> range:
    return range(place.start, place.stop)


def _shown(name: str, outputs: dict[str, slice]) -> int:
    """Return the bit that says whether an output counts: a stream's `valid`, of what else it has."""
    valid = f"{name.partition('_')[0]}_valid"
    return outputs[valid].start if valid in outputs and name != valid else -1


def _bits(
    stimulus: Stimulus, ports: Sequence[str], places: Mapping[str, tuple[int, ...]]
) -> npt.NDArray[np.uint8]:
    """Return what stood on ports, (clocks, bits)."""
    columns = [
        (stimulus.words[name][:, None] >> np.arange(len(places[name]), dtype=np.uint64)) & np.uint64(1)
        for name in ports
    ]
    return np.ascontiguousarray(np.hstack(columns).astype(np.uint8))


def _looks(stimulus: Stimulus) -> npt.NDArray[np.uint8]:
    """Return in which clocks a bench looks: at no output before its first reset, nor while it holds the reset."""
    reset = stimulus.words[RESET].astype(bool)
    looks: npt.NDArray[np.uint8] = (np.logical_or.accumulate(reset) & ~reset).astype(np.uint8)
    return looks
