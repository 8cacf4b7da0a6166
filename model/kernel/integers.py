"""Fixed-width integers inside compiled loops.

Numba widens every sum to 64 bits, which halves the neurons in a vector register, and has nothing wider. These
operations stay in the width of their operands, which may be any. They don't look for overflow:
:class:`qlif.model.kernel.rules.Plan` proves that there is none.
"""

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.errors import RequireLiteralValue
from numba.extending import intrinsic

REGIONS = 10
"""Arrays of a loop that are told apart."""


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
        address = _address(context, builder, signature.args[0], *arguments[:2])
        lanes = ir.VectorType(ir.IntType(8), 64)
        bytes_ = builder.load(builder.bitcast(address, lanes.as_pointer()), align=1)
        return builder.bitcast(builder.icmp_unsigned("!=", bytes_, ir.Constant(lanes, None)), ir.IntType(64))

    return types.uint64(flags, first), generate


@intrinsic(prefer_literal=True)
def load(context: Any, array: Any, index: Any, region: Any) -> Any:
    """Return an element of an array that overlaps no array of another region."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value = builder.load(_address(context, builder, signature.args[0], *arguments[:2]))
        _apart(builder, value, signature.args[2])
        return value

    return array.dtype(array, index, region), generate


@intrinsic(prefer_literal=True)
def load_either(context: Any, first: Any, a: Any, begin: Any, b: Any, index: Any, region: Any) -> Any:
    """Return ``a[begin + index]`` where a condition holds, else ``b[index]``; both arrays are of one region."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        condition, a, begin, b, index, _ = arguments
        _, a_type, _, b_type, _, _ = signature.args
        # The place to begin is chosen, not each element's: that stays outside the loop over the elements.
        place = builder.select(
            condition,
            _address(context, builder, a_type, a, begin),
            context.make_array(b_type)(context, builder, b).data,
        )
        value = builder.load(builder.gep(place, [index]))
        _apart(builder, value, signature.args[5])
        return value

    return a.dtype(types.boolean, a, begin, b, index, region), generate


@intrinsic(prefer_literal=True)
def store(context: Any, array: Any, index: Any, value: Any, region: Any) -> Any:
    """Write an element of an array that overlaps no array of another region."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        written = builder.store(arguments[2], _address(context, builder, signature.args[0], *arguments[:2]))
        _apart(builder, written, signature.args[3])
        return context.get_dummy_value()

    return types.void(array, index, array.dtype, region), generate


def _apart(builder: Any, access: Any, region: Any) -> None:
    """Say of an access that no access to another region is to the same place: no need to look each time."""
    if not isinstance(region, types.IntegerLiteral):
        raise RequireLiteralValue("the region must be a constant")
    add = builder.module.add_metadata
    domain = add([ir.MetaDataString(builder.module, "qlif")])
    scopes = [add([ir.MetaDataString(builder.module, f"region {each}"), domain]) for each in range(REGIONS)]
    mine = region.literal_value
    access.set_metadata("alias.scope", add([scopes[mine]]))
    access.set_metadata("noalias", add([scope for each, scope in enumerate(scopes) if each != mine]))


@intrinsic
def fetch(context: Any, array: Any, first: Any) -> Any:
    """Have the cache line of an element brought near, and go on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = builder.bitcast(
            _address(context, builder, signature.args[0], *arguments[:2]), ir.IntType(8).as_pointer()
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


def _address(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [index])
