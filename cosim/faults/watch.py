"""A population under a campaign's traffic, in hundreds of instances: what becomes of each one's fault."""

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qlif.cosim.bitslice.netlist import SliceNetlist
from qlif.cosim.bitslice.simulation import (
    SliceProgram,
    Slices,
    SliceSimulation,
    aligned,
    pointer,
    pointers,
    port_places,
)
from qlif.hdl.interface import RESET, Interface
from qlif.hdl.ports import Stream
from qlif.model.exceptions import DifferenceFound, InputError
from qlif.model.golden.neurons import FixedNeurons
from qlif.model.selftest.golden import GoldenSelfTest
from qlif.model.selftest.plan import SelfTestPlan

RESET_CLOCKS = 2


class Outcome(IntEnum):
    """What became of a fault; the one that is highest here counts."""

    MASKED = 0
    """Every transfer is as it should be, and so is the state in the end."""
    LATENT = 1
    """Every transfer is as it should be, but a register or memory still differs."""
    DELAYED = 2
    """Every transfer is as it should be, some at another time."""
    RECOVERED = 3
    """Transfers were wrong, and the state is as it should be in the end."""
    WRONG = 4
    """Transfers were wrong, and the state still differs."""
    LOST = 5
    """An update or event never came."""
    DOUBLED = 6
    """There was an update or event too many."""
    HUNG = 7
    """No current is accepted any more, or no update comes."""

    @property
    def seen(self) -> bool:
        """Whether the sequence of updates or events differs, of which the self-test's signature is made."""
        return self >= Outcome.RECOVERED


DISORDER, ILLEGAL = 16, 32
"""Bits of a verdict: an update or event had a wrong number; an update had a potential that isn't below threshold."""


