"""`QLIFPopulation`: synapticflow's population on numpy instead of torch, in float or fixed-point arithmetic."""

import copy
from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import Any, NoReturn, Protocol, Self, assert_never

import numpy as np
import numpy.typing as npt

from qlif.model.arithmetic import Arithmetic
from qlif.model.exceptions import InputError, show, unknown_name
from qlif.model.golden.held_currents import CurrentWrite
from qlif.model.golden.neurons import FixedNeurons, ParameterWrite
from qlif.model.integrator import Integrator
from qlif.model.kernel.room import Room
from qlif.model.parameters import Parameters
from qlif.model.presets import preset
from qlif.model.quantisation import quantise
from qlif.model.recording import Recording
from qlif.model.reference import FloatNeurons
from qlif.model.support.arrays import real_array, real_numbers, refuse_non_finite
from qlif.model.support.checks import whole
from qlif.model.synapticflow import SynapticflowNeurons, as_tensor
from qlif.model.words import Words


class Dialect(StrEnum):
    """How a population is computed."""

    DEFAULT = "default"
    """This project's: float64 or fixed point, and currents are checked."""
    SYNAPTICFLOW = "synapticflow"
    """The synapticflow package's: float32, and input by torch's rules of types."""

    @property
    def original(self) -> bool:
        """Whether it is synapticflow's."""
        match self:
            case Dialect.DEFAULT:
                return False
            case Dialect.SYNAPTICFLOW:
                return True
            case unknown:
                assert_never(unknown)


RECORDABLE = ("spikes", "potentials", "traces")

_FLOAT64 = np.dtype(np.float64)
_FIELDS = {"potentials": "potential", "traces": "trace"}


class Neurons(Protocol):
    """What every arithmetic offers: state arrays of the population's shape, and one timestep."""

    @property
    def s(self) -> npt.NDArray[np.bool_]:
        """Who spiked in the last timestep."""

    @property
    def v(self) -> npt.NDArray[Any]:
        """Potentials, mV."""

    @property
    def traces(self) -> npt.NDArray[Any]:
        """Spike traces."""

    def step(self, current: Any) -> None:
        """Advance one timestep."""

    def reset(self) -> None:
        """Return to the initial state."""


