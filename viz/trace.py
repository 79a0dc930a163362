"""The recording that everything visual reads: plain data, no engine, ready for JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

VERSION = 1

Number = float | int | bool
"""One scalar. In JSON the non-finite ones are the strings "NaN", "Infinity" and "-Infinity"."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a trace keeps of an array: never the whole of it.

    Args:
        shape: The array's shape.
        least: Its minimum over the finite entries (NaN if there are none).
        greatest: Its maximum over the finite entries.
        mean: Its mean over all entries.
        values: The first rows and columns of it, seen as a matrix.
    """

    shape: tuple[int, ...]
    least: Number
    greatest: Number
    mean: Number
    values: tuple[tuple[Number, ...], ...]


Quantity = Number | Summary
"""A value or a gradient as a trace holds it."""


@dataclass(frozen=True, slots=True)
class TraceNode:
    """One node of the graph.

    Args:
        id: Its number, in the order of creation, from 0.
        label: The user's name for it, or "".
        op: The op that made it, or None for a leaf.
        parents: The ids of its arguments, in order, duplicates kept.
        scope: The id of the innermost scope it was made in, or None.
        line: Where the user made it, (file, line number), or None.
        shape: Its shape; () for a scalar.
        dtype: Its dtype's name.
        role: "input", "parameter", "constant", "op" or "loss".
        value: A leaf's value; None for an op, whose forward step brings it.
        formula: Which of the trace's formulas is its op's, or None.
    """

    id: int
    label: str
    op: str | None
    parents: tuple[int, ...]
    scope: int | None
    line: tuple[str, int] | None
    shape: tuple[int, ...]
    dtype: str
    role: str
    value: Quantity | None = None
    formula: int | None = None


@dataclass(frozen=True, slots=True)
class TraceScope:
    """One entry of `with scope(name)`; entering it again makes another.

    Args:
        id: Its number, from 0; a parent's is less than its children's.
        name: The user's name for it.
        parent: The id of the scope around it, or None.
    """

    id: int
    name: str
    parent: int | None


@dataclass(frozen=True, slots=True)
class Forward:
    """An op computes its value."""

    node: int
    value: Quantity


@dataclass(frozen=True, slots=True)
class Seed:
    """Backprop begins: the gradient of the result with respect to itself."""

    node: int
    value: Quantity


@dataclass(frozen=True, slots=True)
class Unbroadcast:
    """A contribution is summed over the axes along which the forward op had stretched its argument."""

    child: int
    node: int
    argument: int
    from_shape: tuple[int, ...]
    to_shape: tuple[int, ...]
    axes: tuple[int, ...]
    before: Quantity
    after: Quantity


@dataclass(frozen=True, slots=True)
class Backward:
    """One edge of the chain rule: `after = before + contribution`, `contribution = upstream * local`.

    Args:
        child: The node that was computed from `parent`.
        parent: The node that receives a contribution to its gradient.
        argument: Which argument of `child` it is, from 0.
        upstream: The gradient of the result with respect to `child`.
        local: The derivative of `child` with respect to `parent`; None where it is no single number or
            array of the argument's shape (matmul, sums, reshapes).
        contribution: What this edge adds.
        before: The parent's gradient so far; None where this is the first contribution.
        after: The parent's gradient from now on.
    """

    child: int
    parent: int
    argument: int
    upstream: Quantity
    local: Quantity | None
    contribution: Quantity
    before: Quantity | None
    after: Quantity


Step = Forward | Seed | Unbroadcast | Backward
KINDS: dict[str, type[Any]] = {
    "forward": Forward,
    "seed": Seed,
    "unbroadcast": Unbroadcast,
    "backward": Backward,
}
_NAMES = {kind: name for name, kind in KINDS.items()}
_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_SEQUENCES = {"parents", "line", "shape", "from_shape", "to_shape", "axes"}
_QUANTITIES = {"value", "upstream", "local", "contribution", "before", "after"}


@dataclass(frozen=True, slots=True)
class State:
    """What is known after some steps: absent means not computed yet."""

    values: dict[int, Quantity]
    grads: dict[int, Quantity]


@dataclass(frozen=True, slots=True)
class Trace:
    """A recorded forward and backward pass.

    Args:
        nodes: The nodes; `nodes[k].id == k`, arguments before what is computed from them.
        scopes: The scopes; `scopes[k].id == k`.
        steps: What happened, in order.
        formulas: Derivatives as expression trees (see `chainrule.viz.formula`), shared by the nodes.
        meta: Free facts, such as the source text: {"sources": {file: {line number: text}}}.
        version: The schema's number.
    """

    nodes: Sequence[TraceNode]
    scopes: Sequence[TraceScope] = ()
    steps: Sequence[Step] = ()
    formulas: Sequence[Mapping[str, Any]] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)
    version: int = VERSION

    def state(self, count: int | None = None) -> State:
        """What is known after the first `count` steps.

        Args:
            count: How many steps to replay, 0 to `len(steps)`; None replays all.

        Returns:
            The values and gradients known by then, by node id.

        Raises:
            IndexError: `count` is out of range.

        >>> Trace([TraceNode(0, "x", None, (), None, None, (), "float64", "input", 2.0)]).state().values
        {0: 2.0}
        """
        total = len(self.steps)
        count = total if count is None else count
        if not 0 <= count <= total:
            raise IndexError(f"cannot replay {count} steps: this trace has {total}; pass 0 to {total}")
        state = State({node.id: node.value for node in self.nodes if node.value is not None}, {})
        for step in self.steps[:count]:
            if isinstance(step, Forward):
                state.values[step.node] = step.value
            elif isinstance(step, Seed):
                state.grads[step.node] = step.value
            elif isinstance(step, Backward):
                state.grads[step.parent] = step.after
        return state

    def to_dict(self) -> dict[str, Any]:
        """The trace as dicts, lists, strings, finite numbers and None: what `json` writes in any language.

        Returns:
            {"version", "meta", "nodes", "scopes", "steps", "formulas"}; fields that are None are left out.
        """
        return {
            "version": self.version,
            "meta": dict(self.meta),
            "nodes": [_plain(node) for node in self.nodes],
            "scopes": [_plain(scope) for scope in self.scopes],
            "steps": [{"kind": _NAMES[type(step)], **_plain(step)} for step in self.steps],
            "formulas": [dict(formula) for formula in self.formulas],
        }

    def to_json(self) -> str:
        """The trace as JSON text; floats survive the way there and back exactly."""
        return json.dumps(self.to_dict(), allow_nan=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Trace:
        """Read what `to_json` wrote.

        Args:
            text: JSON text of this schema's version.

        Returns:
            The same trace.

        Raises:
            ValueError: The text is no JSON, or of another version, or names an unknown kind of step.
        """
        data = json.loads(text)
        if not isinstance(data, dict) or data.get("version") != VERSION:
            found = data.get("version") if isinstance(data, dict) else type(data).__name__
            raise ValueError(f"cannot read a trace of version {found}: this release reads version {VERSION}")
        return cls(
            nodes=[TraceNode(**_rich(TraceNode, node)) for node in data["nodes"]],
            scopes=[TraceScope(**_rich(TraceScope, scope)) for scope in data["scopes"]],
            steps=list(_read_steps(data["steps"])),
            formulas=data["formulas"],
            meta=data["meta"],
        )


def _read_steps(rows: list[dict[str, Any]]) -> Iterator[Step]:
    for row in rows:
        kind = KINDS.get(row.get("kind", ""))
        if kind is None:
            raise ValueError(f"unknown kind of step {row.get('kind')!r}; known are {', '.join(KINDS)}")
        yield kind(**_rich(kind, {name: value for name, value in row.items() if name != "kind"}))


def _plain(record: Any) -> dict[str, Any]:
    fields = ((name, getattr(record, name)) for name in record.__slots__)
    return {name: _encode(value) for name, value in fields if value is not None}


def _encode(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Summary):
        return {name: _encode(getattr(value, name)) for name in value.__slots__}
    if isinstance(value, tuple):
        return [_encode(item) for item in value]
    return value


def _rich(kind: type[Any], row: dict[str, Any]) -> dict[str, Any]:
    unknown = set(row) - set(kind.__slots__)
    if unknown:
        raise ValueError(f"a {kind.__name__} has no field {sorted(unknown)[0]!r}")
    fields: dict[str, Any] = dict.fromkeys(kind.__slots__)
    for name, value in row.items():
        if name in _QUANTITIES:
            fields[name] = _decode(value)
        elif name in _SEQUENCES:
            fields[name] = tuple(value)
        else:
            fields[name] = value
    return fields


def _decode(value: Any) -> Any:
    if isinstance(value, str):
        return _NON_FINITE[value]
    if isinstance(value, dict):
        rows = tuple(tuple(_decode(entry) for entry in row) for row in value["values"])
        least, greatest, mean = (_decode(value[name]) for name in ("least", "greatest", "mean"))
        return Summary(tuple(value["shape"]), least, greatest, mean, rows)
    return value
