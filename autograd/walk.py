"""The walk: from a result back to everything it was computed from, one edge at a time.

The creation serial is already a topological order, so there is no recursion: find what is reachable, sort it,
go from the latest node to the earliest. Each edge adds one contribution to its parent's gradient; that is all
that backpropagation is. (Why this order: a node's gradient is complete once every later node has contributed.)
"""

from collections.abc import Callable, Container, Iterable, Sequence
from functools import lru_cache, partial
from operator import attrgetter
from sys import getrefcount
from typing import Any

import numpy as np

from chainrule.autograd import mode as modes, ops
from chainrule.autograd.errors import ShapeError
from chainrule.autograd.node import HOOKED, Node, data_of, line_hint, where_made
from chainrule.autograd.op import Op
from chainrule.backends import floats
from chainrule.backends.gradients import gradient, gradient_over

Observer = Callable[["Edge"], None]
_serial = attrgetter("serial")


class Edge:
    """One contribution of a walk.

    Attributes:
        child, parent: the node whose gradient is known, and the operand that it passes some of it to.
        argument: position of the parent among the child's operands.
        upstream: gradient of the child.
        raw: what the rule gave, before un-broadcasting.
        contribution: what was added to the parent's gradient.
        before, after: the parent's gradient; None before the first contribution.
    """

    __slots__ = ("after", "argument", "before", "child", "contribution", "parent", "raw", "upstream")

    def __init__(self, *fields: Any) -> None:
        (self.child, self.parent, self.argument, self.upstream,
         self.raw, self.contribution, self.before, self.after) = fields  # fmt: skip


def graph(roots: Sequence[Node]) -> tuple[list[Node], list[Node]]:
    """Return the operations that `roots` come from, latest first, and the leaves, earliest first."""
    interior: list[Node] = []
    leaves: list[Node] = []
    seen = set(roots)
    stack = list(seen)
    newest = 0
    while stack:
        node = stack.pop()
        if node.op is None:
            leaves.append(node)
            if node.version > newest:
                newest = node.version
            continue
        interior.append(node)
        for parent in node.parents:
            if isinstance(parent, Node) and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    interior.sort(key=_serial, reverse=True)
    leaves.sort(key=_serial)
    if interior and newest > interior[-1].serial:
        refuse_stale(interior)
    return interior, leaves


def dependents(interior: Sequence[Node], sources: Sequence[Node]) -> set[Node]:
    """Return the sources and the operations among `interior` (latest first) that depend on them."""
    found = set(sources)
    for node in reversed(interior):
        if any(isinstance(parent, Node) and parent in found for parent in node.parents):
            found.add(node)
    return found


def refuse_stale(interior: Sequence[Node]) -> None:
    """Raise if a leaf's data changed after an op whose rule needs it was recorded."""
    for node in interior:
        assert node.op is not None
        for position, parent in enumerate(node.parents):
            if isinstance(parent, Node) and parent.version > node.serial and node.op.reads(position):
                name = f"{parent.label!r}" if parent.label else f"argument {position}"
                raise RuntimeError(
                    f"{node.op}: the data of {name}{where_made(parent)} was changed after {node.op} used it"
                    f"{where_made(node)}: version {parent.version} is newer than {node.serial}; its old value is "
                    "gone. Call backward() before you change it, or compute the result again"
                    + line_hint(node)
                )


def run_hooks(node: Node, g: Any) -> Any:
    """Return a node's gradient as its hooks leave it."""
    for hook in (node._hooks or {}).values():
        changed = hook(g)
        g = g if changed is None else _hooked(node, g, changed)
    return g


def _hooked(node: Node, g: Any, changed: Any) -> Any:
    """Return what a hook made of a gradient, as the kind of gradient that it was given."""
    was, got = np.shape(data_of(g)), np.shape(data_of(changed))
    if was != got:
        name = f" of {node.label!r}" if node.label else ""
        raise ShapeError(f"a hook{name} returned shape {got} for a gradient of shape {was}{where_made(node)}")
    if isinstance(g, Node):
        return changed
    plain = data_of(changed)
    return float(plain) if isinstance(g, float) else np.array(plain, g.dtype)


