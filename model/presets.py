"""The catalogue of named hardware configurations. Tests, benches and proofs iterate over it."""

from types import MappingProxyType

from qlif.model.arithmetic import Arithmetic, Currents, Form
from qlif.model.exceptions import InputError, unknown_name
from qlif.model.formats import SQ, UQ
from qlif.model.rounding import Overflow, Rounding

DEFAULT_PRESET = "square-18"

PRESETS = MappingProxyType(
    {
        # The seed's own variables in 16 bits: every word reads as millivolts.
        "factored-16": Arithmetic(
            form=Form.FACTORED,
            potential=SQ(8, 8),
            current=SQ(8, 8),
            trace=UQ(4, 12),
            rounding=Rounding.RND,
            overflow=Overflow.SAT,
            trace_overflow=Overflow.SAT,
            currents=Currents.RAW,
            coefficient_bits=16,
        ),
        # One 16x16 multiplier, as in small FPGAs.
        "square-16": Arithmetic(
            form=Form.SQUARE,
            potential=SQ(6, 10),
            current=SQ(8, 8),
            trace=UQ(4, 12),
            rounding=Rounding.RND,
            overflow=Overflow.SAT,
            trace_overflow=Overflow.SAT,
            currents=Currents.SCALED,
            coefficient_bits=16,
        ),
        # One 18x18 multiplier; potential, 3 bits of refractory counter and trace fill 36 bits of memory.
        "square-18": Arithmetic(
            form=Form.SQUARE,
            potential=SQ(5, 13),
            current=SQ(8, 10),
            trace=UQ(3, 12),
            rounding=Rounding.RND,
            overflow=Overflow.SAT,
            trace_overflow=Overflow.SAT,
            currents=Currents.SCALED,
            coefficient_bits=18,
        ),
        # A 12-bit state whose mean intervals are as good as those of 16 bits to nearest.
        "stochastic-12": Arithmetic(
            form=Form.SQUARE,
            potential=SQ(5, 7),
            current=SQ(8, 8),
            trace=UQ(3, 9),
            rounding=Rounding.SR,
            overflow=Overflow.SAT,
            trace_overflow=Overflow.SAT,
            currents=Currents.SCALED,
            coefficient_bits=16,
            random_bits=8,
        ),
        # Small enough to check every state with every input.
        "tiny-8": Arithmetic(
            form=Form.SQUARE,
            potential=SQ(5, 3),
            current=SQ(7, 1),
            trace=UQ(2, 6),
            rounding=Rounding.RND,
            overflow=Overflow.SAT,
            trace_overflow=Overflow.SAT,
            currents=Currents.SCALED,
            coefficient_bits=8,
        ),
        # As good as float32, still in millivolts; it shows that nothing depends on the width.
        "wide-32": Arithmetic(
            form=Form.FACTORED,
            potential=SQ(8, 24),
            current=SQ(8, 24),
            trace=UQ(4, 28),
            rounding=Rounding.RND_CONV,
            overflow=Overflow.SAT,
            trace_overflow=Overflow.SAT,
            currents=Currents.RAW,
            coefficient_bits=24,
        ),
    }
)
"""The arithmetic of each preset, by name."""


def preset(name: str) -> Arithmetic:
    """Return the arithmetic of a preset.

    Raises
    ------
    InputError
        There is no preset of that name; the text names the nearest one.
    """
    if not isinstance(name, str) or name not in PRESETS:
        raise InputError(unknown_name("preset", str(name), PRESETS))
    return PRESETS[name]
