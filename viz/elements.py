"""One element of an array, opened: the graph of numbers that it was computed by.

An element of a matrix product is a row times a column; here it becomes multiplications and additions of Values, with
the numbers and the gradient that the tensors have.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import reduce
from itertools import product
from typing import Any

import numpy as np

from chainrule.autograd import ops
from chainrule.autograd.node import Node, apply, data_of
from chainrule.autograd.op import Op
from chainrule.autograd.value import Value
from chainrule.nn.names import look_up
from chainrule.viz import labels
from chainrule.viz.record import SLICE, Recorder, recorded
from chainrule.viz.steps import Backward, encode
from chainrule.viz.trace import Trace

TERMS = 64  # operands of an element that are drawn
PAGE_TERMS = 16  # the same for what a page holds ready for all elements
PAGE_BYTES = 150_000  # of one page, for all of its elements

Index = tuple[int, ...]
Leaf = Callable[[int, Index], Any]
"""Gives the element at an index of argument k: a Value, or a number for a constant."""


class Elements:
    """The ops of a recorded tensor graph, with the arrays that they had.

    Args:
        recorder: A finished recording.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.names = labels.names(recorder.finish())
        self.ids = {number: node for node, number in recorder.ids.items()}
        self.parts: dict[int, tuple[Op, dict[str, Any], list[tuple[str, Any, bool]]]] = {}
        self.grads: dict[int, Any] = {}
        self.shapes = {number: np.shape(node.data) for number, node in self.ids.items()}
        for node, number in recorder.ids.items():
            if node.op is None or not isinstance(node.data, np.ndarray):
                continue
            operands = [
                (
                    self._name(recorder, parent),
                    _kept(parent),
                    not isinstance(parent, Node) or not parent.requires_grad,
                )
                for parent in node.parents
            ]
            self.parts[number] = node.op, node.params, operands
            if node in recorder.grads:
                self.grads[number] = recorder.grads[node]

    def _name(self, recorder: Recorder, parent: Any) -> str:
        return self.names[recorder.ids[parent]] if isinstance(parent, Node) else "c"

    def find(self, node: int | str) -> int:
        """The id of a node, given that or its name.

        Raises:
            ValueError: There is none, or it is no array that an op computed.
        """
        if isinstance(node, str):
            known = {self.names[number]: number for number in self.parts}
            node = look_up("array", node, known)
        if node not in self.parts:
            raise ValueError(
                f"node {node} has no elements to open: it is a number or was computed by no op; arrays are "
                + ", ".join(f"{self.names[number]} ({number})" for number in self.parts)
            )
        return node

    def terms(self, node: int) -> int:
        """How many elements one element of a node is computed from."""
        op, params, operands = self.parts[node]
        shapes = [np.shape(data) for _, data, _ in operands]
        return _terms(op, params, shapes)

    def record(self, node: int, index: Index) -> Recorder:
        """Record the graph of one element.

        Args:
            node: The id of an array that an op computed.
            index: Which element.

        Returns:
            A recorder over Values; its seed is the element's gradient.

        Raises:
            IndexError: There is no such element.
            ValueError: The op only moves elements, is of a kind that cannot be opened, or has too many terms.
        """
        shape, name = self.shapes[node], self.names[node]
        op, params, operands = self.parts[node]
        index = _checked(index, shape, name)
        leaves: dict[tuple[int, Index], Any] = {}

        def leaf(k: int, at: Index) -> Any:
            label, data, constant = operands[k]
            if not np.ndim(data) and constant:
                return float(data)
            if (k, at) not in leaves:
                number, where = float(np.asarray(data)[at]), ",".join(map(str, at))
                text = f"{label}[{where}]" if at else label
                leaves[k, at] = Value(number, text, requires_grad=not constant)
            return leaves[k, at]

        shapes = [np.shape(data) for _, data, _ in operands]
        build = _builder(op)
        if build is None:
            raise ValueError(_refusal(op, name))
        if self.terms(node) > TERMS:
            raise ValueError(
                f"element {list(index)} of {name} is computed from {self.terms(node):,} numbers, too many to draw (at "
                f"most {TERMS}); open an element of a smaller {op}"
            )
        root = build(op, params, shapes, index, leaf)
        if isinstance(root, Node):
            root.label = f"{name}[{','.join(map(str, index))}]"
        else:
            raise ValueError(
                f"element {list(index)} of {name} is computed from constants only, so it has no graph"
            )
        grad = self.grads.get(node)
        return recorded(root, None if grad is None else float(np.asarray(grad)[index]))

    def opened(self, node: int, index: Index) -> Trace:
        """The graph of one element, with a word in its `meta` where its rule is another than the array's."""
        trace = self.record(node, index).finish()
        note = self._ties(node, _checked(index, self.shapes[node], self.names[node]))
        return replace(trace, meta={**trace.meta, "note": note}) if note else trace

    def _ties(self, node: int, index: Index) -> str:
        op, params, operands = self.parts[node]
        if op.name not in ("max", "min"):
            return ""
        data = np.asarray(operands[0][1])
        taken = [float(data[at]) for at in _reduced(params, data.shape, index)]
        ties = taken.count(max(taken) if op.name == "max" else min(taken))
        if ties < 3:  # a pair shares equally in either graph
            return ""
        return (
            f"{ties} elements tie. {self.names[node]} gives each of them the same share of the gradient, 1/{ties}; "
            "compared pair by pair, as here, the later ones get more."
        )

    def for_page(self) -> list[dict[str, Any]]:
        """The graphs of the elements that a page shows of small arrays, as plain data.

        Returns:
            Per node {"node", "index", "graph", "numbers"}: the trace of the first element, and for each element what
            differs. At most 150 kB in all; the nodes after that have none.
        """
        found, room = [], PAGE_BYTES
        for node, (op, _, _) in self.parts.items():
            shape = self.shapes[node]
            if not shape or _builder(op) is None or self.terms(node) > PAGE_TERMS or 0 in shape:
                continue
            row = self._row(node, list(_shown(shape)))
            room -= row.pop("size") if row else 0
            if room < 0:
                break
            if row:
                found.append(row)
        return found

    def _row(self, node: int, indices: list[Index]) -> dict[str, Any]:
        template: Trace | None = None
        numbers, size = [], 0
        for index in indices:
            try:
                trace = self.opened(node, index)
            except ValueError:
                return {}
            if template is None:
                template = replace(trace, meta={})
                size = len(template.to_json()) * 2  # the page adds a layout of about the same size
            entry = _numbers(trace)
            size += len(str(entry))
            numbers.append(entry)
        assert template is not None
        index_rows = [list(index) for index in indices]
        return {
            "node": node,
            "index": index_rows,
            "graph": template.to_dict(),
            "numbers": numbers,
            "size": size,
        }


