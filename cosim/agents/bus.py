"""The signals of one valid/ready stream in somebody's design, and how words stand in them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qlif.cosim.mapping.core_map import Align, Encoding
from qlif.model.exceptions import InputError, show, unknown_name
from qlif.model.formats import Format
from qlif.model.words import Words


@dataclass(frozen=True)
class Field:
    """A signal of a payload, and where the word stands in it.

    Parameters
    ----------
    signal : str
        Its name; with :meth:`Agent.from_prefix` what follows the prefix.
    align : {"right", "left"}
        Whether the word stands at the lowest or the highest bit of a wider signal.
    encoding : {"plain", "offset"}
        Two's complement (if the format is signed), or offset binary.

    Raises
    ------
    InputError
        One of these is unknown.
    """

    signal: str
    align: str = Align.RIGHT
    encoding: str = Encoding.PLAIN

    def __post_init__(self) -> None:
        for name, value, kind in (("align", self.align, Align), ("encoding", self.encoding, Encoding)):
            if value not in list(kind):
                raise InputError(unknown_name(name, str(value), map(str, kind)))
            object.__setattr__(self, name, kind(value))


@dataclass(frozen=True)
class FieldRole:
    """What a field of a stream is.

    Attributes
    ----------
    format : callable
        Gives its format in a configuration; None if it is a plain number as wide as its signal.
    required : bool
    per_lane : bool
        Whether each lane has a word of its own.
    """

    format: Callable[[Words], Format | None]
    required: bool = False
    per_lane: bool = False


class Column:
    """One field of a bus: turns words into bits and back.

    Parameters
    ----------
    handle : handle
    field : Field
    format : Format or None
    lanes : int
        How many words stand side by side, the first lowest.

    Raises
    ------
    InputError
        The words don't fit the signal.
    """

    def __init__(self, handle: Any, field: Field, format: Format | None, lanes: int) -> None:
        self.handle, self.lanes = handle, lanes
        self._offset = field.encoding is Encoding.OFFSET
        width = len(handle)
        own = format.width if format is not None else width
        # A word in a wider signal is sign extended, or has bits below that mean nothing.
        left = field.align is Align.LEFT
        self.shift = width - own if left else 0
        self._width = own if left or lanes > 1 else width
        self.signed = format is not None and format.signed
        if width < own * lanes or (lanes > 1 and width != own * lanes):
            raise InputError(
                f"{field.signal} has {width} bits, which can't be {lanes} lane{'s' if lanes > 1 else ''} of {format}"
            )
        if self._offset and (format is None or lanes > 1 or (width != own and not left)):
            raise InputError(f"{field.signal}: offset binary must fill its signal, or stand at the left")

    @property
    def bits(self) -> int:
        """Width of the signal."""
        return len(self.handle)

    def encode(self, words: Sequence[int]) -> int:
        """Return the bits of the words of all lanes."""
        mask, bits = (1 << self._width) - 1, 0
        for lane, word in enumerate(words):
            bits |= (word & mask) << lane * self._width
        if self._offset:
            bits ^= 1 << self._width - 1
        return bits << self.shift

    def decode(self, bits: int) -> list[int]:
        """Return the words of all lanes."""
        mask, sign = (1 << self._width) - 1, 1 << self._width - 1
        bits >>= self.shift
        words = [bits >> lane * self._width & mask for lane in range(self.lanes)]
        if self._offset:
            words = [word ^ sign for word in words]
        return [(word ^ sign) - sign for word in words] if self.signed else words


class Bus:
    """The signals of one stream.

    Parameters
    ----------
    dut : handle
        The module that has them.
    words : Words
        What the words mean.
    roles : mapping of str to FieldRole
        The fields that the stream may have.
    lanes : int
    valid, ready : str
        Names of signals; no `ready` if every offer is taken.
    fields : mapping of str to str or Field
        The payload, by the names of its fields.

    Raises
    ------
    InputError
        The design has no such signal, a field is unknown or missing, or doesn't fit its signal.
    """

    def __init__(
        self,
        dut: Any,
        words: Words,
        roles: Mapping[str, FieldRole],
        lanes: int,
        valid: str,
        ready: str | None,
        fields: Mapping[str, str | Field],
    ) -> None:
        for name in fields:
            if name not in roles:
                raise InputError(unknown_name("field", name, roles))
        for name, role in roles.items():
            if role.required and name not in fields:
                raise InputError(f"the field {name} of the stream with {valid} must be given")
        self.valid = signal(dut, valid)
        self.ready = None if ready is None else signal(dut, ready)
        self.columns: dict[str, Column] = {}
        for name, given in fields.items():
            field, role = given if isinstance(given, Field) else Field(given), roles[name]
            handle = signal(dut, field.signal)
            self.columns[name] = Column(handle, field, role.format(words), lanes if role.per_lane else 1)

    @property
    def payload(self) -> dict[str, Any]:
        """The handles of the payload by the names of their signals."""
        return {column.handle._name: column.handle for column in self.columns.values()}

    def decode(self, bits: Sequence[int]) -> dict[str, list[int]]:
        """Return the words of each field, lane by lane."""
        columns = self.columns.items()
        return {name: column.decode(word) for (name, column), word in zip(columns, bits, strict=True)}


def signal(dut: Any, name: str) -> Any:
    """Return the handle of a signal, or of one further inside by its path with dots.

    Raises
    ------
    InputError
        There is none; the text names the nearest.
    """
    handle = dut
    for part in str(name).split("."):
        found = getattr(handle, part, None) if part else None
        if found is None:
            names = sorted(child._name for child in handle)
            raise InputError(f"{handle._path}: {unknown_name('signal', part, names)}")
        handle = found
    return handle


def has_signal(dut: Any, name: str) -> bool:
    """Return whether a design has a signal."""
    return getattr(dut, name, None) is not None


def checked_lanes(lanes: object) -> int:
    """Return a number of lanes; InputError if it isn't one."""
    if isinstance(lanes, bool) or not isinstance(lanes, int) or lanes < 1:
        raise InputError(f"lanes must be a whole number of at least 1, not {show(lanes)}")
    return lanes
