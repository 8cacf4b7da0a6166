"""Records what a testbench drives and sees, clock by clock, for replay without it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from cocotb.triggers import FallingEdge, ReadOnly

from qlif.hdl.ports import Port
from qlif.model.support.files import whole_file

FILE = "recorded.npz"


async def record(dut: Any, ports: Iterable[Port], path: Path) -> None:
    """Record every port, and the reset, until the test ends; then write ``path``.

    Each row is what a rising edge of the clock acts on, as unsigned words: an array per port and one for
    ``rst``. Of a port of more than 64 bits it has columns, the lowest bits first.
    """
    widths = {"rst": 1} | {port.name: port.width for port in ports}
    names = list(widths)
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
        columns: Any = {
            name: words_of([row[place] for row in rows], width)
            for place, (name, width) in enumerate(widths.items())
        }
        with whole_file(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **columns)


def words_of(values: list[int], width: int) -> npt.NDArray[np.uint64]:
    """Return unsigned words as integers of 64 bits, (clocks,), or (clocks, parts) if they are wider."""
    parts = -(-width // 64)
    table = b"".join(value.to_bytes(8 * parts, "little") for value in values)
    words = np.frombuffer(table, dtype="<u8").astype(np.uint64)
    return words if parts == 1 else words.reshape(-1, parts)
