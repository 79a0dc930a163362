"""The mistakes that students make in backprop, each as a walk that makes it, in step with the right one.

A mistake is a `Walk` that overrides one method; its docstring is what the page says about it.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.autograd import walk
from chainrule.autograd.node import Node
from chainrule.nn.names import look_up
from chainrule.viz.record import Recorder, has_local, quantity, recorded
from chainrule.viz.steps import Backward
from chainrule.viz.trace import Mistake, Trace

RATE = 0.1  # learning rate of the mistake that moves the weights too early
Edge = tuple[Node, int, Node]
"""A node, the position of one of its arguments, and that argument."""

_SIGNED = {("sub", 1), ("div", 1), ("neg", 0), ("cos", 0), ("reciprocal", 0)}  # derivatives with a minus sign


class Walk:
    """The right walk.

    Args:
        recorder: The right recording, finished.
    """

    title = ""
    wrong = "for v in reversed(order):\n    for p, local in v.edges:\n        p.grad += v.grad * local"
    right = wrong

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        scalar = all(type(node.data) is float for node in recorder.ids)
        self.algebra = walk.FLOATS if scalar else walk.arrays()
        self.grads: dict[Node, Any] = self.start()
        self.begun = dict(self.grads)
        self.grads[recorder.loss] = recorder.seed
        self.steps = [self._step(*edge) for edge in self.edges() if edge[0] in self.grads]

    def start(self) -> dict[Node, Any]:
        """The gradients that the nodes have before the walk."""
        return {}

    def edges(self) -> Iterator[Edge]:
        """The edges in the order in which they are walked."""
        for node in self.recorder.interior:
            yield from self.edges_of(node)

    def edges_of(self, node: Node) -> Iterator[Edge]:
        """The edges from one node to the arguments that take a gradient."""
        assert node.op is not None
        for argument, parent in enumerate(node.parents):
            if isinstance(parent, Node) and parent.requires_grad and node.op.rule(argument) is not None:
                yield node, argument, parent

    def operand(self, parent: Any) -> Any:
        """What the rules are given for an operand."""
        return self.algebra.operand(parent)

    def contribute(self, edge: Edge, g: Any, out: Any, operands: list[Any]) -> Any:
        """What the rule gives for an edge."""
        node, argument, _ = edge
        assert node.op is not None
        rule = node.op.rule(argument)
        assert rule is not None
        raw = rule(self.algebra.xp, g, out, *operands, **node.params)
        return self.algebra.xp.guard(g, raw) if node.op.structure == "elementwise" else raw

    def fit(self, raw: Any, parent: Node) -> Any:
        """A contribution in the shape of the operand."""
        return self.algebra.fit(raw, parent)

    def add(self, before: Any, contribution: Any) -> Any:
        """The gradient after a contribution."""
        return contribution if before is None else before + contribution

    def _step(self, node: Node, argument: int, parent: Node) -> Backward:
        ids, edge, g = self.recorder.ids, (node, argument, parent), self.grads[node]
        operands = [self.operand(p) for p in node.parents]
        contribution = self.fit(self.contribute(edge, g, node.data, operands), parent)
        one = 1.0 if isinstance(node.data, float) else np.ones_like(node.data)
        local = self.contribute(edge, one, node.data, operands) if has_local(node, operands) else None
        before = self.grads.get(parent)
        after = self.grads[parent] = self.add(before, contribution)
        return Backward(
            ids[node],
            ids[parent],
            argument,
            quantity(g),
            None if local is None else quantity(local),
            quantity(contribution),
            None if before is None else quantity(before),
            quantity(after),
        )


class Overwrite(Walk):
    """Wrote = where += belongs: of a value that is used several times, only the last use counts."""

    title = "assigns instead of adding up"
    wrong = "p.grad = v.grad * local"
    right = "p.grad += v.grad * local"

    def add(self, before: Any, contribution: Any) -> Any:
        """The contribution alone."""
        return contribution


class NoTopologicalOrder(Walk):
    """Recursed into each argument at once: a shared value passes its gradient on before all of it has arrived."""

    title = "recursion without topological order"
    wrong = (
        "def visit(v):\n    seen.add(v)\n    for p, local in v.edges:\n"
        "        p.grad += v.grad * local\n        if p not in seen: visit(p)"
    )
    right = Walk.right

    def edges(self) -> Iterator[Edge]:
        """The edges as a depth-first search meets them."""
        seen = {self.recorder.loss}
        stack = [self.edges_of(self.recorder.loss)] if self.recorder.loss.op else []
        while stack:
            edge = next(stack[-1], None)
            if edge is None:
                stack.pop()
                continue
            yield edge
            parent = edge[2]
            if parent.op is not None and parent not in seen:
                seen.add(parent)
                stack.append(self.edges_of(parent))


class NoZeroGrad(Walk):
    """Forgot zero_grad() before the second pass: the gradients of the first are still there and are added in."""

    title = "the last gradients are not zeroed"
    wrong = "loss.backward()\noptimizer.step()"
    right = "optimizer.zero_grad()\nloss.backward()\noptimizer.step()"

    def start(self) -> dict[Node, Any]:
        """The leaves hold what a first pass left."""
        return {node: g for node, g in self.recorder.grads.items() if node.op is None}


class BackwardTwice(Walk):
    """Called backward() again and zeroed nothing, not even in between: the old gradients flow on a second time."""

    title = "a second backward() through old gradients"
    wrong = "loss.backward()\nloss.backward()"
    right = "loss.backward()\nfor v in order: v.grad = 0\nloss.backward()"

    def start(self) -> dict[Node, Any]:
        """All nodes hold what a first pass left."""
        return {node: g for node, g in self.recorder.grads.items() if node is not self.recorder.loss}


class Sign(Walk):
    """Forgot the minus sign: of a − b with respect to b, of a / b with respect to b, of −a, of cos a."""

    title = "a minus sign is missing"
    wrong = "# a - b\na.grad += v.grad\nb.grad += v.grad"
    right = "# a - b\na.grad += v.grad\nb.grad -= v.grad"

    def contribute(self, edge: Edge, g: Any, out: Any, operands: list[Any]) -> Any:
        """The negative of what has a minus sign."""
        raw = super().contribute(edge, g, out, operands)
        assert edge[0].op is not None
        return -raw if (edge[0].op.name, edge[1]) in _SIGNED else raw


class NoChain(Walk):
    """Left out the chain factor: each gradient is only the local derivative, as if the next node were the loss."""

    title = "the upstream gradient is left out"
    wrong = "p.grad += local"
    right = "p.grad += v.grad * local"

    def contribute(self, edge: Edge, g: Any, out: Any, operands: list[Any]) -> Any:
        """The rule for an upstream gradient of 1."""
        one = 1.0 if type(g) is float else np.ones_like(g)
        return super().contribute(edge, one, out, operands)


class NoUnbroadcast(Walk):
    """Did not sum over the axes that broadcasting had stretched: the gradient of a bias is as large as a batch."""

    title = "a stretched argument is not summed back"
    wrong = "# h = x + b, shapes (4, 3) and (3,)\nb.grad += v.grad"
    right = "# h = x + b, shapes (4, 3) and (3,)\nb.grad += v.grad.sum(axis=0)"

    def fit(self, raw: Any, parent: Node) -> Any:
        """What the rule gave, if it goes to a leaf; further up the shapes would no longer fit."""
        return super().fit(raw, parent) if parent.op else raw


class InputForOutput(Walk):
    """Put the input where the rule has the output: tanh′ is 1 − tanh(a)², so 1 − v², and not 1 − a²."""

    title = "a derivative with the input in place of the output"
    wrong = "# v = tanh(a)\na.grad += v.grad * (1 - a**2)"
    right = "# v = tanh(a)\na.grad += v.grad * (1 - v**2)"

    def contribute(self, edge: Edge, g: Any, out: Any, operands: list[Any]) -> Any:
        """The rule of a function of one argument, given the argument for the result."""
        single = len(operands) == 1 and edge[0].op is not None and edge[0].op.structure == "elementwise"
        return super().contribute(edge, g, operands[0] if single else out, operands)


class UpdatedWeight(Walk):
    """Moved each weight as soon as its gradient arrived: what lies before it is differentiated at the new weight."""

    title = "weights move during the walk"
    wrong = f"w.grad += v.grad * local\nw.data -= {RATE} * w.grad  # inside the walk"
    right = f"loss.backward()\nfor w in parameters: w.data -= {RATE} * w.grad"

    def operand(self, parent: Any) -> Any:
        """The data of a leaf as it has moved by now."""
        data = super().operand(parent)
        if isinstance(parent, Node) and parent.op is None and parent in self.grads:
            return (
                data - np.asarray(RATE, data.dtype) * self.grads[parent]
                if np.ndim(data)
                else (data - RATE * self.grads[parent])
            )
        return data


MISTAKES: dict[str, type[Walk]] = {
    "overwrite": Overwrite,
    "no_topological_order": NoTopologicalOrder,
    "no_zero_grad": NoZeroGrad,
    "backward_twice": BackwardTwice,
    "sign": Sign,
    "no_chain": NoChain,
    "no_unbroadcast": NoUnbroadcast,
    "input_for_output": InputForOutput,
    "updated_weight": UpdatedWeight,
}
"""All mistakes by name, the most frequent ones first."""


def record(loss: Node, name: str) -> Trace:
    """Record the right walk and a wrong one.

    Args:
        loss: The result.
        name: One of `MISTAKES`.

    Returns:
        The trace of the right walk, with the wrong one as its `mistake`.

    Raises:
        ValueError: The mistake is unknown.

    Example:
        >>> from chainrule.autograd.value import Value
        >>> x = Value(3.0, label="x")
        >>> recording = record(x * x, "overwrite")
        >>> recording.state().grads[0], recording.state(wrong=True).grads[0]
        (6.0, 3.0)
        >>> recording.mistake.wrong, recording.mistake.right
        ('p.grad = v.grad * local', 'p.grad += v.grad * local')
    """
    recorder = recorded(loss)
    return replace(recorder.finish(), mistake=beside(recorder, name))


def beside(recorder: Recorder, name: str) -> Mistake:
    """Walk wrongly, in step with a right walk that is recorded; see `record`."""
    kind = look_up("mistake", name, MISTAKES)
    made = kind(recorder)
    wrong = iter(made.steps)
    steps = [next(wrong) if isinstance(step, Backward) else None for step in recorder.steps]
    leaves = [leaf for leaf in recorder.leaves if leaf in recorder.grads]
    matters = any(not _equal(recorder.grads[leaf], made.grads.get(leaf)) for leaf in leaves)
    start = tuple((recorder.ids[node], quantity(g)) for node, g in made.begun.items())
    return Mistake(name, kind.title, _sentence(kind, matters), kind.wrong, kind.right, matters, start, steps)


def _sentence(kind: type[Walk], matters: bool) -> str:
    said = " ".join(inspect.cleandoc(kind.__doc__ or "").split())
    return said if matters else f"{said} In this graph it makes no difference."


def _equal(a: Any, b: Any) -> bool:
    """Whether two gradients are the same but for rounding: the engine may have used a backend's kernels."""
    if np.shape(a) != np.shape(b):
        return False
    near = float(np.sqrt(np.finfo(np.asarray(a).dtype).eps))
    return bool(
        np.allclose(a, b, rtol=near, atol=near * float(np.max(np.abs(a), initial=0.0)), equal_nan=True)
    )
