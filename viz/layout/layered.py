"""Which column each box stands in, and in which order: the combinatorial half of the layered layout.

The scheme is Sugiyama, Tagawa and Toda's (1981), with one wire per value: all the taps of a value share the
helper vertices ("dummies") that carry it across the columns in between.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

SWEEPS = 8
SWAP_BUDGET = 40_000  # pair comparisons; a large drawing stops improving long before it matters


@dataclass(frozen=True, slots=True)
class Box:
    """One thing to place, with the points where wires enter and leave.

    Args:
        width: Horizontal size, px.
        height: Vertical size, px.
        inlets: Distances of the entry points from the top edge, px, in argument order.
        outlets: Distances of the exit points from the top edge, px.
        pin: "first" keeps the box in the first column, "last" in the last, "" lets it go where it belongs.
        free: Whether wires may enter and leave in whatever order makes fewer of them cross.
    """

    width: float
    height: float
    inlets: tuple[float, ...] = ()
    outlets: tuple[float, ...] = ()
    pin: str = ""
    free: bool = False


@dataclass(frozen=True, slots=True)
class Net:
    """One value's wire: from an outlet `(box, outlet)` to every inlet `(box, inlet)` that reads it."""

    source: tuple[int, int]
    targets: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A piece of wire between neighbouring columns, from vertex `u` to vertex `v` of the layered graph."""

    u: int
    outlet: int
    v: int
    inlet: int


@dataclass(slots=True)
class Layered:
    """Boxes and dummies in columns. Vertices from `len(boxes)` on are dummies.

    Args:
        boxes: The boxes, by vertex number.
        rank: The column of each vertex.
        links: All pieces of wire between neighbouring columns, each once.
        routes: Per net and target, the numbers of the links from the source to that target.
        columns: The vertices of each column, top to bottom.
    """

    boxes: Sequence[Box]
    rank: list[int]
    links: list[Link] = field(default_factory=list)
    routes: list[list[tuple[int, ...]]] = field(default_factory=list)
    columns: list[list[int]] = field(default_factory=list)
    into: list[list[int]] = field(default_factory=list)
    out_of: list[list[int]] = field(default_factory=list)

    def is_dummy(self, vertex: int) -> bool:
        """Whether a vertex only carries a wire across a column."""
        return vertex >= len(self.boxes)


def layer(boxes: Sequence[Box], nets: Sequence[Net]) -> Layered:
    """Assign columns and orders so that wires run left to right with few crossings.

    Args:
        boxes: What to place.
        nets: The wires between them; together they must be free of cycles.

    Returns:
        The layered graph, its columns ordered.

    Raises:
        ValueError: The wires form a cycle.

    >>> graph = layer([Box(10, 10, (), (5,)), Box(10, 10, (5,))], [Net((0, 0), ((1, 0),))])
    >>> graph.columns
    [[0], [1]]
    """
    graph = Layered(boxes, _ranks(boxes, nets))
    _route(graph, nets)
    _depth_first_order(graph)
    _reduce_crossings(graph)
    if any(box.free for box in boxes):
        _order_ports(graph)
        _reduce_crossings(graph)
        _order_ports(graph)
    return graph


def _ranks(boxes: Sequence[Box], nets: Sequence[Net]) -> list[int]:
    """Longest path from the left; then leaves move right, to the column before their first reader."""
    count = len(boxes)
    readers: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for net in nets:
        for target, _ in net.targets:
            readers[net.source[0]].append(target)
            waiting[target] += 1
    leaf = [not inputs for inputs in waiting]
    pinned = any(box.pin == "first" for box in boxes)  # then the first column is theirs alone
    rank = [int(pinned and box.pin != "first") for box in boxes]
    ready = [box for box in range(count) if leaf[box]]
    for box in ready:  # grows while it is read: Kahn's order
        for reader in readers[box]:
            rank[reader] = max(rank[reader], rank[box] + 1)
            waiting[reader] -= 1
            if not waiting[reader]:
                ready.append(reader)
    if len(ready) < count:
        raise ValueError("the boxes depend on each other in a cycle, so no left-to-right order exists")
    last = max(rank, default=0)
    for box in range(count):
        if boxes[box].pin == "last":
            rank[box] = last
        elif leaf[box] and readers[box] and boxes[box].pin != "first":
            rank[box] = min(rank[reader] for reader in readers[box]) - 1
    return rank


def _route(graph: Layered, nets: Sequence[Net]) -> None:
    """Cut every wire into links between neighbouring columns, sharing dummies among a value's taps."""
    rank, links = graph.rank, graph.links
    for net in nets:
        source, outlet = net.source
        furthest = max((rank[target] for target, _ in net.targets), default=0)
        trunk: list[int] = []  # link numbers along the shared part
        carrier = [source]  # carrier[k] holds the value in column rank[source] + k
        for column in range(rank[source] + 1, furthest):
            rank.append(column)
            dummy = len(rank) - 1
            trunk.append(len(links))
            links.append(Link(carrier[-1], outlet if len(carrier) == 1 else 0, dummy, 0))
            carrier.append(dummy)
        taps = []
        for target, inlet in net.targets:
            hops = rank[target] - rank[source] - 1
            taps.append((*trunk[:hops], len(links)))
            links.append(Link(carrier[hops], outlet if hops == 0 else 0, target, inlet))
        graph.routes.append(taps)
    graph.into = [[] for _ in rank]
    graph.out_of = [[] for _ in rank]
    for number, link in enumerate(links):
        graph.into[link.v].append(number)
        graph.out_of[link.u].append(number)


