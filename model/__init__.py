"""The neuron in software: a float reference and the bit-accurate fixed-point golden model.

>>> from qlif.model import QLIFPopulation
>>> model = QLIFPopulation(n=10)
>>> model.forward([20] * model.n)
>>> model.s.any(), round(float(model.v[0]), 3)
(np.False_, -61.8)
"""

from typing import TYPE_CHECKING

from qlif.lazy import lazy_names

if TYPE_CHECKING:
    from qlif.model.arithmetic import Arithmetic, Currents, Form
    from qlif.model.exceptions import InputError, PrecisionWarning
    from qlif.model.formats import SQ, UQ, Format
    from qlif.model.parameters import Parameters
    from qlif.model.population import QLIFPopulation
    from qlif.model.presets import DEFAULT_PRESET, PRESETS, preset
    from qlif.model.quantisation import quantise
    from qlif.model.recording import Recording
    from qlif.model.rounding import Narrowing, Overflow, Rounding
    from qlif.model.words import ExactValue, Words

__all__ = [
    "DEFAULT_PRESET",
    "PRESETS",
    "SQ",
    "UQ",
    "Arithmetic",
    "Currents",
    "ExactValue",
    "Form",
    "Format",
    "InputError",
    "Narrowing",
    "Overflow",
    "Parameters",
    "PrecisionWarning",
    "QLIFPopulation",
    "Recording",
    "Rounding",
    "Words",
    "preset",
    "quantise",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Arithmetic": "qlif.model.arithmetic",
        "Currents": "qlif.model.arithmetic",
        "Form": "qlif.model.arithmetic",
        "InputError": "qlif.model.exceptions",
        "PrecisionWarning": "qlif.model.exceptions",
        "SQ": "qlif.model.formats",
        "UQ": "qlif.model.formats",
        "Format": "qlif.model.formats",
        "Narrowing": "qlif.model.rounding",
        "Overflow": "qlif.model.rounding",
        "Rounding": "qlif.model.rounding",
        "Parameters": "qlif.model.parameters",
        "QLIFPopulation": "qlif.model.population",
        "DEFAULT_PRESET": "qlif.model.presets",
        "PRESETS": "qlif.model.presets",
        "preset": "qlif.model.presets",
        "Recording": "qlif.model.recording",
        "ExactValue": "qlif.model.words",
        "Words": "qlif.model.words",
        "quantise": "qlif.model.quantisation",
    },
)
