"""What an adversary found: cases that gave a wrong number without a word, or an error that explained nothing."""

import math
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import ShapeError, Tensor, Value


@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_a_matrix_is_an_array() -> None:
    """The operators of `numpy.matrix` are those of linear algebra: a rule's `g * y` was a matrix product."""
    x, m = Tensor([[1.0, 2.0], [3.0, 4.0]]), np.matrix([[1.0, 2.0], [3.0, 5.0]])
    for product in (x * m, m * x, cr.mul(x, m), cr.mul(m, x)):
        x.zero_grad()
        product.sum().backward()
        np.testing.assert_array_equal(x.grad, [[1, 2], [3, 5]])
        assert type(x.grad) is np.ndarray


def test_a_mask_is_not_lost() -> None:
    masked = np.ma.array([1.0, 2.0], mask=[True, False])
    x = Tensor([1.0, 2.0])
    for attempt in (
        lambda: Tensor(masked),
        lambda: x * masked,
        lambda: cr.add(masked, x),
    ):
        with pytest.raises(TypeError, match=r"the mask of a masked array would be lost; write x\.filled"):
            attempt()
    assert np.ma.array(x).sum() == 3.0


def test_a_second_gradient_of_a_scalar_is_an_array_too() -> None:
    x = Tensor(2.0)
    for _ in range(2):
        (x * 3).backward()
        assert type(x.grad) is np.ndarray
    assert x.grad == 6.0
    y = Value(2.0)
    for _ in range(2):
        (y * 3).backward()
        assert type(y.grad) is float


def test_a_python_number_does_not_widen() -> None:
    x = Tensor([0.5, 0.25], dtype=np.float32)
    for y in (
        cr.diff(x, prepend=1.0),
        cr.index_add(x, [0], 1.0),
        cr.xlogy(x, 2.0),
        cr.xlogy(2.0, x),
        cr.round(x, 1),
    ):
        assert y.dtype == np.float32
        x.zero_grad()
        y.sum().backward()
        assert x.grad.dtype == np.float32


@pytest.mark.parametrize("dtype", [complex, "U3", object, "M8[s]"])
def test_a_tensor_holds_real_numbers_after_astype(dtype: Any) -> None:
    with pytest.raises(TypeError, match="astype: a Tensor holds floats, integers or booleans, and not"):
        Tensor([1.0]).astype(dtype)


@pytest.mark.parametrize("name", ["inv", "det", "pinv", "cholesky", "slogdet"])
def test_half_precision_has_no_linear_algebra(name: str) -> None:
    x = Tensor(np.eye(2, dtype=np.float16))
    with pytest.raises(TypeError, match=rf"{name}: NumPy has no linear algebra of float16; write x\.astype"):
        getattr(cr, name)(x)
    with pytest.raises(TypeError, match="solve: NumPy has no linear algebra of float16"):
        cr.solve(x, x)
    assert getattr(cr, name)(x.astype("float32")) is not None


def test_an_empty_list_of_labels() -> None:
    assert cr.embedding(Tensor(np.ones((3, 2))), []).shape == (0, 2)
    with pytest.raises(
        TypeError, match=r"cross_entropy: labels must be integers, got float64; write labels\.astype"
    ):
        cr.cross_entropy(Tensor(np.ones((0, 3))), [])


class Boom(Exception):
    pass


def _explode(*args: Any) -> Any:
    raise Boom


explosive = cr.custom_op("test_explosive", lambda xp, x: x * 1.0, lambda xp, g, out, x: _explode())


@pytest.mark.parametrize("make", [Value, Tensor])
def test_a_backward_pass_that_fails_leaves_nothing_behind(make: Any) -> None:
    x = make(1.0)
    (x * 5).backward()
    y = x * 2
    z = explosive(y) + x * 3
    with pytest.raises(Boom):
        z.backward()
    assert x.grad == 5.0
    assert y.grad is None
    assert z.grad is None
    (y * 1).backward()
    assert x.grad == 7.0


@pytest.mark.parametrize("interior", [True, False])
def test_a_hook_that_returns_another_shape(interior: bool) -> None:
    x = Tensor([1.0, 2.0])
    y = x * 3
    hooked = y if interior else x
    hooked.label = "w"
    hooked.register_hook(lambda g: np.ones(7))
    with pytest.raises(
        ShapeError, match=r"a hook of 'w' returned shape \(7,\) for a gradient of shape \(2,\)"
    ):
        (y * 2).sum().backward()
    assert x.grad is None


