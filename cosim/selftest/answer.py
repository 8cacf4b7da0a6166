"""What the program of a self-test says on its standard output."""

from dataclasses import dataclass
from pathlib import Path

from qlif.cosim.simulator.cocotb_design import SimulationError


@dataclass(frozen=True)
class Answer:
    """Output of the simulated program.

    Attributes
    ----------
    checkpoints : dict of int to int
        Signatures by timestep.
    final : int
        The final signature.
    stuck : bool
        Updates stopped coming before all were there.
    clocks : int
    """

    checkpoints: dict[int, int]
    final: int
    stuck: bool
    clocks: int

    @classmethod
    def read(cls, log: Path) -> "Answer":
        """Read what it said; SimulationError if it ended without an end."""
        checkpoints: dict[int, int] = {}
        said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        for line in said:
            match line.split():
                case ["checkpoint", timestep, signature]:
                    checkpoints[int(timestep)] = int(signature, 16)
                case ["done" | "saved" | "stuck" as what, timestep, signature, clocks]:
                    if what == "done":
                        # Whatever came after the last checkpoint is in it.
                        checkpoints[int(timestep)] = int(signature, 16)
                    return cls(checkpoints, int(signature, 16), what == "stuck", int(clocks))
        raise SimulationError(f"the self-test ended early; it said {said[-1] if said else 'nothing'!r}")
