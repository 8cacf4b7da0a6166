"""Random one-bit edits of our own exported Verilog, and what the proof says of each: `make own-edits`.

An edit flips a bit of a constant or of an index, turns an operator into its neighbour, or a signal into another of
the same width. Each must be refuted, refused, or proved equal; `unknown` is a failure. What was stopped is resumed.

    python tests/cosim/proof/own_edits.py --count 20 --seed 1 --page docs/proof.md
"""

import argparse
import random
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from unittest.mock import patch

from qlif.cosim.configuration import Settings
from qlif.cosim.mutation.lockstep import Lockstep, whole
from qlif.cosim.proof import prove
from qlif.cosim.proof.population_claims import PopulationProof
from qlif.cosim.proof.prove import RUNS
from qlif.cosim.proof.read_verilog import read_circuit
from qlif.hdl.synthesis.gates import models_of
from qlif.model.exceptions import InputError
from qlif.model.presets import PRESETS
from qlif.model.support.journal import opened
from qlif.model.support.sources import code_of

NEURONS = 2
SECONDS = 60.0
CLOCKS = 40_000
SIDE_BY_SIDE = Path(__file__).with_name("side_by_side.v")
REFUTED, DIFFERS, REFUSED = "refuted", "differs in a run", "refused"
EQUAL, PROVED, UNKNOWN = "the same in each clock", "proved", "unknown"
VERDICTS = (REFUTED, DIFFERS, REFUSED, EQUAL, PROVED, UNKNOWN)

OPERATORS = {
    "&": "|",
    "|": "&",
    "^": "&",
    "+": "-",
    "-": "+",
    "==": "!=",
    "!=": "==",
    ">": ">=",
    ">=": ">",
    "<": "<=",
}
_STATEMENT = re.compile(r"\s*(assign\b|if\b|(?:\\?[\w.$]+)(?:\[[^]]+\])? (?:<=|=) |reg\b.* = )")
_TABLE = re.compile(r"(?m)^\| seed \d+ \| edits .*\n(?:\|.*\n)+")
_TOKEN = re.compile(
    r"\\\S+ |\d+'s?[hd][0-9a-f]+|\[[^]]*\]|[A-Za-z_][\w$]*|[=!<>]=|<<<|>>>|<<|>>|[-&|^+<>~?:]"
)


@dataclass(frozen=True)
class Edit:
    """A place in a text, and what stands there instead."""

    kind: str
    line: int
    start: int
    old: str
    new: str

    def apply(self, lines):
        """Return the whole text, edited."""
        line = lines[self.line]
        assert line[self.start : self.start + len(self.old)] == self.old
        changed = line[: self.start] + self.new + line[self.start + len(self.old) :]
        return "\n".join([*lines[: self.line], changed, *lines[self.line + 1 :]])

    def __str__(self):
        return f"line {self.line + 1}: {self.kind}: {self.old} -> {self.new}"


def edits(verilog):
    """Give every edit of a text, by its line and kind."""
    lines, widths = verilog.splitlines(), {}
    for module in re.finditer(r"(?ms)^module.*?^endmodule", verilog):
        first = verilog.count("\n", 0, module.start())
        count = module.group().count("\n") + 1
        widths = dict(_widths(module.group()))
        for number in range(first, first + count):
            if match := _STATEMENT.match(lines[number]):
                yield from _of_line(number, lines[number], match, widths)


def _widths(module):
    """Give the width of each wire and register, but memories, by name."""
    for high, name, memory in re.findall(
        r"(?m)^  (?:reg|wire) (?:\[(\d+):0\] )?([\w.$]+)(?: = [^;]+)?( \[)?", module
    ):
        if not memory:
            yield name, int(high or 0) + 1


def _of_line(number, line, match, widths):
    # What is assigned to stays; so does what is declared, but not its first value.
    first_value = match.group(1).startswith("reg")
    begin = line.index(" = ") if first_value else match.start(1)
    if not first_value and not match.group(1).startswith("if"):
        begin = re.search(r" (<=|=) ", line).end()
    for token in _TOKEN.finditer(line, begin):
        old, start = token.group(), token.start()
        for kind, new in _alternatives(old, widths):
            yield Edit(kind, number, start, old, new)


