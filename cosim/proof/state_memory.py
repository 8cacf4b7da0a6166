"""The memory of a population's states: an array that tools infer, or block RAMs side by side."""

import re

from qlif.cosim.proof.circuit import Circuit, Clock
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.solver import Term
from qlif.cosim.proof.update import signal

_BLOCK = re.compile(r"(core\.state_0_(\d+)(?:\$\d+)?)\.words")
"""The array in the model of a block RAM, by the lowest bit of a row that it holds."""

_FRESH = re.compile(r"core\.was_fresh(?:\$(\d+))?")


class StateMemory:
    """The memory, and the registers that a row waits in after it was read.

    Parameters
    ----------
    terms : Products
    circuit : Circuit
        A population that this project exported.

    Attributes
    ----------
    latency : int
        Clocks from a row's number to its states.

    Raises
    ------
    InputError
        There is no such memory.
    """

    def __init__(self, terms: Products, circuit: Circuit) -> None:
        self._terms = terms
        self._width = circuit.width(signal(circuit, "core.stored"))
        blocks = sorted(
            (int(found[2]), found[1]) for name in circuit.named if (found := _BLOCK.fullmatch(name))
        )
        if blocks:
            self._arrays = [circuit.named[f"{block}.words"] for _, block in blocks]
            stages = [[f"{block}.{register}" for _, block in blocks] for register in ("latch", "registered")]
        else:
            # Yosys makes registers of a memory whose address is constant: one row is never counted.
            single = "core.state[0]"
            self._arrays = [signal(circuit, single if single in circuit.named else "core.state")]
            stages = [["core.read__data"]]
        self._stages = [[signal(circuit, name) for name in stage] for stage in stages]
        # Amaranth numbers signals of one name in the order in which they are made.
        fresh = sorted(
            (int(found[1] or 0), name) for name in circuit.named if (found := _FRESH.fullmatch(name))
        )
        self._fresh = [circuit.named[name] for _, name in fresh]
        self.latency = len(self._stages)

    def row(self, now: Clock, number: Term) -> Term:
        """Return what a row holds."""
        parts = []
        for array in self._arrays:
            word = now.values[array]
            # A single row is a register.
            if index := now.circuit.sorts[array].index:
                word = self._terms.read(word, self._terms.extend(number, index, False))
            parts.append(word)
        return self._joined(parts)

    def read(self, now: Clock, stage: int) -> Term:
        """Return the row that was read so many clocks before the last one."""
        return self._joined([now.values[register] for register in self._stages[stage]])

    def fresh(self, now: Clock, stage: int) -> Term:
        """Return whether that row was read in the first timestep."""
        return now.values[self._fresh[stage]]

    def _joined(self, parts: list[Term]) -> Term:
        """Return a row of parts, the first one lowest; the last may be wider than what is left."""
        return self._terms.slice(self._terms.concat(*reversed(parts)), self._width - 1, 0)
