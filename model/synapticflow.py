"""The float32 step of the synapticflow package, so that its users keep their results bit for bit.

The equations are those of ``QLIFPopulation`` in synapticflow 0.0.7 on torch 2.13, written anew from its
behaviour and compared with it by the tests. What is peculiar is named in :class:`SynapticflowNeurons`.
"""

import reprlib
from collections.abc import Iterable, Iterator
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.model.exceptions import InputError
from qlif.model.parameters import population_shape
from qlif.model.support.arrays import without_units
from qlif.model.support.checks import in_digits
from qlif.model.support.memory import require_memory

Float32s = npt.NDArray[np.float32]


class SynapticflowNeurons:
    """A population that computes what ``QLIFPopulation`` of synapticflow 0.0.7 computes.

    One timestep, with every operation rounded to float32 in the order that the brackets give, for the
    potential ``v`` (mV), the refractory counter ``c`` (ms) and the trace ``x``::

        v <- v + ((c <= 0) ((R I) + ((a0 (v - rest_pot)) (v - critical_pot)))) / tau_s
        s  = v >= threshold
        c <- c - 0.1;  c <- refrac_length where s
        v <- reset_pot where s;  v <- lower_bound where lower_bound > v
        x <- x exp(-0.1 / tau_s);  then x <- 1 where s, or x <- x + trace_scale s if additive

    This differs from :class:`~qlif.model.reference.FloatNeurons`. The membrane step has no ``dt``; one
    ``tau_s`` serves membrane and trace; ``refrac_length`` is in ms, and because 0.1 isn't exact in
    float32, 5 holds for 51 timesteps and 1 for 10; ``dt`` and `sum_input` are accepted and ignored.
    Nothing keeps ``threshold`` above ``reset_pot``, and an input that is not finite spreads.

    Arithmetic is wider than float32 where `R`, `trace_scale` or the input bring it in, by torch's rules:
    see :func:`common_type`. The state is always float32.

    Parameters
    ----------
    n, shape
        Number of neurons, topology, as in :class:`~qlif.model.parameters.Parameters`.
    spike_trace, additive_spike_trace : bool
        Whether a trace is kept; whether a spike adds `trace_scale` to it, instead of setting it to 1.
    tau_s, threshold, a0, critical_pot, rest_pot, reset_pot, refrac_length, lower_bound : float or array
        Rounded to float32. Each broadcasts to the population's shape.
    R, trace_scale : float or array
        Kept in the type that ``torch.tensor`` gives them. Each broadcasts to the population's shape.
    dt, sum_input
        Ignored, as there.
    is_inhibitory, learning : bool
        Kept as attributes.
    **others
        Ignored, as there.

    Attributes
    ----------
    dt : float
        The timestep of refractory period and trace, ms: 0.1 for every population.
    s : ndarray of bool
        The neurons that spiked in the last timestep.
    v, refrac_count, traces : ndarray of float32
        Membrane potential, mV; what is left of the refractory period, ms; spike trace. Like `s` they
        have the population's shape, and a timestep replaces them, so one that was kept doesn't change.

    Raises
    ------
    InputError
        `n` and `shape` disagree or are both missing; a parameter isn't a real number or an array that
        broadcasts to the population's shape.
    """

    dt = 0.1
    s: npt.NDArray[np.bool_]
    v: Float32s
    refrac_count: Float32s
    traces: Float32s

    def __init__(
        self,
        n: int | None = None,
        shape: Iterable[int] | None = None,
        spike_trace: bool = True,
        additive_spike_trace: bool = False,
        tau_s: npt.ArrayLike = 30.0,
        threshold: npt.ArrayLike = -52.0,
        a0: npt.ArrayLike = 1,
        critical_pot: npt.ArrayLike = -54.0,
        rest_pot: npt.ArrayLike = -62.0,
        reset_pot: npt.ArrayLike = -62.0,
        refrac_length: npt.ArrayLike = 5,
        dt: Any = 0.1,
        lower_bound: npt.ArrayLike | None = None,
        sum_input: Any = False,
        trace_scale: npt.ArrayLike = 1.0,
        R: npt.ArrayLike = 1.0,
        is_inhibitory: bool = False,
        learning: bool = True,
        **others: Any,
    ) -> None:
        self.n, self.shape = population_shape(n, shape)
        require_memory(f"a population of {in_digits(self.n)} neurons", 64 * self.n)
        self.spike_trace = bool(spike_trace)
        self.additive_spike_trace = bool(additive_spike_trace)
        self.is_inhibitory = bool(is_inhibitory)
        self.learning = bool(learning)
        self.tau_s = self._float32("tau_s", tau_s, "ms")
        self.threshold = self._float32("threshold", threshold, "mV")
        self.a0 = self._float32("a0", a0, "1/mV")
        self.critical_pot = self._float32("critical_pot", critical_pot, "mV")
        self.rest_pot = self._float32("rest_pot", rest_pot, "mV")
        self.reset_pot = self._float32("reset_pot", reset_pot, "mV")
        self.refrac_length = self._float32("refrac_length", refrac_length, "ms")
        self.lower_bound = None if lower_bound is None else self._float32("lower_bound", lower_bound, "mV")
        self.trace_scale = self._fitting("trace_scale", trace_scale)
        self.R = self._fitting("R", R)
        with np.errstate(all="ignore"):  # torch divides by 0 without a word
            self.trace_decay = _exp(-_TIMESTEP / self.tau_s)
        self.reset()

    def reset(self) -> None:
        """Put every neuron at ``reset_pot``, not refractory, without trace and without spike."""
        self.s = np.zeros(self.shape, dtype=np.bool_)
        self.v = np.broadcast_to(self.reset_pot, self.shape).copy()
        self.refrac_count = np.zeros(self.shape, dtype=np.float32)
        self.traces = np.zeros(self.shape, dtype=np.float32)

    def step(self, x: npt.ArrayLike) -> None:
        """Advance the population by one timestep.

        Parameters
        ----------
        x : array_like
            Input current, in the type that ``torch.tensor(x)`` would have; it broadcasts to the
            population's shape.

        Raises
        ------
        InputError
            The input isn't made of real numbers, is of float16, or doesn't broadcast.
        """
        current = self._fitting("input", x, "mV")
        with np.errstate(all="ignore"):  # overflow, infinities and NaN go their way, as there
            self._integrate(current)
            self.s = self.v >= self.threshold
            self.refrac_count = np.where(self.s, self.refrac_length, self.refrac_count - _TIMESTEP)
            self.v = np.where(self.s, self.reset_pot, self.v)
            if self.lower_bound is not None:
                self.v = np.where(self.lower_bound > self.v, self.lower_bound, self.v)
            if self.spike_trace:
                self._trace()

    def _integrate(self, current: npt.NDArray[Any]) -> None:
        drive = _multiply(self.R, current)
        leak = self.a0 * (self.v - self.rest_pot) * (self.v - self.critical_pot)
        slope = drive.astype(common_type(drive, leak)) + leak
        ready = (self.refrac_count <= 0).astype(np.float32)
        # A product, not a choice: an infinite input makes a refractory neuron NaN, as there.
        self.v = (self.v + ready * slope / self.tau_s).astype(np.float32)

    def _trace(self) -> None:
        decayed = self.traces * self.trace_decay
        if self.additive_spike_trace:
            added = _multiply(self.trace_scale, self.s.astype(np.float32))
            self.traces = (decayed + added).astype(np.float32)
        else:
            self.traces = np.where(self.s, np.float32(1), decayed)

    def _float32(self, name: str, value: npt.ArrayLike, unit: str) -> Float32s:
        with np.errstate(over="ignore"):
            return self._fitting(name, value, unit).astype(np.float32)

    def _fitting(self, name: str, value: npt.ArrayLike, unit: str = "") -> npt.NDArray[Any]:
        """Return a value as an array that broadcasts to the population's shape."""
        array = as_tensor(name, value, unit)
        try:
            np.broadcast_to(array, self.shape)
        except ValueError:
            raise InputError(
                f"{name} must broadcast to the population's shape {self.shape}, not be of shape {array.shape}"
            ) from None
        return array


