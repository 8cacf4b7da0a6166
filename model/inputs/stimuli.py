"""Input currents: stimuli as in electrophysiology, from a few numbers and a seed.

Each stimulus is a frozen dataclass that is checked when it is made, and gives its currents as
float64 arrays of shape ``(timesteps, neurons)``. A current is ``R I`` in mV, as in
:class:`qlif.model.parameters.Parameters`: with its defaults a neuron fires above 16 mV.
:func:`make` reads a stimulus, or the name of a recorded file, from one line of text.
"""

import dataclasses
import math
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import numpy as np
import numpy.typing as npt

from qlif.model.exceptions import InputError, apart, show, unknown_name
from qlif.model.inputs import recordings
from qlif.model.support.checks import Quantity, allocate, flag, flag_from, gains, number_from, whole

Currents = npt.NDArray[np.float64]
"""Shape ``(timesteps, neurons)``, mV."""

_MILLIVOLT = Quantity("mV")
_SPREAD = Quantity(minimum=0, maximum=1)
_TIMESTEP = Quantity("ms", minimum=0, open=True)
_AT_LEAST_ZERO = {unit: Quantity(unit, minimum=0) for unit in ("mV", "ms", "Hz")}
_TIME_CONSTANT = Quantity("ms", minimum=0, open=True)

_MOST_EVENTS = 1e9
"""More events of one neuron in one timestep than any experiment has; NumPy fails near 1e19."""


def _option(default: float | None, quantity: Quantity) -> Any:
    return dataclasses.field(default=default, metadata={"quantity": quantity})


