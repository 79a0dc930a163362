"""Functions of functions: gradients, products with the Jacobian from either side, second derivatives.

Each calls the function on fresh inputs, which records a graph, and walks that. Numbers and arrays in, numbers and
arrays out; where a Value or Tensor that requires grad is involved, the walk is recorded too and gives nodes, so
that transforms nest: `grad(grad(f))`.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.autograd import ops, tree, walk as walks
from chainrule.autograd.constants import as_constant, odd_column
from chainrule.autograd.errors import ShapeError
from chainrule.autograd.forward import push
from chainrule.autograd.mode import current, enable_grad
from chainrule.autograd.node import Node, data_of
from chainrule.autograd.tensor import Tensor
from chainrule.autograd.value import Value

Function = Callable[..., Any]


class _Tape:
    """One call of a function on fresh inputs, and what is needed to walk it."""

    def __init__(
        self,
        name: str,
        function: Function,
        args: Sequence[Any],
        argnums: Sequence[int],
        settings: dict[str, Any] | None = None,
        nested: bool = False,
    ) -> None:
        if isinstance(function, Node):
            raise TypeError(
                f"{name} takes a function, not the {type(function).__name__} that it computed; for a computed result "
                "call result.backward() and read the .grad of its inputs"
            )
        self.name = name
        for i in argnums:
            if not isinstance(i, int):
                raise TypeError(f"{name}: argnums counts positional arguments from 0, got {i!r}")
            if not -len(args) <= i < len(args):
                raise TypeError(f"{name}: there is no argument {i}: the function was called with {len(args)}")
        if len({i % len(args) for i in argnums}) != len(argnums):
            raise ValueError(f"{name}: argnums {tuple(argnums)} names an argument twice")
        self.trees = [args[i] for i in argnums]
        given = [leaf for part in self.trees for leaf in tree.leaves(part)]
        recording = current().grad
        with enable_grad():
            self.inputs = [_fresh(name, leaf) for leaf in given]
            fresh = iter(self.inputs)
            call = list(args)
            for i, part in zip(argnums, self.trees, strict=True):
                call[i] = tree.rebuild(part, [next(fresh) for _ in tree.leaves(part)])
            self.returned = function(*call, **(settings or {}))
        self.results = tree.leaves(self.returned) if nested else [self.returned]
        for result in self.results:
            if not isinstance(result, Node):
                raise TypeError(
                    f"{name}: the function returned {type(result).__name__}, not a Value or Tensor; "
                    "compute with chainrule's functions so that the graph is recorded"
                )
        self.result: Any = self.results[0] if self.results else None
        self.nodes_in = [isinstance(leaf, Node) for leaf in given]
        for x in self.inputs:
            if x.op is None:  # from here on a constant to every transform around this one
                x.requires_grad = False
        self.interior, found = walks.graph(self.results)
        outside = set(found) - set(self.inputs)
        self.recorded = recording and any(leaf.requires_grad for leaf in outside)
        self.wanted = walks.dependents(self.interior, self.inputs)

    @property
    def algebra(self) -> walks.Algebra:
        if self.recorded:
            return walks.NODES
        scalar = all(isinstance(node, Value) for node in (*self.results, *self.inputs, *self.interior))
        return walks.FLOATS if scalar else walks.arrays()

    def pull(self, cotangent: Any, result: Any = None) -> list[Any]:
        """Return the cotangent of each input, zeros where the result does not depend on it."""
        recorded = self.recorded or (isinstance(cotangent, Node) and cotangent.requires_grad)
        if not recorded:
            cotangent = data_of(cotangent)
        cotangents: dict[Node, Any] = {self.result if result is None else result: cotangent}
        inputs = set(self.inputs)
        path = [n for n in self.interior if n in self.wanted and n not in inputs]
        with enable_grad():
            algebra = walks.NODES if recorded else self.algebra
            walks.walk(path, cotangents, algebra, self.wanted, keep=False)
        found = [cotangents[x] if x in cotangents else ops.zeros_like(x) for x in self.inputs]
        return [self.give(g, node, recorded) for g, node in zip(found, self.nodes_in, strict=True)]

    def give(self, found: Any, node: bool, recorded: bool) -> Any:
        """Return a number or array of the caller's own, or a node if nodes are involved."""
        if recorded and isinstance(found, Node):
            return found
        plain = data_of(found)
        if isinstance(plain, np.ndarray | np.generic):
            plain = np.array(plain)
        elif isinstance(plain, int):
            plain = float(plain)
        if node or recorded:
            return (
                Value(plain, requires_grad=False) if isinstance(plain, float) else Tensor(plain, None, False)
            )
        return plain

    def value(self) -> Any:
        """Return the function's result: itself where nodes are involved, else its number or array."""
        given = [self.give(result, any(self.nodes_in), self.recorded) for result in self.results]
        return tree.rebuild(self.returned, given) if given else self.returned

    def seed(self) -> Any:
        """Return the cotangent 1 of a scalar result."""
        if isinstance(self.result, Value):
            return 1.0
        if self.result.size != 1:
            raise ShapeError(
                f"{self.name}: the function must return a scalar, got shape {self.result.shape}; reduce it with "
                ".sum() or .mean(), or use chainrule.jacobian"
            )
        return np.ones_like(self.result._data)

    def shaped(self, parts: Sequence[Any]) -> list[Any]:
        """Return leaves put back into the containers that the caller passed."""
        remaining = iter(parts)
        return [tree.rebuild(part, [next(remaining) for _ in tree.leaves(part)]) for part in self.trees]


