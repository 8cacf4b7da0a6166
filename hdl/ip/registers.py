"""The registers of the AXI shell: one description, from which gates, files and driver are made."""

from dataclasses import dataclass
from enum import StrEnum

from qlif.hdl.interface import Interface
from qlif.model.formats import Format

ADDRESS_BITS = 8
"""Of the AXI4-Lite port: the map has 256 bytes."""
WORD_BYTES = 4
IDENTIFICATION = 0x514C4946
"""``QLIF`` in ASCII."""
MAJOR, MINOR = 1, 0
"""The map's version: programs for another major one must not use it."""
SIGNATURE_REGISTERS = tuple(
    f"signature_{stream}_{half}" for stream in ("updates", "events") for half in ("low", "high")
)
"""The signature of a self-test, its lowest bits first."""


class Access(StrEnum):
    """What a program can do with a field."""

    CONSTANT = "constant"
    """Reads as its reset value, always."""
    STATUS = "status"
    """Read only; the hardware changes it."""
    CONTROL = "control"
    """Reads as what was written."""
    FLAG = "flag"
    """Set by the hardware, cleared by writing 1."""
    PORT = "port"
    """Reads and writes go to what lies behind, which says whether a write is an error."""
    START = "start"
    """Writing 1 starts something; reads as 0."""

    @property
    def is_writable(self) -> bool:
        """Whether a write to it has an effect."""
        return self in (Access.CONTROL, Access.FLAG, Access.PORT, Access.START)


@dataclass(frozen=True)
class Field:
    """Some bits of a register.

    Attributes
    ----------
    name : str
    low, width : int
        Its lowest bit, and how many.
    access : Access
    reset : int
        Value after reset, of a constant always.
    meaning : str
    """

    name: str
    low: int
    width: int
    access: Access
    reset: int
    meaning: str

    @property
    def mask(self) -> int:
        """Its bits in the register."""
        return ((1 << self.width) - 1) << self.low

    @property
    def places(self) -> range:
        """The numbers of its bits in the register."""
        return range(self.low, self.low + self.width)


@dataclass(frozen=True)
class Register:
    """32 bits at an address.

    Attributes
    ----------
    name : str
    offset : int
        In bytes.
    meaning : str
    fields : tuple of Field
    """

    name: str
    offset: int
    meaning: str
    fields: tuple[Field, ...]

    @property
    def is_writable(self) -> bool:
        """Whether a write has an effect: elsewhere it is an error."""
        return any(field.access.is_writable for field in self.fields)

    @property
    def reset(self) -> int:
        """Its value after reset."""
        return sum(field.reset << field.low for field in self.fields)


@dataclass(frozen=True)
class RegisterMap:
    """All registers of a shell.

    Attributes
    ----------
    name : str
        The module.
    registers : tuple of Register
        One after another, from offset 0.
    """

    name: str
    registers: tuple[Register, ...]

    def __getitem__(self, name: str) -> Register:
        """Return a register by its name."""
        (found,) = (register for register in self.registers if register.name == name)
        return found


