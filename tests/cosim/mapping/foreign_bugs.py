"""Bugs planted in the example cores, and which net finds each: `make foreign-bugs` writes the table.

The nets are the benches of `qlif cosim --thorough` on Icarus, which knows X, and the proof of `qlif prove`. A bug
that no bench finds counts as found only if the proof refutes it or refuses a register that it needs.

    python tests/cosim/mapping/foreign_bugs.py docs/your-own-cores-bugs.md --work build/foreign-bugs
"""

import argparse
import hashlib
import json
import shutil
import sys
import tomllib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from xml.etree import ElementTree

from qlif.cosim.benches.job import Job
from qlif.cosim.benches.monitors import Rule
from qlif.cosim.configuration import Settings
from qlif.cosim.cosimulation import POPULATION_BENCH, tests_of
from qlif.cosim.mapping import speed
from qlif.cosim.mapping.mapped import mapped_export
from qlif.cosim.mapping.read import read_map
from qlif.cosim.proof.tasks import mapped_tasks
from qlif.cosim.simulator.cocotb_design import Design
from qlif.cosim.simulator.find import find
from qlif.model.exceptions import InputError
from qlif.model.inputs import stimuli

CORES = Path(__file__).parents[3] / "examples" / "cores"
BENCHES = ("replay", "directed", "constrained_random", "stalled", "reset_in_mid_run", "full_speed")
BENCH, MONITORS, PROOF = "bench", "monitors", "proof"
NETS = (*BENCHES, MONITORS, PROOF)
SEED = 1
SECONDS = 300.0
"""The solver's time for one claim."""


@dataclass(frozen=True)
class Bug:
    """A text that is replaced by another in a core's source."""

    core: str
    kind: str
    name: str
    old: str
    new: str

    @property
    def key(self):
        return f"{self.core}: {self.name}"

    @property
    def digest(self):
        """What a result holds for: another core, map, configuration or bug has another."""
        folder = CORES / self.core
        texts = [
            file.read_text(encoding="utf-8")
            for file in (source(self.core), *sorted(folder.glob("[cn]*.toml")))
        ]
        return hashlib.sha256("\0".join([*texts, self.old, self.new]).encode()).hexdigest()[:16]


def bugs(core):
    """Every bug of a core."""
    content = tomllib.loads((CORES / core / "bugs.toml").read_text(encoding="utf-8"))
    return [Bug(core, kind, name, *texts) for kind, named in content.items() for name, texts in named.items()]


def with_bugs():
    """The cores that have any."""
    return sorted(file.parent.name for file in CORES.glob("*/bugs.toml"))


def source(core):
    """The one file of a core's text."""
    (found,) = (CORES / core).glob("core.v*")
    return found


def plant(core, bug, folder):
    """Copy a core, with a bug or with none, into a folder."""
    shutil.copytree(CORES / core, folder, dirs_exist_ok=True)
    text = source(core).read_text(encoding="utf-8")
    if bug is not None:
        assert text.count(bug.old) == 1, bug
        text = text.replace(bug.old, bug.new)
    (folder / source(core).name).write_text(text, encoding="utf-8")


def read(folder):
    """Return the configuration of a core in a folder, its export behind the adapter, and its map."""
    core_map = read_map(folder / "core.toml")
    configuration = Settings.read(None, folder / "neuron.toml").population(core_map.neurons)
    return configuration, mapped_export(core_map, configuration)[0], core_map


