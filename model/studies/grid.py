"""What a sweep goes over: every combination of its axes, as points in a fixed order."""

import itertools
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, assert_never

import numpy as np
import numpy.typing as npt

from qlif.model.arithmetic import MOST_PHASE_BITS, WIDEST_WORD, Arithmetic, Form
from qlif.model.exceptions import InputError, PrecisionWarning, show, unknown_name
from qlif.model.formats import Format
from qlif.model.inputs import stimuli
from qlif.model.parameters import Parameters
from qlif.model.population import QLIFPopulation
from qlif.model.presets import PRESETS
from qlif.model.recording import Recording
from qlif.model.rounding import Rounding
from qlif.model.studies import axes
from qlif.model.support.checks import flag, whole

DEFAULT_INPUT = "constant:amplitude=48.5,spread=0.6494845360824743"
"""17 to 80 mV, evenly spaced over the neurons."""


def base_of(form: str) -> str:
    """Return the name of the preset from which a sweep of a form takes what it doesn't vary.

    That is current and trace format, overflow, what a current word holds; and the integer bits of a word whose
    fraction is automatic.
    """
    match Form(form):
        case Form.FACTORED:
            return "factored-16"
        case Form.SQUARE:
            return "square-18"
        case unknown:
            assert_never(unknown)


@dataclass(frozen=True)
class Point:
    """One configuration under one input.

    Attributes
    ----------
    index : int
        Its place in the grid.
    form, rounding : str
    word_bits, fraction_bits : int
        Of the state word.
    random_bits, rounding_seed : int
        Of stochastic rounding; 0 and 1 otherwise.
    coefficient_bits, phase_bits : int
    dt_ms, tau_m_ms : float
    input : str
        As in ``qlif simulate --input``.
    """

    index: int
    form: str
    word_bits: int
    fraction_bits: int
    rounding: str
    random_bits: int
    rounding_seed: int
    coefficient_bits: int
    phase_bits: int
    dt_ms: float
    tau_m_ms: float
    input: str


