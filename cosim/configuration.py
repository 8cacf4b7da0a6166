"""A neuron and its arithmetic from a preset and a TOML file."""

import dataclasses
import sys
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from qlif.hdl.core import STEP_BITS, Core, Feed, Streams
from qlif.hdl.primitives import PORTABLE, Primitives
from qlif.hdl.storage import Storage, check_storage, place
from qlif.hdl.verilog import Export, export
from qlif.model.arithmetic import Arithmetic
from qlif.model.exceptions import InputError, PrecisionWarning, show, unknown_name
from qlif.model.golden.neurons import ParameterWrite
from qlif.model.parameters import Parameters
from qlif.model.presets import DEFAULT_PRESET, preset
from qlif.model.quantisation import quantise
from qlif.model.support.checks import Quantity, whole, whole_number
from qlif.model.support.toml import read_toml, value_of
from qlif.model.words import Words

OWN_ARITHMETIC = "own arithmetic"
"""Name of a configuration whose arithmetic comes from no preset and no file."""
TABLES = ("parameters", "arithmetic", "storage")
WRITE_KEYS = ("step", "name", "value", "word", "neuron")
STRUCTURE = frozenset({"n", "shape"})
"""Parameters that the command line sets with ``--neurons``."""


@dataclass(frozen=True)
class Configuration:
    """A population to simulate or build.

    Attributes
    ----------
    name : str
        The preset's name, with a mark if its arithmetic was changed; the file's, if that sets the whole arithmetic.
    parameters : Parameters
    arithmetic : Arithmetic
    storage : dict of str to str
        Which parameter words are in registers or memories.
    writes : tuple of dict
        Parameter writes during the run, as in the file.
    where : str
        The file, as it reads in front of an error.
    """

    name: str
    parameters: Parameters
    arithmetic: Arithmetic
    storage: dict[str, str] = field(default_factory=dict)
    writes: tuple[dict[str, Any], ...] = ()
    where: str = ""

    @cached_property
    def words(self) -> Words:
        """The neurons' parameters in words."""
        return quantise(self.parameters, self.arithmetic)

    def core(
        self,
        lanes: int = 1,
        built_from: Primitives = PORTABLE,
        step_bits: int = STEP_BITS,
        streams: Streams = Streams.BOTH,
        feed: Feed = Feed.STREAM,
    ) -> Core:
        """Return the population as hardware; without updates nobody sees its spike trace, so it has none.

        Raises
        ------
        InputError
            It can't be built: see :class:`qlif.hdl.core.Core`.
        """
        storage = place(self.words, self.storage)
        words = self.words
        if not streams.has_updates and words.parameters.spike_trace:
            words = quantise(words.parameters.replace(spike_trace=False), self.arithmetic)
            storage = {name: where for name, where in storage.items() if name in words.constants}
        return Core(words, lanes, storage, built_from, step_bits, self.name, streams, feed)

    def export(
        self,
        lanes: int = 1,
        built_from: Primitives = PORTABLE,
        step_bits: int = STEP_BITS,
        streams: Streams = Streams.BOTH,
        feed: Feed = Feed.STREAM,
    ) -> Export:
        """Return the population as Verilog: see :func:`qlif.hdl.verilog.export`."""
        return export(self.core(lanes, built_from, step_bits, streams, feed))

    def parameter_writes(self, words: Words, timesteps: int) -> tuple[ParameterWrite, ...]:
        """Return the changes of parameters in words.

        Raises
        ------
        InputError
            A timestep or a neuron outside the run, a parameter that isn't changeable, a value that its
            format doesn't hold.
        """
        return tuple(self._parameter_write(number, words, timesteps) for number in range(len(self.writes)))

    def _parameter_write(self, number: int, words: Words, timesteps: int) -> ParameterWrite:
        said, where = self.writes[number], f"{self.where}write {number + 1}"
        try:
            write = self._checked_write(said, words)
            write.check(words, timesteps)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        return write

    def _checked_write(self, said: dict[str, Any], words: Words) -> ParameterWrite:
        for key in said:
            if key not in WRITE_KEYS:
                raise InputError(unknown_name("key", key, WRITE_KEYS))
        if "step" not in said or "name" not in said or ("value" in said) is ("word" in said):
            raise InputError("it must have a step, a name, and either a value or a word")
        name, neuron = said["name"], said.get("neuron")
        changeable = sorted(self.storage)
        if not isinstance(name, str) or name not in changeable:
            known = ", ".join(changeable) or "none"
            raise InputError(f"{show(name)} can't be written: only those in [storage] can ({known})")
        per_neuron = Storage(self.storage[name]).is_per_neuron
        if neuron is not None and not per_neuron:
            raise InputError(f"{name} is one register for all neurons, so neuron must be left out")
        if neuron is None and per_neuron:
            raise InputError(f"{name} is one value per neuron: say which neuron")
        if neuron is not None and whole("neuron", neuron, minimum=0) >= self.parameters.n:
            raise InputError(f"neuron must be below {self.parameters.n}, not {show(neuron)}")
        step = whole("step", said["step"], minimum=0)
        if "word" in said:
            return ParameterWrite(step, name, whole_number("word", said["word"]), neuron)
        return ParameterWrite(
            step, name, words.constant_word(name, _REAL.check("value", said["value"]), neuron), neuron
        )