def _fresh(name: str, leaf: Any) -> Node:
    """Return an input of its own: a leaf, or a node that only passes on what is already in a graph."""
    if isinstance(leaf, Node):
        if leaf.requires_grad:
            fresh: Node = ops.identity(leaf)
            return fresh
        return Value(leaf._data) if isinstance(leaf, Value) else Tensor(leaf._data, None, True)
    if isinstance(leaf, float | int) and not isinstance(leaf, bool):
        return Value(leaf)
    array = as_constant(name, leaf, Node)
    if array.dtype.kind != "f":
        raise TypeError(
            f"{name}: cannot differentiate with respect to dtype {array.dtype}{odd_column(leaf)}; pass floats"
        )
    return Tensor(array)


def _named(transform: str, result: str, f: Function) -> Callable[[Function], Function]:
    """Name a transform's function after the one that it was given, as `help` and tracebacks show it."""

    def rename(function: Function) -> Function:
        name = getattr(f, "__name__", type(f).__name__)
        function.__name__ = function.__qualname__ = f"{transform}({name})"
        function.__module__ = getattr(f, "__module__", function.__module__)
        about = inspect.getdoc(f) if inspect.isroutine(f) else None
        function.__doc__ = f"{result} of `{name}`." + (f"\n\n{about}" if about else "")
        function.__wrapped__ = f  # type: ignore[attr-defined]  # whose arguments `inspect.signature` shows
        return function

    return rename


def value_and_grad(f: Function, argnums: int | tuple[int, ...] = 0) -> Function:
    """Return a function that gives `f` and its gradient.

    Args:
        f: a function whose result is a scalar Value or Tensor.
        argnums: the argument to differentiate by, or several. An argument may be a nest of dicts, lists and tuples.

    Returns:
        A function of the same arguments that returns (value, gradient); the gradient has the form of the argument,
        and is a tuple if `argnums` is one.
        Numbers are passed to f as Values, arrays as Tensors, keyword arguments as they are.

    Raises:
        ShapeError: the result is no scalar.
        TypeError: the result is no node, or an argument has no float type.

    Example:
        >>> value_and_grad(lambda x: x * x)(3.0)
        (9.0, 6.0)
    """
    numbers = (argnums,) if isinstance(argnums, int) else argnums

    if isinstance(f, Node):
        _Tape("grad", f, (), ())  # raises, with advice

    @_named("value_and_grad", "The value and gradient", f)
    def function(*args: Any, **settings: Any) -> Any:
        tape = _Tape("grad", f, args, numbers, settings)
        found = tape.shaped(tape.pull(tape.seed()))
        return tape.value(), found[0] if isinstance(argnums, int) else tuple(found)

    return function


