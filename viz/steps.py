"""What can happen in a recording: the kinds of steps, the quantities in them, and how both become JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

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

Quantities = tuple[tuple[int, Quantity], ...]
"""Nodes, and a quantity for each."""


@dataclass(frozen=True, slots=True)
class Forward:
    """An op computes its value."""

    node: int
    value: Quantity


@dataclass(frozen=True, slots=True)
class Seed:
    """Backprop begins: the gradient of the result with respect to itself.

    Args:
        node: The result.
        value: 1, in the result's shape.
        kept: Gradients that an earlier backward() left in leaves: put aside now, added by `Accumulate`.
    """

    node: int
    value: Quantity
    kept: Quantities | None = None


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


@dataclass(frozen=True, slots=True)
class Iteration:
    """A training step begins: the operations are to be computed anew, the leaves keep what they have.

    Args:
        number: Which one, from 1.
        values: Leaves with other data than at the end of the iteration before, such as the next mini-batch.
    """

    number: int
    values: Quantities


@dataclass(frozen=True, slots=True)
class Zero:
    """The user's code forgets a gradient, with `after` None, or changes it: to 0, or by clipping it."""

    node: int
    before: Quantity
    after: Quantity | None = None


@dataclass(frozen=True, slots=True)
class Accumulate:
    """A leaf adds the gradient of an earlier backward(), which nobody had zeroed, to that of this pass.

    Args:
        node: The leaf.
        before: Its gradient of this pass.
        contribution: The one that was there.
        after: Their sum.
    """

    node: int
    before: Quantity
    contribution: Quantity
    after: Quantity


@dataclass(frozen=True, slots=True)
class Update:
    """A parameter moves: `after = before + change`.

    Args:
        node: The parameter.
        before: Its value so far.
        after: Its value from now on.
        gradient: Its gradient.
        change: By how much it moves.
        rule: Which of the trace's update rules it follows; None if none is known.
        state: What the optimizer remembers of it now, such as its velocity.
    """

    node: int
    before: Quantity
    after: Quantity
    gradient: Quantity | None
    change: Quantity
    rule: int | None = None
    state: Mapping[str, Quantity] | None = None


Step = Forward | Seed | Unbroadcast | Backward | Iteration | Zero | Accumulate | Update
KINDS: dict[str, type[Any]] = {
    "forward": Forward,
    "seed": Seed,
    "unbroadcast": Unbroadcast,
    "backward": Backward,
    "iteration": Iteration,
    "zero": Zero,
    "accumulate": Accumulate,
    "update": Update,
}
_NAMES = {kind: name for name, kind in KINDS.items()}
_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_SEQUENCES = {"parents", "line", "shape", "from_shape", "to_shape", "axes"}
_QUANTITIES = {
    "value", "grad", "upstream", "local", "contribution", "before", "after", "gradient", "change"
}  # fmt: skip
_PAIRS = {"values", "kept", "start"}


def write_step(step: Step) -> dict[str, Any]:
    """A step as plain data, {"kind": ..., its fields}."""
    return {"kind": _NAMES[type(step)], **plain(step)}


def read_step(row: Mapping[str, Any]) -> Step:
    """The step that `write_step` wrote.

    Raises:
        ValueError: It is of an unknown kind, or has an unknown field.
    """
    kind = KINDS.get(row.get("kind", ""))
    if kind is None:
        raise ValueError(f"unknown kind of step {row.get('kind')!r}; known are {', '.join(KINDS)}")
    step: Step = kind(**rich(kind, {name: value for name, value in row.items() if name != "kind"}))
    return step


def plain(record: Any) -> dict[str, Any]:
    """A record as dicts, lists, strings, finite numbers; fields that are None are left out."""
    fields = ((name, getattr(record, name)) for name in record.__slots__)
    return {name: encode(value) for name, value in fields if value is not None}


def encode(value: Any) -> Any:
    """A field of a record as plain data."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Summary):
        return {name: encode(getattr(value, name)) for name in value.__slots__}
    if isinstance(value, tuple):
        return [encode(item) for item in value]
    if isinstance(value, dict):
        return {name: encode(item) for name, item in value.items()}
    return value


def rich(kind: type[Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a record from what `plain` wrote.

    Raises:
        ValueError: It has a field that the record has not.
    """
    unknown = set(row) - set(kind.__slots__)
    if unknown:
        raise ValueError(f"a {kind.__name__} has no field {sorted(unknown)[0]!r}")
    fields: dict[str, Any] = dict.fromkeys(kind.__slots__)
    for name, value in row.items():
        if name in _QUANTITIES:
            fields[name] = decode(value)
        elif name in _SEQUENCES:
            fields[name] = tuple(value)
        elif name in _PAIRS:
            fields[name] = tuple((node, decode(entry)) for node, entry in value)
        elif name == "state":
            fields[name] = {key: decode(entry) for key, entry in value.items()}
        else:
            fields[name] = value
    return fields


def decode(value: Any) -> Any:
    """A quantity from plain data."""
    if isinstance(value, str):
        return _NON_FINITE[value]
    if isinstance(value, dict):
        rows = tuple(tuple(decode(entry) for entry in row) for row in value["values"])
        least, greatest, mean = (decode(value[name]) for name in ("least", "greatest", "mean"))
        return Summary(tuple(value["shape"]), least, greatest, mean, rows)
    return value


@dataclass(frozen=True, slots=True)
class State:
    """What is known after some steps: absent means not computed yet."""

    values: dict[int, Quantity]
    grads: dict[int, Quantity]

    def play(self, steps: Iterable[Step], operations: Iterable[int]) -> None:
        """Let some steps happen.

        Args:
            steps: The steps, in order.
            operations: The ids of the nodes that are no leaves: those that each iteration computes anew.
        """
        for step in steps:
            match step:
                case Forward(node, value):
                    self.values[node] = value
                case Seed(node, value, kept):
                    for leaf, _ in kept or ():
                        del self.grads[leaf]
                    self.grads[node] = value
                case Backward(parent=node, after=after) | Accumulate(node=node, after=after):
                    self.grads[node] = after
                case Update(node=node, after=after):
                    self.values[node] = after
                case Zero(node=node, after=after):
                    self.grads.pop(node, None)
                    self.grads.update(_known(node, after))
                case Iteration(values=values):
                    for node in operations:
                        self.values.pop(node, None)
                        self.grads.pop(node, None)
                    self.values.update(values)


def _known(node: int, quantity: Quantity | None) -> Iterator[tuple[int, Quantity]]:
    if quantity is not None:
        yield node, quantity
