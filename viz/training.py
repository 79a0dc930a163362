"""A training as one recording: forward, backward, update and zero, iteration after iteration, on one graph.

The user's own function runs. Its calls of `backward()` are watched; what it did to the leaves meanwhile (updates,
gradients forgotten) is seen by comparing them with what they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.autograd.backward import watched
from chainrule.autograd.mode import record_lines
from chainrule.autograd.node import Node
from chainrule.nn.optim import Optimizer
from chainrule.viz import rules
from chainrule.viz.diagnostics import Diagnostics
from chainrule.viz.record import Recorder, quantity
from chainrule.viz.steps import Iteration, Quantity, Step, Update, Zero
from chainrule.viz.trace import Trace, TraceNode


def record_training(function: Callable[..., Any], args: tuple[Any, ...], n: int) -> tuple[Trace, Diagnostics]:
    """Run a training step n times and record every pass, update and zeroing.

    Args:
        function: Computes a loss and calls its `backward()`; then updates the parameters, by an optimizer or by
            hand. It is really run: the parameters are trained afterwards.
        args: What it is called with each time.
        n: How often, at least 1.

    Returns:
        One graph with the steps of all its iterations, and how its layers fared.

    Raises:
        RuntimeError: The function never called `backward()`.
        ValueError: The graph changed from one iteration to another, or n is less than 1.
    """
    if n < 1:
        raise ValueError(f"a training needs at least one step, got n={n}")
    tape = Tape(rules.found_in(function, args))
    with record_lines(), watched(tape.backward), _overheard(tape.optimizers, tape.used):
        for _ in range(n):
            function(*args)
            tape.call_ended()
    name = getattr(function, "__name__", "the function")
    if tape.diagnostics is None:
        raise RuntimeError(
            f"{name} never called backward(), so there is no training to step through: compute a loss in it, call "
            "loss.backward(), and update the parameters; to step through a result alone leave out n: step(f, *args)"
        )
    return tape.finish(), tape.diagnostics


class Tape:
    """What happens to one graph from iteration to iteration.

    Args:
        optimizers: Those whose updates are to be shown with their formulas.
    """

    def __init__(self, optimizers: list[Optimizer]) -> None:
        self.optimizers = optimizers
        self.first: Recorder | None = None
        self.diagnostics: Diagnostics | None = None
        self.steps: list[Step] = []
        self.rules: dict[str, dict[str, Any]] = {}
        self.passes = 0
        self.leaves: dict[int, Node] = {}
        self.data: dict[int, Any] = {}  # by leaf: what it held when last looked at
        self.grads: dict[int, Any] = {}  # by leaf: what the last pass left
        self.constants: dict[int, Quantity] = {}  # what the constants held last
        self.used: dict[Node, Any] = {}  # by parameter: the gradient that its optimizer was given
        self.moved: set[int] = set()
        self.within = False  # whether the call at hand has made a pass

    def backward(self, loss: Node) -> None:
        """Write down a pass that is about to begin."""
        recorder = Recorder(loss)
        leaves = {recorder.ids[leaf]: leaf for leaf in recorder.leaves}
        if self.first is None:
            self.first = recorder
            begun = {number: leaf.grad for number, leaf in leaves.items() if leaf.grad is not None}
            recorder.nodes = [
                replace(node, grad=quantity(begun[node.id])) if node.id in begun else node
                for node in recorder.nodes
            ]
            self.diagnostics = Diagnostics(recorder)
            self.leaves, self.data, self.grads = leaves, {k: _copy(v.data) for k, v in leaves.items()}, begun
            fresh: dict[int, Quantity] = {}
        else:
            _same(self.first.nodes, recorder.nodes, self.passes + 1)
            if self.within:
                self._updates()
            fresh = self._fresh(recorder, leaves)
        self.passes += 1
        self.within = True
        self.steps.append(Iteration(self.passes, tuple(fresh.items())))
        self._zeroes()
        recorder.forward()
        if loss.requires_grad:
            recorder.backward(kept={leaf for leaf in leaves.values() if leaf.grad is not None})
        self.steps += recorder.steps
        assert self.diagnostics is not None
        self.diagnostics.read(recorder)
        self.grads |= {
            recorder.ids[leaf]: _copy(grad) for leaf, grad in recorder.grads.items() if not leaf.op
        }

    def call_ended(self) -> None:
        """Write down what the user's function did after its last pass."""
        self._updates()
        self._zeroes()
        self.within = False

    def finish(self) -> Trace:
        """The recording; leaves that were updated are parameters."""
        assert self.first is not None
        plain = self.first.finish()
        nodes = [replace(node, role="parameter") if node.id in self.moved else node for node in plain.nodes]
        return replace(plain, nodes=nodes, steps=self.steps, rules=list(self.rules.values()))

    def _fresh(self, recorder: Recorder, leaves: dict[int, Node]) -> dict[int, Quantity]:
        """Leaves and constants that hold other data than in the iteration before."""
        assert self.first is not None
        fresh = {}
        for number, leaf in leaves.items():
            if not _same_data(self.data[number], leaf.data):
                self.data[number] = _copy(leaf.data)
                fresh[number] = quantity(leaf.data)
            if leaf is not self.leaves[number]:  # made anew, as a mini-batch is
                self.leaves[number] = leaf
        known = {node.id: node.value for node in self.first.nodes} | self.constants
        for node in recorder.nodes:
            if node.op is None and node.id not in leaves and repr(node.value) != repr(known[node.id]):
                assert node.value is not None
                fresh[node.id] = self.constants[node.id] = node.value
        return fresh

    def _updates(self) -> None:
        """Parameters that moved since they were last looked at."""
        moves: dict[int, tuple[Any, Any]] = {}
        changed = {k for k, leaf in self.leaves.items() if not _same_data(self.data[k], leaf.data)}
        for number, leaf in self.leaves.items():
            owner = self._owner(leaf)
            if number not in changed:
                touched = owner is not None and any(self.leaves[k] in owner[0].params for k in changed)
                if not touched or self.grads.get(number) is None:
                    continue
            before, after = self.data[number], _copy(leaf.data)
            gradient = self._gradient(number, leaf)
            self.moved.add(number)
            self.steps.append(
                Update(
                    number,
                    quantity(before),
                    quantity(after),
                    None if gradient is None else quantity(gradient),
                    quantity(after - before),
                    self._rule(owner, before, after, gradient),
                    self._remembered(owner, leaf),
                )
            )
            self.data[number] = after
            moves[number] = before, after
        if moves and self.diagnostics is not None:
            self.diagnostics.moved(moves)

    def _gradient(self, number: int, leaf: Node) -> Any:
        """The gradient that a leaf was moved by; where the user's code changed it first, that is a step too."""
        left, now = self.grads.get(number), self.used.pop(leaf, leaf.grad)
        if now is None or not np.any(now):  # zeroed by now
            return left
        if left is not None and not _same_data(left, now):
            self.grads[number] = _copy(now)
            self.steps.append(Zero(number, quantity(left), quantity(now)))
        return _copy(now)

    def _zeroes(self) -> None:
        """Gradients that are no longer what the last pass left."""
        for number, leaf in self.leaves.items():
            before, after = self.grads.get(number), leaf.grad
            if before is None or (after is not None and _same_data(before, after)):
                continue
            self.steps.append(Zero(number, quantity(before), None if after is None else quantity(after)))
            self.grads[number] = _copy(after)

    def _owner(self, leaf: Node) -> tuple[Optimizer, dict[str, Any], dict[str, Any]] | None:
        """The optimizer that moves a leaf, the settings of its group, and what it remembers of the leaf."""
        for optimizer in self.optimizers:
            for parameter, state in zip(optimizer.params, optimizer.state):
                if parameter is leaf:
                    groups = optimizer.param_groups
                    return optimizer, next(g for g in groups if any(p is leaf for p in g["params"])), state
        return None

    def _rule(self, owner: Any, before: Any, after: Any, gradient: Any) -> int | None:
        if owner is not None:
            rule: dict[str, Any] | None = rules.of_optimizer(owner[0], owner[1])
        else:
            rule = None if gradient is None else rules.of_numbers(before, after, gradient)
        if rule is None:
            return None
        self.rules.setdefault(f"{rule['name']} {rule['settings']}", rule)
        return list(self.rules).index(f"{rule['name']} {rule['settings']}")

    @staticmethod
    def _remembered(owner: Any, leaf: Node) -> dict[str, Quantity] | None:
        if owner is None or not owner[2]:
            return None
        return {
            rules.SYMBOLS.get(name, name): quantity(_copy(value))
            for name, value in owner[2].items()
            if isinstance(value, int | float) or np.shape(value) == np.shape(leaf.data)
        }


