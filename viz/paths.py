"""A gradient explained: the sum, over all paths from the loss, of the products of the derivatives along each.

A graph can hold more paths than atoms in the world, so they are counted by dynamic programming, and only the largest
are listed, best first; what the others sum to is stated.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from itertools import count, islice
from typing import Any

import numpy as np

from chainrule.autograd import walk
from chainrule.autograd.node import Node
from chainrule.viz import labels
from chainrule.viz.record import Recorder, quantity, recorded
from chainrule.viz.steps import Backward, Quantity, Summary, encode
from chainrule.viz.trace import Trace

MOST = 10  # paths listed
LOOKED_AT = 500  # paths of a tensor graph, of which the largest are listed


@dataclass(frozen=True, slots=True)
class Path:
    """One way from the result back to a node.

    Args:
        nodes: The ids of the nodes on it, the result first.
        arguments: Which argument of each node leads to the next.
        factors: The local derivative of each edge; empty on a path through arrays.
        value: Their product: what this path adds to the gradient.
        size: How large that is: its absolute value, or Euclidean norm.
    """

    nodes: tuple[int, ...]
    arguments: tuple[int, ...]
    factors: tuple[float, ...]
    value: Any
    size: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """A gradient as a sum over paths; print it, or let a notebook show it.

    Args:
        name: What the node is called.
        result: What the result is called.
        names: What every node is called, by id.
        gradient: The engine's gradient.
        paths: The largest paths, the largest first.
        number: How many paths there are.
        rest: What the paths that are not listed sum to; None if all are listed.
    """

    name: str
    result: str
    names: list[str]
    gradient: Any
    paths: tuple[Path, ...]
    number: int
    rest: Any

    @property
    def total(self) -> Any:
        """The sum of the listed paths, for numbers without any rounding on the way."""
        return _sum([path.value for path in self.paths])

    def _head(self) -> str:
        many = f"the sum over {self.number:,} paths" if self.number != 1 else "along one path"
        symbol = f"∂{self.result}/∂{self.name} = {_shown(self.gradient)}"
        return (
            f"{symbol}, {many}"
            if self.number
            else f"{symbol}: no path leads from {self.result} to {self.name}"
        )

    def _way(self, path: Path) -> str:
        """The names along a path; where another runs through the same nodes, which of their arguments it takes."""
        twins = [other.arguments for other in self.paths if other.nodes == path.nodes]
        told = [""] + [
            f" ({_ordinal(taken)} argument)" if len(set(others)) > 1 else ""
            for taken, others in zip(path.arguments, zip(*twins))
        ]
        return " → ".join(self.names[node] + argument for node, argument in zip(path.nodes, told))

    def _rows(self) -> Iterator[tuple[str, str, str]]:
        for path in self.paths:
            product = " · ".join(_factor(factor) for factor in path.factors)
            yield _shown(path.value), self._way(path), product
        if self.rest is not None:
            yield _shown(self.rest), f"and {self.number - len(self.paths):,} more paths", ""

    def __str__(self) -> str:
        rows = list(self._rows())
        value, way = (max((len(row[k]) for row in rows), default=0) for k in (0, 1))
        lines = [f"  {a:>{value}}   {b:<{way}}   {c}".rstrip() for a, b, c in rows]
        if len(rows) > 1 and self.rest is None:
            lines.append(f"  {_shown(self.total):>{value}}   in all")
        return "\n".join([self._head(), *lines])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><td style="text-align:right">{escape(a)}</td><td style="text-align:left">{escape(b)}</td>'
            f'<td style="text-align:left">{escape(c)}</td></tr>'
            for a, b, c in self._rows()
        )
        head = "<tr><th>adds</th><th>path</th><th>factors</th></tr>" if rows else ""
        return f"<table><caption>{escape(self._head())}</caption>{head}{rows}</table>"


def explain(x: Node, loss: Node, most: int = MOST) -> Explanation:
    """Explain a gradient: which paths lead from the loss to a node, and what each of them adds.

    Args:
        x: The node whose gradient is asked for.
        loss: The result, a scalar.
        most: How many paths are listed; what the others sum to is stated.

    Returns:
        The explanation. For numbers the listed paths are the largest; in a tensor graph of more than 500 paths they
        are the largest of those looked at.

    Raises:
        ValueError: The loss was not computed from x.
        TypeError: One of them is no node of a graph.

    Example:
        >>> from chainrule.autograd.value import Value
        >>> x, y = Value(2.0, label="x"), Value(5.0, label="y")
        >>> loss = x.log() + x * y
        >>> loss.label = "f"
        >>> print(explain(x, loss))
        ∂f/∂x = 5.5, the sum over 2 paths
            5   f → v2 → x   1 · 5
          0.5   f → v1 → x   1 · 0.5
          5.5   in all
    """
    if not isinstance(x, Node):
        raise TypeError(f"cannot explain the gradient of {type(x).__name__} objects: pass a Value or Tensor")
    recorder = recorded(loss)
    name = x.label or "x"
    if x not in recorder.ids:
        raise ValueError(
            f"the loss was not computed from {name}, so it has no gradient with respect to it; pass the very object "
            "that was used"
        )
    if not x.requires_grad:
        raise ValueError(f"{name} is a constant (requires_grad=False): no gradient flows to it")
    trace = recorder.finish()
    names = labels.names(trace)
    number, paths = _paths(recorder, trace, x, most)
    gradient = recorder.grads.get(x, 0.0 if isinstance(x.data, float) else np.zeros_like(x.data))
    rest = None if len(paths) == number else gradient - _sum([path.value for path in paths])
    target = recorder.ids[x]
    return Explanation(names[target], names[recorder.ids[loss]], names, gradient, tuple(paths), number, rest)


def of_leaves(recorder: Recorder, most: int = 5) -> list[dict[str, Any]]:
    """The paths to each leaf of a tensor graph that several paths lead to, as plain data for the page.

    Args:
        recorder: A finished recording.
        most: Paths listed for each leaf.

    Returns:
        Per leaf {"node", "count", "paths": [{"nodes", "arguments", "norm", "value"}]}, and "rest" if not all are
        listed. A graph of numbers gives none: there the page reads the paths from the local derivatives.
    """
    if isinstance(recorder.loss.data, float):
        return []
    found = []
    for leaf in recorder.leaves:
        if leaf not in recorder.grads:
            continue
        number, paths = _tensor_paths(recorder, leaf, most)
        if number > 1:
            rows = [
                {
                    "nodes": list(p.nodes),
                    "arguments": list(p.arguments),
                    "norm": encode(p.size),
                    "value": encode(quantity(p.value)),
                }
                for p in paths
            ]
            row: dict[str, Any] = {"node": recorder.ids[leaf], "count": number, "paths": rows}
            if len(paths) < number:
                row["rest"] = encode(quantity(recorder.grads[leaf] - _sum([p.value for p in paths])))
            found.append(row)
    return found


def _paths(recorder: Recorder, trace: Trace, x: Node, most: int) -> tuple[int, list[Path]]:
    if all(isinstance(node.data, float) for node in recorder.ids):
        edges: dict[int, list[tuple[int, int, float]]] = {}
        for step in trace.steps:
            if isinstance(step, Backward):
                assert step.local is not None
                assert not isinstance(step.local, Summary)
                edges.setdefault(step.child, []).append((step.parent, step.argument, float(step.local)))
        return _scalar_paths(edges, recorder.ids[recorder.loss], recorder.ids[x], most)
    return _tensor_paths(recorder, x, most)


def _scalar_paths(
    edges: dict[int, list[tuple[int, int, float]]], loss: int, x: int, most: int
) -> tuple[int, list[Path]]:
    """The largest paths in order: best-first search, with the largest product still to come as its bound."""
    number, bound = {x: 1}, {x: 1.0}
    for node in sorted(edges):
        ahead = [(parent, local) for parent, _, local in edges[node] if parent in number]
        if ahead and node != x:
            number[node] = sum(number[parent] for parent, _ in ahead)
            bound[node] = max(_product(_size(local), bound[parent]) for parent, local in ahead)

    def onward(node: int, product: float) -> Iterator[tuple[int, int, float, float, float]]:
        for parent, argument, local in edges.get(node, ()):
            if parent in number:
                value = _product(product, local)
                yield parent, argument, local, value, _product(_size(value), bound[parent])

    found = _search(loss, x, 1.0, onward) if loss in number else iter(())
    paths = [Path(nodes, arguments, factors, value, _size(value))
             for nodes, arguments, factors, value in islice(found, most)]  # fmt: skip
    return number.get(loss, 0), paths


def _tensor_paths(recorder: Recorder, x: Node, most: int) -> tuple[int, list[Path]]:
    """As `_scalar_paths`, with arrays carried along; the bound is only their norm so far."""
    scalar = all(isinstance(node.data, float) for node in recorder.ids)
    algebra = walk.FLOATS if scalar else walk.arrays()
    ids = recorder.ids
    live = {number: node for node, number in ids.items()}
    number = {ids[x]: 1}
    for node in reversed(recorder.interior):
        if node is not x and node in recorder.grads:
            number[ids[node]] = sum(number.get(ids[parent], 0) for _, parent in _edges(node))

    def onward(at: int, g: Any) -> Iterator[tuple[int, int, float, Any, float]]:
        node = live[at]
        operands = [algebra.operand(parent) for parent in node.parents]
        for argument, parent in _edges(node):
            if number.get(ids[parent]):
                assert node.op is not None
                rule = node.op.rule(argument)
                assert rule is not None
                with np.errstate(all="ignore"):
                    raw = rule(algebra.xp, g, node.data, *operands, **node.params)
                    raw = algebra.xp.guard(g, raw) if node.op.structure == "elementwise" else raw
                    value = algebra.fit(raw, parent)
                yield ids[parent], argument, 1.0, value, _size(value)

    start = ids[recorder.loss]
    total = number.get(start, 0)
    found = islice(_search(start, ids[x], recorder.seed, onward), LOOKED_AT) if total else iter(())
    paths = [Path(nodes, arguments, (), value, _size(value)) for nodes, arguments, _, value in found]
    paths.sort(key=lambda path: -path.size)
    return total, paths[:most]


def _edges(node: Node) -> Iterator[tuple[int, Node]]:
    """The arguments of a node that take a gradient."""
    assert node.op is not None
    for argument, parent in enumerate(node.parents):
        if isinstance(parent, Node) and parent.requires_grad and node.op.rule(argument) is not None:
            yield argument, parent


def _search(
    start: int,
    goal: int,
    seed: Any,
    onward: Callable[[int, Any], Iterator[tuple[int, int, float, Any, float]]],
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...], tuple[float, ...], Any]]:
    """All paths from start to goal, the one with the largest bound first; among equals the longest so far."""
    tie = count()
    heap: list[Any] = [(-math.inf, 0, next(tie), start, seed, None)]
    while heap:
        _, depth, _, node, product, way = heapq.heappop(heap)
        if node == goal:
            yield (*_unrolled(way, start), product)
            continue
        for parent, argument, local, value, size in onward(node, product):
            heapq.heappush(heap, (-size, depth - 1, next(tie), parent, value, (way, parent, argument, local)))


def _unrolled(way: Any, start: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[float, ...]]:
    steps = []
    while way is not None:
        way, *step = way
        steps.append(step)
    nodes, arguments, factors = zip(*reversed(steps)) if steps else ((), (), ())
    return (start, *nodes), tuple(arguments), tuple(factors)


def _product(a: float, b: float) -> float:
    """A product in which zero wins over infinity, as in the engine's walk."""
    return 0.0 if a == 0.0 or b == 0.0 else a * b


def _size(value: Any) -> float:
    size = float(np.linalg.norm(value)) if np.ndim(value) else abs(float(value))
    return math.inf if math.isnan(size) else size


def _sum(values: list[Any]) -> Any:
    if all(isinstance(value, float) for value in values):
        try:
            return math.fsum(values)
        except (OverflowError, ValueError):  # infinities of both signs
            return float(np.sum(values))
    return sum(values[1:], values[0])


def _shown(value: Any) -> str:
    plain: Quantity = quantity(value)
    if isinstance(plain, float | int):
        return labels.short(plain, 6)
    return f"{labels.shape_text(plain.shape)} {labels.quantity(plain)}"


def _ordinal(index: int) -> str:
    return ("first", "second", "third")[index] if index < 3 else f"{index + 1}th"


def _factor(factor: float) -> str:
    written = labels.short(factor)
    return f"({written})" if factor < 0 else written
