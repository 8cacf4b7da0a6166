"""Other people's Verilog with the ports of our population."""

from dataclasses import replace

from qlif.cosim.configuration import Configuration
from qlif.cosim.proof.read_verilog import check_ports, read_circuit
from qlif.hdl.verilog import Export
from qlif.hdl.verilog_names import check_identifier


def foreign_population(configuration: Configuration, verilog: str, module: str, lanes: int = 1) -> Export:
    """Return other people's Verilog as an export of a configuration.

    Parameters
    ----------
    configuration : Configuration
        What it should implement.
    verilog : str
        Its text.
    module : str
        Its module.
    lanes : int
        Number of lanes.

    Raises
    ------
    InputError
        Yosys can't read it, it has no such module, or the module lacks the ports; or Yosys isn't
        installed.
    """
    check_identifier("module", module)
    own = configuration.export(lanes)
    check_ports(read_circuit(verilog, module), own.interface)
    return Export(verilog, replace(own.interface, module=module))
