"""What the AXI shell adds to a population on ECP5."""

from pathlib import Path

import pytest

from qlif.cosim.configuration import Settings
from qlif.hdl.core import Streams
from qlif.hdl.synthesis.block import block
from qlif.hdl.synthesis.mapping import mapped_netlist
from qlif.hdl.targets.catalogue import primitives, target


@pytest.mark.slow
@pytest.mark.parametrize(
    ("streams", "most"), [(Streams.BOTH, 120), (Streams.UPDATES, 125), (Streams.EVENTS, 125)]
)
def test_the_shell_adds_few_luts(streams: Streams, most: int, tmp_path: Path) -> None:
    device, cells = target("ecp5"), primitives("explicit", "ecp5")
    core = Settings.read("square-18", None, []).population(1024).core(1, cells, streams=streams)
    luts = []
    for one in (block(core), block(core, axi=True)):
        (tmp_path / "block.v").write_text(one.verilog)
        luts.append(mapped_netlist(tmp_path, device, one.module, "mapped", ["block.v"], cells).luts(device))
    bare, with_shell = luts
    # So much that nothing of the shell was lost.
    assert 60 < with_shell - bare <= most
