"""What all agents share: a stream of the design that is watched, with the rules of its handshake."""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Generic, Self, TypeVar

from qlif.cosim.agents.bus import Bus, Field, FieldRole, checked_lanes, has_signal
from qlif.cosim.agents.cycles import Clocked, Cycles
from qlif.cosim.benches.monitors import Broken, Rule, StreamMonitor
from qlif.hdl.interface import CLOCK, RESET, Interface, Kind
from qlif.model.exceptions import InputError
from qlif.model.words import Words

T = TypeVar("T")


class Agent(Clocked, Generic[T]):
    """Watches one stream of a design; its subclasses drive it, too.

    A reset in mid-run drops what is queued, offered or unread. What is sent before the first cycle out of reset
    stays.

    Parameters
    ----------
    dut : handle
        The module that has the signals.
    words : Words
        The neurons, from :func:`qlif.model.quantisation.quantise`: they give each word its format.
    clock : handle
    valid : str
        Name of a signal; a path with dots leads further inside.
    ready : str, optional
        Without it, each cycle with valid is a transfer.
    reset : handle, optional
        Synchronous or not.
    reset_active_level : bool
        Whether the reset is active high.
    lanes : int
        Words of so many neurons stand side by side.
    **fields : str or Field
        The signals of the payload, by the names of the stream's fields.

    Attributes
    ----------
    transfers : int
        How many there were since the agent was made.
    cycle : int
        Cycles since reset.
    log : Logger

    Raises
    ------
    InputError
        The design has no such signal, or a word doesn't fit its signal.
    """

    stream: ClassVar[str]
    roles: ClassVar[Mapping[str, FieldRole]]

    def __init__(
        self,
        dut: Any,
        words: Words,
        *,
        clock: Any,
        valid: str,
        ready: str | None = None,
        reset: Any = None,
        reset_active_level: bool = True,
        lanes: int = 1,
        **fields: str | Field,
    ) -> None:
        self.words, self.clock, self.lanes = words, clock, checked_lanes(lanes)
        self.bus = Bus(dut, words, self.roles, lanes, valid, ready, fields)
        self.log = logging.getLogger(f"cocotb.{dut._path}.{self.stream}")
        self.transfers = self.cycle = 0
        self._reset, self._active = reset, int(reset_active_level)
        self._in_reset, self._was_reset, self._drops = False, False, False
        self._watch = StreamMonitor(self.stream, self.bus.valid, self.bus.payload)
        self._callbacks: list[Callable[[T], None]] = []
        self._reset_callbacks: list[Callable[[], None]] = []
        self._taken: list[T] = []
        Cycles.of(clock).add(self)

    @classmethod
    def from_prefix(
        cls,
        dut: Any,
        prefix: str,
        words: Words,
        *,
        clock: Any,
        valid: str = "valid",
        ready: str | None = "ready",
        separator: str = "_",
        reset: Any = None,
        reset_active_level: bool = True,
        lanes: int = 1,
        **fields: str | Field,
    ) -> Self:
        """Return an agent of signals that are named ``PREFIX_FIELD``.

        Fields that aren't given are found by the names that the stream has on our own modules, such as
        ``updates_potential``; those that the design doesn't have are left out. ``ready=None`` says that there is no
        ready. The other parameters are those of the class.

        Raises
        ------
        InputError
            As the class; the text names the nearest signals.
        """
        start = prefix + separator
        named: dict[str, str | Field] = {}
        for name, field in fields.items():
            field = field if isinstance(field, Field) else Field(field)
            named[name] = Field(start + field.signal, field.align, field.encoding)
        for name, role in cls.roles.items():
            if name not in named and (role.required or has_signal(dut, start + name)):
                named[name] = start + name
        return cls(
            dut,
            words,
            clock=clock,
            valid=start + valid,
            ready=None if ready is None else start + ready,
            reset=reset,
            reset_active_level=reset_active_level,
            lanes=lanes,
            **named,
        )

    @classmethod
    def from_interface(cls, dut: Any, interface: Interface) -> Self:
        """Return an agent of a module of ours, as its ``interface.json`` describes it.

        Raises
        ------
        InputError
            The module has no such stream.
        """
        if why := _why_not(cls.stream, interface):
            raise InputError(f"{interface.module} has no stream {cls.stream}: {why}")
        (stream,) = (stream for stream in interface.streams if stream.name == cls.stream)
        fields = {name: port.name for name, port in stream.fields.items() if name not in interface.absent}
        others: dict[str, Any] = {**fields, **cls._of_interface(interface)}
        return cls(
            dut,
            interface.words,
            clock=getattr(dut, CLOCK),
            reset=getattr(dut, RESET),
            lanes=interface.lanes,
            valid=stream.valid.name,
            ready=stream.ready.name,
            **others,
        )

    @classmethod
    def _of_interface(cls, interface: Interface) -> dict[str, Any]:
        """Return what else the class takes from an interface."""
        return {}

    @property
    def name(self) -> str:
        """The stream's name."""
        return self.stream

    @property
    def broken(self) -> tuple[Broken, ...]:
        """Each rule of the handshake that was broken so far, once."""
        return tuple(self._watch.broken)

    def subscribe(self, callback: Callable[[T], None]) -> None:
        """Have each transaction handed over, at the rising edge at which it moves."""
        self._callbacks.append(callback)

    def on_reset(self, callback: Callable[[], None]) -> None:
        """Have a function called when a reset begins."""
        self._reset_callbacks.append(callback)

    def drive(self) -> None:
        """Drive nothing."""

    def sample(self) -> None:
        """Look at the stream, unless the design is in reset."""
        if self._reset is not None and self._level(self._reset) == self._active:
            self._drops = self._drops or not self._in_reset
            self._in_reset, self._was_reset, self.cycle = True, True, 0
            return
        self._in_reset = False
        self.cycle += 1
        ready = 1 if self.bus.ready is None else self._level(self.bus.ready)
        valid = self._level(self.bus.valid)
        if not (self._was_reset or self.transfers) and None in (ready, valid):
            return  # not reset yet
        found = len(self._watch.broken)
        if ready is None and valid:
            self._watch.found(Rule.KNOWN, self.cycle, f"unresolved bits in {self.stream}_ready")
        elif self._watch.sample(self.cycle, bool(ready)):
            self._watch.clocks.clear()
            self.transfers += 1
            self._taken.extend(self.decode(self.bus.decode(self._watch.transfers.pop())))
        for rule in self._watch.broken[found:]:
            self.log.error("%s", rule.text)

    def deliver(self) -> None:
        """Hand over what moved, or that a reset began."""
        if self._drops:
            self._drops = False
            self._watch.forget()
            self._forget()
            for on_reset in self._reset_callbacks:
                on_reset()
        taken, self._taken = self._taken, []
        for transaction in taken:
            self.log.debug("%s", transaction)
            self._deliver(transaction)

    def _deliver(self, transaction: T) -> None:
        for callback in self._callbacks:
            callback(transaction)

    def decode(self, fields: Mapping[str, list[int]]) -> Iterable[T]:
        """Return the transactions of one transfer."""
        raise NotImplementedError

    def _forget(self) -> None:
        """Drop what a reset makes void."""

    @staticmethod
    def _level(handle: Any) -> int | None:
        value = handle.value
        return int(value) if value.is_resolvable else None


def _why_not(stream: str, interface: Interface) -> str:
    """Return why a module has no such stream; empty if it has."""
    if interface.kind is not Kind.POPULATION:
        return f"it is a {interface.kind}"
    if stream == "currents" and interface.core.holds_currents:
        return "its currents are held, and come as writes"
    if stream == "parameters" and interface.parameters is None:
        return "export it with --register or --memory"
    if stream == "events" and {"spike", "events"} <= set(interface.absent):
        return "the core behind its map tells no spikes; hold events_ready at 1"
    return ""
