"""A board that is simulated, UART pins included, behind a pseudo-terminal."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from qlif.cosim.simulator import verilator_program
from qlif.cosim.simulator.find import find
from qlif.hdl.board.top import BOARD_TOP
from qlif.hdl.boards.board import Board
from qlif.model.exceptions import InputError, ToolError
from qlif.model.support import process
from qlif.model.support.files import write_text

PROGRAM = Path(__file__).with_name("simulate.cpp")
LEDS_FILE = "leds.txt"
LEDS = ("running", "passed", "failed")
LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class SimulatedBoard:
    """A board under way.

    Attributes
    ----------
    port : str
        The device file that stands for its serial port.
    leds_file : Path
    process : Popen
    """

    port: str
    leds_file: Path
    process: "subprocess.Popen[bytes]"

    def leds(self) -> dict[str, bool]:
        """Return which LEDs are lit."""
        lines = self.leds_file.read_text(encoding="utf-8").splitlines()
        # The last one may not be whole yet.
        values = next((line.split()[1:] for line in reversed(lines) if len(line.split()) == 4), ["0"] * 3)
        return {name: value == "1" for name, value in zip(LEDS, values, strict=True)}

    def watch(self, tell: Callable[[list[str]], None]) -> None:
        """Tell which LEDs are lit whenever that changes, until the board ends, which is a failure.

        Raises
        ------
        ToolError
            It has ended.
        """
        shown = None
        while self.process.poll() is None:
            if (lit := [name for name, is_lit in self.leds().items() if is_lit]) != shown:
                shown = lit
                tell(lit)
            time.sleep(LOOK_EVERY_S)
        raise ToolError(f"the simulated board ended with exit code {self.process.returncode}")


def build(verilog: str, directory: Path, cells: Sequence[Path] = ()) -> Path:
    """Build the program of a board's design, or of its netlist; return its path.

    Parameters
    ----------
    verilog : str
        With the top module :data:`qlif.hdl.board.top.BOARD_TOP`.
    directory : Path
        Where it goes.
    cells : sequence of Path
        Models of what it instantiates.
    """
    file = directory / f"{BOARD_TOP}.v"
    write_text(file, verilog)
    # Its lint dislikes how state machines are written out, and a netlist altogether.
    return verilator_program.build(
        find("verilator"), file, BOARD_TOP, PROGRAM, directory, cells=cells, lint=False
    )


@contextmanager
def simulated(program: Path, board: Board, directory: Path) -> Iterator[SimulatedBoard]:
    """Run a simulated board; it ends with the block.

    Parameters
    ----------
    program : Path
        What :func:`build` made.
    board : Board
    directory : Path
        Where the file of its LEDs goes.

    Raises
    ------
    InputError
        This system has no pseudo-terminals.
    """
    try:
        import tty
    except ImportError:
        raise InputError("a simulated board needs pseudo-terminals, which this system lacks") from None
    ours, theirs = os.openpty()
    try:
        # No echo, no line ends: bytes. We keep the host's end open, so that hosts may come and go.
        tty.setraw(theirs)
        leds_file = directory / LEDS_FILE
        write_text(leds_file, "")
        low = sum(1 << place for place, name in enumerate(LEDS) if name in board.lit_by_low)
        command = [str(program.resolve()), str(board.divisor), str(leds_file.resolve()), str(low)]
        with (
            open(ours, "r+b", buffering=0, closefd=False) as line,
            process.running(command, stdin=line, stdout=line) as started,
        ):
            yield SimulatedBoard(os.ttyname(theirs), leds_file, started)
    finally:
        os.close(ours)
        os.close(theirs)
