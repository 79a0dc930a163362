"""Derivatives as readable formulas, made by running an op's own rule on symbols.

There is no second table of derivatives here that could disagree with the engine: a rule is a function of an
interpreter `xp` and its operands, and `Symbols` is the interpreter that writes down what the rule does.

An expression is a nested list: `["slot", 0]` is the op's first argument, `["slot", "out"]` its output,
`["slot", "g"]` the upstream gradient, `["num", 2.0]` a number, `["text", "axis=0"]` an option, and
`[function, *arguments]` everything else. It is plain data, so a trace can hold it.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from numbers import Number
from typing import Any

import numpy as np

from chainrule.viz.notation import Expression, text

_ALIASES = {
    "subtract": "sub",
    "multiply": "mul",
    "divide": "div",
    "true_divide": "div",
    "negative": "neg",
    "power": "pow",
}


class Symbol:
    """An operand that writes down what is done to it.

    Args:
        tree: The expression it stands for.
        shape: The shape of what it stands for, for rules that ask.
        dtype: Its dtype, likewise.
    """

    __slots__ = ("dtype", "shape", "tree")
    __array_ufunc__ = None
    __iter__ = None  # else `for x in symbol` would never end

    def __init__(self, tree: Expression, shape: tuple[int, ...] = (), dtype: Any = float) -> None:
        self.tree = tree
        self.shape = shape
        self.dtype = dtype

    @property
    def ndim(self) -> int:
        """How many axes it has."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many entries it has."""
        return math.prod(self.shape)

    def __add__(self, other: Any) -> Symbol:
        return _apply("add", self, other)

    def __radd__(self, other: Any) -> Symbol:
        return _apply("add", other, self)

    def __sub__(self, other: Any) -> Symbol:
        return _apply("sub", self, other)

    def __rsub__(self, other: Any) -> Symbol:
        return _apply("sub", other, self)

    def __mul__(self, other: Any) -> Symbol:
        return _apply("mul", self, other)

    def __rmul__(self, other: Any) -> Symbol:
        return _apply("mul", other, self)

    def __neg__(self) -> Symbol:
        return _apply("neg", self)

    def __matmul__(self, other: Any) -> Symbol:
        return _apply("matmul", self, other)

    def __getitem__(self, index: Any) -> Symbol:
        return Symbol(["getitem", self.tree, ["text", _option(index)]], self.shape, self.dtype)

    def __repr__(self) -> str:
        return f"Symbol({text(self.tree)!r})"


class Symbols:
    """The interpreter `xp` of symbols: every function it is asked for writes itself down.

    Example:
        >>> xp = Symbols()
        >>> x = Symbol(["slot", 0])
        >>> text(xp.div(1, xp.sqrt(x)).tree, {0: "x"})
        '1/sqrt(x)'
    """

    @staticmethod
    def shape(operand: Any) -> tuple[int, ...]:
        """A rule asks for shapes to decide what to do, so it gets real ones."""
        return operand.shape if isinstance(operand, Symbol) else np.shape(operand)

    @staticmethod
    def ndim(operand: Any) -> int:
        """How many axes an operand has."""
        return len(Symbols.shape(operand))

    def __getattr__(self, name: str) -> Callable[..., Symbol]:
        if name.startswith("_"):
            raise AttributeError(name)

        def write(*arguments: Any, **options: Any) -> Symbol:
            return _apply(_ALIASES.get(name, name), *arguments, **options)

        return write


def derive(
    rules: Sequence[Callable[..., Any] | None],
    operands: Sequence[Symbol],
    out: Symbol,
    params: Mapping[str, Any],
    *,
    upstream: bool,
) -> list[Expression | None]:
    """Run an op's rules on symbols.

    Args:
        rules: One per argument, `rule(xp, g, out, *operands, **params)`; None where nothing flows back.
        operands: The symbols of the arguments.
        out: The symbol of the output.
        params: The op's parameters, as in the graph.
        upstream: Whether the upstream gradient is a symbol too (else it is 1: the local derivative).

    Returns:
        Per argument an expression, or None where there is no rule or it needs real data to run.

    >>> x, out = Symbol(["slot", 0]), Symbol(["slot", "out"])
    >>> tree, = derive([lambda xp, g, out, x: g * (1 - out * out)], [x], out, {}, upstream=True)
    >>> text(tree, {"g": "g", "out": "y"})
    'g·(1 − y²)'
    """
    g = Symbol(["slot", "g"] if upstream else ["num", 1.0], out.shape, out.dtype)
    return [None if rule is None else run(rule, g, out, *operands, **params) for rule in rules]


def run(function: Callable[..., Any], *operands: Any, **params: Any) -> Expression | None:
    """Run `function(xp, *operands, **params)` on symbols.

    Args:
        function: A rule or an op's forward function.
        operands: Symbols and numbers.
        params: Passed on.

    Returns:
        What it wrote down, or None where it needs real data to run.
    """
    try:
        result = function(Symbols(), *operands, **params)
    except (TypeError, ValueError, AttributeError, IndexError):
        return None  # such a rule looks into its arrays; the page then names the op instead
    return None if result is None or result is NotImplemented else _tree(result)


def _apply(function: str, *arguments: Any, **options: Any) -> Symbol:
    trees = [_tree(argument) for argument in arguments]
    unsaid = "keepdims"  # it keeps the books, and says nothing of what is computed
    shown = {name: value for name, value in options.items() if value is not None and name != unsaid}
    trees += [["text", f"{name}={_option(value)}"] for name, value in shown.items()]
    like = next((argument for argument in arguments if isinstance(argument, Symbol)), None)
    dtype = like.dtype if like else float
    return Symbol(_simplify([function, *trees]), _shape(function, arguments), dtype)


