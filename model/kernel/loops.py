"""The golden update over blocks of neurons and whole stretches of time, compiled."""

import functools
from typing import Any

import numpy as np

from qlif.model.kernel.integers import (
    add,
    below,
    both,
    choose,
    fetch,
    left,
    like,
    multiply,
    right,
    right_unsigned,
    signed,
    subtract,
    truths_of_64,
    unsigned,
    widest_vectors,
)
from qlif.model.kernel.jit import Compiled
from qlif.model.kernel.rules import CONSTANTS, Round, Rule, Shifts

LINE = 64
"""Bytes that come from memory at once."""

TILE = 512
"""Neurons whose next input is fetched while they are computed."""

_PRODUCT, _QUADRATIC, _DRIVE_UP, _BIAS_UP, _SUM = (
    int(place) for place in (Shifts.PRODUCT, Shifts.QUADRATIC, Shifts.DRIVE, Shifts.BIAS, Shifts.SUM)
)
_RANDOM_UP, _DECAY_DOWN, _RANDOM_BITS = int(Shifts.RANDOM), int(Shifts.DECAY), int(Shifts.RANDOM_BITS)
_LOW, _HIGH, _POTENTIAL_BITS = int(Shifts.LOW), int(Shifts.HIGH), int(Shifts.POTENTIAL_BITS)
_TRACE_KEPT, _TRACE_HIGH, _TRACE_MASK = (
    int(place) for place in (Shifts.TRACE_KEPT, Shifts.TRACE_HIGH, Shifts.TRACE_MASK)
)
_SUM_OFFSET, _PRODUCT_OFFSET = int(Shifts.SUM_OFFSET), int(Shifts.PRODUCT_OFFSET)
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