def common_type(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> np.dtype[Any]:
    """Return the type in which torch does arithmetic on two tensors.

    Types fall into three categories: bool, integers, floats. The higher category wins. Within one,
    an operand that has axes beats one that has none, whatever their widths: float32 of shape (3,)
    and float64 of shape () make float32. Otherwise the wider type wins.

    Raises
    ------
    InputError
        Two integer types have no integer type in common: uint64 and a signed one.

    Notes
    -----
    The rules are in the documentation of ``torch.result_type``. They differ from numpy's also in
    that an integer never widens a float: int64 and float32 make float32.
    """
    a_category, b_category = _category(a.dtype), _category(b.dtype)
    if a_category == b_category and (a.ndim == 0) != (b.ndim == 0):
        return a.dtype if a.ndim else b.dtype
    return _promote(a.dtype, b.dtype)


def _promote(a: np.dtype[Any], b: np.dtype[Any]) -> np.dtype[Any]:
    """Return the wider of two types, of the higher of their categories."""
    if _category(a) != _category(b):
        return max(a, b, key=_category)
    common = np.promote_types(a, b)
    if _category(common) != _category(a):
        raise InputError(f"input and parameters must have an integer type in common, not {a} and {b}")
    return common


def _category(dtype: np.dtype[Any]) -> int:
    return {"b": 0, "i": 1, "u": 1, "f": 2}[dtype.kind]


def _multiply(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> npt.NDArray[Any]:
    dtype = common_type(a, b)
    return np.asarray(np.multiply(a.astype(dtype), b.astype(dtype)))


def as_tensor(name: str, value: npt.ArrayLike, unit: str = "") -> npt.NDArray[Any]:
    """Return the array of the shape and type that ``torch.tensor(value)`` would have.

    Python's floats are float32 and its integers int64; numpy's values keep their type, also inside a
    list. `name` is how an error calls the value; one with a unit is converted to `unit`.

    Raises
    ------
    InputError
        The value isn't a number or a regular array, or is of a type that isn't real, or of float16,
        in which torch rounds differently for scalars and for arrays.
    """
    value = without_units(name, value, unit)
    try:
        types = list(_leaf_types(value))
        unsupported = [dtype for dtype in types if dtype not in _SUPPORTED]
        if not unsupported:
            dtype = reduce(_promote, types) if types else np.dtype(np.float32)
            with np.errstate(over="ignore"):
                return np.array(value, dtype=dtype)
    except InputError:
        raise
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{name} must be a number or an array, not {reprlib.repr(value)}") from None
    raise InputError(f"{name} must be of bool, integers, float32 or float64, not {unsupported[0]}")


def _leaf_types(value: Any) -> Iterator[np.dtype[Any]]:
    """Yield the type of each leaf of a nested sequence, Python's own numbers as torch reads them."""
    if isinstance(value, (list, tuple, range)):
        for item in value:
            yield from _leaf_types(item)
    elif type(value) in _PYTHON_TYPES:
        yield _PYTHON_TYPES[type(value)]
    else:
        yield np.asarray(value).dtype


def _exp(x: Float32s) -> Float32s:
    """Return ``exp(x)`` as torch computes it in float32.

    Torch's result isn't always the nearest float32. Over 100 000 time constants between 0.05 and
    1e4 ms, equally dense in their logarithm, numpy's float64 exponential rounded to float32 differed
    from it in 827, numpy's float32 exponential in 48 385; of the whole milliseconds up to 100, the
    former differs at 35 and 38. What follows differed in none of 2 million time constants, nor in any
    of 4 million x in [-87, 20]; arrays and scalars agree. It is the table-driven method of P. T. P.
    Tang (ACM Transactions on Mathematical Software 15, 1989) with 128 pieces and a quadratic.

    Measured on torch 2.13.0+cpu on an AMD EPYC with AVX2. That torch calls a vendor's library, which
    may choose another method on another processor: there the decay can differ in its last bit for
    the 0.8 % of time constants counted above.
    """
    in_table = np.abs(x) <= 87  # beyond, near underflow and overflow, nearest rounding is as good
    near = np.where(in_table, x, np.float32(0))
    piece = np.rint(near * _PIECES_PER_UNIT).astype(np.int32)
    rest = (near - piece.astype(np.float32) * _PIECE_HIGH) - piece.astype(np.float32) * _PIECE_LOW
    growth = rest * rest * np.float32(0.5) + rest
    high, low = _POWER_HIGH[piece % 128], _POWER_LOW[piece % 128]
    value = np.ldexp(high + (low + high * growth), piece // 128)
    return np.where(in_table, value, np.exp(x.astype(np.float64)).astype(np.float32))


_TIMESTEP = np.float32(0.1)
_PYTHON_TYPES = {bool: np.dtype(np.bool_), int: np.dtype(np.int64), float: np.dtype(np.float32)}
_SUPPORTED = {np.dtype(code) for code in "?bhilqBHILQfd"}

# For _exp: ln(2)/128 split into a part of 10 bits, so that its multiples are exact, and the rest;
# 2^(j/128) for j = 0..127, split likewise.
_PIECE = np.log(2) / 128
_PIECES_PER_UNIT = np.float32(1 / _PIECE)
_PIECE_HIGH = np.float32(710 / 2**17)
_PIECE_LOW = np.float32(_PIECE - 710 / 2**17)
_POWERS = np.exp2(np.arange(128) / 128)
_POWER_HIGH = _POWERS.astype(np.float32)
_POWER_LOW = (_POWERS - _POWER_HIGH).astype(np.float32)
