"""One picture per group: its nodes, its sub-groups as boxes, and ports for what enters and leaves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from chainrule.viz import heat
from chainrule.viz.layout.groups import Grouping, group, readers_of
from chainrule.viz.layout.layered import Box, Net
from chainrule.viz.layout.place import BOX_GAP, place
from chainrule.viz.trace import Trace, TraceNode

WIDTH, HEIGHT = 120.0, 58.0  # px: a node with its three lines
CONSTANT_HEIGHT = 26.0  # px: one line
HEAT_MARGIN = 7.0  # px below the heat maps of an array
MOST = 20_000  # nodes; a larger picture could neither be read nor shown
MOST_AT_TOP = 200_000  # nodes, where only the parts that they are folded into are drawn
BUS = 8  # from this many parallel wires on, one thick wire stands for them
SHELF = 20  # shared leaves beside each other
PORT_STEP = 8.0  # px between the wires at a folded group's side
MARGIN = 14.0  # px around the content of an open group
HEADER = 22.0  # px for its name


@dataclass(frozen=True, slots=True)
class PlacedBox:
    """A box of a scene.

    Args:
        kind: "node", "group", "in" or "out" (a port: where a value enters or leaves the scene).
        ref: The group's id, or the node's; for a port, the node whose value passes.
        nodes: For a port or a group, the nodes whose values it stands for: those that pass, those that leave.
        x: Left edge, px.
        y: Top edge, px.
        width: px.
        height: px.
        inner: An open group's own scene, drawn inside the box.
    """

    kind: str
    ref: int
    nodes: tuple[int, ...]
    x: float
    y: float
    width: float
    height: float
    inner: Scene | None = None


@dataclass(frozen=True, slots=True)
class Tap:
    """Where a wire is read: by argument `argument` of the node in box `box` (-1: by a group or a port)."""

    box: int
    argument: int
    route: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Wire:
    """The values that travel together (one, or a bus), its pieces as SVG paths, and its taps."""

    nodes: tuple[int, ...]
    segments: tuple[str, ...]
    taps: tuple[Tap, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """The picture of one group, or of the whole graph (`group` None)."""

    group: int | None
    width: float
    height: float
    boxes: tuple[PlacedBox, ...]
    wires: tuple[Wire, ...]

    @property
    def inset(self) -> float:
        """How far right of an open group's border its scene begins: at it if wires come in there."""
        return 0.0 if any(box.kind == "in" for box in self.boxes) else MARGIN


@dataclass(frozen=True, slots=True)
class Layout:
    """The pictures of a trace: the groups, and a scene for each of them and for the whole."""

    grouping: Grouping
    scenes: dict[int | None, Scene]


def lay_out(trace: Trace, *, opened: bool = False, top: bool = False) -> Layout:
    """Lay out a trace: one scene for the whole graph and one for each group.

    Args:
        trace: A recorded graph.
        opened: Draw the user's scopes open, their content inside the box around them. Sums and parts stay folded.
        top: Lay out the whole graph's scene alone, with all scopes folded: for larger graphs.

    Returns:
        The groups and their scenes. The same trace always gives the same layout.

    Raises:
        ValueError: The graph is too large to draw.
    """
    most = MOST_AT_TOP if top else MOST
    if len(trace.nodes) > most:
        raise ValueError(
            f"cannot draw {len(trace.nodes):,} nodes (at most {most:,}): draw a part of the computation, "
            "such as the loss of one example instead of the whole data set"
        )
    plan = _Plan(trace, opened=opened)
    scenes: dict[int | None, Scene] = {}
    inside = [] if top else sorted((g.id for g in plan.grouping.groups), key=plan.depth, reverse=True)
    for inner in [*inside, None]:
        scenes[inner] = _scene(plan, inner, scenes)
    return Layout(plan.grouping, scenes)


