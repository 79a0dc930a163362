"""The stepper: backprop, one edge at a time, both ways, on the user's own code."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.backends.atomic import write_atomically
from chainrule.viz import page, svg, widget
from chainrule.viz.diagnostics import Diagnostics
from chainrule.viz.elements import Elements
from chainrule.viz.filmstrip import filmstrip
from chainrule.viz.svg import Drawing
from chainrule.viz.trace import Trace
from chainrule.viz.words import Words, find

if TYPE_CHECKING:
    from anywidget import AnyWidget

FRAME_HEIGHT = 660  # px, of the stepper in a notebook


class Stepper:
    """A recorded computation that can be stepped through in a browser.

    Args:
        recording: What to show.
        name: What it is called on the page.
        elements: The arrays of a tensor graph, for `element`.
        diagnostics: How the layers fared in a training, for `diagnostics`.

    Attributes:
        trace: the recording.
    """

    def __init__(
        self,
        recording: Trace,
        name: str = "computation",
        elements: Elements | None = None,
        diagnostics: Diagnostics | None = None,
    ) -> None:
        self.trace = recording
        self.name = name
        self._diagnostics = diagnostics
        self._elements = elements

    def diagnostics(self) -> Diagnostics:
        """How the layers fared in a training: sizes of values, gradients and updates, dead and saturated units.

        Returns:
            What prints as a table with words on what stands out; a notebook shows it as curves over the iterations,
            and `.save("layers.svg")` writes them.

        Raises:
            ValueError: This is no training.

        Example:
            >>> from chainrule.autograd.value import Value
            >>> from chainrule.viz.stepping import step
            >>> w = Value(0.5, label="w")
            >>> def train_step():
            ...     ((w * 2.0).tanh() - 1.0).square().backward()
            ...     w.data -= 0.01 * w.grad
            ...     w.zero_grad()
            >>> print(step(train_step, n=5).diagnostics())
                        values  gradients  dead, saturated, or update : weight
            tanh          0.77       0.45  0% saturated
            parameters    0.52       0.36  0.007 : 1
        """
        if self._diagnostics is None:
            raise ValueError(
                f"{self.name} is one pass; diagnostics are those of a training: step(train_step, n=20).diagnostics()"
            )
        return self._diagnostics

    def element(self, node: int | str, index: int | tuple[int, ...]) -> Stepper:
        """Open one element of an array: the graph of numbers that it was computed by.

        Args:
            node: The name or the id of an array that an op computed.
            index: Which element; of a matrix product, its row and column.

        Returns:
            A stepper over `Value`s, with the same numbers and the same gradient; where three or more elements tie
            for a maximum, its transcript says how their shares differ.

        Raises:
            ValueError: There is no such array, or its elements cannot be opened; says why.
            IndexError: The array has no such element.

        Example:
            >>> from chainrule.autograd.tensor import Tensor
            >>> from chainrule.viz.stepping import step
            >>> a, b = Tensor([[1.0, 2.0], [3.0, 4.0]], label="A"), Tensor([[5.0], [6.0]], label="B")
            >>> c = a @ b
            >>> c.label = "C"
            >>> inside = step(c.sum()).element("C", (1, 0))
            >>> [node.label for node in inside.trace.nodes if node.label]
            ['A[1,0]', 'B[0,0]', 'A[1,1]', 'B[1,0]', 'C[1,0]']
            >>> inside.trace.state().values[6], inside.trace.state().grads[0]
            (39.0, 5.0)
        """
        if self._elements is None:
            raise ValueError(
                f"{self.name} has no arrays to open: elements are those of Tensors in one pass; for a training "
                "record one loss of it, step(loss)"
            )
        elements = self._elements
        number = elements.find(node)
        recording = elements.opened(number, index if isinstance(index, tuple) else (index,))
        return Stepper(recording, recording.nodes[-1].label)

    def html(self, title: str = "Backprop, step by step") -> str:
        """The stepper as one HTML document that needs nothing else.

        Args:
            title: Shown at the top.

        Returns:
            The document.
        """
        return page.html({self.name: self.trace}, title)

    def save(
        self,
        path: str | os.PathLike[str],
        title: str = "Backprop, step by step",
        *,
        steps: Sequence[int] | None = None,
    ) -> Path:
        """Write the stepper into one file: a page that opens from disk, offline, or a still picture.

        Args:
            path: Ends in `.html` for the page, in `.svg` or `.png` for a picture.
            title: Shown at the top of the page.
            steps: The picture shows the graph after each of these steps, as a filmstrip; None: after the last.

        Returns:
            The path written.

        Raises:
            ValueError: The path ends in something else, or a page was asked to show some steps only.
            IndexError: There is no such step.
            ImportError: PNG was asked for, and cairosvg is not installed.
        """
        target = Path(path)
        if target.suffix.lower() in (".svg", ".png"):
            drawing = self.drawing() if steps is None else filmstrip(self.trace, list(steps))
            return drawing.save(target)
        if steps is not None:
            raise ValueError(
                f"steps= makes a filmstrip, a still picture: save it as .svg or .png, not as {target.name!r}; a page "
                "has all steps"
            )
        return save_page(target, {self.name: self}, title)

    def transcript(self) -> str:
        """All steps in words, one to a line: for screen readers, and for finding something in them.

        Example:
            >>> from chainrule.viz.stepping import step
            >>> print(step(lambda x, y: x * y, 2.0, 5.0).transcript())
            Computation of L: 3 nodes, 4 steps.
              input x = 2
              input y = 5
            1. L = mul(x, y) = 10.
            2. Backprop begins: the gradient of L with respect to itself is 1.
            3. gradient of x: plus 1 times 5, now 5.
            4. gradient of y: plus 1 times 2, now 2.
            <BLANKLINE>
        """
        return Words(self.trace).transcript()

    def find(
        self,
        *,
        label: str | None = None,
        scope: str | None = None,
        gradient: str | None = None,
        above: float | None = None,
    ) -> list[int]:
        """The numbers of the steps in which something happens, counted from 1; all that is given must hold.

        Args:
            label: To the node of that label, or name.
            scope: To a node made in the scope of that name.
            gradient: A gradient is "zero", or "nan", after the step.
            above: A gradient is larger than this in magnitude after the step.

        Raises:
            ValueError: There is no such label or scope, or `gradient` is another word.

        Example:
            >>> from chainrule.viz.stepping import step
            >>> step(lambda x: x * x, 3.0).find(label="x", above=4.0)
            [4]
        """
        return find(self.trace, label, scope, gradient, above)

    def embed(self, url: str = "steps.html", *, step: int = 0, node: str = "", height: int = 420) -> None:
        """Print a frame that shows the saved stepper on a slide or in another page, without its side panels.

        Args:
            url: Where the page that `save` wrote lies, seen from the page around it.
            step: The step that it opens at.
            node: The label of the node that is looked at, or "".
            height: Of the frame, px.
        """
        print(page.embed(url, self.name, step, node, height))

    def widget(self) -> AnyWidget:
        """The stepper as a live widget: its `step` can be read and set by Python.

        Returns:
            The widget, for JupyterLab, marimo and other hosts of anywidget; each call makes another.

        Raises:
            ModuleNotFoundError: anywidget is not installed.
        """
        return widget.widget(self.trace, self.name)

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
        passes = len(self.trace.iterations)
        trained = f"{passes} iterations, " if passes else ""
        wrong = f"mistake {self.trace.mistake.name!r}, " if self.trace.mistake else ""
        return (
            f"Stepper({len(self.trace.nodes)} nodes, {trained}{wrong}{len(self.trace.steps)} steps; "
            ".save('steps.html') writes it)"
        )


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
        raise ValueError(f"cannot save {target.name!r}: the name must end in .html (a picture: .svg, .png)")
    graphs = {name: stepper.trace for name, stepper in steppers.items()}
    write_atomically(target, [page.html(graphs, title).encode(errors="replace")])
    return target