def _numbers(trace: Trace) -> dict[str, Any]:
    """What differs between the elements of one array: labels, values, gradients, and the edges' numbers."""
    state = trace.state()
    edges = [step for step in trace.steps if isinstance(step, Backward)]
    return {
        "names": labels.names(trace),
        "values": [encode(state.values.get(node.id)) for node in trace.nodes],
        "grads": [encode(state.grads.get(node.id)) for node in trace.nodes],
        "locals": [encode(edge.local) for edge in edges],
        "contributions": [encode(edge.contribution) for edge in edges],
        **({"note": trace.meta["note"]} if "note" in trace.meta else {}),
    }


def _shown(shape: Index) -> Iterator[Index]:
    """The indices of the first rows and columns of an array, seen as a matrix, as a trace keeps them."""
    rows = math.prod(shape[:-1])
    for row, column in product(range(min(rows, SLICE)), range(min(shape[-1], SLICE))):
        leading = np.unravel_index(row, shape[:-1]) if shape[:-1] else ()
        yield (*(int(i) for i in leading), column)


def _checked(index: Any, shape: Index, name: str) -> Index:
    found = tuple(int(i) for i in (index if isinstance(index, Sequence) else (index,)))
    if len(found) != len(shape) or not all(-n <= i < n for i, n in zip(found, shape)):
        raise IndexError(
            f"{name} has shape {shape}, so it has no element {found}; pass one number for each axis"
        )
    return tuple(i % n for i, n in zip(found, shape))


def _kept(parent: Any) -> Any:
    """An operand's data as it is now: a leaf's array may change later."""
    data = data_of(parent)
    return data.copy() if isinstance(data, np.ndarray) and getattr(parent, "op", None) is None else data


