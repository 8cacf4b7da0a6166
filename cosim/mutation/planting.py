"""Faults in the cells of a netlist, as Yosys writes it in JSON: behind masks, behind a selector, or always on."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from qlif.cosim.mutation.mutant import Mutant

Bit = int | str
"""A net's number, or a constant."""

SELECTOR = "mutant"
"""The input that turns a fault on, by its number; 0 is the circuit as it was."""

KEEP, FLIP, CONTROL = "mutant_keep", "mutant_flip", "mutant_control"
"""The masks of faults, a bit for each pin; of the last, one for each pin and other bit of its port.

They are inputs of these names with a number behind, as a port has so many bits at most.
"""

_PORT_BITS = 4096


class Masks:
    """Where each fault is among the bits of the mask inputs.

    Without a fault, all of :data:`KEEP` is 1, and all else is 0.

    Parameters
    ----------
    mutants : iterable of Mutant
        Whose pins are masked.
    """

    def __init__(self, mutants: Iterable[Mutant]) -> None:
        self.pins: dict[tuple[str, str, int], int] = {}
        self.controls: dict[tuple[str, str, int, int], int] = {}
        for mutant in mutants:
            pin = (mutant.raw_cell, mutant.port, mutant.bit)
            self.pins.setdefault(pin, len(self.pins))
            if mutant.control is not None:
                self.controls.setdefault((*pin, mutant.control), len(self.controls))

    @property
    def widths(self) -> dict[str, int]:
        """How many bits each of the inputs has."""
        bits = {KEEP: len(self.pins), FLIP: len(self.pins), CONTROL: len(self.controls)}
        return {
            _port(mask, first): min(_PORT_BITS, count - first)
            for mask, count in bits.items()
            for first in range(0, count, _PORT_BITS)
        }

    def changed(self, mutant: Mutant) -> Iterator[tuple[str, int]]:
        """Give the inputs and their bits that a fault inverts."""
        pin = (mutant.raw_cell, mutant.port, mutant.bit)
        places = []
        if mutant.mode in ("const0", "const1"):
            places.append((KEEP, self.pins[pin]))
        if mutant.mode in ("inv", "const1", "cnot0"):
            places.append((FLIP, self.pins[pin]))
        if mutant.control is not None:
            places.append((CONTROL, self.controls[(*pin, mutant.control)]))
        for mask, place in places:
            yield _port(mask, place), place % _PORT_BITS


def _port(mask: str, bit: int) -> str:
    return f"{mask}_{bit // _PORT_BITS}"