_REAL = Quantity()


@dataclass(frozen=True)
class Settings:
    """A preset with a file's changes, before the size of the population is known.

    The file has a table ``[parameters]`` with the names of :class:`qlif.model.parameters.Parameters`, a
    table ``[arithmetic]`` with those of :class:`qlif.model.arithmetic.Arithmetic` (formats as text,
    ``"SQ(6,12)"``), and may name the ``preset`` that they start from (none is needed for an arithmetic that is set as
    a whole). A table ``[storage]`` says which
    parameter words are a ``"register"`` or a ``"memory"``, and tables ``[[writes]]`` change those at the
    beginning of a timestep.

    Attributes
    ----------
    name : str
    arithmetic : Arithmetic
    physical : dict
        The parameters that the file sets.
    where : str
        The file, as it reads in front of an error.
    storage : dict of str to str
    writes : tuple of dict
    over : dict of str to str
        Storage that takes precedence over the file's.
    """

    name: str
    arithmetic: Arithmetic
    physical: dict[str, Any]
    where: str
    storage: dict[str, str] = field(default_factory=dict)
    writes: tuple[dict[str, Any], ...] = ()
    over: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(
        cls,
        preset_name: str | None = None,
        file: Path | None = None,
        values: Sequence[tuple[str, str]] = (),
    ) -> "Settings":
        """Read a preset, a file over it, and single values over both.

        Parameters
        ----------
        preset_name : str, optional
            Takes precedence over the file's.
        file : Path, optional
        values : sequence of (str, str)
            Options of the command line and what they say, as ``NAME=VALUE`` with a value as in the file;
            a text may go without quotes.

        Raises
        ------
        InputError
            The file can't be read, a name is unknown (the text says the nearest one), or a
            choice of arithmetic is not allowed.
        """
        content = {} if file is None else read_toml(file)
        where = "" if file is None else f"{file}: "
        for key, value in content.items():
            _check_key(where, key, value)
        choices, physical = dict(content.get("arithmetic", {})), dict(content.get("parameters", {}))
        for name in physical:
            _check_parameter(where, name)
        own = file is not None and set(choices) >= _WHOLE_ARITHMETIC
        _set_values(values, choices, physical)
        if changed := [option for option, _ in values]:
            where = f"{file} with " if file is not None else ""
            where += f"{', '.join(dict.fromkeys(changed))}: "
        base = preset_name if preset_name is not None else content.get("preset")
        try:
            if base is None and own:
                assert file is not None
                title, arithmetic = file.stem, _arithmetic(choices)
            elif base is None and set(choices) >= _WHOLE_ARITHMETIC:
                title, arithmetic = OWN_ARITHMETIC, _arithmetic(choices)
            else:
                title = DEFAULT_PRESET if base is None else base
                arithmetic = preset(title).replace(**choices)
                if arithmetic != preset(title):
                    title += " (changed)"
        except InputError as error:
            raise InputError(f"{where}{error}") from None
        return cls(
            title,
            arithmetic,
            physical,
            where,
            dict(content.get("storage", {})),
            tuple(content.get("writes", ())),
        )

    @property
    def dt(self) -> float:
        """The timestep, ms."""
        with warnings.catch_warnings():
            # Whether the timestep is too coarse is for the whole population to say.
            warnings.simplefilter("ignore", PrecisionWarning)
            return self._parameters(1, {"dt": self.physical["dt"]} if "dt" in self.physical else {}).dt

    def population(self, neurons: int) -> Configuration:
        """Return the configuration with `neurons` neurons.

        Raises
        ------
        InputError
            A parameter's value is not allowed.
        """
        parameters = self._parameters(neurons, self.physical)
        storage = self.storage | self.over
        configuration = Configuration(
            self.name, parameters, self.arithmetic, storage, self.writes, self.where
        )
        if self.over:
            check_storage(configuration.words, self.over)
        if self.storage:
            try:
                check_storage(configuration.words, self.storage)
            except InputError as error:
                raise InputError(f"{self.where}{error}") from None
        # Whether a write comes within the run is for the run to say.
        if self.writes:
            configuration.parameter_writes(configuration.words, sys.maxsize)
        return configuration

    def stored(self, registers: Sequence[str], memories: Sequence[str]) -> "Settings":
        """Return them with some parameter words stored elsewhere than in the file."""
        over = dict.fromkeys(registers, str(Storage.REGISTER)) | dict.fromkeys(memories, str(Storage.MEMORY))
        return dataclasses.replace(self, over=over)

    def _parameters(self, neurons: int, physical: dict[str, Any]) -> Parameters:
        try:
            return Parameters(n=neurons, **physical)
        except InputError as error:
            raise InputError(f"{self.where}{error}") from None