def outcomes_of(verdicts: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
    """Return the :class:`Outcome` of each verdict."""
    return (verdicts & 15).astype(np.int64)


def updates_of(verdicts: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
    """Return after how many updates the last wrong transfer came; 0 if there was none."""
    return (verdicts >> 16).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Traffic:
    """What a campaign plays: the self-test's currents, and pauses of each stream.

    Attributes
    ----------
    currents, updates, events : array of uint8, (transfers, bits)
        Golden transfers, each port's bits after the other; an event for each update, whether or not it spikes.
    pattern : array of uint8, (clocks,)
        Bit 0: another current comes; bits 1, 2: updates, events are taken.
    illegal : array of int64, (neurons,)
        The lowest potential word that no update may leave.
    watch, settle : int
        Clocks that a fault is watched; then, and before the end of that, clocks without pauses.
    """

    currents: npt.NDArray[np.uint8]
    updates: npt.NDArray[np.uint8]
    events: npt.NDArray[np.uint8]
    pattern: npt.NDArray[np.uint8]
    illegal: npt.NDArray[np.int64]
    watch: int
    settle: int


def traffic(interface: Interface, clocks: int, watch: int, stalls: float, seed: int) -> Traffic:
    """Return the traffic of a campaign.

    Parameters
    ----------
    interface : Interface
    clocks : int
        In which faults may begin.
    watch : int
        How many clocks each is watched.
    stalls : float
        Probability that a stream pauses, in each clock.
    seed : int
        Of currents and pauses.

    Raises
    ------
    InputError
        A number is out of its range.
    """
    settle = settling(interface)
    if watch <= settle:
        raise InputError(
            f"watch must be above {settle}, the clocks in which {interface.name} comes to rest, not {watch}"
        )
    words, rows, lanes = interface.words, interface.rows, interface.lanes
    steps = -(-(clocks + 2 * (watch + settle)) // rows)
    currents = GoldenSelfTest(words, SelfTestPlan.of(words, seed)).currents(steps)
    spikes, kept = FixedNeurons(words).run_words(currents.reshape(steps, *words.parameters.shape))
    number = np.arange(steps * rows)
    of_lanes = {"data": currents, "spike": np.asarray(spikes), **kept}
    values = {name: np.reshape(each, (-1, lanes)) for name, each in of_lanes.items()}
    values |= {"neuron": number % rows * lanes, "step": number // rows}
    random = np.random.default_rng(seed)
    goes = random.random((3, clocks + watch + settle)) >= stalls
    return Traffic(
        _bits(interface.currents, values),
        _bits(interface.updates, values),
        _bits(interface.events, values),
        np.packbits(goes, axis=0, bitorder="little")[0],
        np.broadcast_to(np.asarray(words.values["threshold"], dtype=np.int64), (interface.neurons,)).copy(),
        watch,
        settle,
    )


def settling(interface: Interface) -> int:
    """Return clocks in which everything in flight has left, with a pipeline and a queue behind it full."""
    return 4 * (interface.latency + 1)


def _bits(stream: Stream, values: Mapping[str, npt.NDArray[np.integer]]) -> npt.NDArray[np.uint8]:
    """Return a stream's transfers bit by bit."""
    columns = []
    for port in stream.payload:
        words = np.asarray(values[port.name.partition("_")[2]], dtype=np.int64)
        words = words.reshape(len(words), -1, 1)  # lane by lane
        bits = (words >> np.arange(port.width // words.shape[1])) & 1
        columns.append(bits.reshape(len(words), port.width))
    return np.ascontiguousarray(np.hstack(columns).astype(np.uint8))


class _Scene(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("currents", "updates", "events")),
        ("known", ctypes.c_long),
        ("illegal", ctypes.c_void_p),
        ("traffic", ctypes.c_void_p),
        *((name, ctypes.c_long) for name in ("rows", "watch", "settle", "reset")),
    )


class _Moment(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_long) for name in ("clock", "taken", "given", "offered"))

    def copy(self) -> "_Moment":
        return _Moment(self.clock, self.taken, self.given, self.offered)


class Watched:
    """A compiled population with what a campaign plays to it.

    Parameters
    ----------
    netlist : SliceNetlist
    interface : Interface
    played : Traffic
    injected : bool
        Whether its nets can be forced; else its registers and memories can be upset.
    width : int, optional
        Instances side by side.
    """

    def __init__(
        self,
        netlist: SliceNetlist,
        interface: Interface,
        played: Traffic,
        *,
        injected: bool = False,
        width: int | None = None,
    ) -> None:
        self.netlist, self._played = netlist, played
        further = _places(netlist, interface) + Path(__file__).with_name("watch.c").read_text(
            encoding="utf-8"
        )
        self.program = SliceProgram(netlist, in_step=False, width=width, injected=injected, further=further)
        arrays = (played.currents, played.updates, played.events)
        self._scene = _Scene(
            *(array.ctypes.data for array in arrays),
            min(map(len, arrays)),
            played.illegal.ctypes.data,
            played.pattern.ctypes.data,
            interface.rows,
            len(played.pattern) - played.settle if injected else played.watch,
            played.settle,
            RESET_CLOCKS if injected else 0,
        )

    def switched_on(self) -> "Instances":
        """Return the state after a reset: the same in all instances, also where no value is given to begin with."""
        # What has no first value is 0: instances must differ by their faults alone.
        simulation = SliceSimulation(self.program, None)
        inputs = simulation.inputs(RESET_CLOCKS)
        inputs[:, self.program.inputs[RESET]] = ~np.uint64(0)
        simulation.run(inputs, simulation.outputs(RESET_CLOCKS))
        return Instances(simulation.state, simulation.memories)

    def upsets(self, begin: "Instances", places: Sequence[int], clocks: int) -> npt.NDArray[np.uint32]:
        """Upset places one at a time, in each of some clocks.

        Parameters
        ----------
        begin : Instances
            Moved on by the clocks.
        places : sequence of int
            Flip-flops, then the memories' bits one memory after the other.
        clocks : int

        Returns
        -------
        array of uint32, (clocks, places)
            Verdicts.

        Raises
        ------
        DifferenceFound
            The population without a fault isn't the golden model.
        """
        verdicts = np.zeros((clocks, len(places)), dtype=np.uint32)
        wanted = np.asarray(places, dtype=np.int32)
        other = begin.copy()
        failed = self.program.library.upsets(
            ctypes.byref(self._scene),
            ctypes.byref(begin.moment),
            pointer(begin.state),
            pointers(begin.memories),
            pointer(other.state),
            pointers(other.memories),
            pointer(wanted),
            ctypes.c_long(len(places)),
            ctypes.c_long(clocks),
            pointer(verdicts),
        )
        _check(failed)
        return verdicts

    def stuck(self, nets: Sequence[tuple[int, int]]) -> npt.NDArray[np.uint32]:
        """Hold nets at a value, from before the reset on.

        Parameters
        ----------
        nets : sequence of (int, int)
            Places among the netlist's wires, and the values.

        Returns
        -------
        array of uint32, (nets,)
            Verdicts.

        Raises
        ------
        DifferenceFound
            The population without a fault isn't the golden model.
        """
        each = self.program.width - 1
        keep, flip = self._masks("keep"), self._masks("flip")
        verdicts = np.zeros(len(nets), dtype=np.uint32)
        for first in range(0, len(nets), each):
            keep[:], flip[:] = ~np.uint64(0), 0
            some = nets[first : first + each]
            for instance, (net, value) in enumerate(some, start=1):
                bit = np.uint64(1 << instance % 64)
                keep[net, instance // 64] &= ~bit
                flip[net, instance // 64] |= bit if value else np.uint64(0)
            begin = SliceSimulation(self.program, None)
            failed = self.program.library.stuck(
                ctypes.byref(self._scene),
                pointer(begin.state),
                begin.pointers,
                len(some),
                pointer(verdicts[first:]),
            )
            _check(failed)
        return verdicts

    def _masks(self, name: str) -> Slices:
        """Return one of the program's own arrays of what is injected, (nets, instances / 64)."""
        shape = len(self.netlist.wires), self.program.width // 64
        array = (ctypes.c_uint64 * (shape[0] * shape[1])).in_dll(self.program.library, name)
        return np.ctypeslib.as_array(array).reshape(shape)


class Instances:
    """The state of all instances, and the moment of the campaign that it is from."""

    def __init__(self, state: Slices, memories: Mapping[str, Slices], moment: _Moment | None = None) -> None:
        self.state, self.memories = state, memories
        self.moment = _Moment(0, 0, 0, 0) if moment is None else moment

    def copy(self) -> "Instances":
        """Return another one that is the same."""
        rooms = []
        for room in (self.state, *self.memories.values()):
            rooms.append(aligned(room.shape))
            rooms[-1][:] = room
        return Instances(rooms[0], dict(zip(self.memories, rooms[1:], strict=True)), self.moment.copy())


def _check(failed: int) -> None:
    match failed:
        case 0:
            return
        case -1:
            raise DifferenceFound("the population without a fault isn't the golden model: run qlif cosim")
        case _:
            raise DifferenceFound("the population without a fault stops: run qlif prove")


def _places(netlist: SliceNetlist, interface: Interface) -> str:
    """Return where the ports' bits are, as macros."""
    (inputs, _), (outputs, count) = port_places(netlist.inputs), port_places(netlist.outputs)
    macros: dict[str, object] = {"RESET": inputs[RESET].start, "OUTPUTS": count}
    for stream in (interface.currents, interface.updates, interface.events):
        into = inputs if stream is interface.currents else outputs
        name = stream.name.upper()
        macros[f"{name}_VALID"] = into[stream.valid.name].start
        macros[f"{name}_READY"] = (outputs if into is inputs else inputs)[stream.ready.name].start
        macros[f"{name}_DATA"] = ", ".join(
            str(place)
            for port in stream.payload
            for place in range(into[port.name].start, into[port.name].stop)
        )
    for name in ("neuron", "spike", "potential"):
        macros[f"UPDATES_{name.upper()}"] = outputs[f"updates_{name}"].start
        lanes = 1 if name == "neuron" else interface.lanes
        macros[f"{name.upper()}_BITS"] = len(netlist.outputs[f"updates_{name}"]) // lanes
    macros["LANES"] = interface.lanes
    macros["PHASE_BITS"] = interface.words.arithmetic.phase_bits * interface.lanes
    macros["EVENTS_SPIKE"] = outputs["events_spike"].start if "events_spike" in outputs else "NOTHING"
    sizes = [memory.width * memory.size for memory in netlist.memories]
    lines = [f"#define {name} {value}\n" for name, value in macros.items()]
    lines.append(f"#define MEMORIES {len(sizes)}\n")
    lines.append(f"static const long memory_bits[] = {{{', '.join(map(str, sizes or [0]))}}};\n")
    return "".join(lines)
