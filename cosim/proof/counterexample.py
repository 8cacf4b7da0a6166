"""A refuted claim about one update in numbers, and the same in a simulator."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from qlif.cosim.benches.job import BEGIN_FILE, Job
from qlif.cosim.proof.choices import why_same
from qlif.cosim.proof.claims import Claim
from qlif.cosim.simulator.cocotb_design import WAVES_FILE, Design, failures
from qlif.cosim.simulator.find import Simulator
from qlif.hdl.synthesis.gates import models_of
from qlif.hdl.verilog import Export
from qlif.model.formats import UQ, Format
from qlif.model.golden import step as datapath
from qlif.model.support.files import write_text
from qlif.model.words import POTENTIALS, Words

NEURON_BENCH = "qlif.cosim.benches.neuron_bench"


@dataclass(frozen=True)
class Line:
    """One word of a counterexample.

    Attributes
    ----------
    name : str
    word : int
        Signed if its format is.
    meaning : str
        The same with its unit; empty for a plain number.
    """

    name: str
    word: int
    meaning: str


@dataclass(frozen=True)
class Replay:
    """What a simulator said to a counterexample.

    Attributes
    ----------
    waves, log : Path
    said : str
        How the simulation differs from the golden model, too; empty if it doesn't.
    why : str
        If it doesn't, why not.
    pictures : tuple of Path
        The timesteps around the first difference, drawn; none if no run from reset on shows it.
    """

    waves: Path
    log: Path
    said: str = ""
    why: str = ""
    pictures: tuple[Path, ...] = ()

    @property
    def shown(self) -> bool:
        """The simulation differs from the golden model, too."""
        return bool(self.said)


def lines(words: Words, values: Mapping[str, int], of_golden: Collection[str] = ()) -> list[Line]:
    """Return a counterexample as numbers: what goes in, and what circuit and golden model give.

    What goes in is the circuit's, but for the words in `of_golden`.
    """
    found = []
    for name, number in _inputs(words, values).items():
        whose = f"{name}, golden model" if name in of_golden else name
        found.append(Line(whose, number, _meaning(words, name, number) if _is_word(words, name) else ""))
    outputs = (*words.state_names, "spike")
    if not all(f"{name}_out" in values for name in outputs):
        # What it gives is told by the claim: it may come many clocks later.
        return found
    golden = expected(words, values)
    for name in outputs:
        number = _signed(values[f"{name}_out"], _format(words, name))
        for who, word in (("circuit", number), ("golden model", golden[name])):
            found.append(Line(f"{name} after, {who}", word, _meaning(words, name, word)))
    return found


def expected(words: Words, values: Mapping[str, int]) -> dict[str, int]:
    """Return what the golden step makes of a counterexample's inputs."""
    numbers = _inputs(words, values)
    constants = {name: numbers.get(f"constant_{name}", word) for name, word in words.values.items()}
    state = datapath.State(**{name: numbers[name] for name in words.state_names})
    after, spike = datapath.step(
        words, constants, state, numbers["current"], numbers.get("random", 0), datapath.where_integer
    )
    return {**after.by_name(words), "spike": int(spike)}


def replay(
    export: Export,
    claim: Claim,
    simulator: Simulator,
    directory: Path,
) -> Replay:
    """Play a counterexample into the bare pipeline that it was found in, with waves.

    Parameters
    ----------
    export : Export
        The pipeline.
    claim : Claim
        A refuted one: its counterexample has the inputs of every clock.
    simulator : Simulator
    directory : Path
        Where everything is written.

    Raises
    ------
    SimulationError
        The simulation gave no verdict.
    """
    values = claim.counterexample or {}
    golden = expected(export.interface.words, values)
    answer = {
        f"{name}_out": word & export.interface.port(f"{name}_out").mask for name, word in golden.items()
    }
    options = {"inputs": by_clock(values), "expected": answer}
    played = play(export, NEURON_BENCH, "given_inputs", options, simulator, directory)
    if played.shown:
        return played
    begin = int((directory / "replay" / BEGIN_FILE).read_text(encoding="utf-8"))
    return replace(played, why=why_same(claim.choices, played.waves, begin))


def by_clock(values: Mapping[str, int]) -> list[dict[str, int]]:
    """Return a counterexample's ports, named ``PORT@CLOCK``, clock by clock."""
    named = [(name.split("@"), word) for name, word in values.items() if "@" in name]
    inputs: list[dict[str, int]] = [{} for _ in range(1 + max(int(clock) for (_, clock), _ in named))]
    for (port, clock), word in named:
        inputs[int(clock)][port] = word
    return inputs


def play(
    export: Export,
    bench: str,
    test: str,
    options: Mapping[str, Any],
    simulator: Simulator,
    directory: Path,
) -> Replay:
    """Play one test of a bench with waves; the job's options say what it drives."""
    module = export.interface.module
    source = directory / f"{module}.v"
    write_text(source, export.verilog)
    job = directory / "replay"
    job.mkdir(parents=True, exist_ok=True)
    Job(export.interface.words, export.interface, dict(options)).write(job)
    design = Design(simulator, source, module, directory / "simulation", True, models_of(export))
    design.run(bench, job, 0, (test,))
    return Replay(job / WAVES_FILE, job / "simulation.log", "; ".join(failures(job)))


def _inputs(words: Words, values: Mapping[str, int]) -> dict[str, int]:
    """Return what goes into the update of a counterexample."""
    return {
        name: _signed(word, _format(words, name)) if _is_word(words, name) else word
        for name, word in values.items()
        if "@" not in name and not name.endswith("_out")
    }


def _format(words: Words, name: str) -> Format:
    constant = name.removeprefix("constant_")
    if constant != name:
        return words.constants[constant].format
    return UQ(1, 0) if name == "spike" else words.formats[name]


def _is_word(words: Words, name: str) -> bool:
    """Return whether a name is the golden model's, and not that of a register of somebody else's core."""
    return name in words.formats or name.removeprefix("constant_") in words.constants


def _signed(word: int, format: Format) -> int:
    return word - (1 << format.width) if format.signed and word > format.max_word else word


def _meaning(words: Words, name: str, word: int) -> str:
    constant = name.removeprefix("constant_")
    if name == "potential" or (constant != name and constant in POTENTIALS):
        return f"{np.asarray(words.potentials(word)).flat[0]:.6f} mV"
    if name == "current":
        return f"{np.asarray(words.currents(word)).flat[0]:.6f} mV/R"
    if name == "trace":
        return f"{float(words.traces(word)):.6f}"
    if name == "phase":
        return f"{float(words.phases(word)):g} timesteps"
    if constant != name and constant != "refractory":
        return f"{float(words.constants[constant].format.values(word)):.6g}"
    return ""
