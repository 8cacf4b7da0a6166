"""The files beside an export that other tools start from: the same each time, for the same export."""

import hashlib
import importlib.metadata
from collections.abc import Mapping, Sequence

from qlif.hdl.interface import Interface, Kind
from qlif.hdl.ip.export import axi_shell
from qlif.hdl.ip.fusesoc import core_file
from qlif.hdl.ip.register_files import ip_xact, register_files
from qlif.hdl.ip.shell import SHELL_MODULE
from qlif.hdl.ports import Port
from qlif.hdl.synthesis.gates import models_of
from qlif.hdl.verilog import GENERATED, INTERFACE_FILE, Export, lint_waivers
from qlif.model.formats import UQ

CHECKSUMS = "SHA256SUMS"
_WAIVED = {"CASEOVERLAP": "of the conditions of a case, each a bit, at most one is true"}
_UNTESTED = "Untested on the vendor's tool."


def axi_files(population: Export, tested: Export | None = None) -> dict[str, str]:
    """Return the AXI shell of a population, its registers' files, and what Vivado and LiteX begin with.

    Parameters
    ----------
    population : Export
    tested : Export, optional
        The self-test around the population, which is shared. If it knows the golden model's signature, so does the
        driver.

    Raises
    ------
    InputError
        It isn't a population.
    """
    shell, verilog = axi_shell(population, tested)
    version = importlib.metadata.version("qlif")
    ports = {
        signal.name: ("in" if signal.name in shell.inputs else "out", len(signal)) for signal in shell.ports
    }
    inner = population.interface if tested is None else tested.interface
    sources = [f"{inner.module}.v", f"{SHELL_MODULE}.v"]
    expected = None if inner.tested is None else inner.tested.expected
    return {
        f"{SHELL_MODULE}.v": verilog,
        f"{SHELL_MODULE}.vlt": f"// {GENERATED}\n{lint_waivers(SHELL_MODULE, _WAIVED)}",
        **register_files(shell.registers, version, expected),
        "component.xml": ip_xact(shell.registers, version, ports, sources),
        f"{SHELL_MODULE}.veo": _instance(SHELL_MODULE, list(ports)),
        "package_ip.tcl": _package_ip(sources),
        f"{SHELL_MODULE}_litex.py": _litex(ports, sources),
    }


def package_files(export: Export, others: Mapping[str, str], testbench: Sequence[str] = ()) -> dict[str, str]:
    """Return what stands beside every export.

    Parameters
    ----------
    export : Export
    others : mapping of str to str
        The other files that are written, by their names: they are in the checksums, Verilog also in the lists.
    testbench : sequence of str
        Of them, the one in Verilog and what it reads.
    """
    interface = export.interface
    module = interface.module
    cells = {path.name: f"// {GENERATED}\n{path.read_text(encoding='utf-8')}" for path in models_of(export)}
    is_axi = f"{SHELL_MODULE}.v" in others
    top, clock = (SHELL_MODULE, "aclk") if is_axi else (module, "clk")
    untested = f"# {GENERATED} {_UNTESTED}\n"
    sources = [*cells, f"{module}.v", *([f"{SHELL_MODULE}.v"] if is_axi else [])]
    files = {
        **cells,
        f"{module}.veo": _instance(module, ["clk", "rst", *(port.name for port in interface.ports)]),
        **_headers(interface),
        f"{top}.f": f"// {GENERATED}\n" + "".join(f"{name}\n" for name in sources),
        f"{top}.core": core_file(
            top,
            sources,
            sorted({f"{module}.vlt", *(one for one in others if one.endswith(".vlt"))}),
            testbench,
        ),
        f"{top}.xdc": f"{untested}create_clock -period 5.000 -name {clock} [get_ports {clock}]\n",
        f"{top}.sdc": f"{untested}create_clock -name {clock} -period 5.000 [get_ports {{{clock}}}]\n",
    }
    if interface.kind is Kind.POPULATION:
        files[f"{module}_amaranth.py"] = _amaranth(interface)
    everything = {
        f"{module}.v": export.verilog,
        f"{module}.vlt": lint_waivers(module),
        INTERFACE_FILE: interface.to_text(),
        **others,
        **files,
    }
    files[CHECKSUMS] = "".join(
        f"{hashlib.sha256(everything[name].encode()).hexdigest()}  {name}\n" for name in sorted(everything)
    )
    return files


def _instance(module: str, ports: list[str]) -> str:
    connections = ",\n".join(f"    .{port}({port})" for port in ports)
    return f"// {GENERATED}\n{module} your_{module} (\n{connections}\n);\n"


