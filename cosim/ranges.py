"""How far each signal of an update comes: on an input, and for any input at all; and the integer bits that would do.

What was seen is the golden model's. How far a signal can come is a bound from intervals: over the potentials that a
neuron can reach (:mod:`qlif.cosim.proof.reach`), every current of its format, all random bits and phases. It is
never too narrow; of a signal that depends on potential and current it may be somewhat too wide.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, assert_never

import numpy as np
import numpy.typing as npt

from qlif.cosim.proof import intervals
from qlif.cosim.proof.intervals import Interval
from qlif.cosim.proof.reach import Reach, pieces
from qlif.model.arithmetic import Currents, Form
from qlif.model.exceptions import InputError
from qlif.model.formats import Format
from qlif.model.golden import step
from qlif.model.golden.neurons import FixedNeurons
from qlif.model.rounding import narrow
from qlif.model.words import Words

NEAR = 0.9
"""From this share of its format on, a signal came near its rails."""

Words_ = npt.NDArray[Any]


@dataclass(frozen=True)
class SignalRange:
    """How far a signal comes.

    Attributes
    ----------
    name : str
    format : Format
        That it has; of an exact result, the one that holds it for every word of what it is computed from.
    seen, possible : (int, int)
        Lowest and highest word on the input, and for any input.
    outside : int
        Updates in which it was outside of its format, so that it was saturated or wrapped.
    """

    name: str
    format: Format
    seen: tuple[int, int]
    possible: tuple[int, int]
    outside: int = 0

    @property
    def used(self) -> float:
        """The part of the format's half range that was used, at the side where it is more."""
        low, high = self.seen
        below = low / self.format.min_word if self.format.signed else 0.0
        return max(below, high / self.format.max_word)

    def bits_for(self, ends: tuple[int, int]) -> int:
        """Return the integer bits that hold two words and all between, with as many fraction bits."""
        magnitudes = [(~end if end < 0 else end).bit_length() for end in ends]
        return max(magnitudes) + self.format.signed - self.format.f_bits

    def as_dict(self) -> dict[str, Any]:
        """Return the line ready for JSON: values in the unit of the signal's word."""
        lsb = self.format.resolution
        return {
            "signal": self.name,
            "format": str(self.format),
            "seen": [end * lsb for end in self.seen],
            "used": self.used,
            "near_rails": self.used >= NEAR or self.outside > 0,
            "outside": self.outside,
            "possible": [end * lsb for end in self.possible],
            "integer_bits": self.format.i_bits,
            "integer_bits_seen": self.bits_for(self.seen),
            "integer_bits_possible": self.bits_for(self.possible),
        }


def ranges_of(words: Words, currents: npt.NDArray[np.float64]) -> list[SignalRange]:
    """Return how far every signal comes, under currents, (timesteps, neurons), and under any.

    Raises
    ------
    InputError
        The neurons have different parameters, or a current is outside its format.
    """
    reach = Reach.of(words)
    if reach is None:
        raise InputError("ranges are of neurons with equal parameters: give each one value")
    constants = {name: int(word) for name, word in words.values.items()}
    current = words.current_words(currents)
    neurons = FixedNeurons(words)
    _, after = neurons.run_words(current.astype(neurons.current_type))
    start = {"potential": constants["reset"], "refractory": 0}
    before = {
        name: np.concatenate([np.full((1, currents.shape[1]), start[name]), after[name][:-1]])
        for name in start
    }
    kind = np.int64 if words.largest_width < 63 else object
    free = before["refractory"] == 0
    integrated = signals(
        words, constants, before["potential"][free].astype(kind), current[free].astype(kind), np.where
    )
    possible = _possible(words, constants, reach)
    kept = {
        "potential": (reach.lowest, reach.highest),
        "refractory": (0, reach.longest),
        "trace": (0, reach.trace),
    }
    found = [
        SignalRange(name, words.formats[name], _ends(after[name]), ends)
        for name, ends in kept.items()
        if name in words.kept_formats
    ]
    whole = words.arithmetic.current
    found.append(SignalRange("current", whole, _ends(current), (whole.min_word, whole.max_word)))
    for name, (value, format) in integrated.items():
        outside = int(np.sum((value < format.min_word) | (value > format.max_word)))
        found.append(SignalRange(name, format, _ends(value), possible[name], outside))
    return found


def signals(
    words: Words,
    constants: Mapping[str, int],
    potential: Any,
    current: Any,
    where: Callable[[Any, Any, Any], Any],
) -> dict[str, tuple[Any, Format]]:
    """Return every intermediate result of an update that integrates, and its format.

    Each is what it is before it is narrowed itself, but for the increment.

    The sum is the one of a step without phase, in the potential's LSBs, before it is brought to the potential's
    range; its random word is 0.
    """
    arithmetic = words.arithmetic
    found: dict[str, tuple[Any, Format]] = {}
    match arithmetic.form:
        case Form.FACTORED:
            format = words.difference_format
            rest, critical = (potential - constants[name] for name in ("rest", "critical"))
            found |= {"potential - rest": (rest, format), "potential - critical": (critical, format)}
            product = reduce(
                lambda one, other: one * other,
                (narrow(one, format.f_bits, arithmetic.difference, where) for one in (rest, critical)),
            )
        case Form.SQUARE:
            product = potential * potential
        case unknown:
            assert_never(unknown)
    found["product"] = product, words.product_format
    product = narrow(product, words.product_format.f_bits, arithmetic.product, where)
    found["quadratic term"] = product * constants.get("gain", 1), words.quadratic_format
    match arithmetic.currents:
        case Currents.RAW:
            drive = current * constants["drive"]
        case Currents.SCALED:
            drive = current
        case never:
            assert_never(never)
    found["drive"] = drive, words.drive_format
    found["increment"] = (
        step.exact_increment(words, constants, potential, current, where),
        words.added_format,
    )
    total = step.rounded_sum(words, constants, potential, current, 0, where)
    found["rounded sum"] = total, arithmetic.potential
    return found


def _possible(words: Words, constants: Mapping[str, int], reach: Reach) -> dict[str, tuple[int, int]]:
    """Return bounds of each intermediate result, from intervals of neighbouring potentials."""
    whole = words.arithmetic.current
    currents = Interval(whole.min_word, whole.max_word)
    ends: dict[str, list[Interval]] = {}
    for first, last in pieces(reach.lowest, reach.highest):
        for name, (value, _) in signals(
            words, constants, Interval(first, last), currents, intervals.choose
        ).items():
            ends.setdefault(name, []).append(value)
    found = {
        name: (min(one.low for one in each), max(one.high for one in each)) for name, each in ends.items()
    }
    # With random bits and phases, as the proof has it.
    return found | {"rounded sum": reach.sums}


def _ends(words: Words_) -> tuple[int, int]:
    return (int(np.min(words)), int(np.max(words))) if words.size else (0, 0)