@contextmanager
def _overheard(optimizers: list[Optimizer], used: dict[Node, Any]) -> Iterator[None]:
    """Note, while the block runs, the gradients that optimizers are given: soon after they may be gone."""

    def listen(optimizer: Optimizer) -> None:
        original = optimizer.update

        def update(w: Any, g: Any, state: Any, numbers: Any) -> Any:
            used.update({parameter: g.copy() for parameter in optimizer.params if parameter.data is w})
            return original(w, g, state, numbers)

        vars(optimizer)["update"] = update

    for optimizer in optimizers:
        listen(optimizer)
    try:
        yield
    finally:
        for optimizer in optimizers:
            del vars(optimizer)["update"]


def _same(first: list[TraceNode], now: list[TraceNode], number: int) -> None:
    """Raise if a graph is not the one of the first iteration."""
    for a, b in zip(first, now):
        if (a.op, a.parents, a.shape) != (b.op, b.parents, b.shape):
            raise ValueError(
                f"the graph of pass {number} is not that of the first: node {a.id} was {_described(a)} and is "
                f"{_described(b)}, but one picture is to serve all iterations. Take the same branches and batches of "
                f"one size, record the passes before with n={number - 1}, or step through each by itself: step(loss)"
            )
    if len(first) != len(now):
        raise ValueError(
            f"the graph of pass {number} has {len(now)} nodes, the first had {len(first)}, but one picture is to "
            "serve all iterations: has something kept the loss of an earlier one, such as total = total + loss?"
        )


def _described(node: TraceNode) -> str:
    what = node.op or (f"the leaf {node.label!r}" if node.label else "a leaf")
    where = f" at {node.line[0]}:{node.line[1]}" if node.line else ""
    return f"{what} of shape {node.shape}{where}" if node.shape else f"{what}{where}"


def _copy(data: Any) -> Any:
    return data.copy() if isinstance(data, np.ndarray) else data


def _same_data(a: Any, b: Any) -> bool:
    if type(a) is float and type(b) is float:
        return a == b or a != a != b
    return np.shape(a) == np.shape(b) and np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind == "f")
