"""The stepper as a widget that Python can read and move, in JupyterLab, marimo and other hosts of anywidget."""

from __future__ import annotations

import functools
import importlib
from typing import TYPE_CHECKING, Any

from chainrule.viz import page
from chainrule.viz.trace import Trace

if TYPE_CHECKING:
    from anywidget import AnyWidget


def widget(recording: Trace, name: str) -> AnyWidget:
    """Show a recording as a live widget.

    Without a kernel, as after reopening a notebook, a widget cannot be shown: what stays is the stepper itself, which
    every notebook shows. JupyterLab and marimo are tested. VS Code and Colab could not be run here; they show the
    stepper as self-contained output that fetches nothing, and widgets by anywidget's own support for them.

    Args:
        recording: What to step through.
        name: What it is called.

    Returns:
        The widget. Its trait `step` is the step on the screen: read it, observe it, or set it.

    Raises:
        ModuleNotFoundError: anywidget is not installed.
    """
    data = page.payload({name: recording}, name) | {"page": False}
    return _widget_class()(payload=data)


@functools.cache
def _widget_class() -> Any:
    try:
        anywidget, traitlets = map(importlib.import_module, ("anywidget", "traitlets"))
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"stepper.widget() needs {error.name}: pip install 'chainrule[notebook]'. Without it, the stepper itself, "
            "as the last line of a cell, is shown as well; only Python cannot move it then",
            name=error.name,
        ) from error

    base: Any = anywidget.AnyWidget

    class StepperWidget(base):  # type: ignore[misc]
        _esm = page.module()
        _css = page.style()
        payload = traitlets.Dict().tag(sync=True)
        step = traitlets.Int(0).tag(sync=True)

        @traitlets.validate("step")  # type: ignore[untyped-decorator]
        def _within(self, proposal: dict[str, Any]) -> int:
            last = len(self.payload["graphs"][0]["steps"]["order"])
            if not 0 <= proposal["value"] <= last:
                raise traitlets.TraitError(
                    f"step {proposal['value']} does not exist: this stepper has 0 to {last}"
                )
            return int(proposal["value"])

    return StepperWidget
