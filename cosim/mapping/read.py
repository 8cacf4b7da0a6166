"""Reads a map (TOML): every fault of it at once, with the nearest known name."""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from qlif.cosim.mapping.core_map import (
    Active,
    Align,
    Contract,
    CoreMap,
    Encoding,
    Lasts,
    PortUse,
    Reset,
    roles,
)
from qlif.cosim.mapping.state import StateMap, read_state
from qlif.hdl.verilog_names import check_identifier
from qlif.model.exceptions import InputError, show, unknown_name
from qlif.model.formats import Format
from qlif.model.support.toml import read_toml

KEYS = (
    *("module", "contract", "sources", "includes", "defines", "clock", "reset", "clock_enable"),
    *("neurons", "latency", "interval", "waivers", "ports", "constants", "parameters", "state"),
)
_PORT_KEYS = ("port", "format", "align", "encoding", "active", "lasts")
_RESET_KEYS = ("port", "active", "asynchronous")

E = TypeVar("E", bound=StrEnum)


def faults_error(where: str, faults: Iterable[str]) -> InputError:
    """Return one error for all faults of a map."""
    return InputError("; ".join(f"{where}{fault}" if n == 0 else fault for n, fault in enumerate(faults)))


def read_map(
    file: Path, sources: Iterable[Path] = (), includes: Iterable[Path] = (), defines: Iterable[str] = ()
) -> CoreMap:
    """Read a map; paths in it count from its folder.

    Parameters
    ----------
    file : Path
    sources, includes, defines : iterable
        More of these, from the command line.

    Raises
    ------
    InputError
        It can't be read, or has faults: the text tells each.
    """
    reader = _Reader(read_toml(file), file)
    found = reader.core_map(tuple(sources), tuple(includes), tuple(defines))
    if found is None or reader.faults:
        raise faults_error(f"{file}: ", reader.faults)
    return found