def _depth_first_order(graph: Layered) -> None:
    """Order the columns as a depth-first search from the sinks, arguments in order, meets the vertices."""
    graph.columns = [[] for _ in range(max(graph.rank, default=-1) + 1)]
    seen = [False] * len(graph.rank)
    stack = [vertex for vertex in reversed(range(len(graph.rank))) if not graph.out_of[vertex]]
    while stack:
        vertex = stack.pop()
        if seen[vertex]:
            continue
        seen[vertex] = True
        graph.columns[graph.rank[vertex]].append(vertex)
        links = sorted(graph.into[vertex], key=lambda number: graph.links[number].inlet, reverse=True)
        stack.extend(graph.links[number].u for number in links)


def _reduce_crossings(graph: Layered) -> None:
    """Sweep with barycentres and medians, keep the best order seen, then swap neighbours."""
    best, best_columns = _crossings(graph), [column[:] for column in graph.columns]
    idle = 0
    for sweep in range(SWEEPS):
        if best == 0 or idle == 4:
            break
        _sweep(graph, forward=sweep % 2 == 0, median=sweep % 4 >= 2)
        crossings = _crossings(graph)
        idle += 1
        if crossings < best:
            best, best_columns, idle = crossings, [column[:] for column in graph.columns], 0
    graph.columns = best_columns
    if best:
        _swap_neighbours(graph)


def _order_ports(graph: Layered) -> None:
    """At boxes where the order is free, let wires enter and leave in the order of what they come from and lead to."""
    position = _positions(graph)
    leaves, enters = _fractions(graph)
    links = graph.links
    for number, box in enumerate(graph.boxes):
        if not box.free:
            continue
        above: dict[int, float] = {}
        below: dict[int, list[float]] = {}
        for n in graph.into[number]:
            above[links[n].inlet] = position[links[n].u] + leaves[n]
        for n in graph.out_of[number]:
            below.setdefault(links[n].outlet, []).append(position[links[n].v] + enters[n])
        inlets = {inlet: k for k, inlet in enumerate(sorted(above, key=above.__getitem__))}
        means = {outlet: sum(ends) / len(ends) for outlet, ends in below.items()}
        outlets = {outlet: k for k, outlet in enumerate(sorted(means, key=means.__getitem__))}
        for n in graph.into[number]:
            links[n] = replace(links[n], inlet=inlets[links[n].inlet])
        for n in graph.out_of[number]:
            links[n] = replace(links[n], outlet=outlets[links[n].outlet])


def _positions(graph: Layered) -> list[float]:
    position = [0.0] * len(graph.rank)
    for column in graph.columns:
        for place, vertex in enumerate(column):
            position[vertex] = float(place)
    return position


def _fractions(graph: Layered) -> tuple[list[float], list[float]]:
    """Where each link leaves and enters, as a fraction of a place, so that ports of one box keep an order."""
    boxes, count = graph.boxes, len(graph.boxes)
    leaves = [link.outlet / len(boxes[link.u].outlets) if link.u < count else 0.0 for link in graph.links]
    enters = [link.inlet / len(boxes[link.v].inlets) if link.v < count else 0.0 for link in graph.links]
    return leaves, enters


def _sweep(graph: Layered, *, forward: bool, median: bool) -> None:
    """Sort each column by its neighbours in the column before (or, going back, after) it."""
    position = _positions(graph)
    leaves, enters = _fractions(graph)
    links = graph.links
    columns = graph.columns if forward else graph.columns[::-1]
    for column in columns[1:]:
        keys = {}
        for vertex in column:
            if forward:
                near = [position[links[n].u] + leaves[n] for n in graph.into[vertex]]
            else:
                near = [position[links[n].v] + enters[n] for n in graph.out_of[vertex]]
            if not near:
                keys[vertex] = position[vertex]
            elif median:
                near.sort()
                keys[vertex] = (near[len(near) // 2] + near[(len(near) - 1) // 2]) / 2
            else:
                keys[vertex] = sum(near) / len(near)
        column.sort(key=keys.__getitem__)
        for place, vertex in enumerate(column):
            position[vertex] = float(place)


def _crossings(graph: Layered) -> int:
    """How many pairs of links cross, all columns together."""
    position = _positions(graph)
    leaves, enters = _fractions(graph)
    total = 0
    for column in graph.columns:
        ends = sorted(
            (position[link.u] + leaves[n], position[link.v] + enters[n])
            for vertex in column
            for n in graph.out_of[vertex]
            for link in (graph.links[n],)
        )
        total += _inversions([end for _, end in ends])
    return total


def _inversions(keys: list[float]) -> int:
    seen: list[float] = []
    total = 0
    for count, key in enumerate(keys):
        at = bisect_right(seen, key)
        total += count - at
        seen.insert(at, key)
    return total


def _swap_neighbours(graph: Layered) -> None:
    """Exchange adjacent vertices wherever that removes crossings, until nothing improves."""
    position = _positions(graph)
    leaves, enters = _fractions(graph)
    links, budget, improved = graph.links, SWAP_BUDGET, True
    while improved and budget > 0:
        improved = False
        for column in graph.columns:
            budget -= len(column)
            for place in range(len(column) - 1):
                a, b = column[place], column[place + 1]
                before = after = 0
                for left, right in (
                    (
                        [position[links[n].u] + leaves[n] for n in graph.into[a]],
                        [position[links[n].u] + leaves[n] for n in graph.into[b]],
                    ),
                    (
                        [position[links[n].v] + enters[n] for n in graph.out_of[a]],
                        [position[links[n].v] + enters[n] for n in graph.out_of[b]],
                    ),
                ):
                    before += sum(x > y for x in left for y in right)
                    after += sum(x < y for x in left for y in right)
                if after < before:
                    column[place], column[place + 1] = b, a
                    position[a], position[b] = position[b], position[a]
                    improved = True