class _Plan:
    """What every scene needs to know of the trace."""

    def __init__(self, trace: Trace, *, opened: bool) -> None:
        self.trace = trace
        self.grouping = group(trace)
        self.opened = {g.id for g in self.grouping.groups if opened and g.kind == "scope"}
        self.members: dict[int | None, list[int]] = {None: []}
        self.children: dict[int | None, list[int]] = {None: []}
        for g in self.grouping.groups:
            self.members[g.id], self.children[g.id] = [], []
        for g in self.grouping.groups:
            self.children[g.parent].append(g.id)
        self.chains = {g.id: self.grouping.chain(g.id) for g in self.grouping.groups}
        self.enters: dict[int, dict[int, None]] = {g.id: {} for g in self.grouping.groups}
        self.leaves: dict[int, dict[int, None]] = {g.id: {} for g in self.grouping.groups}
        for node in trace.nodes:
            self.members[self.grouping.home[node.id]].append(node.id)
        self.readers = readers_of(trace)
        self.last = [node.id for node in trace.nodes if not self.readers[node.id]]
        self._cross_borders()

    def shared(self, node: int) -> bool:
        """Whether a node is one of the leaves that are folded because several calls read them."""
        home = self.grouping.home[node]
        return home is not None and self.grouping.groups[home].of_leaves

    def depth(self, inner: int) -> int:
        return len(self.chains[inner])

    def around(self, node: int) -> list[int]:
        home = self.grouping.home[node]
        return [] if home is None else self.chains[home]

    def inside(self, inner: int | None, node: int) -> tuple[str, int]:
        """Which box of a scene a node is in: itself, or the sub-group that holds it."""
        around = self.around(node)
        place_ = around.index(inner) if inner is not None else len(around)
        return ("group", around[place_ - 1]) if place_ else ("node", node)

    def _cross_borders(self) -> None:
        """Write down which values enter and leave each group."""
        for node in self.trace.nodes:
            reading = self.around(node.id)
            for parent in node.parents:
                made = self.around(parent)
                for g in reading:
                    if g not in made:
                        self.enters[g][parent] = None
                for g in made:
                    if g not in reading:
                        self.leaves[g][parent] = None
        for last in self.last:
            for g in self.around(last):
                self.leaves[g].setdefault(last)


@dataclass(slots=True)
class _Item:
    """A box before it has its place."""

    kind: str
    ref: int
    nodes: tuple[int, ...]  # the values that leave it
    reads: tuple[int, ...]  # the values that enter it; for a node its arguments, duplicates kept
    inner: Scene | None = None


@dataclass(slots=True)
class _Cable:
    """A wire before it has its path: the values on it, the item they come from, the items they go to."""

    nodes: tuple[int, ...]
    source: int
    readers: tuple[int, ...]


def _scene(plan: _Plan, inner: int | None, scenes: dict[int | None, Scene]) -> Scene:
    if inner is not None and plan.grouping.groups[inner].of_leaves:
        return _shelf(plan, inner)
    items = _items(plan, inner, scenes)
    cables = _cables(plan, items, whole=inner not in plan.opened)
    ports = _ports(items, cables)
    boxes = [_box(plan, item, inner, *ports[number]) for number, item in enumerate(items)]
    nets = [_net(number, cable, ports) for number, cable in enumerate(cables)]
    placed = place(boxes, nets)
    wires = (
        Wire(
            cable.nodes,
            tuple(segments),
            tuple(
                Tap(box, inlet if items[box].kind == "node" else -1, route)
                for (box, inlet), route in zip(net.targets, routes)
            ),
        )
        for cable, net, segments, routes in zip(cables, nets, placed.segments, placed.routes)
    )
    placed_boxes = (
        PlacedBox(item.kind, item.ref, item.nodes or item.reads, x, y, box.width, box.height, item.inner)
        for item, box, x, y in zip(items, boxes, placed.x, placed.y)
    )
    return Scene(inner, placed.width, placed.height, tuple(placed_boxes), tuple(wires))