class Algebra:
    """What a walk computes with.

    Attributes:
        xp: the interpreter of the rules.
        nodes: rules are given the nodes themselves, to be recorded, and not their data.
        fit: brings a contribution to the shape and dtype of the operand that it goes to.
    """

    def __init__(self, xp: Any, nodes: bool, fit: Callable[[Any, Any], Any]) -> None:
        self.xp = xp
        self.nodes = nodes
        self.fit = fit
        self.known: dict[Op, Any] = {}  # what `rules` has returned
        self.over: dict[Op, Any] = {}  # what `rules_over` has returned

    def rules(self, op: Op) -> Any:
        """Return for each argument how to compute its cotangent, ``(g, out, *operands, **params)``, or None."""
        found = self.known.get(op)
        if found is None:
            each = [rule and gradient(self.xp, op.name, i, rule, op.arity) for i, rule in enumerate(op.rules)]
            found = self.known[op] = _AnyArgument(each[0]) if op.variadic else each
        return found

    def rules_over(self, op: Op) -> Any:
        """Return the same for an op of one argument, to write the cotangent over g where that is faster."""
        found = self.over.get(op)
        if found is None:
            found, rule = self.rules(op), op.rules[0]
            if rule is not None and not op.variadic:
                found = [gradient_over(self.xp, op.name, rule, found[0])]
            self.over[op] = found
        return found

    def operand(self, x: Any) -> Any:
        """Return what a rule is given for an operand."""
        return x if self.nodes else data_of(x)


class _AnyArgument:
    """The one rule of a variadic op, as a sequence of the rules of its arguments."""

    def __init__(self, rule: Any) -> None:
        self.rule = rule

    def __getitem__(self, argument: int) -> Any:
        return partial(self.rule, position=argument)


def walk(
    interior: Sequence[Node],
    cotangents: dict[Node, Any],
    algebra: Algebra,
    wanted: Container[Node] | None = None,
    keep: bool = True,
    observe: Observer | None = None,
    guarded: bool = False,
) -> None:
    """Carry cotangents from nodes to their operands; `cotangents` is read and filled in place.

    A zero cotangent contributes exactly zero, also where the derivative beside it is infinite: so the branch that
    `where` did not take stays out. To guard every edge costs a look at every array, and is seldom needed: the walk
    goes unguarded, and once more with guards if a nan came out.

    Args:
        interior: operations, latest first.
        cotangents: to start with, those of the roots.
        algebra: floats, arrays or recorded nodes.
        wanted: nodes that contributions go to; None for all that require grad.
        keep: False drops the cotangent of an operation once it has been passed on.
        observe: called with each `Edge` after its contribution.
        guarded: guard every edge from the start, since the graph is to serve other data too.
    """
    if guarded or observe is not None or HOOKED:  # they are to see each edge once
        with np.errstate(all="ignore"):
            _carry(interior, cotangents, algebra, wanted, keep, observe, guarded=True)
        return
    start = dict(cotangents)
    born: list[int] = []
    # The processor notes when an operation makes nan of numbers, and NumPy reports it: no array need be searched.
    with np.errstate(all="ignore", invalid="call", call=lambda _, flag: born.append(flag)):
        _carry(interior, cotangents, algebra, wanted, keep, None, guarded=False)
    if born or _nan_among(cotangents.values()):
        cotangents.clear()
        cotangents.update(start)
        with np.errstate(all="ignore"):
            _carry(interior, cotangents, algebra, wanted, keep, None, guarded=True)


def _nan_among(cotangents: Iterable[Any]) -> bool:
    """Say whether a float, with which Python computes and not NumPy, is nan."""
    for g in cotangents:
        number = g._data if isinstance(g, Node) else g
        if type(number) is float and number != number:
            return True
    return False


def _carry(
    interior: Sequence[Node],
    cotangents: dict[Node, Any],
    algebra: Algebra,
    wanted: Container[Node] | None,
    keep: bool,
    observe: Observer | None,
    guarded: bool,
) -> None:
    """Go once from the latest operation to the earliest; arguments as `walk`."""
    nodes, fit, known = algebra.nodes, algebra.fit, algebra.known
    spend = not (keep or guarded or nodes)  # nobody looks at g once the rules have
    for node in interior:
        g = cotangents.get(node) if keep else cotangents.pop(node, None)
        if g is None:
            continue
        if HOOKED and node.serial in HOOKED:
            g = cotangents[node] = run_hooks(node, g)
        op, parents, params = node.op, node.parents, node._params or {}
        assert op is not None
        guard = guarded and op.structure == "elementwise" and _may_be_zero(g, nodes)
        rules, out = known.get(op) or algebra.rules(op), node
        operands: Sequence[Any] = parents
        if not nodes:
            rules, out, operands = _on_data(node, rules, g)
        raw = contribution = before = after = None  # one of them may be g
        if spend and len(parents) == 1 and node._kept is None and getrefcount(g) == ALONE:
            rules = algebra.rules_over(op)
        for argument, parent in enumerate(parents):
            if not isinstance(parent, Node):
                continue
            if not parent.requires_grad if wanted is None else parent not in wanted:
                continue
            rule = rules and rules[argument]
            if not rule:
                continue
            raw = rule(g, out, *operands, **params)
            if guard:
                raw = algebra.xp.guard(g, raw)
            contribution = fit(raw, parent)
            before = cotangents.get(parent)
            after = cotangents[parent] = contribution if before is None else before + contribution
            if observe is not None:
                observe(Edge(node, parent, argument, g, raw, contribution, before, after))


