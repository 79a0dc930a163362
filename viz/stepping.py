"""`step` and `draw`: from a result, a function or a training to what shows it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.autograd.mode import record_lines
from chainrule.autograd.node import Node
from chainrule.autograd.tensor import Tensor
from chainrule.autograd.value import Value
from chainrule.viz import mistakes, svg
from chainrule.viz.elements import Elements
from chainrule.viz.paths import of_leaves
from chainrule.viz.record import recorded, snapshot
from chainrule.viz.stepper import Stepper
from chainrule.viz.svg import Drawing
from chainrule.viz.training import record_training


def step(
    computation: Node | Callable[..., Any], *args: Any, n: int | None = None, mistake: str | None = None
) -> Stepper:
    """Step through a computation and its backprop, or through a whole training.

    Args:
        computation: A result that was computed, or a function that computes one. With a function, the lines
            of its code are shown too.
        *args: The function's arguments. Numbers become `Value`s and arrays `Tensor`s, named as the function
            names them.
        n: The function is a training step that calls `backward()` and updates the parameters: run it n times, and
            step through all of it.
        mistake: Walk back wrongly too, beside the right walk; a name such as "overwrite", see
            `chainrule.viz.mistakes`.

    Returns:
        The stepper: shown by a notebook, saved by `.save("steps.html")`.

    Raises:
        TypeError: There is nothing to trace, or arguments came without a function.
        ValueError: The mistake is unknown, or the training's graph changes from one iteration to the next.
        RuntimeError: The training step never called `backward()`.

    Example:
        >>> step(lambda x, y: x * y, 2.0, 5.0)
        Stepper(3 nodes, 4 steps; .save('steps.html') writes it)
        >>> from chainrule.autograd.value import Value
        >>> w = Value(3.0, label="w")
        >>> def train_step():
        ...     (w * w).backward()
        ...     w.data -= 0.1 * w.grad
        ...     w.zero_grad()
        >>> step(train_step, n=20)
        Stepper(2 nodes, 20 iterations, 140 steps; .save('steps.html') writes it)
        >>> round(w.data, 4)
        0.0346
    """
    if isinstance(computation, Node):
        if args or n is not None:
            raise TypeError("step(result) takes no arguments; pass a function: step(f, *args)")
        return _stepper(computation, computation.label or "computation", mistake)
    if not callable(computation):
        raise TypeError(
            f"cannot step through {type(computation).__name__} objects: pass the Value or Tensor that was "
            "computed, or a function and its arguments: step(f, 2.0, 5.0)"
        )
    name = getattr(computation, "__name__", "computation")
    name = "computation" if name == "<lambda>" else name
    if n is not None:
        if mistake is not None:
            raise ValueError(_one_pass(name, n, mistake))
        recording, diagnostics = record_training(computation, args, n)
        return Stepper(recording, name, diagnostics=diagnostics)
    with record_lines():
        result = computation(*_named(computation, args))
    if result is None:
        if mistake is not None:
            raise TypeError(f"{name} returned None, so there is no loss; {_one_pass(name, 20, mistake)}")
        raise TypeError(
            f"{name} returned None: return the loss, step({name}), or if it is a whole training step that calls "
            f"backward() and updates the parameters, say how often to run it: step({name}, n=20)"
        )
    try:
        return _stepper(result, name, mistake)
    except RuntimeError as error:  # such as weights that were updated after the loss was computed
        told = (
            f"say how often to run it: step({name}, n=20)"
            if mistake is None
            else _one_pass(name, 20, mistake)
        )
        error.add_note(f"If {name} is a whole training step, {told}")
        raise


def _one_pass(name: str, n: int, mistake: str) -> str:
    """Why a training takes no mistake, and how to see one in it all the same."""
    return (
        f"mistake= walks back once, from one loss: step(f, mistake={mistake!r}), where f only returns the loss. "
        "In a training a mistake changes all that comes after it, so write it into the function itself, such as by "
        f"leaving out zero_grad() in a copy of {name}, and save both trainings as tabs of one page:\n"
        "    from chainrule.viz import save_page\n"
        f'    save_page("two.html", {{"right": step({name}, n={n}), "wrong": step(wrong, n={n})}})'
    )


def draw(loss: Node) -> Drawing:
    """Draw the graph of a result, with the values and gradients that it holds now.

    Args:
        loss: The result. Before `backward()` its gradients show as not computed.

    Returns:
        The drawing: shown by a notebook, saved by `.save("graph.svg")`.

    Raises:
        TypeError: `loss` is no node of a graph.

    Example:
        >>> from chainrule.autograd.value import Value
        >>> "×" in draw(Value(2.0) * Value(3.0)).svg
        True
    """
    return svg.picture(*snapshot(loss))


def _stepper(loss: Node, name: str, mistake: str | None) -> Stepper:
    recorder = recorded(loss)
    recording = recorder.finish()
    if mistake is not None:
        recording = replace(recording, mistake=mistakes.beside(recorder, mistake))
    if all(isinstance(node.data, float) for node in recorder.ids):
        return Stepper(recording, name)
    elements = Elements(recorder)
    recording = replace(recording, paths=of_leaves(recorder), elements=elements.for_page())
    return Stepper(recording, name, elements)


def _named(function: Callable[..., Any], args: tuple[Any, ...]) -> list[Any]:
    """The arguments as nodes, labelled with the names of the function's parameters."""
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        names = []
    nodes: list[Any] = []
    for number, arg in enumerate(args):
        label = names[number] if number < len(names) else ""
        if isinstance(arg, (int, float)) and not isinstance(arg, bool):
            nodes.append(Value(arg, label=label))
        elif isinstance(arg, (list, np.ndarray)):
            nodes.append(Tensor(arg, label=label))
        else:
            nodes.append(arg)
    return nodes
