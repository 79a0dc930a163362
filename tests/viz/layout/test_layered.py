"""Columns and orders: wires run to the right, leaves stand near their reader, needless crossings are undone."""

import random
from itertools import pairwise

import pytest

from chainrule.viz.layout.layered import Box, Layered, Net, layer


def box(inlets: int, *, pin: str = "") -> Box:
    return Box(10.0, 10.0, tuple(float(k) for k in range(inlets)), (5.0,), pin)


def crossings(graph: Layered) -> int:
    """Count crossing pairs one by one, as a check on the program's counting."""
    place = {v: k for column in graph.columns for k, v in enumerate(column)}
    total = 0
    for i, a in enumerate(graph.links):
        for b in graph.links[:i]:
            if graph.rank[a.u] == graph.rank[b.u]:
                left = (
                    (place[a.u], a.outlet) > (place[b.u], b.outlet),
                    (place[a.u], a.outlet) < (place[b.u], b.outlet),
                )
                right = (
                    (place[a.v], a.inlet) > (place[b.v], b.inlet),
                    (place[a.v], a.inlet) < (place[b.v], b.inlet),
                )
                total += (left[0] and right[1]) or (left[1] and right[0])
    return total


def random_nets(seed: int, count: int = 30) -> tuple[list[Box], list[Net]]:
    draw = random.Random(seed)
    readers: dict[int, list[tuple[int, int]]] = {k: [] for k in range(count)}
    inlets = [0] * count
    for reader in range(3, count):
        for _ in range(draw.choice([1, 2, 2, 3])):
            readers[draw.randrange(reader)].append((reader, inlets[reader]))
            inlets[reader] += 1
    return [box(n) for n in inlets], [Net((k, 0), tuple(ends)) for k, ends in readers.items() if ends]


@pytest.mark.parametrize("seed", range(10))
def test_links_join_neighbouring_columns_and_routes_lead_home(seed: int) -> None:
    boxes, nets = random_nets(seed)
    graph = layer(boxes, nets)
    assert all(graph.rank[link.v] == graph.rank[link.u] + 1 for link in graph.links)
    assert sorted(v for column in graph.columns for v in column) == list(range(len(graph.rank)))
    for net, routes in zip(nets, graph.routes):
        for (target, inlet), route in zip(net.targets, routes):
            links = [graph.links[number] for number in route]
            assert links[0].u == net.source[0]
            assert (links[-1].v, links[-1].inlet) == (target, inlet)
            assert all(a.v == b.u for a, b in pairwise(links))


@pytest.mark.parametrize("seed", range(10))
def test_one_wire_per_value(seed: int) -> None:
    graph = layer(*random_nets(seed))
    for routes in graph.routes:
        dummies = [(graph.rank[graph.links[n].v], graph.links[n].v) for route in routes for n in route[:-1]]
        assert len({rank for rank, _ in dummies}) == len(set(dummies)), "one dummy per column, shared"


def test_a_leaf_stands_just_before_its_first_reader() -> None:
    nets = [Net((0, 0), ((2, 0),)), Net((2, 0), ((3, 0),)), Net((3, 0), ((4, 0),)), Net((1, 0), ((4, 1),))]
    graph = layer([box(0), box(0), box(1), box(1), box(2)], nets)
    assert graph.rank[:5] == [0, 2, 1, 2, 3]


def test_pins_hold_the_first_and_the_last_column() -> None:
    boxes = [box(0, pin="first"), box(0), box(2), box(1, pin="last"), box(1)]
    nets = [Net((0, 0), ((2, 0),)), Net((1, 0), ((2, 1),)), Net((2, 0), ((3, 0), (4, 0)))]
    graph = layer(boxes, nets)
    assert graph.rank[0] == 0
    assert graph.rank[1] >= 1, "the first column belongs to the pinned boxes"
    assert graph.rank[3] == max(graph.rank)


def test_a_tree_has_no_crossing() -> None:
    boxes, nets = [box(0)] * 16, []
    draw = random.Random(1)
    level = list(range(16))
    draw.shuffle(level)
    while len(level) > 1:
        above = []
        for a, b in zip(level[::2], level[1::2]):
            boxes.append(box(2))
            nets += [Net((a, 0), ((len(boxes) - 1, 0),)), Net((b, 0), ((len(boxes) - 1, 1),))]
            above.append(len(boxes) - 1)
        level = above
    assert crossings(layer(boxes, nets)) == 0


def test_a_cycle_is_refused() -> None:
    with pytest.raises(ValueError, match="in a cycle"):
        layer([box(1), box(1)], [Net((0, 0), ((1, 0),)), Net((1, 0), ((0, 0),))])


def test_nothing() -> None:
    assert layer([], []).columns == []


def test_depth_needs_no_recursion() -> None:
    count = 5_000
    graph = layer([box(0), *[box(1)] * (count - 1)], [Net((k, 0), ((k + 1, 0),)) for k in range(count - 1)])
    assert len(graph.columns) == count
