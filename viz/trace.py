"""The recording that everything visual reads: plain data, no engine, ready for JSON.

What happens in it is a list of steps (see `chainrule.viz.steps`). "Step n" is the state after n of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chainrule.viz.steps import (
    Backward,
    Iteration,
    Quantities,
    Quantity,
    State,
    Step,
    plain,
    read_step,
    rich,
    write_step,
)

VERSION = 1


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
        grad: The gradient that a leaf had before the first step, or None.
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
    grad: Quantity | None = None


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
class Mistake:
    """A wrong walk, in step with the right one.

    Args:
        name: Its name, such as "overwrite".
        title: What is wrong, in a few words.
        sentence: What a student would have done, and what comes of it.
        wrong: The student's lines of code.
        right: What they should be.
        matters: Whether any gradient of this graph comes out wrong.
        start: Gradients that the wrong walk finds on its nodes when it begins.
        steps: As long as the trace's: what happens in the wrong walk meanwhile; None: the same.
    """

    name: str
    title: str
    sentence: str
    wrong: str
    right: str
    matters: bool
    start: Quantities
    steps: Sequence[Backward | None]


@dataclass(frozen=True, slots=True)
class Trace:
    """A recorded forward and backward pass, or several of them with what lies between.

    Args:
        nodes: The nodes; `nodes[k].id == k`, arguments before what is computed from them.
        scopes: The scopes; `scopes[k].id == k`.
        steps: What happened, in order.
        formulas: Derivatives as expression trees (see `chainrule.viz.formula`), shared by the nodes.
        meta: Free facts, such as the source text, {"sources": {file: {line number: text}}}, or a "note" that is told.
        version: The schema's number.
        rules: How parameters move: {"name", "settings", "lines"}, where a line is [target, expression].
        mistake: A wrong walk beside the right one.
        paths: Per leaf of a tensor graph its gradient as a sum over paths (see `chainrule.viz.paths`).
        elements: Per tensor op the scalar graphs of its elements (see `chainrule.viz.elements`).
    """

    nodes: Sequence[TraceNode]
    scopes: Sequence[TraceScope] = ()
    steps: Sequence[Step] = ()
    formulas: Sequence[Mapping[str, Any]] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)
    version: int = VERSION
    rules: Sequence[Mapping[str, Any]] = ()
    mistake: Mistake | None = None
    paths: Sequence[Mapping[str, Any]] = ()
    elements: Sequence[Mapping[str, Any]] = ()

    def state(self, count: int | None = None, *, wrong: bool = False) -> State:
        """What is known after the first `count` steps.

        Args:
            count: How many steps to replay, 0 to `len(steps)`; None replays all.
            wrong: Replay the mistake's walk in place of the right one.

        Returns:
            The values and gradients known by then, by node id.

        Raises:
            IndexError: `count` is out of range.
            ValueError: The trace holds no mistake.

        >>> Trace([TraceNode(0, "x", None, (), None, None, (), "float64", "input", 2.0)]).state().values
        {0: 2.0}
        """
        total = len(self.steps)
        count = total if count is None else count
        if not 0 <= count <= total:
            raise IndexError(f"cannot replay {count} steps: this trace has {total}; pass 0 to {total}")
        state = State(
            {node.id: node.value for node in self.nodes if node.value is not None},
            {node.id: node.grad for node in self.nodes if node.grad is not None},
        )
        steps = self.steps
        if wrong:
            if self.mistake is None:
                raise ValueError(
                    "this trace holds no mistake: record one with step(loss, mistake='overwrite')"
                )
            state.grads.update(self.mistake.start)
            steps = [other or step for step, other in zip(steps, self.mistake.steps)]
        state.play(steps[:count], [node.id for node in self.nodes if node.op])
        return state

    @property
    def iterations(self) -> list[int]:
        """The steps with which the training's iterations begin: their indices in `steps`."""
        return [k for k, step in enumerate(self.steps) if isinstance(step, Iteration)]

    def to_dict(self) -> dict[str, Any]:
        """The trace as dicts, lists, strings, finite numbers and None: what `json` writes in any language.

        Returns:
            {"version", "meta", "nodes", "scopes", "steps", "formulas"}, and where there are such "rules", "mistake",
            "paths", "elements"; fields that are None are left out.
        """
        data: dict[str, Any] = {
            "version": self.version,
            "meta": dict(self.meta),
            "nodes": [plain(node) for node in self.nodes],
            "scopes": [plain(scope) for scope in self.scopes],
            "steps": [write_step(step) for step in self.steps],
            "formulas": [dict(formula) for formula in self.formulas],
        }
        for name in ("rules", "paths", "elements"):
            if rows := getattr(self, name):
                data[name] = [dict(row) for row in rows]
        if self.mistake is not None:
            steps = [step and write_step(step) for step in self.mistake.steps]
            data["mistake"] = plain(self.mistake) | {"steps": steps}
        return data

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
        return cls.from_dict(json.loads(text))

    @classmethod
    def from_dict(cls, data: Any) -> Trace:
        """Read what `to_dict` wrote; see `from_json`."""
        if not isinstance(data, dict) or data.get("version") != VERSION:
            found = data.get("version") if isinstance(data, dict) else type(data).__name__
            raise ValueError(f"cannot read a trace of version {found}: this release reads version {VERSION}")
        return cls(
            nodes=[TraceNode(**rich(TraceNode, node)) for node in data["nodes"]],
            scopes=[TraceScope(**rich(TraceScope, scope)) for scope in data["scopes"]],
            steps=[read_step(step) for step in data["steps"]],
            formulas=data["formulas"],
            meta=data["meta"],
            rules=data.get("rules", ()),
            mistake=_read_mistake(data.get("mistake")),
            paths=data.get("paths", ()),
            elements=data.get("elements", ()),
        )


def _read_mistake(row: dict[str, Any] | None) -> Mistake | None:
    if row is None:
        return None
    steps = [None if step is None else read_step(step) for step in row.pop("steps")]
    return Mistake(**rich(Mistake, row) | {"steps": steps})
