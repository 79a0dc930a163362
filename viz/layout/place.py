"""Where exactly each box and wire goes: the geometric half of the layered layout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from chainrule.viz.layout.layered import Box, Layered, Net, layer

BOX_GAP = 18.0  # px between boxes of a column
WIRE_GAP = 10.0  # px beside a passing wire
Pull = tuple[int, float, float]
"""A neighbour's pull on a vertex: which vertex, how far below its centre, how strongly."""

COLUMN_GAP = 40.0  # px between columns, more where many wires turn
PASSES = 4  # toward one side's neighbours, then as many toward both
INERTIA = 0.1  # how strongly a box keeps its place; more than the pull of one that many read
STRAIGHT = 8.0  # how much more a bend in a passing wire costs than one at a box


@dataclass(frozen=True, slots=True)
class Placement:
    """Coordinates, px, y down, the top left corner of the whole at (0, 0).

    Args:
        x: Left edges of the boxes.
        y: Top edges of the boxes.
        width: Width of the whole.
        height: Height of the whole.
        segments: Per net, the SVG path of each of its pieces.
        routes: Per net and target, which of the net's pieces lead from the source to that target.
    """

    x: list[float]
    y: list[float]
    width: float
    height: float
    segments: list[list[str]]
    routes: list[list[tuple[int, ...]]]


def place(boxes: Sequence[Box], nets: Sequence[Net]) -> Placement:
    """Lay out boxes and wires from left to right.

    Args:
        boxes: What to place, sizes in px.
        nets: The wires between the boxes, free of cycles.

    Returns:
        Coordinates and wire paths; the same input always gives the same output.

    Raises:
        ValueError: The wires form a cycle.

    >>> place([Box(10, 10, (), (5,)), Box(10, 10, (5,))], [Net((0, 0), ((1, 0),))]).x
    [0.0, 50.0]
    """
    graph = layer(boxes, nets)
    centre = _vertical(graph)
    left, right = _columns(graph, centre)
    x = [(left[graph.rank[box]] + right[graph.rank[box]] - boxes[box].width) / 2 for box in range(len(boxes))]
    y = [centre[box] - boxes[box].height / 2 for box in range(len(boxes))]
    wires = [centre[vertex] for vertex in range(len(boxes), len(centre))]
    top = min([*y, *wires], default=0.0)
    bottom = max([*(y[b] + boxes[b].height for b in range(len(boxes))), *wires], default=0.0)
    segments, routes = _paths(graph, [value - top for value in centre], x, left, right)
    return Placement(
        x=[round(value, 1) for value in x],
        y=[round(value - top, 1) for value in y],
        width=round(right[-1] if right else 0.0, 1),
        height=round(bottom - top, 1),
        segments=segments,
        routes=routes,
    )


