"""What is proved of a configuration, claim by claim."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from qlif.cosim.proof.claims import Claim
from qlif.cosim.proof.prove import SECONDS, UPDATE_CLAIM, prove_update
from qlif.hdl.depths import Depth
from qlif.hdl.export import Export, export_neuron, export_population
from qlif.model.arithmetic import Arithmetic
from qlif.model.errors import InputError
from qlif.model.formats import Overflow, Rounding
from qlif.model.parameters import Parameters
from qlif.model.words import Words, quantise

RANDOM_BITS = 4
"""Of stochastic rounding, where a preset that hasn't it is tried with it."""


class Task(NamedTuple):
    """A claim that is still to be proved.

    Attributes
    ----------
    claim : str
    words : Words
    export : Export
        The Verilog that it is about.
    prove : callable
    """

    claim: str
    words: Words
    export: Export
    prove: Callable[[], Claim]


def update_tasks(
    name: str, arithmetic: Arithmetic, parameters: Parameters, seconds: float = SECONDS
) -> Iterator[Task]:
    """Give the claims about one update of a configuration, in each variant that can be made of it.

    The population's pipeline; the bare one, with every parameter in a register; then the same with each
    rounding and each overflow.
    """
    words = quantise(parameters, arithmetic)
    yield _update(f"{UPDATE_CLAIM}, in the population", words, export_population(words, parameters.n, name), seconds)
    registers = dict.fromkeys(words.constants, str(Depth.REGISTER))
    yield _update(
        f"{UPDATE_CLAIM}, for every parameter word", words, export_neuron(words, name, registers), seconds
    )
    for rounding in Rounding:
        for overflow in Overflow:
            random_bits = 0
            if rounding is Rounding.SR:
                random_bits = arithmetic.random_bits or RANDOM_BITS
            other = arithmetic.replace(
                rounding=rounding, overflow=overflow, trace_overflow=overflow, random_bits=random_bits
            )
            try:
                words = quantise(additive(parameters), other)
            except InputError:
                # The sum loses too few bits for that many random ones.
                continue
            claim = f"{UPDATE_CLAIM}, with {rounding} and {overflow}, additive trace and lower bound"
            yield _update(claim, words, export_neuron(words, name), seconds)


def additive(parameters: Parameters) -> Parameters:
    """Return a neuron with the optional parts that another one lacks: an additive trace, a lower bound."""
    return parameters.replace(
        additive_spike_trace=True,
        lower_bound=parameters.reset_pot if parameters.lower_bound is None else parameters.lower_bound,
    )


def _update(claim: str, words: Words, export: Export, seconds: float) -> Task:
    def prove() -> Claim:
        return prove_update(export.verilog, words, export.interface, claim=claim, seconds=seconds)

    return Task(claim, words, export, prove)
