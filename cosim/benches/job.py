"""A testbench's input and output: files in one directory that simulator and caller share."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.hdl.interface import Interface
from qlif.model.arithmetic import Arithmetic
from qlif.model.golden.neurons import ParameterWrite
from qlif.model.parameters import Parameters
from qlif.model.quantisation import quantise
from qlif.model.support.files import whole_file, write_text
from qlif.model.words import Words

BEGIN_FILE = "begin.txt"
"""The simulation's time at which a counterexample's inputs are driven."""

ENVIRONMENT_VARIABLE = "QLIF_JOB"


@dataclass(frozen=True)
class Job:
    """One run of a testbench.

    Attributes
    ----------
    words : Words
        The neurons; the bench makes its golden model from the same parameters.
    interface : Interface
        The module's.
    options : dict
        Options of the testbench, such as the number of updates.
    currents : array of int, (timesteps, neurons), optional
        Current words to replay.
    writes : tuple of ParameterWrite
        Changes of parameters during the replay.
    """

    words: Words
    interface: Interface
    options: dict[str, Any]
    currents: npt.NDArray[Any] | None = None
    writes: tuple[ParameterWrite, ...] = ()

    def write(self, directory: Path) -> None:
        """Write the job for a bench to find."""
        text = json.dumps(
            {
                "parameters": self.words.parameters.as_dict(),
                "arithmetic": self.words.arithmetic.as_dict(),
                "interface": self.interface.to_json(),
                "options": self.options,
                "writes": [asdict(write) for write in self.writes],
            }
        )
        if self.currents is not None:
            with whole_file(directory / "currents.npy") as path, path.open("wb") as file:
                np.save(file, self.currents.astype(np.int64))
        write_text(directory / "job.json", text)

    @classmethod
    def read(cls, directory: Path) -> "Job":
        """Read the job that was written into a directory."""
        content = json.loads((directory / "job.json").read_text())
        currents = directory / "currents.npy"
        # Words follow from parameters and arithmetic alone, so both processes have the same.
        words = quantise(Parameters(**content["parameters"]), Arithmetic(**content["arithmetic"]))
        return cls(
            words,
            Interface.from_json(content["interface"], "job.json"),
            content["options"],
            np.load(currents) if currents.exists() else None,
            tuple(ParameterWrite(**write) for write in content["writes"]),
        )

    @classmethod
    def present(cls) -> tuple["Job", Path]:
        """Return the job of this process, and the directory where its answer belongs."""
        directory = cls.directory()
        return cls.read(directory), directory

    @property
    def replayed(self) -> npt.NDArray[Any]:
        """The currents; ValueError if there are none."""
        if self.currents is None:
            raise ValueError("the job has no currents to replay")
        return self.currents

    @staticmethod
    def directory() -> Path:
        """Return the directory of this process' job."""
        return Path(os.environ[ENVIRONMENT_VARIABLE])


def write_progress(directory: Path, fraction: float) -> None:
    """Report to the outer process how much of the run is done."""
    write_text(directory / "progress", f"{fraction:.4f}")


def read_progress(directory: Path) -> float:
    """Return what :func:`write_progress` said last; 0 before that."""
    try:
        return float((directory / "progress").read_text())
    except (OSError, ValueError):
        return 0.0


def write_seconds(directory: Path, seconds: float) -> None:
    """Report to the outer process how long the replay itself took."""
    write_text(directory / "seconds", repr(seconds))


def read_seconds(directory: Path) -> float:
    """Return what :func:`write_seconds` said."""
    return float((directory / "seconds").read_text())
