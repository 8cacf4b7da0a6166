"""The golden update over blocks of neurons and whole stretches of time, compiled."""

import functools
from typing import Any

import numpy as np
from numba.extending import register_jitable

from qlif.model.arithmetic import NARROWED
from qlif.model.kernel.integers import (
    add,
    below,
    both,
    choose,
    fetch,
    left,
    like,
    load,
    load_either,
    multiply,
    right,
    right_unsigned,
    signed,
    store,
    subtract,
    truths_of_64,
    unsigned,
    widest_vectors,
)
from qlif.model.kernel.jit import Compiled
from qlif.model.kernel.rules import CONSTANTS, Rule, Shifts, narrow_place

ALL = 0xFFFF_FFFF_FFFF_FFFF

CHUNK = 64
"""Neurons that are computed together: as many as spikes fit into a word."""

PIECE = 4096
"""Neurons of a timestep whose spikes are packed together, one piece late: what was just stored in two vectors takes
long to read as one."""

LINE = 64
"""Bytes that come from memory at once."""

AHEAD = 8192
"""So many currents before one is used it is brought near, in the order of use."""

_PRODUCT, _QUADRATIC, _DRIVE_UP, _BIAS_UP, _SUM = (
    int(place) for place in (Shifts.PRODUCT, Shifts.QUADRATIC, Shifts.DRIVE, Shifts.BIAS, Shifts.SUM)
)
_RANDOM_UP, _DECAY_DOWN, _RANDOM_BITS = int(Shifts.RANDOM), int(Shifts.DECAY), int(Shifts.RANDOM_BITS)
_LOW, _HIGH, _POTENTIAL_BITS = int(Shifts.LOW), int(Shifts.HIGH), int(Shifts.POTENTIAL_BITS)
_TRACE_KEPT, _TRACE_HIGH, _TRACE_MASK = (
    int(place) for place in (Shifts.TRACE_KEPT, Shifts.TRACE_HIGH, Shifts.TRACE_MASK)
)
_SUM_OFFSET, _PRODUCT_OFFSET = int(Shifts.SUM_OFFSET), int(Shifts.PRODUCT_OFFSET)
_INCREMENT_UP = int(Shifts.INCREMENT)
_OF_DIFFERENCE, _OF_PRODUCT, _OF_QUADRATIC, _OF_DRIVE, _OF_INCREMENT = (
    int(narrow_place(name)) for name in NARROWED
)
(
    _THRESHOLD,
    _RESET,
    _REFRACTORY,
    _LOWER_BOUND,
    _DECAY,
    _TRACE_SPIKE,
    _REST,
    _CRITICAL,
    _GAIN,
    _BIAS,
    _DRIVE,
) = range(len(CONSTANTS))


