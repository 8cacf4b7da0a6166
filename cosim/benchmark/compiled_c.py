"""The baseline: the golden step in C, compiled on demand for this machine."""

import ctypes
from pathlib import Path
from typing import Any

import numpy as np

from qlif.cosim.benchmark.work import Work
from qlif.cosim.bitslice.simulation import pointer
from qlif.cosim.simulator.c_compiler import FLAGS, compiled_library
from qlif.model.arithmetic import Currents, Form
from qlif.model.kernel.blocks import BLOCK
from qlif.model.kernel.rules import Shifts
from qlif.model.rounding import Overflow, Rounding

SOURCE = Path(__file__).with_name("golden_step.c")
WIDE = "-mprefer-vector-width=512"
"""What GCC doesn't do by itself where it could: use the widest registers."""


class CompiledC:
    """The neurons of some work, advanced by C.

    Only who spiked in the last timestep is kept; nothing is recorded.

    Parameters
    ----------
    work : Work
    directory : Path
        Where the library is built.
    flags : sequence of str
        More of the compiler's.

    Raises
    ------
    InputError
        There is no compiler, or it fails.
    """

    def __init__(self, work: Work, directory: Path, *flags: str) -> None:
        library = directory / f"golden-step-{len(list(directory.iterdir()))}.so"
        self._library = compiled_library(SOURCE, library, (*FLAGS, *flags), definitions(work))
        plan = work.plan
        self._currents, self._work = work.current_words, work
        self._potential = np.full(work.n, work.words.values["reset"], dtype=plan.potential)
        self._refractory = np.zeros(work.n, dtype=plan.refractory)
        self._trace = np.zeros(work.n, dtype=plan.trace)
        self._spiked = np.zeros(work.n, dtype=np.uint8)
        self._arguments = [
            *map(pointer, (self._potential, self._refractory, self._trace, self._spiked, self._currents)),
            ctypes.c_long(work.timesteps),
            ctypes.c_long(work.n),
        ]

    def run(self) -> None:
        """Advance over the whole input, timestep by timestep."""
        self._library.run(*self._arguments)

    def run_blocked(self) -> None:
        """Advance over the whole input, block by block."""
        self._library.run_blocked(*self._arguments, ctypes.c_long(BLOCK))

    def end(self) -> Any:
        """Return the state."""
        return self._potential, self._refractory, self._trace


def definitions(work: Work) -> dict[str, Any]:
    """Return what the source is compiled with."""
    words, shifts, arithmetic = work.words, work.plan.shifts.tolist(), work.words.arithmetic
    if not (
        arithmetic.form is Form.SQUARE
        and arithmetic.currents is Currents.SCALED
        and arithmetic.rounding is Rounding.RND
        and arithmetic.overflow is Overflow.SAT
        and arithmetic.product_rounding is None
        and not words.parameters.additive_spike_trace
        and words.parameters.lower_bound is None
    ):
        raise AssertionError("the yardstick is written for the square form alone")
    values, down = words.values, shifts[Shifts.SUM]
    defined = {
        "SUM": f"int{work.plan.rule(False, False).sum_bits}_t",
        "POTENTIAL": f"{work.plan.potential}_t",
        "REFRACTORY": f"{work.plan.refractory}_t",
        "TRACE": f"{work.plan.trace}_t",
        "CURRENT": f"{work.plan.current}_t",
        "LOW": f"({shifts[Shifts.LOW]})",
        "HIGH": shifts[Shifts.HIGH],
        "QUADRATIC_UP": shifts[Shifts.QUADRATIC],
        "DRIVE_UP": shifts[Shifts.DRIVE],
        "SUM_DOWN": down,
        "OFFSET": f"({(values['bias'] << shifts[Shifts.BIAS]) + (1 << (down - 1))})",
        "THRESHOLD": f"({values['threshold']})",
        "RESET": f"({values['reset']})",
        "PERIOD": values["refractory"],
        "TRACE_SPIKE": values["trace_spike"],
        "DECAY": values["decay"],
        "DECAY_DOWN": shifts[Shifts.DECAY],
    }
    return defined | ({"WITH_TRACE": 1} if words.parameters.spike_trace else {})
