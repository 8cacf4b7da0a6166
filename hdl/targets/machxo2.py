"""Lattice MachXO2, the LCMXO2-7000HC: its resources; it isn't placed and routed."""

from qlif.hdl.target import Target
from qlif.hdl.targets.block_ram import block_rams

MACHXO2 = Target(
    name="machxo2",
    device="LCMXO2-7000HC",
    # Without DSP blocks: products are made of LUTs.
    synthesis="synth_lattice -family xo2 -top {top}",
    device_luts=6_864,
    # As on ECP5: a carry cell is two LUTs, sixteen nibbles are six.
    luts={"LUT4": 1, "CCU2D": 2, "TRELLIS_DPR16X4": 6},
    flip_flops=("TRELLIS_FF",),
    memory="DP8KC",
    memories=26,
    memory_bits=9 * 1024,
    yosys_models=("lattice/common_sim.vh", "lattice/ccu2d_sim.vh"),
    yosys_defines=("NO_INCLUDES",),
    # What nextpnr makes of LUTs: no netlist has it, and Icarus can't read it.
    yosys_models_left_out=("TRELLIS_COMB",),
    models=block_rams("machxo2_dp8kc.v", "DP8KC"),
    untimed="no cell delays of nextpnr for MachXO2 are known to us",
)
