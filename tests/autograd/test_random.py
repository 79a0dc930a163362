"""Random numbers that a seed repeats."""

import numpy as np

import chainrule as cr


def test_a_seed_repeats() -> None:
    cr.seed(7)
    first = cr.randn(3).numpy(), cr.rand(2, 2).numpy()
    cr.seed(7)
    second = cr.randn(3).numpy(), cr.rand(2, 2).numpy()
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    cr.seed(8)
    assert (cr.randn(3).numpy() != first[0]).all()


def test_distributions() -> None:
    cr.seed(0)
    normal, uniform = cr.randn(20_000).numpy(), cr.rand(20_000).numpy()
    assert abs(normal.mean()) < 0.03
    assert abs(normal.std() - 1) < 0.03
    assert 0 <= uniform.min() < 0.01
    assert 0.99 < uniform.max() < 1


def test_dtype_and_gradient() -> None:
    assert cr.randn(2, dtype=np.float32).dtype == np.float32
    assert cr.randn(2).requires_grad
    assert not cr.rand(2, requires_grad=False).requires_grad
    assert cr.randn().shape == ()


def test_random_numbers_like_another_tensor() -> None:
    x = cr.Tensor(np.ones((2, 3)), dtype=np.float32)
    for draw in (cr.rand_like, cr.randn_like):
        y = draw(x, label="y")
        assert (y.shape, y.dtype, y.label, y.requires_grad) == ((2, 3), np.float32, "y", True)
