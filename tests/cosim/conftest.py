"""What the co-simulation tests share."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from qlif.cosim import cli
from qlif.cosim.simulator import find
from qlif.hdl.synthesis import yowasp
from qlif.hdl.verilog import Export
from qlif.model.exceptions import InputError
from qlif.model.plots import themes


@pytest.fixture(params=find.SIMULATORS)
def simulator(request):
    """Each simulator of this machine; one that is missing is a skip with its reason."""
    try:
        return find.find(request.param)
    except InputError as error:
        pytest.skip(str(error))


@pytest.fixture
def quick_simulator():
    """The simulator that builds fastest, for tests that aren't about the simulator."""
    for name in reversed(find.SIMULATORS):
        try:
            return find.find(name)
        except InputError as error:
            reason = str(error)
    pytest.skip(reason)


@pytest.fixture
def yosys():
    """Yosys, or a skip with the reason."""
    try:
        yowasp.version(yowasp.YOSYS)
    except InputError as error:
        pytest.skip(str(error))


@pytest.fixture(autouse=True)
def light_pictures(monkeypatch):
    """Draw a command's pictures once, as SVG for light pages, and copy them: drawing is most of many commands' time.

    The plots' own tests draw both, as PNG too.
    """
    monkeypatch.setattr(themes, "FORMATS", {"svg": themes.FORMATS["svg"]})
    draw, light = themes.drawn, {}

    def once(figure, layouts):
        if not layouts:
            light["svg"] = light["png"] = draw(figure, layouts)["svg"]
        return dict(light)

    monkeypatch.setattr(themes, "drawn", once)


@pytest.fixture
def qlif(tmp_path, monkeypatch, capsys):
    """Run the command in this process, in an empty directory; return (exit code, output, errors)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["qlif", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        return ended.value.code or 0, captured.out, captured.err

    return run


@pytest.fixture
def in_this_process(monkeypatch):
    """Points of a study are evaluated here, where everything is imported already."""
    monkeypatch.setattr("qlif.model.studies.executors.worker_processes", ThreadPoolExecutor)


@pytest.fixture(scope="session")
def with_fault():
    """What plants faults around a population."""
    return _with_fault


def _with_fault(export, corrupted):
    """Return the export with a module around the population that corrupts some of its ports.

    `corrupted` gives, for the name of a port, a Verilog expression in `raw`, the port's right value. It may
    use any port, and `count`, the number of updates that were given so far.
    """
    interface = export.interface
    module = interface.module
    declarations, connections, wires = [], [], []
    for port in interface.ports:
        name, width = port.name, port.width
        declarations.append(f"{port.direction} [{width - 1}:0] {name}")
        if name not in corrupted:
            connections.append(f".{name}({name})")
            continue
        wires.append(f"wire [{width - 1}:0] inner_{name};")
        expression = corrupted[name]
        if port.direction == "input":
            wires.append(f"assign inner_{name} = {expression.replace('raw', name)};")
        else:
            wires.append(f"assign {name} = {expression.replace('raw', f'inner_{name}')};")
        connections.append(f".{name}(inner_{name})")
    wrapper = f"""
module {module}(input clk, input rst, {", ".join(declarations)});
  reg [63:0] count;
  always @(posedge clk) begin
    if (rst) count <= 0;
    else if (updates_valid & updates_ready) count <= count + 1;
  end
  {" ".join(wires)}
  {module}_right right(.clk(clk), .rst(rst), {", ".join(connections)});
endmodule
"""
    verilog = export.verilog.replace(f"module {module}(", f"module {module}_right(", 1)
    assert verilog != export.verilog
    return Export(verilog + wrapper, interface)
