"""A campaign: every fault of a netlist is played, and survivors go to the prover."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import as_completed
from contextlib import closing
from pathlib import Path
from typing import Any

from qlif.cosim.mapping.core_map import CoreMap
from qlif.cosim.mutation import play_selftest, recorded_benches
from qlif.cosim.mutation.equivalence import SECONDS, Decision, Equivalence
from qlif.cosim.mutation.findings import BENCHES, PROOF, SELF_TEST, Findings, points
from qlif.cosim.mutation.foreign_equivalence import ForeignEquivalence
from qlif.cosim.mutation.mutant import Mutant
from qlif.cosim.mutation.mutated_netlist import MutatedNetlist, plant
from qlif.cosim.mutation.outcomes import Campaign, Outcome, is_seen
from qlif.cosim.mutation.play_benches import Replay
from qlif.cosim.mutation.play_selftest import SelfTestPlayer
from qlif.cosim.mutation.player import Player
from qlif.cosim.simulator.find import Simulator
from qlif.hdl.synthesis import yowasp
from qlif.hdl.verilog import Export
from qlif.model.exceptions import InputError
from qlif.model.selftest.plan import SelfTestPlan
from qlif.model.support import journal
from qlif.model.support.process import worker_processes
from qlif.model.support.progress import Progress, unwatched
from qlif.model.support.sources import code_of, versions_of


def run_campaign(
    export: Export,
    simulator: Simulator,
    directory: Path,
    *,
    count: int | None = None,
    seed: int = 0,
    updates: int = recorded_benches.UPDATES,
    jobs: int = 2,
    seconds: float = SECONDS,
    core_map: CoreMap | None = None,
    progress: Progress = unwatched,
) -> Campaign:
    """Plant faults in a population, play the benches to each, and prove what they didn't see.

    A stopped campaign resumes; findings of another one are refused.

    Parameters
    ----------
    export : Export
        A portable population of one lane and at least two neurons, or somebody else's core in its adapter.
    simulator : Simulator
        Verilator.
    directory : Path
        Where everything is written.
    count : int, optional
        How many faults; all if not given.
    seed : int
        Of the faults that are drawn, and of the random inputs of benches and self-test.
    updates : int
        How many the random benches play.
    jobs : int
        Processes at once.
    seconds : float
        The time that the solver may take for one question.
    core_map : CoreMap, optional
        Of somebody else's core; without a table ``[state]``, survivors can hardly be decided but in a pipeline.
    progress : callable
        Called with what goes on and the fraction that is done.

    Raises
    ------
    InputError
        An invalid number, a tool that isn't installed, or findings of another campaign.
    DifferenceFound
        A bench fails without a fault.
    ToolError
        A build fails, or Yosys.
    Unproved
        The population without a fault isn't proved.
    """
    for name, value in (("count", count), ("updates", updates), ("jobs", jobs)):
        if value is not None and value < 1:
            raise InputError(f"--{name} must be 1 or more, not {value}")
    if not seconds > 0:
        raise InputError(f"--timeout must be above 0, not {seconds}")
    interface = export.interface
    lanes, neurons = interface.lanes, interface.neurons
    if interface.mapped is None and (lanes != 1 or neurons < 2):
        raise InputError(
            f"faults are planted in populations of 1 lane and 2 neurons or more, not {lanes} and {neurons}"
        )
    plan = SelfTestPlan.of(interface.words, seed)
    key = {
        "code": code_of("model", "hdl", "cosim"),
        "tools": {
            "simulator": simulator.version,
            **versions_of("amaranth", "cocotb", yowasp.YOSYS, "bitwuzla"),
        },
        "verilog": hashlib.sha256(export.verilog.encode()).hexdigest(),
        "parameters": interface.words.parameters.as_dict(),
        "arithmetic": interface.words.arithmetic.as_dict(),
        "map": core_map and repr((core_map.contract, core_map.latency, core_map.state)),
        "count": count,
        "seed": seed,
        "updates": updates,
    }
    with journal.opened(directory / "findings.jsonl", "mutate", key, points(count)) as kept:
        findings = Findings(kept)
        progress("finding places for faults", 0.0)
        netlist = plant(export, count, seed, directory / "netlist")
        recorded = recorded_benches.record(
            export, simulator, directory / "benches", seeds=(seed,), updates=updates, progress=progress
        )

        _play(
            BENCHES, lambda: Replay(netlist, interface, recorded), netlist.mutants, findings, jobs, progress
        )
        _play(
            SELF_TEST,
            lambda: SelfTestPlayer(netlist, interface, plan),
            netlist.mutants,
            findings,
            jobs,
            progress,
        )
        _prove(netlist, export, core_map, findings, jobs, seconds, progress)
    outcomes = [Outcome.of(mutant, findings.about(mutant.number)) for mutant in netlist.mutants]
    return Campaign(interface.name, seed, play_selftest.TIMESTEPS, outcomes)


def _play(
    what: str,
    build: Callable[[], Player],
    mutants: Sequence[Mutant],
    findings: Findings,
    jobs: int,
    progress: Progress,
) -> None:
    """Play benches or self-test to every fault of which it isn't known yet whether they see it."""
    todo = [mutant.number for mutant in mutants if what not in findings.about(mutant.number)]
    if not todo:
        return
    progress(f"building the netlist for the {what}", 0.0)
    done = len(mutants) - len(todo)
    with closing(build().run(todo, jobs)) as answers:
        for some in answers:
            findings.add(what, some)
            done += len(some)
            progress(f"playing the {what}", done / len(mutants))


