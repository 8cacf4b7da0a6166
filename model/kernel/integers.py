"""Integers of exactly so many bits inside compiled loops.

Numba widens every sum to 64 bits, which halves the neurons in a vector register, and has nothing wider. These
operations stay in the width of their operands, which may be any. They don't look for overflow:
:class:`qlif.model.kernel.rules.Plan` proves that there is none.
"""

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.errors import RequireLiteralValue
from numba.extending import intrinsic


def _type(width: Any, signed: bool) -> Any:
    if not isinstance(width, types.IntegerLiteral):
        raise RequireLiteralValue("the width must be a constant")
    bits = width.literal_value
    return types.Integer(f"{'int' if signed else 'uint'}{bits}", bits, signed)


@intrinsic(prefer_literal=True)
def signed(context: Any, value: Any, width: Any) -> Any:
    """Return an integer or a truth value in `width` bits, extended with its sign or cut."""
    return _type(width, True)(value, width), _cast


@intrinsic(prefer_literal=True)
def unsigned(context: Any, value: Any, width: Any) -> Any:
    """Return an integer as an unsigned one of `width` bits."""
    return _type(width, False)(value, width), _cast


@intrinsic
def like(context: Any, value: Any, model: Any) -> Any:
    """Return an integer in the type of another."""
    return model(value, model), _cast


def _cast(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    value, of, target = arguments[0], signature.args[0], context.get_value_type(signature.return_type)
    if isinstance(of, types.Boolean) or (isinstance(of, types.Integer) and not of.signed):
        extend = builder.zext
    else:
        extend = builder.sext
    if value.type.width == target.width:
        return value
    return extend(value, target) if value.type.width < target.width else builder.trunc(value, target)


def _binary(operation: str) -> Any:
    """Return an operation on two integers of the same width."""

    def typed(context: Any, a: Any, b: Any) -> Any:
        return a(a, a), lambda context, builder, signature, both: getattr(builder, operation)(*both)

    return intrinsic(typed)


def _shift(operation: str) -> Any:
    """Return a shift by a number of bits of any width, below the width of the value."""

    def typed(context: Any, a: Any, bits: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, both: Any) -> Any:
            value, count = both
            if count.type.width > value.type.width:
                count = builder.trunc(count, value.type)
            elif count.type.width < value.type.width:
                count = builder.zext(count, value.type)
            return getattr(builder, operation)(value, count)

        return a(a, bits), generate

    return intrinsic(typed)


add, subtract, multiply, both = (_binary(name) for name in ("add", "sub", "mul", "and_"))
left, right, right_unsigned = (_shift(name) for name in ("shl", "ashr", "lshr"))


@intrinsic
def below(context: Any, a: Any, b: Any) -> Any:
    """Return whether a < b, by the sign of the type of a."""

    def generate(context: Any, builder: Any, signature: Any, both: Any) -> Any:
        compare = builder.icmp_signed if signature.args[0].signed else builder.icmp_unsigned
        return compare("<", *both)

    return types.boolean(a, a), generate


@intrinsic
def choose(context: Any, condition: Any, a: Any, b: Any) -> Any:
    """Return a where the condition holds, else b, without a branch."""

    def generate(context: Any, builder: Any, signature: Any, parts: Any) -> Any:
        return builder.select(*parts)

    return a(types.boolean, a, a), generate


@intrinsic
def truths_of_64(context: Any, flags: Any, first: Any) -> Any:
    """Return 64 bytes of an array as bits, from index `first` on; the first one lowest."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature, arguments)
        lanes = ir.VectorType(ir.IntType(8), 64)
        bytes_ = builder.load(builder.bitcast(address, lanes.as_pointer()), align=1)
        return builder.bitcast(builder.icmp_unsigned("!=", bytes_, ir.Constant(lanes, None)), ir.IntType(64))

    return types.uint64(flags, first), generate


@intrinsic
def fetch(context: Any, array: Any, first: Any) -> Any:
    """Have the cache line of an element brought near, and go on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = builder.bitcast(
            _address(context, builder, signature, arguments), ir.IntType(8).as_pointer()
        )
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [address.type, number, number, number])
        function = builder.module.globals.get("llvm.prefetch.p0")
        if function is None:
            function = ir.Function(builder.module, kind, "llvm.prefetch.p0")
        for_reading, into_second_level, data = number(0), number(2), number(1)
        builder.call(function, [address, for_reading, into_second_level, data])
        return context.get_dummy_value()

    return types.void(array, first), generate


@intrinsic
def widest_vectors(context: Any) -> Any:
    """Have the compiler use the machine's widest registers in this function, where it would take half."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        # Not add, which refuses attributes that llvmlite has no name for.
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), generate


def _address(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    return builder.gep(array.data, [arguments[1]])
