"""What can't be proved of a text is refused by name and line, and never a traceback."""

import pytest

from qlif.cosim.proof.read_verilog import read_circuit
from qlif.model.exceptions import InputError

TEXT = """\
`line 1 "mine.v" 0
module mine(input clk, input go, input [1:0] i, output reg [1:0] o);
  wire more;
BODY
  always @(posedge clk) o <= i + more;
endmodule
"""


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            "  reg open;\n  always @*\n    if (go) open = i[0];\n  assign more = open;",
            "mine.v:4: open is a latch",
        ),
        ("  assign more = ~more & go;", "mine.v:3: a combinational loop through more"),
        ("  assign more = go ? 1'b1 : 1'bz;", "z of a tristate: use a multiplexer in its place"),
        ("  assign more = go;\n  assign more = i[0];", "multiple conflicting drivers for "),
        ("", "Wire more is used but has no driver"),
        ("  nowhere inner(.o(more));", r"mine.v:3: Module `\nowhere' referenced in module"),
        (
            "  assign more = go;\nendmodule\nmodule next(input a);",
            "mine.v:6: module next, which begins in line 5,",
        ),
        (
            "  assign more = go;\n  always @(posedge clk or posedge go or negedge more) o <= 0;",
            "mine.v:4: Multiple edge",
        ),
    ],
    ids=["latch", "loop", "tristate", "drivers", "undriven", "module", "unended", "edges"],
)
def test_it_is_refused_with_its_line(yosys, body, told):
    text = TEXT.replace("BODY", body)
    if "next" in body:
        text = text.replace("o <= i + more;\nendmodule", "a <= a;")
    with pytest.raises(InputError) as refused:
        read_circuit(text, "mine")
    assert told in str(refused.value)
