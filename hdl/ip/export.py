"""The shell as Verilog."""

import re

from qlif.hdl.interface import Kind
from qlif.hdl.ip.shell import SHELL_MODULE, AxiShell
from qlif.hdl.verilog import GENERATED, Export, commented
from qlif.hdl.verilog_text import verilog_text
from qlif.model.exceptions import InputError

_BUSES = ("s_axis_currents", "m_axis_updates", "m_axis_events", "s_axi")


def axi_shell(population: Export, tested: Export | None = None) -> tuple[AxiShell, str]:
    """Return the shell around an exported population, and its Verilog, without that of what is in it.

    Parameters
    ----------
    population : Export
    tested : Export, optional
        The self-test around the population, which is shared.

    Raises
    ------
    InputError
        It isn't a population, or it holds its currents.
    """
    if population.interface.kind is not Kind.POPULATION:
        raise InputError("--wrapper axi requires a population: not --pipeline")
    population.interface.core.require_stream("the AXI shell")
    shell = AxiShell(population.interface, None if tested is None else tested.interface)
    body = verilog_text(shell, SHELL_MODULE, shell.ports)
    interface = population.interface if tested is None else tested.interface
    header = [
        f"{SHELL_MODULE}: AXI4-Stream and AXI4-Lite around {interface.module}, {interface.name}",
        "",
        f"{GENERATED} One clock (aclk), one synchronous reset (aresetn, active low).",
        "The registers are in qlif_axi.md, the words in TDATA in interface.json.",
    ]
    return shell, commented(header) + "\n" + with_interfaces(body, [one.name for one in shell.ports])


def with_interfaces(verilog: str, ports: list[str]) -> str:
    """Return Verilog whose top module's ports carry the attributes by which Vivado infers interfaces.

    They are listed as they are given: clock and reset, then stream by stream.
    """
    buses = ":".join(dict.fromkeys(bus for bus in _BUSES for port in ports if port.startswith(f"{bus}_")))
    notes = {
        "aclk": (
            "xilinx.com:signal:clock:1.0 aclk CLK",
            f"ASSOCIATED_BUSIF {buses}, ASSOCIATED_RESET aresetn",
        ),
        "aresetn": ("xilinx.com:signal:reset:1.0 aresetn RST", "POLARITY ACTIVE_LOW"),
        "irq": ("xilinx.com:signal:interrupt:1.0 irq INTERRUPT", "SENSITIVITY LEVEL_HIGH"),
    }
    for port in ports:
        for bus in _BUSES:
            if port.startswith(f"{bus}_"):
                kind = "aximm" if bus == "s_axi" else "axis"
                part = port.removeprefix(f"{bus}_").upper()
                notes[port] = (f"xilinx.com:interface:{kind}:1.0 {bus} {part}", "")
    head, start, rest = verilog.partition(f"module {SHELL_MODULE}(")
    body = "\n  " + ",\n  ".join(ports) + "\n" + rest[rest.index(");") :]
    for port, (info, parameter) in notes.items():
        attribute = f'(* X_INTERFACE_INFO = "{info}" *)'
        if parameter:
            attribute += f'\n  (* X_INTERFACE_PARAMETER = "{parameter}" *)'
        body = re.sub(
            rf"^  (input|output)( .*|) {port};$", rf"  {attribute}\n  \1\2 {port};", body, count=1, flags=re.M
        )
    return head + start + body
