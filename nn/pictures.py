"""What `nn` draws of its own results, with matplotlib, which is imported when the first picture is made."""

from collections.abc import Mapping, Sequence
from typing import Any

from chainrule.nn.names import look_up


def pyplot() -> Any:
    """Return `matplotlib.pyplot`.

    Raises:
        ImportError: matplotlib is not installed; the message says how to get it.

    Example:
        >>> pyplot().__name__
        'matplotlib.pyplot'
    """
    try:
        from matplotlib import pyplot as found
    except ImportError as error:
        raise ImportError("pictures need matplotlib: pip install 'chainrule[plot]'") from error
    return found


def curves(series: Mapping[str, Sequence[float]], names: Sequence[str] = ()) -> list[Any]:
    """Draw numbers per epoch, each name with its ``val_`` in one panel.

    Args:
        series: numbers by name, one per epoch.
        names: what to draw; empty for everything.

    Returns:
        The Axes, one for each panel.

    Raises:
        ValueError: an unknown name, or nothing to draw.

    Example:
        >>> [axes.get_ylabel() for axes in curves({"loss": [2.0, 1.0], "accuracy": [0.5, 0.7], "val_loss": [2.0, 1.5]})]
        ['loss', 'accuracy']
    """
    known = dict.fromkeys(name.removeprefix("val_") for name in series)
    if not known:
        raise ValueError("there is nothing to draw yet: no epoch is over")
    for name in names:
        look_up("number of this training", name, known)
    chosen = list(names or known)
    _, panels = pyplot().subplots(
        1, len(chosen), figsize=(4.5 * len(chosen), 3.2), squeeze=False, layout="constrained"
    )
    for axes, name in zip(panels[0], chosen, strict=True):
        for label, key, style in (("training", name, "-"), ("validation", f"val_{name}", "--")):
            if key in series:
                numbers = series[key]
                axes.plot(
                    range(1, len(numbers) + 1), numbers, style, label=label, marker="." * (len(numbers) < 2)
                )
        axes.set_xlabel("epoch")
        axes.set_ylabel(name)
        axes.grid(alpha=0.3)
        if f"val_{name}" in series:
            axes.legend(frameon=False)
    return list(panels[0])