@dataclass(frozen=True)
class Sweep:
    """A grid of configurations and inputs, and what is the same at every point.

    Parameters
    ----------
    word_bits, fraction_bits, rounding, random_bits, rounding_seed, form, coefficient_bits, phase_bits, \
dt_ms, tau_m_ms, input
        The axes; each a list, or a text such as ``8..18`` or ``RND,SR``. `random_bits` and
        `rounding_seed` vary with stochastic rounding only.
    neurons : int
    duration_ms : float
        Simulated time, rounded to whole timesteps.
    input_seed : int
        Of what is random in the inputs.
    distances : bool
        Compute the distances of spike trains too, which takes most of the time.
    parameters : dict
        Further physical parameters, one value for all neurons. The refractory period is
        ``refrac_length`` steps of the library's default ``dt``, or of ``parameters["dt"]``: it stays the
        same in ms when the timestep varies.
    arithmetic : dict
        Further choices of arithmetic, the same at every point, such as the format of the current.
    contents : dict, optional
        A digest of each recording among the inputs; found out if not given.

    Raises
    ------
    InputError
        An axis is empty or has a value that isn't allowed; a recording can't be read, or isn't what it was.
    """

    word_bits: Any = "8..18:2"
    fraction_bits: Any = axes.AUTOMATIC
    rounding: Any = "TRN,RND,SR"
    random_bits: Any = 8
    rounding_seed: Any = 1
    form: Any = "factored,square"
    coefficient_bits: Any = 16
    phase_bits: Any = 0
    dt_ms: Any = 0.1
    tau_m_ms: Any = 30.0
    input: Any = (DEFAULT_INPUT,)
    neurons: int = 64
    duration_ms: float = 2000.0
    input_seed: int = 0
    distances: bool = False
    parameters: dict[str, Any] = field(default_factory=dict)
    arithmetic: dict[str, Any] = field(default_factory=dict)
    contents: dict[str, str] | None = None

    def __post_init__(self) -> None:
        checked = {
            "word_bits": axes.whole_numbers("word_bits", self.word_bits, 2, WIDEST_WORD),
            "fraction_bits": axes.fraction_bits("fraction_bits", self.fraction_bits),
            "rounding": axes.roundings("rounding", self.rounding),
            "random_bits": axes.whole_numbers("random_bits", self.random_bits, 1, 32),
            "rounding_seed": axes.whole_numbers("rounding_seed", self.rounding_seed, 0, 2**64 - 1),
            "form": axes.forms("form", self.form),
            "coefficient_bits": axes.whole_numbers("coefficient_bits", self.coefficient_bits, 2, WIDEST_WORD),
            "phase_bits": axes.whole_numbers("phase_bits", self.phase_bits, 0, MOST_PHASE_BITS),
            "dt_ms": axes.times("dt_ms", self.dt_ms),
            "tau_m_ms": axes.times("tau_m_ms", self.tau_m_ms),
            "input": axes.texts("input", self.input),
            "neurons": whole("neurons", self.neurons),
            "input_seed": whole("input_seed", self.input_seed, minimum=0),
            "duration_ms": axes.times("duration_ms", self.duration_ms)[0],
            "distances": flag("distances", self.distances),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        contents = {}
        for text in self.input:
            if stimuli.is_recording(text):
                contents[text] = stimuli.content(text)
            else:
                stimuli.parse(text)
        for text, digest in ({} if self.contents is None else self.contents).items():
            if contents.get(text) != digest:
                raise InputError(f"the recording {text!r} isn't the one that this sweep began with")
        object.__setattr__(self, "contents", contents)
        self._check_common()

    def _check_common(self) -> None:
        for name, axis in (("tau_m", "tau_m_ms"), ("n", "neurons"), ("shape", "neurons")):
            if name in self.parameters:
                raise InputError(f"{name} is set by {axis}, not in [parameters]")
        for name in (
            "form",
            "rounding",
            "potential",
            "random_bits",
            "random_seed",
            "coefficient_bits",
            "phase_bits",
        ):
            if name in self.arithmetic:
                raise InputError(f"{name} is an axis of the sweep, not a choice in [arithmetic]")
        for name, value in self.parameters.items():
            if name not in Parameters.names():
                raise InputError(unknown_name("parameter", name, sorted(Parameters.names())))
            if isinstance(value, (list, dict)):
                raise InputError(f"{name} must be one value for all neurons, not {show(value)}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PrecisionWarning)
            Parameters(n=1, **self.parameters)
        for form in self.form:
            PRESETS[base_of(form)].replace(**self.arithmetic)

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Sweep":
        """Return the sweep of a mapping, such as a TOML file; InputError if a name isn't known."""
        known = [one.name for one in fields(cls)]
        for name in settings:
            if name not in known:
                raise InputError(unknown_name("sweep setting", name, known))
        return cls(**settings)

    def as_dict(self) -> dict[str, Any]:
        """Return the axes and the rest by name, ready for JSON: equal for equal sweeps only."""
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()
        }

    @property
    def identity(self) -> dict[str, Any]:
        """All that its results depend on: itself, and the presets that say what it doesn't vary."""
        return {**self.as_dict(), "bases": {name: PRESETS[name].as_dict() for name in map(base_of, Form)}}

    def located(self) -> "Sweep":
        """Return the same study with recordings that are found from any directory, as a worker's may be."""
        assert self.contents is not None
        contents = {stimuli.located(text): digest for text, digest in self.contents.items()}
        return replace(self, input=tuple(map(stimuli.located, self.input)), contents=contents)

    def points(self) -> list[Point]:
        """Return the grid, each distinct configuration once under each input, the input fastest.

        Configurations come in the order of the axes as they are listed above, the form slowest.
        """
        configurations: dict[Any, None] = {}
        for form, bits, fraction, rounding, random_bits, seed, *rest in itertools.product(
            self.form,
            self.word_bits,
            self.fraction_bits,
            self.rounding,
            self.random_bits,
            self.rounding_seed,
            self.coefficient_bits,
            self.phase_bits,
            self.dt_ms,
            self.tau_m_ms,
        ):
            stochastic = Rounding(rounding).stochastic
            if fraction == axes.AUTOMATIC:
                fraction = bits - PRESETS[base_of(form)].potential.i_bits
            random = (random_bits, seed) if stochastic else (0, 1)
            configurations[form, bits, fraction, rounding, *random, *rest] = None
        pairs = itertools.product(configurations, self.input)
        return [_point(index, choice, text) for index, (choice, text) in enumerate(pairs)]

    def arithmetic_of(self, point: Point) -> Arithmetic:
        """Return the arithmetic of a point; InputError if its choices don't go together."""
        return PRESETS[base_of(point.form)].replace(
            potential=Format(point.word_bits - point.fraction_bits, point.fraction_bits, signed=True),
            rounding=point.rounding,
            random_bits=point.random_bits,
            random_seed=point.rounding_seed,
            coefficient_bits=point.coefficient_bits,
            phase_bits=point.phase_bits,
            **self.arithmetic,
        )

    def neuron(self, dt: float, tau_m: float, neurons: int) -> Parameters:
        """Return the neurons of a timestep; the refractory period is the same number of ms at each."""
        given = dict(self.parameters)
        period = given.pop("refrac_length", 5) * given.pop("dt", 0.1)
        return Parameters(n=neurons, tau_m=tau_m, dt=dt, refrac_length=round(period / dt), **given)

    def euler(
        self, text: str, dt: float, tau_m: float, substep: bool = False
    ) -> tuple[Parameters, npt.NDArray[np.float64], Recording]:
        """Return the neurons under an input, its currents, and the run that fixed point is compared with.

        With `substep`, that keeps what is left of a timestep after a spike, as phases do.
        """
        parameters, currents = self.neurons_under(text, dt, tau_m)
        euler = QLIFPopulation.of(parameters, substep=substep).run(currents, record=("potentials",))
        return parameters, currents, euler

    def neurons_under(self, text: str, dt: float, tau_m: float) -> tuple[Parameters, npt.NDArray[np.float64]]:
        """Return the neurons under an input, and its currents."""
        currents = self._currents(text, dt)
        return self.neuron(dt, tau_m, currents.shape[1]), currents

    def check_inputs(self) -> None:
        """Read every input, so that a bad one ends a study before it has begun.

        Raises
        ------
        InputError
            An input can't be read or made, or the neurons can't have a timestep or a time constant.
        """
        for text, dt in itertools.product(self.input, self.dt_ms):
            neurons = self._currents(text, dt).shape[1]
            for tau_m in self.tau_m_ms:
                self.neuron(dt, tau_m, neurons)

    def _currents(self, text: str, dt: float) -> npt.NDArray[np.float64]:
        timesteps = max(1, round(self.duration_ms / dt))
        return stimuli.make(text, timesteps=timesteps, neurons=self.neurons, dt=dt, seed=self.input_seed)


def _point(index: int, configuration: tuple[Any, ...], text: str) -> Point:
    values: tuple[Any, ...] = (index, *configuration, text)
    return Point(*values)
