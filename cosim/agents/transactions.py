"""What moves on a neuron's streams, neuron by neuron, however many lanes carry it. A current is a plain word."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Update:
    """One neuron after one timestep, in words; None for what the core doesn't tell.

    Attributes
    ----------
    neuron, spike, potential, trace, refractory, phase : int, optional
    """

    neuron: int | None = None
    spike: int | None = None
    potential: int | None = None
    trace: int | None = None
    refractory: int | None = None
    phase: int | None = None


@dataclass(frozen=True)
class Event:
    """One spike; None for what the core doesn't tell.

    Attributes
    ----------
    neuron, step : int, optional
        Whose, and in which timestep since reset, modulo the width of its port.
    phase : int, optional
        Which part of the timestep was left over.
    """

    neuron: int | None = None
    step: int | None = None
    phase: int | None = None


@dataclass(frozen=True)
class Write:
    """A new word of a parameter, from the next timestep on.

    Attributes
    ----------
    name : str
        As in ``words.constants``.
    word : int
    neuron : int, optional
        The one neuron whose word changes; all if not given.
    """

    name: str
    word: int
    neuron: int | None = None
