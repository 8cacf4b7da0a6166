"""A neuron and its arithmetic from a preset and a TOML file."""

import tomllib
import warnings
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from qlif.hdl.export import Export, export_population
from qlif.hdl.population import STEP_BITS
from qlif.hdl.primitives import PORTABLE, Primitives
from qlif.hdl.storage import Depth
from qlif.model.arithmetic import Arithmetic
from qlif.model.exceptions import InputError, PrecisionWarning, show, unknown_name
from qlif.model.golden.neurons import ParameterWrite
from qlif.model.parameters import Parameters
from qlif.model.presets import DEFAULT_PRESET, preset
from qlif.model.quantisation import quantise
from qlif.model.words import Words

TABLES = ("parameters", "arithmetic", "depths")
WRITE_KEYS = ("step", "name", "value", "word", "neuron")
STRUCTURE = frozenset({"n", "shape"})
"""Parameters that the command line sets with ``--neurons``."""


@dataclass(frozen=True)
class Configuration:
    """A population that is to be simulated.

    Attributes
    ----------
    name : str
        The preset's name, with a mark if a file changed its arithmetic.
    parameters : Parameters
    arithmetic : Arithmetic
    depths : dict of str to str
        Which parameter words live in registers or memories.
    writes : tuple of dict
        Changes of parameters on the way, as the file says them.
    """

    name: str
    parameters: Parameters
    arithmetic: Arithmetic
    depths: dict[str, str] = field(default_factory=dict)
    writes: tuple[dict[str, Any], ...] = ()

    @cached_property
    def words(self) -> Words:
        """The neurons' parameters in words."""
        return quantise(self.parameters, self.arithmetic)

    def export(self, lanes: int = 1, built_from: Primitives = PORTABLE, step_bits: int = STEP_BITS) -> Export:
        """Return the population as Verilog: see :func:`qlif.hdl.export.export_population`."""
        return export_population(
            self.words, self.parameters.n, self.name, lanes, self.depths, built_from, step_bits
        )

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
        said, where = self.writes[number], f"write {number + 1}"
        for key in said:
            if key not in WRITE_KEYS:
                raise InputError(f"{where}: {unknown_name('key', key, WRITE_KEYS)}")
        if "step" not in said or "name" not in said or ("value" in said) is ("word" in said):
            raise InputError(f"{where} must have a step, a name, and either a value or a word")
        name, neuron = said["name"], said.get("neuron")
        changeable = sorted(self.depths)
        if name not in changeable:
            known = ", ".join(changeable) or "none"
            raise InputError(f"{where}: {show(name)} can't be written: only those in [depths] can ({known})")
        if neuron is not None and self.depths[name] != Depth.MEMORY:
            raise InputError(f"{where}: {name} is one register for all neurons, so neuron must be left out")
        if neuron is None and self.depths[name] == Depth.MEMORY:
            raise InputError(f"{where}: {name} is one value per neuron: say which neuron")
        try:
            word = said["word"] if "word" in said else words.constant_word(name, said["value"], neuron)
            write = ParameterWrite(said["step"], name, word, neuron)
            write.check(words, timesteps)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        return write


@dataclass(frozen=True)
class Settings:
    """A preset with a file's changes, before the size of the population is known.

    The file has a table ``[parameters]`` with the names of :class:`qlif.model.parameters.Parameters`, a
    table ``[arithmetic]`` with those of :class:`qlif.model.arithmetic.Arithmetic` (formats as text,
    ``"SQ(6,12)"``), and may name the ``preset`` that they start from. A table ``[depths]`` says which
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
    depths : dict of str to str
    writes : tuple of dict
    """

    name: str
    arithmetic: Arithmetic
    physical: dict[str, Any]
    where: str
    depths: dict[str, str] = field(default_factory=dict)
    writes: tuple[dict[str, Any], ...] = ()

    @classmethod
    def read(cls, preset_name: str | None = None, file: Path | None = None) -> "Settings":
        """Read a preset and a file; a preset that is named here goes before the file's.

        Raises
        ------
        InputError
            The file can't be read, a name in it is unknown (the text says the nearest one), or a
            choice of arithmetic is not allowed.
        """
        content = {} if file is None else _read(file)
        where = "" if file is None else f"{file}: "
        of_file = content.pop("preset", DEFAULT_PRESET)
        name = preset_name or of_file
        if not isinstance(name, str):
            raise InputError(f"{where}preset must be a name in quotes, not {show(name)}")
        writes = content.pop("writes", [])
        if not isinstance(writes, list) or not all(isinstance(write, dict) for write in writes):
            raise InputError(f"{where}writes must be tables [[writes]], not {show(writes)}")
        for key, value in content.items():
            _check_table(where, key, value)
        physical, choices = content.get("parameters", {}), content.get("arithmetic", {})
        known = sorted(Parameters.names() - STRUCTURE)
        for key in physical:
            if key in STRUCTURE:
                raise InputError(f"{where}{key} is not set here: the number of neurons is --neurons")
            if key not in known:
                raise InputError(where + unknown_name("parameter", key, known))
        try:
            arithmetic = preset(name).replace(**choices)
        except InputError as error:
            raise InputError(f"{where}{error}") from None
        title = f"{name} (changed)" if choices else name
        return cls(title, arithmetic, physical, where, content.get("depths", {}), tuple(writes))

    @property
    def dt(self) -> float:
        """The timestep, ms."""
        with warnings.catch_warnings():
            # Whether the timestep is too coarse is for the whole population to say.
            warnings.simplefilter("ignore", PrecisionWarning)
            return self._parameters(1, {"dt": self.physical["dt"]} if "dt" in self.physical else {}).dt

    def population(self, neurons: int) -> Configuration:
        """Return the configuration of so many neurons.

        Raises
        ------
        InputError
            A parameter's value is not allowed.
        """
        parameters = self._parameters(neurons, self.physical)
        return Configuration(self.name, parameters, self.arithmetic, self.depths, self.writes)

    def _parameters(self, neurons: int, physical: dict[str, Any]) -> Parameters:
        try:
            return Parameters(n=neurons, **physical)
        except InputError as error:
            raise InputError(f"{self.where}{error}") from None


def _check_table(where: str, key: str, value: Any) -> None:
    if key not in TABLES:
        hint = unknown_name("key", key, (*TABLES, "preset", "writes"))
        for table, names in (("parameters", Parameters.names()), ("arithmetic", _choices())):
            if key in names:
                hint = f"{key!r} belongs into the table [{table}]"
        raise InputError(f"{where}{hint}")
    if not isinstance(value, dict):
        raise InputError(f"{where}{key} must be a table [{key}], not {show(value)}")


def _choices() -> frozenset[str]:
    return frozenset(preset(DEFAULT_PRESET).as_dict())


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{file} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{file} must be a TOML file in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{file} must be a TOML file: {error}") from None
