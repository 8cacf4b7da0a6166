"""Hundreds of instances of a netlist side by side, with a fault each, until it is known what is seen of each."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any, NamedTuple

import numpy as np

from qlif.cosim.bitslice.simulation import SliceProgram, Slices, SliceSimulation, aligned, pointer
from qlif.cosim.mutation.mutant import Mutant
from qlif.cosim.mutation.planting import KEEP, Masks
from qlif.model.exceptions import DifferenceFound

ROUNDS = (2048, 32_768)
"""After so many clocks, those of which nothing is known yet begin again side by side: most are seen early."""

_CLOCKS_AT_ONCE = 2048
"""Between two looks at whether it is to go on."""


class Running(NamedTuple):
    """Instances side by side.

    Attributes
    ----------
    simulation : SliceSimulation
    inputs : array of uint64, (input bits, instances / 64)
        A clock's, with the masks of each instance's fault.
    open : array of uint64, (1, instances / 64)
        Where nothing is known yet.
    found : array of int64, (2, instances)
        What is known, as the compiled loop says it.
    """

    simulation: SliceSimulation
    inputs: Slices
    open: Slices
    found: Slices

    def pointers(self) -> tuple[object, ...]:
        """Return inputs, state and memories as the compiled loops take them."""
        return pointer(self.inputs), pointer(self.simulation.state), self.simulation.pointers


class Player(ABC):
    """A netlist with masks for faults, compiled together with what is played to it.

    Parameters
    ----------
    mutants : sequence of Mutant
        All that have masks.
    masks : Masks
    program : SliceProgram
        Of the netlist with masks, or of something around it that hands the masks through.

    Attributes
    ----------
    clocks : int, optional
        After so many all is played; None if each instance ends by itself.
    unseen : object
        What is found of an instance that is as the circuit without a fault.
    """

    clocks: int | None = None
    unseen: Any = None

    def __init__(self, mutants: Sequence[Mutant], masks: Masks, program: SliceProgram) -> None:
        self._mutants = {mutant.number: mutant for mutant in mutants}
        self._masks, self._program, self._stopped = masks, program, False

    @abstractmethod
    def _begin(self, running: Running) -> Any:
        """Prepare instances that were just switched on; return what :meth:`_advance` needs beside them."""

    @abstractmethod
    def _advance(self, running: Running, more: Any, begin: int, end: int) -> int:
        """Play some clocks; return how many instances are open then."""

    @abstractmethod
    def _finding(self, first: int, second: int) -> Any:
        """Return what is known of an instance, by its two numbers."""

    def run(self, numbers: Sequence[int], jobs: int) -> Generator[list[tuple[int, Any]]]:
        """Give some faults' numbers with what is found of each, as they come.

        Parameters
        ----------
        numbers : sequence of int
        jobs : int
            How many threads.

        Raises
        ------
        DifferenceFound
            The circuit without a fault, which is among each few hundred, is seen as one.
        """
        limits = [limit for limit in ROUNDS if self.clocks is None or limit < self.clocks]
        each, todo = self._program.width - 1, list(numbers)
        with ThreadPoolExecutor(jobs) as pool:
            for limit in (*limits, self.clocks):
                batches = [todo[first : first + each] for first in range(0, len(todo), each)]
                running = [pool.submit(self._batch, batch, limit) for batch in batches]
                todo = []
                try:
                    for future in as_completed(running):
                        found, left = future.result()
                        todo += left
                        yield found
                finally:
                    self._stopped = bool(running) and not all(future.done() for future in running)
                    for future in running:
                        future.cancel()
                todo.sort()

    def _batch(self, numbers: Sequence[int], limit: int | None) -> tuple[list[tuple[int, Any]], list[int]]:
        """Play to faults side by side; return what is found, and of which nothing is."""
        running = self._switched_on([self._mutants[number] for number in numbers])
        more = self._begin(running)
        clock, left = 0, len(numbers) + 1
        while left and clock != limit and not self._stopped:
            end = clock + _CLOCKS_AT_ONCE if limit is None else min(limit, clock + _CLOCKS_AT_ONCE)
            left, clock = self._advance(running, more, clock, end), end
        open_ = np.unpackbits(running.open.view(np.uint8), bitorder="little").astype(bool)
        results = [
            self.unseen if is_open else self._finding(*found)
            for is_open, found in zip(open_, running.found.T.tolist(), strict=True)
        ]
        if results[0] != self.unseen:
            raise DifferenceFound(f"the netlist without a fault isn't the population: {results[0]}")
        over = ~open_ | (clock == self.clocks)
        found = [(number, results[place]) for place, number in enumerate(numbers, start=1) if over[place]]
        return found, [number for place, number in enumerate(numbers, start=1) if not over[place]]

    def _switched_on(self, mutants: Sequence[Mutant]) -> Running:
        """Return instances with a fault each, but the first."""
        program = self._program
        simulation = SliceSimulation(program, None)
        inputs, open_ = simulation.inputs(1)[0], aligned((1, program.width // 64))
        for name, bits in program.inputs.items():
            if name.startswith(KEEP):
                inputs[bits] = ~np.uint64(0)
        for instance, mutant in enumerate((None, *mutants)):
            part, bit = instance // 64, np.uint64(1 << instance % 64)
            open_[0, part] |= bit
            for name, place in () if mutant is None else self._masks.changed(mutant):
                inputs[program.inputs[name].start + place, part] ^= bit
        return Running(simulation, inputs, open_, np.zeros((2, program.width), dtype=np.int64))
