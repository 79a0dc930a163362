"""How a network fares in a training: sizes of activations, gradients and updates, dead and saturated units.

Each layer is a row, each iteration a point. What to look for: gradients that shrink from row to row going back
(they vanish), units that are dead (a ReLU that is 0 for the whole batch) or saturated (a tanh beyond ±0.97, a sigmoid
within 0.03 of its ends), and updates that are not about a thousandth of their weights (Karpathy's rule of thumb).
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.autograd.node import Node
from chainrule.viz import labels
from chainrule.viz.record import Recorder
from chainrule.viz.svg import BLUE, FONT, INK, LINE, MUTED, ORANGE, PAPER, Drawing, escaped
from chainrule.viz.trace import TraceNode

NEAR_END = 0.97  # beyond this a tanh hardly moves
MANY = 0.5  # share of dead or saturated units that is worth a word
FAST, SLOW = 0.1, 1e-5  # update to weight; about 1e-3 is usual
VANISHED = 1e-3  # gradient of the first layer to that of the last

Array = Any


def _dead(y: Array) -> float:
    units = 1 if y.ndim > 2 else y.ndim - 1  # channels of images stand behind the batch
    batch = tuple(axis for axis in range(y.ndim) if axis != units)
    return float(np.mean(np.all(y == 0, axis=batch))) if y.size else 0.0


def _saturated_tanh(y: Array) -> float:
    return float(np.mean(np.abs(y) > NEAR_END)) if y.size else 0.0


def _saturated_sigmoid(y: Array) -> float:
    return float(np.mean(np.abs(2 * y - 1) > 2 * NEAR_END - 1)) if y.size else 0.0


IDLE: dict[str, tuple[str, Callable[[Array], float]]] = {
    "relu": ("dead", _dead),
    "tanh": ("saturated", _saturated_tanh),
    "sigmoid": ("saturated", _saturated_sigmoid),
}
"""When a unit passes no gradient on: the word for it, and the share of such units in an output."""
_LAYERS = {"linear", "conv", "leaky_relu", "elu", "gelu", "silu", "softplus", *IDLE}


@dataclass(slots=True)
class Row:
    """One layer, or the parameters of one, over the iterations.

    Args:
        name: What it is called.
        op: The op that made it; "" for parameters.
        nodes: The ids of its nodes: one array, or many numbers.
        weights: Whether they are weights, of which a word is said if they move too fast or too slowly.
        size: Root mean square of its values, by iteration.
        gradient: Root mean square of its gradients.
        idle: Share of dead or saturated units; for parameters the size of the update to that of the weights.
    """

    name: str
    op: str
    nodes: list[int]
    weights: bool = False
    size: list[float] = field(default_factory=list)
    gradient: list[float] = field(default_factory=list)
    idle: list[float] = field(default_factory=list)

    @property
    def third(self) -> str:
        """What `idle` tells: "dead", "saturated", "update" for parameters, or "" for neither."""
        return IDLE.get(self.op, ("",))[0] if self.op else "update"


class Diagnostics:
    """The rows of a training; print them, show them in a notebook, or save them as a picture.

    Args:
        recorder: The first pass.
    """

    def __init__(self, recorder: Recorder) -> None:
        trace = recorder.finish()
        names = labels.names(trace)
        rows: dict[Any, Row] = {}

        def add(node: TraceNode, op: str) -> None:
            path = labels.scopes(trace, node)
            if node.shape:
                name = names[node.id] if node.label else ".".join([*path, names[node.id]])
            else:
                name = (path or [""])[0]
            told = f"{name} {op or ('' if node.shape else 'parameters')}".strip()
            weights = not op and len(node.shape) != 1  # a bias begins at 0, so its update is large beside it
            key = node.id if node.shape else told
            rows.setdefault(key, Row(told, op, [], weights)).nodes.append(node.id)

        for node in trace.nodes:
            if node.op in _LAYERS:
                add(node, node.op)
            elif node.op is None and node.role == "parameter":
                add(node, "")
        self.rows = sorted(rows.values(), key=lambda row: (not row.op, row.nodes[0]))

    def read(self, recorder: Recorder) -> None:
        """Add the values and gradients of a pass."""
        live: dict[int, Node] = {number: node for node, number in recorder.ids.items()}
        for row in self.rows:
            values = _joined([live[number].data for number in row.nodes])
            grads = [recorder.grads.get(live[number]) for number in row.nodes]
            known = [grad for grad in grads if grad is not None]
            row.size.append(_rms(values))
            row.gradient.append(_rms(_joined(known)) if known else 0.0)
            if row.op:
                row.idle.append(IDLE[row.op][1](values) if row.op in IDLE else 0.0)

    def moved(self, changes: dict[int, tuple[Any, Any]]) -> None:
        """Add an update: by parameter, what it was and what it is."""
        for row in self.rows:
            own = [changes[number] for number in row.nodes if number in changes]
            if not row.op and own:
                before = _joined([old for old, _ in own])
                weights = _rms(before)
                change = _rms(_joined([new for _, new in own]) - before)
                row.idle.append(change / weights if weights else math.inf if change else 0.0)

    def warnings(self) -> list[str]:
        """What stands out at the end, in sentences.

        Returns:
            None of them for a network that fares well.
        """
        found = []
        for row in self.rows:
            now = row.idle[-1] if row.idle else 0.0
            if not np.isfinite([*row.size[-1:], *row.gradient[-1:]]).all():
                found.append(f"{row.name}: its numbers are no longer finite: lower the learning rate")
            elif row.op and now > MANY:
                found.append(f"{row.name}: {now:.0%} {row.third}: they pass no gradient on")
            elif row.weights and row.idle and FAST < now < math.inf:
                found.append(f"{row.name}: an update is {now:.0%} of its weights: lower the learning rate")
            elif row.weights and row.idle and now < SLOW:
                found.append(f"{row.name}: an update is {now:.0e} of its weights: it hardly learns")
        layers = [row for row in self.rows if row.op and row.gradient]
        if len(layers) > 1 and layers[0].gradient[-1] < VANISHED * layers[-1].gradient[-1]:
            share = layers[0].gradient[-1] / layers[-1].gradient[-1]
            found.append(
                f"the gradient vanishes: at {layers[0].name} it is {share:.0e} of that at {layers[-1].name}"
            )
        return found

    def __str__(self) -> str:
        table = [("", "values", "gradients", "dead, saturated, or update : weight")]
        table += [(row.name, _last(row.size), _last(row.gradient), _third(row)) for row in self.rows]
        widths = [max(len(line[k]) for line in table) for k in range(3)]
        lines = [
            f"{line[0]:<{widths[0]}}  {line[1]:>{widths[1]}}  {line[2]:>{widths[2]}}  {line[3]}".rstrip()
            for line in table
        ]
        return "\n".join([*lines, *self.warnings()])

    __repr__ = __str__

    def drawing(self) -> Drawing:
        """All rows as small curves over the iterations, one column for each measure."""
        return Drawing(_picture(self.rows, self.warnings()))

    def _repr_svg_(self) -> str:
        return self.drawing().svg

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture; see `Drawing.save`."""
        return self.drawing().save(path)


