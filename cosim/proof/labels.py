"""What registers are called in the Verilog."""

from qlif.cosim.proof.circuit import Circuit
from qlif.hdl.probes import CORE


def labels(circuit: Circuit) -> dict[int, str]:
    """Return what each state is called in the Verilog, without the adapter's name of the core."""
    names: dict[int, list[str]] = {number: [name] for name, number in circuit.states.items()}
    nodes = {node.number: node for node in circuit.nodes}
    for name, number in circuit.named.items():
        node = nodes[number]
        if node.operation == "ite":
            # A register with an asynchronous reset shows a constant while that is on.
            number = next((one for one in node.operands[1:] if one in names), number)
        if number in names:
            names[number].append(name)

    def rank(name: str) -> tuple[bool, int]:
        return not name.startswith(f"{CORE}."), len(name)

    return {
        number: min(found[1:] or found, key=rank).removeprefix(f"{CORE}.") for number, found in names.items()
    }
