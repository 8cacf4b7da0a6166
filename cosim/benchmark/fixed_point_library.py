"""The golden step with apytypes, a library of fixed-point arrays."""

import os
from typing import Any

import numpy as np

from qlif.cosim.benchmark.missing import library
from qlif.cosim.benchmark.work import Work


class ApytypesNeurons:
    """The neurons of some work, without a trace. What apytypes has no function for is numpy's.

    Raises
    ------
    Missing
        The library isn't there.
    """

    def __init__(self, work: Work) -> None:
        os.environ.setdefault("APYTYPES_THREAD_COUNT", "1")  # looked at when it is imported
        apytypes = library("apytypes", "apytypes")
        words, arithmetic, values = work.words, work.words.arithmetic, work.words.values
        self._array = apytypes.APyFixedArray
        place, drive = arithmetic.potential, words.drive_format
        self._format = {"int_bits": place.i_bits, "frac_bits": place.f_bits}
        self._to_place = {
            **self._format,
            "quantization": apytypes.QuantizationMode.RND,
            "overflow": apytypes.OverflowMode.SAT,
        }
        # The library shifts the binary point, not the bits.
        self._quadratic_down = words.quadratic_format.f_bits - 2 * place.f_bits
        bias = words.constants["bias"].format
        self._bias = apytypes.APyFixed(
            values["bias"] & ((1 << bias.width) - 1), int_bits=bias.width - bias.f_bits, frac_bits=bias.f_bits
        )
        width = arithmetic.current.width
        self.currents = [
            self._array(row, int_bits=width - drive.f_bits, frac_bits=drive.f_bits)
            for row in work.current_words
        ]
        self._threshold, self._reset = values["threshold"], values["reset"]
        self._period, self._word = values["refractory"], work.plan.potential
        self.potential = np.full(work.n, self._reset, dtype=self._word)
        self.refractory = np.zeros(work.n, dtype=work.plan.refractory)

    def step(self, current: Any) -> None:
        """Advance one timestep."""
        before = self._array(self.potential, **self._format)
        total = before + ((before * before) >> self._quadratic_down) + current + self._bias
        after = total.cast(**self._to_place).to_bits(numpy=True).astype(self._word)
        holds = self.refractory != 0
        after = np.where(holds, self.potential, after)
        spiked = after >= self._threshold
        self.refractory = np.where(spiked, self._period, self.refractory - holds)
        self.potential = np.where(spiked, self._reset, after)

    def run(self) -> None:
        """Advance over the whole input."""
        for current in self.currents:
            self.step(current)

    def end(self) -> Any:
        """Return the state."""
        return self.potential, self.refractory
