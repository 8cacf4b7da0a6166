"""What a port's value is in the format of its role, in Verilog: sign, scale, alignment and encoding."""

from qlif.cosim.mapping.core_map import Active, Align, CoreMap, Encoding, PortUse, roles
from qlif.cosim.mapping.rtl import RtlPort
from qlif.hdl.core import Core
from qlif.model.exceptions import InputError
from qlif.model.formats import UQ, Format
from qlif.model.support.checks import whole
from qlif.model.words import Words

BIT = UQ(1, 0)
"""Format of a role without words."""


def word_of(value: int | str, words: Words, name: str) -> int:
    """Return a tie-off's number: itself, or the parameter word of a name.

    Raises
    ------
    InputError
        The configuration has no such word, or one for each neuron.
    """
    if isinstance(value, int):
        return value
    if value not in words.constants:
        known = ", ".join(words.constants)
        raise InputError(f"{name}: the configuration has no parameter word {value!r}: known are {known}")
    word = words.constants[value].word
    if not isinstance(word, int):
        raise InputError(f"{name}: parameter word {value} differs from neuron to neuron")
    return whole(name, word, minimum=word)


def formats_of(core: Core) -> dict[str, Format]:
    """Return the configuration's format in each role that has words; the others are bits."""
    words, arithmetic = core.words, core.words.arithmetic
    neuron, step = UQ(core.neuron_bits, 0), UQ(core.step_bits, 0)
    # Without any such a port is refused.
    phase = UQ(0, max(1, arithmetic.phase_bits))
    return {
        "current": arithmetic.current,
        # Without stochastic rounding such a port is refused.
        "random": UQ(max(1, arithmetic.random_bits), 0),
        "potential": arithmetic.potential,
        "potential_in": arithmetic.potential,
        "trace": arithmetic.trace,
        "trace_in": arithmetic.trace,
        "refractory": words.refractory,
        "refractory_in": words.refractory,
        "phase": phase,
        "phase_in": phase,
        "event_phase": phase,
        "neuron": neuron,
        "event_neuron": neuron,
        "event_step": step,
    }