def _items(plan: _Plan, inner: int | None, scenes: dict[int | None, Scene]) -> list[_Item]:
    """Ports in, then members and sub-groups in the order of the graph, then ports out."""
    nodes = plan.trace.nodes
    own = [(node, _Item("node", node, (node,), nodes[node].parents)) for node in plan.members[inner]]
    for child in plan.children[inner]:
        leaves = tuple(sorted(plan.leaves[child]))
        if leaves:  # else nothing that was made in this scope reaches the result
            scene = scenes[child] if child in plan.opened else None
            own.append((leaves[0], _Item("group", child, leaves, tuple(plan.enters[child]), scene)))
    items = [item for _, item in sorted(own, key=lambda pair: pair[0])]
    if inner is None:
        return items
    entering = [_Item("in", some[0], some, ()) for some in _bundles(plan, inner, plan.enters[inner])]
    ends = sorted(plan.leaves[inner] if inner not in plan.opened else plan.leaves[inner].keys() - plan.last)
    leaving = [_Item("out", some[0], (), some) for some in _bundles(plan, inner, ends)]
    return entering + items + leaving


def _bundles(plan: _Plan, inner: int, nodes: Iterable[int]) -> list[tuple[int, ...]]:
    """The values at a group's border: each alone, or as a bus shared leaves, or many, that meet the same sub-groups."""
    bundles: dict[object, list[int]] = {}
    for node in nodes:
        near = [node] if inner in plan.around(node) else plan.readers[node]
        boxes = tuple(dict.fromkeys(plan.inside(inner, n) for n in near if inner in plan.around(n)))
        joinable = inner not in plan.opened and all(kind == "group" for kind, _ in boxes)
        bundles.setdefault((boxes, plan.shared(node)) if joinable else node, []).append(node)
    return [wire for bundle in bundles.values() for wire in _wires(plan, bundle)]


def _wires(plan: _Plan, nodes: Sequence[int]) -> list[tuple[int, ...]]:
    """Values that go the same way: on one wire if they are many, or shared leaves; else each on its own."""
    together = len(nodes) > BUS or plan.shared(nodes[0])
    return [tuple(nodes)] if together else [(node,) for node in nodes]


def _cables(plan: _Plan, items: Sequence[_Item], *, whole: bool) -> list[_Cable]:
    """One wire per value; many values between the same boxes share one if `whole`."""
    source = {node: number for number, item in enumerate(items) for node in item.nodes}
    readers: dict[int, dict[int, None]] = {node: {} for node in source}
    for number, item in enumerate(items):
        for node in item.reads:
            readers[node][number] = None
    bundles: dict[tuple[int, tuple[int, ...], int], list[int]] = {}
    for node, numbers in readers.items():
        boxes = tuple(number for number in numbers if items[number].kind != "node")
        nodes = tuple(number for number in numbers if items[number].kind == "node")
        for ends in (boxes, nodes) if plan.shared(node) else (tuple(numbers),):
            joinable = whole and all(items[number].kind != "node" for number in (source[node], *ends))
            if ends:
                bundles.setdefault((source[node], ends, -1 if joinable else node), []).append(node)
    return [
        _Cable(wire, number, ends)
        for (number, ends, _), bundle in bundles.items()
        for wire in _wires(plan, bundle)
    ]


def _ports(items: Sequence[_Item], cables: Sequence[_Cable]) -> list[tuple[list[int], list[int]]]:
    """Per item: which cable enters at each inlet, and which leaves at each outlet, top to bottom."""
    arriving = {
        (node, end): c for c, cable in enumerate(cables) for node in cable.nodes for end in cable.readers
    }
    leaving: dict[int, list[int]] = {}
    for c, cable in enumerate(cables):
        for node in cable.nodes:
            leaving.setdefault(node, []).append(c)
    ports: list[tuple[list[int], list[int]]] = []
    for number, item in enumerate(items):
        entering, made = item.reads, item.nodes
        if item.inner is not None:
            entering, made = _port_order(item.inner, "in"), _port_order(item.inner, "out")
        inlets = [arriving[node, number] for node in entering]
        if item.kind != "node":
            inlets = list(dict.fromkeys(inlets))
        ports.append((inlets, list(dict.fromkeys(c for node in made for c in leaving.get(node, ())))))
    return ports


