"""A population's netlist, and the faults that can be planted in it."""

import json
import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path

from qlif.cosim.mapping.lines import Lines
from qlif.cosim.mutation.mutant import Mutant
from qlif.cosim.mutation.planting import Masks, Planted
from qlif.hdl.interface import Mapped
from qlif.hdl.synthesis import yowasp
from qlif.hdl.verilog import Export
from qlif.model.exceptions import InputError
from qlif.model.support.scratch import scratch

_SOURCE, _READ, _LIST, _MUTATED = "export.v", "netlist.json", "list.txt", "mutated.v"
_FRONT_END = (
    "read_verilog -sv {source}; hierarchy -check -top {module}; proc; flatten; opt_clean; {undefined}"
)
_ALL = 1_000_000
"""More faults than any netlist has."""


@dataclass(frozen=True)
class MutatedNetlist:
    """A netlist of word-level cells, and faults of it; none is planted yet.

    Attributes
    ----------
    directory : Path
        Where Yosys left it.
    module : str
    mutants : tuple of Mutant
        By number.
    """

    directory: Path
    module: str
    mutants: tuple[Mutant, ...]

    def only(self, numbers: Collection[int]) -> "MutatedNetlist":
        """Return it with some of its faults."""
        return replace(self, mutants=tuple(each for each in self.mutants if each.number in numbers))

    def masked(self) -> tuple[str, Masks]:
        """Return Verilog in which each instance of a simulation turns on a fault of its own, and how it does."""
        masks = Masks(self.mutants)
        return self._verilog(lambda planted: planted.mask(self.mutants, masks)), masks

    def selectable(self) -> str:
        """Return Verilog with the faults behind a selector."""
        return self._verilog(lambda planted: planted.select(self.mutants))

    def alone(self, number: int) -> str:
        """Return Verilog with one fault, which is always on."""
        (mutant,) = (each for each in self.mutants if each.number == number)
        return self._verilog(lambda planted: planted.force(mutant))

    def _verilog(self, plant: Callable[[Planted], None]) -> str:
        document = yowasp.read_json(self.directory / _READ)
        content = document["modules"][self.module]
        plant(Planted(content))
        # Of several names of a net, Yosys takes the last one, which is to be the register's own.
        names = content["netnames"].items()
        content["netnames"] = dict(sorted(names, key=lambda net: "init" in net[1]["attributes"]))
        with scratch() as directory:
            (directory / _READ).write_text(json.dumps(document), encoding="utf-8")
            script = f"read_json {_READ}; write_verilog -noattr {_MUTATED}"
            yowasp.run(yowasp.YOSYS, ["-q", "-p", script], directory, "plant.log", extra="proof")
            return (directory / _MUTATED).read_text(encoding="utf-8")


def plant(export: Export, count: int | None, seed: int, directory: Path) -> MutatedNetlist:
    """Find the faults of an exported population, as Yosys reads it, word for word.

    Of somebody else's core, faults are planted in the core, not in its adapter.

    Parameters
    ----------
    export : Export
        The population.
    count : int, optional
        How many faults, drawn evenly over cells, nets and source lines; all if not given.
    seed : int
        Of the drawing, and of the other bit that decides where a pin is inverted.
    directory : Path
        Where the files are written.

    Raises
    ------
    InputError
        It hasn't that many places for a fault; or Yosys isn't installed.
    """
    directory.mkdir(parents=True, exist_ok=True)
    text = Lines(export.verilog)
    # Lines count in the text that is kept.
    (directory / _SOURCE).write_text(text.plain, encoding="utf-8")
    module = export.interface.module
    # What Yosys leaves open of our own text, such as what a memory is given that isn't written, is 0 in what is
    # played and in what is proved.
    undefined = "setundef -zero t:$mux t:$pmux; " if export.interface.mapped is None else ""
    front_end = _FRONT_END.format(source=_SOURCE, module=module, undefined=undefined)
    # Pins that are no place for a fault come in the list too: it is drawn long enough to leave them out.
    drawn = _ALL if count is None else 2 * count + 1000
    script = f"{front_end} mutate -list {drawn} -seed {seed} -o {_LIST}; write_json {_READ}"
    yowasp.run(yowasp.YOSYS, ["-q", "-p", script], directory, "list.log", extra="proof")
    lines = (directory / _LIST).read_text(encoding="utf-8").splitlines()
    places = [line for line in lines if _is_place(Mutant.parse(0, line), export.interface.mapped)]
    count = len(places) if count is None else count
    if len(places) < count:
        raise InputError(f"--count must be at most {len(places)}, the places for a fault, not {count}")
    chosen = sorted(random.Random(seed).sample(range(len(places)), count))
    mutants = tuple(Mutant.parse(number, places[place]) for number, place in enumerate(chosen, start=1))
    if export.interface.mapped is not None:
        mutants = tuple(replace(mutant, places=text.places(mutant.lines)) for mutant in mutants)
    return MutatedNetlist(directory, module, mutants)


def _is_place(mutant: Mutant, mapped: Mapped | None) -> bool:
    """Return whether a fault can be planted there.

    One at a register's output hides the register from the proof, which without a reset needs them all.
    """
    if mapped is None:
        return mutant.plantable
    return mutant.plantable and mutant.in_core and (mapped.resets or mutant.port != "Q")