def isotonic(targets: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The non-decreasing sequence nearest to `targets` in weighted least squares.

    Pool-adjacent-violators (Ayer and others, 1955).

    Args:
        targets: The wished values.
        weights: How much each wish counts, > 0.

    Returns:
        The fitted values, as many as `targets`.

    >>> isotonic([1.0, 3.0, 2.0], [1.0, 1.0, 1.0])
    [1.0, 2.5, 2.5]
    """
    pools: list[tuple[float, float, int]] = []  # mean, weight, length
    for target, weight in zip(targets, weights, strict=True):
        mean, total, length = target, weight, 1
        while pools and pools[-1][0] > mean:
            other, other_weight, other_length = pools.pop()
            mean = (mean * total + other * other_weight) / (total + other_weight)
            total += other_weight
            length += other_length
        pools.append((mean, total, length))
    return [mean for mean, _, length in pools for _ in range(length)]


def _height(graph: Layered, vertex: int) -> float:
    return 0.0 if graph.is_dummy(vertex) else graph.boxes[vertex].height


def _offsets(graph: Layered) -> tuple[list[float], list[float]]:
    """How far below its vertex's centre each link leaves and enters."""
    boxes, count = graph.boxes, len(graph.boxes)
    leaves = [
        boxes[k.u].outlets[k.outlet] - boxes[k.u].height / 2 if k.u < count else 0.0 for k in graph.links
    ]
    enters = [boxes[k.v].inlets[k.inlet] - boxes[k.v].height / 2 if k.v < count else 0.0 for k in graph.links]
    return leaves, enters


def _vertical(graph: Layered) -> list[float]:
    """Centres: each column in turn moves toward its neighbours' mean, order and distances kept."""
    stacked = []  # per column, the least distance of each vertex's centre from the first one's
    for column in graph.columns:
        depth, depths = 0.0, [0.0] * len(column)
        for place_, (above, below) in enumerate(pairwise(column), start=1):
            wire = graph.is_dummy(above) or graph.is_dummy(below)
            depth += (_height(graph, above) + _height(graph, below)) / 2 + (WIRE_GAP if wire else BOX_GAP)
            depths[place_] = depth
        stacked.append(depths)
    centre = [0.0] * len(graph.rank)
    for column, depths in zip(graph.columns, stacked, strict=True):
        for vertex, depth in zip(column, depths, strict=True):
            centre[vertex] = depth - depths[-1] / 2
    pulls = _pulls(graph)
    for number in range(2 * PASSES):
        numbers = range(len(graph.columns))
        side = number % 2 if number < PASSES else None
        for c in numbers if number % 2 == 0 else reversed(numbers):
            _settle(graph.columns[c], stacked[c], centre, pulls, side)
    return centre


def _pulls(graph: Layered) -> tuple[list[list[Pull]], list[list[Pull]]]:
    """Per vertex, what pulls at it from the left and from the right."""
    leaves, enters = _offsets(graph)
    left: list[list[Pull]] = [[] for _ in graph.rank]
    right: list[list[Pull]] = [[] for _ in graph.rank]
    readers = Counter((link.u, link.outlet) for link in graph.links)
    sources = [{graph.links[n].u for n in into} for into in graph.into]
    for n, link in enumerate(graph.links):
        dummies = graph.is_dummy(link.u) + graph.is_dummy(link.v)
        weight = (1.0, 2.0, STRAIGHT)[dummies]
        shift = leaves[n] - enters[n]
        left[link.v].append((link.u, shift, weight / readers[link.u, link.outlet]))
        right[link.u].append((link.v, -shift, weight / len(sources[link.v])))
    return left, right


def _settle(
    column: list[int],
    depths: list[float],
    centre: list[float],
    pulls: tuple[list[list[Pull]], list[list[Pull]]],
    side: int | None,
) -> None:
    """Move one column toward the means of its left (0), right (1) or both (None) neighbours."""
    targets, weights = [], []
    for vertex, depth in zip(column, depths, strict=True):
        near = pulls[0][vertex] + pulls[1][vertex] if side is None else pulls[side][vertex]
        total = INERTIA + sum(weight for _, _, weight in near)
        pulled = sum((centre[other] + shift) * weight for other, shift, weight in near)
        mean = (pulled + centre[vertex] * INERTIA) / total
        targets.append(mean - depth)
        weights.append(total)
    for vertex, depth, value in zip(column, depths, isotonic(targets, weights), strict=True):
        centre[vertex] = value + depth


def _columns(graph: Layered, centre: list[float]) -> tuple[list[float], list[float]]:
    """Left and right edges of the columns; steep bundles of wires get a wider gap."""
    leaves, enters = _offsets(graph)
    gaps = [COLUMN_GAP] * len(graph.columns)
    for n, link in enumerate(graph.links):
        rise = abs(centre[link.u] + leaves[n] - centre[link.v] - enters[n])
        start = graph.rank[link.u]
        gaps[start] = max(gaps[start], min(110.0, COLUMN_GAP + rise / 12))
    left, right, x = [], [], 0.0
    for number, column in enumerate(graph.columns):
        width = max((graph.boxes[v].width for v in column if not graph.is_dummy(v)), default=0.0)
        left.append(x)
        right.append(x + width)
        x += width + gaps[number]
    return left, right


def _paths(
    graph: Layered, centre: list[float], x: list[float], left: list[float], right: list[float]
) -> tuple[list[list[str]], list[list[tuple[int, ...]]]]:
    """SVG paths: level across a column, a smooth turn in the gap after it."""
    leaves, enters = _offsets(graph)
    segments: list[list[str]] = []
    routes: list[list[tuple[int, ...]]] = []
    for taps in graph.routes:
        used = sorted({number for tap in taps for number in tap})
        local = {number: place_ for place_, number in enumerate(used)}
        routes.append([tuple(local[number] for number in tap) for tap in taps])
        paths = []
        for number in used:
            link = graph.links[number]
            a, b = graph.rank[link.u], graph.rank[link.v]
            start = left[a] if graph.is_dummy(link.u) else x[link.u] + graph.boxes[link.u].width
            end = left[b] if graph.is_dummy(link.v) else x[link.v]
            y0, y1 = centre[link.u] + leaves[number], centre[link.v] + enters[number]
            paths.append(_path(start, right[a], y0, left[b], y1, end))
        segments.append(paths)
    return segments, routes


def _path(start: float, turn: float, y0: float, arrive: float, y1: float, end: float) -> str:
    middle = (turn + arrive) / 2
    if abs(y0 - y1) < 0.05:
        return f"M{_n(start)} {_n(y0)}H{_n(end)}"
    curve = f"C{_n(middle)} {_n(y0)} {_n(middle)} {_n(y1)} {_n(arrive)} {_n(y1)}"
    return (
        f"M{_n(start)} {_n(y0)}"
        + (f"H{_n(turn)}" if turn > start else "")
        + curve
        + (f"H{_n(end)}" if end > arrive else "")
    )


def _n(value: float) -> str:
    return f"{round(value, 1) + 0.0:g}" if abs(value) < 100_000 else f"{value:.1f}"
