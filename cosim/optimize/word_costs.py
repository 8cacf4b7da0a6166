"""What a configuration costs, told from its formats alone: bits, LUTs (an estimate), DSP blocks (exactly).

The estimate of LUTs is linear in what the formats make wider, with weights fitted to Yosys' results: how they were
fitted, and how far off they are, is in docs/studies.md. It is for one lane of 1024 neurons on an ECP5, parameters
in the gates. All weights are 0 or more, so that no wider word is estimated smaller.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import assert_never

from qlif.hdl.core import Core
from qlif.hdl.synthesis.fit import expected_multipliers
from qlif.hdl.target import Target
from qlif.model.exceptions import unknown_name
from qlif.model.rounding import Rounding
from qlif.model.words import Words

WORD_COSTS = ("bits", "luts", "dsps")
"""
``bits`` are those of all words of an update: state, current, coefficients, random word, and the sum before it is
rounded.
"""

WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "any": 186.0,
        "potential": 1.9,
        "factored potential": 5.0,
        "trace": 1.5,
        "has trace": 27.1,
        "random": 1.7,
        "stochastic": 54.4,
        "ties to even": 0.9,
        "rounded product": 1.8,
        "phase": 2.1,
        "has phase": 1.1,
    }
)
"""LUTs for each unit of :func:`features`."""

_COEFFICIENTS = ("gain", "bias", "drive", "decay")


def cost_of(name: str, core: Core, device: Target) -> float:
    """Return one of :data:`WORD_COSTS` of a core."""
    match name:
        case "bits":
            return float(bits(core.words))
        case "luts":
            return round(sum(WEIGHTS[name] * value for name, value in features(core.words).items()), 1)
        case "dsps":
            return float(expected_multipliers(core, device))
        case _:
            raise ValueError(unknown_name("cost", name, WORD_COSTS))


def bits(words: Words) -> int:
    """Return the bits of all words of an update."""
    coefficients = [words.constants[name].format.width for name in _COEFFICIENTS if name in words.constants]
    if not words.parameters.spike_trace:
        coefficients.pop()  # the decay's, which nothing reads
    arithmetic = words.arithmetic
    return (
        words.state_bits
        + arithmetic.current.width
        + arithmetic.random_bits
        + words.sum_format.width
        + sum(coefficients)
    )


def features(words: Words) -> dict[str, float]:
    """Return what the estimate of LUTs is linear in: widths, and whether what they belong to is there at all."""
    arithmetic = words.arithmetic
    potential, factored = arithmetic.potential.width, arithmetic.form.has_differences
    dropped = words.sum_format.f_bits - arithmetic.potential.f_bits
    rounded = arithmetic.product_rounding is not None and arithmetic.product_rounding.carries
    product = words.quadratic_format.i_bits + (arithmetic.product_fraction or 0) + 1
    return {
        "any": 1.0,
        "potential": float(potential),
        "factored potential": float(potential if factored else 0),
        # The trace of the other cores costs as much at any width.
        "trace": float(
            arithmetic.trace.width
            if words.parameters.spike_trace and (factored or arithmetic.rounding.stochastic)
            else 0
        ),
        "has trace": float(words.parameters.spike_trace),
        "random": float(arithmetic.random_bits),
        "stochastic": float(arithmetic.rounding.stochastic),
        "ties to even": float(_looks_at_ties(arithmetic.rounding) * (potential + dropped)),
        "rounded product": float(rounded * product),
        "phase": float((potential << arithmetic.phase_bits) if arithmetic.phase_bits else 0),
        "has phase": float(potential if arithmetic.phase_bits else 0),
    }


def _looks_at_ties(rounding: Rounding) -> bool:
    """Return whether a rounding depends on the bit that it keeps and on all that it drops."""
    match rounding:
        case Rounding.RND_CONV:
            return True
        case Rounding.TRN | Rounding.RND | Rounding.SR:
            return False
        case unknown:
            assert_never(unknown)
