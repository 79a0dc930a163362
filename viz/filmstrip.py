"""Several steps as one still picture, for paper and for places where no script runs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from chainrule.viz.layout import Layout, PlacedBox, Scene, lay_out
from chainrule.viz.steps import Backward, Forward, Step, Unbroadcast
from chainrule.viz.svg import (
    BLUE,
    FONT,
    INK,
    LINE,
    MARGIN,
    MUTED,
    ORANGE,
    PAPER,
    Drawing,
    Writer,
    escaped,
    is_open,
)
from chainrule.viz.trace import Trace
from chainrule.viz.words import Words, taker

WIDE = 1600.0  # px: frames stand beside each other up to this width
MOST = 60  # frames
CAPTION = 16.0  # px, a line of a caption
CHARACTERS = 5.8  # px, about, of a caption's letter


def filmstrip(trace: Trace, steps: Sequence[int]) -> Drawing:
    """Draw the graph after each of some steps, each with what the step did.

    Args:
        trace: The recording.
        steps: Step numbers as on the page, 0 for the start; at most 60.

    Returns:
        One drawing, the frames in reading order.

    Raises:
        ValueError: There are no steps, or too many.
        IndexError: There is no such step.
    """
    if not 0 < len(steps) <= MOST:
        raise ValueError(f"a filmstrip has 1 to {MOST} frames, got {len(steps)}; pass the steps that matter")
    for number in steps:
        if not 0 <= number <= len(trace.steps):
            raise IndexError(f"there is no step {number}: this recording has steps 0 to {len(trace.steps)}")
    layout = lay_out(trace, opened=is_open(trace), top=not is_open(trace))
    scene = layout.scenes[None]
    width, height = max(scene.width + 2 * MARGIN, 330.0), scene.height + 2 * MARGIN
    words = Words(trace)
    captions = [_caption(words, number, width - 2 * MARGIN) for number in steps]
    lines = max(map(len, captions))
    height += lines * CAPTION + 10
    columns = min(max(1, int(WIDE / width)), len(steps))
    rows = -(-len(steps) // columns)
    frames = []
    for k, (number, caption) in enumerate(zip(steps, captions)):
        x, y = k % columns * width, k // columns * height
        frames.append(
            f'<g transform="translate({x:g} {y:g})">'
            f'<rect x="6" y="6" width="{width - 12:g}" height="{height - 12:g}" rx="8" fill="none" stroke="{LINE}" '
            f'stroke-opacity="0.5"/>{_text(caption)}'
            f"{_Frame(trace, layout, number).scene(scene, MARGIN, MARGIN + 4 + lines * CAPTION, 0)}</g>"
        )
    return Drawing(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{columns * width:.0f}" height="{rows * height:.0f}" '
        f'viewBox="0 0 {columns * width:.0f} {rows * height:.0f}" role="img" font-family="{FONT}" font-size="11">'
        f"<title>{escaped(words.summary())} {len(steps)} of them are shown.</title>"
        f'<rect width="100%" height="100%" fill="{PAPER}"/>{"".join(frames)}</svg>\n'
    )


def _caption(words: Words, number: int, room: float) -> list[str]:
    trace = words.trace
    told = "the inputs are known, nothing is computed yet"
    if number:
        told = words.sentence(trace.steps[number - 1])
    return textwrap.wrap(f"Step {number} of {len(trace.steps)}: {told}", max(20, int(room / CHARACTERS)))[:4]


def _text(caption: Sequence[str]) -> str:
    lines = (
        f'<text x="{MARGIN:g}" y="{MARGIN + 8 + k * CAPTION:g}" fill="{INK if k == 0 else MUTED}" font-size="12">'
        f"{escaped(line)}</text>"
        for k, line in enumerate(caption)
    )
    return "".join(lines)


class _Frame(Writer):
    """The picture after a step, with what the step touched on top."""

    def __init__(self, trace: Trace, layout: Layout, number: int) -> None:
        super().__init__(trace, layout, trace.state(number))
        self.step = trace.steps[number - 1] if number else None

    def scene(self, scene: Scene, x: float, y: float, depth: int) -> str:
        drawn = super().scene(scene, x, y, depth)
        if self.step is None:
            return drawn
        marks = "".join(self.marks(scene, self.step))
        return f'{drawn}<g transform="translate({x:g} {y:g})" fill="none">{marks}</g>' if marks else drawn

    def marks(self, scene: Scene, step: Step) -> Iterator[str]:
        """The wires of a step and the frames around what it reads and changes."""
        colour, dash = (BLUE, "") if isinstance(step, Forward) else (ORANGE, ' stroke-dasharray="7 4"')
        for parent, child, argument in self.edges(step):
            place = self.place(scene, child)
            path = _path(scene, parent, _way_out(scene, parent) if place is None else place, argument)
            if path:
                yield f'<path d="{path}" stroke="{colour}" stroke-width="3"{dash}/>'
        ends = [(taker(step), colour, "")]
        if isinstance(step, Backward | Unbroadcast):
            ends.append((step.child, colour, ' stroke-dasharray="3 3"'))
        for node, stroke, dashed in ends:
            place = self.place(scene, node) if node >= 0 else None
            box = None if place is None else scene.boxes[place]
            if box is not None and box.inner is None and box.kind in ("node", "group"):
                yield _outline(box, stroke, dashed)

    def edges(self, step: Step) -> list[tuple[int, int, int]]:
        """The edges that a step uses: (parent, child, argument)."""
        if isinstance(step, Forward):
            return [(p, step.node, k) for k, p in enumerate(self.trace.nodes[step.node].parents)]
        if isinstance(step, Backward | Unbroadcast):
            return [(taker(step), step.child, step.argument)]
        return []

    def place(self, scene: Scene, node: int) -> int | None:
        """Which box of a scene shows a node, or holds it."""
        around = self.layout.grouping.chain(self.layout.grouping.home[node])
        for number, box in enumerate(scene.boxes):
            if (box.kind == "node" and box.ref == node) or (box.kind == "group" and box.ref in around):
                return number
        return None


def _way_out(scene: Scene, node: int) -> int | None:
    return next((n for n, box in enumerate(scene.boxes) if box.kind == "out" and node in box.nodes), None)


def _path(scene: Scene, parent: int, target: int | None, argument: int) -> str:
    for wire in scene.wires:
        if parent in wire.nodes:
            for tap in wire.taps:
                if tap.box == target and tap.argument in (-1, argument):
                    return "".join(wire.segments[piece] for piece in tap.route)
    return ""


def _outline(box: PlacedBox, colour: str, dash: str) -> str:
    return (
        f'<rect x="{box.x - 3:g}" y="{box.y - 3:g}" width="{box.width + 6:g}" height="{box.height + 6:g}" rx="10" '
        f'stroke="{colour}" stroke-width="3"{dash}/>'
    )