def _shape(function: str, arguments: tuple[Any, ...]) -> tuple[int, ...]:
    """The shape of a result, as far as rules ask for it: broadcasting, and what rearranges axes."""
    if function in ("reshape", "broadcast_to") and isinstance(arguments[1], tuple):
        return arguments[1]
    shapes = [argument.shape for argument in arguments if isinstance(argument, Symbol)]
    if function == "swapaxes" and len(shapes[0]) > 1:
        axes = list(shapes[0])
        i, j = arguments[1:]
        axes[i], axes[j] = axes[j], axes[i]
        return tuple(axes)
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        return max(shapes, key=len, default=())


def _tree(value: Any) -> Expression:
    if isinstance(value, Symbol):
        return value.tree
    if isinstance(value, (bool, Number)) or (hasattr(value, "item") and getattr(value, "size", 0) == 1):
        number = float(value.item() if hasattr(value, "item") else value)
        return ["num", number] if math.isfinite(number) else ["text", str(number)]
    if isinstance(value, tuple) and any(isinstance(item, Symbol) for item in value):
        return ["tuple", *(_tree(item) for item in value)]
    return ["text", _option(value)]


def _option(value: Any) -> str:
    if isinstance(value, slice):
        parts = ["" if part is None else str(part) for part in (value.start, value.stop)]
        return ":".join(parts) + ("" if value.step is None else f":{value.step}")
    if value is Ellipsis:
        return "…"
    if isinstance(value, (tuple, list)):
        inner = ", ".join(_option(item) for item in value)
        return inner if any(isinstance(item, slice) for item in value) else f"({inner})"
    return str(value) if isinstance(value, (int, float, str, bool)) else type(value).__name__


def _is(tree: Expression, number: float) -> bool:
    return bool(tree[0] == "num" and tree[1] == number)


def _simplify(tree: Expression) -> Expression:
    """Leave out what a reader would: ones, zeros, double signs, arithmetic on plain numbers."""
    function, *arguments = tree
    if function in _ARITHMETIC and len(arguments) == 2 and all(a[0] == "num" for a in arguments):
        return ["num", float(_ARITHMETIC[function](arguments[0][1], arguments[1][1]))]
    simpler = _SIMPLER.get(function)
    return tree if simpler is None else simpler(tree)


def _product(tree: Expression) -> Any:
    match tree:
        case ["mul", one, other] | ["mul", other, one] if _is(one, 1):
            return other
        case ["mul", one, other] | ["mul", other, one] if _is(one, -1):
            return _negative(["neg", other])
        case ["mul", zero, _] | ["mul", _, zero] if _is(zero, 0):
            return zero
        case ["mul", same, other] if same == other:
            return ["pow", same, ["num", 2.0]]
        case ["mul", ["neg", left], right]:
            return ["neg", _product(["mul", left, right])]
        case ["mul", ["mul", left, same], other] if same == other:
            return ["mul", left, ["pow", same, ["num", 2.0]]]
        case ["mul", ["div", one, below], right] if _is(one, 1):
            return ["div", right, below]
    return tree


def _sum(tree: Expression) -> Any:
    match tree:
        case ["add", zero, other] | ["add", other, zero] | ["sub", other, zero] if _is(zero, 0):
            return other
        case ["sub", zero, other] if _is(zero, 0):
            return _negative(["neg", other])
    return tree


def _quotient(tree: Expression) -> Any:
    match tree:
        case ["div", other, one] if _is(one, 1):
            return other
        case ["div", ["neg", above], below]:
            return ["neg", ["div", above, below]]
    return tree


def _power(tree: Expression) -> Any:
    match tree:
        case ["pow", other, one] if _is(one, 1):
            return other
        case ["pow", _, zero] if _is(zero, 0):
            return ["num", 1.0]
    return tree


def _negative(tree: Expression) -> Any:
    match tree:
        case ["neg", ["neg", other]]:
            return other
        case ["neg", ["num", number]]:
            return ["num", -number]
    return tree


def _choice(tree: Expression) -> Any:
    _, condition, yes, no = tree
    return (yes if condition[1] else no) if condition[0] == "num" else tree


def _both(tree: Expression) -> Any:
    match tree:
        case ["logical_and", ["num", truth], other] | ["logical_and", other, ["num", truth]]:
            return other if truth else ["num", 0.0]
    return tree


def _guarded(tree: Expression) -> Any:
    return tree[2]  # guard(g, result): where g is zero the result is too, whatever the local derivative


def _spread(tree: Expression) -> Any:
    match tree:
        case ["broadcast_to", ["reshape", inner, _], shape]:
            return ["broadcast_to", inner, shape]
    return tree


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "equal": operator.eq,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "less": operator.lt,
    "logical_and": lambda a, b: bool(a) and bool(b),
}
_SIMPLER: dict[str, Callable[[Expression], Any]] = {
    "mul": _product,
    "add": _sum,
    "sub": _sum,
    "div": _quotient,
    "pow": _power,
    "neg": _negative,
    "where": _choice,
    "logical_and": _both,
    "guard": _guarded,
    "broadcast_to": _spread,
    "zeros_like": lambda tree: ["num", 0.0],
    "ones_like": lambda tree: ["num", 1.0],
}
