"""Lines of one text are those of the user's files, and a module that isn't ended is told with its own."""

import pytest

from qlif.cosim.mapping.lines import Lines, not_ended

TEXT = """\
module adapter; endmodule
`line 1 "a.v" 1
// "module text" /* endmodule
module a (
  input module_like
);

`line 40 "sub/b.vh" 0
  wire \\endmodule ;
`line 6 "a.v" 2
endmodule
`line 1 "b.v" 1
module b; endmodule
"""


def test_each_line_has_its_place():
    lines = Lines(TEXT)
    places = [lines.place(number) for number in range(1, 14)]
    assert places[0] == "line 1"
    assert places[2:7] == ["a.v:1", "a.v:2", "a.v:3", "a.v:4", "a.v:5"]
    assert (places[8], places[10], places[12]) == ("sub/b.vh:40", "a.v:6", "b.v:1")
    assert lines.places([1, 3, 9]) == ("a.v:1", "sub/b.vh:40")  # an adapter's line is nobody's own
    assert len(lines.plain.splitlines()) == len(TEXT.splitlines()) and "`" not in lines.plain


def test_what_ghdl_made_of_a_line_has_its_place():
    text = "module m;\n  /* core.vhd:57:21  */\n  always @*\n    a = b;\n  /* core.vhd:9:1  */\n  assign c = a;\n"
    lines = Lines(text)
    assert [lines.place(number) for number in (1, 3, 4, 6)] == [
        "line 1",
        "core.vhd:57",
        "core.vhd:57",
        "core.vhd:9",
    ]
    assert lines.place(1, "c") == "core.vhd:9"


@pytest.mark.parametrize(
    ("old", "told"),
    [
        ('endmodule\n`line 1 "b', "a.v:4: module a, which begins in line 2, has no endmodule"),
        ("b; endmodule", "b.v:1: module b, which begins in line 1, has no endmodule"),
        ("adapter; endmodule", "line 1: module adapter, which begins in line 1, has no endmodule"),
    ],
)
def test_a_module_that_is_not_ended_is_told_in_its_file(old, told):
    assert old in TEXT
    assert not_ended(TEXT) == ""
    assert not_ended(TEXT.replace(old, old.replace("endmodule", ""))) == told
