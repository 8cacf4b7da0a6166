"""The neuron in software: a float reference and the bit-accurate fixed-point golden model.

>>> from qlif.model import QLIFPopulation
>>> model = QLIFPopulation(n=10)
>>> model.forward([20] * model.n)
>>> model.s.any(), round(float(model.v[0]), 3)
(np.False_, -61.8)
"""

from qlif.model.arithmetic import Arithmetic, Currents, Form
from qlif.model.errors import InputError, PrecisionWarning
from qlif.model.formats import SQ, UQ, Format, Overflow, Rounding
from qlif.model.parameters import Parameters
from qlif.model.population import QLIFPopulation
from qlif.model.presets import DEFAULT_PRESET, PRESETS, preset
from qlif.model.recording import Recording
from qlif.model.words import ExactValue, Words, quantise

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
