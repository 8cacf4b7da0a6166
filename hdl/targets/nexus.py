"""Lattice Nexus, the LIFCL-40: its resources; it isn't placed and routed."""

from qlif.hdl.target import Target
from qlif.hdl.targets.block_ram import block_rams

NEXUS = Target(
    name="nexus",
    device="LIFCL-40",
    synthesis="synth_nexus -noiopad -family lifcl -top {top}",
    device_luts=32_256,
    # As on ECP5: a carry cell is two LUTs, sixteen nibbles are six.
    luts={"LUT4": 1, "INV": 1, "CCU2": 2, "WIDEFN9": 2, "DPR16X4": 6},
    flip_flops=("FD1P3",),
    multiplier="MULT",
    multiplier_bits=18,
    multipliers=56,
    memory="PDPSC16K",
    memories=84,
    memory_bits=18 * 1024,
    yosys_models=("lattice/parse_init.vh", "lattice/cells_sim_nexus.v"),
    models=block_rams("nexus_pdpsc16k.v", "PDPSC16K"),
    untimed="nextpnr places Nexus only without carry chains, which is another netlist",
)
