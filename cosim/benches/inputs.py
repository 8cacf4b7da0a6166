"""Directed inputs for a neuron's corner cases, and constrained-random ones for everything else."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.hdl.storage import RuntimeParameter
from qlif.model.golden import step as datapath
from qlif.model.golden.neurons import FixedNeurons, ParameterWrite
from qlif.model.theory import closed_form
from qlif.model.words import Words

MOST_TRIED = 1 << 14
"""Number of currents tried for a sum near a rounding boundary; fewer for wide, slow formats."""

ALL_TRIED = 16
"""Width of formats of which each current is tried."""

PLACES_TRIED = 4
"""Number of potentials that a neuron may go to, to come nearest from there."""

LONGEST_TRACE = 4000
"""A trace that takes more timesteps to decay to 0 isn't waited for."""

Currents = npt.NDArray[np.int64]
"""Current words, (timesteps, neurons)."""


def directed(words: Words, neurons: int) -> Iterator[tuple[str, Currents]]:
    """Yield each directed case with its name.

    Every neuron gets the case shifted by its number, so that neighbours in the pipeline differ.
    """
    format = words.arithmetic.current
    low, high = format.min_word, format.max_word
    length = 60 + 2 * neurons + 4 * int(np.max(words.parameters.refrac_length))

    def held(word: int) -> Currents:
        return np.full((length, neurons), word, dtype=np.int64)

    yield "rest: no input", held(0)
    for word in rheobase_words(words):
        yield f"at rheobase: current word {word}", held(word)
    yield "upper rail: highest current", held(high)
    yield "lower rail: lowest current", held(low)
    alternating = held(high)
    alternating[1::2] = low
    yield "from rail to rail", alternating
    high_only = _by_refractory(words, neurons, length, driven=0, lost=high)
    yield "input lost: only the refractory period is driven", high_only
    low_only = _by_refractory(words, neurons, length, driven=high, lost=low)
    yield "input turned over in the refractory period", low_only
    if words.parameters.spike_trace:
        path = _until_the_trace_is_gone(words)
        if path is not None:
            yield "trace dies away", np.repeat(np.array(path, dtype=np.int64)[:, None], neurons, axis=1)
    if not words.arithmetic.rounding.stochastic:
        threshold = int(np.min(words.constants["threshold"].word))
        for name, target in (
            ("threshold hit exactly", threshold),
            ("one word below threshold", threshold - 1),
            ("one word above threshold", threshold + 1),
        ):
            path = landing(words, target)
            if path is not None:
                yield name, _shifted(path, neurons, low)
        for name, path in phase_edges(words):
            yield name, _shifted(path, neurons, low)


def rheobase_words(words: Words) -> list[int]:
    """Return the current words around rheobase that the format holds, the nearest in the middle."""
    rheobase = float(np.min(closed_form.rheobase(words.parameters)))
    nearest = int(np.min(words.arithmetic.current.words(rheobase * np.asarray(words.current_scale))))
    return [word for word in range(nearest - 2, nearest + 3) if words.arithmetic.current.holds(word)]


def landing(words: Words, target: int) -> list[int] | None:
    """Return current words that bring a neuron from reset to exactly one potential word.

    The last update before the end leaves the potential at `target` before the threshold is looked at.
    None if no input does.
    """
    format = words.arithmetic.current
    constants = _of_one_neuron(words)
    potential = constants["reset"]
    path: list[int] = []

    def after(current: int) -> int:
        return int(datapath.integrate(words, constants, potential, current, 0, datapath.where_integer))

    for _ in range(10_000):
        low, high = format.min_word, format.max_word
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if after(middle) < target else (low, middle)
        if after(low) == target:
            return [*path, low]
        # Not within reach yet: charge with the strongest input that stays below.
        strongest = low if after(low) < target else low - 1
        if strongest < format.min_word or after(strongest) <= potential:
            return None
        path.append(strongest)
        potential = after(strongest)
    return None


NEARBY = 16
"""Potentials from which a current is looked for with which one bit decides."""


