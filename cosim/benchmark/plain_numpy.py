"""The golden step in numpy, as tight as it gets: no array is made in the loop."""

from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.cosim.benchmark.work import Work
from qlif.model.kernel.rules import Shifts


class TightNumpy:
    """The neurons of some work, without a trace.

    Parameters
    ----------
    work : Work
    dtype : type
        Of all integers, also the input's, so that nothing is converted in the loop: the narrowest that
        holds the sums, or int64, which numpy takes where nothing is said.
    """

    def __init__(self, work: Work, dtype: type = np.int32) -> None:
        shifts, values = work.plan.shifts, work.words.values
        self._low, self._high = int(shifts[Shifts.LOW]), int(shifts[Shifts.HIGH])
        self._quadratic_up, self._drive_up = int(shifts[Shifts.QUADRATIC]), int(shifts[Shifts.DRIVE])
        self._down = int(shifts[Shifts.SUM])
        self._offset = (values["bias"] << int(shifts[Shifts.BIAS])) + (1 << (self._down - 1))
        self._threshold, self._reset = values["threshold"], values["reset"]
        self._period = values["refractory"]
        self.currents: npt.NDArray[Any] = work.current_words.astype(dtype)
        self.potential: npt.NDArray[Any] = np.full(work.n, self._reset, dtype=dtype)
        self.refractory: npt.NDArray[Any] = np.zeros(work.n, dtype=dtype)
        self.spiked = np.zeros(work.n, dtype=np.bool_)
        self._total, self._drive = np.empty_like(self.potential), np.empty_like(self.potential)
        self._holds = np.empty(work.n, dtype=np.bool_)

    def step(self, current: npt.NDArray[Any]) -> None:
        """Advance one timestep."""
        potential, refractory, total, holds = self.potential, self.refractory, self._total, self._holds
        np.multiply(potential, potential, out=total)
        if self._quadratic_up:
            np.left_shift(total, self._quadratic_up, out=total)
        np.left_shift(current, self._drive_up, out=self._drive)
        np.add(total, self._drive, out=total)
        np.add(total, self._offset, out=total)
        np.right_shift(total, self._down, out=total)
        np.add(total, potential, out=total)
        np.minimum(total, self._high, out=total)
        np.maximum(total, self._low, out=total)
        np.not_equal(refractory, 0, out=holds)
        np.copyto(total, potential, where=holds)
        np.subtract(refractory, holds, out=refractory)
        np.greater_equal(total, self._threshold, out=self.spiked)
        np.copyto(refractory, self._period, where=self.spiked)
        np.copyto(total, self._reset, where=self.spiked)
        self.potential, self._total = total, potential

    def run(self) -> None:
        """Advance over the whole input."""
        for current in self.currents:
            self.step(current)

    def end(self) -> Any:
        """Return the state."""
        return self.potential, self.refractory
