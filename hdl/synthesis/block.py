"""The module whose resources and Fmax are measured: a population, or what stands around one."""

from dataclasses import dataclass

from qlif.hdl.core import Core
from qlif.hdl.interface import Interface
from qlif.hdl.ip.export import axi_shell
from qlif.hdl.ip.shell import SHELL_MODULE
from qlif.hdl.ports import Port
from qlif.hdl.selftest.export import export_self_test
from qlif.hdl.verilog import export
from qlif.model.formats import UQ
from qlif.model.selftest.plan import SelfTestPlan


@dataclass(frozen=True)
class Block:
    """Verilog, and the ports of its top module.

    Attributes
    ----------
    verilog : str
    interface : Interface
        Of the population, or of the self-test around it.
    module : str
    ports : tuple of Port
        Besides the clock and the reset.
    clock, reset : str
        What the module calls them.
    constant : frozenset of str
        Outputs that are rightly constant.
    is_bare : bool
        Whether there is nothing around the population.
    """

    verilog: str
    interface: Interface
    module: str
    ports: tuple[Port, ...]
    clock: str = "clk"
    reset: str = "rst"
    constant: frozenset[str] = frozenset()
    is_bare: bool = False


def block(core: Core, *, selftest: bool = False, axi: bool = False) -> Block:
    """Return a population as Verilog, and what is asked for around it.

    Parameters
    ----------
    core : Core
    selftest : bool
        Its self-test.
    axi : bool
        The AXI shell, around the self-test if there is one.

    Raises
    ------
    InputError
        The AXI shell is asked for, and the population holds its currents.
    """
    population = export(core)
    tested = export_self_test(population, SelfTestPlan.of(core.words), shared=axi) if selftest else None
    made = tested or population
    interface = made.interface
    if not axi:
        return Block(made.verilog, interface, interface.module, interface.ports, is_bare=tested is None)
    shell, text = axi_shell(population, tested)
    clock, reset, *others = shell.ports
    ports = tuple(
        Port(one.name, "input" if one.name in shell.inputs else "output", UQ(len(one), 0), "")
        for one in others
    )
    # Each event is a packet of its own.
    constant = frozenset({"m_axis_events_tlast"})
    return Block(made.verilog + text, interface, SHELL_MODULE, ports, clock.name, reset.name, constant)
