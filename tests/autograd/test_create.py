"""Tensors from nothing."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import Tensor


def test_values_and_shapes() -> None:
    assert cr.zeros((2, 3)).data.tolist() == [[0] * 3] * 2
    assert cr.ones(3).data.tolist() == [1] * 3
    assert cr.full((), 7.0).data == 7
    assert cr.eye(2).data.tolist() == [[1, 0], [0, 1]]
    assert cr.arange(1, 7, 2).data.tolist() == [1, 3, 5]
    assert cr.full(2, fill_value=7.0).data.tolist() == [7, 7]
    assert cr.linspace(0, 1, 3).data.tolist() == [0, 0.5, 1]


def test_dtypes_and_what_requires_grad() -> None:
    assert cr.zeros(2).dtype == np.float64
    assert cr.zeros(2, dtype=np.float32).dtype == np.float32
    assert cr.zeros(2).requires_grad
    assert not cr.zeros(2, dtype=int).requires_grad
    assert not cr.zeros(2, requires_grad=False).requires_grad
    assert not cr.arange(3).requires_grad
    assert cr.arange(3.0).requires_grad
    assert cr.zeros(2, label="w").label == "w"


def test_like() -> None:
    x = Tensor(np.ones((2, 3), np.float32))
    for y, value in ((cr.zeros_like(x), 0), (cr.ones_like(x), 1), (cr.full_like(x, 7), 7)):
        assert (y.shape, y.dtype) == (x.shape, np.float32)
        assert (y.data == value).all()
        assert y.op is None


def test_like_in_another_dtype() -> None:
    x = Tensor([1, 2])
    for make in (cr.zeros_like, cr.ones_like, cr.rand_like, cr.randn_like):
        y = make(x, dtype=np.float32)
        assert (y.shape, y.dtype, y.requires_grad) == ((2,), np.float32, True)
    assert cr.full_like(x, 0.5, dtype=float).data.tolist() == [0.5, 0.5]


def test_a_shape_of_random_numbers_may_be_a_tuple() -> None:
    assert cr.rand((2, 3)).shape == cr.rand(2, 3).shape == cr.randn([2, 3]).shape == (2, 3)
    assert cr.randn(()).shape == cr.rand().shape == ()


def test_the_memory_is_its_own_and_writable() -> None:
    x = cr.zeros(3)
    x.data[0] = 5
    assert x.data.tolist() == [5, 0, 0]
    assert cr.zeros(3).data.tolist() == [0, 0, 0]


def test_gradients_flow() -> None:
    x = cr.ones((2, 2))
    (x * 3).sum().backward()
    assert x.grad.tolist() == [[3, 3], [3, 3]]


def test_nonsense_is_refused() -> None:
    with pytest.raises(TypeError, match="complex128"):
        cr.full(2, 1j, dtype=complex)
    with pytest.raises(TypeError):
        cr.zeros("a")  # type: ignore[arg-type]