_WHOLE_ARITHMETIC = frozenset(
    each.name for each in dataclasses.fields(Arithmetic) if each.default is dataclasses.MISSING
)
"""Choices that have no default: with all of them, no preset is needed."""


def _arithmetic(choices: dict[str, Any]) -> Arithmetic:
    """Return the arithmetic of choices alone."""
    known = [each.name for each in dataclasses.fields(Arithmetic)]
    for name in choices:
        if name not in known:
            raise InputError(unknown_name("arithmetic choice", name, known))
    return Arithmetic(**choices)


def _set_values(values: Iterable[tuple[str, str]], choices: dict[str, Any], physical: dict[str, Any]) -> None:
    """Put single values over a file's."""
    known = [*_choices(), *sorted(Parameters.names() - STRUCTURE)]
    seen: dict[str, str] = {}
    for option, text in values:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals:
            raise InputError(f"{option} must be NAME=VALUE, not {show(text)}")
        if name in seen:
            raise InputError(f"{name} must be set once, not by {seen[name]} and by {option}")
        seen[name] = option
        if name in _choices():
            choices[name] = value_of(value)
        elif name in known or name in STRUCTURE:
            _check_parameter(f"{option} ", name)
            physical[name] = value_of(value)
        else:
            raise InputError(f"{option}: {unknown_name('parameter or arithmetic choice', name, known)}")


def _check_parameter(where: str, name: str) -> None:
    known = sorted(Parameters.names() - STRUCTURE)
    if name in STRUCTURE:
        raise InputError(f"{where}{name} is not set here: the number of neurons is --neurons")
    if name not in known:
        raise InputError(where + unknown_name("parameter", name, known))


def _check_key(where: str, key: str, value: Any) -> None:
    if key == "preset":
        if not isinstance(value, str):
            raise InputError(f"{where}preset must be a name in quotes, not {show(value)}")
    elif key == "writes":
        if not isinstance(value, list) or not all(isinstance(write, dict) for write in value):
            raise InputError(f"{where}writes must be tables [[writes]], not {show(value)}")
    elif key == "depths":
        raise InputError(f"{where}the table [depths] is called [storage]")
    elif key not in TABLES:
        hint = unknown_name("key", key, (*TABLES, "preset", "writes"))
        for table, names in (("parameters", Parameters.names()), ("arithmetic", _choices())):
            if key in names:
                hint = f"{key!r} belongs into the table [{table}]"
        raise InputError(f"{where}{hint}")
    elif not isinstance(value, dict):
        raise InputError(f"{where}{key} must be a table [{key}], not {show(value)}")


def _choices() -> frozenset[str]:
    return frozenset(each.name for each in dataclasses.fields(Arithmetic))