def _headers(interface: Interface) -> dict[str, str]:
    """Return widths, fraction bits, selects and scales as macros of Verilog and C, and in a package."""
    numbers: dict[str, int | float] = dict(interface.timing())
    for port in interface.ports:
        numbers[f"{port.name}_width"] = port.width
        if port.format != UQ(port.format.width, 0):
            numbers[f"{port.name}_fraction"] = port.format.f_bits
    for one in interface.runtime:
        numbers[f"select_{one.name}"] = one.select
    words = interface.words
    scales = {"scale": words.scale, "origin": words.origin, "current_scale": words.current_scale}
    numbers |= {name: float(value) for name, value in scales.items() if isinstance(value, int | float)}
    module = interface.module
    prefix = module.upper()
    macros = [(f"{prefix}_{name.upper()}", value) for name, value in numbers.items()]
    vh = "".join(f"`define {name} {value!r}\n" for name, value in macros)
    h = "".join(f"#define {name} {value!r}\n" for name, value in macros)
    svh = "".join(
        f"  localparam {'int' if isinstance(value, int) else 'real'} {name.upper()} = {value!r};\n"
        for name, value in numbers.items()
    )
    guard = f"{prefix}_"
    return {
        f"{module}.vh": f"// {GENERATED}\n`ifndef {guard}VH\n`define {guard}VH\n{vh}`endif\n",
        f"{module}.svh": f"// {GENERATED}\npackage {module}_pkg;\n{svh}endpackage\n",
        f"{module}.h": f"/* {GENERATED} */\n#ifndef {guard}H\n#define {guard}H\n{h}#endif\n",
    }


def _package_ip(sources: list[str]) -> str:
    return f"""\
# {GENERATED} {_UNTESTED}
create_project -in_memory
read_verilog {{{" ".join(sources)}}}
set_property top {SHELL_MODULE} [current_fileset]
ipx::package_project -root_dir . -vendor qlif -library neuron -taxonomy /UserIP -force
ipx::infer_bus_interfaces xilinx.com:interface:axis_rtl:1.0 [ipx::current_core]
ipx::infer_bus_interfaces xilinx.com:interface:aximm_rtl:1.0 [ipx::current_core]
ipx::save_core [ipx::current_core]
"""


def _litex(ports: Mapping[str, tuple[str, int]], sources: list[str]) -> str:
    """Return a module for LiteX: the registers on a bus, the streams as its own."""
    lite = [name for name in ports if name.startswith("s_axi_")]
    lines = []
    for port in lite:
        direction, width = ports[port]
        name = port.removeprefix("s_axi_")
        # Channel and field: ``awaddr`` is ``aw.addr``.
        channel = next(
            head for head in ("aw", "ar", "w", "b", "r") if name.removeprefix(head) in _LITE_FIELDS
        )
        field = name.removeprefix(channel)
        match field:
            case "prot":
                signal = f"Constant(0, {width})"
            case "addr":
                signal = f"bus.{channel}.{field}[:{width}]"
            case _:
                signal = f"bus.{channel}.{field}"
        lines.append(f"            {direction[0]}_{port}={signal},")
    axis = [name.rpartition("_t") for name in ports if "_axis_" in name]
    streams = {bundle: bundle.rpartition("_")[2] for bundle, _, _ in axis}
    signals = "\n".join(
        f'        self.{name} = stream.Endpoint([("data", {ports[f"{bundle}_tdata"][1]})])'
        for bundle, name in streams.items()
    )
    given = "\n".join(
        f"            {ports[f'{bundle}_t{field}'][0][0]}_{bundle}_t{field}=self.{streams[bundle]}.{field},"
        for bundle, _, field in axis
    )
    return f'''\
"""{SHELL_MODULE} in a LiteX SoC: its registers on an AXI4-Lite bus, its streams as endpoints. {GENERATED}

    self.qlif = Qlif(self.platform)
    self.bus.add_slave("qlif", self.qlif.bus, SoCRegion(size=0x100, cached=False))
"""

from pathlib import Path

from litex.gen import LiteXModule
from litex.soc.interconnect import axi, stream
from migen import ClockSignal, Constant, Instance, ResetSignal, Signal


class Qlif(LiteXModule):
    def __init__(self, platform):
        self.bus = bus = axi.AXILiteInterface(data_width=32, address_width=32)
        self.irq = Signal()
{signals}
        self.specials += Instance(
            "{SHELL_MODULE}",
            i_aclk=ClockSignal("sys"),
            i_aresetn=~ResetSignal("sys"),
            o_irq=self.irq,
{given}
{chr(10).join(lines)}
        )
        for source in {sources!r}:
            platform.add_source(str(Path(__file__).with_name(source)))
'''


_LITE_FIELDS = ("valid", "ready", "addr", "prot", "data", "strb", "resp")


def _amaranth(interface: Interface) -> str:
    """Return an example that puts the module into a design in Amaranth, with plain signals for its words."""

    def shape(port: Port) -> str:
        return f"signed({port.width})" if port.format.signed and port.lanes == 1 else f"{port.width}"

    signals = "\n".join(f"        self.{port.name} = Signal({shape(port)})" for port in interface.ports)
    given = "\n".join(
        f"            {port.direction[0]}_{port.name}=self.{port.name}," for port in interface.ports
    )
    word = "payload.word" if interface.core.holds_currents else "payload"
    return f'''\
"""{interface.module} in a design in Amaranth: its words are plain signals. {GENERATED}

In Python, `qlif.hdl.Population` is a component; its payloads are fixed-point words: assign their bits with
``population.currents.{word}.as_value().eq(word)``.
"""

from amaranth.hdl import ClockSignal, Elaboratable, Instance, Module, ResetSignal, Signal, signed


class Qlif(Elaboratable):
    def __init__(self):
{signals}

    def elaborate(self, platform):
        m = Module()
        m.submodules.population = Instance(
            "{interface.module}",
            i_clk=ClockSignal(),
            i_rst=ResetSignal(),
{given}
        )
        return m
'''
