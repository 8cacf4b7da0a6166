"""One timestep of one neuron as a free-running pipeline: a new update every clock."""

import operator
from collections.abc import Callable
from typing import assert_never

from amaranth.hdl import Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from qlif.hdl import fixed
from qlif.hdl.core import Core
from qlif.hdl.phase import left_over, longer_step, next_phase
from qlif.hdl.pipeline import Pipeline, Timed
from qlif.hdl.refractory_counter import next_count, unless_refractory
from qlif.hdl.storage import Storage
from qlif.model.arithmetic import Currents, Form
from qlif.model.formats import Format
from qlif.model.rounding import Narrowing, Overflow, Rounding


class NeuronPipeline(wiring.Component):
    """The quadratic update, the spike, the refractory counter, the lower bound and the trace.

    Takes one state with its current in each clock and outputs, :attr:`latency` clocks later, the state after
    one timestep. There is no valid and no enable: the user tracks what is in flight.

    Parameters
    ----------
    core : Core
        The neuron, the storage of its parameter words, and its multipliers; one lane is built.

    Attributes
    ----------
    potential, refractory, trace, current : In
        The state before and the current, as words.
    random : In, `random_bits` wide
        The random bits of stochastic rounding; absent with any other rounding.
    phase, next_phase : In, Out
        The phase before and after; absent without bits of it.
    next_potential, next_refractory, next_trace : Out
        The state after the timestep.
    spike : Out
        Whether the neuron spiked.
    constant_NAME : In
        Each parameter word that isn't in the gates. One in a register must not change while anything
        is in flight; one from a memory comes with its neuron's state.
    """

    potential: fixed.Value
    refractory: fixed.Value
    trace: fixed.Value
    current: fixed.Value
    random: Value
    next_potential: fixed.Value
    next_refractory: fixed.Value
    next_trace: fixed.Value
    phase: fixed.Value
    next_phase: fixed.Value
    spike: Value

    def __init__(self, core: Core) -> None:
        self.core, self.words, self.primitives = core, core.words, core.primitives
        words = core.words
        arithmetic = words.arithmetic
        ports = {
            "potential": In(fixed.Shape(arithmetic.potential)),
            "refractory": In(fixed.Shape(words.refractory)),
            "trace": In(fixed.Shape(arithmetic.trace)),
            "current": In(fixed.Shape(arithmetic.current)),
            "next_potential": Out(fixed.Shape(arithmetic.potential)),
            "next_refractory": Out(fixed.Shape(words.refractory)),
            "next_trace": Out(fixed.Shape(arithmetic.trace)),
            "spike": Out(1),
        }
        if arithmetic.random_bits:
            ports["random"] = In(arithmetic.random_bits)
        if arithmetic.phase_bits:
            shape = fixed.Shape(words.formats["phase"])
            ports |= {"phase": In(shape), "next_phase": Out(shape)}
        for parameter in core.runtime:
            ports[f"constant_{parameter.name}"] = In(fixed.Shape(parameter.format))
        super().__init__(ports)
        self._pipe = Pipeline()
        self._outputs = self._build(self._pipe)

    @property
    def latency(self) -> int:
        """Clocks from an input to its output."""
        latest = Pipeline.latest(*self._outputs.values())
        assert latest is not None
        return latest

    def elaborate(self, platform: object) -> Module:
        """Build the gates."""
        m = Module()
        self._pipe.build(m)
        m.d.comb += [getattr(self, name).eq(output.value) for name, output in self._outputs.items()]
        return m

    def initial(self, name: str) -> fixed.Value:
        """Return a parameter word as a constant, wherever it is stored."""
        constant = self.words.constants[name]
        assert isinstance(constant.word, int)
        return fixed.Const(constant.word, fixed.Shape(constant.format))

    def constant(self, name: str) -> Timed:
        """Return a parameter word as the pipeline sees it."""
        match self.core.storage[name]:
            case Storage.GATES:
                return Timed(self.initial(name), None)
            case Storage.REGISTER:
                return Timed(getattr(self, f"constant_{name}"), None)
            case Storage.MEMORY:
                return Timed(getattr(self, f"constant_{name}"), 0)
            case unknown:
                assert_never(unknown)

    def _build(self, pipe: Pipeline) -> dict[str, Timed]:
        """Build the pipeline; return the outputs by their names."""
        # A register that starts as what the first timestep puts into it, so that a flip-flop can do that by
        # its reset.
        reset = self.words.constants["reset"].word
        init = reset if not self.core.storage["reset"].is_writable and isinstance(reset, int) else None
        before = pipe.register("potential__1", lambda v: v, pipe.input(self.potential), init=init)
        current = pipe.register("current__1", lambda i: i, pipe.input(self.current))
        refractory = pipe.register("refractory__1", lambda count: count, pipe.input(self.refractory))
        trace = pipe.register("trace__1", lambda x: x, pipe.input(self.trace))

        phase = None
        if self.words.arithmetic.phase_bits:
            phase = pipe.register("phase__1", lambda p: p, pipe.input(self.phase))

        total, increment = self._integrate(pipe, before, current, refractory, phase)
        at_once = phase is not None and self.primitives.fast_carries
        potential, spike = self._fit_at_once(pipe, total) if at_once else self._fit(pipe, total)
        bounded, after_spike = self._bound(pipe, potential)
        potential = pipe.register("potential__next", fixed.choose, spike, after_spike, bounded)

        after = {
            "next_potential": potential,
            "next_refractory": next_count(pipe, refractory, spike, self.constant("refractory")),
            "next_trace": self._decay(pipe, trace, spike),
            "spike": spike,
        }
        if phase is not None:
            left = left_over(pipe, self.words, total, self.constant("threshold"), increment, at_once)
            after["next_phase"] = next_phase(pipe, refractory, spike, phase, left)
        return dict(zip(after, pipe.align(*after.values()), strict=True))

    def _integrate(
        self, pipe: Pipeline, potential: Timed, current: Timed, refractory: Timed, phase: Timed | None
    ) -> tuple[Timed, Timed]:
        """Return the sum of one forward Euler step, rounded, in a format that holds it exactly; and its increment.

        For a refractory neuron every other term is 0, so that rounding leaves the potential as it was. With a phase,
        the increment is set to 0 instead of its terms. (Without one nobody asks for the increment: it is what was
        added last.)
        """
        arithmetic = self.words.arithmetic
        f_bits, rounding = arithmetic.potential.f_bits, arithmetic.rounding
        held = refractory if phase is None else None
        quadratic = _narrowed(pipe, "quadratic", self._quadratic(pipe, potential, held), arithmetic.quadratic)
        if arithmetic.product_fraction is not None and arithmetic.product_rounding is not None:
            fraction, narrow = arithmetic.product_fraction, arithmetic.product_rounding
            quadratic = pipe.register("narrowed", lambda q: q.reshape(fraction, narrow), quadratic)

        drive = _narrowed(pipe, "drive", self._drive(pipe, current), arithmetic.drive)
        match arithmetic.form:
            case Form.SQUARE:
                bias = self.constant("bias")
                half_first = rounding is Rounding.RND and arithmetic.increment is None and phase is None
                if half_first and not self.core.storage["bias"].is_per_neuron:
                    bias, rounding = self._bias_and_half(pipe), Rounding.TRN
                drive = _unless_held(pipe, "biased", held, operator.add, drive, bias)
            case Form.FACTORED:
                if held is not None:
                    drive = pipe.register("active_drive", unless_refractory, held, drive)
            case unknown:
                assert_never(unknown)

        if phase is not None:
            if rounding is Rounding.RND:
                # Half an LSB is a bit behind the potential; then the sum only needs to be truncated.
                potential, rounding = Timed(potential.value.with_half(), potential.stage), Rounding.TRN
            terms, at_once = [drive, quadratic], self.primitives.fast_carries
            total, increment = longer_step(pipe, self.words, potential, terms, refractory, phase, at_once)
        elif arithmetic.increment is None:
            increment = pipe.register("linear", operator.add, potential, drive)
            total = pipe.register("total", operator.add, increment, quadratic)
        else:
            added = pipe.register("added_terms", operator.add, drive, quadratic)
            increment = _narrowed(pipe, "increment", added, arithmetic.increment)
            total = pipe.register("total", operator.add, potential, increment)
        if rounding.stochastic:
            random = pipe.input(self.random)
            total = pipe.register("rounded", lambda x, r: x.reshape(f_bits, rounding, r), total, random)
        elif not rounding.carries:
            total = Timed(total.value.reshape(f_bits, rounding), total.stage)
        else:
            total = pipe.register("rounded", lambda x: x.reshape(f_bits, rounding), total)
        return total, increment

    def _quadratic(self, pipe: Pipeline, potential: Timed, held: Timed | None) -> Timed:
        """Return the exact quadratic term of a form; 0 where a refractory counter, if there is one, holds it."""
        arithmetic = self.words.arithmetic
        match arithmetic.form:
            case Form.SQUARE:
                active = potential
                if held is not None:
                    active = pipe.register("active_potential", unless_refractory, held, potential)
                square = self.primitives.multiply(pipe, "square", active, active)
                square = _narrowed(pipe, "square", square, arithmetic.product)
                shift = -self.words.quadratic_shift
                return Timed(square.value.scaled_by_power_of_two(shift), square.stage)
            case Form.FACTORED:
                rest, critical, gain = (self.constant(name) for name in ("rest", "critical", "gain"))
                over_rest = _unless_held(pipe, "over_rest", held, operator.sub, potential, rest)
                over_critical = pipe.register("over_critical", operator.sub, potential, critical)
                over_rest = _narrowed(pipe, "over_rest", over_rest, arithmetic.difference)
                over_critical = _narrowed(pipe, "over_critical", over_critical, arithmetic.difference)
                product = self.primitives.multiply(pipe, "product", over_rest, over_critical)
                product = _narrowed(pipe, "product", product, arithmetic.product)
                return self.primitives.multiply(pipe, "quadratic", product, gain)
            case unknown:
                assert_never(unknown)

    def _drive(self, pipe: Pipeline, current: Timed) -> Timed:
        """Return what the current adds to the potential."""
        match self.words.arithmetic.currents:
            case Currents.RAW:
                return self.primitives.multiply(pipe, "drive", current, self.constant("drive"))
            case Currents.SCALED:
                shift = -self.words.drive_shift
                return Timed(current.value.scaled_by_power_of_two(shift), current.stage)
            case unknown:
                assert_never(unknown)

    def _bias_and_half(self, pipe: Pipeline) -> Timed:
        """Return the bias plus half an LSB, so that a sum with it only needs to be truncated.

        A bias in a register gets its half as soon as it is written.
        """
        places = self.words.sum_format.f_bits
        half = 1 << (places - self.words.arithmetic.potential.f_bits) >> 1
        bias = self.words.constants["bias"]
        if self.core.storage["bias"].is_writable:
            half_format = Format(half.bit_length() + 1 - places, places, signed=True)
            half_of_lsb = fixed.Const(half, fixed.Shape(half_format))
            return pipe.settled("bias__half", lambda word: word + half_of_lsb, self.constant("bias"))
        assert isinstance(bias.word, int)
        word = (bias.word << (places - bias.format.f_bits)) + half
        format = Format(word.bit_length() + 1 - places, places, signed=True)
        return Timed(fixed.Const(word, fixed.Shape(format)), None)

    def _fit(self, pipe: Pipeline, total: Timed) -> tuple[Timed, Timed]:
        """Return the potential in its range, and whether it spikes."""
        shape = fixed.Shape(self.words.arithmetic.potential)
        threshold = self.constant("threshold")
        match self.words.arithmetic.overflow:
            case Overflow.WRAP:
                potential = pipe.register("integrated", lambda x: x.fit(shape, Overflow.WRAP), total)
                return potential, pipe.register("spiking", operator.ge, potential, threshold)
            case Overflow.SAT:
                # What is above the range spikes, whatever its word is: only what is below it needs a value.
                lowest = fixed.Const(shape.words.min_word, shape)
                above = pipe.register("above", lambda x: x.is_above(shape), total)
                potential = pipe.register(
                    "integrated",
                    lambda x: fixed.choose(x.is_below(shape), lowest, x.fit(shape, Overflow.WRAP)),
                    total,
                )
                spike = pipe.register("spiking", lambda v, at, a: (v >= at) | a, potential, threshold, above)
                return potential, spike
            case unknown:
                assert_never(unknown)

    def _fit_at_once(self, pipe: Pipeline, total: Timed) -> tuple[Timed, Timed]:
        """Return the same with the spike a clock earlier, for a few gates more."""
        shape = fixed.Shape(self.words.arithmetic.potential)
        threshold, is_writable = self.constant("threshold"), self.core.storage["threshold"].is_writable

        def low(x: fixed.Value) -> fixed.Value:
            return x.fit(shape, Overflow.WRAP)

        match self.words.arithmetic.overflow:
            case Overflow.WRAP:
                potential = pipe.register("integrated", low, total)
                spike = pipe.register("spiking", lambda x, at: low(x) >= at, total, threshold)
                return potential, spike
            case Overflow.SAT:
                lowest = fixed.Const(shape.words.min_word, shape)

                def spiked(x: fixed.Value, at: fixed.Value) -> Value:
                    below = x.is_below(shape)
                    spike = ~below & (x.is_above(shape) | (low(x) >= at))
                    # What is below the range becomes its lowest word, which a threshold that is written may be.
                    return spike | (below & (lowest >= at)) if is_writable else spike

                potential = pipe.register(
                    "integrated", lambda x: fixed.choose(x.is_below(shape), lowest, low(x)), total
                )
                spike = pipe.register("spiking", spiked, total, threshold)
                return potential, spike
            case unknown:
                assert_never(unknown)

    def _bound(self, pipe: Pipeline, potential: Timed) -> tuple[Timed, Timed]:
        """Return the potential held at the lower bound, and the one after a spike likewise."""
        reset = self.constant("reset")
        if "lower_bound" not in self.words.constants:
            return potential, reset
        bound = self.constant("lower_bound")

        def held(v: fixed.Value, at: fixed.Value) -> fixed.Value:
            return fixed.choose(v < at, at, v)

        return pipe.register("bounded", held, potential, bound), pipe.settled(
            "reset__held", held, reset, bound
        )

    def _decay(self, pipe: Pipeline, trace: Timed, spike: Timed) -> Timed:
        """Return the trace after the timestep; as it was if the population keeps none."""
        if not self.words.parameters.spike_trace:
            return trace
        decay, spiked = self.constant("decay"), self.constant("trace_spike")
        shape = fixed.Shape(self.words.arithmetic.trace)
        product = self.primitives.multiply(pipe, "decaying", trace, decay)
        overflow = self.words.arithmetic.trace_overflow

        def kept(x: fixed.Value) -> fixed.Value:
            return x.reshape(shape.f_bits, Rounding.TRN).fit(shape, overflow)

        decayed = pipe.register("decayed", kept, product)
        if not self.words.parameters.additive_spike_trace:
            return pipe.register("trace__next", fixed.choose, spike, spiked, decayed)
        added = pipe.register("added", lambda x, by: (x + by).fit(shape, overflow), decayed, spiked)
        return pipe.register("trace__next", fixed.choose, spike, added, decayed)


def _narrowed(pipe: Pipeline, name: str, exact: Timed, narrowing: Narrowing | None) -> Timed:
    """Return an intermediate result in its narrower format, if it has one."""
    if narrowing is None:
        return exact
    return pipe.register(f"{name}_narrowed", lambda value: value.narrow(narrowing), exact)


def _unless_held(
    pipe: Pipeline, name: str, held: Timed | None, function: Callable[..., fixed.Value], *operands: Timed
) -> Timed:
    """Return ``function(*operands)`` behind a register; 0 where a refractory counter, if there is one, isn't 0."""
    if held is None:
        return pipe.register(name, function, *operands)
    return pipe.register(
        name, lambda count, *terms: unless_refractory(count, function(*terms)), held, *operands
    )
