"""The registers of a circuit by the names that they have in somebody else's Verilog."""

from qlif.cosim.proof.circuit import Circuit
from qlif.cosim.proof.labels import labels
from qlif.hdl.probes import CORE


class RegisterNames:
    """Finds registers and memories by name.

    Parameters
    ----------
    circuit : Circuit
        A core in its adapter, with every signal.

    Attributes
    ----------
    labels : dict of int to str
        What each state is called in the Verilog, without the adapter's name of the core.
    """

    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit
        self.labels = labels(circuit)

    def find(self, name: str) -> int:
        """Return the state of a register by its name, in the core or in the adapter around it.

        Raises
        ------
        KeyError
            There is none.
        """
        for full in (f"{CORE}.{name}", name):
            if full in self._circuit.states:
                return self._circuit.states[full]
            if full in self._circuit.named:
                found = self._circuit.cone([self._circuit.named[full]]) & self.labels.keys()
                if len(found) == 1:
                    return found.pop()
        raise KeyError(name)

    def find_rows(self, name: str, rows: int) -> tuple[int, ...]:
        """Return the states that hold a word of each neuron: a register or a memory, or as many registers.

        Raises
        ------
        KeyError
            There are none.
        """
        try:
            return (self.find(name),)
        except KeyError:
            return tuple(self.find(f"{name}[{row}]") for row in range(rows))
