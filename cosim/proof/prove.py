"""Proofs of Verilog texts: what the command calls."""

import dataclasses
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, assert_never

import numpy as np
import numpy.typing as npt

from qlif.cosim.configuration import Configuration
from qlif.cosim.cosimulation import POPULATION_BENCH, cosimulate
from qlif.cosim.mapping.complaints import own_name
from qlif.cosim.proof.choices import Choice, several, split, why_same
from qlif.cosim.proof.circuit import Circuit
from qlif.cosim.proof.claims import Claim, Undecided, timed_out
from qlif.cosim.proof.counterexample import Replay, by_clock, lines, play
from qlif.cosim.proof.population_claims import full_speed, population_claims
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.read_verilog import read_export
from qlif.cosim.proof.runs import follow, prove_run
from qlif.cosim.proof.update import legality, neuron_update, population_updates
from qlif.cosim.simulator.find import Simulator
from qlif.hdl import probes
from qlif.hdl.interface import Kind
from qlif.hdl.primitives import PORTABLE
from qlif.hdl.verilog import Export
from qlif.model.exceptions import InputError
from qlif.model.golden.neurons import FixedNeurons
from qlif.model.words import Words

SECONDS = 60.0
"""The time that the solver may take for one claim."""

_FREE_PIPELINES = (
    "in the counterexample the pipelines give anything in each clock; in the simulation, what they make of random "
    "currents"
)

STEPS_AFTER = 50
"""Number of timesteps that a replay continues after its counterexample."""

UPDATE_CLAIM = "an update is the golden step"


def prove_update(export: Export, *, claim: str = UPDATE_CLAIM, seconds: float = SECONDS) -> Claim:
    """Prove that an update is the golden step, for every state, input, random word and run-time parameter.

    Parameters
    ----------
    export : Export
        A bare pipeline with the ports of ``qlif_neuron``, or a population that this project exported, whatever
        was changed in its text since.
    claim : str
        What the claim is called.
    seconds : float
        The time that the solver may take.

    Raises
    ------
    InputError
        The Verilog can't be read, or hasn't the module or its ports; or a tool isn't installed.
    """
    start = time.monotonic()
    circuit, interface = read_export(export), export.interface
    terms = Products()
    match interface.kind:
        case Kind.NEURON:
            updates = [neuron_update(terms, circuit, interface)]
        case Kind.POPULATION:
            updates = population_updates(terms, circuit, interface)
        case Kind.SELF_TEST:
            raise InputError("an update is proved of a population or of a bare pipeline, not of a self-test")
        case _:
            assert_never(interface.kind)
    result = "proved"
    counterexample: Mapping[str, int] | None = None
    choices: tuple[Choice, ...] = ()
    for update in updates:
        answer = update.prove(terms, seconds)
        if answer.verdict == "refuted":
            result, (counterexample, choices) = "refuted", split(answer.values)
            break
        if answer.verdict == "unknown":
            result = "unknown"
    why = timed_out(seconds) if result == "unknown" else ""
    elapsed = time.monotonic() - start
    return Claim(
        export.interface.name, claim, result, None, elapsed, counterexample, why=why, choices=choices
    )


def prove_population(export: Export, *, seconds: float = SECONDS) -> Iterator[Claim]:
    """Prove all claims about a population that this project exported, but what an update computes.

    Parameters
    ----------
    export : Export
        A population, whatever was changed in its text since.
    seconds : float
        The time that the solver may take for one claim.

    Raises
    ------
    InputError
        The Verilog can't be read, or hasn't the module, its ports or the signals that the claims are about;
        or a tool isn't installed.
    """
    circuit, interface = read_export(export), export.interface
    if missing := _missing(export, circuit):
        raise InputError(f"the population isn't one that this project exports: it has no signal {missing}")
    yield from population_claims(circuit, interface, seconds)
    terms = Products()
    update, *_ = population_updates(terms, circuit, interface)
    for name, (assumed, follows) in legality(terms, update).items():
        start = time.monotonic()
        answer = terms.prove(follows, assumed, update.named(), seconds)
        values = answer.values if answer.verdict == "refuted" else None
        elapsed = time.monotonic() - start
        why = timed_out(seconds) if answer.verdict == "unknown" else ""
        yield Claim(export.interface.name, name, answer.verdict, None, elapsed, values, why=why)


def _missing(export: Export, circuit: Circuit) -> str:
    """Return the signals that the claims are about and an edit took out of the text; empty if there are all.

    One that nothing reads is in the text, and not in the circuit.
    """
    interface = export.interface
    if interface.core.primitives != PORTABLE:
        return ""
    written = set(re.findall(r"\w+", export.verilog))
    wanted = (name for name in probes.of(interface.core, interface.loop_latency) if name not in circuit.named)
    return ", ".join(name for name in wanted if name.rpartition(".")[2] not in written)


RUNS = MappingProxyType(
    {
        "the first updates after a reset are the golden model's": lambda spike, refractory: 0,
        "so are those around the first spike": lambda spike, refractory: spike,
        "and those around the end of the refractory period": lambda spike, refractory: spike + refractory,
    }
)
"""Runs of a population by what is claimed of them: after how many timesteps its currents are free."""

FULL_SPEED = "full speed, outputs always ready"
"""How the handshakes are in such runs."""

FREE_STEPS = 2
"""Number of timesteps with free currents."""

LONGEST_PREFIX = 64
"""Most timesteps that are run up to a spike, or to the end of the refractory period."""