@functools.cache
def advance(rule: Rule) -> Compiled:
    """Return the compiled loop of a rule.

    It is called as ``advance(potential, refractory, trace, factors, constants, shifts, block, trace_on,
    first, end, flags, words, spikes, potentials, refractories, traces, random, currents)`` and advances the
    neurons from `first` to `end` over all rows of `currents`, block by block. `flags` and `words` are room
    for one block. What is to be recorded has as many rows as `currents`, the rest none; spikes are bits, 64
    to a word. It returns whether every current could be held; if not, neurons were advanced in vain.
    """
    # Constants of the compiled loop: plain numbers, because numba's cache on the disk looks at their values.
    square, raw, wrap, per_neuron, real = rule.square, rule.raw, rule.wrap, rule.per_neuron, rule.real
    width, trace_width = rule.sum_bits, rule.trace_bits
    product_constant, product_even = rule.product == Round.CONSTANT, rule.product == Round.EVEN
    even, stochastic = rule.rounding == Round.EVEN, rule.rounding == Round.RANDOM

    def loop(
        potential: Any,
        refractory: Any,
        trace: Any,
        factors: Any,
        constants: Any,
        shifts: Any,
        block: Any,
        trace_on: Any,
        first: Any,
        end: Any,
        flags: Any,
        words: Any,
        spikes: Any,
        potentials: Any,
        refractories: Any,
        traces: Any,
        random: Any,
        currents: Any,
    ) -> Any:
        widest_vectors()
        timesteps, neurons = currents.shape
        one = signed(1, width)
        low, high = signed(shifts[_LOW], width), signed(shifts[_HIGH], width)
        if wrap:
            # Bits outside the format, which are a copy of its sign.
            outside = width - shifts[_POTENTIAL_BITS]
        product_down, quadratic_up = shifts[_PRODUCT], shifts[_QUADRATIC]
        drive_up, bias_up, down = shifts[_DRIVE_UP], shifts[_BIAS_UP], shifts[_SUM]
        half = left(signed(shifts[_SUM_OFFSET], width), max(down - 1, 0))
        just_below_half = subtract(left(one, max(down - 1, 0)), one)
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
        bias = add(left(signed(constants[_BIAS, 0], width), bias_up), half)
        factor = factors[0, 0]
        lowest, highest = factors[1, 0], factors[2, 0]
        counts_down = like(1, refractory[0])
        not_refractory = like(0, refractory[0])
        fetches = LINE // currents.itemsize

        for start in range(first, end, block):
            stop = min(start + block, end)
            v, c, x = potential[start:stop], refractory[start:stop], trace[start:stop]
            for timestep in range(timesteps):
                row = currents[timestep, start:stop]
                if timestep + 1 < timesteps and stop - start < neurons:
                    for ahead in range(0, stop - start, fetches):
                        fetch(currents, (timestep + 1) * neurons + start + ahead)
                if real:
                    held = True
                    for i in range(stop - start):
                        if per_neuron:
                            factor = factors[0, start + i]
                        nearest = np.rint(factor * row[i])
                        held &= (nearest >= lowest) & (nearest <= highest)
                        words[i] = np.int32(nearest)
                    if not held:
                        return False
                for i in range(stop - start):
                    if per_neuron:
                        n = start + i
                        threshold = signed(constants[_THRESHOLD, n], width)
                        reset = signed(constants[_RESET, n], width)
                        period = like(constants[_REFRACTORY, n], refractory[0])
                        lower_bound = signed(constants[_LOWER_BOUND, n], width)
                        if square:
                            bias = add(left(signed(constants[_BIAS, n], width), bias_up), half)
                        else:
                            rest = signed(constants[_REST, n], width)
                            critical = signed(constants[_CRITICAL, n], width)
                            gain = signed(constants[_GAIN, n], width)
                        if raw:
                            drive = signed(constants[_DRIVE, n], width)
                    before = signed(v[i], width)
                    if square:
                        quadratic = multiply(before, before)
                    else:
                        quadratic = multiply(subtract(before, rest), subtract(before, critical))
                        quadratic = multiply(quadratic, gain)
                    if product_constant:
                        quadratic = right(add(quadratic, product_half), product_down)
                    if product_even:
                        odd = both(right(quadratic, product_down), one)
                        quadratic = right(add(add(quadratic, product_below_half), odd), product_down)
                    current = signed(words[i], width) if real else signed(row[i], width)
                    if raw:
                        current = multiply(current, drive)
                    total = add(add(left(quadratic, quadratic_up), left(current, drive_up)), bias)
                    if even:
                        odd = both(add(before, right(total, down)), one)
                        total = add(add(total, just_below_half), odd)
                    if stochastic:
                        word = both(signed(random[timestep, start + i], width), signed(random_mask, width))
                        total = add(total, left(word, random_up))
                    after = add(before, right(total, down))
                    if wrap:
                        after = right(left(after, outside), outside)
                    else:
                        after = choose(below(high, after), high, after)
                        after = choose(below(after, low), low, after)
                    ready = c[i] == not_refractory
                    after = choose(ready, after, before)
                    silent = below(after, threshold)
                    counted = choose(ready, not_refractory, subtract(c[i], counts_down))
                    counted = choose(below(period, counted), period, counted)
                    after = choose(silent, after, reset)
                    after = choose(below(after, lower_bound), lower_bound, after)
                    c[i] = choose(silent, counted, period)
                    v[i] = like(after, v[i])
                    flags[i] = not silent
                if trace_on:
                    for i in range(stop - start):
                        if per_neuron:
                            decay = unsigned(constants[_DECAY, start + i], trace_width)
                            trace_spike = unsigned(constants[_TRACE_SPIKE, start + i], trace_width)
                        decayed = right_unsigned(multiply(unsigned(x[i], trace_width), decay), decay_down)
                        spiked = add(both(decayed, trace_kept), trace_spike)
                        spiked = both(choose(below(trace_high, spiked), trace_high, spiked), trace_mask)
                        x[i] = like(choose(flags[i] != 0, spiked, decayed), x[i])
                for i in range(stop - start, (stop - start + 63) // 64 * 64):
                    flags[i] = 0  # of a block before this one
                for i in range(0, stop - start, 64):
                    spikes[timestep, (start + i) >> 6] = truths_of_64(flags, i)
                if len(potentials):
                    potentials[timestep, start:stop] = v
                if len(refractories):
                    refractories[timestep, start:stop] = c
                if len(traces):
                    traces[timestep, start:stop] = x
        return True

    return Compiled(loop, rule.tag)
