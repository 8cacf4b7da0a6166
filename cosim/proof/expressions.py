"""Expressions of a map's table ``[state]`` as terms."""

import ast
from collections.abc import Callable

from qlif.cosim.mapping.state import dotted
from qlif.cosim.proof import integers
from qlif.cosim.proof.integers import Integer
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.solver import Term

_OPERATORS = {
    ast.Eq: "__eq__", ast.Lt: "__lt__", ast.LtE: "__le__", ast.Gt: "__gt__", ast.GtE: "__ge__",
    ast.Add: "__add__", ast.Sub: "__sub__", ast.Mult: "__mul__",
}  # fmt: skip

Named = Callable[[str], Integer]
"""The number that a name stands for; a register's is unsigned."""


def condition(terms: Products, node: ast.expr, named: Named) -> Term:
    """Return whether a condition holds."""
    match node:
        case ast.BoolOp(op=joins, values=values):
            parts = [condition(terms, value, named) for value in values]
            return terms.both(*parts) if isinstance(joins, ast.And) else terms.either(*parts)
        case ast.UnaryOp(operand=operand):
            return terms.negation(condition(terms, operand, named))
        case ast.Compare(left=left, ops=ops, comparators=others):
            numbers = [_number(terms, one, named) for one in (left, *others)]
            parts = []
            for place, op in enumerate(ops):
                a, b = numbers[place], numbers[place + 1]
                if isinstance(op, ast.NotEq):
                    parts.append(terms.negation(a == b))
                else:
                    parts.append(getattr(a, _OPERATORS[type(op)])(b))
            return terms.both(*parts)
    raise TypeError(ast.dump(node))


def _number(terms: Products, node: ast.expr, named: Named) -> Integer:
    """Return the number that an expression stands for."""
    match node:
        case ast.Constant(value=int(value)):
            return integers.constant(terms, value)
        case ast.UnaryOp(operand=operand):
            return 0 - _number(terms, operand, named)
        case ast.BinOp(op=ast.LShift(), left=left, right=ast.Constant(value=int(places))):
            return _number(terms, left, named) << places
        case ast.BinOp(op=ast.BitAnd(), left=left, right=ast.Constant(value=int(mask))):
            return _number(terms, left, named) & mask
        case ast.BinOp(op=op, left=left, right=right):
            a, b = (_number(terms, one, named) for one in (left, right))
            made: Integer = getattr(a, _OPERATORS[type(op)])(b)
            return made
        case ast.Call(args=[argument]):
            word = named(dotted(argument) or "").word
            top = 1 << terms.width(word) - 1
            return Integer(terms, word, -top, top - 1, True)
    return named(dotted(node) or "")
