"""A campaign: every fault of a netlist played, and those that nobody saw put to the proof."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from qlif.cosim.mutation import stimuli
from qlif.cosim.mutation.equivalence import SECONDS, Decision, Equivalence
from qlif.cosim.mutation.netlist import Mutant, plant
from qlif.cosim.mutation.replay import Replay
from qlif.cosim.mutation.stimuli import Stimulus
from qlif.cosim.simulators import SimulationError, Simulator
from qlif.hdl.export import Export
from qlif.model.arithmetic import Arithmetic
from qlif.model.errors import InputError
from qlif.model.files import write_text
from qlif.model.parameters import Parameters
from qlif.model.progress import Progress, unwatched
from qlif.model.words import Words, quantise

KILLED, EQUIVALENT, SURVIVED = "killed", "equivalent", "survived"


@dataclass(frozen=True)
class Outcome:
    """What became of one fault.

    Attributes
    ----------
    mutant : Mutant
    result : {"killed", "equivalent", "survived"}
    by : str
        The bench that saw it and the port on which it did; or the proof that it is none; or what that proof
        failed for.
    clock : int, optional
        If killed, the bench's clock in which it showed.
    """

    mutant: Mutant
    result: str
    by: str
    clock: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {**self.mutant.as_dict(), "result": self.result, "by": self.by, "clock": self.clock}


@dataclass
class Campaign:
    """The outcomes of a campaign.

    Attributes
    ----------
    preset : str
    seed : int
    outcomes : list of Outcome
        By number.
    """

    preset: str
    seed: int
    outcomes: list[Outcome] = field(default_factory=list)

    def count(self, result: str) -> int:
        """Return how many faults came to that."""
        return sum(outcome.result == result for outcome in self.outcomes)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        counts = {result: self.count(result) for result in (KILLED, EQUIVALENT, SURVIVED)}
        return {
            "preset": self.preset,
            "seed": self.seed,
            "mutants": len(self.outcomes),
            **counts,
            "list": [outcome.as_dict() for outcome in self.outcomes],
        }


class _Kept:
    """Outcomes in a file, a line each, so that a campaign that was stopped goes on where it was.

    What was proved of a netlist holds whatever is played to it.
    """

    def __init__(self, path: Path, netlist: str, played: str) -> None:
        self._path = path
        self.outcomes: dict[int, dict[str, Any]] = {}
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        header = {"netlist": netlist, "played": played}
        before = _parsed(lines[0]) if lines else {}
        if before.get("netlist") == netlist:
            found = [_parsed(line) for line in lines[1:]]
            self.outcomes = {entry["mutant"]: entry for entry in found if "mutant" in entry}
        if before.get("played") != played:
            self.outcomes = {n: e for n, e in self.outcomes.items() if e["result"] == EQUIVALENT}
        # Written anew, without a last line that was cut off.
        text = [json.dumps(header), *(json.dumps(entry) for entry in self.outcomes.values())]
        write_text(path, "\n".join(text) + "\n")

    def add(self, entry: dict[str, Any]) -> None:
        self.outcomes[entry["mutant"]] = entry
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def run_campaign(
    export: Export,
    words: Words,
    simulator: Simulator,
    directory: Path,
    *,
    count: int,
    seed: int = 0,
    updates: int = stimuli.UPDATES,
    jobs: int = 2,
    seconds: float = SECONDS,
    progress: Progress = unwatched,
) -> Campaign:
    """Plant faults in a population, play the benches to each, and prove what they didn't see.

    A campaign that was stopped goes on where it was, if nothing that it depends on has changed.

    Parameters
    ----------
    export : Export
        A portable population of one lane and at least two neurons.
    words : Words
        Its neurons.
    simulator : Simulator
        Verilator.
    directory : Path
        Where everything is written.
    count : int
        How many faults.
    seed : int
        Of the faults that are drawn, and of the benches' random inputs.
    updates : int
        How many the random benches play.
    jobs : int
        Processes at once.
    seconds : float
        The time that the solver may take for one question.
    progress : callable
        Called with what goes on and the fraction that is done.

    Raises
    ------
    InputError
        A number that can't be, or a tool that isn't installed.
    SimulationError
        A bench fails without a fault, or a build fails.
    Unproved
        The population without a fault isn't proved.
    """
    for name, value in (("count", count), ("updates", updates), ("jobs", jobs)):
        if value < 1:
            raise InputError(f"--{name} must be 1 or more, not {value}")
    if not seconds > 0:
        raise InputError(f"--timeout must be above 0, not {seconds}")
    lanes, neurons = export.interface["lanes"], export.interface["neurons"]
    if lanes != 1 or neurons < 2:
        raise InputError(
            f"faults are planted in populations of 1 lane and 2 neurons or more, not {lanes} and {neurons}"
        )
    progress("planting faults", 0.0)
    netlist = plant(export, count, seed, directory / "netlist")
    recorded = stimuli.record(
        export, words, simulator, directory / "benches", seed=seed, updates=updates, progress=progress
    )
    kept = _Kept(
        directory / "outcomes.jsonl", _netlist_key(netlist.verilog, netlist.mutants), _played_key(recorded)
    )
    _play(netlist.verilog, export, recorded, simulator, directory, netlist.mutants, kept, jobs, progress)
    _prove(netlist.verilog.read_text(encoding="utf-8"), words, export, kept, jobs, seconds, progress)
    outcomes = []
    for mutant in netlist.mutants:
        entry = kept.outcomes[mutant.number]
        outcomes.append(Outcome(mutant, entry["result"], entry["by"], entry.get("clock")))
    return Campaign(export.interface["preset"], seed, outcomes)


def _play(
    verilog: Path,
    export: Export,
    recorded: Sequence[Stimulus],
    simulator: Simulator,
    directory: Path,
    mutants: Sequence[Mutant],
    kept: _Kept,
    jobs: int,
    progress: Progress,
) -> None:
    """Play the benches to every fault that has no outcome yet."""
    todo = [mutant.number for mutant in mutants if mutant.number not in kept.outcomes]
    if not todo:
        return
    progress("building the netlist", 0.0)
    replay = Replay(verilog, export.interface, recorded, simulator, directory / "replay")
    for _, difference in replay.run([0], 1):
        if difference is not None:
            raise SimulationError(f"the netlist without a fault isn't the population: {difference}")
    done = len(mutants) - len(todo)
    with closing(replay.run(todo, jobs)) as answers:
        for number, difference in answers:
            done += 1
            progress("playing the benches", done / len(mutants))
            if difference is None:
                kept.add({"mutant": number, "result": SURVIVED, "by": ""})
            else:
                by = f"{difference.bench}: {difference.output}"
                kept.add({"mutant": number, "result": KILLED, "by": by, "clock": difference.clock})


_prover: Equivalence
"""In a process of the pool: what decides faults there."""


def _begin(
    verilog: str, parameters: dict[str, Any], arithmetic: dict[str, Any], export: Export, seconds: float
) -> None:
    global _prover
    # Words follow from parameters and arithmetic alone, so both processes have the same.
    words = quantise(Parameters(**parameters), Arithmetic(**arithmetic))
    _prover = Equivalence(verilog, words, export, seconds)


def _decide(number: int) -> tuple[int, Decision]:
    return number, _prover.decide(number)


def _prove(
    verilog: str,
    words: Words,
    export: Export,
    kept: _Kept,
    jobs: int,
    seconds: float,
    progress: Progress,
) -> None:
    """Decide every fault that nobody saw and that isn't decided yet."""
    open_ones = [n for n, entry in kept.outcomes.items() if entry["result"] == SURVIVED and not entry["by"]]
    if not open_ones:
        return
    progress("proving the population without a fault", 0.0)
    Equivalence(verilog, words, export, seconds).check_premise()
    told = (verilog, words.parameters.as_dict(), words.arithmetic.as_dict(), export, seconds)
    workers = min(jobs, len(open_ones))
    with ProcessPoolExecutor(workers, get_context("spawn"), _begin, told) as pool:
        asked = [pool.submit(_decide, number) for number in open_ones]
        for done, answer in enumerate(as_completed(asked), start=1):
            number, decision = answer.result()
            result = EQUIVALENT if decision.equivalent else SURVIVED
            kept.add({"mutant": number, "result": result, "by": decision.reason})
            progress("deciding the survivors", done / len(open_ones))