def test_what_a_hook_returns_becomes_a_gradient_of_the_same_kind() -> None:
    mine = np.array([1.0, 2.0], np.float32)
    for changed in (mine, [1.0, 2.0], Tensor(mine)):
        x = Tensor([1.0, 1.0])
        x.register_hook(lambda g, changed=changed: changed)
        (x * 2).sum().backward()
        assert type(x.grad) is np.ndarray
        assert x.grad.dtype == np.float64
        assert x.grad.tolist() == [1.0, 2.0]
        assert not np.shares_memory(x.grad, mine)
    v = Value(3.0)
    v.register_hook(lambda g: Value(10.0) * g)
    (v * 2).backward()
    assert v.grad == 20.0
    assert type(v.grad) is float


def test_equality_with_what_is_no_number() -> None:
    x = Tensor([1.0, 2.0])
    assert (x == None) is False  # noqa: E711  # what people write
    assert (x != None) is True  # noqa: E711
    assert (x == "a") is False
    assert None not in [x]
    with pytest.raises(TypeError, match="'>' not supported between instances of 'Tensor' and 'NoneType'"):
        assert x > None


@pytest.mark.parametrize(
    ("call", "advice"),
    [
        (lambda x: np.vstack([x, x]), r"numpy.vstack .* write chainrule.concatenate\(\[\.\.\.\], 0\)"),
        (lambda x: np.hstack([x, x]), r"write chainrule.concatenate\(\[\.\.\.\], -1\)"),
        (np.atleast_2d, r"write x\[None\]"),
        (np.unique, r"write numpy.unique\(x.data\)"),
        (lambda x: np.add.at(x, [0], 1), "numpy.add.at does not work on a Tensor: use chainrule.index_add"),
        (np.maximum.reduce, "numpy.maximum.reduce .* use chainrule.max, which records it"),
        (np.add.accumulate, "use chainrule.cumsum"),
    ],
)
def test_numpys_functions_name_ours(call: Any, advice: str) -> None:
    with pytest.raises(TypeError, match=advice):
        call(Tensor([1.0, 2.0]))


def test_pythons_round() -> None:
    assert round(Value(2.345), 1).data == 2.3
    assert round(Tensor([1.26, -3.5])).data.tolist() == [1.0, -4.0]
    assert math.isclose(round(Tensor(1.256), 2).item(), 1.26)


def test_second_derivatives_where_elements_are_zero_or_tie() -> None:
    x = np.array([0.0, 2.0, 0.0, 3.0])
    second = cr.hessian(cr.prod)(x)
    assert second[0, 2] == second[2, 0] == 6.0
    assert second.sum() == 12.0
    running = cr.hessian(lambda x: cr.cumprod(x).sum())(x)
    assert running[0].tolist() == [0.0, 1.0, 8.0, 0.0]
    np.testing.assert_array_equal(cr.hessian(lambda x: cr.norm(x) ** 2)(x), 2 * np.eye(4))
    np.testing.assert_allclose(
        cr.hessian(lambda x: cr.where(x > 0, cr.sqrt(x), x * x).sum())(x),
        np.diag([2.0, -0.25 * 2**-1.5, 2.0, -0.25 * 3**-1.5]),
    )


def test_third_derivatives_through_a_checkpoint() -> None:
    w = Tensor([2.0, -1.0, 0.5])

    def plain(x: Any) -> Any:
        return (x**3 * w).sum() * x[0]

    def kept(x: Any) -> Any:
        return cr.checkpoint(plain, x)

    x = np.array([1.0, 2.0, -1.0])
    for transform in (cr.grad, cr.hessian, lambda f: cr.jacobian(cr.hessian(f))):
        np.testing.assert_allclose(transform(kept)(x), transform(plain)(x), rtol=1e-13)
    np.testing.assert_allclose(cr.hvp(kept, [x], [x]), cr.hvp(plain, [x], [x]), rtol=1e-13)


def test_a_checkpoint_reaches_what_is_computed_outside() -> None:
    """Also a node between leaf and checkpoint, such as the argument of a transform around it."""
    x, w = np.array([1.0, 2.0]), Tensor([2.0, 3.0])

    def loss(w: Any) -> Any:
        return cr.checkpoint(lambda y: (y * w * w).sum(), x)

    assert np.asarray(cr.grad(loss)(w)).tolist() == [4.0, 12.0]
    np.testing.assert_array_equal(cr.grad(lambda w: cr.grad(loss)(w).sum())(w.data), [2.0, 4.0])
    double = w * 2
    cr.checkpoint(lambda y: (y * double).sum(), Tensor(x)).backward()
    assert double.grad.tolist() == [1.0, 2.0]
    assert w.grad.tolist() == [2.0, 4.0]
