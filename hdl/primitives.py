"""What a core multiplies and remembers with: inferred by any tool, or instantiated for one family of FPGAs.

This is the one place where that is chosen. All of them compute the same; they differ in their latency, and
in the registers that a tool would leave out of its multipliers and block RAMs.
"""

import functools
import operator
from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Signal, Value, unsigned
from amaranth.lib import data
from amaranth.lib.memory import Memory

from qlif.hdl import fixed
from qlif.hdl.pipeline import Pipeline, Timed
from qlif.hdl.target import Target
from qlif.model.exceptions import InputError, unknown_name
from qlif.model.formats import Format
from qlif.model.rounding import Rounding

VARIANTS = ("portable", "explicit")


class Primitives:
    """Inferred: operators and arrays, which every tool maps to what its device has.

    Attributes
    ----------
    variant : {"portable", "explicit"}
    target : str, optional
        The family that the cells are of.
    cells : tuple of str
        The technology cells that are instantiated.
    memory_latency : int
        Clocks from a read address to its word.
    """

    variant = "portable"
    target: str | None = None
    cells: tuple[str, ...] = ()
    memory_latency = 1

    def multipliers_for(self, device: Target, left: int, right: int) -> int:
        """Return how many DSP blocks of a device the product of two words of so many bits takes."""
        return device.multipliers_for(left, right)

    def multiply(self, pipe: Pipeline, name: str, left: Timed, right: Timed) -> Timed:
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
        m: Module,
        name: str,
        *,
        width: int,
        read_address: Value,
        write_address: Value,
        write_data: Value,
        write_enables: Sequence[Value],
        init: Sequence[Sequence[int]] = (),
    ) -> Value:
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