def _refusal(op: Op, name: str) -> str:
    if op.name in _MOVES:
        return f"{name} was made by {op}, which only moves elements: open one of the array that it moved"
    return (
        f"the elements of {name} cannot be opened: {op} is no elementwise op, product of matrices, linear layer, sum, "
        "mean, maximum or minimum; build it of such ops to see inside"
    )


# --- how an element of each kind of op is computed from elements of its operands ---

Builder = Callable[[Op, dict[str, Any], Sequence[Index], Index, Leaf], Any]


def _elementwise(op: Op, params: dict[str, Any], shapes: Sequence[Index], index: Index, leaf: Leaf) -> Any:
    return apply(op, *(leaf(k, _stretched(index, shape)) for k, shape in enumerate(shapes)), **params)


def _stretched(index: Index, shape: Index) -> Index:
    """Which element of a broadcast operand stands at an index of the result."""
    own = index[len(index) - len(shape) :]
    return tuple(0 if n == 1 else i for i, n in zip(own, shape))


def _matmul(op: Op, params: dict[str, Any], shapes: Sequence[Index], index: Index, leaf: Leaf) -> Any:
    a, b = shapes
    column = index[-1:] if len(b) > 1 else ()
    rest = index[: len(index) - len(column)]
    row = rest[-1:] if len(a) > 1 else ()
    batch = rest[: len(rest) - len(row)]
    left, right = _stretched(batch, a[:-2]), _stretched(batch, b[:-2])
    return _total([leaf(0, (*left, *row, k)) * leaf(1, (*right, k, *column)) for k in range(a[-1])])


def _linear(op: Op, params: dict[str, Any], shapes: Sequence[Index], index: Index, leaf: Leaf) -> Any:
    *batch, unit = index
    terms = [leaf(0, (*batch, k)) * leaf(1, (unit, k)) for k in range(shapes[0][-1])]
    return _total(terms) + leaf(2, (unit,))


def _reduction(op: Op, params: dict[str, Any], shapes: Sequence[Index], index: Index, leaf: Leaf) -> Any:
    parts = [leaf(0, at) for at in _reduced(params, shapes[0], index)]
    if op.name in ("max", "min"):
        return reduce(ops.maximum if op.name == "max" else ops.minimum, parts)
    total = _total(parts)
    return total / float(len(parts)) if op.name == "mean" else total


def _reduced(params: dict[str, Any], shape: Index, index: Index) -> list[Index]:
    """The elements of an argument that a reduction takes together for one element of its result."""
    axes = _axes(params, len(shape))
    kept = iter(i for k, i in enumerate(index) if not (params.get("keepdims") and k in axes))
    ranges = [range(n) if axis in axes else (next(kept),) for axis, n in enumerate(shape)]
    return list(product(*ranges))


def _axes(params: dict[str, Any], ndim: int) -> tuple[int, ...]:
    axis = params.get("axis")
    if axis is None:
        return tuple(range(ndim))
    return tuple(a % ndim for a in (axis if isinstance(axis, tuple | list) else (axis,)))


def _total(terms: Sequence[Any]) -> Any:
    return reduce(operator.add, terms)


_KINDS: dict[str, Builder] = {
    "matmul": _matmul,
    "linear": _linear,
    "sum": _reduction,
    "mean": _reduction,
    "max": _reduction,
    "min": _reduction,
}
_MOVES = {
    "reshape", "transpose", "swapaxes", "moveaxis", "getitem", "take", "squeeze", "expand_dims", "broadcast_to",
    "concatenate", "stack", "split", "pad", "flip", "roll", "tile", "repeat", "ravel",
}  # fmt: skip


def _builder(op: Op) -> Builder | None:
    if op.structure == "elementwise" and op.scalar is not None:
        return _elementwise
    return _KINDS.get(op.name)


def _terms(op: Op, params: dict[str, Any], shapes: Sequence[Index]) -> int:
    if op.name in ("matmul", "linear"):
        return 2 * shapes[0][-1] + len(shapes) - 2
    if op.name in _KINDS:
        axes = _axes(params, len(shapes[0]))
        return math.prod(n for axis, n in enumerate(shapes[0]) if axis in axes)
    return len(shapes)