class Planted:
    """A module with faults.

    Parameters
    ----------
    content : dict
        The module, as Yosys' JSON has it; changed.
    """

    def __init__(self, content: dict[str, Any]) -> None:
        self._content = content
        used = (bit for net in content["netnames"].values() for bit in net["bits"] if isinstance(bit, int))
        self._free = itertools.count(1 + max(used))
        # Yosys would call a register by the port that shows it, and forget its first value.
        for name, port in content["ports"].items():
            if port["direction"] == "output":
                nets = port["bits"]
                port["bits"] = content["netnames"][name]["bits"] = [next(self._free) for _ in nets]
                for net, shown in zip(nets, port["bits"], strict=True):
                    self._drive(shown, net)

    def mask(self, mutants: Sequence[Mutant], masks: Masks) -> None:
        """Plant faults that instances of a simulation turn on by their own bits of the mask inputs."""
        inputs = {name: self._input(name, width) for name, width in masks.widths.items()}

        def bit(mask: str, place: int) -> Bit:
            return inputs[_port(mask, place)][place % _PORT_BITS]

        def masked(mutants: list[Mutant], pin: Bit, port: Sequence[Bit]) -> Bit:
            first = mutants[0]
            place = (first.raw_cell, first.port, first.bit)
            number = masks.pins[place]
            kept = self._gate("AND", pin, bit(KEEP, number))
            value = self._gate("XOR", kept, bit(FLIP, number))
            for control in sorted({mutant.control for mutant in mutants if mutant.control is not None}):
                on = bit(CONTROL, masks.controls[(*place, control)])
                value = self._gate("XOR", value, self._gate("AND", port[control], on))
            return value

        self._plant(mutants, masked)

    def select(self, mutants: Sequence[Mutant]) -> None:
        """Plant faults behind a selector."""
        selector = self._input(SELECTOR, max(mutant.number for mutant in mutants).bit_length())

        def selected(mutants: list[Mutant], pin: Bit, port: Sequence[Bit]) -> Bit:
            value = pin
            for mutant in mutants:
                on = self._equal(selector, mutant.number)
                value = self._gate("MUX", value, self._faulty(mutant, pin, port), on)
            return value

        self._plant(mutants, selected)

    def force(self, mutant: Mutant) -> None:
        """Plant one fault that is always on."""
        self._plant([mutant], lambda mutants, pin, port: self._faulty(mutants[0], pin, port))

    def _faulty(self, mutant: Mutant, pin: Bit, port: Sequence[Bit]) -> Bit:
        match mutant.mode, mutant.control:
            case ("const0" | "const1") as mode, _:
                return mode[-1]
            case "inv", _:
                return self._gate("NOT", pin)
            case "cnot1", int(control):
                return self._gate("XOR", pin, port[control])
            case "cnot0", int(control):
                return self._gate("XNOR", pin, port[control])
            case unknown:
                raise ValueError(f"no fault is called {unknown}")

    def _plant(
        self, mutants: Iterable[Mutant], faulty: Callable[[list[Mutant], Bit, Sequence[Bit]], Bit]
    ) -> None:
        """Put something into each pin that has faults, given what would be there and the whole port without any."""
        ports: dict[tuple[str, str], dict[int, list[Mutant]]] = {}
        for mutant in mutants:
            pins = ports.setdefault((mutant.raw_cell, mutant.port), {})
            pins.setdefault(mutant.bit, []).append(mutant)
        for (name, port), pins in ports.items():
            cell = self._content["cells"][name]
            before = cell["connections"][port]
            if cell["port_directions"][port] == "output":
                within = [next(self._free) if bit in pins else net for bit, net in enumerate(before)]
                cell["connections"][port] = within
                for bit, there in pins.items():
                    self._move_initial(before[bit], within[bit])
                    self._drive(before[bit], faulty(there, within[bit], within))
            else:
                within = list(before)
                for bit, there in pins.items():
                    within[bit] = faulty(there, before[bit], before)
                cell["connections"][port] = within

    def _input(self, name: str, width: int) -> list[Bit]:
        bits: list[Bit] = [next(self._free) for _ in range(width)]
        self._content["ports"][name] = {"direction": "input", "bits": bits}
        self._content["netnames"][name] = {"hide_name": 0, "bits": bits, "attributes": {}}
        return bits

    def _move_initial(self, old: Bit, new: Bit) -> None:
        """Give the first value of a register's output to the net that the register now drives."""
        for net in list(self._content["netnames"].values()):
            initial = net["attributes"].get("init")
            if initial is None or old not in net["bits"]:
                continue
            values = list(initial[::-1].ljust(len(net["bits"]), "x"))
            place = net["bits"].index(old)
            value, values[place] = values[place], "x"
            net["attributes"]["init"] = "".join(values)[::-1]
            if value != "x":
                attributes = {"init": value}
                self._content["netnames"][f"$first${new}"] = {
                    "hide_name": 1,
                    "bits": [new],
                    "attributes": attributes,
                }

    def _drive(self, net: Bit, value: Bit) -> None:
        self._cell("$_BUF_", {"A": value}, net)

    def _gate(self, kind: str, *inputs: Bit) -> int:
        output = next(self._free)
        self._cell(f"$_{kind}_", dict(zip("ABS", inputs, strict=False)), output)
        return output

    def _cell(self, kind: str, inputs: dict[str, Bit], output: Bit) -> None:
        self._add(kind, {}, {pin: [net] for pin, net in inputs.items()}, output)

    def _equal(self, word: list[Bit], number: int) -> int:
        output = next(self._free)
        constant: list[Bit] = [str(number >> place & 1) for place in range(len(word))]
        one, width = f"{1:032b}", f"{len(word):032b}"
        parameters = {
            "A_SIGNED": "0",
            "B_SIGNED": "0",
            "A_WIDTH": width,
            "B_WIDTH": width,
            "Y_WIDTH": one,
        }
        self._add("$eq", parameters, {"A": word, "B": constant}, output)
        return output

    def _add(self, kind: str, parameters: dict[str, str], inputs: dict[str, list[Bit]], output: Bit) -> None:
        self._content["cells"][f"$fault${output}"] = {
            "hide_name": 1,
            "type": kind,
            "parameters": parameters,
            "attributes": {},
            "port_directions": dict.fromkeys(inputs, "input") | {"Y": "output"},
            "connections": inputs | {"Y": [output]},
        }
