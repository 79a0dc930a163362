"""A static picture of a graph: plain SVG with its own colours, for places where no script runs."""

from __future__ import annotations

import importlib
import os
import re
from html import escape
from pathlib import Path

from chainrule.backends.atomic import write_atomically
from chainrule.viz import heat, labels
from chainrule.viz.layout import Layout, PlacedBox, Scene, lay_out
from chainrule.viz.layout.scenes import HEADER, MOST
from chainrule.viz.steps import State, Summary
from chainrule.viz.trace import Trace, TraceNode

MARGIN = 20.0  # px around the picture
PADDING = 9.0  # px between a box's border and its text
OPEN_UP_TO = 250  # nodes; larger graphs show their scopes folded
NOTE = 26.0  # px for the line that says what is folded
FONT = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"

_UNWRITABLE = re.compile("[^\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML cannot hold

INK, MUTED, PAPER, LINE = "#0f172a", "#64748b", "#ffffff", "#94a3b8"
BLUE, ORANGE = "#005f99", "#b34700"  # Okabe-Ito blue and vermillion, darkened to be read as text
FILLS = {
    "input": ("#eaf4fb", "#6aa9d0"),
    "parameter": ("#e3f4ee", "#4fa78a"),
    "constant": ("#f1f5f9", "#94a3b8"),
    "op": ("#ffffff", "#94a3b8"),
    "loss": ("#fdf0e3", "#d98a3d"),
    "group": ("#f4f1fb", "#9b8bc9"),
}
FRAMES = ("#f8f7fc", "#efecf8")  # open scopes, by depth


class Drawing:
    """A finished picture; a notebook shows it by itself.

    Args:
        svg: The SVG document.
    """

    def __init__(self, svg: str) -> None:
        self.svg = svg

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to a file.

        Args:
            path: Ends in `.svg` or `.png`.

        Returns:
            The path written.

        Raises:
            ValueError: The path ends in something else.
            ImportError: PNG was asked for, and cairosvg is not installed.
        """
        target = Path(path)
        kind = target.suffix.lower()
        if kind == ".svg":
            write_atomically(target, [self.svg.encode()])
        elif kind == ".png":
            write_atomically(target, [self._png()])
        else:
            raise ValueError(f"cannot save a drawing as {target.name!r}: the name must end in .svg or .png")
        return target

    def _png(self) -> bytes:
        try:
            cairosvg = importlib.import_module("cairosvg")
        except ImportError:
            raise ImportError(
                "saving a drawing as PNG needs cairosvg: pip install 'chainrule[png]', or save it as .svg"
            ) from None
        return bytes(cairosvg.svg2png(bytestring=self.svg.encode(), scale=2.0))

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"Drawing({len(self.svg):,} characters of SVG; .save('graph.svg') writes it)"


def picture(trace: Trace, state: State | None = None) -> Drawing:
    """Draw a trace.

    Args:
        trace: A recorded graph.
        state: The values and gradients to write into the boxes; None: those after the last step.

    Returns:
        The drawing, scopes open if the graph is small enough to be read that way.

    Raises:
        ValueError: The trace has no nodes.
    """
    if not trace.nodes:
        raise ValueError("cannot draw a graph without nodes")
    layout = lay_out(trace, opened=is_open(trace), top=not is_open(trace))
    return Drawing(Writer(trace, layout, state or trace.state()).document())


def is_open(trace: Trace) -> bool:
    """Whether a graph is small enough to be drawn with its scopes open."""
    return len(trace.nodes) <= OPEN_UP_TO


class Writer:
    """Turns scenes into SVG text.

    Args:
        trace: What is drawn.
        layout: Where.
        state: The values and gradients in the boxes.
    """

    def __init__(self, trace: Trace, layout: Layout, state: State) -> None:
        self.trace, self.layout, self.state = trace, layout, state
        self.names = labels.names(trace)
        self.sizes = [0] * len(layout.grouping.groups)
        for home in layout.grouping.home:
            for g in layout.grouping.chain(home):
                self.sizes[g] += 1

    def document(self) -> str:
        """The whole picture."""
        scene = self.layout.scenes[None]
        note = self.folded()
        width = max(scene.width + 2 * MARGIN, labels.width(note, 11) + 2 * MARGIN if note else 0.0)
        height = scene.height + 2 * MARGIN + (NOTE if note else 0.0)
        last = self.names[len(self.trace.nodes) - 1]
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" font-family="{FONT}" font-size="11">'
            f"<title>Computational graph of {escaped(last)}, {len(self.trace.nodes)} nodes</title>"
            f'<rect width="100%" height="100%" fill="{PAPER}"/>'
            f"{self.scene(scene, MARGIN, MARGIN, 0)}{_line(MARGIN, height - 14, note, MUTED)}</svg>\n"
        )

    def folded(self) -> str:
        """What a large graph's picture does not show, in a sentence; "" for a small one."""
        if is_open(self.trace):
            return ""
        groups = [box.ref for box in self.layout.scenes[None].boxes if box.kind == "group"]
        inside = sum(self.sizes[group] for group in groups)
        if not inside:
            return ""
        nodes = len(self.trace.nodes)
        way_in = "the stepper opens them: step(loss)"
        if nodes > MOST:
            way_in = f"to look inside, draw or step through a part of at most {MOST:,} nodes"
        return f"{nodes:,} nodes, {inside:,} of them folded into {len(groups)} boxes; {way_in}"

    def scene(self, scene: Scene, x: float, y: float, depth: int) -> str:
        """The wires and boxes of a scene, moved to x and y."""
        wires = "".join(
            f'<path d="{segment}"{_bus(wire.nodes)}/>' for wire in scene.wires for segment in wire.segments
        )
        boxes = "".join(self.box(box, depth) for box in scene.boxes)
        return (
            f'<g transform="translate({x:g} {y:g})">'
            f'<g fill="none" stroke="{LINE}" stroke-width="1.3">{wires}</g>{boxes}</g>'
        )

    def box(self, box: PlacedBox, depth: int) -> str:
        """A box of whatever kind."""
        if box.inner is not None:
            return self.open_group(box, box.inner, depth)
        if box.kind == "group":
            return self.folded_group(box)
        if box.width == 0:
            return ""
        return self.node(box, self.trace.nodes[box.ref])

    def open_group(self, box: PlacedBox, inner: Scene, depth: int) -> str:
        """A frame around a scene of its own."""
        name = self.layout.grouping.groups[box.ref].name
        frame = _rect(box, FRAMES[depth % 2], FILLS["group"][1], 10, ' stroke-opacity="0.6"')
        title = _line(
            box.x + PADDING,
            box.y + 15,
            labels.clip(name, box.width - 2 * PADDING, 11),
            FILLS["group"][1],
            bold=True,
        )
        return frame + title + self.scene(inner, box.x + inner.inset, box.y + HEADER, depth + 1)

    def folded_group(self, box: PlacedBox) -> str:
        """A group as one box, with its size."""
        group = self.layout.grouping.groups[box.ref]
        rows = [_rect(box, *FILLS["group"], 8, ' stroke-width="1.6"')]
        room = box.width - 2 * PADDING
        middle = box.y + box.height / 2
        rows.append(
            _line(
                box.x + PADDING,
                middle - 12,
                labels.clip(group.title, room, labels.BOLD),
                INK,
                size=12.5,
                bold=True,
            )
        )
        if len(box.nodes) == 1:
            rows.append(self.quantities(box, self.trace.nodes[box.nodes[0]], middle + 5))
        else:
            first, second = group.content(self.sizes[box.ref], len(box.nodes))
            rows.append(_line(box.x + PADDING, middle + 5, first, MUTED))
            rows.append(_line(box.x + PADDING, middle + 21, second, MUTED))
        return f"<g><title>{escaped(group.name)}: {self.sizes[box.ref]} nodes</title>{''.join(rows)}</g>"

    def node(self, box: PlacedBox, node: TraceNode) -> str:
        """The box of one node."""
        name = self.names[node.id]
        left, right = labels.title(node, name)
        missing = [
            word
            for word, known in (("value", self.state.values), ("gradient", self.state.grads))
            if node.id not in known and (word == "value" or node.role != "constant")
        ]
        told = f"{name} = {node.op}" if node.op else name
        told += f"; {' and '.join(missing)} not computed" if missing else ""
        hint = f"<title>{escaped(told)}</title>"
        frame = _rect(box, *FILLS[node.role], 8, ' stroke-width="1.3"')
        if node.role == "constant" and not node.shape:
            value = labels.clip(left, box.width - PADDING, 11)
            x, y = box.x + (box.width - labels.width(value, 11)) / 2, box.y + 17
            return f"<g>{hint}{frame}{_line(round(x, 1), y, value, MUTED)}</g>"
        right = labels.clip(right, 44, 10.5)
        room = box.width - 2 * PADDING - (labels.width(right, 10.5) + 4 if right else 0)
        title = _line(
            box.x + PADDING, box.y + 17, labels.clip(left, room, labels.BOLD), INK, size=12.5, bold=True
        )
        title += _line(box.x + box.width - PADDING, box.y + 17, right, MUTED, size=10.5, end=True)
        return f"<g>{hint}{frame}{title}{self.quantities(box, node, box.y + 34)}{self.maps(box, node)}</g>"

    def maps(self, box: PlacedBox, node: TraceNode) -> str:
        """The heat maps of an array's value and gradient, as far as they are known."""
        place = heat.geometry(node.shape)
        if place is None:
            return ""
        dx, dy = place["grad"]
        known = (
            (self.state.values.get(node.id), 0.0, 0.0),
            (self.state.grads.get(node.id), dx, dy),
        )
        left, top = box.x + PADDING, box.y + place["y"]
        return "".join(
            heat.svg(array, place, left + x, top + y) for array, x, y in known if isinstance(array, Summary)
        )

    def quantities(self, box: PlacedBox, node: TraceNode, y: float) -> str:
        """The two lines with the value and the gradient."""
        left, right = box.x + PADDING, box.x + box.width - PADDING
        value = labels.quantity(self.state.values.get(node.id))
        grad = self.state.grads.get(node.id)
        colour = MUTED if grad is None else ORANGE
        constant = node.role == "constant"
        given = "" if constant else labels.quantity(grad)
        size = labels.clip(labels.shape(node), 40, 9.5) or "value"
        above = labels.caption(size, value, right - left)
        below = labels.caption("constant" if constant else "grad", given, right - left)
        return (
            _line(left, y, above, MUTED, size=9.5)
            + _line(right, y, value, BLUE, end=True)
            + _line(left, y + 16, below, MUTED, size=9.5)
            + _line(right, y + 16, given, colour, end=True)
        )


def _bus(nodes: tuple[int, ...]) -> str:
    return ' stroke-width="4"' if len(nodes) > 1 else ""


def escaped(text: str) -> str:
    """Escaped, and without the characters that XML has no way to write."""
    return escape(_UNWRITABLE.sub(" ", text))


def _rect(box: PlacedBox, fill: str, stroke: str, radius: float, more: str) -> str:
    return (
        f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" rx="{radius:g}" '
        f'fill="{fill}" stroke="{stroke}"{more}/>'
    )


def _line(
    x: float, y: float, text: str, fill: str, *, size: float = 11, bold: bool = False, end: bool = False
) -> str:
    if not text:
        return ""
    more = ' text-anchor="end"' if end else ""
    more += ' font-weight="600"' if bold else ""
    more += f' font-size="{size:g}"' if size != 11 else ""
    return f'<text x="{x:g}" y="{y:g}" fill="{fill}"{more}>{escaped(text)}</text>'