def _may_be_zero(g: Any, nodes: bool) -> bool:
    """Say whether a cotangent needs a guard: of those that are recorded, not a constant without zeros, as the seed."""
    return not nodes or isinstance(g, Node) or not np.all(g)


def _references_of_one() -> int:
    g = np.empty(0)
    return getrefcount(g)


ALONE = _references_of_one()  # what `getrefcount` says of what one local variable holds and nothing else does


def _on_data(node: Node, rules: Any, g: Any) -> tuple[Any, Any, list[Any]]:
    """Return the rules of a node's op, its data and that of its operands; what forward kept is in the rules."""
    data, operands = node._data, [p._data if isinstance(p, Node) else p for p in node.parents]
    if node._kept is not None:
        keeping, memory = node._kept
        if keeping.shared is not None:
            memory = keeping.shared(memory, g, data, *operands, **node.params)
        rules = [kernel and partial(kernel, memory) for kernel in keeping.gradients]
    return rules, data, operands


def same(contribution: Any, parent: Any) -> Any:
    """Return a contribution as it is: floats always fit."""
    return contribution


def fit_array(contribution: Any, parent: Any, total: Callable[..., Any] = np.add.reduce) -> Any:
    """Sum a contribution over the axes along which its operand was broadcast; cast it to the operand's dtype."""
    data = parent._data
    if type(data) is float:  # a Value, of which `Tensor.from_values` made a Tensor
        return float(contribution)
    if contribution.shape != data.shape:
        contribution = unbroadcast(contribution, data.shape, total)
    return contribution if contribution.dtype is data.dtype else contribution.astype(data.dtype)


def broadcast_axes(shape: Sequence[int], target: Sequence[int]) -> tuple[int, ...]:
    """Return the axes of `shape` to sum over to undo a broadcast from `target`."""
    extra = len(shape) - len(target)
    stretched = (i for i in range(extra, len(shape)) if target[i - extra] == 1 != shape[i])
    return (*range(extra), *stretched)


FEW = 4096  # rows, up to which making the ones takes longer than finding them, and keeping them little memory


@lru_cache(64)
def _ones(count: int, dtype: Any) -> Any:
    """Ones to sum rows with, those of the last batch sizes: nobody else is to have them."""
    return np.ones(count, dtype)


def unbroadcast(array: Any, shape: tuple[int, ...], total: Callable[..., Any] = np.add.reduce) -> Any:
    """Sum an array down to `shape`, from which it could have been broadcast; `total` is a backend's sum."""
    extra = array.ndim - len(shape)
    if array.shape[extra:] == shape:
        if array.ndim == 2 and extra == 1 and array.dtype.itemsize > 2:
            count = array.shape[0]
            ones = _ones(count, array.dtype) if count <= FEW else np.ones(count, array.dtype)
            return np.dot(ones, array)  # several times as fast as a reduction
        return total(array, tuple(range(extra)))
    return total(array, broadcast_axes(array.shape, shape), keepdims=True).reshape(shape)


def _fit_node(contribution: Any, parent: Any) -> Any:
    """`fit_array`, recorded."""
    data = parent._data
    if not isinstance(data, np.ndarray):
        return contribution
    if not isinstance(contribution, Node):
        return fit_array(np.asarray(contribution), parent)
    fitted: Any = contribution
    if fitted._data.shape != data.shape:
        fitted = ops.reshape(ops.sum(fitted, broadcast_axes(fitted._data.shape, data.shape)), data.shape)
    return fitted if fitted._data.dtype == data.dtype else ops.astype(fitted, data.dtype)


FLOATS = Algebra(floats, nodes=False, fit=same)
NODES = Algebra(ops, nodes=True, fit=_fit_node)


_ARRAYS: dict[str, Algebra] = {}


def arrays() -> Algebra:
    """Return the algebra of the current backend's arrays."""
    mode = modes.current()
    algebra = _ARRAYS.get(mode.backend)
    if algebra is None:
        fit = fit_array if mode.backend == "numpy" else partial(fit_array, total=mode.table.sum)
        algebra = _ARRAYS[mode.backend] = Algebra(mode.table, nodes=False, fit=fit)
    return algebra


def seed(root: Any, grad: Any) -> Any:
    """Return the cotangent to start from: 1 for a scalar, else what the caller gave."""
    if grad is None:
        if root._data.size != 1:
            raise RuntimeError(
                f"backward() needs a scalar, got shape {root._data.shape}{where_made(root)}; "
                "pass grad= or reduce it with .sum() or .mean()"
            )
        return np.ones_like(root._data)
    array = np.array(data_of(grad), dtype=root._data.dtype)
    if array.shape != root._data.shape:
        raise ShapeError(
            f"backward: grad has shape {array.shape}, the tensor {root._data.shape}; they must be equal"
        )
    return array
