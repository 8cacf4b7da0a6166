"""Cologne Chip GateMate, the CCGM1A1: its resources; it isn't placed and routed."""

from qlif.hdl.target import Target

GATEMATE = Target(
    name="gatemate",
    device="CCGM1A1",
    # It has no DSP blocks: its multipliers are made of the same elements as everything else, and are counted so.
    synthesis="synth_gatemate -noiopad -nomult -luttree -nomx8 -top {top}",
    device_luts=40_960,
    # Two to an element (CPE): a tree of four inputs or fewer, or a bit of an adder.
    luts={
        **dict.fromkeys(("CC_LUT1", "CC_LUT2", "CC_L2T4", "CC_MX2", "CC_ADDF"), 1),
        **dict.fromkeys(("CC_L2T5", "CC_MX4"), 2),
    },
    flip_flops=("CC_DFF",),
    memory="CC_BRAM",
    # Each can be two halves (CC_BRAM_20K), which are counted as one.
    memories=32,
    memory_bits=40 * 1024,
    yosys_models=("gatemate/cells_sim.v",),
    untimed="nothing that we know of confirms nextpnr's delays of GateMate",
)
