"""The golden model a second time, written from ``docs/numerics.md`` alone.

Python's own integers, fractions and floats, one neuron after another; nothing of qlif is imported. Where the page is
silent this file can't be written, and where the two models differ the page, or one of them, is wrong.
"""

import math
import re
from dataclasses import dataclass, field
from fractions import Fraction


class Refused(Exception):
    """The page says that this is refused."""


@dataclass(frozen=True)
class Format:
    """``SQ(i_bits, f_bits)`` or ``UQ(i_bits, f_bits)``."""

    signed: bool
    i_bits: int
    f_bits: int

    @classmethod
    def parse(cls, text):
        kind, i_bits, f_bits = re.fullmatch(r"([SU])Q\((-?\d+),(-?\d+)\)", text).groups()
        return cls(kind == "S", int(i_bits), int(f_bits))

    def __str__(self):
        return f"{'SQ' if self.signed else 'UQ'}({self.i_bits},{self.f_bits})"

    @property
    def range(self):
        width = self.i_bits + self.f_bits
        return (-(2 ** (width - 1)), 2 ** (width - 1) - 1) if self.signed else (0, 2**width - 1)

    def holds(self, word):
        low, high = self.range
        return low <= word <= high

    def nearest(self, value):
        return round(Fraction(value) * Fraction(2) ** self.f_bits)  # ties to even

    def word(self, value):
        word = self.nearest(value)
        if not self.holds(word):
            raise Refused(f"{value} in {self}")
        return word

    def fit(self, word, overflow):
        low, high = self.range
        if overflow == "SAT":
            return min(max(word, low), high)
        assert overflow == "WRAP"
        return (word - low) % (high - low + 1) + low


def at_least(value):
    """The exponent of the smallest power of two that is at least a positive value."""
    exponent = 0
    while Fraction(2) ** exponent < Fraction(value):
        exponent += 1
    while Fraction(2) ** (exponent - 1) >= Fraction(value):
        exponent -= 1
    return exponent


def normalised(values, bits, signed):
    """Words of small gains with a shared exponent, and their format."""
    largest = max(abs(value) for value in values)
    if largest == 0:
        return [0 for _ in values], Format(signed, bits, 0)
    exponent = at_least(largest)
    if Fraction(2) ** exponent == Fraction(largest):
        exponent += 1  # [2^(e-1), 2^e)
    form = Format(signed, exponent + signed, bits - signed - exponent)
    if not all(form.holds(form.nearest(value)) for value in values):
        form = Format(signed, form.i_bits + 1, form.f_bits - 1)
    words = [form.word(value) for value in values]
    if any(word == 0 and value != 0 for word, value in zip(words, values, strict=True)):
        raise Refused("underflow")
    return words, form


def rounded(value, f_bits, rounding, random=0, random_bits=0):
    """An exact value as a word of `f_bits` fraction bits, whatever its size."""
    scaled = value * Fraction(2) ** f_bits
    if rounding == "RND":
        return math.floor(scaled + Fraction(1, 2))
    if rounding == "RND_CONV":
        return round(scaled)
    if rounding == "SR":
        return math.floor(scaled + Fraction(random % 2**random_bits, 2**random_bits))
    assert rounding == "TRN"
    return math.floor(scaled)


