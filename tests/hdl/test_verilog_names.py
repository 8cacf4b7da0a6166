import pytest

from qlif.hdl.verilog_names import check_identifier, reserved_in
from qlif.model.exceptions import InputError


@pytest.mark.parametrize("name", ["qlif_population", "_a1", "A", "a" * 1024, "potential", "Module"])
def test_identifiers_pass(name):
    assert check_identifier("--module", name) == name


@pytest.mark.parametrize(
    "name",
    ["", "../x", "a b", "1a", "a;shell ls", "\\a ", "ä", "a\n", "a$b", "a-b", "a" * 1025, "module", "logic"],
)
def test_anything_else_is_refused(name):
    with pytest.raises(InputError, match=r"^--module must be a "):
        check_identifier("--module", name)


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("wire", "Verilog"),
        ("bit", "SystemVerilog"),
        ("potential", "Verilog-AMS"),
        ("Signal", "VHDL"),
        ("spike", None),
    ],
)
def test_the_language_that_reserves_a_name_is_told(name, language):
    assert reserved_in(name) == language
