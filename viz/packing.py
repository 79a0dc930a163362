"""The steps of a recording, packed for the page: what its script can look up or compute exactly is left out.

Most numbers of a step stand in the steps before it: the upstream gradient is the one that the child has by then, what
was there before is the parent's. A packed step names those fields only, and the rest comes from lists of numbers, one
for all steps that are alike, so that an iteration costs its numbers and nothing else. `unpack` in
`static/replay.js` is the way back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.viz.steps import decode, encode

DERIVED, STORED, SINGLE = "=", "#", "f"
"""How a field is known: by a rule; from the list; from the list, in the shortest digits that single precision needs."""

_STRUCTURE = {"kind", "node", "child", "parent", "argument", "from_shape", "to_shape", "axes", "rule"}
_LITERALS = {"0.0", "1.0", "-1.0"}

Row = Mapping[str, Any]


def pack(
    rows: Sequence[Row | None],
    nodes: Sequence[Row],
    start: Sequence[tuple[int, Any]] = (),
    beside: Sequence[Row] = (),
) -> dict[str, Any]:
    """Pack steps.

    Args:
        rows: The steps as plain data; None where the step is that of `beside`.
        nodes: The nodes as plain data.
        start: Gradients that nodes have before the first step.
        beside: As long as `rows`: the steps of another walk.

    Returns:
        {"kinds": per kind of step its fields, each a constant or how it is known, "order": the kind of each step,
        "numbers": per kind what is stored of its steps, in their order}.
    """
    known = _Known(nodes, start)
    kinds: dict[str, int] = {}
    numbers: list[list[Any]] = []
    order = []
    for k, row in enumerate(rows):
        if row is None:
            order.append(-1)
            known.play(beside[k])
            continue
        fields, stored = known.fields(row)
        kind = kinds.setdefault(json.dumps(fields), len(kinds))
        if kind == len(numbers):
            numbers.append([])
        numbers[kind] += stored
        order.append(kind)
        known.play(row)
    return {"kinds": [json.loads(kind) for kind in kinds], "order": order, "numbers": numbers}


class _Known:
    """What the reader of a packed recording knows at a step."""

    def __init__(self, nodes: Sequence[Row], start: Sequence[tuple[int, Any]]) -> None:
        self.nodes = nodes
        self.values = {node["id"]: node["value"] for node in nodes if "value" in node}
        self.grads = {node["id"]: node["grad"] for node in nodes if "grad" in node} | dict(start)
        self.fitted: Any = None  # the contribution that was just summed to its argument's shape

    def fields(self, row: Row) -> tuple[dict[str, Any], list[Any]]:
        """How each field of a step is known, and what has to be stored of it."""
        fields: dict[str, Any] = {}
        stored = []
        node = row.get("parent", row.get("node"))
        single = node is not None and self.nodes[node]["dtype"] == "float32"
        derived = self._derived(row)
        for name, value in row.items():
            if name in _STRUCTURE or repr(value) in _LITERALS:
                fields[name] = value
            elif name in derived and derived[name] is not None and repr(derived[name]) == repr(value):
                fields[name] = DERIVED
            else:
                short = _shortened(value) if single else None
                fields[name] = STORED if short is None else SINGLE
                stored.append(value if short is None else short)
        return fields, stored

    def _derived(self, row: Row) -> dict[str, Any]:
        node = row.get("node")
        match row["kind"]:
            case "backward":
                before = self.grads.get(row["parent"])
                parents = self.nodes[row["child"]]["parents"]
                product = _times(row["upstream"], row.get("local"))
                return {
                    "upstream": self.grads.get(row["child"]),
                    "local": self.values.get(parents[1 - row["argument"]]) if len(parents) == 2 else None,
                    "contribution": product if self.fitted is None else self.fitted,
                    "before": before,
                    "after": row["contribution"] if before is None else _plus(before, row["contribution"]),
                }
            case "update":
                change = _plus(row["after"], row["before"], -1.0)
                return {"before": self.values.get(node), "gradient": self.grads.get(node), "change": change}
            case "zero":
                return {"before": self.grads.get(node)}
            case "accumulate":
                return {"before": self.grads.get(node), "after": _plus(row["before"], row["contribution"])}
        return {}

    def play(self, row: Row) -> None:
        """Let a step happen."""
        self.fitted = row["after"] if row["kind"] == "unbroadcast" else None
        match row:
            case {"kind": "forward", "node": node, "value": value}:
                self.values[node] = value
            case {"kind": "seed", "node": node, "value": value}:
                for leaf, _ in row.get("kept", ()):
                    self.grads.pop(leaf, None)
                self.grads[node] = value
            case {"kind": "backward", "parent": node, "after": after}:
                self.grads[node] = after
            case {"kind": "update", "node": node, "after": after}:
                self.values[node] = after
            case {"kind": "accumulate" | "zero", "node": node}:
                self.grads.pop(node, None)
                if "after" in row:
                    self.grads[node] = row["after"]
            case {"kind": "iteration", "values": values}:
                for node in self.nodes:
                    if "op" in node:
                        self.values.pop(node["id"], None)
                        self.grads.pop(node["id"], None)
                self.values.update(values)


def _is_number(value: Any) -> bool:
    return isinstance(value, float | str) or type(value) is int


def _times(a: Any, b: Any) -> Any:
    with np.errstate(all="ignore"):
        return encode(decode(a) * decode(b)) if _is_number(a) and _is_number(b) else None


def _plus(a: Any, b: Any, sign: float = 1.0) -> Any:
    return encode(decode(a) + sign * decode(b)) if _is_number(a) and _is_number(b) else None


def _shortened(value: Any) -> Any:
    """A quantity with the fewest digits that single precision needs; None if it has more than that."""
    if type(value) is float:
        with np.errstate(over="ignore"):
            single = np.float32(value)
        return float(str(single)) if float(single) == value else None
    if isinstance(value, list | tuple):
        items = [_shortened(item) for item in value]
        return None if any(item is None for item in items) else items
    if isinstance(value, dict):
        entries = {name: _shortened(item) for name, item in value.items()}
        return None if any(item is None for item in entries.values()) else entries
    return value