def grad(f: Function, argnums: int | tuple[int, ...] = 0) -> Function:
    """Return the gradient of a function, as a function; see `value_and_grad`.

    Example:
        >>> f = lambda x: x**3
        >>> grad(f)(2.0), grad(grad(f))(2.0), grad(grad(grad(f)))(2.0)
        (12.0, 12.0, 6.0)
    """
    both = value_and_grad(f, argnums)

    @_named("grad", "The gradient", f)
    def function(*args: Any, **settings: Any) -> Any:
        return both(*args, **settings)[1]

    return function


def vjp(f: Function, *args: Any) -> tuple[Any, Function]:
    """Return f(*args) and a function that multiplies a cotangent by the Jacobian: gᵀJ.

    Args:
        f: a function whose result is a Value or Tensor of any shape.
        args: where; each may be a nest of dicts, lists and tuples.

    Returns:
        The value, and a function from a cotangent of the value's shape to a tuple of cotangents, one per argument.

    Example:
        >>> value, pull = vjp(lambda x: x * x, np.array([1.0, 2.0]))
        >>> pull(np.array([1.0, 10.0]))
        (array([ 2., 40.]),)
    """
    tape = _Tape("vjp", f, args, range(len(args)))

    def pull(cotangent: Any) -> tuple[Any, ...]:
        dims = np.shape(data_of(tape.result))
        if np.shape(data_of(cotangent)) != dims:
            raise ShapeError(
                f"vjp: the cotangent has shape {np.shape(data_of(cotangent))}, the result {dims}; "
                "they must be equal"
            )
        if not isinstance(cotangent, Node):
            cotangent = (
                walks.seed(tape.result, cotangent) if isinstance(tape.result, Tensor) else float(cotangent)
            )
        return tuple(tape.shaped(tape.pull(cotangent)))

    return tape.value(), pull


def jvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Return f(*primals) and its derivative in a direction, J·t: forward mode.

    Args:
        f: a function whose result is a Value or Tensor of any shape, or a nest of dicts, lists and tuples of them.
        primals: the arguments, in a list; each may be a nest.
        tangents: a direction for each, of the same form and shape.

    Returns:
        The value, and the tangent of the value, of its form and shape.

    Raises:
        TypeError: primals or tangents are no list or tuple.
        ValueError: the directions do not fit the arguments.

    Example:
        >>> jvp(lambda x: x * x, [np.array([1.0, 2.0])], [np.array([1.0, 10.0])])[1]
        array([ 2., 40.])
    """
    for what, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, list | tuple):
            raise TypeError(
                f"jvp: {what} is a list with one entry for each argument, got {type(given).__name__}; write [x]"
            )
    if len(primals) != len(tangents):
        raise ValueError(
            f"jvp: primals hold {len(primals)} arguments, tangents {len(tangents)}; give one direction for each"
        )
    tape = _Tape("jvp", f, primals, range(len(primals)), nested=True)
    try:
        directions = tree.aligned(list(primals), list(tangents))
    except ValueError as error:
        raise ValueError(f"jvp: the tangents do not have the form of the primals: {error}") from None
    if any(isinstance(t, Node) and t.requires_grad for t in directions):
        tape.recorded = True
    start = {x: _direction(x, t) for x, t in zip(tape.inputs, directions, strict=True)}
    inputs = set(tape.inputs)
    path = [n for n in reversed(tape.interior) if n in tape.wanted and n not in inputs]
    with enable_grad(), np.errstate(all="ignore"):
        moved = push(path, start, tape.algebra, tape.wanted)
    found = [
        tape.give(moved[x] if x in moved else ops.zeros_like(x), any(tape.nodes_in), tape.recorded)
        for x in tape.results
    ]
    return tape.value(), tree.rebuild(tape.returned, found)


def _direction(x: Node, tangent: Any) -> Any:
    if tangent is None:
        raise TypeError("jvp: a tangent is None; write zeros for an argument that stays where it is")
    dims, wanted = np.shape(data_of(tangent)), np.shape(x._data)
    if dims != wanted:
        raise ShapeError(f"jvp: tangent has shape {dims}, its argument {wanted}; they must be equal")
    if isinstance(tangent, Node):
        return tangent
    return float(tangent) if isinstance(x, Value) else np.array(tangent, dtype=x._data.dtype)


def hvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """Return the Hessian of f times a direction, H·t: forward over reverse, at the cost of a few gradients.

    Args:
        f: a function whose result is a scalar.
        primals: the arguments, in a list; each may be a nest of dicts, lists and tuples.
        tangents: a direction for each, of the same form and shape.

    Returns:
        The product, of the form of the argument; a tuple of them if there are several.

    Example:
        >>> hvp(lambda x: (x**3).sum(), [np.array([1.0, 2.0])], [np.array([1.0, 1.0])])
        array([ 6., 12.])
    """
    several = isinstance(primals, list | tuple) and len(primals) != 1
    return jvp(grad(f, tuple(range(len(primals))) if several else 0), primals, tangents)[1]


def jacobian(f: Function) -> Function:
    """Return the Jacobian of a function of one argument, as a function.

    Args:
        f: takes a number, an array, or a nest of dicts, lists and tuples of them; returns a Value or Tensor of any
            shape, or a nest of them.

    Returns:
        A function from an array to an array of shape (*result, *argument). Where the argument is a nest there is one
        such array for each of its leaves, in the same nest; where the result is one, such a nest for each of its.

    Example:
        >>> jacobian(lambda x: x * x)(np.array([1.0, 2.0]))
        array([[2., 0.],
               [0., 4.]])
        >>> jacobian(lambda p: p["w"] * p["b"])({"w": np.array([1.0, 2.0]), "b": np.array(3.0)})["b"]
        array([1., 2.])
    """

    @_named("jacobian", "The Jacobian", f)
    def function(x: Any) -> Any:
        tape = _Tape("jacobian", f, (x,), (0,), nested=True)
        return tree.rebuild(tape.returned, [_jacobian(tape, result) for result in tape.results])

    return function


def _jacobian(tape: _Tape, result: Node) -> Any:
    """Return the derivatives of one result, in the nest of the argument."""
    if isinstance(result, Value):
        return tape.shaped(tape.pull(1.0, result))[0]
    dims = np.shape(data_of(result))
    rows = []
    for i in range(int(np.prod(dims))):
        unit = np.zeros(dims, data_of(result).dtype)
        unit.flat[i] = 1
        rows.append(tape.pull(unit, result))
    return tape.shaped([_table([row[k] for row in rows], dims, x) for k, x in enumerate(tape.inputs)])[0]


def _table(rows: list[Any], dims: tuple[int, ...], x: Node) -> Any:
    """Return the derivatives of each element by one input, in one array or Tensor."""
    shape = (*dims, *np.shape(x._data))
    if rows and isinstance(rows[0], Node):
        joined = Tensor.from_values(rows) if isinstance(rows[0], Value) else ops.stack(rows)
        return ops.reshape(joined, shape)
    return np.reshape(rows, shape)


def hessian(f: Function) -> Function:
    """Return the matrix of second derivatives of a scalar function of one argument, as a function.

    For a nest of arguments: the result's entry for one leaf holds the nest of its derivatives by all leaves.

    Example:
        >>> hessian(lambda x: (x**3).sum())(np.array([1.0, 2.0]))
        array([[ 6.,  0.],
               [ 0., 12.]])
    """
    return _named("hessian", "The Hessian", f)(jacobian(grad(f)))