class PortFormats:
    """Turns the values of a module's ports into those of the configuration, and back.

    Parameters
    ----------
    core_map : CoreMap
    core : Core
        The configuration as hardware.
    ports : dict of str to RtlPort
        The module's.
    faults : list of str
        Where to say what contradicts the module or the configuration.

    Attributes
    ----------
    formats : dict of str to Format
        The configuration's, by role.
    """

    def __init__(self, core_map: CoreMap, core: Core, ports: dict[str, RtlPort], faults: list[str]) -> None:
        self.map, self.rtl, self.faults = core_map, ports, faults
        self.formats = formats_of(core)

    def of_port(self, role: str, use: PortUse, ours: Format) -> Format | None:
        """Return the format on a port; None, with a fault, if it can't be."""
        width = self.rtl[use.port].width
        theirs = use.format or ours
        where = f"{role}: port {use.port}"
        is_bit = role not in self.formats
        if is_bit and (use.align is Align.LEFT or use.encoding is Encoding.OFFSET):
            self.faults.append(f"{where} is one bit: it has no align and no encoding")
            return None
        if not is_bit and use.active is Active.LOW:
            self.faults.append(f"{where} has a value: active is for what is yes or no")
            return None
        if ours == BIT and is_bit:
            if width != 1 or use.format is not None:
                self.faults.append(f"{where} must have 1 bit, not {width}")
                return None
            return ours
        if role in ("neuron", "event_neuron", "event_step") and use.format is None:
            return UQ(width, 0)
        if theirs.width > width or (theirs.width < width and use.format is None and use.align is Align.RIGHT):
            hint = ': say its format, or align = "left"' if theirs.width < width else ""
            self.faults.append(f"{where} has {width} bits, and {theirs} has {theirs.width}{hint}")
            return None
        if use.encoding is Encoding.OFFSET and not theirs.signed:
            self.faults.append(f"{where}: encoding offset is of signed values, and {theirs} is unsigned")
            return None
        if roles(self.map.contract)[role].direction == "input" and not _holds(theirs, ours):
            self.faults.append(
                f"{where} has format {theirs}, which doesn't hold every {ours} of the configuration"
            )
            return None
        return theirs

    def into(self, role: str, use: PortUse, ours: Format, theirs: Format) -> str:
        """Return what drives a port, made of the wire of its role."""
        if role not in self.formats:
            return f"~core_{role}" if use.active is Active.LOW else f"core_{role}"
        low = theirs.f_bits - ours.f_bits
        high = theirs.width - ours.width - low
        width = self.rtl[use.port].width
        sign = f"core_{role}[{ours.width - 1}]" if ours.signed and ours.width > 1 else "1'b0"
        parts = [f"{{{high}{{{sign}}}}}"] if high else []
        parts += [f"core_{role}"] + ([f"{low}'d0"] if low else [])
        value = joined(parts)
        if use.encoding is Encoding.OFFSET:
            value = f"({value} ^ {theirs.width}'d{1 << (theirs.width - 1)})"
        pad = width - theirs.width
        if not pad:
            return value
        if use.align is Align.LEFT:
            return f"{{{value}, {pad}'d0}}"
        extended = sign if theirs.signed and use.encoding is Encoding.PLAIN else "1'b0"
        return f"{{{{{pad}{{{extended}}}}}, {value}}}"

    def out_of(self, role: str, use: PortUse, ours: Format, theirs: Format) -> tuple[str, str]:
        """Return a port's value in our format, and the condition that this format holds it, if there is one."""
        pin, width = f"pin_{role}", self.rtl[use.port].width
        if role not in self.formats:
            return (f"~{pin}" if use.active is Active.LOW else pin), ""
        base = width - theirs.width if use.align is Align.LEFT else 0
        # The value's bits in the port, by their weight; what lies above is the sign, below is 0.
        weights = range(-theirs.f_bits, theirs.i_bits)
        flip = use.encoding is Encoding.OFFSET

        def bit(weight: int) -> str:
            place = base + weight + theirs.f_bits
            named = f"{pin}[{place}]" if width > 1 else pin
            return f"~{named}" if flip and weight == theirs.i_bits - 1 else named

        top = bit(theirs.i_bits - 1) if theirs.signed else "1'b0"
        bits = []
        for weight in range(ours.i_bits - 1, -ours.f_bits - 1, -1):
            bits.append(bit(weight) if weight in weights else "1'b0" if weight < -theirs.f_bits else top)
        conditions = [f"{bit(weight)} == 1'b0" for weight in weights if weight < -ours.f_bits]
        if theirs.signed or ours.signed:
            sign = bits[0] if ours.signed else "1'b0"
            beyond = [weight for weight in weights if weight >= ours.i_bits]
            conditions += [f"{bit(weight)} == {sign}" for weight in beyond]
            if not theirs.signed and not beyond and ours.i_bits - 1 in weights:
                conditions.append(f"{bits[0]} == 1'b0")
            if theirs.signed and not ours.signed and not beyond:
                conditions.append(f"{top} == 1'b0")
        else:
            conditions += [f"{bit(weight)} == 1'b0" for weight in weights if weight >= ours.i_bits]
        return joined(_runs(bits)), " && ".join(dict.fromkeys(conditions))


def _holds(theirs: Format, ours: Format) -> bool:
    """Return whether every value of our format is one of theirs."""
    return theirs.f_bits >= ours.f_bits and theirs.min <= ours.min and theirs.max >= ours.max


def vector(width: int) -> str:
    """Return a declaration's range, with a space after it; empty for one bit."""
    return f"[{width - 1}:0] " if width > 1 else ""


def joined(parts: list[str]) -> str:
    """Return parts as one word, the highest first."""
    return parts[0] if len(parts) == 1 else "{" + ", ".join(parts) + "}"


def _runs(bits: list[str]) -> list[str]:
    """Join neighbouring bits of one port into ranges, as a person would write them."""
    found: list[str] = []
    for bit in bits:
        name, _, place = bit.removesuffix("]").partition("[")
        if found and place and "[" in found[-1] and not bit.startswith("~"):
            before, _, places = found[-1].removesuffix("]").partition("[")
            high, _, low = places.partition(":")
            if before == name and int(low or high) == int(place) + 1:
                found[-1] = f"{name}[{high}:{place}]"
                continue
        found.append(bit)
    return found
