"""Golden model and hardware beside each other in the waves that a simulator left, in mV."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qlif.cosim.evidence.vcd import declarations
from qlif.model.recording import Recording
from qlif.model.support.files import whole_file

SCOPE = "qlif"
"""The scope that is added to the waves."""
TIMESTEPS_SHOWN = 20
"""How many timesteps a viewer shows before the first mismatch, and after it."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Update by update, in their order: what the waves are to show beside the hardware's own signals.

    Attributes
    ----------
    neurons : tuple of int
        Those that get traces of their own.
    population : int
        Number of neurons.
    currents, golden_mv, hardware_mv : array of float, (updates,)
    golden_spikes, hardware_spikes, wrong : array of bool, (updates,)
        Wrong is an update of which any output differs.
    """

    neurons: tuple[int, ...]
    population: int
    currents: npt.NDArray[np.float64]
    golden_mv: npt.NDArray[np.float64]
    hardware_mv: npt.NDArray[np.float64]
    golden_spikes: npt.NDArray[np.bool_]
    hardware_spikes: npt.NDArray[np.bool_]
    wrong: npt.NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        golden: Recording,
        hardware: Recording,
        currents: npt.NDArray[np.float64],
        neurons: tuple[int, ...],
    ) -> "Comparison":
        """Return the comparison of two recordings, (timesteps, neurons), on the same currents."""
        words = ("potential_words", "trace_words", "spikes")
        differ = [np.asarray(getattr(golden, name) != getattr(hardware, name)) for name in words]
        assert golden.potentials is not None and hardware.potentials is not None
        return cls(
            neurons,
            currents.shape[1],
            currents.ravel(),
            golden.potentials.ravel(),
            hardware.potentials.ravel(),
            golden.spikes.ravel(),
            hardware.spikes.ravel(),
            np.logical_or.reduce(differ).ravel(),
        )


@dataclass(frozen=True)
class Annotated:
    """What was found while the waves were annotated.

    Attributes
    ----------
    times : list of int
        When each row of updates was taken, in the unit of the waves.
    names : dict of str to str
        The hardware's ports by their names: the name in the waves, with its range.
    """

    times: list[int]
    names: dict[str, str]


_TRACES = ("golden_mV", "hardware_mV", "current", "golden_spike", "hardware_spike")
_PORTS = ("clk", "rst", "updates_valid", "updates_ready")


def annotate(path: Path, module: str, lanes: int, comparison: Comparison) -> Annotated:
    """Add the scope ``qlif`` to a VCD file of a population's run from one reset on.

    In it, each shown neuron has golden model and hardware as real numbers in mV, which change when the update is
    taken, and ``mismatch`` is 1 from one wrong update to the next right one.

    Parameters
    ----------
    path : Path
        Of Verilator or of Icarus; it is replaced.
    module : str
        The population.
    lanes : int
        Updates in one transfer.
    comparison : Comparison

    Raises
    ------
    ValueError
        The file has no such module.
    """
    with path.open(encoding="latin-1", newline="\n") as lines, whole_file(path) as temporary:
        header = list(declarations(lines))
        found = _identifiers(header, module)
        if missing := [port for port in _PORTS if port not in found]:
            raise ValueError(f"{path} has no signal {missing[0]} of {module}")
        own = _own_identifiers(header, comparison.neurons)
        times: list[int] = []
        with temporary.open("w", encoding="latin-1", newline="\n") as out:
            out.writelines(header[:-1])
            out.writelines(_declarations(own, comparison.neurons))
            out.write(header[-1])
            identifiers = {port: identifier for port, (identifier, _) in found.items()}
            out.writelines(_body(lines, identifiers, lanes, comparison, own, times))
    return Annotated(times, {port: name for port, (_, name) in found.items()})


def _identifiers(header: Iterable[str], module: str) -> dict[str, tuple[str, str]]:
    """Return identifier and full name of each signal of the module itself."""
    scopes: list[str] = []
    found: dict[str, tuple[str, str]] = {}
    for line in header:
        match line.split():
            case ["$scope", _, name, "$end"]:
                scopes.append(name)
            case ["$upscope", *_]:
                scopes.pop()
            case ["$var", _, _, identifier, name, *range_, "$end"] if scopes and scopes[-1] == module:
                found.setdefault(name, (identifier, ".".join([*scopes, name]) + "".join(range_)))
    return found


def _own_identifiers(header: Iterable[str], neurons: Iterable[int]) -> dict[str, str]:
    """Return identifiers that nobody uses, by the names of our signals."""
    used = {words[3] for words in map(str.split, header) if words[:1] == ["$var"]}
    free = (identifier for number in range(10**9) if (identifier := f"~{number:x}") not in used)
    names = ["mismatch", "update", "timestep"]
    names += [f"{name}{neuron}" for neuron in neurons for name in _TRACES]
    return dict(zip(names, free, strict=False))


def _declarations(own: Mapping[str, str], neurons: Iterable[int]) -> Iterator[str]:
    yield f"$scope module {SCOPE} $end\n"
    yield f"$var wire 1 {own['mismatch']} mismatch $end\n"
    for name in ("update", "timestep"):
        yield f"$var wire 64 {own[name]} {name} [63:0] $end\n"
    for neuron in neurons:
        yield f"$scope module neuron_{neuron} $end\n"
        for name in _TRACES:
            kind = "wire 1" if name.endswith("spike") else "real 64"
            yield f"$var {kind} {own[f'{name}{neuron}']} {name} $end\n"
        yield "$upscope $end\n"
    yield "$upscope $end\n"


def _body(
    lines: Iterable[str],
    identifiers: Mapping[str, str],
    lanes: int,
    comparison: Comparison,
    own: Mapping[str, str],
    times: list[int],
) -> Iterator[str]:
    """Give the changes of the hardware's signals with ours; keep when updates were taken."""
    clock, reset, valid, ready = (identifiers[port] for port in _PORTS)
    now = dict.fromkeys((clock, reset, valid, ready), "x")
    before, time, was_reset = dict(now), 0, False
    for line in itertools.chain(filter(str.strip, lines), ["#"]):
        if line[0] != "#":
            if line[0] in "01xz" and (identifier := line[1:].rstrip()) in now:
                now[identifier] = line[0]
            yield line
            continue
        was_reset |= before[reset] == "1"
        rises = before[clock] == "0" and now[clock] == "1"
        if was_reset and rises and (before[reset], before[valid], before[ready]) == ("0", "1", "1"):
            yield from _changes(len(times) * lanes, lanes, comparison, own)
            times.append(time)
        before = dict(now)
        if line != "#":
            time = int(line[1:])
            yield line


def _changes(first: int, lanes: int, comparison: Comparison, own: Mapping[str, str]) -> Iterator[str]:
    """Give our changes when a row of updates is taken."""
    row = range(first, min(first + lanes, len(comparison.wrong)))
    yield f"{int(bool(comparison.wrong[first : first + lanes].any()) or not row)}{own['mismatch']}\n"
    yield f"b{first:b} {own['update']}\n"
    yield f"b{first // comparison.population:b} {own['timestep']}\n"
    for update in row:
        neuron = update % comparison.population
        if neuron in comparison.neurons:
            yield f"r{float(comparison.golden_mv[update])} {own[f'golden_mV{neuron}']}\n"
            yield f"r{float(comparison.hardware_mv[update])} {own[f'hardware_mV{neuron}']}\n"
            yield f"r{float(comparison.currents[update])} {own[f'current{neuron}']}\n"
            yield f"{int(comparison.golden_spikes[update])}{own[f'golden_spike{neuron}']}\n"
            yield f"{int(comparison.hardware_spikes[update])}{own[f'hardware_spike{neuron}']}\n"
