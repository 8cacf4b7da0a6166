"""Records what a testbench drives and sees, clock by clock, for replay without it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from cocotb.triggers import FallingEdge, ReadOnly

from qlif.hdl.ports import Port
from qlif.model.support.files import whole_file

FILE = "recorded.npz"


async def record(dut: Any, ports: Iterable[Port], path: Path) -> None:
    """Record every port, and the reset, until the test ends; then write ``path``.

    Each row is what a rising edge of the clock acts on, as unsigned words: an array per port and one for
    ``rst``.
    """
    names = ["rst", *(port.name for port in ports)]
    handles = [getattr(dut, name) for name in names]
    falling = FallingEdge(dut.clk)
    rows: list[list[int]] = []
    try:
        while True:
            await falling
            # Whatever the bench drives now has settled then.
            await ReadOnly()
            rows.append([int(handle.value) for handle in handles])
    finally:
        words = np.array(rows, dtype=np.uint64).reshape(-1, len(names))
        with whole_file(path) as temporary, temporary.open("wb") as file:
            columns: Any = {name: words[:, place] for place, name in enumerate(names)}
            np.savez_compressed(file, **columns)