@dataclass(frozen=True)
class Stimulus(ABC):
    """An input current with its parameters. Its fields are the options on the command line."""

    name: ClassVar[str]
    random: ClassVar[bool] = False
    """Whether the seed changes it."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            quantity: Quantity | None = field.metadata.get("quantity")
            if quantity is None:
                checked: float | bool = flag(field.name, value)
            elif value is None and field.default is None:
                continue
            else:
                checked = quantity.check(field.name, value)
            object.__setattr__(self, field.name, checked)

    def currents(self, *, timesteps: int, neurons: int, dt: float, seed: int = 0) -> Currents:
        """Return the current of each neuron in each timestep.

        Parameters
        ----------
        timesteps, neurons : int
            Size of the result, each >= 1.
        dt : float
            Timestep, ms, > 0. Timestep k begins at ``k * dt``.
        seed : int
            Random seed, >= 0. The same seed gives the same bits. A neuron's random
            sequence depends neither on how many neurons there are nor on how long the run is.

        Returns
        -------
        array of float64, shape ``(timesteps, neurons)``
            Currents ``R I``, mV.

        Raises
        ------
        InputError
            An argument is outside its range, the array doesn't fit in memory, or a current overflows.
        """
        result = allocate(whole("timesteps", timesteps), whole("neurons", neurons))
        step = _TIMESTEP.check("dt", dt)
        origin = whole("seed", seed, minimum=0)
        with np.errstate(over="ignore", invalid="ignore"):
            self._fill(result, step, origin)
        if not np.all(np.isfinite(result)):
            raise InputError(f"{self} gives currents that aren't finite")
        return result

    @abstractmethod
    def _fill(self, currents: Currents, dt: float, seed: int) -> None:
        """Write the currents into an array of zeros."""


@dataclass(frozen=True)
class Constant(Stimulus):
    """The same current throughout, ``amplitude * gain``.

    Parameters
    ----------
    amplitude : float
        Current, mV.
    spread : float
        The gains of the neurons are linear from ``1 - spread`` to ``1 + spread``; between 0 and 1.
    """

    name = "constant"
    amplitude: float = _option(20.0, _MILLIVOLT)
    spread: float = _option(0.0, _SPREAD)

    def _fill(self, currents: Currents, dt: float, seed: int) -> None:
        currents[:] = self.amplitude * gains(currents.shape[1], self.spread)


@dataclass(frozen=True)
class Stratified(Stimulus):
    """The same current throughout, one drawn for each neuron: uniformly from a stratum of its own.

    The strata divide the range from `low` to `high` evenly, in the order of the neurons. Unlike an even grid, no
    current is always among those that are tried, and unlike a plain random sample, no part of the range is left out.

    Parameters
    ----------
    low, high : float
        Ends of the range, mV.

    Raises
    ------
    InputError
        `high` isn't above `low`.
    """

    name = "stratified"
    random = True
    low: float = _option(12.0, _MILLIVOLT)
    high: float = _option(30.0, _MILLIVOLT)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.high > self.low:
            raise InputError(f"high must be above low ({self.low} mV), not {self.high} mV")

    def _fill(self, currents: Currents, dt: float, seed: int) -> None:
        neurons = currents.shape[1]
        place = np.arange(neurons) + np.random.default_rng(seed).random(neurons)
        currents[:] = self.low + (self.high - self.low) * (place / neurons)


@dataclass(frozen=True)
class Step(Stimulus):
    """A step or a pulse: ``baseline``, and ``amplitude`` from the onset to the offset; times a gain.

    Parameters
    ----------
    baseline : float
        Current before and after, mV.
    amplitude : float
        Current in between, mV. It replaces `baseline`.
    onset, offset : float
        Beginning and end of the pulse, ms, >= 0, to the nearest timestep. Without an `offset` the
        pulse lasts to the end.
    spread : float
        The gains of the neurons are linear from ``1 - spread`` to ``1 + spread``; between 0 and 1.

    Raises
    ------
    InputError
        A value is outside its range, or the offset comes before the onset.
    """

    name = "step"
    baseline: float = _option(10.0, _MILLIVOLT)
    amplitude: float = _option(20.0, _MILLIVOLT)
    onset: float = _option(20.0, _AT_LEAST_ZERO["ms"])
    offset: float | None = _option(None, _AT_LEAST_ZERO["ms"])
    spread: float = _option(0.0, _SPREAD)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.offset is not None and self.offset < self.onset:
            raise InputError(f"offset must be at or after onset ({self.onset} ms), not {self.offset} ms")

    def _fill(self, currents: Currents, dt: float, seed: int) -> None:
        timesteps, neurons = currents.shape
        # Cut down before rounding: a far time over a short timestep may be infinite.
        start = round(min(self.onset / dt, timesteps))
        stop = timesteps if self.offset is None else round(min(self.offset / dt, timesteps))
        gain = gains(neurons, self.spread)
        currents[:] = self.baseline * gain
        currents[start:stop] = self.amplitude * gain


@dataclass(frozen=True)
class Ramp(Stimulus):
    """A current that changes linearly over the run, times a gain.

    Parameters
    ----------
    start, stop : float
        Current in the first and in the last timestep, mV.
    spread : float
        The gains of the neurons are linear from ``1 - spread`` to ``1 + spread``; between 0 and 1.
    """

    name = "ramp"
    start: float = _option(10.0, _MILLIVOLT)
    stop: float = _option(30.0, _MILLIVOLT)
    spread: float = _option(0.0, _SPREAD)

    def _fill(self, currents: Currents, dt: float, seed: int) -> None:
        timesteps, neurons = currents.shape
        line = np.linspace(self.start, self.stop, timesteps)
        np.multiply(line[:, np.newaxis], gains(neurons, self.spread), out=currents)


@dataclass(frozen=True)
class Sine(Stimulus):
    """An oscillation, ``(offset + amplitude * sin(2 pi frequency t + phase)) * gain``.

    Parameters
    ----------
    offset, amplitude : float
        Mean current and amplitude, mV.
    frequency : float
        Frequency, Hz, >= 0, and at most half the rate of the timesteps: above it would alias.
    phase : float
        Phase at the start, rad.
    spread : float
        The gains of the neurons are linear from ``1 - spread`` to ``1 + spread``; between 0 and 1.
    """

    name = "sine"
    offset: float = _option(16.0, _MILLIVOLT)
    amplitude: float = _option(6.0, _MILLIVOLT)
    frequency: float = _option(10.0, _AT_LEAST_ZERO["Hz"])
    phase: float = _option(0.0, Quantity("rad"))
    spread: float = _option(0.0, _SPREAD)

    def _fill(self, currents: Currents, dt: float, seed: int) -> None:
        timesteps, neurons = currents.shape
        cycles_per_step = self.frequency * dt / 1000
        if cycles_per_step > 0.5:
            highest, given = apart(500 / dt, self.frequency)
            raise InputError(
                f"frequency must be from 0 to {highest} Hz, half a cycle in a timestep of {dt} ms, not {given}"
            )
        angle = 2 * math.pi * cycles_per_step * np.arange(timesteps) + self.phase
        wave = self.offset + self.amplitude * np.sin(angle)
        np.multiply(wave[:, np.newaxis], gains(neurons, self.spread), out=currents)


@dataclass(frozen=True)
class OrnsteinUhlenbeck(Stimulus):
    r"""Frozen noise with an exponential autocorrelation, the fluctuating input of a cortical neuron.

    ``mean + x(t)``, where x is the stationary Ornstein-Uhlenbeck process of standard deviation `sd`
    and autocorrelation ``exp(-|t| / tau)``. It is sampled exactly, whatever the timestep:
    ``x' = x exp(-dt/tau) + sd sqrt(1 - exp(-2 dt/tau)) xi`` with xi standard normal, and x(0) is
    drawn from the stationary distribution (Gillespie, Phys. Rev. E 54, 2084, 1996).

    The same seed gives the same noise in each trial, the protocol by which spike times were found to
    be reliable (Mainen and Sejnowski, Science 268, 1503, 1995).

    Parameters
    ----------
    mean, sd : float
        Mean and standard deviation of the current, mV; `sd` >= 0.
    tau : float
        Correlation time, ms, > 0.
    shared : bool
        All neurons receive the sequence of the first, instead of each its own.
    """

    name = "ou"
    random = True
    mean: float = _option(17.0, _MILLIVOLT)
    sd: float = _option(8.0, _AT_LEAST_ZERO["mV"])
    tau: float = _option(5.0, _TIME_CONSTANT)
    shared: bool = False

    def _fill(self, currents: Currents, dt: float, seed: int) -> None:
        timesteps = len(currents)
        decay = math.exp(-dt / self.tau)
        # expm1 keeps the digits that 1 - exp() loses where tau is long.
        kick = math.sqrt(-math.expm1(-2 * dt / self.tau))
        process = currents[:, :1] if self.shared else currents
        for neuron, generator in enumerate(_generators(seed, process.shape[1])):
            process[:, neuron] = generator.standard_normal(timesteps)
        process[1:] *= kick
        for k in range(1, timesteps):
            process[k] += decay * process[k - 1]
        currents[:] = self.mean + self.sd * process


@dataclass(frozen=True)
class Poisson(Stimulus):
    """Synaptic input: events at random times, each of which adds a current that decays.

    ``offset + x(t)``, ``x' = x exp(-dt/tau) + weight * events``, with a Poisson number of events of
    mean ``rate * dt`` in each timestep, and none before the start. Once a few `tau` have passed, x
    has the mean ``rate * weight * tau`` and the variance ``rate * weight**2 * tau / 2`` (Campbell's
    theorem; in discrete time, to within dt/tau).

    Parameters
    ----------
    rate : float
        Rate of the events of one neuron, all its synapses together, Hz, >= 0.
    weight : float
        Current that an event adds, mV; negative for inhibition.
    tau : float
        Time constant of the decay, ms, > 0.
    offset : float
        Current without events, mV.
    shared : bool
        All neurons receive the events of the first, instead of each its own.
    """

    name = "poisson"
    random = True
    rate: float = _option(1000.0, _AT_LEAST_ZERO["Hz"])
    weight: float = _option(3.0, _MILLIVOLT)
    tau: float = _option(5.0, _TIME_CONSTANT)
    offset: float = _option(0.0, _MILLIVOLT)
    shared: bool = False

    def _fill(self, currents: Currents, dt: float, seed: int) -> None:
        timesteps = len(currents)
        expected = self.rate * dt / 1000
        if expected > _MOST_EVENTS:
            highest, given = apart(_MOST_EVENTS / dt * 1000, self.rate)
            raise InputError(f"rate must be from 0 to {highest} Hz at dt {dt} ms, not {given}")
        decay = math.exp(-dt / self.tau)
        synapse = currents[:, :1] if self.shared else currents
        for neuron, generator in enumerate(_generators(seed, synapse.shape[1])):
            synapse[:, neuron] = generator.poisson(expected, timesteps)
        for k in range(1, timesteps):
            synapse[k] += decay * synapse[k - 1]
        currents[:] = self.offset + self.weight * synapse


def _generators(seed: int, count: int) -> list[np.random.Generator]:
    """Return a generator per neuron. The first ones are the same however many there are."""
    return np.random.default_rng(seed).spawn(count)


STIMULI: dict[str, type[Stimulus]] = {
    kind.name: kind for kind in (Constant, Stratified, Step, Ramp, Sine, OrnsteinUhlenbeck, Poisson)
}
"""Every stimulus by the name that :func:`make` knows it by."""

_RECORDING = re.compile(
    rf"(?P<path>.+(?:{'|'.join(map(re.escape, recordings.SUFFIXES))}))(?::(?P<options>.*))?",
    re.IGNORECASE | re.DOTALL,
)
"""A path is as long as it can be, so that it may itself have colons and commas."""


def make(text: str, *, timesteps: int | None, neurons: int | None, dt: float, seed: int = 0) -> Currents:
    """Return the input currents that a text describes, as on the command line.

    The text is the name of a stimulus or the path of a recording, and then its options:
    ``ou``, ``ou:mean=18,sd=6,tau=3``, ``speech.wav:scale=40,offset=12,gain_spread=0.3``.

    Parameters
    ----------
    text : str
        ``name[:option=value,...]``. Options are those of the classes in :data:`STIMULI` and of
        :func:`qlif.model.inputs.recordings.load`.
    timesteps : int or None
        Timesteps of the result; the beginning of a recording that is longer. None: a recording
        whole; a stimulus needs the number.
    neurons : int or None
        Number of neurons. None: the channels of a recording; a stimulus needs the number.
    dt : float
        Timestep, ms, > 0.
    seed : int
        Seed of what is random, >= 0; recordings don't use it.

    Returns
    -------
    array of float64, shape ``(timesteps, neurons)``
        Currents ``R I``, mV.

    Raises
    ------
    InputError
        A name isn't known, a value is outside its range, or a recording can't be used or is shorter
        than `timesteps`.
    """
    match = _RECORDING.fullmatch(text)
    if match is not None:
        length = None if timesteps is None else whole("timesteps", timesteps)
        options = recordings.options_from(match["path"], _split(match["options"]))
        currents = recordings.load(match["path"], neurons=neurons, dt=dt, **options)
        if length is not None and length > len(currents):
            raise InputError(
                f"{match['path']!r} has {len(currents)} timesteps of {dt} ms, but {length} were asked for"
            )
        return currents if length is None else currents[:length].copy()
    stimulus = parse(text)
    if timesteps is None or neurons is None:
        missing = "timesteps" if timesteps is None else "neurons"
        raise InputError(f"{missing} must be given for the input {stimulus.name!r}: only a file has its own")
    return stimulus.currents(timesteps=timesteps, neurons=neurons, dt=dt, seed=seed)


def is_recording(text: str) -> bool:
    """Return whether a text names a file, which has a length and channels of its own."""
    return _RECORDING.fullmatch(text) is not None


def is_random(text: str) -> bool:
    """Return whether the seed changes the currents that a text describes; InputError as :func:`parse`."""
    return not is_recording(text) and parse(text).random


def content(text: str) -> str:
    """Return a digest of what is in the file that a text names; InputError if it can't be read."""
    match = _RECORDING.fullmatch(text)
    assert match is not None
    return recordings.content(match["path"])


