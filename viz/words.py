"""Steps in words: for screen readers, transcripts and captions; and finding steps by what happens in them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

from chainrule.nn.names import look_up
from chainrule.viz import labels
from chainrule.viz.steps import (
    Accumulate,
    Backward,
    Forward,
    Iteration,
    Quantity,
    Seed,
    Step,
    Summary,
    Unbroadcast,
    Update,
    Zero,
)
from chainrule.viz.trace import Trace

_GRADIENTS = {"zero": "in all entries", "nan": "in one entry"}


class Words:
    """What happens in a trace, in sentences.

    Args:
        trace: The recording.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.names = labels.names(trace)

    @cached_property
    def root(self) -> str:
        """What the result is called."""
        return self.names[-1]

    def sentence(self, step: Step) -> str:
        """One step in one sentence.

        Args:
            step: A step of the trace.

        Returns:
            A sentence without a full stop.
        """
        name = self.names[taker(step)] if not isinstance(step, Iteration) else ""
        match step:
            case Forward(node, value):
                made = self.trace.nodes[node]
                arguments = ", ".join(self.names[parent] for parent in made.parents)
                return f"{name} = {made.op}({arguments}){',' if isinstance(value, Summary) else ' ='} {said(value)}"
            case Seed(value=value):
                if isinstance(value, float) and value != 1.0:  # an element of an array, opened
                    return f"Backprop goes on: the gradient that arrives at {name} is {said(value)}"
                return f"Backprop begins: the gradient of {name} with respect to itself is {said(value)}"
            case Unbroadcast():
                shapes = f"from {_shape(step.to_shape)} to {_shape(step.from_shape)}"
                return f"{name} was stretched {shapes}, so its contribution is summed over {_axes(step.axes)}"
            case Backward():
                return f"gradient of {name}: {_contribution(step)}, {_now(step.after)}"
            case Iteration(number, values):
                told = "new data comes in" if values else "the same data"
                return f"Iteration {number}: {told}, and the graph is computed anew"
            case Zero(before=before, after=after):
                now = "forgotten" if after is None else f"set to {said(after)}"
                return f"the gradient of {name}, {said(before)}, is {now}"
            case Accumulate():
                return (
                    f"{name} still had the gradient {said(step.contribution)} of an earlier pass: the new one, "
                    f"{said(step.before)}, is added to it, {_now(step.after)}"
                )
            case Update():
                text = "" if step.rule is None else self.trace.rules[step.rule]["text"]
                rule = f" by {text}" if text else ""
                return f"{name} moves{rule}: from {said(step.before)} to {said(step.after)}"

    def transcript(self) -> str:
        """All steps, numbered, below a description of the graph; a mistake is told beside the right steps."""
        trace, mistake = self.trace, self.trace.mistake
        lines = [self.summary(), *self._leaves()]
        if mistake is not None:
            lines += [f"Beside it a wrong walk, {mistake.title}: {mistake.sentence}"]
        lines += [trace.meta["note"]] if "note" in trace.meta else []
        for number, step in enumerate(trace.steps, 1):
            told = self.sentence(step)
            other = None if mistake is None else mistake.steps[number - 1]
            wrong = told if other is None else self.sentence(other)
            told += f"; the wrong walk: {wrong}" if wrong != told else ""
            lines.append(f"{number}. {told}.")
        return "\n".join(lines) + "\n"

    def summary(self) -> str:
        """How large the graph is, and what it computes."""
        passes, steps = len(self.trace.iterations), f"{len(self.trace.steps)} steps"
        steps += f" in {passes} iterations" if passes else ""
        return f"Computation of {self.root}: {len(self.trace.nodes)} nodes, {steps}."

    def _leaves(self) -> list[str]:
        return [
            f"  {node.role} {self.names[node.id]} = {said(node.value)}"
            for node in self.trace.nodes
            if node.op is None and node.value is not None and (node.label or node.shape)
        ]


def taker(step: Step) -> int:
    """The node whose value or gradient a step changes; -1 for an iteration."""
    if isinstance(step, Iteration):
        return -1
    return step.parent if isinstance(step, Backward) else step.node


def find(
    trace: Trace,
    label: str | None = None,
    scope: str | None = None,
    gradient: str | None = None,
    above: float | None = None,
) -> list[int]:
    """The steps in which something happens.

    Args:
        trace: The recording.
        label: To a node that is called so.
        scope: To a node made in a scope of that name, or in one inside of it.
        gradient: A gradient is "zero" (in all entries) or "nan" (in one) after it.
        above: A gradient is larger in magnitude after it, in one entry at least.

    Returns:
        The numbers of the steps for which all of that holds, from 1.

    Raises:
        ValueError: There is no such label or scope, or `gradient` is another word.

    Example:
        >>> from chainrule.autograd.value import Value
        >>> from chainrule.viz.record import trace
        >>> x = Value(3.0, label="x")
        >>> find(trace(x * x), label="x"), find(trace(x * x), above=4.0)
        ([3, 4], [4])
    """
    nodes = set(range(len(trace.nodes)))
    if label is not None:
        names = labels.names(trace)
        known = {name: None for node, name in zip(trace.nodes, names)} | {
            n.label: None for n in trace.nodes if n.label
        }
        look_up("label", label, known)
        nodes = {node.id for node, name in zip(trace.nodes, names) if label in (name, node.label)}
    if scope is not None:
        look_up("scope", scope, {entry.name: None for entry in trace.scopes})
        nodes &= {node.id for node in trace.nodes if scope in labels.scopes(trace, node)}
    if gradient is not None:
        look_up("gradient", gradient, _GRADIENTS)
    found = []
    for number, step in enumerate(trace.steps, 1):
        if taker(step) not in nodes:
            continue
        after = (
            step.after
            if isinstance(step, Backward | Accumulate)
            else step.value
            if isinstance(step, Seed)
            else None
        )
        if gradient is not None and (after is None or not _is(after, gradient)):
            continue
        if above is not None and (after is None or not _largest(after) > above):
            continue
        found.append(number)
    return found


def _gradient_after(step: Step) -> Quantity | None:
    if isinstance(step, Backward | Accumulate):
        return step.after
    return step.value if isinstance(step, Seed) else None


def _is(gradient: Quantity, what: str) -> bool:
    mean, least, greatest = (
        (gradient.mean, gradient.least, gradient.greatest)
        if isinstance(gradient, Summary)
        else (gradient,) * 3
    )
    return math.isnan(mean) if what == "nan" else mean == least == greatest == 0


def _largest(gradient: Quantity) -> float:
    ends: Sequence[float] = (
        (gradient.least, gradient.greatest, gradient.mean) if isinstance(gradient, Summary) else (gradient,)
    )
    return max((abs(end) for end in ends if not math.isnan(end)), default=0.0)


def said(quantity: Quantity) -> str:
    """A number, or the shape and range of an array, in words."""
    if isinstance(quantity, Summary):
        return f"shape {_shape(quantity.shape)}, {labels.quantity(quantity)}"
    return labels.short(float(quantity))


def _contribution(step: Backward) -> str:
    if isinstance(step.contribution, Summary) or step.local is None:
        return "plus a contribution"
    return f"plus {said(step.upstream)} times {said(step.local)}"


def _now(after: Quantity) -> str:
    return said(after) if isinstance(after, Summary) else f"now {said(after)}"


def _shape(shape: Sequence[int]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _axes(axes: Sequence[int]) -> str:
    return f"axis {axes[0]}" if len(axes) == 1 else f"axes {', '.join(map(str, axes))}"
