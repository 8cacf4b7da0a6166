"""The AXI4-Lite side of the shell: the gates of a register map."""

from collections.abc import Iterable
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from qlif.hdl.ip.registers import ADDRESS_BITS, WORD_BYTES, Access, Field, Register, RegisterMap

OKAY, SLVERR = 0, 2
_COUNTERS = "timestep", "spikes"
"""The two registers as wide as the bus that aren't constant."""


class LiteRegisters:
    """AXI4-Lite registers, one access of each direction at a time.

    Address and data of a write are taken together. An access to an address outside the map, or a write to a register
    that can't be written, is answered with SLVERR and changes nothing. A strobe of 0 is a write of no byte.

    Parameters
    ----------
    registers : RegisterMap

    Attributes
    ----------
    bus : dict of str to Signal
        The port, by the names of AXI in small letters.
    values : dict of (str, str) to Signal
        Each field that isn't constant: of a control or a flag its value, of a start a pulse. To that of a status or a
        port, what is to be read is connected.
    set_flags : dict of (str, str) to Signal
        What sets a flag, in the clock after.
    port_write : Signal
        The port is written in this clock, with `port_word`.
    port_word : Signal
    port_open : Signal
        Whether a write of the port isn't an error.
    settled : Signal
        The values are what is to be read: a read waits for that.
    """

    def __init__(self, registers: RegisterMap) -> None:
        self.registers = registers
        widths = {
            "awvalid": 1, "awready": 1, "awaddr": ADDRESS_BITS, "awprot": 3,
            "wvalid": 1, "wready": 1, "wdata": 32, "wstrb": 4, "bvalid": 1, "bready": 1, "bresp": 2,
            "arvalid": 1, "arready": 1, "araddr": ADDRESS_BITS, "arprot": 3,
            "rvalid": 1, "rready": 1, "rdata": 32, "rresp": 2,
        }  # fmt: skip
        self.bus = {name: Signal(width, name=f"s_axi_{name}") for name, width in widths.items()}
        self.values: dict[tuple[str, str], Signal] = {}
        self.set_flags: dict[tuple[str, str], Signal] = {}
        for register in registers.registers:
            for field in register.fields:
                at = register.name, field.name
                name = f"{register.name}_{field.name}"
                if field.access is not Access.CONSTANT:
                    self.values[at] = Signal(field.width, init=field.reset, name=name)
                if field.access is Access.FLAG:
                    self.set_flags[at] = Signal(name=f"{name}_event")
        self.port_write, self.port_word, self.port_open = Signal(), Signal(32), Signal()
        self.settled = Signal()

    def build(self, m: Module) -> None:
        """Add the gates."""
        self._write(m)
        self._read(m)

    def _write(self, m: Module) -> None:
        bus = self.bus
        take, wrote = bus["awready"], Signal(name="wrote")
        m.d.comb += [
            take.eq(bus["awvalid"] & bus["wvalid"] & ~wrote & ~bus["bvalid"]),
            bus["wready"].eq(take),
            self.port_word.eq(bus["wdata"]),
        ]
        m.d.sync += [wrote.eq(take), bus["bvalid"].eq(wrote | (bus["bvalid"] & ~bus["bready"]))]
        right = Signal()
        with m.If(take):
            m.d.sync += bus["bresp"].eq(Mux(right, OKAY, SLVERR))
        written = self._hold_word(m)
        address = _index(bus["awaddr"])
        writable = [register for register in self.registers.registers if register.is_writable]
        numbers = [register.offset // WORD_BYTES for register in writable]
        # Most bits of the address are the same for all that can be written: they are looked at once, for all.
        same = [
            place for place in range(len(address)) if len({number >> place & 1 for number in numbers}) == 1
        ]
        others = [place for place in range(len(address)) if place not in same]
        near = Signal()
        m.d.comb += near.eq(_agrees(address, same, numbers[0]))
        for register, number in zip(writable, numbers, strict=True):
            chosen = Signal(name=f"{register.name}_chosen")
            m.d.comb += chosen.eq(near & _agrees(address, others, number))
            is_port = any(field.access is Access.PORT for field in register.fields)
            with m.If(chosen):
                m.d.comb += right.eq(self.port_open if is_port else 1)
            if is_port:
                m.d.comb += self.port_write.eq(take & chosen & self.port_open & bus["wstrb"].all())
                continue
            writes: dict[int, Signal] = {}
            for byte in sorted({place // 8 for place in _written_places([register])}):
                writes[byte] = Signal(name=f"writes_{register.name}_{byte}")
                m.d.sync += writes[byte].eq(take & chosen & bus["wstrb"][byte])
            for field in register.fields:
                self._write_field(m, register, field, writes, written)

    def _hold_word(self, m: Module) -> dict[int, Value]:
        """Return each bit that was written in the clock before, by its place.

        What is written follows a clock after the handshake, and the response with it: so no path leads on from the
        address.
        """
        places = _written_places(self.registers.registers)
        word = Signal(len(places), reset_less=True, name="written")
        m.d.sync += word.eq(Cat(self.bus["wdata"][place] for place in places))
        return {place: word[number] for number, place in enumerate(places)}

    def _write_field(
        self,
        m: Module,
        register: Register,
        field: Field,
        writes: dict[int, Signal],
        written: dict[int, Value],
    ) -> None:
        """Write a field where its bytes are strobed."""
        value = self.values.get((register.name, field.name), Signal())
        low = field.low
        match field.access:
            case Access.CONTROL:
                for place in field.places:
                    with m.If(writes[place // 8]):
                        m.d.sync += value[place - low].eq(written[place])
            case Access.FLAG:
                # A single LUT. It follows a clock after what sets it, so that it is the end of a short path.
                setting = Signal(name=f"{register.name}_{field.name}_set")
                m.d.sync += [
                    setting.eq(self.set_flags[register.name, field.name]),
                    value.eq(setting | (value & ~(writes[low // 8] & written[low]))),
                ]
            case Access.START:
                m.d.comb += value.eq(writes[low // 8] & written[low])
            case Access.CONSTANT | Access.STATUS | Access.PORT:
                pass

    def _read(self, m: Module) -> None:
        bus, index = self.bus, _index(self.bus["araddr"])
        # What is asked for waits in registers, so that no path leads from the address to the data in one clock. Where
        # a counter, as wide as the bus, is read, the ones or zeros of all else choose which: so a bit is one LUT.
        asked, other, counted, unknown = (
            Signal(width, name=name)
            for name, width in (("asked", 1), ("other", 32), ("counted", 1), ("unknown", 1))
        )
        m.d.comb += bus["arready"].eq(~asked & ~bus["rvalid"])
        m.d.sync += [
            asked.eq((bus["arvalid"] & bus["arready"]) | (asked & ~self.settled)),
            bus["rvalid"].eq((asked & self.settled) | (bus["rvalid"] & ~bus["rready"])),
        ]
        places = self._places(index)
        with m.If(bus["arready"]):
            m.d.sync += [other.eq(0), counted.eq(0), unknown.eq(1)]
            with m.Switch(_selector(places)):
                for register in self.registers.registers:
                    with m.Case(_pattern(places, register.offset // WORD_BYTES)):
                        m.d.sync += [
                            other.eq(self._shown(register)),
                            counted.eq(register.name in _COUNTERS),
                            unknown.eq(index[len(places) :].any()),
                        ]
        first, second = (self.values[name, "value"] for name in _COUNTERS)
        with m.If(asked & self.settled):
            m.d.sync += [
                bus["rdata"].eq(Mux(counted, (other & first) | (~other & second), other)),
                bus["rresp"].eq(Mux(unknown, SLVERR, OKAY)),
            ]

    def _places(self, index: Value) -> Value:
        """Return the low part of a register's number, which tells the registers apart."""
        return index[: len(self.registers.registers).bit_length()]

    def _shown(self, register: Register) -> Value:
        """Return what is read of a register; of a counter, which of the two it is."""
        if register.name in _COUNTERS:
            return Const(-int(register.name == _COUNTERS[0]), 32)
        parts: list[Any] = []
        place = 0
        for field in register.fields:
            parts.append(Const(0, field.low - place))
            if field.access is Access.CONSTANT:
                parts.append(Const(field.reset, field.width))
            elif field.access is Access.START:
                parts.append(Const(0, field.width))
            else:
                parts.append(self.values[register.name, field.name])
            place = field.low + field.width
        return Cat(*parts, Const(0, 32 - place))


def _selector(places: Value) -> Value:
    """Return a register's number upside down: so none is 0, a comparison with which Verilator's lint refuses."""
    return ~places


def _pattern(places: Value, place: int) -> int:
    return ~place & ((1 << len(places)) - 1)


def _index(address: Value) -> Value:
    """Return which register an address is of; its place in the word is told by the strobes."""
    return address[2:]


def _written_places(registers: Iterable[Register]) -> list[int]:
    """Return which bits of a word some registers take, besides ports."""
    fields = (field for register in registers for field in register.fields)
    taken = (field for field in fields if field.access.is_writable and field.access is not Access.PORT)
    return sorted({place for field in taken for place in field.places})


def _agrees(address: Value, places: list[int], number: int) -> Value:
    """Return whether some bits of an address are those of a register's number."""
    return Cat(address[place] ^ (~number >> place & 1) for place in places).all()
