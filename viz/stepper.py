"""The stepper: backprop, one edge at a time, both ways, on the user's own code."""

from __future__ import annotations

import base64
import inspect
import os
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.autograd.mode import record_lines
from chainrule.autograd.node import Node
from chainrule.autograd.tensor import Tensor
from chainrule.autograd.value import Value
from chainrule.backends.atomic import write_atomically
from chainrule.viz import page, svg
from chainrule.viz.record import snapshot, trace
from chainrule.viz.svg import Drawing
from chainrule.viz.trace import Trace

FRAME_HEIGHT = 660  # px, of the stepper in a notebook


class Stepper:
    """A recorded computation that can be stepped through in a browser.

    Args:
        recording: What to show.
        name: What it is called on the page.

    Attributes:
        trace: the recording.
    """

    def __init__(self, recording: Trace, name: str = "computation") -> None:
        self.trace = recording
        self.name = name

    def html(self, title: str = "Backprop, step by step") -> str:
        """The stepper as one HTML document that needs nothing else.

        Args:
            title: Shown at the top.

        Returns:
            The document.
        """
        return page.html({self.name: self.trace}, title)

    def save(self, path: str | os.PathLike[str], title: str = "Backprop, step by step") -> Path:
        """Write the stepper into one file that opens from disk, offline.

        Args:
            path: Ends in `.html`.
            title: Shown at the top.

        Returns:
            The path written.

        Raises:
            ValueError: The path ends in something else.
        """
        return save_page(path, {self.name: self}, title)

    def drawing(self) -> Drawing:
        """The graph after the last step, as a still picture."""
        return svg.picture(self.trace)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """For notebooks: where scripts run the stepper, which hides the picture; elsewhere the picture."""
        picture = self.drawing().svg
        encoded = base64.b64encode(picture.encode()).decode()
        frame = (
            f'<img class="chainrule-still" style="max-width:100%" alt="{escape(repr(self))}" '
            f'src="data:image/svg+xml;base64,{encoded}">'
            f'<iframe title="{escape(self.name)}" width="100%" height="{FRAME_HEIGHT}" '
            f'style="border:1px solid #8884;border-radius:10px" srcdoc="{escape(self.html())}"></iframe>'
        )
        return {"text/html": frame, "image/svg+xml": picture, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return (
            f"Stepper({len(self.trace.nodes)} nodes, {len(self.trace.steps)} steps; "
            ".save('steps.html') writes it)"
        )


def step(computation: Node | Callable[..., Node], *args: Any) -> Stepper:
    """Step through a computation and its backprop.

    Args:
        computation: A result that was computed, or a function that computes one. With a function, the lines
            of its code are shown too.
        *args: The function's arguments. Numbers become `Value`s and arrays `Tensor`s, named as the function
            names them.

    Returns:
        The stepper: shown by a notebook, saved by `.save("steps.html")`.

    Raises:
        TypeError: There is nothing to trace, or arguments came without a function.

    Example:
        >>> step(lambda x, y: x * y, 2.0, 5.0)
        Stepper(3 nodes, 4 steps; .save('steps.html') writes it)
    """
    if isinstance(computation, Node):
        if args:
            raise TypeError("step(result) takes no arguments; pass a function: step(f, *args)")
        return Stepper(trace(computation), computation.label or "computation")
    if not callable(computation):
        raise TypeError(
            f"cannot step through a {type(computation).__name__}: pass the Value or Tensor that was "
            "computed, or a function and its arguments: step(f, 2.0, 5.0)"
        )
    with record_lines():
        result = computation(*_named(computation, args))
    name = getattr(computation, "__name__", "computation")
    return Stepper(trace(result), "computation" if name == "<lambda>" else name)


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


def save_page(
    path: str | os.PathLike[str], steppers: Mapping[str, Stepper], title: str = "Backprop, step by step"
) -> Path:
    """Write several steppers into one HTML file, each on a tab of its own.

    Args:
        path: Ends in `.html`.
        steppers: The steppers, by the name of their tab.
        title: Shown at the top.

    Returns:
        The path written.

    Raises:
        ValueError: The path ends in something else, or there is no stepper.
    """
    target = Path(path)
    if target.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"cannot save a stepper as {target.name!r}: the name must end in .html")
    graphs = {name: stepper.trace for name, stepper in steppers.items()}
    write_atomically(target, [page.html(graphs, title).encode(errors="replace")])
    return target


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
