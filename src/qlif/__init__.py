"""Quadratic leaky integrate-and-fire neurons: float reference, golden fixed-point model, hardware.

>>> from qlif import PRESETS, QLIFPopulation
>>> model = QLIFPopulation(n=10, arithmetic=PRESETS["square-16"])
>>> model.forward([20] * model.n)
>>> model.s.any(), round(float(model.v[0]), 3)
(np.False_, -61.799)

The hardware is in :mod:`qlif.hdl`; what compares the two is in :mod:`qlif.cosim`.
"""

from qlif.lazy import lazy_names

# Not typing's: the command puts the path of modules in order before it imports more than it must.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from qlif.model.arithmetic import Arithmetic, Form
    from qlif.model.exceptions import InputError
    from qlif.model.formats import SQ, UQ
    from qlif.model.parameters import Parameters
    from qlif.model.population import QLIFPopulation
    from qlif.model.presets import PRESETS
    from qlif.model.quantisation import quantise
    from qlif.model.recording import Recording
    from qlif.model.rounding import Narrowing, Overflow, Rounding

    __version__: str

__all__ = [
    "PRESETS",
    "SQ",
    "UQ",
    "Arithmetic",
    "Form",
    "InputError",
    "Narrowing",
    "Overflow",
    "Parameters",
    "QLIFPopulation",
    "Recording",
    "Rounding",
    "__version__",
    "quantise",
]

_MODULES = {
    "PRESETS": "qlif.model.presets",
    "SQ": "qlif.model.formats",
    "UQ": "qlif.model.formats",
    "Arithmetic": "qlif.model.arithmetic",
    "Form": "qlif.model.arithmetic",
    "InputError": "qlif.model.exceptions",
    "Narrowing": "qlif.model.rounding",
    "Overflow": "qlif.model.rounding",
    "Parameters": "qlif.model.parameters",
    "QLIFPopulation": "qlif.model.population",
    "Recording": "qlif.model.recording",
    "Rounding": "qlif.model.rounding",
    "quantise": "qlif.model.quantisation",
}
_public, __dir__ = lazy_names(__name__, {**_MODULES, "__version__": __name__})


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("qlif")
    return _public(name)
