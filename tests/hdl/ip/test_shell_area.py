"""What the AXI shell adds to a population on ECP5."""

from pathlib import Path

import pytest

from qlif.cosim.configuration import Settings
from qlif.hdl.core import Streams
from qlif.hdl.ip.export import axi_shell
from qlif.hdl.ip.shell import SHELL_MODULE
from qlif.hdl.synthesis.mapping import mapped_netlist
from qlif.hdl.targets.catalogue import primitives, target


@pytest.mark.slow
@pytest.mark.parametrize(
    ("streams", "most"), [(Streams.BOTH, 120), (Streams.UPDATES, 130), (Streams.EVENTS, 120)]
)
def test_the_shell_adds_few_luts(streams: Streams, most: int, tmp_path: Path) -> None:
    device, cells = target("ecp5"), primitives("explicit", "ecp5")
    population = Settings.read("square-18", None, []).population(1024).export(1, cells, streams=streams)
    (tmp_path / "block.v").write_text(population.verilog)
    (tmp_path / "shell.v").write_text(axi_shell(population)[1])
    bare, with_shell = (
        mapped_netlist(tmp_path, device, module, module, sources, cells).luts(device)
        for module, sources in (
            (population.interface.module, ["block.v"]),
            (SHELL_MODULE, ["block.v", "shell.v"]),
        )
    )
    # So much that nothing of the shell was lost.
    assert 60 < with_shell - bare <= most