def _port_order(scene: Scene, kind: str) -> tuple[int, ...]:
    return tuple(box.ref for box in sorted(scene.boxes, key=lambda box: box.y) if box.kind == kind)


def _shelf(plan: _Plan, inner: int) -> Scene:
    """Shared leaves, which need no wires among them: those of a scope beside each other."""
    groups = [
        PlacedBox("group", g, tuple(sorted(plan.leaves[g])), 0, 0, WIDTH, HEIGHT)
        for g in plan.children[inner]
    ]
    rows: dict[int | None, list[PlacedBox]] = {-1: groups} if groups else {}
    for leaf in plan.members[inner]:
        node = plan.trace.nodes[leaf]
        scope = plan.trace.nodes[plan.readers[leaf][0]].scope
        rows.setdefault(scope, []).append(PlacedBox("node", leaf, (leaf,), 0, 0, WIDTH, _height(node)))
    longest = max(map(len, rows.values()))
    most = SHELF if len(rows) > 1 else math.isqrt(2 * longest)
    boxes, y = [], 0.0
    for row in rows.values():
        for start in range(0, len(row), most):
            shelf = row[start : start + most]
            boxes += [replace(box, x=k * (WIDTH + BOX_GAP), y=y) for k, box in enumerate(shelf)]
            y += max(box.height for box in shelf) + BOX_GAP
    width = max(box.x for box in boxes) + WIDTH
    return Scene(inner, width, y - BOX_GAP, tuple(boxes), ())


def _net(number: int, cable: _Cable, ports: Sequence[tuple[list[int], list[int]]]) -> Net:
    targets = ((reader, k) for reader in cable.readers for k, c in enumerate(ports[reader][0]) if c == number)
    return Net((cable.source, ports[cable.source][1].index(number)), tuple(targets))


def _box(plan: _Plan, item: _Item, inner: int | None, entering: Sequence[int], leaving: Sequence[int]) -> Box:
    pin = {"in": "first", "out": "last"}.get(item.kind, "")
    if item.inner is not None:
        height = {(box.kind, box.ref): box.y + box.height / 2 + HEADER for box in item.inner.boxes}
        inlets = tuple(height["in", node] for node in _port_order(item.inner, "in"))
        outlets = tuple(height["out", node] for node in _port_order(item.inner, "out"))[: len(leaving)]
        width = item.inner.width + item.inner.inset + (0.0 if outlets else MARGIN)
        return Box(width, item.inner.height + HEADER + MARGIN, inlets, outlets)
    width, height_ = WIDTH, HEIGHT
    if pin and inner in plan.opened:
        width, height_ = 0.0, 4.0
    elif item.kind == "in" and inner is not None and plan.grouping.groups[inner].kind == "sum":
        pin = ""  # a term stands just before the addition that reads it
    elif item.kind == "group":
        height_ = max(HEIGHT, 12.0 + PORT_STEP * (max(len(entering), len(leaving)) - 1))
    elif item.kind == "node":
        height_ = _height(plan.trace.nodes[item.ref])
    outlets = (height_ / 2,) if item.kind == "node" else _spread(len(leaving), height_)
    free = item.kind == "group"
    return Box(width, height_, _spread(len(entering), height_), outlets, pin, free)


def _height(node: TraceNode) -> float:
    """A number's box has three lines, a constant's one, and an array's its heat maps as well."""
    place_ = heat.geometry(node.shape)
    if place_ is not None:
        return float(place_["bottom"]) + HEAT_MARGIN
    return CONSTANT_HEIGHT if node.role == "constant" and not node.shape else HEIGHT


def _spread(count: int, height: float) -> tuple[float, ...]:
    """Points along a side: near the middle if few, over the whole side if many."""
    if count == 0:
        return ()
    step = min(18.0, (height - 12.0) / max(count - 1, 1))
    first = height / 2 - step * (count - 1) / 2
    return tuple(first + step * k for k in range(count))