def _alternatives(old, widths):
    if match := re.fullmatch(r"(\d+)('s?[hd])([0-9a-f]+)", old):
        width, base, digits = int(match[1]), match[2], match[3]
        radix = 16 if base.endswith("h") else 10
        for bit in range(width):
            word = int(digits, radix) ^ 1 << bit
            yield (
                "constant",
                f"{width}{base}{word:0{len(digits)}x}" if radix == 16 else f"{width}{base}{word}",
            )
    elif match := re.fullmatch(r"\[(\d+)(?::(\d+))?\]", old):
        if match[2] is None:
            yield "index", f"[{int(match[1]) ^ 1}]"
        else:
            moved = 1 if int(match[2]) % 2 == 0 else -1
            yield "index", f"[{int(match[1]) + moved}:{int(match[2]) + moved}]"
    elif old in OPERATORS:
        yield "operator", OPERATORS[old]
    elif old == "~":
        yield "operator", ""
    elif old in widths:
        yield from (
            ("signal", name) for name, width in widths.items() if width == widths[old] and name != old
        )


def draw(verilog, count, seed):
    """Return some of a text's edits: places are equally likely, whatever their number of alternatives."""
    by_place = {}
    for edit in edits(verilog):
        by_place.setdefault((edit.line, edit.start), []).append(edit)
    source = random.Random(seed)
    return [source.choice(by_place[place]) for place in source.sample(sorted(by_place), count)]


class Judge:
    """Says of edited texts of one export what the proof says."""

    def __init__(self, export):
        self._export, self._original = export, _read(export)
        self._lockstep = Lockstep(self._original, export.interface, None, 10.0)

    def __call__(self, verilog):
        """Return a verdict and its reason."""
        export = replace(self._export, verilog=verilog)
        try:
            circuit = _read(export)
        except InputError as error:
            return REFUSED, str(error)
        beside = aligned(circuit, self._original)
        if beside is not None and self._lockstep.same_registers(whole(beside)):
            return EQUAL, "registers and outputs"
        if (found := side_by_side(export, self._export.verilog)) is not None:
            return DIFFERS, found
        with patch.object(prove, "read_export", lambda _: circuit):
            claims = [prove.prove_update(export, seconds=SECONDS)]
            if claims[0].result == "refuted":
                return REFUTED, claims[0].claim
            if not PopulationProof(circuit, export.interface, SECONDS).broken:
                claims += prove.prove_population(export, seconds=SECONDS)
                if all(claim.result == "proved" for claim in claims):
                    return PROVED, "all claims"
            elif beside is not None and self._lockstep.same(whole(beside)):
                return EQUAL, "outputs"
            else:
                claims += (prove.prove_runs(export, claim, seconds=SECONDS) for claim in RUNS)
        refuted = [claim.claim for claim in claims if claim.result == "refuted"]
        return (
            (REFUTED, refuted[0]) if refuted else (UNKNOWN, "the invariants don't hold, and no run differs")
        )


def _read(export):
    # With every signal: an edit may leave one without use, and the claims ask for it.
    cells = [model.read_text(encoding="utf-8") for model in models_of(export)]
    return read_circuit(export.verilog, export.interface.module, cells, every_signal=True)


def side_by_side(export, original):
    """Run a text beside the original in Icarus; return where they differ, None if they don't."""
    formats = {port.name: port.width for port in export.interface.ports}
    names = {"CURRENT": "currents_data", "NEURON": "updates_neuron", "POTENTIAL": "updates_potential"}
    widths = {name: formats[port] for name, port in {**names, "TRACE": "updates_trace"}.items()}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "original.v").write_text(original, encoding="utf-8")
        other = re.sub(r"\bqlif_population", "edited_population", export.verilog)
        (work / "edited.v").write_text(other, encoding="utf-8")
        defines = [f"-D{name}={width}" for name, width in {**widths, "CLOCKS": CLOCKS}.items()]
        files = ["original.v", "edited.v", str(SIDE_BY_SIDE)]
        build = ["iverilog", "-g2012", "-o", "run", "-s", "side_by_side", *defines, *files]
        subprocess.run(build, cwd=work, check=True, capture_output=True, timeout=60)
        done = subprocess.run(
            ["vvp", "-n", "run"], cwd=work, check=True, capture_output=True, text=True, timeout=300
        )
    return next((line for line in done.stdout.splitlines() if line.startswith("DIFFERS")), None)


