"""Hooks on a node's gradient."""

import numpy as np

from chainrule import Tensor, Value
from chainrule.autograd.node import HOOKED


def test_leaf_and_interior_of_tensors():
    seen = {}
    x = Tensor([1.0, 2.0])
    y = x * 3.0
    y.register_hook(lambda g: seen.update(y=g.copy()))
    x.register_hook(lambda g: g * 10)
    (y * y).sum().backward()
    assert seen["y"].tolist() == [6.0, 12.0]
    assert x.grad.tolist() == [180.0, 360.0]


def test_interior_hook_changes_what_flows_on():
    x = Value(2.0)
    y = x * x
    y.register_hook(lambda g: 0.5 * g)
    (3 * y).backward()
    assert y.grad == 1.5
    assert x.grad == 6.0


def test_sees_the_complete_gradient_once():
    calls = []
    x = Value(2.0)
    y = x + 1
    y.register_hook(calls.append)
    (y * y + 3 * y).backward()
    assert calls == [9.0]


def test_remove():
    x = Value(2.0)
    handle = x.register_hook(lambda g: 10 * g)
    handle.remove()
    assert x.serial not in HOOKED
    (2 * x).backward()
    assert x.grad == 2.0


def test_gradient_accumulates_after_the_hook():
    x = Tensor(np.ones(2))
    x.register_hook(lambda g: -g)
    for _ in range(2):
        (x * 2.0).sum().backward()
    assert x.grad.tolist() == [-4.0, -4.0]


def test_a_freed_node_is_forgotten():
    before = set(HOOKED)
    x = Value(2.0)
    x.register_hook(lambda g: g)  # the handle is dropped
    assert x.serial in HOOKED
    del x
    assert before == HOOKED


def test_several_hooks_run_in_their_order():
    x = Value(2.0)
    x.register_hook(lambda g: g + 1)
    x.register_hook(lambda g: g * 10)  # both handles are dropped
    (3 * x).backward()
    assert x.grad == 40.0
