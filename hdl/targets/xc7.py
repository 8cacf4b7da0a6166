"""AMD (Xilinx) 7 series, an Artix XC7A35T: its resources as Yosys counts them."""

from qlif.hdl.target import Target
from qlif.hdl.targets.block_ram import block_rams

XC7 = Target(
    name="xc7",
    device="XC7A35T",
    synthesis="hierarchy -top {top}; proc; flatten; synth_xilinx -noiopad -noclkbuf -family xc7 -top {top}",
    device_luts=20_800,
    luts={**{f"LUT{inputs}": 1 for inputs in range(1, 7)}, "INV": 1, "RAM32M": 4, "RAM32X1D": 2, "SRL16E": 1},
    carry="CARRY4",
    flip_flops=("FD",),
    multiplier="DSP48E1",
    multiplier_bits=18,
    smallest_product=11,
    multipliers=90,
    memory="RAMB",
    memories=100,
    memory_bits=18 * 1024,
    yosys_models=("xilinx/cells_sim.v",),
    models=block_rams("xc7_block_ram.v", "RAMB18E1", "RAMB36E1"),
    # Hollow.
    yosys_models_left_out=("RAMB18E1", "RAMB36E1"),
    untimed="only the vendor's tool places and times this family",
)
