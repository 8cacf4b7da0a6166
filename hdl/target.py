"""`Target`: an FPGA's resources, how its tools are called, and what they don't check."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qlif.hdl.primitives import Primitives
from qlif.model.arithmetic import WIDEST_WORD
from qlif.model.exceptions import InputError, unknown_name

Cell = Mapping[str, Any]
"""A cell of a netlist, as Yosys writes it."""


@dataclass(frozen=True)
class Limit:
    """Upper limit of Fmax with a kind of cell in the design, whatever nextpnr reports.

    Attributes
    ----------
    cell : str
    mhz : int
    reason : str
    applies : callable
        To which cells of the kind.
    """

    cell: str
    mhz: int
    reason: str
    applies: Callable[[Cell], bool] = lambda cell: True


@dataclass(frozen=True)
class Packer:
    """How a placed design becomes a bitstream.

    Attributes
    ----------
    constraints : callable
        The text of nextpnr's constraints for a clock in MHz and the package's pin of each port.
    constraints_option, routed_option : str
        nextpnr's options for the file with them, and for what it writes.
    tool : str
        The tool, in the router's Python module.
    arguments : tuple of str
        Its arguments before the two files.
    unpacker : str
        The tool that makes the placed design of a bitstream again.
    ending : str
        Of the bitstream's name.
    """

    constraints: Callable[[float, Mapping[str, str]], str]
    constraints_option: str
    routed_option: str
    tool: str
    arguments: tuple[str, ...]
    unpacker: str
    ending: str


@dataclass(frozen=True, kw_only=True)
class Target:
    """A device, and how Yosys is run for it: what suffices for its resources and its netlist.

    Attributes
    ----------
    name : str
    device : str
        The part, as its vendor calls it.
    synthesis : str
        Yosys' commands up to its netlist, with ``{top}`` in the place of the top module.
    inference : str
        The part of them that infers multipliers, if it must be left out where they are instantiated.
    device_luts : int
        How many LUTs the device has.
    luts : mapping of str to int
        Cells that take LUTs, and how many of them.
    carry : str
        The cell of a carry chain, if it is counted beside the LUTs.
    flip_flops : tuple of str
        What the names of flip-flop cells begin with.
    multiplier, memory : str
        What the names of DSP blocks' and block RAMs' cells begin with. Products are built from LUTs where there is no
        multiplier.
    multiplier_bits : int
        Width of the two words that a DSP block multiplies.
    smallest_product : int
        Yosys builds products of fewer bits from LUTs.
    multipliers, memories, memory_bits : int
        How many the device has; bits of one block RAM.
    models : mapping of str to Path
        Cells, those that the explicit variant instantiates among them, and the files with our models of them.
    yosys_models : tuple of str
        Files of Yosys' share folder with its models of the cells of a netlist.
    yosys_defines : tuple of str
        Macros that are defined before them.
    yosys_models_left_out : tuple of str
        Modules of theirs that are hollow, or that a simulator can't read.
    yosys_models_suffice : bool
        A netlist is simulated without our models.
    untimed : str
        Why no Fmax is reported, where none is.
    """

    name: str
    device: str
    synthesis: str
    device_luts: int
    luts: Mapping[str, int]
    flip_flops: tuple[str, ...]
    multiplier: str = ""
    multiplier_bits: int = WIDEST_WORD + 1
    smallest_product: int = 4
    multipliers: int = 0
    memory: str
    memories: int
    memory_bits: int
    models: Mapping[str, Path] = field(default_factory=dict)
    yosys_models: tuple[str, ...]
    yosys_defines: tuple[str, ...] = ()
    yosys_models_left_out: tuple[str, ...] = ()
    yosys_models_suffice: bool = False
    inference: str = ""
    carry: str = ""
    untimed: str = ""

    def script(self, top: str, instantiated: bool = False, flat: bool = True) -> str:
        """Return Yosys' commands for a top module.

        Its multipliers are instantiated, or to be inferred; its submodules are dissolved, or are kept.
        """
        commands = self.synthesis.replace(self.inference, "") if instantiated else self.synthesis
        return commands.format(top=top if flat else f"{top} -noflatten")

    def multipliers_for(self, left: int, right: int, instantiated: bool = False) -> int:
        """Return the number of DSP blocks for the product of two words of these widths.

        A word that is too wide is cut into pieces. Where multipliers are inferred, Yosys builds the products of
        small pieces from LUTs.
        """
        if not self.multiplier:
            return 0
        if instantiated:
            return -(-left // self.multiplier_bits) * -(-right // self.multiplier_bits)
        return sum(
            min(x, y) >= 2 and x + y >= self.smallest_product
            for x in self._pieces(left)
            for y in self._pieces(right)
        )

    def _pieces(self, width: int) -> list[int]:
        whole, rest = divmod(width, self.multiplier_bits)
        return [self.multiplier_bits] * whole + ([rest] if rest else [])


@dataclass(frozen=True, kw_only=True)
class RoutedTarget(Target):
    """A device in one speed grade that nextpnr places and routes, and whose cells can be instantiated.

    Attributes
    ----------
    packages : tuple of str
        Its packages; the first is the default.
    router : str
        The Python module of nextpnr.
    router_options : tuple of str
        The device, without the package.
    crowded_lanes : int
        From so many lanes on, `crowded_options` are nextpnr's options too.
    crowded_options : tuple of str
    aim_mhz : int
        Target frequency for nextpnr: more than it can reach, so that it doesn't stop early.
    explicit : Primitives
        Primitives of the explicit variant.
    limits : tuple of Limit
    packer : Packer
    lacks_registers : callable
        Whether a cell lacks registers that nextpnr takes for granted, so that it would be timed wrongly.
    """

    packages: tuple[str, ...]
    router: str
    router_options: tuple[str, ...]
    aim_mhz: int
    explicit: Primitives
    packer: Packer
    crowded_lanes: int = 0
    crowded_options: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    lacks_registers: Callable[[Cell], bool] = lambda cell: False

    def package(self, name: str | None) -> str:
        """Return a package's name, checked; the default if none is given."""
        if name is None:
            return self.packages[0]
        if name not in self.packages:
            raise InputError(unknown_name(f"{self.name} package", str(name), self.packages))
        return name

    def placing(self, lanes: int) -> tuple[str, ...]:
        """Return nextpnr's options for a population of so many lanes."""
        crowded = bool(self.crowded_lanes) and lanes >= self.crowded_lanes
        return (*self.router_options, *(self.crowded_options if crowded else ()))