def located(text: str) -> str:
    """Return a text whose file, if it names one, is found from any directory."""
    match = _RECORDING.fullmatch(text)
    if match is None:
        return text
    options = "" if match["options"] is None else f":{match['options']}"
    return f"{Path(match['path']).absolute()}{options}"


def parse(text: str) -> Stimulus:
    """Return the stimulus that a text describes, ``name[:option=value,...]``.

    Raises
    ------
    InputError
        The name or an option isn't known, or a value can't be read or is outside its range.
    """
    name, colon, rest = text.partition(":")
    kind = STIMULI.get(name.strip())
    if kind is None:
        _refuse_unknown(text, name.strip())
    known = {field.name: field for field in dataclasses.fields(kind)}
    values: dict[str, Any] = {}
    for option, spelling in _split(rest if colon else None).items():
        if option not in known:
            raise InputError(unknown_name(f"option of {kind.name}", option, known))
        read = number_from if "quantity" in known[option].metadata else flag_from
        values[option] = read(option, spelling)
    return kind(**values)


def summary(name: str) -> str:
    """Return the options of a stimulus with defaults and ranges in one line, for a help text."""
    if name not in STIMULI:
        _refuse_unknown(name, name)
    parts = []
    for field in dataclasses.fields(STIMULI[name]):
        quantity: Quantity | None = field.metadata.get("quantity")
        allowed = "true or false" if quantity is None else quantity.range
        if quantity is not None and quantity.unit and quantity.range == "finite":
            allowed = quantity.unit
        default = "none" if field.default is None else str(field.default).lower()
        parts.append(f"{field.name}={default} ({allowed})")
    return f"{name}: " + ", ".join(parts)


def _split(options: str | None) -> dict[str, str]:
    """Split ``option=value,...`` without reading the values. None: no options were begun."""
    result: dict[str, str] = {}
    for part in [] if options is None else options.split(","):
        name, equals, spelling = (piece.strip() for piece in part.partition("="))
        if not (name and equals and spelling):
            raise InputError(f"an option must be written name=value, not {show(part)}")
        if name in result:
            raise InputError(f"option {name!r} is given twice, as {result[name]!r} and {spelling!r}")
        result[name] = spelling
    return result


def _refuse_unknown(text: str, name: str) -> NoReturn:
    suffixes = ", ".join(recordings.SUFFIXES[:-1]) + f" or {recordings.SUFFIXES[-1]}"
    if any(suffix in text.lower() for suffix in recordings.SUFFIXES):
        raise InputError(f"after a file name, options must follow a colon, file:option=value, not {text!r}")
    if "." in name or "/" in name:
        raise InputError(f"an input file must end in {suffixes}, not {name!r}")
    raise InputError(
        unknown_name("input", name, [*STIMULI, *(f"FILE{suffix}" for suffix in recordings.SUFFIXES)])
    )
