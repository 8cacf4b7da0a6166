"""Checks of the hardware against the model, and the command line.

`Settings.read` reads a preset or a TOML file into a `Configuration`; `cosimulate` runs an input through its
hardware in a `Simulator` from `find`; `self_test` runs the self-test in gates; `prove_update`, `prove_population`
and, for other people's Verilog, `prove_runs` prove an export equivalent to the golden model.
"""

from typing import TYPE_CHECKING

from qlif.lazy import lazy_names

if TYPE_CHECKING:
    from qlif.cosim.configuration import Configuration, Settings
    from qlif.cosim.cosimulation import Cosimulation, cosimulate
    from qlif.cosim.foreign import foreign_population
    from qlif.cosim.proof.claims import Claim
    from qlif.cosim.proof.prove import prove_population, prove_runs, prove_update
    from qlif.cosim.selftest.run import SelfTestRun, self_test
    from qlif.cosim.simulator.find import Simulator, find

__all__ = [
    "Claim",
    "Configuration",
    "Cosimulation",
    "SelfTestRun",
    "Settings",
    "Simulator",
    "cosimulate",
    "find",
    "foreign_population",
    "prove_population",
    "prove_runs",
    "prove_update",
    "self_test",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Claim": "qlif.cosim.proof.claims",
        "Configuration": "qlif.cosim.configuration",
        "Cosimulation": "qlif.cosim.cosimulation",
        "SelfTestRun": "qlif.cosim.selftest.run",
        "Settings": "qlif.cosim.configuration",
        "Simulator": "qlif.cosim.simulator.find",
        "cosimulate": "qlif.cosim.cosimulation",
        "find": "qlif.cosim.simulator.find",
        "foreign_population": "qlif.cosim.foreign",
        "prove_population": "qlif.cosim.proof.prove",
        "prove_runs": "qlif.cosim.proof.prove",
        "prove_update": "qlif.cosim.proof.prove",
        "self_test": "qlif.cosim.selftest.run",
    },
)
