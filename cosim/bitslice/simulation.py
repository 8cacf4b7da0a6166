"""Many instances of a netlist, advanced together."""

import ctypes
import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.cosim.bitslice.netlist import SliceNetlist
from qlif.cosim.bitslice.program import WIDTHS, program
from qlif.cosim.simulator.c_compiler import compiled_text
from qlif.model.exceptions import InputError

Slices = npt.NDArray[np.uint64]
"""Bits of all instances: the last axis is the machine word, instance i is bit ``i % 64`` of its part ``i // 64``."""

FLAGS = ("-O2", "-march=native", "-fno-math-errno")

_PROBE = """\
int width(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") ? 512 : __builtin_cpu_supports("avx2") ? 256 : 128;
#elif defined(__ARM_NEON)
  return 128;
#else
  return 64;
#endif
}
"""


@functools.cache
def widest() -> int:
    """Return how many bits this processor's widest registers have.

    Raises
    ------
    InputError
        There is no C compiler.
    """
    return int(compiled_text(_PROBE, ("-O1",)).width())


def sliced(words: npt.NDArray[np.integer], bits: int) -> Slices:
    """Return words, (..., instances), as slices, (..., bits, instances / 64)."""
    places = np.arange(bits)[:, None]
    ones = ((words[..., None, :] >> places) & 1).astype(np.uint8)
    return np.packbits(ones, axis=-1, bitorder="little").view(np.uint64)


def unsliced(slices: Slices, *, signed: bool = False) -> npt.NDArray[np.int64]:
    """Return slices, (..., bits, instances / 64), as words, (..., instances)."""
    bits = slices.shape[-2]
    ones = np.unpackbits(np.ascontiguousarray(slices).view(np.uint8), axis=-1, bitorder="little")
    weights = np.left_shift(np.int64(1), np.arange(bits, dtype=np.int64))
    if signed:
        weights[-1] = -weights[-1]
    words: npt.NDArray[np.int64] = np.einsum("...bi,b->...i", ones, weights)
    return words


class SliceProgram:
    """A netlist's compiled program; any number of simulations share it.

    Parameters
    ----------
    netlist : SliceNetlist
    in_step : bool
        Whether every memory's address is the same in all instances, in every clock.
    width : int, optional
        Instances: 64, 128, 256 or 512; those of the widest registers if not given.
    injected : bool
        As of :func:`qlif.cosim.bitslice.program.program`.
    further : str
        C behind the program, with functions of `library`.

    Raises
    ------
    InputError
        There is no C compiler, or it can't do this width.
    """

    def __init__(
        self,
        netlist: SliceNetlist,
        *,
        in_step: bool,
        width: int | None = None,
        injected: bool = False,
        further: str = "",
    ) -> None:
        if width is not None and width not in WIDTHS:
            raise InputError(f"width must be one of {', '.join(map(str, WIDTHS))}, not {width}")
        self.netlist, self.width = netlist, widest() if width is None else width
        text = program(netlist, in_step=in_step, injected=injected) + further
        self.library = compiled_text(text, FLAGS, {"WIDTH": self.width})
        self.inputs, count = port_places(netlist.inputs)
        self.input_bits = count + 1  # and the value of what is unknown
        self.outputs, self.output_bits = port_places(netlist.outputs)

    def run(self, *arguments: object) -> None:
        """Call the compiled loop."""
        self.library.run(*arguments)


def port_places(ports: Mapping[str, tuple[int, ...]]) -> tuple[dict[str, slice], int]:
    """Return where the bits of each port are among all, and how many there are."""
    places, begin = {}, 0
    for name, bits in ports.items():
        places[name] = slice(begin, begin + len(bits))
        begin += len(bits)
    return places, begin


class SliceSimulation:
    """The state of all instances.

    What the netlist gives no first value is drawn anew for each instance, so that both values are tried; or it is 0,
    so that instances are alike.

    Parameters
    ----------
    program : SliceProgram
    seed : int, optional
        Of the unknown values, which are 0 without one.

    Attributes
    ----------
    state : array of uint64, (flip-flops, instances / 64)
    memories : dict of str to array of uint64, (rows, bits, instances / 64)
    """

    def __init__(self, program: SliceProgram, seed: int | None = 0) -> None:
        self.program = program
        netlist, self.parts = program.netlist, program.width // 64
        self._random = None if seed is None else np.random.default_rng(seed)
        self.state = aligned((len(netlist.flip_flops), self.parts))
        for row, flip_flop in zip(self.state, netlist.flip_flops, strict=True):
            row[:] = self._first("x" if flip_flop.initial is None else str(flip_flop.initial))
        self.memories = {}
        for memory in netlist.memories:
            room = self.memories[memory.name] = aligned((memory.size, memory.width, self.parts))
            for row, value in zip(room.reshape(-1, self.parts), memory.initial, strict=True):
                row[:] = self._first(value)
        self.pointers = pointers(self.memories)

    def _first(self, value: str) -> npt.NDArray[np.uint64] | np.uint64:
        match value:
            case "0":
                return np.uint64(0)
            case "1":
                return ~np.uint64(0)
            case _:
                return self._unknown(self.parts)

    def _unknown(self, *shape: int) -> npt.NDArray[np.uint64]:
        if self._random is None:
            return np.zeros(shape, dtype=np.uint64)
        return self._random.integers(0, 1 << 64, shape, dtype=np.uint64)

    def inputs(self, clocks: int) -> Slices:
        """Return rows for the inputs of some clocks, all 0 but for what is unknown."""
        rows = aligned((clocks, self.program.input_bits, self.parts))
        rows[:, -1] = self._unknown(clocks, self.parts)
        return rows

    def outputs(self, clocks: int) -> Slices:
        """Return room for the outputs of some clocks."""
        return aligned((clocks, self.program.output_bits, self.parts))

    def run(self, inputs: Slices, outputs: Slices, clocks: int | None = None) -> None:
        """Advance.

        Parameters
        ----------
        inputs : array of uint64, (clocks or fewer, input bits, instances / 64)
            Of :meth:`inputs`; fewer rows are gone through over and over.
        outputs : array of uint64, (clocks or 1, output bits, instances / 64)
            Of :meth:`outputs`, filled; a single row has those of the last clock in the end.
        clocks : int, optional
            As many as there are inputs if not given.
        """
        clocks = len(inputs) if clocks is None else clocks
        step = 0 if len(outputs) == 1 and clocks > 1 else self.program.output_bits
        if step and len(outputs) < clocks:
            raise ValueError(f"there is room for the outputs of {len(outputs)} clocks, not of {clocks}")
        self.program.run(
            pointer(self.state),
            self.pointers,
            pointer(inputs),
            ctypes.c_long(len(inputs)),
            pointer(outputs),
            ctypes.c_long(step),
            ctypes.c_long(clocks),
        )


def pointer(array: npt.NDArray[Any]) -> ctypes.c_void_p:
    """Return where an array is, as compiled functions take it."""
    return ctypes.c_void_p(array.ctypes.data)


def pointers(memories: Mapping[str, Slices]) -> ctypes.Array[ctypes.c_void_p]:
    """Return the memories as the compiled program takes them."""
    places = [memory.ctypes.data for memory in memories.values()]
    return (ctypes.c_void_p * max(1, len(places)))(*places)


def aligned(shape: tuple[int, ...]) -> Slices:
    """Return zeros that begin at a multiple of 64 bytes, as the widest registers want."""
    count = int(np.prod(shape))
    room = np.zeros(count + 8, dtype=np.uint64)
    begin = (-room.ctypes.data // 8) % 8
    return room[begin : begin + count].reshape(shape)
