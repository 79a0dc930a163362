"""Updates of state: made at once, or handed to whoever collects them."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.autograd.mode import record_whole
from chainrule.autograd.update import collect_updates, update


def test_made_at_once_and_cast() -> None:
    leaf = cr.Tensor([1.0, 2.0], dtype=np.float32, requires_grad=False)
    update(leaf, cr.Tensor([3.0, 4.0]) * 2)
    assert leaf.data.tolist() == [6.0, 8.0]
    assert leaf.dtype == np.float32
    with pytest.raises(cr.ShapeError):
        update(leaf, np.zeros(3))


def test_collected_in_order_and_nested() -> None:
    leaf = cr.Tensor(1.0, requires_grad=False)
    with collect_updates() as outer:
        update(leaf, 2.0)
        with collect_updates() as inner:
            update(leaf, 3.0)
        update(leaf, 4.0)
    assert [value for _, value in outer] == [2.0, 4.0]
    assert [value for _, value in inner] == [3.0]
    assert leaf.item() == 1.0
    update(leaf, 5.0)
    assert leaf.item() == 5.0


def test_what_is_collected_is_recorded() -> None:
    leaf = cr.Tensor(1.0, requires_grad=False)
    with record_whole(), collect_updates() as updates, cr.no_grad():
        update(leaf, leaf + 1)
    ((_, value),) = updates
    assert value.parents[0] is leaf
    assert not value.requires_grad


def test_ends_with_an_error() -> None:
    leaf = cr.Tensor(1.0, requires_grad=False)
    with pytest.raises(ZeroDivisionError), collect_updates():
        1 / 0  # noqa: B018 - the error is the point
    update(leaf, 2.0)
    assert leaf.item() == 2.0
