"""The memories of a population: arrays that tools infer, or block RAMs side by side."""

import re

from qlif.cosim.proof.circuit import Circuit, Clock
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.solver import Term
from qlif.hdl import probes

_FRESH = re.compile(rf"{re.escape(probes.WAS_FRESH)}(?:_(\d+))?")


class RowMemory:
    """A memory with a row for each row of neurons.

    Parameters
    ----------
    terms : Products
    circuit : Circuit
        A population that this project exported.
    name : str
        The memory's.
    width : int
        Bits of a row.
    parts : int
        Number of separately written parts of a row.

    Attributes
    ----------
    arrays : list of int
        The nodes that it consists of.

    Raises
    ------
    InputError
        There is no such memory.
    """

    def __init__(self, terms: Products, circuit: Circuit, name: str, width: int, parts: int = 1) -> None:
        self._terms = terms
        # The array in the model of a block RAM, by the part and the lowest bit of it that it holds.
        block = re.compile(rf"({re.escape(name)}_(\d+)_(\d+)(?:_\d+)?)\.words")
        found = sorted(
            (int(match[2]), int(match[3]), match[1]) for n in circuit.named if (match := block.fullmatch(n))
        )
        self.blocks = [prefix for _, _, prefix in found]
        if found:
            self.arrays = [circuit.named[f"{prefix}.words"] for prefix in self.blocks]
            widths = [circuit.sorts[array].width for array in self.arrays]
            left = [width // parts - low for _, low, _ in found]
            self._sizes = [min(sizes) for sizes in zip(widths, left, strict=True)]
        else:
            # Yosys makes registers of a memory whose address is constant: one row is never counted.
            single = f"{name}[0]"
            self.arrays = [circuit.signal(single if single in circuit.named else name)]
            self._sizes = [width]

    def row(self, now: Clock, number: Term) -> Term:
        """Return what a row holds."""
        words = []
        for array in self.arrays:
            word = now.values[array]
            # A single row is a register.
            if index := now.circuit.sorts[array].index:
                word = self._terms.read(word, self._terms.extend(number, index, False))
            words.append(word)
        return self.joined(words)

    def joined(self, words: list[Term]) -> Term:
        """Return a row of the words in its block RAMs, the first one lowest."""
        used = [self._terms.slice(word, size - 1, 0) for word, size in zip(words, self._sizes, strict=True)]
        return self._terms.concat(*reversed(used))


class StateMemory:
    """The memory of the states, and the registers that a row waits in after it was read.

    Parameters
    ----------
    terms : Products
    circuit : Circuit
        A population that this project exported.
    swaps_banks : bool
        It has two banks, of which each timestep reads one and writes the other.

    Attributes
    ----------
    latency : int
        Clocks from a row's number to its states.

    Raises
    ------
    InputError
        There is no such memory.
    """

    def __init__(self, terms: Products, circuit: Circuit, swaps_banks: bool) -> None:
        width = circuit.width(circuit.signal(probes.STORED))
        names = [probes.state_bank(number) for number in range(2)] if swaps_banks else [probes.STATE]
        self._terms = terms
        self._banks = [RowMemory(terms, circuit, name, width) for name in names]
        self.arrays = [array for bank in self._banks for array in bank.arrays]
        registers = ("latch",) if swaps_banks else ("latch", "registered")
        # Of each bank, for each clock, what a row waits in.
        self._stages = [
            [[circuit.signal(f"{block}.{register}") for block in bank.blocks] for register in registers]
            if bank.blocks
            else [[circuit.signal(probes.READ)]]
            for bank in self._banks
        ]
        # Amaranth numbers signals of one name in the order in which they are made.
        fresh = sorted(
            (int(found[1] or 0), name) for name in circuit.named if (found := _FRESH.fullmatch(name))
        )
        self._fresh = [circuit.named[name] for _, name in fresh]
        self.latency = len(self._stages[0])

    def row(self, now: Clock, number: Term) -> Term:
        """Return what a row was last written to be."""
        if len(self._banks) == 1:
            return self._banks[0].row(now, number)
        # What this timestep has written is in the bank that it doesn't read.
        written = self._terms.make("BV_ULT", number, now[probes.counted_row(probes.WRITING)])
        return self._of_bank(
            self._terms.make("BV_XOR", now[probes.BANK], written),
            [bank.row(now, number) for bank in self._banks],
        )

    def read(self, now: Clock, stage: int) -> Term:
        """Return the row that was read this many clocks before the last one."""
        found = [
            bank.joined([now.values[register] for register in stages[stage]])
            for bank, stages in zip(self._banks, self._stages, strict=True)
        ]
        return found[0] if len(found) == 1 else self._of_bank(now[probes.BANK], found)

    def fresh(self, now: Clock, stage: int) -> Term:
        """Return whether that row was read in the first timestep."""
        return now.values[self._fresh[stage]]

    def _of_bank(self, bank: Term, words: list[Term]) -> Term:
        return self._terms.choose(bank, words[1], words[0])
