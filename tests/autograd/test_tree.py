"""Nests of containers, taken apart and put together again."""

import gc
from collections import OrderedDict, namedtuple

from chainrule.autograd import tree

Pair = namedtuple("Pair", ["left", "right"])


def test_there_and_back() -> None:
    nest = {"b": [1, (2, 3)], "a": Pair(4, {"x": 5}), "e": [], "n": None}
    assert tree.leaves(nest) == [1, 2, 3, 4, 5, None]
    assert tree.rebuild(nest, tree.leaves(nest)) == nest
    assert type(tree.rebuild(nest, range(6))["a"]) is Pair


def test_a_leaf_is_a_nest() -> None:
    assert tree.leaves(3) == [3]
    assert tree.rebuild(3, [4]) == 4


def test_transform() -> None:
    assert tree.transform(lambda x: 2 * x, {"a": [1, 2], "b": (3,)}) == {"a": [2, 4], "b": (6,)}


def test_order_is_that_of_insertion() -> None:
    assert tree.leaves(OrderedDict(z=1, a=2)) == [1, 2]


def test_leaves_no_cycle() -> None:
    gc.collect()
    tree.rebuild({"a": [1, 2]}, [3, 4])
    assert gc.collect() == 0