def register_map(name: str, interface: Interface, self_tested: bool = False) -> RegisterMap:
    """Return the registers of a shell.

    Parameters
    ----------
    name : str
        The shell's module.
    interface : Interface
        Of the population.
    self_tested : bool
        Whether a self-test is around the population.
    """
    registers: list[Register] = []

    def add(name: str, meaning: str, *fields: Field) -> None:
        registers.append(Register(name, WORD_BYTES * len(registers), meaning, fields))

    def whole(access: Access, reset: int, meaning: str, width: int = 32) -> Field:
        return Field("value", 0, width, access, reset, meaning)

    arithmetic, core = interface.words.arithmetic, interface.core
    add("id", "Identification", whole(Access.CONSTANT, IDENTIFICATION, "QLIF in ASCII"))
    add(
        "version",
        "Version of this map",
        Field("minor", 0, 16, Access.CONSTANT, MINOR, "grows with registers that were added"),
        Field("major", 16, 16, Access.CONSTANT, MAJOR, "another one means another map"),
    )
    add("neurons", "Number of neurons", whole(Access.CONSTANT, interface.neurons, "neurons"))
    add(
        "geometry",
        "How the population is built",
        Field("lanes", 0, 8, Access.CONSTANT, interface.lanes, "pipelines side by side"),
        Field("latency", 8, 8, Access.CONSTANT, interface.latency, "clocks from a current to its update"),
        Field(
            "updates", 16, 1, Access.CONSTANT, int(core.streams.has_updates), "there is a stream of updates"
        ),
        Field("events", 17, 1, Access.CONSTANT, int(core.streams.has_events), "there is a stream of events"),
    )
    for what in ("potential", "current", "trace"):
        add(f"{what}_format", f"Format of {what} words", *_format_fields(getattr(arithmetic, what)))
    # The population's timesteps, or the shell's own count of them.
    step_bits = min(core.step_bits, 32) if core.streams.has_events else 32
    add(
        "capacity",
        "What the other registers hold",
        Field("parameters", 0, 8, Access.CONSTANT, len(core.runtime), "run-time parameters"),
        Field("step_bits", 8, 8, Access.CONSTANT, step_bits, "width of the timestep, which wraps"),
        *([Field("selftest", 16, 1, Access.CONSTANT, 1, "there is a self-test")] if self_tested else []),
    )
    add(
        "control",
        "Control",
        Field("enable", 0, 1, Access.CONTROL, 1, "timesteps are begun; one under way is always finished"),
        Field("restart", 1, 1, Access.START, 0, "reset the neurons as soon as all results were taken"),
    )
    add(
        "status",
        "Status",
        Field("busy", 0, 1, Access.STATUS, 0, "a timestep is under way, or results aren't taken yet"),
        Field("restarting", 1, 1, Access.STATUS, 0, "a restart waits until all results were taken"),
        Field("writing", 2, 1, Access.STATUS, 0, "a parameter write waits for the end of the timestep"),
        Field("realigning", 3, 1, Access.STATUS, 0, "the stream of currents is led back to its timesteps"),
    )
    flags = [
        ("tlast_early", "a TLAST came before the timestep's end; the rest of it had currents of 0"),
        ("tlast_missing", "a timestep's end had no TLAST; what followed up to TLAST was left out"),
        ("timestep", "a timestep's last current was taken"),
        ("spike", "a spike was given"),
    ]
    if self_tested:
        flags.append(("selftest", "a self-test has ended"))
    add(
        "flags",
        "Flags, which stay until they are cleared",
        *(Field(name, place, 1, Access.FLAG, 0, text) for place, (name, text) in enumerate(flags)),
    )
    add(
        "interrupt",
        "Which flags raise the interrupt",
        *(
            Field(name, place, 1, Access.CONTROL, 0, f"flag {name} does")
            for place, (name, _) in enumerate(flags)
        ),
    )
    add("timestep", "Timestep of the last result; wraps", whole(Access.STATUS, 0, "timesteps since reset"))
    add("spikes", "Spikes since reset; wraps", whole(Access.STATUS, 0, "spikes"))
    if core.runtime:
        select, neuron, word = core.select_format.width, core.neuron_bits, core.word_format.width
        add("parameter_select", "Which parameter", whole(Access.CONTROL, 0, "its number", select))
        add("parameter_neuron", "Of which neuron", whole(Access.CONTROL, 0, "if each has its own", neuron))
        add(
            "parameter_word",
            "Word of that parameter: a write is taken between two timesteps; until then a further one is an error",
            whole(Access.PORT, 0, "its word", word),
        )
    if self_tested:
        add(
            "selftest",
            "Self-test",
            Field(
                "start", 0, 1, Access.START, 0, "restart, then run; the streams are closed until a restart"
            ),
            Field("running", 1, 1, Access.STATUS, 0, "it was started and isn't over"),
            Field("done", 2, 1, Access.STATUS, 0, "it is over, and its signature is there until a restart"),
            Field("stalls", 8, 8, Access.CONTROL, 0, "in so many of 256 clocks each stream pauses"),
        )
        add("selftest_length", "Length of a self-test", whole(Access.CONTROL, 0, "timesteps"))
        add(
            "selftest_timesteps",
            "Timesteps in the signature",
            whole(Access.STATUS, 0, "of each neuron's updates"),
        )
        for part in SIGNATURE_REGISTERS:
            _, stream, half = part.split("_")
            add(part, f"Signature of the {stream}", whole(Access.STATUS, 0, f"its {half} 32 bits"))
    return RegisterMap(name, tuple(registers))


def _format_fields(format: Format) -> tuple[Field, ...]:
    return (
        Field("width", 0, 8, Access.CONSTANT, format.width, "bits of a word"),
        Field("fraction", 8, 8, Access.CONSTANT, format.f_bits & 0xFF, "fraction bits of them, signed"),
        Field("signed", 16, 1, Access.CONSTANT, int(format.signed), "two's complement"),
    )