class _Reader:
    """Reads a map's entries and collects what is wrong with them."""

    def __init__(self, content: dict[str, Any], file: Path) -> None:
        self.content, self.file, self.folder = content, file, file.parent
        self.faults: list[str] = []

    def core_map(
        self, sources: tuple[Path, ...], includes: tuple[Path, ...], defines: tuple[str, ...]
    ) -> CoreMap | None:
        """Return the map; None, with the faults, if it can't be made."""
        content = self.content
        self._known("", content, KEYS)
        module = self._name("module", content.get("module"))
        contract = self._choice("contract", content.get("contract"), Contract)
        clock = self._name("clock", content.get("clock"))
        reset = self._reset(content)
        enable = content.get("clock_enable")
        clock_enable = None if enable is None else self._port("clock_enable", enable)
        ports = self._ports(contract)
        constants, parameters = self._values("constants"), self._values("parameters")
        written = (self.folder / Path(one) for one in self._texts("sources"))
        all_sources = (*written, *sources)
        if not all_sources:
            self.faults.append("sources is missing: a list of the files with the module")
        folders = (self.folder / Path(one) for one in self._texts("includes"))
        latency, interval = self._count("latency", 0), self._count("interval", 1)
        if contract is Contract.PIPELINE and latency is None:
            self.faults.append("latency is missing: a pipeline's clocks from input to output")
        neurons = self._count("neurons", 1)
        self._twice(clock, reset, clock_enable, ports, constants)
        if contract is None:
            return None
        return CoreMap(
            module=module,
            contract=contract,
            clock=clock,
            ports=ports,
            sources=all_sources,
            includes=(*folders, *includes),
            defines=(*self._defines(), *defines),
            reset=reset,
            clock_enable=clock_enable,
            constants=constants,
            parameters=parameters,
            neurons=1 if neurons is None else neurons,
            latency=latency,
            interval=interval,
            waivers=tuple(self._texts("waivers")),
            state=self._state(),
            where=f"{self.file}: ",
            file=self.file.resolve(),
        )

    def _twice(
        self,
        clock: str,
        reset: Reset | None,
        enable: PortUse | None,
        ports: dict[str, PortUse],
        constants: dict[str, Any],
    ) -> None:
        """Note each port that has two roles."""
        uses = [("clock", clock), *((role, use.port) for role, use in ports.items())]
        uses += [("constants", name) for name in constants]
        uses += [("reset", reset.port)] if reset else []
        uses += [("clock_enable", enable.port)] if enable else []
        for port, times in Counter(port for _, port in uses).items():
            if port and times > 1:
                named = " and ".join(role for role, one in uses if one == port)
                self.faults.append(f"port {port} is named {times} times, as {named}")

    def _ports(self, contract: Contract | None) -> dict[str, PortUse]:
        table = self._table("ports")
        if contract is None:
            return {}
        known = roles(contract)
        self._known("ports: ", table, known, "role")
        found = {role: self._port(role, said) for role, said in table.items() if role in known}
        for role, what in known.items():
            if what.required and role not in found:
                self.faults.append(f"ports: {role} is missing ({what.meaning})")
        if contract is not Contract.PIPELINE and not {"potential", "spike", "event"} & set(found):
            self.faults.append("ports: one of potential, spike and event is needed: else nothing is compared")
        for role in ("event_ready", "event_neuron", "event_step", "event_phase"):
            if role in found and "event" not in found:
                self.faults.append(f"ports: {role} requires event")
        for role in ("refractory", "trace", "phase"):
            if contract is Contract.PIPELINE and (role in found) is not (f"{role}_in" in found):
                self.faults.append(f"ports: {role} and {role}_in require each other")
        for role, use in found.items():
            if use.lasts is Lasts.START and (role != "done" or {"ready", "taken"} & set(found)):
                self.faults.append(f'{role}: lasts = "start" is of a done without ready and taken')
        return found

    def _port(self, role: str, said: Any) -> PortUse:
        if not isinstance(said, dict):
            return PortUse(self._name(role, said))
        self._known(f"{role}: ", said, _PORT_KEYS)
        format = None
        if "format" in said:
            try:
                format = Format.parse(said["format"])
            except InputError as error:
                self.faults.append(f"{role}: format: {error}")
        return PortUse(
            self._name(f"{role}: port", said.get("port")),
            format,
            self._choice(f"{role}: align", said.get("align", Align.RIGHT), Align) or Align.RIGHT,
            self._choice(f"{role}: encoding", said.get("encoding", Encoding.PLAIN), Encoding)
            or Encoding.PLAIN,
            self._choice(f"{role}: active", said.get("active", Active.HIGH), Active) or Active.HIGH,
            self._choice(f"{role}: lasts", said.get("lasts", Lasts.CLOCK), Lasts) or Lasts.CLOCK,
        )

    def _reset(self, content: dict[str, Any]) -> Reset | None:
        said = content.get("reset")
        if said is False:
            return None
        if said is None:
            self.faults.append("reset is missing: a port, or false if there is none")
            return None
        if not isinstance(said, dict):
            return Reset(self._name("reset", said))
        self._known("reset: ", said, _RESET_KEYS)
        asynchronous = said.get("asynchronous", False)
        if not isinstance(asynchronous, bool):
            self.faults.append(f"reset: asynchronous must be true or false, not {show(asynchronous)}")
        active = self._choice("reset: active", said.get("active", Active.HIGH), Active)
        return Reset(self._name("reset: port", said.get("port")), active or Active.HIGH, asynchronous is True)

    def _state(self) -> StateMap | None:
        """Return where the state is; None if the map doesn't say."""
        if "state" not in self.content:
            return None
        try:
            return read_state(self.content["state"])
        except InputError as error:
            self.faults.append(str(error))
            return None

    def _values(self, name: str) -> dict[str, int | str]:
        """Return values by the names of ports or generics."""
        table = self._table(name)
        for key, value in table.items():
            self._name(name, key)
            if isinstance(value, bool) or not isinstance(value, int | str):
                self.faults.append(
                    f"{name}: {key} must be a whole number or the name of a parameter word, not {show(value)}"
                )
        return table

    def _defines(self) -> tuple[str, ...]:
        return tuple(self._texts("defines"))

    def _table(self, name: str) -> dict[str, Any]:
        found = self.content.get(name, {})
        if isinstance(found, dict):
            return found
        self.faults.append(f"{name} must be a table [{name}], not {show(found)}")
        return {}

    def _texts(self, name: str) -> list[str]:
        found = self.content.get(name, [])
        if isinstance(found, list) and all(isinstance(one, str) and one for one in found):
            return found
        self.faults.append(f"{name} must be a list of texts, not {show(found)}")
        return []

    def _count(self, name: str, minimum: int) -> int | None:
        found = self.content.get(name)
        if found is None or (isinstance(found, int) and not isinstance(found, bool) and found >= minimum):
            return found
        self.faults.append(f"{name} must be a whole number, {minimum} or more, not {show(found)}")
        return None

    def _name(self, what: str, said: Any) -> str:
        if said is None:
            self.faults.append(f"{what} is missing")
        elif not isinstance(said, str):
            self.faults.append(f"{what} must be a name in quotes, not {show(said)}")
        else:
            try:
                return check_identifier(what, said)
            except InputError as error:
                self.faults.append(str(error))
        return ""

    def _choice(self, what: str, said: Any, kind: type[E]) -> E | None:
        if said is None:
            self.faults.append(f"{what} is missing: one of {', '.join(kind)}")
        elif not isinstance(said, str):
            self.faults.append(f"{what} must be one of {', '.join(kind)}, not {show(said)}")
        elif said not in list(kind):
            self.faults.append(unknown_name(what, said, kind))
        else:
            return kind(said)
        return None

    def _known(self, where: str, table: dict[str, Any], known: Iterable[str], kind: str = "key") -> None:
        """Note each name that isn't known."""
        self.faults += [where + unknown_name(kind, key, known) for key in table if key not in known]
