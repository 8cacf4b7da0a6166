"""Bugs planted in the example cores, and which net finds each: `make foreign-bugs` writes the table.

The nets are the benches of `qlif cosim --thorough` on Icarus, which knows X, and the proof of `qlif prove`. A bug
that no bench finds counts as found only if the proof refutes it or refuses a register that it needs.

    python tests/cosim/mapping/foreign_bugs.py docs/your-own-cores-bugs.md --work build/foreign-bugs
"""

import argparse
import json
import shutil
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

CORES = Path(__file__).parents[3] / "examples" / "cores"
BENCHES = ("replay", "directed", "constrained_random", "stalled", "reset_in_mid_run", "full_speed")
BENCH, MONITORS, PROOF = "bench", "monitors", "proof"
NETS = (*BENCHES, MONITORS, PROOF)
SEED = 1


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


def run(folder, command, *options):
    """Run a command on the core in a folder; return its exit code, its failures and errors, and what it says."""
    junit = folder / f"{command}.xml"
    junit.unlink(missing_ok=True)
    files = ["--map", "core.toml", "--params", "neuron.toml", "--out", command, "--junit", junit.name]
    arguments = [sys.executable, "-m", "qlif", command, *files, *map(str, options)]
    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, timeout=3000)
    found = {"failure": {}, "error": {}}
    if junit.exists():
        for case in ElementTree.parse(junit).iter("testcase"):
            for kind, problems in found.items():
                for problem in case.iter(kind):
                    problems[case.get("name")] = f"{problem.get('message')} {problem.text}"
    return done.returncode, found["failure"], found["error"], done.stderr or done.stdout


def by_benches(folder, updates=2000):
    """Which benches fail, each with its reason."""
    options = ("--simulator", "icarus", "--thorough", "--seed", SEED, "--steps", updates)
    code, failed, errors, said = run(folder, "cosim", *options)
    assert code in (0, 1) and not errors, said
    found = {("replay" if name == "bit-exact" else name): why for name, why in failed.items()}
    if code == 1 and not found:  # it ended before it had anything to compare
        found["replay"] = said
    broken = [why for why in found.values() if "monitor" in why]
    return found | ({MONITORS: broken[0]} if broken else {})


def by_proof(folder):
    """What the proof says against the core; None if it is proved, or nothing is refuted in time."""
    code, failed, errors, said = run(folder, "prove", "--timeout", 300)
    assert code in (0, 1, 2), said
    if code == 1 and not failed:
        assert errors, said
        return None
    return next(iter(failed.values()), said) if code else None


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
            by = {net: found.get((bug.key, PROOF if net == PROOF else BENCH)) for net in NETS}
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
    found = {(key, net): said for key, net, said in map(json.loads, lines)}
    every = [(bug, net) for net in given.net for core in given.core for bug in bugs(core)]
    todo = [(bug, net) for bug, net in every if (bug.key, net) not in found]
    with ThreadPoolExecutor(given.jobs) as pool, kept.open("a", encoding="utf-8") as journal:
        answers = pool.map(lambda one: examine(*one, given.work), todo)
        for (bug, net), said in zip(todo, answers, strict=True):
            found[bug.key, net] = said
            journal.write(json.dumps([bug.key, net, said]) + "\n")
            journal.flush()
            print(f"{bug.key}: {net}: {', '.join(said) or 'nothing'}", flush=True)
    head = given.page.read_text(encoding="utf-8").partition("\n\n## ")[0]
    given.page.write_text(f"{head}\n{table(found)}", encoding="utf-8")
    missed = [bug.key for bug, _ in every if all(found.get((bug.key, net)) == {} for net in (BENCH, PROOF))]
    sys.exit(f"nothing finds: {', '.join(dict.fromkeys(missed))}" if missed else 0)


if __name__ == "__main__":
    main()
