"""What a model consists of, what it costs, and how much memory it takes: as text, and as HTML in a notebook."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.autograd.errors import ShapeError
from chainrule.autograd.mode import record_lines, record_whole
from chainrule.autograd.node import Node
from chainrule.autograd.tensor import Tensor
from chainrule.autograd.update import collect_updates
from chainrule.nn.data.check import as_count
from chainrule.nn.parameter import Parameter
from chainrule.nn.state import held
from chainrule.nn.tree import Tree, listed

if TYPE_CHECKING:
    from chainrule.nn.module import Module

Shape = tuple[int, ...]

# Ops that only move numbers.
_MOVES = {
    "astype", "broadcast_to", "concatenate", "diag", "diagonal", "expand_dims", "flip", "getitem", "identity",
    "moveaxis", "one_hot", "pad", "repeat", "reshape", "roll", "split", "squeeze", "stack", "stop_gradient", "swapaxes",
    "take", "take_along_axis", "tile", "transpose", "tril", "triu", "windows",
}  # fmt: skip
_HEAD = ("path", "kind", "weights", "output", "parameters", "flops")


@dataclass
class Row:
    """One module of a summary.

    Attributes:
        path, kind: where it is, and its class.
        weights: shapes of its own parameters and buffers by name.
        parameters: how many numbers its own parameters hold.
        frozen: whether it has parameters, and none of them learns.
        output: shape of its result for one row, without the axis of the rows; None if it is not known.
        flops: operations on floats for one row, of its own: a module below it counts its own.
        results: bytes of what it computes for one row.
    """

    path: str
    kind: str
    weights: dict[str, Shape]
    parameters: int
    frozen: bool
    output: Shape | None = None
    flops: int = 0
    results: int = 0

    @property
    def cells(self) -> tuple[str, ...]:
        """The texts of a line of the table."""
        weights = ", ".join(f"{name} {shape}" for name, shape in self.weights.items())
        output = "" if self.output is None else str(self.output)
        return self.path, self.kind, weights, output, f"{self.parameters:,}", f"{self.flops:,}"


@dataclass(frozen=True, repr=False, eq=False)
class Summary:
    """The modules of a model as a table; `print` shows it as text, a notebook as HTML.

    Operations are counted as usual: a multiplication with its addition as two, an element of another function as
    one, moving numbers as none.

    Attributes:
        title: class and arguments of the model.
        rows: its modules.
        parameters: how many numbers it learns or has learned.
        bytes: memory of parameters and buffers.
        flops: operations on floats for one row; None if its shape is not known.
        results: bytes of all that a forward pass computes for one row, and keeps for the backward pass.

    Example:
        >>> nn.Linear(3, 2).summary().flops
        14
    """

    title: str
    rows: tuple[Row, ...]
    parameters: int
    bytes: int
    flops: int | None
    results: int | None

    @property
    def total(self) -> str:
        """The last line."""
        frozen = sum(row.parameters for row in self.rows if row.frozen)
        text = (
            f"{self.parameters:,} parameters{f' ({frozen:,} frozen)' if frozen else ''}, {self.bytes:,} bytes"
        )
        if self.flops is not None:
            text += f"; for one row {self.flops:,} flops, {self.results:,} bytes of results"
        return text

    def _table(self) -> list[tuple[str, ...]]:
        columns = range(len(_HEAD)) if self.flops is not None else (0, 1, 2, 4)
        return [tuple(cells[i] for i in columns) for cells in (_HEAD, *(row.cells for row in self.rows))]

    def __str__(self) -> str:
        table = self._table()
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [
            "  ".join(
                text.rjust(width) if i > 2 else text.ljust(width)
                for i, (text, width) in enumerate(zip(cells, widths, strict=True))
            ).rstrip()
            for cells in table
        ]
        return "\n".join([self.title, *lines, self.total])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head, *body = self._table()
        side = ["left;padding:2px 8px"] * 3 + ["right;padding:2px 8px;white-space:nowrap"] * 3
        top = "".join(f'<th style="text-align:{s}">{escape(t)}</th>' for t, s in zip(head, side))
        rows = "".join(
            "<tr>"
            + "".join(f'<td style="text-align:{s}">{escape(t)}</td>' for t, s in zip(cells, side))
            + "</tr>"
            for cells in body
        )
        return (
            f'<table><caption style="text-align:left"><b>{escape(self.title)}</b></caption>'
            f"<thead><tr>{top}</tr></thead><tbody>{rows}</tbody>"
            f'<tfoot><tr><td colspan="{len(head)}" style="text-align:left">{escape(self.total)}</td></tr></tfoot>'
            "</table>"
        )


def summarize(model: "Module", input_shape: Sequence[int] | None) -> Summary:
    """See `Module.summary`."""
    rows = {id(module): _row(path, module) for path, module in model.named_modules()}
    shape = _first_shape(model) if input_shape is None else _lengths(input_shape)
    known = shape is not None
    if shape is not None:
        try:
            _measure(model, shape, rows)
        except ShapeError:
            if input_shape is not None:
                raise
            known = False
    top = rows[id(model)]
    shown = tuple(
        row for row in rows.values() if row is not top or row.weights or row.flops or len(rows) == 1
    )
    everything = held(model).values()
    return Summary(
        title=_title(model),
        rows=shown,
        parameters=sum(parameter.size for parameter in model.parameters()),
        bytes=sum(part.data.nbytes for part in everything),
        flops=sum(row.flops for row in rows.values()) if known else None,
        results=sum(row.results for row in rows.values()) if known else None,
    )


def _title(model: "Module") -> str:
    """Return the class and its arguments, apart from modules: those are rows of the table."""
    plain = {
        name: value
        for name, value in model.arguments().items()
        if not any(isinstance(item, Tree) for item in (value if isinstance(value, list) else [value]))
    }
    return f"{type(model).__name__}  {listed(plain)}".rstrip()


def _row(path: str, module: "Module") -> Row:
    own = {name: part for name, part in module.named_children() if isinstance(part, Tensor)}
    learned = [part for part in own.values() if isinstance(part, Parameter)]
    return Row(
        path,
        type(module).__name__,
        {name: part.shape for name, part in own.items()},
        sum(part.size for part in learned),
        bool(learned) and not any(part.requires_grad for part in learned),
    )


def _lengths(input_shape: Any) -> Shape:
    if not isinstance(input_shape, tuple | list):
        raise TypeError(
            f"summary: input_shape must be that of one row, such as (1, 28, 28), got {input_shape!r}"
        )
    return tuple(as_count("summary", n, f"input_shape[{i}]") for i, n in enumerate(input_shape))


def _first_shape(model: "Module") -> Shape | None:
    """Return the shape of a row, if the first module with weights is a `Linear` and so tells it."""
    for module in model.modules():
        if any(isinstance(part, Tensor) for _, part in module.named_children()):
            takes = module.arguments().get("in_features")
            return None if takes is None else (takes,)
    return None


def _measure(model: "Module", shape: Shape, rows: dict[int, Row]) -> None:
    """Compute the outputs for two rows of zeros, and attribute every op to the innermost module that ran it.

    Two rows show that the first axis is that of the rows; their costs are halved.
    """
    dtype = next((part.dtype for part in model.parameters()), np.dtype(np.float32))
    x = Tensor(np.zeros((2, *shape)), dtype, requires_grad=False)
    claimed: set[Node] = {x}

    def claim(module: "Module", inputs: tuple[Any, ...], outputs: Any) -> None:
        row = rows[id(module)]
        if isinstance(outputs, Tensor):
            row.output = outputs.shape[1:]
        stack = [outputs]
        while stack:
            node = stack.pop()
            if isinstance(node, Tensor) and node not in claimed:
                claimed.add(node)
                if node.op is not None:
                    row.flops += _flops(node) // 2
                    row.results += node.data.nbytes // 2
                    stack.extend(node.parents)

    flags = [(module, module.training) for module in model.modules()]
    hooks = [module.register_forward_hook(claim) for module, _ in flags]
    model.eval()
    try:
        with record_whole(), record_lines(False), collect_updates(), np.errstate(all="ignore"):
            model(x)
    finally:
        for hook in hooks:
            hook.remove()
        for module, on in flags:
            module.training = on


def _flops(node: Tensor) -> int:
    """Return how many operations on floats an op takes, from the shapes alone."""
    assert node.op is not None
    name, size = node.op.name, int(node.size)
    sizes: list[Shape] = [np.shape(x.data if isinstance(x, Node) else x) for x in node.parents]
    if name in _MOVES:
        return 0
    if name in ("linear", "linear_activation"):
        return size * (2 * sizes[0][-1] + (1 if name == "linear" else 2))
    if name == "matmul":
        return 2 * size * sizes[0][-1]
    if name == "conv":
        return 2 * size * math.prod(sizes[1][1:])
    if node.op.structure == "elementwise":
        return size
    return max(math.prod(shape) for shape in sizes)
