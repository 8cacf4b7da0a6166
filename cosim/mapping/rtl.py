"""What Yosys finds in somebody else's module, and where a map contradicts it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from qlif.cosim.mapping.complaints import LATCHES, NO_LATCH, NO_TRISTATE, checked, complaint, place_of
from qlif.cosim.mapping.core_map import Active, CoreMap
from qlif.hdl.synthesis import yowasp
from qlif.model.exceptions import InputError, unknown_name
from qlif.model.support.scratch import scratch

_GATED = (
    "a gated clock. Use the clock enable of the registers in its place, or give the module an ungated clock "
    "for verification (a define can switch the gate out)"
)


@dataclass(frozen=True)
class RtlPort:
    """A port as Yosys finds it."""

    name: str
    direction: str
    width: int


class Rtl:
    """A module after Yosys read it.

    Parameters
    ----------
    verilog : str
    module : str
    parameters : mapping of str to int
        Values of its generics.

    Raises
    ------
    InputError
        Yosys can't read it (the text is its own, with file and line), or isn't installed; it has no such module.
    """

    def __init__(self, verilog: str, module: str, parameters: Mapping[str, int]) -> None:
        chosen = "".join(f" -chparam {name} {_constant(value)}" for name, value in parameters.items())
        script = (
            f"read_verilog -sv design.v; hierarchy -check -top \\{module}{chosen}; "
            "proc; flatten; opt_clean; write_json top.json; check"
        )
        names = re.findall(r"^\s*(?:/\*.*?\*/\s*)*module\s+\\?(\w+)", verilog, flags=re.MULTILINE)
        if module not in names:
            raise InputError(f"the sources have no such module: {unknown_name('module', module, names)}")
        with scratch() as directory:
            (directory / "design.v").write_text(verilog, encoding="utf-8")
            try:
                yowasp.run(yowasp.YOSYS, ["-p", script], directory, "yosys.log", extra="proof")
            except yowasp.ToolError as error:
                log = (directory / "yosys.log").read_text(encoding="utf-8", errors="replace")
                reason = complaint(error, verilog, log) or str(error)
                if unknown := re.search(r"Can't find object for defparam `(\w+)'?", reason):
                    known = re.findall(r"\bparameter\b[^=;)]*?(\w+)\s*=", verilog)
                    raise InputError(f"parameters: {unknown_name('parameter', unknown[1], known)}") from None
                raise InputError(f"yosys: {reason}") from None
            self._checked = checked((directory / "yosys.log").read_text(encoding="utf-8", errors="replace"))
            modules = json.loads((directory / "top.json").read_text(encoding="utf-8"))["modules"]
        self._top = next(one for one in modules.values() if int(one["attributes"].get("top", "0"), 2))
        self.ports = {
            name: RtlPort(name, port["direction"], len(port["bits"]))
            for name, port in self._top["ports"].items()
        }

    def contradictions(self, core_map: CoreMap) -> Iterator[str]:
        """Give what a map says and the module doesn't, and what of the module no net follows, in words."""
        # A simulator takes them, each in its own way.
        yield from self._checked
        known = list(self.ports)
        missing = False
        for name, direction in core_map.used.items():
            if name not in self.ports:
                missing = True
                yield f"the module has no such port: {unknown_name('port', name, known)}"
            elif self.ports[name].direction != direction:
                yield f"port {name} is an {self.ports[name].direction} of the module, not an {direction}"
        for port in self.ports.values():
            if port.direction == "inout":
                yield f"port {port.name} is an inout, which no adapter drives"
            elif port.direction == "input" and port.name not in core_map.used:
                yield f"input {port.name} is not in the map: give it a role, or a value in [constants]"
        if not missing:
            yield from self._register_faults(core_map)

    def _register_faults(self, core_map: CoreMap) -> Iterator[str]:
        """Give what is wrong with clocks and resets."""
        clock = self._bit(core_map.clock)
        reset = core_map.reset
        asynchronous: set[bool] = set()
        told = set()
        for cell in self._top["cells"].values():
            ends, parameters, kind = cell["connections"], cell["parameters"], cell["type"]
            name = self._name_of(ends.get("Q", ends.get("DATA", [""]))[0])
            place = place_of(cell["attributes"].get("src", ""))
            if f"t:{kind}" in LATCHES.split():
                yield f"{place}: {name} is {NO_LATCH}"
            if any("z" in bits for bits in ends.values()):
                yield f"{place}: {NO_TRISTATE}"
            if "CLK" not in ends or not _flag(parameters.get("CLK_ENABLE", "1")):
                continue
            for bit in ends["CLK"]:
                root, inverted = self._root(bit)
                polarity = _flag(parameters.get("CLK_POLARITY", "1")) ^ inverted
                if (root, polarity) == (clock, True) or (root, polarity) in told:
                    continue
                told.add((root, polarity))
                if root == clock:
                    yield f"register {name} follows the falling edge of {core_map.clock}, not the rising one"
                elif (port := self._input(root)) is not None:
                    yield f"register {name} is clocked by the port {port}, not by {core_map.clock}"
                else:
                    yield f"register {name} is clocked by {self._name_of(root)}, not by {core_map.clock}: {_GATED}"
            if "ARST" in ends and reset is not None:
                root, inverted = self._root(ends["ARST"][0])
                if root == self._bit(reset.port):
                    asynchronous.add(_flag(parameters["ARST_POLARITY"]) ^ inverted)
        if reset is None:
            return
        if asynchronous and not reset.asynchronous:
            yield f"reset {reset.port} is asynchronous in the module: the map must say asynchronous = true"
        if not asynchronous and reset.asynchronous:
            yield f"reset {reset.port} is no register's asynchronous reset in the module"
        if asynchronous == {reset.active is Active.LOW}:
            yield f"reset {reset.port} is active {'high' if True in asynchronous else 'low'} in the module"

    def _input(self, bit: Any) -> str | None:
        """Return the input port that a bit is of."""
        ports = (name for name, port in self._top["ports"].items() if bit in port["bits"])
        return next((name for name in ports if self.ports[name].direction == "input"), None)

    def _bit(self, port: str) -> Any:
        return self._top["ports"][port]["bits"][0]

    def _root(self, bit: Any) -> tuple[Any, bool]:
        """Follow a bit back through inverters; return where it comes from, and whether it is inverted."""
        inverted = False
        drivers = {
            cell["connections"]["Y"][0]: cell["connections"]["A"][0]
            for cell in self._top["cells"].values()
            if cell["type"] in ("$not", "$logic_not") and len(cell["connections"]["A"]) == 1
        }
        while bit in drivers:
            bit, inverted = drivers[bit], not inverted
        return bit, inverted

    def _name_of(self, bit: Any) -> str:
        names = (name for name, net in self._top["netnames"].items() if bit in net["bits"])
        return min(names, key=lambda name: (name.startswith("$"), len(name)), default="a constant")


def _constant(value: int) -> str:
    """Return a whole number as Yosys takes it for a parameter: signed, in 32 bits or more."""
    width = max(32, value.bit_length() + 1)
    return f"{width}'sb{value & ((1 << width) - 1):0{width}b}"


def _flag(bits: str) -> bool:
    return bool(int(bits, 2))
