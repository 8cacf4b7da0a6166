"""What is found out about each fault, kept in a file, so that a campaign that was stopped goes on."""

import json
from pathlib import Path
from typing import Any

from qlif.model.support.files import write_text

BENCHES, SELF_TEST, PROOF = "benches", "self-test", "proof"
"""Names of findings: where the benches see a fault, how the self-test ends, what the prover says of it."""


class Findings:
    """What was found out about each fault; a line of the file for each finding.

    Parameters
    ----------
    path : Path
        The file: what it says already of the same campaign is taken over.
    netlist : str
        What tells the netlist, and the faults in it, from others: for another one, nothing holds.
    played : str
        What tells the inputs that are played from others: for others, only proofs hold.

    Attributes
    ----------
    of : dict of int to dict
        The findings about each fault, by name.
    """

    def __init__(self, path: Path, netlist: str, played: str) -> None:
        self._path = path
        self.of: dict[int, dict[str, Any]] = {}
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        header = {"netlist": netlist, "played": played}
        before = _parsed(lines[0]) if lines else {}
        if before.get("netlist") == netlist:
            for entry in map(_parsed, lines[1:]):
                number = entry.pop("mutant", None)
                if before.get("played") != played:
                    # A proof holds whatever is played.
                    entry = {name: finding for name, finding in entry.items() if name == PROOF}
                if number is not None and entry:
                    self.of.setdefault(number, {}).update(entry)
        # Written anew, without a last line that was cut off.
        text = [json.dumps(header), *(_line(number, finding) for number, finding in self.of.items())]
        write_text(path, "\n".join(text) + "\n")

    def about(self, number: int) -> dict[str, Any]:
        """Return what is known of a fault."""
        return self.of.get(number, {})

    def add(self, number: int, name: str, finding: Any) -> None:
        """Keep a finding about a fault."""
        self.of.setdefault(number, {})[name] = finding
        with self._path.open("a", encoding="utf-8") as file:
            file.write(_line(number, {name: finding}) + "\n")


def _line(number: int, findings: dict[str, Any]) -> str:
    return json.dumps({"mutant": number, **findings})


def _parsed(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}
