# amaranth: UnusedElaboratable=no
"""What the explicit variants instantiate, against what Yosys infers from plain Verilog."""

import json

import numpy as np
import pytest
from amaranth.back import verilog
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from qlif.hdl.synthesis import yowasp
from qlif.hdl.targets.catalogue import TARGETS, primitives
from qlif.hdl.targets.ecp5 import ECP5Primitives
from qlif.model.exceptions import InputError


class MemoryAlone(wiring.Component):
    """A memory of one family's primitives, behind ports."""

    def __init__(self, built_from, width, address_bits, init):
        self.built_from, self.init, self.width = built_from, init, width
        members = {"read": In(address_bits), "write": In(address_bits), "enable": In(1)}
        super().__init__({**members, "data": In(width), "word": Out(width)})

    def elaborate(self, platform):
        m = Module()
        clocked = Signal()
        m.d.sync += clocked.eq(~clocked)
        word = self.built_from.memory(
            m,
            "memory",
            width=self.width,
            read_address=self.read,
            write_address=self.write,
            write_data=self.data,
            write_enables=[self.enable],
            init=[[int(one)] for one in self.init],
        )
        m.d.comb += self.word.eq(word)
        return m


def block_rams(tmp_path, built_from, width, address_bits, init):
    """Map a memory to ECP5, and return the first contents of its block RAMs, 64 numbers each."""
    alone = MemoryAlone(built_from, width, address_bits, init)
    (tmp_path / "memory.v").write_text(verilog.convert(alone, name="memory", emit_src=False))
    script = TARGETS["ecp5"].script("memory", instantiated=built_from.target is not None)
    yowasp.run(yowasp.YOSYS, ["-p", f"{script}; write_json memory.json", "memory.v"], tmp_path, "log")
    cells = json.loads((tmp_path / "memory.json").read_text())["modules"]["memory"]["cells"].values()
    blocks = [cell["parameters"] for cell in cells if cell["type"] == "DP16KD"]
    assert blocks and {int(block["DATA_WIDTH_A"], 2) for block in blocks} == {width}
    return [
        [int(block.get(f"INITVAL_{number:02X}", "0").replace("x", "0"), 2) for number in range(64)]
        for block in blocks
    ]


# Words of two bytes, and of less than one.
QUICK = [(1024, 18), (4096, 4)]
MODES = [
    pytest.param(*mode, marks=() if mode in QUICK else pytest.mark.slow) for mode in ECP5Primitives.MODES
]


@pytest.mark.slow_beyond(1)
@pytest.mark.parametrize(("rows", "width"), MODES)
def test_the_first_content_of_block_ram_is_where_yosys_puts_it(tmp_path, rows, width):
    try:
        yowasp.version(yowasp.YOSYS)
    except InputError as error:
        pytest.skip(str(error))
    init = np.random.default_rng(width).integers(0, 1 << width, rows)
    address_bits = rows.bit_length() - 1
    contents = []
    for variant in ("portable", "explicit"):
        directory = tmp_path / variant
        directory.mkdir()
        contents.append(block_rams(directory, primitives(variant, "ecp5"), width, address_bits, init))
    assert contents[0] == contents[1]


def test_more_rows_than_a_block_ram_has_are_refused():
    m = Module()
    with pytest.raises(InputError, match=r"^a lane must have at most 16384 neurons in the explicit variant"):
        ECP5Primitives().memory(
            m,
            "state",
            width=4,
            read_address=Signal(15),
            write_address=Signal(15),
            write_data=Signal(4),
            write_enables=[Signal()],
        )


@pytest.mark.parametrize(
    ("variant", "target", "text"),
    [
        ("fast", "ecp5", "^unknown variant 'fast'"),
        ("explicit", "ecp6", "^unknown target 'ecp6': did you mean 'ecp5'"),
    ],
)
def test_unknown_variants_and_targets(variant, target, text):
    with pytest.raises(InputError, match=text):
        primitives(variant, target)