def _netlist_key(verilog: Path, mutants: Sequence[Mutant]) -> str:
    """Return what tells this netlist, and the faults in it, from others."""
    digest = hashlib.sha256(verilog.read_bytes())
    digest.update(repr(mutants).encode())
    return digest.hexdigest()


def _played_key(recorded: Sequence[Stimulus]) -> str:
    """Return what tells what is played to it from other things."""
    digest = hashlib.sha256()
    for stimulus in recorded:
        digest.update(stimulus.bench.encode())
        for name, words in sorted(stimulus.words.items()):
            digest.update(name.encode() + np.ascontiguousarray(words).tobytes())
    return digest.hexdigest()


def _parsed(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def by_net(campaign: Campaign) -> Iterator[tuple[str, dict[str, int]]]:
    """Give each net with how many of its faults came to what."""
    return _grouped((outcome.mutant.net, outcome.result) for outcome in campaign.outcomes)


def by_line(campaign: Campaign) -> Iterator[tuple[int, dict[str, int]]]:
    """Give each line of the exported Verilog with how many of its faults came to what."""
    return _grouped((line, outcome.result) for outcome in campaign.outcomes for line in outcome.mutant.lines)


def _grouped(found: Iterator[tuple[Any, str]]) -> Iterator[tuple[Any, dict[str, int]]]:
    groups: dict[Any, dict[str, int]] = {}
    for group, result in found:
        counts = groups.setdefault(group, dict.fromkeys((KILLED, EQUIVALENT, SURVIVED), 0))
        counts[result] += 1
    yield from sorted(groups.items())
