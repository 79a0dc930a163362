"""A cotangent that nobody else can see may become the next one; whoever can see it finds it as it was."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.autograd import walk

X = np.linspace(-2, 2, 5001)


def slope(x: Any) -> Any:
    """The derivative of tanh."""
    return 1 - np.tanh(x) ** 2


@pytest.fixture
def overwritten(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the ops whose rule was told that it may write over its cotangent."""
    names: list[str] = []
    plain = walk.Algebra.rules_over

    def spy(self: walk.Algebra, op: Any) -> Any:
        names.append(op.name)
        return plain(self, op)

    monkeypatch.setattr(walk.Algebra, "rules_over", spy)
    return names


def test_a_chain_is_written_over(overwritten: list[str]) -> None:
    _, g = cr.value_and_grad(lambda x: cr.tanh(cr.tanh(cr.sin(x) * 2.0)).sum())(X)
    z = 2 * np.sin(X)
    np.testing.assert_allclose(g, slope(np.tanh(z)) * slope(z) * 2 * np.cos(X), rtol=1e-13, atol=1e-15)
    assert "tanh" in overwritten


def test_one_array_is_used_on_the_whole_way() -> None:
    """Through three sigmoids, each with a kernel of its own."""
    pytest.importorskip("numba", reason="needs numba: pip install numba")
    seen: list[Any] = []

    def rule(xp: Any, g: Any, out: Any, x: Any) -> Any:
        fresh = g * 1.0
        seen.append((g.ctypes.data, fresh.ctypes.data))
        return fresh

    twin = cr.custom_op("twin_of_one_array", lambda xp, x: x * 1.0, rule)
    with cr.use_backend("numba"):
        cr.value_and_grad(lambda x: twin(cr.sigmoid(cr.sigmoid(cr.sigmoid(twin(x))))).sum())(X)
    (_, made), (found, _) = seen
    assert found == made


def tanh_and_itself(x: Any) -> Any:
    """Both get one array from the sum's rule."""
    y = x * 1.0
    return cr.tanh(y) + y


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        pytest.param(tanh_and_itself, slope(X) + 1, id="a sum's one cotangent, twice"),
        pytest.param(
            lambda x: cr.tanh(x * 1.0) + cr.sigmoid(x * 1.0) * 0.0 + x, slope(X) + 1, id="and three times"
        ),
        pytest.param(lambda x: cr.tanh(x.reshape(3, -1)).reshape(-1), slope(X), id="a view of it"),
        pytest.param(
            lambda x: cr.concatenate([cr.tanh(x[:9]), cr.tanh(x[9:])]), slope(X), id="views of its parts"
        ),
        pytest.param(
            lambda x: cr.tanh(cr.tanh(x)) + cr.tanh(x), slope(np.tanh(X)) * slope(X) + slope(X), id="two ways"
        ),
    ],
)
def test_what_several_can_see(function: Callable[[Any], Any], expected: Any) -> None:
    _, g = cr.value_and_grad(lambda x: function(x).sum())(X[:5001])
    np.testing.assert_allclose(g, expected, rtol=1e-13, atol=1e-15)


def test_the_callers_cotangent_stays() -> None:
    given = np.linspace(0, 1, X.size)
    _, pull = cr.vjp(cr.tanh, X)
    for _ in range(2):
        np.testing.assert_allclose(pull(given)[0], given * slope(X), rtol=1e-13, atol=1e-15)
    np.testing.assert_array_equal(given, np.linspace(0, 1, X.size))


def test_what_a_rule_keeps_stays() -> None:
    """A rule may hand out the same array each time, and it remains its own."""
    ones = np.ones_like(X)
    op = cr.custom_op("hands_out_its_own", lambda xp, x: xp.sum(x), lambda xp, g, out, x: ones)
    for _ in range(2):
        _, g = cr.value_and_grad(lambda x: op(cr.tanh(x)))(X)
        np.testing.assert_allclose(g, slope(X), rtol=1e-13, atol=1e-15)
    np.testing.assert_array_equal(ones, 1)


def test_backward_leaves_every_gradient(overwritten: list[str]) -> None:
    x = cr.Tensor(X)
    y = cr.tanh(x)
    z = cr.tanh(y)
    z.sum().backward()
    np.testing.assert_allclose(z.grad, np.ones_like(X))
    np.testing.assert_allclose(y.grad, slope(y.data), rtol=1e-13, atol=1e-15)
    assert not overwritten


def test_a_hook_sees_what_passed(overwritten: list[str]) -> None:
    seen: list[Any] = []

    def function(x: Any) -> Any:
        y = cr.tanh(x)
        y.register_hook(seen.append)
        return cr.tanh(y).sum()

    _, g = cr.value_and_grad(function)(X)
    np.testing.assert_allclose(seen[0], slope(np.tanh(X)), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(g, slope(np.tanh(X)) * slope(X), rtol=1e-13, atol=1e-15)
    assert not overwritten


def test_the_second_walk_begins_anew() -> None:
    """Where a nan is born the walk goes again, with guards: the first must have spoilt nothing."""
    x = np.concatenate([[0.0], X[X > 0]])
    _, g = cr.value_and_grad(lambda x: cr.where(x > 0, cr.tanh(cr.log(cr.sigmoid(x) - 0.5)), 0.0).sum())(x)
    s = 1 / (1 + np.exp(-x[1:]))
    np.testing.assert_allclose(g[1:], slope(np.log(s - 0.5)) / (s - 0.5) * s * (1 - s), rtol=1e-9, atol=1e-12)
    assert g[0] == 0