def random_words(seed):
    """The random words of a seed, one after another."""
    mask = 2**64 - 1
    z = (seed + 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    z ^= z >> 31
    b = [z >> i & 1 for i in range(64)] + [1] * 43
    for _ in range(2048):
        b.append(b[-107 + 34] ^ b[-107 + 28] ^ b[-107 + 9] ^ b[-107])
    del b[:2048]
    while True:
        yield sum((b[i] ^ (b[i + 32] & b[i + 64])) << i for i in range(32))
        for _ in range(32):
            b.append(b[-107 + 34] ^ b[-107 + 28] ^ b[-107 + 9] ^ b[-107])
        del b[:32]


@dataclass
class Population:
    """A population of `n` neurons; `parameters` are numbers or lists, `arithmetic` holds each choice as text."""

    n: int
    parameters: dict
    arithmetic: dict
    words: dict = field(default_factory=dict)
    formats: dict = field(default_factory=dict)

    def __post_init__(self):
        arithmetic = self.arithmetic
        self.square = arithmetic["form"] == "square"
        self.raw = arithmetic["currents"] == "raw"
        self.phase_bits = arithmetic.get("phase_bits", 0)
        self.potential, self.current, self.trace = (
            Format.parse(arithmetic[name]) for name in ("potential", "current", "trace")
        )
        self._quantise()
        self._check()
        self.reset()

    def _each(self, name):
        value = self.parameters[name]
        return list(value) if isinstance(value, list) else [value] * self.n

    def _quantise(self):
        bits = self.arithmetic["coefficient_bits"]
        a0, R, tau_m, tau_s, rest, critical = map(
            self._each, ("a0", "R", "tau_m", "tau_s", "rest_pot", "critical_pot")
        )
        dt = self.parameters["dt"]
        each = range(self.n)
        gain = [(a0[i] * dt) / tau_m[i] for i in each]
        drive = [(R[i] * dt) / tau_m[i] for i in each]
        decay = [math.exp((-dt) / tau_s[i]) for i in each]
        self.k = 0
        self.origin, self.scale = [0.0] * self.n, [1.0] * self.n
        if self.square:
            self.k = -at_least(max(gain))
            self.scale = [g * 2.0**self.k for g in gain]
            self.origin = [(rest[i] + critical[i]) / 2 for i in each]
        drive = [drive[i] * self.scale[i] for i in each]
        self.s = 0
        self.current_scale = [1.0] * self.n
        if not self.raw:
            self.s = -at_least(max(drive))
            self.current_scale = [d * 2.0**self.s for d in drive]

        self._potential("threshold", "threshold")
        self._potential("reset", "reset_pot")
        if self.parameters["lower_bound"] is not None:
            self._potential("lower_bound", "lower_bound")
        if self.square:
            half = [(critical[i] - rest[i]) / 2 for i in each]
            bias = [-((self.scale[i] * gain[i]) * (half[i] * half[i])) for i in each]
            self.words["bias"], self.formats["bias"] = normalised(bias, bits, True)
        else:
            self._potential("rest", "rest_pot")
            self._potential("critical", "critical_pot")
            self.words["gain"], self.formats["gain"] = normalised(gain, bits, False)
        if self.raw:
            self.words["drive"], self.formats["drive"] = normalised(drive, bits, False)
        periods = self._each("refrac_length")
        self._plain("refractory", Format(False, max(1, max(periods).bit_length()), 0), periods)
        self._plain("decay", Format(False, 0, bits), decay)
        if 0 in self.words["decay"]:
            raise Refused("decay")
        additive = self.parameters["additive_spike_trace"]
        self._plain("trace_spike", self.trace, self._each("trace_scale") if additive else [1] * self.n)

    def _plain(self, name, form, values):
        self.words[name], self.formats[name] = [form.word(value) for value in values], form

    def _potential(self, name, parameter):
        values = self._each(parameter)
        self._plain(
            name, self.potential, [self.scale[i] * (values[i] - self.origin[i]) for i in range(self.n)]
        )

    def _check(self):
        if any(t <= r for t, r in zip(self.words["threshold"], self.words["reset"], strict=True)):
            raise Refused("threshold and reset")
        i_bits, f_bits = self.potential.i_bits, self.potential.f_bits
        random_bits, product_fraction = self.arithmetic["random_bits"], self.arithmetic["product_fraction"]
        place = f_bits + max(1, random_bits)
        if self.square:
            product = self._narrowed_bits("product", 2 * i_bits, 2 * f_bits)
            quadratic = product[0] - self.k, product[1] + self.k
        else:
            form = self.formats["gain"]
            difference = self._narrowed_bits("difference", i_bits + 1, f_bits)
            product = self._narrowed_bits("product", 2 * difference[0], 2 * difference[1])
            quadratic = product[0] + form.i_bits, product[1] + form.f_bits
        if self.raw:
            form = self.formats["drive"]
            drive = self.current.i_bits + form.i_bits, self.current.f_bits + form.f_bits
        else:
            drive = self.current.i_bits - self.s, self.current.f_bits + self.s
        if min(quadratic[0], drive[0]) <= -place:
            raise Refused("a term underflows")
        if product_fraction is not None and not -quadratic[0] <= product_fraction < quadratic[1]:
            raise Refused("product_fraction")
        if product_fraction is not None:
            quadratic = quadratic[0] + 1, product_fraction
        quadratic = self._narrowed_bits("quadratic", *quadratic, place)
        drive = self._narrowed_bits("drive", *drive, place)
        added = max(quadratic[0], drive[0]) + 1, max(quadratic[1], drive[1])
        if self.square:
            bias = self.formats["bias"]
            added = max(added[0], bias.i_bits) + 1, max(added[1], bias.f_bits)
        added = self._narrowed_bits("increment", *added, place)
        if random_bits > max(f_bits + (self.phase_bits > 0), added[1]) - f_bits:
            raise Refused("random_bits")

    def _narrowing(self, name):
        """The format, rounding and overflow that an intermediate result is brought to; None if it is exact."""
        text = self.arithmetic.get(name)
        if text is None:
            return None
        form, rounding, overflow = text.split()
        return Format.parse(form), rounding, overflow

    def _narrowed_bits(self, name, i_bits, f_bits, place=None):
        """Integer and fraction bits with which an intermediate result goes on."""
        narrowing = self._narrowing(name)
        if narrowing is None:
            return i_bits, f_bits
        form = narrowing[0]
        if form.f_bits < -i_bits or (place is not None and form.i_bits <= -place):
            raise Refused(name)
        return form.i_bits, form.f_bits

    def _narrowed(self, name, value):
        """An intermediate result as it goes on."""
        narrowing = self._narrowing(name)
        if narrowing is None:
            return value
        form, rounding, overflow = narrowing
        word = form.fit(rounded(value, form.f_bits, rounding), overflow)
        return Fraction(word) / Fraction(2) ** form.f_bits

    def reset(self):
        """Return to the initial state."""
        self.v, self.counter, self.x = list(self.words["reset"]), [0] * self.n, [0] * self.n
        self.phase = [0] * self.n
        self.random = random_words(self.arithmetic["random_seed"])
        self.started = False

    def write(self, name, word, neuron=None):
        """Change a parameter word, of one neuron or of all."""
        for i in range(self.n) if neuron is None else [neuron]:
            self.words[name][i] = word
        if not self.started:
            self.v = list(self.words["reset"])

    def current_words(self, currents):
        """Words of real currents."""
        return [self.current.word(self.current_scale[i] * currents[i]) for i in range(self.n)]

    def step(self, currents):
        """Advance one timestep with current words; return who spiked."""
        self.started = True
        return [self._step(i, currents[i], next(self.random)) for i in range(self.n)]

    def _real(self, name, i):
        return Fraction(self.words[name][i]) / Fraction(2) ** self.formats[name].f_bits

    def _step(self, i, current, random):
        integrates = self.counter[i] == 0
        if integrates:
            self.v[i], left_over = self._integrated(i, current, random)
        spike = self.v[i] >= self.words["threshold"][i]
        if integrates:
            self.phase[i] = left_over if spike else 0
        elif spike:
            self.phase[i] = 0
        self.counter[i] = min(max(self.counter[i] - 1, 0), self.words["refractory"][i])
        if spike:
            self.counter[i], self.v[i] = self.words["refractory"][i], self.words["reset"][i]
        if "lower_bound" in self.words:
            self.v[i] = max(self.v[i], self.words["lower_bound"][i])
        if self.parameters["spike_trace"]:
            self.x[i] = math.floor(self.x[i] * self._real("decay", i))
            if spike:
                added = self.x[i] if self.parameters["additive_spike_trace"] else 0
                total = added + self.words["trace_spike"][i]
                self.x[i] = self.trace.fit(total, self.arithmetic["trace_overflow"])
        return spike

    def _integrated(self, i, current, random):
        arithmetic, f_bits = self.arithmetic, self.potential.f_bits
        v = Fraction(self.v[i]) / Fraction(2) ** f_bits
        current = Fraction(current) / Fraction(2) ** self.current.f_bits
        if self.square:
            product = self._narrowed("product", v * v)
            quadratic, bias = product / Fraction(2) ** self.k, self._real("bias", i)
        else:
            over_rest, over_critical = (
                self._narrowed("difference", v - self._real(name, i)) for name in ("rest", "critical")
            )
            product = self._narrowed("product", over_rest * over_critical)
            quadratic, bias = self._real("gain", i) * product, 0
        quadratic = self._narrowed("quadratic", quadratic)
        fraction = arithmetic["product_fraction"]
        if fraction is not None:
            narrow = rounded(quadratic, fraction, arithmetic["product_rounding"])
            quadratic = Fraction(narrow) / Fraction(2) ** fraction
        drive = current * self._real("drive", i) if self.raw else current / Fraction(2) ** self.s
        increment = self._narrowed("increment", quadratic + self._narrowed("drive", drive) + bias)
        bits, lsb = self.phase_bits, Fraction(2) ** -f_bits

        def part(halvings):
            return math.floor(increment / 2**halvings / (lsb / 2)) * lsb / 2

        total = v + increment + sum(part(bits - k) for k in range(bits) if self.phase[i] >> k & 1)
        word = rounded(total, f_bits, arithmetic["rounding"], random, arithmetic["random_bits"])
        over = (word - self.words["threshold"][i]) * lsb
        left_over = sum(over >= part(bits + 1) + j * part(bits) for j in range(2**bits - 1))
        return self.potential.fit(word, arithmetic["overflow"]), left_over