def aligned(circuit, original):
    """Return a circuit with the numbers that another one's registers and inputs have; None if it has others."""
    # An input without a name is an unknown value, which a number as its name doesn't tell from another one.
    ports = {name for name in original.inputs if not re.fullmatch(r"input\d+", name)}
    if circuit.states.keys() != original.states.keys() or not ports <= circuit.inputs.keys():
        return None
    beyond = 1 + max(original.sorts)
    same = {number: original.states[name] for name, number in circuit.states.items()}
    same |= {circuit.inputs[name]: original.inputs[name] for name in ports}

    def moved(number):
        return same.get(number, number + beyond)

    return replace(
        circuit,
        nodes=[
            node._replace(number=moved(node.number), operands=tuple(map(moved, node.operands)))
            for node in circuit.nodes
        ],
        sorts={moved(number): sort for number, sort in circuit.sorts.items()},
        inputs={name: original.inputs[name] for name in ports},
        states=original.states,
        outputs={name: moved(number) for name, number in circuit.outputs.items()},
        named={name: moved(number) for name, number in circuit.named.items()},
        initial={moved(one): moved(other) for one, other in circuit.initial.items()},
        following={moved(one): moved(other) for one, other in circuit.following.items()},
    )


@cache
def judged(preset):
    """Return a preset's export and its judge: each process makes it once."""
    export = Settings.read(preset).population(NEURONS).export()
    return export, Judge(export)


def judge(preset, edit):
    """Return the verdict on an edit, and its reason."""
    export, verdict = judged(preset)
    return verdict(edit.apply(export.verilog.splitlines()))


def drawn(preset, count, seed):
    """Return the edits of a preset that a seed says."""
    export = Settings.read(preset).population(NEURONS).export()
    return draw(export.verilog, count, f"{preset} {seed}")


def table(verdicts, seed):
    """Return the verdicts in Markdown, of each preset with its edits."""
    lines = [f"| seed {seed} | edits | {' | '.join(VERDICTS)} |", f"|{'---|' * (2 + len(VERDICTS))}"]
    for preset, said in verdicts.items():
        lines.append(
            f"| `{preset}` | {len(said)} | {' | '.join(str(said.count(each)) for each in VERDICTS)} |"
        )
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--preset", nargs="+", choices=list(PRESETS), default=list(PRESETS))
    parser.add_argument("--page", type=Path, help="a page whose table of all presets is made anew")
    parser.add_argument("--work", type=Path, default=Path("build/own-edits"))
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args()
    edits = {preset: drawn(preset, given.count, given.seed) for preset in given.preset}
    every = [f"{preset}: {edit}" for preset in edits for edit in edits[preset]]
    judges = b"".join(path.read_bytes() for path in (Path(__file__), SIDE_BY_SIDE))
    key = {"code": code_of("model", "hdl", "cosim"), "judge": sha256(judges).hexdigest(), "seed": given.seed}
    with opened(given.work / "judged.jsonl", "own-edits", key, every.__contains__) as kept:
        todo = [
            (preset, edit)
            for preset in edits
            for edit in edits[preset]
            if f"{preset}: {edit}" not in kept.results
        ]
        with ProcessPoolExecutor(given.jobs) as pool:
            asked = {pool.submit(judge, *each): each for each in todo}
            for answer in as_completed(asked):
                point = "{}: {}".format(*asked[answer])
                kept.append(point, answer.result())
                print(f"{point}: {': '.join(filter(None, answer.result()))}", flush=True)
        found = {preset: [kept.results[f"{preset}: {edit}"][0] for edit in edits[preset]] for preset in edits}
    made = table(found, given.seed)
    print(made)
    if given.page is not None:
        text = given.page.read_text(encoding="utf-8")
        given.page.write_text(_TABLE.sub(lambda _: made, text, count=1), encoding="utf-8")
    sys.exit(any(UNKNOWN in said for said in found.values()))


if __name__ == "__main__":
    main()
