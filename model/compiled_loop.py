"""The compiled loop itself; importing it loads the compiler. See :mod:`qlif.model.compiled`."""

from typing import Any

import numba

from qlif.model.compiled import SPLIT

compile_once: Any = numba.njit(cache=True, nogil=True)


@compile_once
def add(high, low, value, shift, excess):  # type: ignore[no-untyped-def]
    """Return ``high * 2**excess + low`` plus ``value << shift``, in two parts."""
    if shift >= excess:
        return high + (value << (shift - excess)), low
    below = excess - shift
    return high + (value >> below), low + ((value & ((1 << below) - 1)) << shift)


@compile_once
def drop(high, low, bits, rounding, random, random_bits):  # type: ignore[no-untyped-def]
    """Return ``high * 2**bits + low`` without its lowest bits: as the golden datapath's function."""
    if bits == 0:
        return high + low
    if rounding == 1:
        low += 1 << (bits - 1)
    elif rounding == 2:
        low += (1 << (bits - 1)) - 1 + ((high + (low >> bits)) & 1)
    elif rounding == 3:
        low += (random & ((1 << random_bits) - 1)) << (bits - random_bits)
    return high + (low >> bits)


@compile_once
def fit(value, low, high, wrap):  # type: ignore[no-untyped-def]
    """Return an integer brought to a range: as the golden datapath's function."""
    if wrap:
        return ((value - low) & (high - low)) + low
    return min(max(value, low), high)


@compile_once
def run(numbers, table, state, currents, random, spikes, history):  # type: ignore[no-untyped-def]
    """Advance over a block of timesteps; everything is int64, `spikes` bool. Arrays are filled in place."""
    square, raw, product_excess, product_rounding = numbers[0], numbers[1], numbers[2], numbers[3]
    excess, quadratic_shift, drive_shift, bias_shift = numbers[4], numbers[5], numbers[6], numbers[7]
    rounding, random_bits, wrap, low, high = numbers[8], numbers[9], numbers[10], numbers[11], numbers[12]
    traced, additive, decay_bits, trace_wrap, trace_high = (
        numbers[13],
        numbers[14],
        numbers[15],
        numbers[16],
        numbers[17],
    )
    split = numbers[18]
    timesteps, n = currents.shape
    threshold, reset, refractory, lower_bound, decay, trace_spike = table[:6]
    rest, critical, gain, bias, drive = table[6:]
    for t in range(timesteps):
        for i in range(n):
            v = state[0, i]
            resting = state[1, i]
            if resting == 0:
                low_part, high_part = 0, v
                if square:
                    quadratic = v * v
                elif split:
                    factors = (v - rest[i]) * (v - critical[i])
                    upper = (factors >> SPLIT) * gain[i]
                    high_part, low_part = add(high_part, low_part, upper, quadratic_shift + SPLIT, excess)
                    quadratic = (factors & ((1 << SPLIT) - 1)) * gain[i]
                else:
                    quadratic = (v - rest[i]) * (v - critical[i]) * gain[i]
                if product_excess:
                    quadratic = drop(0, quadratic, product_excess, product_rounding, 0, 0)
                high_part, low_part = add(high_part, low_part, quadratic, quadratic_shift, excess)
                push = currents[t, i] * drive[i] if raw else currents[t, i]
                high_part, low_part = add(high_part, low_part, push, drive_shift, excess)
                if square:
                    high_part, low_part = add(high_part, low_part, bias[i], bias_shift, excess)
                noise = random[t * n + i] if random_bits else 0
                rounded = drop(high_part, low_part, excess, rounding, noise, random_bits)
                v = fit(rounded, low, high, wrap)
            else:
                resting = min(resting - 1, refractory[i])
            spike = v >= threshold[i]
            if spike:
                resting = refractory[i]
                v = reset[i]
            v = max(v, lower_bound[i])
            trace = state[2, i]
            if traced:
                decayed = (trace * decay[i]) >> decay_bits
                if spike and additive:
                    trace = fit(decayed + trace_spike[i], 0, trace_high, trace_wrap)
                elif spike:
                    trace = trace_spike[i]
                else:
                    trace = decayed
            state[0, i] = v
            state[1, i] = resting
            state[2, i] = trace
            spikes[t, i] = spike
            history[0, t, i] = v
            history[1, t, i] = resting
            history[2, t, i] = trace
