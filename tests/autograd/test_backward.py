"""Watching `backward()`; what it computes is tested in test_walk.py, test_value.py and test_tensor.py."""

from typing import Any

import pytest

from chainrule.autograd.backward import watched
from chainrule.autograd.tensor import Tensor
from chainrule.autograd.value import Value


@pytest.mark.parametrize("make", [lambda: Value(3.0), lambda: Tensor(3.0)])
def test_a_watched_call_is_told_before_the_walk_and_computes_the_same(make: Any) -> None:
    x = make()
    seen: list[tuple[Any, Any]] = []
    with watched(lambda root: seen.append((root, x.grad))):
        loss = x * x
        loss.backward()
    assert len(seen) == 1
    assert seen[0][0] is loss
    assert seen[0][1] is None
    assert float(x.grad) == 6.0
    (x * 2.0).backward()
    assert len(seen) == 1, "the block is over"


def test_an_error_ends_the_watch() -> None:
    seen: list[Any] = []
    with pytest.raises(ZeroDivisionError), watched(seen.append):
        raise ZeroDivisionError
    (Value(2.0) * 3.0).backward()
    assert not seen
