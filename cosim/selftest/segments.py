"""A long self-test in segments: what ended in the middle goes on from the last one.

After each segment the hardware's state, as Verilator saves it, and the golden model are in files, whose checksums
stand in a journal beside the signatures so far.
"""

import hashlib
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from qlif.cosim.selftest.answer import Answer
from qlif.model.selftest.golden import GoldenSelfTest
from qlif.model.support.files import whole_file
from qlif.model.support.journal import Journal, opened

JOURNAL = "checkpoints.jsonl"
UPDATES = 1 << 28
"""Of a segment: a fraction of a minute."""
DEFINES = ("QLIF_SAVABLE",)
"""Macros of a program that saves the hardware."""


@dataclass
class Reached:
    """How far a self-test came.

    Attributes
    ----------
    golden : GoldenSelfTest
        The golden model there.
    answer : Answer
        What the hardware has said so far, with all checkpoints.
    expected : dict of int to int
        The golden model's signatures by timestep.
    seconds : dict of str to float
        Wall time of the simulation and of the golden model.
    """

    golden: GoldenSelfTest
    answer: Answer = field(default_factory=lambda: Answer({}, 0, False, 0))
    expected: dict[int, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=lambda: {"simulation": 0.0, "golden": 0.0})

    def further(self, answer: Answer, expected: Mapping[int, int], seconds: Mapping[str, float]) -> None:
        """Add a segment."""
        self.answer = replace(answer, checkpoints={**self.answer.checkpoints, **answer.checkpoints})
        self.expected |= expected
        for part in self.seconds:
            self.seconds[part] += seconds[part]


Segment = Callable[
    [Sequence[str], GoldenSelfTest, Sequence[int]], tuple[Answer, dict[int, int], dict[str, float]]
]
"""Runs hardware and golden model to the last of some checkpoints.

With the program's further arguments; returns what both said, and the seconds that they took.
"""


def run_in_segments(
    segment: Segment,
    golden: GoldenSelfTest,
    at: Sequence[int],
    folder: Path,
    key: Mapping[str, Any],
    *,
    updates: int = UPDATES,
    settles: bool = True,
) -> Reached:
    """Run a self-test, and keep it after each segment; go on from what a run with the same key has kept.

    Parameters
    ----------
    segment : callable
        See :data:`Segment`.
    golden : GoldenSelfTest
        At timestep 0.
    at : sequence of int
        Checkpoints, rising; the last one is the end.
    folder : Path
        Where it is kept.
    key : mapping
        All that the run depends on, by content and ready for JSON.
    updates : int
        Of a segment; at least one checkpoint is in it.
    settles : bool
        Whether signatures that differ stay different, so that the run ends with the segment.

    Raises
    ------
    InputError
        The folder holds another run, or another process runs it.
    """
    each = max(1, updates // (at[0] * golden.words.parameters.n))
    ends = [*at[each - 1 : -1 : each], at[-1]]
    folder.mkdir(parents=True, exist_ok=True)
    known = {str(end) for end in ends[:-1]}
    with opened(
        folder / JOURNAL, "self-test", key, lambda point: str(point).partition(":")[2] in known
    ) as journal:
        begin, reached = _kept(journal, folder, golden)
        for end in ends:
            if end <= begin:
                continue
            is_last = end == at[-1]
            hardware, start = folder / f"hardware-{end}", folder / f"hardware-{begin}"
            between = [timestep for timestep in at if begin < timestep <= end]
            with whole_file(hardware) as place:
                stop = "0" if is_last else str(end)
                arguments = [stop, str(place), str(start) if begin else ""]
                found = segment(arguments, reached.golden, between)
                # The end of the run needs no state; nor does one that saved none, as it is stuck.
                place.touch()
            reached.further(*found)
            answer, expected, _ = found
            if is_last or answer.stuck or (settles and answer.final != expected[end]):
                hardware.unlink()
                break
            _keep(journal, folder, end, reached, found)
            _forget(folder, begin)
            begin = end
    return reached


def _keep(
    journal: Journal,
    folder: Path,
    end: int,
    reached: Reached,
    found: tuple[Answer, dict[int, int], dict[str, float]],
) -> None:
    """Keep what a segment left: the hardware's state is in its file already."""
    answer, expected, seconds = found
    with whole_file(folder / f"golden-{end}") as place:
        place.write_bytes(pickle.dumps(reached.golden))
    journal.append(
        # What was damaged since has another entry before.
        f"{len(journal.results)}:{end}",
        {
            "checkpoints": {str(t): f"{signature:032x}" for t, signature in answer.checkpoints.items()},
            "expected": {str(t): f"{signature:032x}" for t, signature in expected.items()},
            "clocks": answer.clocks,
            "seconds": seconds,
            "sha256": {part: _sha256(folder / f"{part}-{end}") for part in _PARTS},
        },
    )


def _kept(journal: Journal, folder: Path, golden: GoldenSelfTest) -> tuple[int, Reached]:
    """Return the last timestep of which everything is kept, and what was reached there; 0 if there is none."""
    reached = Reached(golden)
    entries = {int(str(point).partition(":")[2]): kept for point, kept in journal.results.items()}
    whole = [
        end
        for end, kept in entries.items()
        if all(_sha256(folder / f"{part}-{end}") == kept["sha256"][part] for part in _PARTS)
    ]
    if not whole:
        return 0, reached
    last = max(whole)
    for end, kept in sorted(entries.items()):
        if end <= last:
            said, expected = (
                {int(t): int(signature, 16) for t, signature in kept[name].items()}
                for name in ("checkpoints", "expected")
            )
            reached.further(Answer(said, said[end], False, kept["clocks"]), expected, kept["seconds"])
    # Its checksum is in the journal: it is what a run of this command wrote.
    reached.golden = pickle.loads((folder / f"golden-{last}").read_bytes())
    return last, reached


_PARTS = ("hardware", "golden")


def _forget(folder: Path, end: int) -> None:
    for part in _PARTS:
        (folder / f"{part}-{end}").unlink(missing_ok=True)


def _sha256(path: Path) -> str:
    """Return a file's checksum; nothing if it isn't there."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""
