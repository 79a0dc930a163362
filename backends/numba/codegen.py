"""Derivative rules become kernels: the rule is run on symbols, and what it did is written down as one loop.

A rule is a function `rule(xp, g, out, *inputs, **params)` of `chainrule.autograd`. With NumPy each of its operators
is a pass over memory and a new array; the loop generated here reads every operand once and writes once. No
derivative is written a second time.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from chainrule.backends.numba import math
from chainrule.backends.numba.bits import select
from chainrule.backends.numba.coefficients import Format
from chainrule.backends.numba.compile import inlined, kernel, read_only, writeable
from chainrule.backends.numba.elementwise import FORMATS
from chainrule.backends.numba.slices import LARGE, Sliced

Array = NDArray[Any]
OWN = 0x505  # `flags.num` of an array that owns its memory: C-contiguous, aligned, writeable
# A number in place of an array, a dtype without a kernel, a parameter that is no number, such as clip's missing bound.
MISFITS = (AttributeError, KeyError, TypeError)
ELEMENTARY = ("exp", "expm1", "log", "log1p", "tanh", "sigmoid", "softplus", "silu", "erf", "gelu", "relu")
# Everything else that a rule may say, as the expression it becomes.
EXPRESSIONS = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "neg": "-{0}",
    "square": "{0} * {0}",
    "sqrt": "sqrt({0})",
    "abs": "abs({0})",
    "sign": "select({0} > zero, one, select({0} < zero, -one, {0}))",
    "where": "select({0}, {1}, {2})",
    "maximum": "select(({0} > {1}) | ({0} != {0}), {0}, {1})",  # NaN if either is
    "minimum": "select(({0} < {1}) | ({0} != {0}), {0}, {1})",
    "greater": "{0} > {1}",
    "greater_equal": "{0} >= {1}",
    "less": "{0} < {1}",
    "less_equal": "{0} <= {1}",
    "equal": "{0} == {1}",
    "not_equal": "{0} != {1}",
    "logical_and": "{0} & {1}",
    "zeros_like": "zero",
    "guard": "select({0} == zero, zero, {1})",
}
# What is finite for all numbers, or, as `guard`, where the cotangent is zero; and what is where its operands are.
BOUNDED = ("tanh", "sigmoid", "erf", "sign", "zeros_like", "guard")
CLOSED = ("add", "sub", "mul", "neg", "square", "abs", "maximum", "minimum", "where")


class NotElementwise(Exception):
    """The rule uses a function that has no expression here."""


class Program:
    """The lines that running a rule on symbols has written so far; equal lines are written once."""

    def __init__(self) -> None:
        self.lines: dict[str, str] = {}  # expression -> name
        self.constants: dict[str, float] = {}
        self.read: set[str] = set()
        self.finite: set[str] = set()  # names of what is finite where the cotangent is zero

    def write(self, name: str, operands: Sequence[Any]) -> "Symbol":
        """Add one line and return the symbol of its result."""
        expression = EXPRESSIONS.get(name, f"{name}({{0}})").format(*map(self.text, operands))
        result = Symbol(self, self.lines.setdefault(expression, f"t{len(self.lines)}"))
        numbers = operands[1:] if name == "where" else operands
        if name in BOUNDED or (name in CLOSED and all(map(self.is_finite, numbers))):
            self.finite.add(result.name)
        return result

    def is_finite(self, operand: Any) -> bool:
        """Whether a symbol or a constant is known to be finite where the cotangent is zero."""
        return not isinstance(operand, Symbol) or operand.name in self.finite

    def text(self, operand: Any) -> str:
        """The name of a symbol, or of a constant."""
        if isinstance(operand, Symbol):
            self.read.add(operand.name)
            return operand.name
        name = f"c{float(operand)}".replace(".", "_").replace("-", "m").replace("+", "")
        self.constants[name] = float(operand)
        return name


class Symbol:
    """Stands for an element of an array; operators on it write lines."""

    def __init__(self, program: Program, name: str) -> None:
        self.program, self.name = program, name

    def __neg__(self) -> "Symbol":
        return self.program.write("neg", (self,))

    # of a parameter, which is a number where nothing is generated
    def __rtruediv__(self, other: float) -> "Symbol":
        return self.program.write("div", (other, self))


def _operator(name: str, reflected: bool) -> Callable[[Symbol, Any], Symbol]:
    def method(self: Symbol, other: Any) -> Symbol:
        return self.program.write(name, (other, self) if reflected else (self, other))

    return method


for _name in ("add", "sub", "mul"):
    setattr(Symbol, f"__{_name}__", _operator(_name, reflected=False))
    setattr(Symbol, f"__r{_name}__", _operator(_name, reflected=True))


class Kernels(dict[np.dtype[Any], Any]):
    """The kernels of one rule by dtype, each compiled when it is first looked up."""

    def __init__(self, compiled: Callable[[Format], Any]) -> None:
        self.compiled = compiled

    def __missing__(self, dtype: np.dtype[Any]) -> Any:
        found = self[dtype] = self.compiled(FORMATS[dtype])
        return found


class Table:
    """The `xp` that a rule is run with: every function of it writes a line."""

    def __init__(self, program: Program) -> None:
        self._program = program

    def __getattr__(self, name: str) -> Callable[..., Symbol]:
        if name not in EXPRESSIONS and name not in ELEMENTARY:
            raise NotElementwise(name)
        return lambda *operands: self._program.write(name, operands)


class Fused:
    """A derivative rule as a kernel, for operands of one shape and float format.

    Attributes:
        source: the generated functions, for reading.
        text: the same with the constants' values: what a kernel of these functions depends on.
        reads: for g, out and each input, whether the rule reads it.
        operations: how many operations the rule does on an element.
        cotangent: `(g, out, *inputs, **params)` to the rule's result, or to None where the operands are not arrays
            of g's shape and format. It is generated too: a loop over operands would cost more than the kernel of
            a small layer.
        cotangent_over: the same, written over g.
    """

    def __init__(
        self, name: str, rule: Callable[..., Any], inputs: Sequence[str], params: Sequence[str]
    ) -> None:
        self.name, self.params, program = name, list(params), Program()
        arrays = ["g", "out", *inputs]
        symbols = {n: Symbol(program, n) for n in (*arrays, *params)}
        program.finite |= {"g", *(["out"] if name.partition("-")[0] in BOUNDED else [])}
        value = rule(Table(program), *map(symbols.get, arrays), **{n: symbols[n] for n in params})
        result = program.text(value)
        self.reads, self.operations = [n in program.read for n in arrays], len(program.lines)
        self.constants = program.constants
        read = [n for n in arrays if n in program.read]
        if "g" in read and not program.is_finite(value):
            # NumPy reports a NaN that 0 times inf has made, and the walk begins again, with guards. Nobody would
            # hear it of a kernel, so that has the guard in it; a NaN among the operands stays one, as there.
            numbers = " & ".join(["(g == zero)", *(f"({n} == {n})" for n in read if n != "g")])
            result = f"select({numbers}, zero, {result})"
        lines = [f"    {target} = {expression}" for expression, target in program.lines.items()]
        elements, flat = ", ".join([*(f"{n}[i]" for n in read), *params]), [f"{n}.ravel()" for n in read]
        checks = [
            "    try:",
            "        dtype, shape = g.dtype, g.shape",
            *(f"        if {n}.dtype is not dtype or {n}.shape != shape: return None" for n in read[1:]),
        ]
        self.source = "\n".join(
            [
                f"def rule({', '.join([*read, *params])}):",
                *lines,
                f"    return {result}",
                f"def loop({', '.join([*read, *params, 'result'])}):",
                "    for i in range(result.size):",
                f"        result[i] = rule({elements})",
                f"def loop_over({', '.join([*read, *params])}):",
                "    for i in range(g.size):",
                f"        g[i] = rule({elements})",
                f"def cotangent({', '.join([*arrays, *params])}):",
                *checks,
                "        result = empty(shape, dtype)",
                f"        run = kernels[dtype] if result.size < {LARGE} else shared[dtype]",
                f"        run({', '.join([*flat, *params, 'result.ravel()'])})",
                "        return result",
                "    except MISFITS:",
                "        return None",
                f"def cotangent_over({', '.join([*arrays, *params])}):",
                *checks,
                f"        if g.flags.num & {OWN} != {OWN}: return None",
                f"        run = kernels_over[dtype] if g.size < {LARGE} else shared_over[dtype]",
                f"        run({', '.join([*flat, *params])})",
                "        return g",
                "    except MISFITS:",
                "        return None",
            ]
        )
        self.text = self.source + repr(self.constants)
        shared, over = Kernels(self.compiled), Kernels(self.compiled_over)
        scope: dict[str, Any] = {
            "shared": shared,
            "kernels": Kernels(lambda f: shared[np.dtype(f.real)].alone),
            "shared_over": over,
            "kernels_over": Kernels(lambda f: over[np.dtype(f.real)].alone),
            "empty": np.empty,
            "MISFITS": MISFITS,
        }
        exec(self.source, scope)  # noqa: S102 -- text made above
        self.cotangent: Callable[..., Array | None] = scope["cotangent"]
        self.cotangent_over: Callable[..., Array | None] = scope["cotangent_over"]

    def functions(self, f: Format) -> dict[str, Any]:
        """The generated functions for one format, `rule` to be inlined."""
        scope: dict[str, Any] = {n: f.real(c) for n, c in self.constants.items()}
        scope |= {n: getattr(math, n)(f) for n in ELEMENTARY if f"{n}(" in self.source}
        scope |= {"select": select, "sqrt": np.sqrt, "zero": f.real(0), "one": f.real(1)}
        exec(self.source, scope)  # noqa: S102 -- text made above
        scope["rule"] = inlined(scope["rule"])
        return scope

    def compiled(self, f: Format) -> Sliced:
        """The kernel for one format."""
        arrays, numbers = sum(self.reads), len(self.params)
        types = [read_only(f.real)] * arrays + [_number(f)] * numbers + [writeable(f.real)]
        run = kernel(self.functions(f)["loop"], f"{self.name}-{f.name}", *types, source=self.text)
        return Sliced(run, *range(arrays), arrays + numbers)

    def compiled_over(self, f: Format) -> Sliced:
        """The kernel for one format that writes over g.

        It is a second one: told to write over what it reads, the first would find that its arrays overlap, and go
        element by element.
        """
        arrays, numbers = sum(self.reads), len(self.params)
        types = [writeable(f.real)] + [read_only(f.real)] * (arrays - 1) + [_number(f)] * numbers
        run = kernel(self.functions(f)["loop_over"], f"{self.name}-over-{f.name}", *types, source=self.text)
        return Sliced(run, *range(arrays))


def _number(f: Format) -> Any:
    """The type of a parameter."""
    return numba.from_dtype(np.dtype(f.real))


def fuse(name: str, rule: Callable[..., Any], arity: int) -> Callable[..., Array | None] | None:
    """Make the kernel of one derivative rule.

    Args:
        name: names it on disk: the op's, a dash, the argument.
        rule: `rule(xp, g, out, *inputs, **params)`, which is linear in g.
        arity: how many inputs; the names after them are numbers.

    Returns:
        A function `(g, out, *inputs, **params)` that returns the cotangent, or None where the operands need NumPy
        (what the rule does not read may be None). None if `fusible` returns None.

    Example:
        >>> square = fuse("square", lambda xp, g, out, x: g * 2 * x, 1)
        >>> square(np.array([1.0, 2.0]), None, np.array([3.0, 5.0]))
        array([ 6., 20.])
    """
    found = fusible(name, rule, arity)
    return None if found is None else found.cotangent


def fuse_over(name: str, rule: Callable[..., Any]) -> Callable[..., Array | None] | None:
    """Make the kernel of the derivative rule of a function of one array that writes the cotangent over g.

    Args:
        name: names it on disk.
        rule: `rule(xp, g, out, x, **params)`.

    Returns:
        A function `(g, out, x, **params)` that returns g, or None, with nothing changed, where the operands need
        NumPy. None if `fusible` returns None.

    Example:
        >>> g = np.array([1.0, 2.0])
        >>> fuse_over("square", lambda xp, g, out, x: g * 2 * x)(g, None, np.array([3.0, 5.0])) is g
        True
        >>> g
        array([ 6., 20.])
    """
    found = fusible(name, rule, 1)
    return None if found is None or not found.reads[0] else found.cotangent_over


def fusible(name: str, rule: Callable[..., Any], arity: int) -> Fused | None:
    """Write down a rule, arguments as for `fuse`; None if it is more than elementwise, or a single operation.

    In a single operation NumPy is as fast.
    """
    names = list(inspect.signature(inspect.unwrap(rule)).parameters)[3:]
    try:
        found = Fused(name, rule, names[:arity], names[arity:])
    except (AttributeError, NotElementwise, TypeError):  # it does what only an array, a text or a node can
        return None
    return found if found.operations > 1 else None
