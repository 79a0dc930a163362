"""What is written down, or checked, about each new node where the mode asks for it."""

import sys
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.autograd.mode import Mode
from chainrule.autograd.node import OWN_CODE, Node, data_of, where_made
from chainrule.autograd.op import Op


def annotate(node: Node, mode: Mode, op: Op | None = None, operands: Sequence[Any] = ()) -> None:
    """Write down the scope and the user's line; under `detect_anomaly`, check what the op made of its operands."""
    if mode.scope is not None:
        node.scope = mode.scope
    if mode.lines:
        frame = sys._getframe(1)
        while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(OWN_CODE):
            frame = frame.f_back
        node._place = frame.f_code, frame.f_lasti
    if mode.anomaly and op is not None:
        if not _finite(node._data) and all(_finite(x) for x in operands):
            raise FloatingPointError(
                f"detect_anomaly: {op} made {_first_odd(node._data)} from finite operands {_shown(operands)}"
                f"{where_made(node)}"
            )
        node._checksum = checksum(node._data, operands)


def checksum(data: Any, operands: Sequence[Any]) -> tuple[int, ...]:
    """Return a checksum of a result and of each operand."""
    return tuple(zlib.crc32(np.ascontiguousarray(data_of(x)).tobytes()) for x in (data, *operands))


def check_saved(node: Node) -> None:
    """Raise if an array that the node's rule reads is not what it was when the node was made."""
    if node._checksum is None:
        return
    for position, (then, now) in enumerate(
        zip(node._checksum, checksum(node._data, node.parents), strict=True)
    ):
        if then != now:
            what = "its result" if position == 0 else f"its argument {position - 1}"
            raise RuntimeError(
                f"detect_anomaly: {node.op} saved an array that was changed in place since: {what}"
                f"{where_made(node)}; change a copy instead"
            )


def check_edge(edge: Any) -> None:
    """Raise if an edge of the walk made nan or inf of a finite gradient."""
    if not _finite(edge.raw) and _finite(edge.upstream):
        name = f" (labelled {edge.parent.label!r})" if edge.parent.label else ""
        raise FloatingPointError(
            f"detect_anomaly: the backward pass of {edge.child.op} made {_first_odd(edge.raw)} for argument "
            f"{edge.argument}{name}, from a finite gradient and operands {_shown(edge.child.parents)}"
            f"{where_made(edge.child)}"
        )


def _finite(x: Any) -> bool:
    data = np.asarray(data_of(x))
    return data.dtype.kind != "f" or bool(np.isfinite(data).all())


def _first_odd(x: Any) -> str:
    data = np.asarray(data_of(x))
    odd = np.argwhere(~np.isfinite(data))[0]
    place = f" at element {tuple(int(i) for i in odd)}" if len(odd) else ""
    return f"{data[tuple(odd)]}{place}"


def _shown(operands: Sequence[Any]) -> str:
    parts = []
    for x in operands:
        data = np.asarray(data_of(x))
        label = f"{x.label} = " if isinstance(x, Node) and x.label else ""
        parts.append(label + (f"{data}" if data.size == 1 else f"array of shape {data.shape}"))
    return "(" + ", ".join(parts) + ")"
