"""Where a circuit can be faulty: its registers, the bits of its memories, its nets."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from qlif.cosim.bitslice.netlist import SliceNetlist
from qlif.hdl import probes


class Kind(StrEnum):
    """What can be faulty."""

    FLIP_FLOPS = "flip-flops"
    """A register's bit, inverted in one clock."""
    MEMORIES = "memories"
    """A memory's bit, inverted in one clock."""
    NETS = "nets"
    """A net, stuck at 0 or at 1 from the beginning."""


@dataclass(frozen=True)
class Place:
    """Something that can be faulty.

    Attributes
    ----------
    kind : Kind
    net : str
        The register, memory or net, without the bit; of gates without a name, the register or port that they drive.
    bit : str
        Which one: of a memory ``row.bit``; empty if there is only one.
    lines : tuple of int
        Of the exported Verilog.
    number : int
        Among flip-flops and then memory bits, or among the netlist's wires.
    """

    kind: Kind
    net: str
    bit: str
    lines: tuple[int, ...]
    number: int


def state_places(netlist: SliceNetlist) -> list[Place]:
    """Return everything that keeps a bit, in the order of the compiled program."""
    found = [
        Place(Kind.FLIP_FLOPS, *_split(flip_flop.name), flip_flop.lines, number)
        for number, flip_flop in enumerate(netlist.flip_flops)
    ]
    for memory in netlist.memories:
        found += [
            Place(
                Kind.MEMORIES,
                memory.name,
                f"{row}.{bit}",
                memory.lines,
                len(found) + row * memory.width + bit,
            )
            for row in range(memory.size)
            for bit in range(memory.width)
        ]
    return found


def net_places(netlist: SliceNetlist) -> list[Place]:
    """Return every net."""
    driven = _driven(netlist)
    found = []
    for number, wire in enumerate(netlist.wires):
        name, lines = driven.get(wire, ("nothing", ()))
        if (own := netlist.names.get(wire)) is not None:
            net, bit = _split(own)
        else:
            net, bit = f"gates of {_split(name)[0]}", str(wire)
        found.append(Place(Kind.NETS, net, bit, lines, number))
    return found


def stages(netlist: SliceNetlist, latency: int) -> dict[int, int]:
    """Return how many registers after a current each flip-flop is, by its number.

    A neuron's state comes to its current in the first stage. What none of them reaches within the latency is control.
    """
    depth = dict.fromkeys(netlist.inputs["currents_data"], 0)
    before: Mapping[int, int] = {}
    while before != depth:
        before = dict(depth)
        for memory in netlist.memories:
            written = [depth[bit] for port in memory.writes for bit in port.data if bit in depth]
            first = 1 if probes.is_state(memory.name) else min(written, default=0)
            if first:
                depth |= {bit: first for port in memory.reads for bit in port.data}
        for table in netlist.tables:
            reached = [depth[bit] for bit in table.inputs if bit in depth]
            if reached:
                depth[table.output] = min(reached)
        for flip_flop in netlist.flip_flops:
            if flip_flop.data in depth:
                later = depth[flip_flop.data] + 1
                depth[flip_flop.output] = min(depth.get(flip_flop.output, later), later)
    return {
        number: depth[flip_flop.output]
        for number, flip_flop in enumerate(netlist.flip_flops)
        if depth.get(flip_flop.output, latency + 1) <= latency
    }


def _driven(netlist: SliceNetlist) -> dict[int, tuple[str, tuple[int, ...]]]:
    """Return which register, memory or port each bit drives first, and its lines."""
    driven = dict(_ends(netlist))
    for table in reversed(netlist.tables):
        for bit in table.inputs:
            if table.output in driven:
                driven.setdefault(bit, driven[table.output])
    # What keeps a bit is itself, whatever it drives.
    for flip_flop in netlist.flip_flops:
        driven[flip_flop.output] = (flip_flop.name, flip_flop.lines)
    return driven


def _ends(netlist: SliceNetlist) -> Iterator[tuple[int, tuple[str, tuple[int, ...]]]]:
    for name, bits in netlist.outputs.items():
        yield from ((bit, (name, ())) for bit in bits)
    for memory in netlist.memories:
        ports = [*(port.address for port in memory.reads)]
        ports += [bits for port in memory.writes for bits in (port.address, port.data, port.enable)]
        yield from ((bit, (memory.name, memory.lines)) for bits in ports for bit in bits)
    yield from ((each.data, (each.name, each.lines)) for each in netlist.flip_flops)


def _split(label: str) -> tuple[str, str]:
    net, _, bit = label.partition("[")
    return net, bit.rstrip("]")
