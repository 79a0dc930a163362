"""Heat maps of arrays: blue is negative, white zero, orange positive, which every kind of colour vision tells apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from chainrule.viz import labels
from chainrule.viz.record import SLICE
from chainrule.viz.steps import Number, Summary

TOP = 58.0  # px from the top of a box: below its three lines
ROOM = 102.0  # px, the width of a box without its padding
GAP = 4.0  # px between the map of the values and that of the gradients
SHADES = ("#62a9d9", "#96c6e7", "#c3def1", "#e3eff8", "#f7f7f7", "#fdf0e2", "#fbdcbc", "#f6c08a", "#eda055")
"""From the most negative to the most positive, as in stepper.css."""
UNDEFINED = "#d9c2e6"  # NaN


def geometry(shape: Sequence[int]) -> dict[str, Any] | None:
    """Where the heat maps of an array stand in its box: beside each other, or with numbers one below the other.

    Args:
        shape: The array's shape.

    Returns:
        {"columns", "rows", "width", "height" (of a cell, px), "y" (of the values' map in the box), "grad" (from there
        to the gradients' map), "numbers" (whether they fit), "bottom" (the end of both maps)}; None for what is no
        array, or an empty one.

    Example:
        >>> geometry((2,))["numbers"], geometry((64, 32))["columns"], geometry(())
        (True, 6, None)
    """
    if math.prod(shape) < 2:
        return None
    rows, columns = min(math.prod(shape[:-1]), SLICE), min(shape[-1], SLICE)
    numbers = columns <= 4 and rows <= 2
    if numbers:
        width, height = round(min(ROOM / columns, 34.0), 1), 13.0
        grad = [0.0, rows * height + GAP]
    else:
        half = (ROOM - GAP) / 2
        width, height = round(min(half / columns, 16.0), 1), 6.0
        grad = [half + GAP, 0.0]
    bottom = TOP + grad[1] + rows * height
    return {
        "columns": columns,
        "rows": rows,
        "width": width,
        "height": height,
        "y": TOP,
        "grad": grad,
        "numbers": numbers,
        "bottom": bottom,
    }


def strength(number: Number, largest: float) -> int | None:
    """How strong a colour is, from −4 to 4.

    Args:
        number: The entry.
        largest: The largest magnitude of its array.

    Returns:
        The strength; None for NaN.

    Example:
        >>> strength(-2.0, 2.0), strength(0.1, 2.0), strength(math.inf, 2.0)
        (-4, 0, 4)
    """
    if math.isnan(number):
        return None
    share = number / largest if math.isfinite(number) else math.copysign(1.0, number)
    return round(max(-1.0, min(1.0, share)) * 4)


def svg(summary: Summary, place: dict[str, Any], x: float, y: float) -> str:
    """A heat map as SVG, one path for each colour.

    Args:
        summary: The array.
        place: What `geometry` gave.
        x: Left edge, px.
        y: Top edge, px.

    Returns:
        SVG elements.
    """
    largest = scale(summary)
    width, height = place["width"], place["height"]
    cells: dict[str, list[str]] = {}
    texts = []
    for row, entries in enumerate(summary.values):
        for column, entry in enumerate(entries):
            left, top = x + column * width, y + row * height
            level = strength(entry, largest)
            colour = UNDEFINED if level is None else SHADES[level + 4]
            cells.setdefault(colour, []).append(f"M{left:g} {top:g}h{width:g}v{height:g}h-{width:g}z")
            if place["numbers"]:
                shown = labels.tiny(0.0 if abs(entry) < 1e-12 * largest else float(entry))
                texts.append(f'<text x="{left + width / 2:g}" y="{top + height - 4:g}">{shown}</text>')
    paths = "".join(f'<path fill="{colour}" d="{"".join(parts)}"/>' for colour, parts in cells.items())
    numbers = f'<g font-size="7.5" text-anchor="middle" fill="#0f172a">{"".join(texts)}</g>' if texts else ""
    return f'<g stroke="#64748b" stroke-width="0.3">{paths}</g>{numbers}'


def scale(summary: Summary) -> float:
    """The largest finite magnitude of an array: what the strongest colours stand for."""
    shown = (entry for row in summary.values for entry in row)
    sizes = [abs(float(x)) for x in (summary.least, summary.greatest, *shown) if math.isfinite(x)]
    return max(sizes, default=0.0) or 1.0
