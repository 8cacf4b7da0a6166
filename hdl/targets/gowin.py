"""Gowin GW2A-18C: its resources; Fmax isn't reported, since nextpnr doesn't time all of it."""

from pathlib import Path

from qlif.hdl.target import Target
from qlif.hdl.targets.block_ram import block_rams

GOWIN = Target(
    name="gowin",
    device="GW2A-18C",
    synthesis="synth_gowin -noiopads -family gw2a -top {top}",
    device_luts=20_736,
    # An ALU is a LUT with its carry; a RAM16SDP4 stores its nibbles in the four LUTs of two slices.
    luts={"LUT1": 1, "LUT2": 1, "LUT3": 1, "LUT4": 1, "ALU": 1, "RAM16SDP4": 4},
    flip_flops=("DFF",),
    multiplier="MULT",
    multiplier_bits=18,
    multipliers=48,
    memory="DPX9B",
    memories=46,
    memory_bits=18 * 1024,
    models={
        **{f"MULT{bits}X{bits}": Path(__file__).with_name("gowin_mult.v") for bits in (9, 18, 36)},
        **block_rams("gowin_block_ram.v", "DPB", "DPX9B", "SDPB", "SDPX9B"),
    },
    yosys_models=("gowin/cells_sim.v",),
    untimed=(
        "nextpnr doesn't time the second port of Gowin's block RAM (its pull requests 1786 and 1803): it claims "
        "264 MHz for a path of 15.5 MHz"
    ),
)
