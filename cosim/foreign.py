"""Somebody else's population, with the ports of this project's."""

from dataclasses import replace

from qlif.cosim.configuration import Configuration
from qlif.cosim.proof.read_verilog import check_ports, read_circuit
from qlif.hdl.verilog import Export
from qlif.hdl.verilog_names import check_identifier


def foreign_population(configuration: Configuration, verilog: str, module: str, lanes: int = 1) -> Export:
    """Return Verilog of somebody else as an export of a configuration.

    Parameters
    ----------
    configuration : Configuration
        What it is to be.
    verilog : str
        Its text.
    module : str
        Its module.
    lanes : int
        How many updates it makes side by side.

    Raises
    ------
    InputError
        It isn't Verilog that Yosys reads, has no such module, or that hasn't the ports; or Yosys isn't
        installed.
    """
    check_identifier("module", module)
    own = configuration.export(lanes)
    check_ports(read_circuit(verilog, module), own.interface)
    return Export(verilog, replace(own.interface, module=module))
