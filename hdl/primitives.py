"""A core's multipliers and memories: inferred by any tool, or instantiated for one FPGA family.

All of them compute the same; they differ in their latency, and in the registers that a tool would leave out of
its multipliers and block RAMs. Those that a family instantiates are in its file in :mod:`qlif.hdl.targets`.
"""

import operator
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from amaranth.hdl import Module, Value

    from qlif.hdl.pipeline import Pipeline, Timed


class Variant(StrEnum):
    """Whether tools infer what a core multiplies and remembers with."""

    PORTABLE = "portable"
    """They do, from operators and arrays."""
    EXPLICIT = "explicit"
    """Cells of one family of FPGAs are instantiated."""


class Primitives:
    """Inferred: operators and arrays, which every tool maps to what its device has.

    Attributes
    ----------
    variant : Variant
    target : str, optional
        The family that the cells are of.
    cells : tuple of str
        The technology cells that are instantiated.
    bank_cells : tuple of str
        Those of the memory of :meth:`swaps_banks`.
    memory_latency : int
        Clocks from a read address to its word.
    fast_carries : bool
        Whether a clock has time for gates or a detour behind a chain of carries: a phase takes fewer clocks then.
    """

    variant = Variant.PORTABLE
    target: str | None = None
    cells: tuple[str, ...] = ()
    bank_cells: tuple[str, ...] = ()
    memory_latency = 1
    fast_carries = False

    def swaps_banks(self, rows: int, width: int) -> bool:
        """Return whether states of so many rows and bits are in two banks with one port each.

        One is read and the other one written; each timestep swaps them.
        """
        return False

    def banks(
        self,
        m: "Module",
        name: str,
        *,
        bank: "Value",
        read_address: "Value",
        write_address: "Value",
        write_data: "Value",
        write_enable: "Value",
    ) -> "Value":
        """Build the memory of :meth:`swaps_banks`; return the word that is read.

        Parameters
        ----------
        m : Module
            Where it is built.
        name : str
        bank : Value
            The bank that is read, 0 or 1; the other one is written. It must stay until the word was read.
        read_address, write_address, write_data, write_enable : Value
        """
        raise NotImplementedError

    def multiply(self, pipe: "Pipeline", name: str, left: "Timed", right: "Timed") -> "Timed":
        """Return a product, with the registers around it that a DSP block wants.

        Two registers behind the product's own one: with fewer, Yosys may delete the multiplier on iCE40.
        """
        stage = pipe.latest(left, right)
        if stage is None:
            return pipe.register(name, operator.mul, left, right)
        left, right = pipe.at(left, stage + 1), pipe.at(right, stage + 1)
        product = pipe.register(name, operator.mul, left, right)
        return pipe.at(product, stage + 4)

    def memory(
        self,
        m: "Module",
        name: str,
        *,
        width: int,
        read_address: "Value",
        write_address: "Value",
        write_data: "Value",
        write_enables: "Sequence[Value]",
        init: Sequence[Sequence[int]] = (),
    ) -> "Value":
        """Build a memory with a port to read and one to write; return the word that is read.

        No word may be read in the clock in which it is written.

        Parameters
        ----------
        m : Module
            Where it is built.
        name : str
        width : int
            Bits of one part of a word.
        read_address, write_address : Value
            Equally wide; they decide how many words there are.
        write_data : Value
            All parts, the first one lowest.
        write_enables : sequence of Value
            One for each part.
        init : sequence of sequence of int
            The first words, part by part.
        """
        # Here, so that a simulator's process, which needs only the names above, starts without Amaranth.
        from amaranth.hdl import Cat, Value, unsigned
        from amaranth.lib import data
        from amaranth.lib.memory import Memory

        shape = data.ArrayLayout(unsigned(width), len(write_enables))
        attributes: Any = {"no_rw_check": 1}
        memory: Any = Memory(shape=shape, depth=1 << len(read_address), init=init, attrs=attributes)
        m.submodules[name] = memory
        read = memory.read_port()
        write = memory.write_port(granularity=1 if len(write_enables) > 1 else None)
        m.d.comb += [
            read.addr.eq(read_address),
            write.addr.eq(write_address),
            write.data.as_value().eq(write_data),
            write.en.eq(Cat(*write_enables)),
        ]
        return Value.cast(read.data)


PORTABLE = Primitives()
