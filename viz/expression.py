"""A formula typed as text, computed with Values: names, numbers, operators and the library's functions, nothing else.

The text is parsed, never evaluated as code.
"""

from __future__ import annotations

import ast
import math
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

from chainrule.autograd import ops
from chainrule.autograd.node import Node
from chainrule.autograd.op import OPS
from chainrule.autograd.value import Value
from chainrule.nn.names import look_up

LONGEST = 1_000  # characters
CONSTANTS = {"pi": math.pi, "e": math.e}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    op.name: getattr(ops, op.name)
    for op in OPS
    if op.scalar is not None and op.structure != "constant" and hasattr(ops, op.name) and op.name != "guard"
}
"""What may be called: the differentiable functions of numbers."""
_BINARY: dict[type[ast.operator], Callable[..., Any]] = {
    ast.Add: ops.add,
    ast.Sub: ops.sub,
    ast.Mult: ops.mul,
    ast.Div: ops.div,
    ast.Pow: ops.pow,
}


def compute(expression: str, at: Mapping[str, float]) -> Value:
    """Compute a formula at a point.

    Args:
        expression: Such as "tanh(w*x + b)"; with the operators + - * / ** and parentheses, numbers, pi and e.
        at: The numbers that the names stand for.

    Returns:
        The result; its leaves bear the names.

    Raises:
        ValueError: The text is no such formula, a name has no number, or a number no name; says where and what to
            write.

    Example:
        >>> y = compute("tanh(w*x + b)", {"w": 2.0, "x": -1.0, "b": 0.5})
        >>> round(y.data, 4)
        -0.9051
    """
    if len(expression) > LONGEST:
        raise ValueError(f"the expression has {len(expression):,} characters, at most {LONGEST:,} are drawn")
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, MemoryError, RecursionError) as error:
        place = f" at character {error.offset}" if isinstance(error, SyntaxError) and error.offset else ""
        raise ValueError(
            f"cannot read the expression {expression!r}{place}; write it as in Python: tanh(w*x + b)"
        ) from None
    reader = _Reader(expression.strip(), at)
    result = reader.value(tree)
    if unused := [name for name in at if name not in reader.leaves]:
        raise ValueError(f"{unused[0]} was given a number, but {expression!r} does not use it")
    if not isinstance(result, Value):
        raise ValueError(
            f"{expression!r} holds no name, so there is nothing to differentiate; write x for a number"
        )
    return result


def numbers(text: str) -> dict[str, float]:
    """Read what names stand for.

    Args:
        text: Such as "w=2,x=-1,b=0.5".

    Returns:
        The numbers by name, in their order.

    Raises:
        ValueError: It is no such text.

    Example:
        >>> numbers("w=2, x=-1")
        {'w': 2.0, 'x': -1.0}
    """
    found: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, number = (piece.strip() for piece in part.partition("="))
        try:
            value = float(number)
        except ValueError:
            equals = ""
        if not equals or not name.isidentifier():
            raise ValueError(f"cannot read {part!r}: write names and numbers as in w=2,x=-1,b=0.5")
        if name in found:
            raise ValueError(f"{name} is given twice, as {found[name]:g} and {value:g}")
        found[name] = value
    return found


class _Reader:
    """Computes a syntax tree, and refuses all that is no formula."""

    def __init__(self, text: str, at: Mapping[str, float]) -> None:
        self.text = text
        self.at = at
        self.leaves: dict[str, Value] = {}

    def value(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(int() | float() as number) if not isinstance(number, bool):
                return self.number(number, node)
            case ast.Name(name):
                return self.leaf(name)
            case ast.UnaryOp(ast.USub(), ast.Constant(int() | float() as number)):
                return -self.number(number, node)
            case ast.UnaryOp(ast.USub(), inner):
                return ops.neg(self.value(inner))
            case ast.UnaryOp(ast.UAdd(), inner):
                return self.value(inner)
            case ast.BinOp(left, operator, right) if type(operator) in _BINARY:
                return _BINARY[type(operator)](self.value(left), self.value(right))
            case ast.BinOp(_, ast.BitXor(), _):
                raise self.refusal(node, "^ is no power in Python: write **")
            case ast.Call(ast.Name(name), arguments, keywords):
                return self.call(node, name, arguments, keywords)
        raise self.refusal(
            node, "an expression holds names, numbers, + - * / ** and functions such as tanh(x)"
        )

    def number(self, number: float, node: ast.expr) -> float:
        try:
            return float(number)
        except OverflowError:
            raise self.refusal(node, "this number is larger than any float") from None

    def leaf(self, name: str) -> Any:
        if name in self.at:
            return self.leaves.setdefault(name, Value(self.at[name], label=name))
        if name in CONSTANTS:
            return CONSTANTS[name]
        given = ", ".join(f"{known}={number:g}" for known, number in self.at.items())
        raise ValueError(
            f"{name} has no number: write --at {given + ', ' if given else ''}{name}=1.0".replace(", ", ",")
        )

    def call(self, node: ast.expr, name: str, arguments: list[ast.expr], keywords: list[ast.keyword]) -> Any:
        function = look_up("function", name, FUNCTIONS)
        operands = [self.value(argument) for argument in arguments]
        settings = {keyword.arg or "": self.value(keyword.value) for keyword in keywords}
        if "" in settings or any(isinstance(setting, Node) for setting in settings.values()):
            raise self.refusal(node, "a setting such as slope=0.1 is a plain number")
        try:
            return function(*operands, **settings)
        except TypeError as error:
            raise self.refusal(node, str(error)) from None

    def refusal(self, node: ast.expr, why: str) -> ValueError:
        part = textwrap.shorten(ast.get_source_segment(self.text, node) or self.text, 60, placeholder="…")
        return ValueError(f"cannot use {part!r} in an expression: {why}")
