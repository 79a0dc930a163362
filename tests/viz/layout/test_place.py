"""Coordinates: nothing overlaps, wires go right, the isotonic fit is the best one."""

import random
import re

import numpy as np
import pytest
from sklearn.isotonic import isotonic_regression

from chainrule.viz.layout.layered import Box, Net
from chainrule.viz.layout.place import BOX_GAP, isotonic, place


@pytest.mark.parametrize("seed", range(20))
def test_isotonic_agrees_with_scikit_learn(seed: int) -> None:
    draw = np.random.default_rng(seed)
    targets, weights = draw.normal(size=30), draw.uniform(0.1, 5, size=30)
    expected = isotonic_regression(targets, sample_weight=weights)
    assert isotonic(targets.tolist(), weights.tolist()) == pytest.approx(expected.tolist())


@pytest.mark.parametrize("seed", range(8))
def test_boxes_keep_their_distance_and_wires_go_right(seed: int) -> None:
    draw = random.Random(seed)
    boxes, nets = [], []
    for k in range(40):
        reads = draw.sample(range(k), min(k, draw.randrange(3)))
        height = draw.choice([26.0, 58.0, 130.0])
        boxes.append(
            Box(draw.choice([60.0, 120.0]), height, tuple(5.0 + i for i in range(len(reads))), (height / 2,))
        )
        nets += [Net((source, 0), ((k, i),)) for i, source in enumerate(reads)]
    placed = place(boxes, nets)
    spans = sorted(zip(placed.x, placed.y, boxes), key=lambda item: item[:2])
    for i, (x, y, box) in enumerate(spans):
        assert 0 <= x <= x + box.width <= placed.width + 0.1
        assert -0.1 <= y <= y + box.height <= placed.height + 0.1
        for other_x, other_y, other in spans[:i]:
            beside = other_x + other.width < x + 0.1 or x + box.width < other_x + 0.1
            gap = max(y - other_y - other.height, other_y - y - box.height)
            assert beside or gap >= BOX_GAP - 0.2
    for paths in placed.segments:
        for path in paths:
            # M x y [H x] [C x y x y x y] [H x]: the x of the points, in order
            xs = [float(x) for _, x in re.findall(r"([MH ])(-?[\d.]+)(?= |H|C|$)", path)][:1]
            ends = [float(x) for x in re.findall(r"H(-?[\d.]+)", path)]
            curve = re.search(r"C(\S+) \S+ (\S+) \S+ (\S+) \S+?(?:H|$)", path)
            xs += [float(x) for x in curve.groups()] if curve else ends
            assert xs == sorted(xs), path


def test_a_chain_is_straight() -> None:
    boxes = [Box(10, 20, () if k == 0 else (10.0,), (10.0,)) for k in range(6)]
    placed = place(boxes, [Net((k, 0), ((k + 1, 0),)) for k in range(5)])
    assert set(placed.y) == {0.0}
    assert all("C" not in path for paths in placed.segments for path in paths)


def test_nothing() -> None:
    placed = place([], [])
    assert (placed.width, placed.height) == (0.0, 0.0)
