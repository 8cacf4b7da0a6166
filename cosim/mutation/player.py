"""A program that reads fault numbers and answers a line for each, in several processes."""

from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Protocol

from qlif.cosim.simulator import limits
from qlif.cosim.simulator.design import SimulationError
from qlif.model.support import process


class Player(Protocol):
    """A netlist with faults, built together with what is played to it."""

    def run(self, numbers: Sequence[int], jobs: int) -> Generator[tuple[int, Any]]:
        """Give each fault's number with what is found of it, as they come.

        Parameters
        ----------
        numbers : sequence of int
            The faults; 0 is the circuit without any.
        jobs : int
            How many processes.

        Raises
        ------
        SimulationError
            A process died.
        """


def play(command: Sequence[str], numbers: Sequence[int], jobs: int) -> Generator[tuple[int, ...]]:
    """Give the numbers in each line that the program says, as they come.

    Parameters
    ----------
    command : sequence of str
        The program and its arguments.
    numbers : sequence of int
        The faults, that it reads from its standard input; 0 is the circuit without any.
    jobs : int
        How many processes share them.

    Raises
    ------
    SimulationError
        A process died.
    """
    found: SimpleQueue[tuple[int, ...] | None] = SimpleQueue()
    shares = [list(numbers[job::jobs]) for job in range(jobs)]

    def work(share: Sequence[int]) -> None:
        try:
            for answer in _process(command, share):
                found.put(answer)
        finally:
            found.put(None)

    with ThreadPoolExecutor(jobs) as pool:
        working = [pool.submit(work, share) for share in shares]
        for _ in shares:
            while (answer := found.get()) is not None:
                yield answer
        for worker in working:
            worker.result()


def _process(command: Sequence[str], numbers: Sequence[int]) -> Iterator[tuple[int, ...]]:
    with process.running(command, stdin=process.PIPE, stdout=process.PIPE) as started:
        assert started.stdin is not None
        count = 0
        with suppress(BrokenPipeError):  # it crashed before it had read them
            started.stdin.write(" ".join(map(str, numbers)).encode() + b"\n")
            started.stdin.close()
        try:
            said = process.lines(started, what="the program with faults", seconds=limits.silent_seconds())
            for line in said:
                count += 1
                yield tuple(map(int, line.split()))
        except process.TimedOut as error:
            raise SimulationError(f"{error}, at fault {numbers[count]}") from None
        if count < len(numbers):
            raise SimulationError(f"the program crashed with fault {numbers[count]}")