def by_benches(folder, updates=2000):
    """Which benches fail, each with its reason.

    They are those of `qlif cosim --thorough`, in one simulation instead of three: a start costs as much as a bench.
    """
    configuration, export, core_map = read(folder)
    words, work = configuration.words, folder / "benches"
    work.mkdir(exist_ok=True)
    size = {"timesteps": updates, "neurons": core_map.neurons}
    currents = stimuli.make("ou", **size, dt=configuration.parameters.dt, seed=SEED)
    Job(words, export.interface, {"updates": updates}, words.current_words(currents)).write(work)
    design = Design(find("icarus"), export.write(work)[0], export.interface.module, work / "simulation")
    names = ("replay", *tests_of(export.interface), "measure")
    count, failed = design.run(f"{POPULATION_BENCH},{speed.BENCH}", work, SEED, names)
    cases = ElementTree.parse(work / "results.xml").iter("testcase")
    said = ((case, problem) for case in cases for kind in ("failure", "error") for problem in case.iter(kind))
    found = {
        case.get("name"): problem.get("message") or problem.get("error_msg") or "" for case, problem in said
    }
    assert count == len(names) and failed == len(found), (count, found)
    measured = json.loads((work / speed.FILE).read_text())
    slow = list(speed.Speed.of(**measured).failures(export.interface.mapped))
    broken = [why for why in found.values() if any(rule in why for rule in Rule)]
    return found | ({"full_speed": slow[0]} if slow else {}) | ({MONITORS: broken[0]} if broken else {})


def by_proof(folder):
    """What the proof says against the core; None if it is proved.

    It is that of `qlif prove`, up to the first claim that is refuted. One that stays unknown counts for nothing.
    """
    try:
        (task,) = mapped_tasks(*read(folder))
        for claim in task.prove(SECONDS):
            if claim.result == "refuted":
                return f"{claim.claim}: {claim.what or dict(claim.counterexample or {})}"
    except InputError as error:
        return str(error)
    return None


def examine(bug, net, work):
    """Return what the benches, or the proof, say against a bug."""
    folder = work / bug.core / "".join(char if char.isalnum() else "-" for char in bug.name)
    plant(bug.core, bug, folder)
    if net == BENCH:
        return by_benches(folder)
    said = by_proof(folder)
    return {PROOF: said} if said else {}


def table(found):
    """The table bug x net in Markdown; what wasn't run yet is a question mark."""
    lines = []
    for core in with_bugs():
        lines += [
            "",
            f"## {core}",
            "",
            f"| kind | bug | {' | '.join(NETS)} |",
            f"|{'---|' * (2 + len(NETS))}",
        ]
        for bug in bugs(core):
            by = {net: found.get((bug.digest, PROOF if net == PROOF else BENCH)) for net in NETS}
            marks = " | ".join("?" if said is None else "x" * (net in said) for net, said in by.items())
            lines.append(f"| {bug.kind} | {bug.name} | {marks} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("page", type=Path)
    parser.add_argument("--work", type=Path, default=Path("build/foreign-bugs"))
    parser.add_argument("--core", nargs="+", choices=with_bugs(), default=with_bugs())
    parser.add_argument("--net", nargs="+", choices=(BENCH, PROOF), default=(BENCH, PROOF))
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    kept = given.work / "found.jsonl"
    lines = kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []
    found = {(digest, net): said for _, digest, net, said in map(json.loads, lines)}
    every = [(bug, net) for core in given.core for bug in bugs(core) for net in given.net]
    todo = [(bug, net) for bug, net in every if (bug.digest, net) not in found]
    with ProcessPoolExecutor(given.jobs) as pool, kept.open("a", encoding="utf-8") as journal:
        answers = pool.map(examine, *zip(*todo, strict=True), repeat(given.work)) if todo else ()
        for (bug, net), said in zip(todo, answers, strict=True):
            found[bug.digest, net] = said
            journal.write(json.dumps([bug.key, bug.digest, net, said]) + "\n")
            journal.flush()
            print(f"{bug.key}: {net}: {', '.join(said) or 'nothing'}", flush=True)
    head = given.page.read_text(encoding="utf-8").partition("\n\n## ")[0]
    given.page.write_text(f"{head}\n{table(found)}", encoding="utf-8")
    missed = [
        bug.key for bug, _ in every if all(found.get((bug.digest, net)) == {} for net in (BENCH, PROOF))
    ]
    sys.exit(f"nothing finds: {', '.join(dict.fromkeys(missed))}" if missed else 0)


if __name__ == "__main__":
    main()