def _joined(parts: Sequence[Any]) -> Array:
    """One array as it is; many numbers as a vector."""
    if len(parts) == 1:
        return np.asarray(parts[0])
    return np.concatenate([np.ravel(part) for part in parts])


def _rms(values: Array) -> float:
    with np.errstate(all="ignore"):
        return float(np.sqrt(np.mean(np.square(values, dtype=float)))) if values.size else 0.0


def _last(numbers: Sequence[float]) -> str:
    return labels.short(numbers[-1], 2) if numbers else labels.UNKNOWN


def _third(row: Row) -> str:
    if not row.third or not row.idle:
        return ""
    if row.third == "update":
        return f"{labels.short(row.idle[-1], 2)} : 1"
    return f"{row.idle[-1]:.0%} {row.third}"


# --- the picture ---

LEFT, COLUMN, HEIGHT, TOP = 190.0, 190.0, 40.0, 46.0  # px: names, a column, a row, the heads


def _picture(rows: Sequence[Row], warnings: Sequence[str]) -> str:
    width = LEFT + 3 * COLUMN + 20
    height = TOP + HEIGHT * len(rows) + 18 * len(warnings) + 16
    parts = [
        _text(LEFT + k * COLUMN, 28, head, MUTED)
        for k, head in enumerate(("values (RMS)", "gradients (RMS)", "dead, saturated, update : weight"))
    ]
    for k, row in enumerate(rows):
        y = TOP + k * HEIGHT
        parts.append(_text(14, y + 20, labels.clip(row.name, LEFT - 24, 12), INK))
        parts.append(_curve(row.size, LEFT, y, BLUE, _last(row.size)))
        parts.append(_curve(row.gradient, LEFT + COLUMN, y, ORANGE, _last(row.gradient)))
        if row.third:
            parts.append(_curve(row.idle, LEFT + 2 * COLUMN, y, INK, _third(row)))
    below = TOP + HEIGHT * len(rows) + 14
    parts += [_text(14, below + 18 * k, warning, ORANGE) for k, warning in enumerate(warnings)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" font-family="{FONT}" font-size="12">'
        f"<title>How the network fares, layer by layer, over the training</title>"
        f'<rect width="100%" height="100%" fill="{PAPER}"/>{"".join(parts)}</svg>\n'
    )


def _curve(numbers: Sequence[float], x: float, y: float, colour: str, last: str) -> str:
    """A small curve from its least to its greatest value, and the last value in figures."""
    room, tall = COLUMN - 84, HEIGHT - 14
    known = [number if math.isfinite(number) else math.nan for number in numbers]
    finite = [number for number in known if not math.isnan(number)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    span = (high - low) or 1.0
    step = room / max(len(known) - 1, 1)
    points = " ".join(
        f"{x + k * step:.1f},{y + 4 + tall * (1 - (number - low) / span):.1f}"
        for k, number in enumerate(known)
        if not math.isnan(number)
    )
    axis = f'<path d="M{x:g} {y + tall + 6:g}h{room:g}" stroke="{LINE}" stroke-width="0.6"/>'
    line = f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.6"/>' if points else ""
    return axis + line + _text(x + room + 8, y + 20, last, colour)


def _text(x: float, y: float, text: str, colour: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" fill="{colour}">{escaped(text)}</text>'
