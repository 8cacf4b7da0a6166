"""The scoreboard: compares the hardware's outputs with the golden model, bit for bit."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.cosim.benches.monitors import Broken, first_difference, is_lost, judge_events, no_event
from qlif.hdl.interface import EVENT_STREAM
from qlif.model.exceptions import DifferenceFound
from qlif.model.golden.neurons import FixedNeurons, ParameterWrite
from qlif.model.support.files import whole_file
from qlif.model.words import Words


@dataclass(frozen=True)
class Observed:
    """The outputs of a population's run, in order.

    Attributes
    ----------
    neuron, spike, potential, trace : array of int, (updates,)
        The update stream; words as signed integers where their format is signed.
    event_neuron, event_step : array of int, (spikes,)
        The event stream.
    cycles : int
        Clocks from the end of reset to the last transfer.
    refractory : array of int, (updates,), optional
        The refractory counters, of a core that tells them.
    phase, event_phase : array of int, (updates,) and (spikes,), optional
        The phases, where they have bits, in the update stream and in the event stream.
    event_clocks : tuple of int
        When each event came, of a bench that looks in each clock; not kept in a file.
    broken : tuple of Broken
        What the monitors found; not kept in a file.
    """

    neuron: npt.NDArray[np.int64]
    spike: npt.NDArray[np.int64]
    potential: npt.NDArray[np.int64]
    trace: npt.NDArray[np.int64]
    event_neuron: npt.NDArray[np.int64]
    event_step: npt.NDArray[np.int64]
    cycles: int
    refractory: npt.NDArray[np.int64] | None = None
    phase: npt.NDArray[np.int64] | None = None
    event_phase: npt.NDArray[np.int64] | None = None
    event_clocks: tuple[int, ...] = ()
    broken: tuple[Broken, ...] = ()

    def save(self, path: Path) -> None:
        """Write everything into one ``.npz`` file."""
        with whole_file(path) as temporary, temporary.open("wb") as file:
            arrays: Any = {name: got for name, got in vars(self).items() if isinstance(got, np.ndarray | int)}
            np.savez_compressed(file, **arrays)

    @classmethod
    def load(cls, path: Path) -> "Observed":
        """Read what :meth:`save` wrote."""
        with np.load(path) as content:
            arrays = {name: content[name] for name in content.files}
        return cls(**{**arrays, "cycles": int(arrays["cycles"])})


@dataclass(frozen=True)
class Mismatch:
    """The first mismatch between hardware and golden model.

    Attributes
    ----------
    update, neuron, step : int
        Which update, counted from reset; whose, and in which timestep.
    what : str
        Which output differs, or what is missing.
    current : int
        The current word that went in.
    before : int
        The neuron's potential word before the update.
    before_is_golden : bool
        It is the golden model's, as the hardware doesn't tell its own.
    expected, got : int or None
        The golden and the hardware's word; None where there is none.
    text : str
        All of it in one readable paragraph, with mV.
    """

    update: int
    neuron: int
    step: int
    what: str
    current: int
    before: int
    expected: int | None
    got: int | None
    text: str
    before_is_golden: bool = False

    @classmethod
    def of(
        cls,
        words: Words,
        update: int,
        neuron: int,
        step: int,
        what: str,
        current: int,
        before: int,
        waiting: int,
        expected: int | None,
        got: int | None,
        golden: Collection[str] = (),
    ) -> "Mismatch":
        """Return a mismatch of one of the neurons `words`, in words.

        `waiting` is its refractory counter; `golden` says which of ``potential`` and ``refractory`` before the update
        the hardware doesn't tell, so that it is the golden model's.
        """

        def own(values: npt.ArrayLike) -> float:
            return float(np.broadcast_to(values, words.parameters.n)[neuron])

        def in_mv(word: int) -> float:
            return own(np.ravel(words.potentials(word)))

        values = ""
        if expected is not None and got is not None:
            values = f": expected {expected}, got {got}"
            if what == "potential":
                values += f" ({in_mv(expected):.6f} mV, {in_mv(got):.6f} mV)"
        text = (
            f"update {update} (neuron {neuron}, timestep {step}): {what}{values}; "
            f"its current word was {current} ({own(np.ravel(words.currents(current))):.6f}), its potential before "
            f"{before} ({in_mv(before):.6f} mV{_whose('potential', golden)}), "
            f"its refractory counter {waiting}{_whose('refractory', golden)}"
        )
        is_golden = "potential" in golden
        return cls(update, neuron, step, what, current, before, expected, got, text, is_golden)


def _whose(name: str, golden: Collection[str]) -> str:
    """Return what is said of a word before the update that isn't the hardware's."""
    return ", the golden model's" if name in golden else ""


@dataclass(frozen=True)
class Verdict:
    """The outcome of a comparison, with each rule of a stream that was broken."""

    updates: int
    mismatches: int
    first: Mismatch | None
    broken: tuple[Broken, ...] = ()

    @property
    def text(self) -> str:
        """What is wrong; empty if nothing is."""
        if self.broken:
            return "; ".join(rule.text for rule in self.broken)
        return "" if self.first is None else f"{self.mismatches} mismatches, the first at {self.first.text}"

    def judge(self, case: str) -> None:
        """Fail a test on a mismatch or a broken rule: DifferenceFound, whatever mode the interpreter is in."""
        if self.text:
            raise DifferenceFound(f"{case}: {self.text}")

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "Verdict":
        """Return the verdict that ``dataclasses.asdict`` was made of."""
        first = content["first"]
        broken = tuple(Broken(**rule) for rule in content["broken"])
        first = None if first is None else Mismatch(**first)
        return cls(content["updates"], content["mismatches"], first, broken)


class Scoreboard:
    """The golden model's run over one input, to compare with.

    Parameters
    ----------
    words : Words
        The population, with as many neurons as the input.
    currents : array of int, (timesteps, neurons)
        Current words.
    writes : iterable of ParameterWrite
        Changes of parameters on the way.
    first_step : int
        Where in a longer run this stretch of it begins.
    neurons : FixedNeurons, optional
        The golden model as it is at that timestep; from reset if not given.
    step_bits : int
        Width of an event's timestep, which wraps.
    absent : collection of str
        What isn't compared: see :attr:`qlif.hdl.interface.Interface.absent`.

    Attributes
    ----------
    spikes : array of bool, (timesteps, neurons)
    states : dict of str to array of int, (timesteps, neurons)
        What the golden model gave: ``potential``, ``refractory``, ``trace`` and, where it has bits, ``phase`` words.
    """

    def __init__(
        self,
        words: Words,
        currents: npt.NDArray[Any],
        writes: Iterable[ParameterWrite] = (),
        first_step: int = 0,
        neurons: FixedNeurons | None = None,
        step_bits: int = 32,
        absent: Collection[str] = ("refractory",),
    ) -> None:
        self.words = words
        self._absent = frozenset(absent)
        self._step_bits = step_bits
        self.currents = currents
        self.first_step = first_step
        neurons = neurons or FixedNeurons(words)
        self._before = {name: np.array(word) for name, word in neurons.state.by_name(words).items()}
        self.spikes, self.states = neurons.run_words(currents, writes=writes)

    def compare(self, observed: Observed) -> Verdict:
        """Compare every update and every event.

        An update that differs in several outputs counts once; each event that is missing, extra or
        different counts too.
        """
        steps, neurons = self.currents.shape
        count = steps * neurons
        expected = {
            "neuron": np.tile(np.arange(neurons), steps),
            "spike": self.spikes.astype(np.int64).ravel(),
            **{name: np.asarray(words).astype(np.int64).ravel() for name, words in self.states.items()},
        }
        expected = {name: golden for name, golden in expected.items() if name not in self._absent}
        arrived = min(count, len(observed.neuron))
        different = {
            name: words[:arrived] != getattr(observed, name)[:arrived] for name, words in expected.items()
        }
        wrong = np.logical_or.reduce(list(different.values()))
        missing = abs(count - len(observed.neuron))
        event_step, event_neuron = np.nonzero(self.spikes)
        told = not {"spike", "events"} <= self._absent and EVENT_STREAM not in self._absent
        event_verdict = (
            self._compare_events(observed, event_neuron, event_step) if told else Verdict(0, 0, None)
        )
        mismatches = int(wrong.sum()) + missing + event_verdict.mismatches
        first: Mismatch | None
        if wrong.any():
            update = int(np.argmax(wrong))
            what = next(name for name, where in different.items() if where[update])
            words = int(expected[what][update]), int(getattr(observed, what)[update])
            first = self._mismatch(observed, update, what, *words)
        elif len(observed.neuron) < count:
            first = self._mismatch(observed, arrived, "update is missing")
        elif len(observed.neuron) > count:
            first = self._mismatch(observed, count - 1, "an update more than currents follows")
        else:
            first = event_verdict.first
        broken = (*observed.broken, *self._break_of_events(observed))
        return Verdict(arrived, mismatches, first, broken)

    def _break_of_events(self, observed: Observed) -> list[Broken]:
        """Hold the events against the updates that came, whether these are right or not."""
        if {"spike", "events", EVENT_STREAM} & self._absent:
            return []
        shown = (1 << self._step_bits) - 1
        spiked = np.flatnonzero(observed.spike)
        step = spiked // self.currents.shape[1] + self.first_step
        phase = () if observed.phase is None else (observed.phase[spiked],)
        spikes = _transposed(step & shown, observed.neuron[spiked], *phase)
        events = _events_of(observed)
        if observed.phase is None or observed.event_phase is None:
            spikes, events = ([told[:2] for told in found] for found in (spikes, events))
        return judge_events(spikes, events, observed.event_clocks, step.tolist(), self._last_step)

    @property
    def _last_step(self) -> int:
        """The last timestep, as an event shows it."""
        return self.first_step + len(self.currents) - 1 & (1 << self._step_bits) - 1

    def _compare_events(
        self, observed: Observed, neuron: npt.NDArray[Any], step: npt.NDArray[Any]
    ) -> Verdict:
        shown = (1 << self._step_bits) - 1
        phase = () if observed.event_phase is None else (self.states["phase"][step, neuron],)
        golden = _transposed(step + self.first_step & shown, neuron, *phase)
        hardware = _events_of(observed)
        if (k := first_difference(golden, hardware)) is None:
            return Verdict(len(golden), 0, None)
        neurons = self.currents.shape[1]
        longest = max(len(golden), len(hardware))
        wrong = sum(golden[at : at + 1] != hardware[at : at + 1] for at in range(longest))
        if k >= len(golden):
            late_step, late_neuron = hardware[k][:2]
            late = (late_step - self.first_step) * neurons + late_neuron
            update = min(max(late, 0), self.currents.size - 1)
            return Verdict(len(golden), wrong, self._mismatch(observed, update, "an event without a spike"))
        update = int(step[k]) * neurons + golden[k][1]
        if is_lost(golden, hardware, k, self._last_step):
            what = no_event(golden[k][1], int(step[k]) + self.first_step)
            return Verdict(len(golden), wrong, self._mismatch(observed, update, what))
        if golden[k][:2] == hardware[k][:2]:
            words = golden[k][2], hardware[k][2]
            return Verdict(len(golden), wrong, self._mismatch(observed, update, "phase of the event", *words))
        got = update + (hardware[k][0] - golden[k][0]) * neurons + hardware[k][1] - golden[k][1]
        mismatch = self._mismatch(observed, update, "event (as an update number)", update, got)
        return Verdict(len(golden), wrong, mismatch)

    def _mismatch(
        self, observed: Observed, update: int, what: str, expected: int | None = None, got: int | None = None
    ) -> Mismatch:
        neurons = self.currents.shape[1]
        step, neuron = divmod(update, neurons)
        current = int(self.currents[step, neuron])
        states = {name: self.states[name][step - 1] for name in self.states} if step else self._before
        before = {name: int(np.ravel(states[name])[neuron]) for name in ("potential", "refractory")}
        # What the hardware showed a timestep before is what it goes on from, if its neurons came in order.
        last = update - neurons
        golden = {name for name in before if last < 0 or name in self._absent}
        if golden != set(before) and (last >= len(observed.neuron) or observed.neuron[last] != neuron):
            golden = set(before)
        before |= {name: int(getattr(observed, name)[last]) for name in set(before) - golden}
        update += self.first_step * neurons
        return Mismatch.of(
            self.words,
            update,
            neuron,
            step + self.first_step,
            what,
            current,
            before["potential"],
            before["refractory"],
            expected,
            got,
            golden,
        )


def _events_of(observed: Observed) -> list[tuple[int, ...]]:
    """Return timestep, neuron and, if it is told, phase of each event."""
    phase = () if observed.event_phase is None else (observed.event_phase,)
    return _transposed(observed.event_step, observed.event_neuron, *phase)


def _transposed(*columns: npt.NDArray[Any]) -> list[tuple[int, ...]]:
    return list(zip(*(column.tolist() for column in columns), strict=True))