class QLIFPopulation:
    """A population of quadratic leaky integrate-and-fire neurons.

    >>> model = QLIFPopulation(n=10)
    >>> model.forward([20] * model.n)
    >>> model.v[0]
    np.float64(-61.8)

    Parameters
    ----------
    n : int, optional
        Number of neurons. Either this or `shape` is needed.
    shape : iterable of int, optional
        Topology of the population.
    dialect : {"default", "synapticflow"}
        ``default`` is the forward Euler step in float64; ``synapticflow`` reproduces the original
        torch code bit for bit in float32, with its defaults and quirks.
    arithmetic : Arithmetic or str, optional
        A fixed-point arithmetic, or the name of a preset: the population is then the golden model,
        still with potentials and currents in mV. Not with the synapticflow dialect.
    engine : {"compiled", "numpy"}, optional
        What computes the default dialect; the results are the same. The fastest that is installed if not
        given, here or in the environment's ``QLIF_ENGINE``.
    threads : int, optional
        Threads of a long run of many neurons; one for each processor if not given, here or in
        ``QLIF_THREADS``.
    substep : bool
        Let float64 spikes fall between timesteps: what is left of one makes the first step after the refractory
        period longer. (A fixed-point population does so with `phase_bits`.)
    integrator : {"euler", "heun"}
        Of a float64 population: forward Euler, or Heun's step, which evaluates the slope twice.
    **parameters
        The neuron: see :class:`qlif.model.parameters.Parameters`.

    Attributes
    ----------
    s, v, traces : arrays of the population's shape
        Who spiked in the last timestep, potentials in mV, spike traces.
    parameters : Parameters
        Each of them is an attribute of the population too, such as ``tau_m``. They can be read only, except
        `learning`: :meth:`of` makes a population with others.
    words : Words or None
        The parameter words of a fixed-point population.

    Raises
    ------
    InputError
        A parameter or a current is invalid.
    """

    def __init__(
        self,
        n: int | None = None,
        shape: Iterable[int] | None = None,
        *,
        dialect: str = "default",
        arithmetic: Arithmetic | str | None = None,
        engine: str | None = None,
        threads: int | None = None,
        substep: bool = False,
        integrator: str = "euler",
        **parameters: Any,
    ) -> None:
        if dialect not in list(Dialect):
            raise InputError(unknown_name("dialect", str(dialect), Dialect))
        if Dialect(dialect).original:
            if arithmetic is not None:
                raise InputError("arithmetic must be left out with dialect 'synapticflow', which is float32")
            if engine is not None or threads is not None:
                raise InputError("engine and threads must be left out with dialect 'synapticflow'")
            if substep:
                raise InputError(
                    "substep must be false with dialect 'synapticflow', whose spikes end timesteps"
                )
            if integrator != Integrator.EULER:
                raise InputError("integrator must be euler with dialect 'synapticflow', which has no other")
            original = SynapticflowNeurons(n=n, shape=shape, **parameters)
            self._take(original, original, Dialect(dialect))
            return
        unknown = sorted(set(parameters) - Parameters.names())
        if unknown:
            raise InputError(unknown_name("parameter", unknown[0], sorted(Parameters.names())))
        neuron = Parameters(n=n, shape=shape, **parameters)
        self._compute(neuron, arithmetic, engine, threads, substep, integrator)

    n: int
    shape: tuple[int, ...]
    dt: float
    is_inhibitory: bool
    learning: bool
    sum_input: bool

    @classmethod
    def of(
        cls,
        parameters: Parameters,
        arithmetic: Arithmetic | str | None = None,
        engine: str | None = None,
        threads: int | None = None,
        substep: bool = False,
        integrator: str = "euler",
    ) -> Self:
        """Return a population with parameters that are already checked."""
        population = cls.__new__(cls)
        population._compute(parameters, arithmetic, engine, threads, substep, integrator)
        return population

    def _compute(
        self,
        parameters: Parameters,
        arithmetic: Arithmetic | str | None,
        engine: str | None,
        threads: int | None,
        substep: bool,
        integrator: str,
    ) -> None:
        """Choose the arithmetic of the default dialect."""
        if not isinstance(substep, bool):
            raise InputError(f"substep must be true or false, not {show(substep)}")
        if integrator not in list(Integrator):
            raise InputError(unknown_name("integrator", str(integrator), Integrator))
        if arithmetic is None:
            neurons = FloatNeurons(parameters, engine, threads, substep, Integrator(integrator))
            self._take(neurons, parameters, Dialect.DEFAULT)
            return
        if substep:
            raise InputError("substep must be false with an arithmetic: give its phase_bits instead")
        if integrator != Integrator.EULER:
            raise InputError("integrator must be euler with an arithmetic: in fixed point there is no other")
        if not isinstance(arithmetic, Arithmetic):
            arithmetic = preset(arithmetic)
        words = quantise(parameters, arithmetic)
        self._take(FixedNeurons(words, engine, threads), parameters, Dialect.DEFAULT, words)

    def _take(
        self,
        neurons: Neurons,
        settings: Parameters | SynapticflowNeurons,
        dialect: Dialect,
        words: Words | None = None,
    ) -> None:
        self.neurons = neurons
        self.dialect = dialect
        self.words = words
        self.parameters = settings
        own = {name: getattr(settings, name) for name in ("n", "shape", "dt", "is_inhibitory", "learning")}
        # The original never passes it on, so there it is always False.
        vars(self).update(own, sum_input=settings.sum_input if isinstance(settings, Parameters) else False)
        # Of a current that needs no more questions; the original takes what torch takes.
        self._regular_shape = None if dialect.original else self.shape

    def __getattr__(self, name: str) -> Any:
        if name in Parameters.names() and "parameters" in vars(self):
            return getattr(self.parameters, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: object) -> None:
        if name != "learning" and name in Parameters.names():
            raise AttributeError(
                f"{name} can't be set: QLIFPopulation.of(population.parameters.replace({name}=...)) makes another "
                "population"
            )
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        changed = self.parameters.changed() if isinstance(self.parameters, Parameters) else {}
        said = [f"shape={self.shape}", *(f"{name}={value!r}" for name, value in changed.items())]
        if self.dialect.original:
            said.append(f"dialect={str(self.dialect)!r}")
        if self.words is not None:
            said.append(f"arithmetic=<{self.words.arithmetic.summary}>")
        return f"QLIFPopulation({', '.join(said)})"

    def __copy__(self) -> Self:
        return copy.deepcopy(self)  # a copy that shares the neurons would advance with the original

    @property
    def s(self) -> npt.NDArray[np.bool_]:
        """Who spiked in the last timestep."""
        return self.neurons.s

    @property
    def v(self) -> npt.NDArray[Any]:
        """Potentials, mV."""
        return self.neurons.v

    @property
    def traces(self) -> npt.NDArray[Any]:
        """Spike traces."""
        return self.neurons.traces

    @property
    def outgoing(self) -> npt.NDArray[np.int64]:
        """The spikes of the last timestep with the population's sign: 1, or -1 if it is inhibitory."""
        return self.s.astype(np.int64) * (-1 if self.is_inhibitory else 1)

    def forward(self, x: npt.ArrayLike) -> None:
        """Advance one timestep.

        Parameters
        ----------
        x : array_like
            Currents, of the population's shape or one for all. With one more leading axis, inputs
            of several synapses: summed if `sum_input`, else averaged. (The synapticflow dialect
            takes what the original takes.)

        Raises
        ------
        InputError
            The shape is wrong; or, in the default dialect, a current isn't finite or is out of range.
        """
        if type(x) is np.ndarray and x.dtype is _FLOAT64 and x.shape == self._regular_shape:
            # What is usual in a loop needs no more questions; the step itself refuses what isn't finite.
            try:
                self.neurons.step(x)
                return
            except InputError:
                pass  # the text below says more
        self.neurons.step(x if self.dialect.original else self._one_per_neuron(x))

    def __call__(self, x: npt.ArrayLike) -> None:
        """Advance one timestep: :meth:`forward`."""
        self.forward(x)

    def run(
        self,
        currents: npt.ArrayLike,
        record: Iterable[str] = RECORDABLE,
        writes: Iterable[ParameterWrite] = (),
    ) -> Recording:
        """Advance over a whole input and return what happened.

        The run continues from the current state; :meth:`reset_state_variables` returns to the initial one.

        Parameters
        ----------
        currents : array_like, (timesteps, *shape) or (timesteps, synapses, *shape)
            Currents of each timestep.
        record : iterable of {"spikes", "potentials", "traces"}
            What to keep; spikes are always kept.
        writes : iterable of ParameterWrite
            Parameter words that change during the run, like run-time parameters of the hardware;
            only for a fixed-point population.

        Returns
        -------
        Recording

        Raises
        ------
        InputError
            As for :meth:`forward`; the whole input is checked before the first timestep.
        """
        asked = _recorded(record)
        array = self._regular(currents)
        changes = _parameter_writes(writes)
        if not isinstance(self.neurons, FixedNeurons) and changes:
            raise InputError("writes need a fixed-point population: a float one has no parameter words")
        if isinstance(self.neurons, SynapticflowNeurons):
            return self._step_through(array, asked)

        def rows(begin: int, end: int) -> npt.NDArray[np.float64]:
            part = np.asarray(array[begin:end], dtype=np.float64)
            with np.errstate(all="ignore"):  # what isn't finite is found on the way
                return self._combined(part, timesteps=True).reshape(len(part), -1)

        keep = self._kept(asked)
        if isinstance(self.neurons, FixedNeurons):
            room = self.neurons.run(rows, len(array), keep, changes)
        else:
            assert isinstance(self.neurons, FloatNeurons)
            room = self.neurons.run(rows, len(array), keep)
        if room is None:
            self._refuse(array)
        return self._recording(room, keep)

    def hold(self, currents: npt.ArrayLike, neuron: int | None = None) -> None:
        """Hold currents for :meth:`run_held` until others are given, like hardware with ``feed="held"``.

        At first all are 0; :meth:`reset_state_variables` keeps them. Only a fixed-point population holds currents.

        Parameters
        ----------
        currents : array_like
            As for :meth:`forward`; one number for a neuron.
        neuron : int, optional
            The one neuron, in C order, whose current it is.

        Raises
        ------
        InputError
            A current isn't finite or is out of range, or there is no such neuron.
        """
        neurons = self._holding()
        if neuron is None:
            given = self._one_per_neuron(currents)
        else:
            if whole("neuron", neuron, minimum=0) >= self.n:
                raise InputError(f"neuron must be below {self.n}, not {show(neuron)}")
            if np.ndim(currents):
                raise InputError(
                    f"currents must be one number for a neuron, not of shape {np.shape(currents)}"
                )
            given = np.zeros(self.shape)
            given.flat[neuron] = real_array("currents", currents, "mV")
        words = neurons.words.current_words(given).ravel().tolist()
        for each in range(self.n) if neuron is None else (neuron,):
            neurons.hold(CurrentWrite(0, each, words[each]))

    def run_held(
        self,
        timesteps: int,
        changes: Iterable[CurrentWrite] = (),
        record: Iterable[str] = RECORDABLE,
        writes: Iterable[ParameterWrite] = (),
    ) -> Recording:
        """Advance with the currents that are held and return what happened.

        Parameters
        ----------
        timesteps : int
        changes : iterable of CurrentWrite
            Current words that change during the run.
        record, writes
            As in :meth:`run`.

        Returns
        -------
        Recording

        Raises
        ------
        InputError
            A change, a write or a recording is invalid.
        """
        neurons, asked = self._holding(), _recorded(record)
        given = tuple(changes)
        for change in given:
            if not isinstance(change, CurrentWrite):
                raise InputError(f"each of changes must be a CurrentWrite, not {show(change)}")
        keep = self._kept(asked)
        return self._recording(neurons.run_held(timesteps, given, keep, _parameter_writes(writes)), keep)

    def _holding(self) -> FixedNeurons:
        """Return the neurons, if they are of a kind that holds currents."""
        if not isinstance(self.neurons, FixedNeurons):
            raise InputError(
                "held currents need a fixed-point population: give a float one its currents in run"
            )
        return self.neurons

    def _kept(self, asked: set[str]) -> list[str]:
        """Return which words of the state a recording takes; when a spike was is its phase too."""
        neurons = self.neurons
        if isinstance(neurons, FixedNeurons):
            phased = neurons.words.arithmetic.phase_bits > 0
        else:
            phased = isinstance(neurons, FloatNeurons) and neurons.substep
        return [*(_FIELDS[name] for name in sorted(asked - {"spikes"})), *(["phase"] if phased else [])]

    def _recording(self, room: Room, keep: Collection[str]) -> Recording:
        """Return what a room was filled with."""
        steps = len(room.spikes)
        potential, trace, phase = (
            room.kept[name].reshape(steps, *self.shape) if name in keep else None
            for name in ("potential", "trace", "phase")
        )
        start = self.dt, room.spikes, self.shape
        if self.words is None:
            return Recording.of_bits(*start, potential, trace, None, None, None, self.parameters, phase)
        return Recording.of_bits(*start, None, None, self.words, potential, trace, None, None, phase)

    def reset_state_variables(self) -> None:
        """Return every neuron to the initial state."""
        self.neurons.reset()

    def train(self, mode: bool = True) -> Self:
        """Set :attr:`learning`, for external learning rules."""
        self.learning = mode
        return self

    def _step_through(self, inputs: npt.NDArray[Any], asked: set[str]) -> Recording:
        """Run timestep by timestep."""
        spikes = np.empty((len(inputs), *self.shape), dtype=np.bool_)
        kept = {name: np.empty(spikes.shape, dtype=self.v.dtype) for name in asked - {"spikes"}}
        for timestep, current in enumerate(inputs):
            self.neurons.step(current)
            spikes[timestep] = self.s
            if "potentials" in kept:
                kept["potentials"][timestep] = self.v
            if "traces" in kept:
                kept["traces"][timestep] = self.traces
        return Recording(self.dt, spikes, kept.get("potentials"), kept.get("traces"))

    def _refuse(self, currents: npt.NDArray[Any]) -> NoReturn:
        """Say which current of a whole input it is that can't be computed with."""
        one_per_neuron = self._one_per_neuron(currents, timesteps=True)
        if self.words is not None:
            self.words.current_words(one_per_neuron)
        raise AssertionError("currents that are finite and fit their format were refused")

    def _regular(self, currents: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return the input of every timestep as an array, of numbers in the default dialect."""
        if self.dialect.original:
            array = as_tensor("currents", currents, "mV")
        else:
            array = real_numbers("currents", currents, "mV")
        if array.ndim == 0 or len(array) == 0:
            raise InputError(f"currents must be of shape {self._shapes('timesteps, ')}, not {array.shape}")
        return array

    def _one_per_neuron(self, currents: npt.ArrayLike, timesteps: bool = False) -> npt.NDArray[np.float64]:
        """Return currents of the population's shape (behind the time axis), synapses combined."""
        array = real_array("currents", currents, "mV")
        refuse_non_finite("currents", array)
        with np.errstate(over="ignore"):
            combined = self._combined(array, timesteps)
        if combined is not array:
            refuse_non_finite("the sum of the currents of all synapses", combined)
        return combined

    def _combined(self, array: npt.NDArray[np.float64], timesteps: bool) -> npt.NDArray[np.float64]:
        """Return currents with synapses summed or averaged, if the shape is right."""
        behind = array.shape[1:] if timesteps else array.shape
        if not timesteps and array.ndim == 0:
            return np.full(self.shape, float(array))
        if behind == self.shape:
            return array
        if behind[1:] == self.shape and behind[0] > 0:
            axis = 1 if timesteps else 0
            return np.asarray(array.sum(axis) if self.sum_input else array.mean(axis))
        lead = "timesteps, " if timesteps else ""
        raise InputError(f"currents must be of shape {self._shapes(lead)}, not {array.shape}")

    def _shapes(self, lead: str) -> str:
        """Return the shapes that currents can have, in words."""
        inner = ", ".join(map(str, self.shape))
        return f"({lead}{inner}) or ({lead}synapses, {inner})"


def _recorded(record: Iterable[str]) -> set[str]:
    """Return what is to be recorded; InputError if something can't be."""
    asked = set(record)
    for name in sorted(asked - set(RECORDABLE)):
        raise InputError(unknown_name("recording", name, RECORDABLE))
    return asked


def _parameter_writes(writes: Iterable[ParameterWrite]) -> tuple[ParameterWrite, ...]:
    """Return writes; InputError if one is something else."""
    changes = tuple(writes)
    for change in changes:
        if not isinstance(change, ParameterWrite):
            raise InputError(f"each of writes must be a ParameterWrite, not {show(change)}")
    return changes
