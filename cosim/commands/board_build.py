"""``qlif board build``: a board's bitstream."""

from dataclasses import asdict

from qlif.cosim.commands.board_options import DesignOptions
from qlif.cosim.commands.option_groups import command
from qlif.cosim.commands.options import NeuronOptions, OutputOptions, StorageOptions
from qlif.cosim.terminal import progress_bar


@command()
def build(
    neuron: NeuronOptions, options: DesignOptions, storage: StorageOptions, output: OutputOptions
) -> None:
    """Build a board's bitstream: the population with its self-test and a link to the host."""
    from qlif.hdl.synthesis.bitstream import bitstream

    design = options.design(neuron, storage)
    with progress_bar(output.as_json) as progress:
        made = bitstream(design, output.out / "bitstream", progress=progress)
    core = design.interface.core
    content = {
        "board": design.board.name,
        "preset": core.name,
        "neurons": core.neurons,
        "lanes": core.lanes,
        "identification": design.identity.hex(),
        **asdict(made),
        "file": str(made.file),
    }
    output.write_json("board.json", content)
    if output.as_json:
        return
    rows = {
        "identification": content["identification"],
        "clock, MHz": f"{made.clock_mhz:g}",
        "fastest clock, MHz": f"{made.fmax_mhz:.1f}",
        "LUTs": made.lut,
        "flip-flops": made.ff,
        "multipliers": made.dsp,
        "block RAMs": made.ram,
        "SHA-256": made.sha256,
    }
    output.terminal.facts(f"{core.name}, {core.neurons} neurons on {design.board.title}", rows)
    output.terminal.line(f"The bitstream is {made.file}.")