TOGETHER = 16
"""Faults that a process decides at once."""

_prover: Equivalence | ForeignEquivalence
"""In a process of the pool: what decides faults there."""


def _begin(*told: Any) -> None:
    global _prover
    _prover = _equivalence(*told)


def _equivalence(
    netlist: MutatedNetlist, export: Export, core_map: CoreMap | None, seconds: float
) -> Equivalence | ForeignEquivalence:
    if core_map is None:
        return Equivalence(netlist.selectable(), export, seconds)
    return ForeignEquivalence(netlist, export, core_map, seconds)


def _decide(numbers: Sequence[int]) -> list[tuple[int, Decision]]:
    return list(zip(numbers, _prover.decide_all(numbers), strict=True))


def _prove(
    netlist: MutatedNetlist,
    export: Export,
    core_map: CoreMap | None,
    findings: Findings,
    jobs: int,
    seconds: float,
    progress: Progress,
) -> None:
    """Decide every fault that nobody saw, unless it is decided, or was open after as much time."""
    unseen = [each.number for each in netlist.mutants if not is_seen(findings.about(each.number))]
    decided = {number for number in unseen if _is_decided(findings.about(number).get(PROOF), seconds)}
    # The same groups in a campaign that resumes: what is said of a fault may depend on the others.
    groups = [unseen[first : first + TOGETHER] for first in range(0, len(unseen), TOGETHER)]
    groups = [group for group in groups if not decided.issuperset(group)]
    if not groups:
        return
    progress("proving the population without a fault", 0.0)
    told = (netlist.only({number for group in groups for number in group}), export, core_map, seconds)
    _equivalence(*told).check_premise()
    with worker_processes(min(jobs, len(groups)), _begin, told) as pool:
        asked = [pool.submit(_decide, group) for group in groups]
        for answer in as_completed(asked):
            found = [(number, decision) for number, decision in answer.result() if number not in decided]
            findings.add(PROOF, ((number, _finding(each, seconds)) for number, each in found))
            decided.update(number for number, _ in found)
            progress("deciding the survivors", len(decided) / len(unseen))


def _is_decided(proof: Mapping[str, Any] | None, seconds: float) -> bool:
    """Return whether a fault is proved to be none, or was open after as much time."""
    return proof is not None and (proof["equivalent"] or proof["seconds"] >= seconds)


def _finding(decision: Decision, seconds: float) -> dict[str, Any]:
    return {"equivalent": decision.equivalent, "by": decision.reason, "seconds": seconds}
