"""What signals are in a VCD file of Verilator or Icarus, clock by clock."""

import itertools
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from qlif.hdl.interface import CLOCK, RESET

_END = "#"
"""Stands for the time after the last one."""


def declarations(lines: Iterable[str]) -> Iterator[str]:
    """Give the lines up to the last declaration."""
    for line in lines:
        yield line
        if line.startswith("$enddefinitions"):
            return


def samples(
    path: Path, names: Collection[str], clocks: int, begin: int | None = None
) -> list[dict[str, str]]:
    """Return words as the rising edges of the clock find them.

    Parameters
    ----------
    path : Path
    names : collection of str
        Of signals, with the instances that they are in; of several that end alike, that in the fewest counts.
    clocks : int
        How many of them.
    begin : int, optional
        The time after which they are counted; if not given, they are counted from the end of the first reset.

    Returns
    -------
    list of dict of str to str
        For each clock, the signals that there are: as a decimal number, or as bits if some are unknown.
    """
    found: list[dict[str, str]] = []
    with path.open(encoding="latin-1", newline="\n") as lines:
        known = _identifiers(declarations(lines), {*names, CLOCK, RESET})
        now = dict.fromkeys(known.values(), "x")
        clock, reset = known.get(CLOCK, ""), known.get(RESET, "")
        before, time, was_reset, out_of_reset = dict(now), 0, False, False

        def row(words: dict[str, str]) -> dict[str, str]:
            return {name: _word(words[known[name]]) for name in names if name in known}

        for line in itertools.chain(lines, [_END]):
            if len(found) == clocks:
                return found
            if line[0] == "#":
                rises = before.get(clock) == "0" and now.get(clock) == "1"
                if rises and (out_of_reset if begin is None else time > begin):
                    found.append(row(before))
                was_reset |= now.get(reset) == "1"
                out_of_reset |= was_reset and now.get(reset) == "0"
                before, time = dict(now), time if line == _END else int(line[1:])
            elif line[0] in "01xXzZ" and (identifier := line[1:].strip()) in now:
                now[identifier] = line[0]
            elif line[0] in "bB" and (identifier := line.split()[1]) in now:
                now[identifier] = line.split()[0][1:]
    # What the next edge would have found.
    return [*found, row(now)]


def _identifiers(lines: Iterable[str], names: Collection[str]) -> dict[str, str]:
    """Return what the file calls some signals."""
    scopes: list[str] = []
    found: dict[str, tuple[int, str]] = {}
    by_end: dict[str, list[str]] = {}
    for name in names:
        by_end.setdefault(name.rpartition(".")[2], []).append(name)
    for line in lines:
        match line.split():
            case ["$scope", _, name, "$end"]:
                scopes.append(name)
            case ["$upscope", *_]:
                scopes.pop()
            case ["$var", _, _, identifier, last, *_]:
                full = ".".join([*scopes, last])
                for name in by_end.get(last, ()):
                    if (
                        f".{full}".endswith(f".{name}")
                        and len(scopes) < found.get(name, (len(scopes) + 1,))[0]
                    ):
                        found[name] = len(scopes), identifier
    return {name: identifier for name, (_, identifier) in found.items()}


def _word(bits: str) -> str:
    return str(int(bits, 2)) if set(bits) <= {"0", "1"} else bits.lower()
