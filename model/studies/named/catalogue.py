"""The named studies by their names."""

from types import MappingProxyType

from qlif.model.exceptions import InputError, unknown_name
from qlif.model.studies.named import (
    below_euler,
    dead_zone,
    effective,
    forms,
    isi,
    potential_error,
    reliability,
    robustness,
    spike_lag,
    stochastic,
    substep,
    three_errors,
    twelve_bits,
)
from qlif.model.studies.named.result import Study

STUDIES = MappingProxyType(
    {
        "isi": Study("how far are inter-spike intervals from the closed form?", isi.run),
        "dead-zone": Study("which currents does rounding silence?", dead_zone.run),
        "spike-lag": Study("how does a rounded constant delay the n-th spike?", spike_lag.run),
        "stochastic": Study("what is stochastic rounding worth in bits?", stochastic.run, sweeps=True),
        "twelve-bits": Study("are 12 bits with stochastic rounding as good as 16?", twelve_bits.run),
        "reliability": Study("how precise are spike times under frozen noise?", reliability.run, extra=True),
        "below-euler": Study("from which word on does rounding matter less than Euler?", below_euler.run),
        "forms": Study("what is the square form worth in bits?", forms.run, sweeps=True),
        "robustness": Study("does the narrowest word depend on which currents are tried?", robustness.run),
        "three-errors": Study("what is the error of a timestep made of?", three_errors.run),
        "substep": Study("what are spikes between timesteps worth?", substep.run),
        "effective": Study(
            "what do parameters bring that are fitted to an input?", effective.run, extra=True
        ),
        "potential-error": Study(
            "does the potential's RMSE rank formats?", potential_error.run, extra=True, sweeps=True
        ),
    }
)
"""Every named study."""


def study(name: str) -> Study:
    """Return a named study; InputError with the nearest name if there is none."""
    if name not in STUDIES:
        raise InputError(unknown_name("study", name, STUDIES))
    return STUDIES[name]