def phase_edges(words: Words) -> Iterator[tuple[str, list[int]]]:
    """Give current words that lead to a spike that has a phase only just, and just not; for each phase above 0.

    Then some with which it has the phase, or not, by the last bit of what is compared.
    """
    if not words.arithmetic.phase_bits:
        return
    format, constants = words.arithmetic.current, _of_one_neuron(words)
    where, threshold = datapath.where_integer, constants["threshold"]
    farthest = datapath.rounded_sum(words, constants, threshold, format.max_word, 0, where) - threshold
    # From a quarter of the longest way below the threshold, the strongest current leaves three quarters of a step.
    for parts in (4, 8, 16, 32):
        start = threshold - max(1, farthest // parts)
        path = landing(words, start)
        if path is not None:
            break
    else:
        return

    def left_over(start: int, current: int, more: int = 0) -> int:
        increment = datapath.exact_increment(words, constants, start, current, where)
        reached = datapath.rounded_sum(words, constants, start, current, 0, where)
        phase = datapath.phase_of_spike(words, reached, threshold, increment + more, where)
        return int(phase) if reached >= threshold else 0

    def weakest(start: int, phase: int) -> int:
        low, high = format.min_word, format.max_word
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if left_over(start, middle) >= phase else (middle + 1, high)
        return low

    bits = words.arithmetic.phase_bits
    finest = 1 << max(0, bits + words.increment_format.f_bits - words.share_fraction)
    for phase in range(1, 1 << bits):
        low = weakest(start, phase)
        if left_over(start, low) >= phase and low > format.min_word:
            yield f"phase {phase}, only just", [*path, low]
            yield f"phase {phase}, just not", [*path, low - 1]
        # The last bit of what is taken away decides: where it is 0, and where it is 1.
        unit = finest << 1 if phase == 1 else finest
        for bit in (0, 1):
            for near in range(start, start + NEARBY):
                current = weakest(near, phase) - bit
                increment = datapath.exact_increment(words, constants, near, current, where)
                has, had = (left_over(near, current, more) >= phase for more in (0, -unit if bit else unit))
                decides = (has, had) == (bit == 0, bit == 1) and increment // unit & 1 == bit
                if not decides or not format.holds(current):
                    continue
                if (way := landing(words, near)) is not None:
                    yield f"phase {phase}, by a last bit of {bit}", [*way, current]
                    break


def constrained_random(words: Words, steps: int, neurons: int, random: np.random.Generator) -> Currents:
    """Return random current words in which each regime of the neuron is likely.

    Every neuron, for stretches of 1 to 40 timesteps, draws from one of: the whole format; around
    rheobase; the ends of the format and 0; a constant; short pulses on rest; above rheobase, until it has
    spiked often.
    """
    format = words.arithmetic.current
    rheobase = rheobase_words(words) or [format.max_word]
    spread = max(1, format.max_word // 16)
    currents = np.empty((steps, neurons), dtype=np.int64)
    corners = np.array([format.min_word, format.min_word + 1, -1, 0, 1, format.max_word - 1, format.max_word])
    for neuron in range(neurons):
        step = 0
        while step < steps:
            length = min(int(random.integers(1, 41)), steps - step)
            match int(random.integers(7)):
                case 0:
                    drawn = random.integers(format.min_word, format.max_word + 1, size=length)
                case 1:
                    drawn = np.rint(random.normal(rheobase[len(rheobase) // 2], spread, length)).astype(
                        np.int64
                    )
                case 2:
                    drawn = random.choice(corners, size=length)
                case 3:
                    drawn = np.full(length, random.integers(format.min_word, format.max_word + 1))
                case 4:
                    drawn = np.where(random.random(length) < 0.2, format.max_word, 0)
                case _:
                    length = min(2 * length, steps - step)
                    drawn = np.full(length, random.integers(rheobase[-1], format.max_word + 1))
            currents[step : step + length, neuron] = np.clip(drawn, format.min_word, format.max_word)
            step += length
    return currents


def rounding_edges(words: Words, steps: int, neurons: int, random: np.random.Generator) -> Currents | None:
    """Return current words that bring each sum as close as possible to a rounding boundary.

    From below or from above, as it comes: then the last bit of a product or of a sum decides a word of the
    potential. In every other timestep a neuron goes, of some potentials, to the one from which it can come closest.
    None with stochastic rounding, which has no such place, or where nothing is dropped.
    """
    arithmetic, format = words.arithmetic, words.arithmetic.current
    places = words.sum_format.f_bits - arithmetic.potential.f_bits
    if arithmetic.rounding.stochastic or places < 1:
        return None
    turns = 1 << (places - 1) if arithmetic.rounding.turns_at_half else 0
    golden = FixedNeurons(words)
    kind: type = np.int64 if words.largest_width < 63 else object
    all_words: Currents | None = None
    if format.width <= ALL_TRIED:
        all_words = np.arange(format.min_word, format.max_word + 1, dtype=np.int64)
    tried = MOST_TRIED if kind is np.int64 else MOST_TRIED >> 7
    each = {name: np.broadcast_to(word, (neurons,)).tolist() for name, word in words.values.items()}
    constants = [{name: word[neuron] for name, word in each.items()} for neuron in range(neurons)]
    # Then the sum is that of no current and something that only the current decides.
    apart = not arithmetic.phase_bits and arithmetic.increment is None

    def total(neuron: int, potential: int, tries: Any, phase: int = 0) -> Any:
        return datapath.exact_sum(words, constants[neuron], potential, tries, np.where, phase)

    shares: dict[int | None, _Remainders] = {}

    def share_of(currents: Currents, neuron: int) -> _Remainders:
        drive = constants[neuron].get("drive")
        if drive not in shares:
            added = total(neuron, 0, currents.astype(kind)) - total(neuron, 0, 0)
            shares[drive] = _Remainders(added, currents, places)
        return shares[drive]

    @cache
    def edges(neuron: int, potential: int, phase: int = 0) -> list[tuple[int, Currents]]:
        """Return how near the sum comes to the boundary from above and from below, and with which currents."""
        if apart and all_words is not None:
            return share_of(all_words, neuron).around(turns - int(total(neuron, potential, 0)))
        words_tried = all_words
        if words_tried is None:
            words_tried = random.integers(format.min_word, format.max_word + 1, size=tried)
        above = (total(neuron, potential, words_tried.astype(kind), phase) - turns) & ((1 << places) - 1)
        ways = (above, (1 << places) - 1 - above)
        return [(int(far.min()), words_tried[far == far.min()]) for far in ways]

    currents = np.empty((steps, neurons), dtype=np.int64)
    for step in range(steps):
        for neuron in range(neurons):
            state = datapath.State(*(int(part[neuron]) for part in golden.state))
            if (step + neuron) % 2 or all_words is None:
                _, nearest = edges(neuron, state.potential, state.phase)[int(random.integers(2))]
                currents[step, neuron] = random.choice(nearest)
                continue
            drawn = random.integers(format.min_word, format.max_word + 1, size=PLACES_TRIED)
            after, _ = datapath.step(words, constants[neuron], state, drawn.astype(kind), 0, np.where)
            potentials = np.broadcast_to(after.potential, drawn.shape).tolist()
            far = [min(distance for distance, _ in edges(neuron, potential)) for potential in potentials]
            currents[step, neuron] = drawn[np.argmin(far)]
        golden.step_words(currents[step])
    return currents


class _Remainders:
    """The last bits of numbers, one for each current word, sorted."""

    def __init__(self, numbers: Any, words: Currents, places: int) -> None:
        self._mask = (1 << places) - 1
        remainders = numbers & self._mask
        order = np.argsort(remainders, kind="stable")
        self._words = words[order]
        self._different, first = np.unique(remainders[order], return_index=True)
        self._first = np.append(first, len(words))

    def around(self, boundary: int) -> list[tuple[int, Currents]]:
        """Return how far above a boundary the nearest is, then how far below it, each with its current words."""
        count = len(self._different)
        above = int(np.searchsorted(self._different, boundary & self._mask)) % count
        found = []
        for place, way, start in ((above, 1, boundary), ((above - 1) % count, -1, boundary - 1)):
            far = way * (int(self._different[place]) - start) & self._mask
            found.append((far, self._words[self._first[place] : self._first[place + 1]]))
        return found


def random_writes(
    words: Words, runtime: Iterable[RuntimeParameter], steps: int, random: np.random.Generator
) -> Iterator[ParameterWrite]:
    """Give writes of run-time parameters: several before the first timestep, then one in every few.

    Words are near those in use, so that the neuron goes on spiking, and now and then anywhere in the format. Of a
    parameter in a memory, the first neuron's and the last neuron's are among those that are written.
    """
    neurons = words.parameters.n
    for parameter in runtime:
        name, format = parameter.name, parameter.format
        centre = int(np.min(words.constants[name].word))
        reach = max(1, abs(centre) // 8)
        due = [0, 0, *sorted(random.integers(1, steps, size=max(2, steps // 8)).tolist())]
        ends = iter((0, neurons - 1))
        for step in due:
            near = int(np.clip(centre + random.integers(-reach, reach + 1), format.min_word, format.max_word))
            word = (
                near if random.random() < 0.9 else int(random.integers(format.min_word, format.max_word + 1))
            )
            anyone = int(random.integers(neurons)) if parameter.storage.is_per_neuron else None
            neuron = next(ends, anyone) if parameter.storage.is_per_neuron else None
            yield ParameterWrite(step, name, word, neuron)


def _of_one_neuron(words: Words) -> dict[str, int]:
    """Return each parameter word of one neuron; the lowest where every neuron has its own."""
    return {name: int(np.min(word)) for name, word in words.values.items()}


def _by_refractory(words: Words, neurons: int, length: int, driven: int, lost: int) -> Currents:
    """Return full input until the first spike, then one word while refractory and another one else."""
    format = words.arithmetic.current
    where = datapath.where_integer
    constants = _of_one_neuron(words)
    state = datapath.State(constants["reset"], 0, 0)
    path, spiked = [], False
    for _ in range(length):
        current = lost if state.refractory else driven if spiked else format.max_word
        state, spike = datapath.step(words, constants, state, current, 0, where)
        spiked = spiked or bool(spike)
        path.append(current)
    return _shifted(path, neurons, 0)


def _until_the_trace_is_gone(words: Words) -> list[int] | None:
    """Return full input until a spike, then none until the trace is 0; None if that takes too long."""
    format = words.arithmetic.current
    where = datapath.where_integer
    constants = _of_one_neuron(words)
    state = datapath.State(constants["reset"], 0, 0)
    path: list[int] = []
    spiked = False
    while len(path) < LONGEST_TRACE:
        path.append(0 if spiked else format.max_word)
        state, spike = datapath.step(words, constants, state, path[-1], 0, where)
        spiked = spiked or bool(spike)
        if spiked and not state.trace:
            return path
    return None


def _shifted(path: list[int], neurons: int, rest: int) -> Currents:
    """Return one path for each neuron, starting one timestep later for each, after rest at word 0."""
    currents = np.zeros((len(path) + neurons + 4, neurons), dtype=np.int64)
    for neuron in range(neurons):
        currents[neuron : neuron + len(path), neuron] = path
    return currents
