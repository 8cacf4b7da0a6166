"""Gate equivalents: by a Liberty file of ours, and by Debian's where it is installed."""

import json
import re
from pathlib import Path

import pytest

from qlif.cosim.configuration import Settings
from qlif.hdl.core import Core
from qlif.hdl.synthesis import cell_area as module
from qlif.hdl.synthesis import yowasp
from qlif.hdl.synthesis.cell_area import LIBERTY, Library, cell_area
from qlif.hdl.targets.catalogue import primitives
from qlif.model.exceptions import InputError


def gate(name: str, area: float, function: str, inputs: str) -> str:
    pins = "".join(f"pin ({one}) {{ direction : input; capacitance : 1; }}\n" for one in inputs)
    return f'cell ({name}) {{ area : {area};\n{pins}pin (Y) {{ direction : output; function : "{function}"; }}\n}}\n'


LIBRARY = f"""\
/* cell (NAND2_OLD) {{ area : 1; }} */
library (few) {{
time_unit : "1ns";
capacitive_load_unit (1, pf);
{gate("INV", 1.5, "!A", "A")}{gate("BUF", 2, "A", "A")}
{gate("NAND2X2", 6, "!(A B)", "AB")}{gate("NAND2X1", 2.5, "!(A B)", "AB")}
{gate("NAND21", 0.5, "!(A !B)", "AB")}{gate("NOR2X1", 3, "!(A+B)", "AB")}
cell ("DFF") {{
area : 10.25;
ff (IQ, IQN) {{ next_state : "D"; clocked_on : "CK"; }}
pin (CK) {{ direction : input; clock : true; }}
pin (D) {{ direction : input; }}
pin (Q) {{ direction : output; function : "IQ"; }}
}}
}}
"""


def core(neurons: int = 20, **options: object) -> Core:
    return Settings.read("tiny-8").population(neurons).core(**options)


def test_a_liberty_file_is_read() -> None:
    found = Library.of(LIBRARY, "x.lib")
    assert found.name == "few"
    assert found.nand2 == "NAND2X1"
    assert found.areas["DFF"] == 10.25
    assert found.flip_flops == {"DFF"}
    assert "NAND2_OLD" not in found.areas


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hello", "x.lib must be a Liberty file: it has no library"),
        (
            LIBRARY.replace("NAND2X", "ND2X"),
            "x.lib has no cell NAND2 with an area, which is one gate equivalent",
        ),
    ],
)
def test_other_files_are_refused(text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        Library.of(text, "x.lib")


def test_gate_equivalents_are_yosys_area_by_that_of_a_nand(tmp_path: Path) -> None:
    liberty = tmp_path / "few.lib"
    liberty.write_text(LIBRARY)
    found = cell_area(core(), tmp_path / "out", liberty)
    yowasp.run(
        yowasp.YOSYS,
        [
            "-p",
            "read_json cells.json; tee -o stat.json stat -top qlif_population -json -liberty cells.lib",
        ],
        tmp_path / "out",
        "stat.log",
    )
    told = json.loads((tmp_path / "out" / "stat.json").read_text())["design"]
    assert found.gate_equivalents == round(told["area"] / 2.5)
    assert found.flip_flops == told["num_cells_by_type"]["DFF"] > 50
    declared = re.findall(
        r"(?m)^  reg \[(\d+):0\] \w+ \[(\d+):0\];", (tmp_path / "out" / "block.v").read_text()
    )
    assert len(declared) == 2
    assert found.memory_bits == sum((int(high) + 1) * (int(last) + 1) for high, last in declared)
    assert found.notes[0].startswith("an estimate: the area of the cells of few by that of NAND2X1")
    assert not any("MHz" in note for note in found.notes)


def test_what_can_t_be_mapped_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="standard cells require --variant portable"):
        cell_area(core(built_from=primitives("explicit", "ecp5")), tmp_path)
    with pytest.raises(InputError, match=r"none\.lib can't be read: No such file"):
        cell_area(core(), tmp_path, tmp_path / "none.lib")
    monkeypatch.setattr(module, "LIBERTY", tmp_path / "none.lib")
    with pytest.raises(
        InputError, match="is not installed: apt install qflow-tech-osu035, or choose another"
    ):
        cell_area(core(), tmp_path, tmp_path / "none.lib")


@pytest.mark.slow
def test_debians_cells(tmp_path: Path) -> None:
    if not LIBERTY.exists():
        pytest.skip("qflow-tech-osu035 isn't installed")
    found = cell_area(core(), tmp_path, LIBERTY)
    assert found.library == "osu035_stdcells"
    assert 500 < found.gate_equivalents < 20_000
    assert found.cells["DFFPOSX1"] == found.flip_flops