@register_jitable
def _pack(spikes: Any, timestep: Any, first: Any, end: Any, flags: Any, place: Any) -> None:
    """Write the flags of some neurons as bits; those beyond the last neuron are 0."""
    for begin in range(first, end, CHUNK):
        spikes[timestep, begin // CHUNK] = truths_of_64(flags, place + begin - first)
    missing = -(end - first) % CHUNK
    spikes[timestep, (end - 1) // CHUNK] &= np.uint64(ALL) >> np.uint64(missing)


@register_jitable
def _how(shifts: Any, first: Any, width: Any, model: Any) -> Any:
    """Return how a result becomes narrower, as :class:`qlif.model.kernel.rules.Narrow` lists it."""
    up, down, even = shifts[first], shifts[first + 1], like(shifts[first + 3], model)
    half = left(like(shifts[first + 2], model), max(down - 1, 0))
    # Bits outside the format, which become a copy of its sign if it wraps.
    outside = width - shifts[first + 4] if shifts[first + 4] else 0
    return (
        up,
        down,
        subtract(half, even),
        even,
        outside,
        like(shifts[first + 5], model),
        like(shifts[first + 6], model),
    )


@register_jitable
def _narrow(value: Any, how: Any) -> Any:
    """Return a result in its narrower format, without a branch: what doesn't apply changes nothing."""
    up, down, offset, even, outside, low, high = how
    value = left(value, up)
    value = right(add(add(value, offset), both(right(value, down), even)), down)
    value = right(left(value, outside), outside)
    value = choose(below(high, value), high, value)
    return choose(below(value, low), low, value)


@functools.cache
def advance(rule: Rule) -> Compiled:
    """Return the compiled loop of a rule.

    It is called as ``advance(potential, refractory, trace, phase, factors, constants, shifts, trace_on, block,
    first, end, flags, words, spikes, potentials, refractories, traces, phases, random, currents)`` and advances the
    neurons from `first` to `end` over all rows of `currents`, block by block. State and constants of each neuron are
    there for whole chunks. `flags` is room for two pieces, `words` for a block. What is to be recorded has as many
    rows as `currents`, the rest none; spikes are bits, 64 to a word. It returns whether every current could be held;
    if not, neurons were advanced in vain, or none with a single row of `currents` in one block.
    """
    # Constants of the compiled loop: plain numbers, because numba's cache on the disk looks at their values.
    square, raw, wrap, per_neuron, real = rule.square, rule.raw, rule.wrap, rule.per_neuron, rule.real
    many, phase_bits = rule.many, rule.phase_bits
    phased = phase_bits > 0
    width, trace_width = rule.sum_bits, rule.trace_bits
    product_constant, product_even, product_random = rule.product.adds
    _, even, stochastic = rule.rounding.adds
    difference_narrowed, product_narrowed, quadratic_narrowed, drive_narrowed, increment_narrowed = (
        bool(rule.narrowed >> place & 1) for place in range(len(NARROWED))
    )
    if product_random:
        raise ValueError("the loops have no random words for the quadratic term")

    def loop(
        potential: Any,
        refractory: Any,
        trace: Any,
        phase: Any,
        factors: Any,
        constants: Any,
        shifts: Any,
        trace_on: Any,
        block: Any,
        first: Any,
        end: Any,
        flags: Any,
        words: Any,
        spikes: Any,
        potentials: Any,
        refractories: Any,
        traces: Any,
        phases: Any,
        random: Any,
        currents: Any,
    ) -> Any:
        widest_vectors()
        timesteps, neurons = currents.shape
        columns, size = constants.shape[1], currents.size
        one = signed(1, width)
        low, high = signed(shifts[_LOW], width), signed(shifts[_HIGH], width)
        if wrap:
            # Bits outside the format, which are a copy of its sign.
            outside = width - shifts[_POTENTIAL_BITS]
        of_difference = _how(shifts, _OF_DIFFERENCE, width, low)
        of_product = _how(shifts, _OF_PRODUCT, width, low)
        of_quadratic = _how(shifts, _OF_QUADRATIC, width, low)
        of_drive = _how(shifts, _OF_DRIVE, width, low)
        of_increment = _how(shifts, _OF_INCREMENT, width, low)
        increment_up = shifts[_INCREMENT_UP]
        product_down, quadratic_up = shifts[_PRODUCT], shifts[_QUADRATIC]
        drive_up, bias_up, down = shifts[_DRIVE_UP], shifts[_BIAS_UP], shifts[_SUM]
        halves = max(down - 1, 0)
        half = left(signed(shifts[_SUM_OFFSET], width), halves)
        # Half an LSB goes with the bias, which doesn't change, unless the bias is rounded or divided before.
        early_half, late_half = half, signed(0, width)
        if increment_narrowed or phased:
            early_half, late_half = late_half, early_half
        just_below_half = subtract(left(one, halves), one)
        product_half = left(signed(shifts[_PRODUCT_OFFSET], width), max(product_down - 1, 0))
        product_below_half = subtract(left(one, max(product_down - 1, 0)), one)
        random_up = shifts[_RANDOM_UP]
        random_mask = (1 << shifts[_RANDOM_BITS]) - 1
        decay_down = shifts[_DECAY_DOWN]
        trace_kept = unsigned(shifts[_TRACE_KEPT], trace_width)
        trace_high = unsigned(shifts[_TRACE_HIGH], trace_width)
        trace_mask = unsigned(shifts[_TRACE_MASK], trace_width)
        # Parameter words of the whole population; where each neuron has its own they are read below.
        threshold = signed(constants[_THRESHOLD, 0], width)
        reset = signed(constants[_RESET, 0], width)
        period = like(constants[_REFRACTORY, 0], refractory[0])
        lower_bound = signed(constants[_LOWER_BOUND, 0], width)
        decay = unsigned(constants[_DECAY, 0], trace_width)
        trace_spike = unsigned(constants[_TRACE_SPIKE, 0], trace_width)
        rest, critical = signed(constants[_REST, 0], width), signed(constants[_CRITICAL, 0], width)
        gain, drive = signed(constants[_GAIN, 0], width), signed(constants[_DRIVE, 0], width)
        bias = add(left(signed(constants[_BIAS, 0], width), bias_up), early_half)
        factor = factors[0, 0]
        lowest, highest = factors[1, 0], factors[2, 0]
        counts_down = like(1, refractory[0])
        not_refractory = like(0, refractory[0])
        fetches = LINE // currents.itemsize

        now, then = 0, PIECE
        waiting = False
        at = packed_first = packed_end = 0
        for start in range(first, end, block):
            stop = min(start + block, end)
            distance = min(AHEAD, stop - start)
            for timestep in range(timesteps):
                row = timestep * neurons
                if real:
                    held = True
                    for n in range(start, stop):
                        if per_neuron:
                            factor = factors[0, n]
                        nearest = np.rint(factor * load(currents, row + n, 5))
                        held &= (nearest >= lowest) & (nearest <= highest)
                        words[n - start] = np.int32(nearest)
                    if not held:
                        return False
                for lower in range(start, stop, PIECE):
                    upper = min(lower + PIECE, stop)
                    for begin in range(lower, upper, CHUNK):
                        in_place = size - (row + begin) >= CHUNK
                        if many:
                            # The processor looks ahead by itself, but not far enough, nor to the next row.
                            n = begin + distance
                            ahead = row + n if n < stop else row + n + neurons - (stop - start)
                            for place in range(ahead, ahead + CHUNK, fetches):
                                fetch(currents, place)
                        if not real and not in_place:
                            for j in range(upper - begin):
                                # The input ends before the chunk does.
                                word = load(currents, row + begin + j, 5)
                                store(words, j, word, 4)
                        for j in range(CHUNK):
                            n = begin + j
                            if per_neuron:
                                threshold = signed(load(constants, _THRESHOLD * columns + n, 7), width)
                                reset = signed(load(constants, _RESET * columns + n, 7), width)
                                period = like(load(constants, _REFRACTORY * columns + n, 7), refractory[0])
                                lower_bound = signed(load(constants, _LOWER_BOUND * columns + n, 7), width)
                                if square:
                                    bias = add(
                                        left(signed(load(constants, _BIAS * columns + n, 7), width), bias_up),
                                        early_half,
                                    )
                                else:
                                    rest = signed(load(constants, _REST * columns + n, 7), width)
                                    critical = signed(load(constants, _CRITICAL * columns + n, 7), width)
                                    gain = signed(load(constants, _GAIN * columns + n, 7), width)
                                if raw:
                                    drive = signed(load(constants, _DRIVE * columns + n, 7), width)
                            before = signed(load(potential, n, 0), width)
                            if square:
                                quadratic = multiply(before, before)
                            else:
                                over_rest, over_critical = subtract(before, rest), subtract(before, critical)
                                if difference_narrowed:
                                    over_rest = _narrow(over_rest, of_difference)
                                    over_critical = _narrow(over_critical, of_difference)
                                quadratic = multiply(over_rest, over_critical)
                            if product_narrowed:
                                quadratic = _narrow(quadratic, of_product)
                            if not square:
                                quadratic = multiply(quadratic, gain)
                            if quadratic_narrowed:
                                quadratic = _narrow(quadratic, of_quadratic)
                            if product_constant:
                                quadratic = right(add(quadratic, product_half), product_down)
                            if product_even:
                                odd = both(right(quadratic, product_down), one)
                                quadratic = right(add(add(quadratic, product_below_half), odd), product_down)
                            current = (
                                signed(load(words, n - start, 4), width)
                                if real
                                else signed(load_either(in_place, currents, row + begin, words, j, 4), width)
                            )
                            if raw:
                                current = multiply(current, drive)
                            if drive_narrowed:
                                current = _narrow(current, of_drive)
                            total = add(add(left(quadratic, quadratic_up), left(current, drive_up)), bias)
                            if increment_narrowed:
                                total = left(_narrow(total, of_increment), increment_up)
                            if phased:
                                # What units of the phase add, and half of one, in halves of the potential's LSB.
                                remainder = signed(load(phase, n, 8), width)
                                half_unit = right(total, min(halves + phase_bits + 1, width - 1))
                                unit = right(total, min(halves + phase_bits, width - 1))
                                extension = signed(0, width)
                                for bit in range(phase_bits):
                                    # All ones where the phase has the bit.
                                    mask = right(left(remainder, width - 1 - bit), width - 1)
                                    part = right(total, min(halves + phase_bits - bit, width - 1))
                                    extension = add(extension, both(part, mask))
                                total = add(total, left(extension, halves))
                            if increment_narrowed or phased:
                                total = add(total, late_half)
                            if even:
                                odd = both(add(before, right(total, down)), one)
                                total = add(add(total, just_below_half), odd)
                            if stochastic:
                                word = both(
                                    signed(load(random, row + n, 6), width),
                                    signed(random_mask, width),
                                )
                                total = add(total, left(word, random_up))
                            after = add(before, right(total, down))
                            if phased:
                                above = left(subtract(after, threshold), 1)
                            if wrap:
                                after = right(left(after, outside), outside)
                            else:
                                after = choose(below(high, after), high, after)
                                after = choose(below(after, low), low, after)
                            waits = load(refractory, n, 1)
                            ready = waits == not_refractory
                            after = choose(ready, after, before)
                            silent = below(after, threshold)
                            counted = choose(ready, not_refractory, subtract(waits, counts_down))
                            counted = choose(below(period, counted), period, counted)
                            after = choose(silent, after, reset)
                            after = choose(below(after, lower_bound), lower_bound, after)
                            store(refractory, n, choose(silent, counted, period), 1)
                            store(potential, n, like(after, potential[0]), 0)
                            store(flags, now + n - lower, like(not silent, flags[0]), 3)
                            if phased:
                                # A step shorter by half a unit, by one and a half, and so on: does it still
                                # reach the threshold?
                                nothing = left_over = signed(0, width)
                                above = subtract(above, half_unit)
                                for _ in range((1 << phase_bits) - 1):
                                    left_over = add(left_over, signed(not below(above, nothing), width))
                                    above = subtract(above, unit)
                                left_over = choose(ready, left_over, nothing)
                                held = choose(ready, nothing, remainder)
                                store(phase, n, like(choose(silent, held, left_over), phase[0]), 8)
                        if trace_on:
                            for j in range(CHUNK):
                                n = begin + j
                                if per_neuron:
                                    decay = unsigned(load(constants, _DECAY * columns + n, 7), trace_width)
                                    trace_spike = unsigned(
                                        load(constants, _TRACE_SPIKE * columns + n, 7), trace_width
                                    )
                                before_trace = load(trace, n, 2)
                                decayed = right_unsigned(
                                    multiply(unsigned(before_trace, trace_width), decay), decay_down
                                )
                                spiked = add(both(decayed, trace_kept), trace_spike)
                                spiked = both(
                                    choose(below(trace_high, spiked), trace_high, spiked), trace_mask
                                )
                                fired = load(flags, now + n - lower, 3) != 0
                                store(trace, n, like(choose(fired, spiked, decayed), trace[0]), 2)
                    if waiting:
                        _pack(spikes, at, packed_first, packed_end, flags, then)
                    waiting, at, packed_first, packed_end = True, timestep, lower, upper
                    now, then = then, now
                if len(potentials):
                    for n in range(start, stop):
                        store(potentials, row + n, load(potential, n, 0), 9)
                if len(refractories):
                    for n in range(start, stop):
                        store(refractories, row + n, load(refractory, n, 1), 9)
                if len(traces):
                    for n in range(start, stop):
                        store(traces, row + n, load(trace, n, 2), 9)
                if len(phases):
                    for n in range(start, stop):
                        store(phases, row + n, load(phase, n, 8), 9)
        if waiting:
            _pack(spikes, at, packed_first, packed_end, flags, then)
        return True

    return Compiled(loop, rule.tag)
