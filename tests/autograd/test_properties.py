"""Broadcasting and indexing on shapes and indices that nobody chose."""

from typing import Any

import numpy as np
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp

import chainrule as cr
from chainrule import Tensor
from chainrule.autograd.walk import unbroadcast

FEW = settings(max_examples=60, deadline=None, derandomize=True, database=None)
NUMBERS = st.floats(-10, 10, allow_nan=False, width=32).map(float)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3)


def arrays(shape: Any) -> Any:
    return hnp.arrays(np.float64, shape, elements=NUMBERS)


@st.composite
def broadcast_pairs(draw: Any) -> tuple[Any, Any]:
    shapes = draw(
        hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, min_side=0, max_side=3)
    ).input_shapes
    return draw(arrays(shapes[0])), draw(arrays(shapes[1]))


def counted(array: Any, shape: Any) -> Any:
    """How often broadcasting to `shape` repeats each element, found by brute force."""
    places = np.broadcast_to(np.arange(array.size).reshape(array.shape), shape)
    return np.bincount(places.ravel(), minlength=array.size).reshape(array.shape)


@FEW
@given(broadcast_pairs())
def test_gradients_of_a_sum_count_repetitions(pair: tuple[Any, Any]) -> None:
    a, b = pair
    x, y = Tensor(a), Tensor(b)
    z = x + y
    np.testing.assert_array_equal(z.data, a + b)
    z.sum().backward()
    np.testing.assert_array_equal(x.grad, counted(a, z.shape))
    np.testing.assert_array_equal(y.grad, counted(b, z.shape))


@FEW
@given(broadcast_pairs(), st.sampled_from([cr.mul, cr.sub, cr.maximum, cr.hypot, cr.logaddexp]))
def test_broadcasting_is_the_same_as_repeating_by_hand(pair: tuple[Any, Any], function: Any) -> None:
    a, b = pair
    x, y = Tensor(a), Tensor(b)
    z = function(x, y)
    z.sum().backward()
    wide = [Tensor(np.broadcast_to(part, z.shape)) for part in pair]
    function(*wide).sum().backward()
    for narrow, full in zip((x, y), wide, strict=True):
        np.testing.assert_allclose(narrow.grad, unbroadcast(full.grad, narrow.shape), rtol=1e-12, atol=1e-12)


@FEW
@given(st.data())
def test_unbroadcast_is_the_transpose_of_broadcast(data: Any) -> None:
    small = data.draw(SHAPES)
    large = data.draw(
        hnp.broadcastable_shapes(small, max_dims=5, max_side=3).map(lambda s: np.broadcast_shapes(s, small))
    )
    u, v = data.draw(arrays(small)), data.draw(arrays(large))
    np.testing.assert_allclose(
        np.sum(np.broadcast_to(u, large) * v), np.sum(u * unbroadcast(v, small)), atol=1e-9
    )


@FEW
@given(st.data())
def test_basic_indexing(data: Any) -> None:
    a = data.draw(arrays(data.draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=4))))
    index = data.draw(hnp.basic_indices(a.shape, allow_newaxis=True, allow_ellipsis=True))
    check_index(a, index)


@FEW
@given(st.data())
def test_integer_indexing(data: Any) -> None:
    a = data.draw(arrays(data.draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=4))))
    index = data.draw(hnp.integer_array_indices(a.shape))
    check_index(a, index)


@FEW
@given(st.data())
def test_boolean_indexing(data: Any) -> None:
    a = data.draw(arrays(data.draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=4))))
    mask = data.draw(hnp.arrays(bool, a.shape[: data.draw(st.integers(1, a.ndim))]))
    check_index(a, mask)


@FEW
@given(st.data())
def test_mixed_indexing(data: Any) -> None:
    a = data.draw(arrays(data.draw(hnp.array_shapes(min_dims=2, max_dims=4, max_side=3))))
    length = data.draw(st.integers(0, 3))
    index = tuple(
        data.draw(
            st.one_of(
                st.integers(-n, n - 1),
                st.slices(n),
                hnp.arrays(np.int64, (length,), elements=st.integers(-n, n - 1)),
            )
        )
        for n in a.shape
    )
    check_index(a, index)


def check_index(a: Any, index: Any) -> None:
    """Values are NumPy's; each element's gradient is how often it was picked, weighted."""
    x = Tensor(a)
    y = x[index]
    np.testing.assert_array_equal(y.data, a[index])
    weights = np.random.default_rng(0).uniform(1, 2, y.shape)
    y.backward(grad=weights)
    expected = np.zeros_like(a)
    np.add.at(expected, index, weights)
    np.testing.assert_allclose(x.grad, expected, rtol=1e-12)


@FEW
@given(st.data())
def test_reductions(data: Any) -> None:
    a = data.draw(arrays(data.draw(hnp.array_shapes(min_dims=1, max_dims=4, max_side=3))))
    axis = data.draw(st.one_of(st.none(), hnp.valid_tuple_axes(a.ndim), st.integers(-a.ndim, a.ndim - 1)))
    keepdims = data.draw(st.booleans())
    for name in ("sum", "mean", "max", "min", "prod", "var", "std"):
        if name in ("max", "min") and axis == ():
            continue
        x = Tensor(a)
        y = getattr(cr, name)(x, axis, keepdims)
        np.testing.assert_allclose(
            y.data, getattr(np, name)(a, axis=axis, keepdims=keepdims), rtol=1e-9, atol=1e-9
        )
        y.sum().backward()
        assert x.grad.shape == a.shape
        if name in ("max", "min"):
            np.testing.assert_allclose(x.grad.sum(), y.size)


@FEW
@given(st.data())
def test_reshaping_there_and_back(data: Any) -> None:
    a = data.draw(arrays(data.draw(SHAPES)))
    order = data.draw(st.permutations(range(a.ndim)))
    x = Tensor(a)
    y = x.transpose(tuple(order))
    np.testing.assert_array_equal(y.data, a.transpose(order))
    weights = np.random.default_rng(0).uniform(1, 2, y.shape)
    y.ravel().backward(grad=weights.ravel())
    np.testing.assert_array_equal(x.grad, weights.transpose(np.argsort(order)))


@FEW
@given(st.data())
def test_matmul(data: Any) -> None:
    shapes = data.draw(
        hnp.mutually_broadcastable_shapes(signature=np.matmul.signature, max_dims=2, min_side=0, max_side=3)
    )
    a, b = (data.draw(arrays(shape)) for shape in shapes.input_shapes)
    x, y = Tensor(a), Tensor(b)
    z = x @ y
    np.testing.assert_allclose(z.data, a @ b, atol=1e-9)
    weights = np.random.default_rng(0).uniform(1, 2, z.shape)
    z.backward(grad=weights)
    # d/dx ⟨w, x @ y⟩ in the direction of x itself is ⟨w, x @ y⟩, for x and for y.
    for node in (x, y):
        np.testing.assert_allclose(
            np.sum(node.grad * node.data), np.sum(weights * z.data), rtol=1e-9, atol=1e-8
        )
