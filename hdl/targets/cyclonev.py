"""Intel Cyclone V, a 5CSEBA6: its resources as Yosys counts them."""

from pathlib import Path

from qlif.hdl.target import Target

CYCLONEV = Target(
    name="cyclonev",
    device="5CSEBA6",
    synthesis="synth_intel_alm -noiopad -noclkbuf -family cyclonev -top {top}",
    # Two to an ALM.
    device_luts=83_820,
    luts={
        **{f"MISTRAL_ALUT{inputs}": 1 for inputs in range(2, 7)},
        "MISTRAL_ALUT_ARITH": 1,
        "MISTRAL_NOT": 1,
        "MISTRAL_MLAB": 1,
    },
    flip_flops=("MISTRAL_FF",),
    multiplier="MISTRAL_MUL",
    multiplier_bits=27,
    multipliers=112,
    memory="MISTRAL_M10K",
    memories=553,
    memory_bits=10 * 1024,
    yosys_models=tuple(f"intel_alm/common/{name}_sim.v" for name in ("alm", "dff", "dsp", "mem", "misc")),
    # Icarus can't read Yosys' model.
    yosys_models_left_out=("MISTRAL_M10K",),
    models={"MISTRAL_M10K": Path(__file__).with_name("cyclonev_m10k.v")},
    untimed="only the vendor's tool places and times this family",
)
