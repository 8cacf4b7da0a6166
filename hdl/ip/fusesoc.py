"""The FuseSoC core beside an export, with targets for lint and simulation."""

from collections.abc import Sequence
from pathlib import PurePath

from qlif.hdl.verilog import GENERATED


def core_file(top: str, sources: Sequence[str], waivers: Sequence[str], testbench: Sequence[str] = ()) -> str:
    """Return the text of the ``.core`` file.

    Parameters
    ----------
    top : str
        The module.
    sources : sequence of str
        Files of Verilog, in the order in which they are read.
    waivers : sequence of str
        What Verilator's lint is told.
    testbench : sequence of str
        Its file, which is called like its module, and the files that it reads. Without one, the target ``sim`` only
        elaborates the module.
    """
    bench, *read = testbench or (f"{top}.v",)
    filesets = {"rtl": ([*sources], "verilogSource-2005"), "lint": ([*waivers], "vlt")}
    simulated = ["rtl"]
    if testbench:
        filesets["tb"] = [bench], "verilogSource-2005"
        # The testbench reads them from where it runs.
        filesets["vectors"] = [f"{name}: {{copyto: {name}}}" for name in read], "user"
        simulated += ["tb", "vectors"]
    listed = "".join(
        f"  {name}:\n    files:\n"
        + "".join(f"      - {file}\n" for file in files)
        + f"    file_type: {kind}\n"
        for name, (files, kind) in filesets.items()
    )
    return f"""\
CAPI=2:
# {GENERATED}
name: qlif:neuron:{top}:1.0.0
description: Quadratic leaky integrate-and-fire neurons
filesets:
{listed}targets:
  default:
    filesets: [rtl]
  lint:
    default_tool: verilator
    filesets: [lint, rtl]
    toplevel: {top}
    tools:
      verilator:
        mode: lint-only
        verilator_options: [-Wall]
  sim:
    default_tool: icarus
    filesets: [{", ".join(simulated)}]
    toplevel: {PurePath(bench).stem}
    tools:
      icarus:
        iverilog_options: [-g2005]
"""