class _Blocks(Primitives):
    """Multiplier blocks with a register before, inside and behind: three clocks."""

    variant = "explicit"
    multiplier_bits: int

    def multiply(self, pipe: Pipeline, name: str, left: Timed, right: Timed) -> Timed:
        """Return a product; words that a block can't take are cut into pieces, whose products are added."""
        stage = pipe.latest(left, right)
        assert stage is not None
        left, right = pipe.at(left, stage), pipe.at(right, stage)
        shape = fixed.Shape(left.value.words * right.value.words)
        (a, shift_a), (b, shift_b) = _odd(left.value), _odd(right.value)
        factor = b.as_value()
        if isinstance(factor, Const) and factor.value == 1:
            return Timed(_scaled(a, shift_b, shape), stage)
        parts = [
            Timed(self._product(pipe, f"{name}_{i}_{j}", x, y), stage + 3)
            for i, x in enumerate(self._pieces(a))
            for j, y in enumerate(self._pieces(b))
        ]
        total = functools.reduce(lambda x, y: pipe.register(f"{name}__sum", operator.add, x, y), parts)
        return Timed(_scaled(total.value, shift_a + shift_b, shape), total.stage)

    def multipliers_for(self, device: Target, left: int, right: int) -> int:
        """Return how many blocks a product takes: here no part of it is built from LUTs."""
        return -(-left // self.multiplier_bits) * -(-right // self.multiplier_bits)

    def _pieces(self, value: fixed.Value) -> list[fixed.Value]:
        """Cut a number into pieces; the last one keeps its sign."""
        word, size = value.as_value(), self.multiplier_bits
        pieces = []
        for low in range(0, len(word), size):
            last = low + size >= len(word)
            bits = word[low:] if last else word[low : low + size]
            form = Format(len(bits), 0, signed=value.words.signed and last)
            pieces.append(fixed.Value(fixed.Shape(form), bits).scaled_by_power_of_two(low))
        return pieces

    def _product(self, pipe: Pipeline, name: str, left: fixed.Value, right: fixed.Value) -> fixed.Value:
        product = Signal(2 * self.multiplier_bits, name=name)
        operands = [_extended(x.as_value(), x.words.signed, self.multiplier_bits) for x in (left, right)]
        signs = [Const(int(x.words.signed), 1) for x in (left, right)]
        pipe.instances[name] = self._block(product, operands, signs)
        return fixed.Value(fixed.Shape(left.words * right.words), product)

    def _block(self, product: Value, operands: list[Value], signs: list[Const]) -> Instance:
        raise NotImplementedError


class ECP5Primitives(_Blocks):
    """MULT18X18D and DP16KD of Lattice ECP5, with all their registers."""

    target = "ecp5"
    cells = ("DP16KD", "MULT18X18D")
    memory_latency = 2
    multiplier_bits = 18

    MODES = ((1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
    """Words of a block RAM, and their bits. (512 of 36 have their output registers in two places.)"""

    def _block(self, product: Value, operands: list[Value], signs: list[Const]) -> Instance:
        ports: dict[str, Any] = {}
        for letter, operand in zip("AB", operands, strict=True):
            ports |= {f"i_{letter}{bit}": operand[bit] for bit in range(18)}
        ports |= {f"i_C{bit}": Const(0, 1) for bit in range(18)}
        ports |= {f"o_P{bit}": product[bit] for bit in range(36)}
        for number in range(4):
            ports[f"i_CLK{number}"] = ClockSignal() if number == 0 else Const(0, 1)
            ports[f"i_CE{number}"] = Const(1, 1)
            ports[f"i_RST{number}"] = Const(0, 1)
        clocks = {f"p_REG_{register}_CLK": "CLK0" for register in ("INPUTA", "INPUTB", "PIPELINE", "OUTPUT")}
        return Instance(
            "MULT18X18D",
            **clocks,
            **ports,
            i_SIGNEDA=signs[0],
            i_SIGNEDB=signs[1],
            i_SOURCEA=Const(0, 1),
            i_SOURCEB=Const(0, 1),
        )

    def memory(
        self,
        m: Module,
        name: str,
        *,
        width: int,
        read_address: Value,
        write_address: Value,
        write_data: Value,
        write_enables: Sequence[Value],
        init: Sequence[Sequence[int]] = (),
    ) -> Value:
        """Build a memory of block RAMs side by side: see :meth:`Primitives.memory`.

        Raises
        ------
        InputError
            There are more words than one block RAM can tell apart.
        """
        rows = 1 << len(read_address)
        modes = [mode for mode in self.MODES if mode[0] >= rows]
        if not modes:
            raise InputError(
                f"a lane must have at most {self.MODES[-1][0]} neurons in the explicit variant, not {rows}: "
                "take more lanes or the portable variant"
            )
        bits = modes[0][1]
        parts = []
        for number, enable in enumerate(write_enables):
            column: Any = write_data[number * width : (number + 1) * width]
            words = [row[number] for row in init]
            for low in range(0, width, bits):
                size = min(bits, width - low)
                read = Signal(bits, name=f"{name}_{number}_{low}")
                m.submodules[f"{name}_{number}_{low}"] = self._block_ram(
                    bits,
                    read_address,
                    write_address,
                    _extended(column[low : low + size], False, bits),
                    enable,
                    read,
                    [word >> low & ((1 << size) - 1) for word in words],
                )
                parts.append(read[:size])
        return Cat(*parts)

    def _block_ram(
        self,
        bits: int,
        read_address: Value,
        write_address: Value,
        write_data: Value,
        enable: Value,
        read: Value,
        init: list[int],
    ) -> Instance:
        """Return a block RAM that port A writes and port B reads, in two clocks."""
        spare = bits.bit_length() - 1
        # With two bytes in a word, the lowest address bits enable those of a write.
        lowest = Const(0b11 if bits == 18 else 0, spare)
        ports: dict[str, Any] = {}
        for letter, address in (("A", write_address), ("B", read_address)):
            pins = Cat(lowest if letter == "A" else Const(0, spare), address, Const(0, 14))
            ports |= {f"i_AD{letter}{bit}": pins[bit] for bit in range(14)}
            ports |= {f"i_CS{letter}{bit}": Const(0, 1) for bit in range(3)}
            ports |= {f"i_RST{letter}": Const(0, 1), f"i_CLK{letter}": ClockSignal()}
            ports |= {f"i_CE{letter}": Const(1, 1), f"i_OCE{letter}": Const(1, 1)}
        written = Cat(write_data, Const(0, 18 - bits))
        ports |= {f"i_DIA{bit}": written[bit] for bit in range(18)}
        ports |= {f"i_DIB{bit}": Const(0, 1) for bit in range(18)}
        ports |= {f"o_DOB{bit}": read[bit] for bit in range(bits)}
        return Instance(
            "DP16KD",
            p_DATA_WIDTH_A=bits,
            p_DATA_WIDTH_B=bits,
            p_REGMODE_A="NOREG",
            p_REGMODE_B="OUTREG",
            p_WRITEMODE_A="NORMAL",
            p_WRITEMODE_B="NORMAL",
            p_CSDECODE_A="0b000",
            p_CSDECODE_B="0b000",
            **self._initial(bits, init),
            **ports,
            i_WEA=enable,
            i_WEB=Const(0, 1),
        )

    @staticmethod
    def _initial(bits: int, init: list[int]) -> dict[str, Any]:
        """Return the parameters of a block RAM's first content.

        It is kept as pairs of bytes of nine bits, 20 bits apart; words of less than a byte don't use its
        ninth bit.
        """
        content = [0] * 64
        for address, word in enumerate(init):
            for bit in range(bits):
                if word >> bit & 1:
                    if bits >= 9:
                        byte, place = divmod(address * bits + bit, 9)
                    else:
                        byte, place = divmod(address * bits + bit, 8)
                    position = byte // 2 * 20 + byte % 2 * 9 + place
                    content[position // 320] |= 1 << position % 320
        return {f"p_INITVAL_{number:02X}": Const(value, 320) for number, value in enumerate(content) if value}


class UP5KPrimitives(_Blocks):
    """SB_MAC16 of Lattice iCE40 UltraPlus with all its registers; its block RAM has none to choose."""

    target = "up5k"
    cells = ("SB_MAC16",)
    multiplier_bits = 16

    def _block(self, product: Value, operands: list[Value], signs: list[Const]) -> Instance:
        held = {f"i_{letter}HOLD": Const(0, 1) for letter in "ABCD"}
        resets = {f"i_{kind}{half}": Const(0, 1) for kind in ("IRST", "ORST") for half in ("TOP", "BOT")}
        adder = {
            f"i_{pin}{half}": Const(0, 1) for pin in ("OLOAD", "ADDSUB", "OHOLD") for half in ("TOP", "BOT")
        }
        registers = ("A_REG", "B_REG", "TOP_8x8_MULT_REG", "BOT_8x8_MULT_REG")
        pipelined = ("PIPELINE_16x16_MULT_REG1", "PIPELINE_16x16_MULT_REG2")
        return Instance(
            "SB_MAC16",
            **{f"p_{name}": Const(1, 1) for name in (*registers, *pipelined)},
            # The whole product, from its register.
            p_TOPOUTPUT_SELECT=Const(3, 2),
            p_BOTOUTPUT_SELECT=Const(3, 2),
            p_A_SIGNED=signs[0],
            p_B_SIGNED=signs[1],
            i_CLK=ClockSignal(),
            i_CE=Const(1, 1),
            i_A=operands[0],
            i_B=operands[1],
            i_C=Const(0, 16),
            i_D=Const(0, 16),
            **held,
            **resets,
            **adder,
            i_CI=Const(0, 1),
            i_ACCUMCI=Const(0, 1),
            i_SIGNEXTIN=Const(0, 1),
            o_O=product,
        )


PORTABLE = Primitives()
EXPLICIT: dict[str, _Blocks] = {"ecp5": ECP5Primitives(), "up5k": UP5KPrimitives()}
"""Those of each target."""


def primitives(variant: str, target: str) -> Primitives:
    """Return what a core for a target is built from.

    Raises
    ------
    InputError
        The variant is unknown, or there is none for the target.
    """
    if variant not in VARIANTS:
        raise InputError(unknown_name("variant", variant, VARIANTS))
    if variant == "portable":
        return PORTABLE
    if target not in EXPLICIT:
        raise InputError(unknown_name("target", target, EXPLICIT))
    return EXPLICIT[target]


def _odd(value: fixed.Value) -> tuple[fixed.Value, int]:
    """Return a number's word as a whole number; of a constant without the zeros at its end, and how many."""
    word, signed = value.as_value(), value.words.signed
    if not isinstance(word, Const) or word.value == 0:
        return fixed.Value(fixed.Shape(Format(len(word), 0, signed)), word), 0
    zeros = (word.value & -word.value).bit_length() - 1
    odd = word.value >> zeros
    form = Format(odd.bit_length() + (odd < 0), 0, signed=odd < 0)
    return fixed.Const(odd, fixed.Shape(form)), zeros


def _scaled(value: fixed.Value, shift: int, shape: fixed.Shape) -> fixed.Value:
    """Return a whole number with zeros appended, as the word of a shape that holds it."""
    whole = value.scaled_by_power_of_two(shift).reshape(0, Rounding.TRN)
    return fixed.Value(shape, _extended(whole.as_value(), whole.words.signed, shape.words.width))


def _extended(word: Value, signed: bool, width: int) -> Value:
    """Return a word with copies of its sign, or zeros, up to a width; or without what is above it."""
    if len(word) >= width:
        return word[:width]
    missing = width - len(word)
    return Cat(word, word[-1].replicate(missing) if signed else Const(0, missing))