def prove_runs(export: Export, claim: str, *, seconds: float = SECONDS) -> Claim:
    """Prove that a population's updates and events are the golden model's in one of the :data:`RUNS`.

    The bound that is reported is the run's number of timesteps; the currents of its last two are free.

    Parameters
    ----------
    export : Export
        Any Verilog with the ports of ``qlif_population`` of one lane.
    claim : str
        A name in :data:`RUNS`.
    seconds : float
        The time that the solver may take.

    Raises
    ------
    InputError
        The Verilog can't be read, or hasn't the module or its ports; or a tool isn't installed.
    """
    start = time.monotonic()
    circuit, words = read_export(export), export.interface.words
    terms = Products()
    prefix = _prefix(words, RUNS[claim])
    bound = len(prefix) + FREE_STEPS
    try:
        run = follow(terms, circuit, export.interface, prefix, FREE_STEPS)
    except Undecided as undecided:
        elapsed, name = time.monotonic() - start, export.interface.name
        return Claim(name, claim, "unknown", bound, elapsed, under=FULL_SPEED, why=str(undecided))
    answer, what, currents, choices = prove_run(terms, words, run, words.parameters.n, seconds)
    shown = currents if answer.verdict == "refuted" else None
    elapsed = time.monotonic() - start
    unknown = answer.verdict == "unknown"
    return Claim(
        export.interface.name,
        claim,
        answer.verdict,
        bound,
        elapsed,
        run=shown,
        what="" if unknown else what,
        under=FULL_SPEED,
        why=timed_out(seconds, what) if unknown else "",
        choices=choices,
    )


def replay_run(
    export: Export,
    configuration: Configuration,
    claim: Claim,
    simulator: Simulator,
    directory: Path,
    seconds: float = SECONDS,
) -> Replay | str:
    """Play a population from reset on, with waves, and draw the stretch around the first difference.

    Parameters
    ----------
    export : Export
        The population.
    configuration : Configuration
        What it should be.
    claim : Claim
        A refuted one; if it has no run from reset, one in which the population differs from the golden model is
        looked for first.
    simulator : Simulator
    directory : Path
        Where everything is written.
    seconds : float
        The time that the solver may take for each of the searches.

    Returns
    -------
    Replay or str
        Why there is none, if no such run was found.
    """
    from qlif.cosim.run_pictures import draw_mismatch

    searched: list[Claim] = []
    if claim.run is None:
        for name in RUNS:
            searched.append(prove_runs(export, name, seconds=seconds))
            if searched[-1].run is not None:
                claim = searched[-1]
                break
        else:
            return _no_run(claim, searched, configuration.words)
    assert claim.run is not None
    values = configuration.words.currents(claim.run)
    run = cosimulate(configuration, values, simulator, directory, waves=True, export=export)
    assert run.waves is not None
    pictures = draw_mismatch(directory, run, values)
    text = run.verdict.text
    return Replay(
        run.waves, run.log, text, "" if text else why_same(claim.choices, run.waves), tuple(pictures)
    )


def _no_run(claim: Claim, searched: list[Claim], words: Words) -> str:
    """Return why no run from reset shows a counterexample, by what was searched."""
    found = {line.name: line.word for line in lines(words, claim.counterexample or {})}
    start = several(
        [f"{name} = {word}" for name, word in found.items() if name in ("potential", "refractory", "trace")]
    )
    bounds = ", ".join(str(one.bound) for one in searched)
    open_ones = [one.why for one in searched if one.result == "unknown"]
    return (
        f"the proof starts from any state{f', here from {start},' if start else ','} and of the runs from reset of "
        f"{bounds} timesteps, at full speed, none was found to differ"
        + (f" ({open_ones[0]})" if open_ones else "")
    )


def replay_clocks(
    export: Export,
    values: Mapping[str, int],
    simulator: Simulator,
    directory: Path,
    choices: Sequence[Choice] = (),
) -> Replay:
    """Play a population clock by clock, with waves, on random currents.

    It then goes on for :data:`STEPS_AFTER` timesteps at full speed, in which what is wrong in a memory has
    time to come out.

    Parameters
    ----------
    export : Export
        The population.
    values : mapping of str to int
        The handshakes of every clock after a reset, as ``PORT@CLOCK``.
    simulator : Simulator
    directory : Path
        Where everything is written.
    choices : sequence of Choice
        What the solver chose besides.
    """
    interface = export.interface
    given = {port: int(bit) for port, bit in full_speed(interface).items()}
    rest = {**given, "updates_ready": 1, "events_ready": 1, "parameters_valid": 0}
    rows = max(interface.rows, interface.loop_latency)
    inputs = [*by_clock(values), *[rest] * (STEPS_AFTER * rows)]
    test, options = "given_clocks", {"inputs": inputs}
    replay = play(export, POPULATION_BENCH, test, options, simulator, directory)
    if replay.shown:
        return replay
    # What a pipeline holds is free in each clock, not only where it starts.
    of_pipelines = own_name(probes.PIPELINES)
    outside = [choice for choice in choices if not choice.name.startswith(of_pipelines)]
    return dataclasses.replace(replay, why=why_same(outside, replay.waves, otherwise=_FREE_PIPELINES))


def _prefix(words: Words, length: Callable[[int, int], int]) -> npt.NDArray[Any]:
    """Return the currents before the free ones: the highest, for as long as a run of :data:`RUNS` says."""
    neurons = words.parameters.n
    top = np.full((LONGEST_PREFIX, neurons), words.arithmetic.current.max_word, dtype=np.int64)
    spikes, _ = FixedNeurons(words).run_words(top, keep=())
    timesteps = np.flatnonzero(spikes.any(axis=1))
    first = int(timesteps[0]) if len(timesteps) else LONGEST_PREFIX
    refractory = int(np.max(words.parameters.refrac_length))
    return top[: min(LONGEST_PREFIX, length(first, refractory))]
