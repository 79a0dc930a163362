"""The NumPy table: stable where a textbook's formula overflows, and faithful to shape and dtype."""

from typing import Any

import numpy as np
import pytest

from chainrule.backends import numpy as table

HUGE = np.array([-1e4, -750.0, -90.0, 0.0, 90.0, 750.0, 1e4])


@pytest.mark.parametrize(
    "name", ["sigmoid", "log_sigmoid", "softplus", "silu", "gelu", "relu", "tanh", "erf"]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_activation_overflows(name: str, dtype: type) -> None:
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        found = getattr(table, name)(HUGE.astype(dtype))
    assert np.isfinite(found).all()
    assert found.dtype == dtype


def test_elu_does_not_overflow() -> None:
    with np.errstate(over="raise", invalid="raise"):
        assert table.elu(HUGE, 1.0)[0] == -1


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmax_sums_to_one(axis: int) -> None:
    x = np.random.default_rng(0).normal(size=(4, 5)) * 1000
    np.testing.assert_allclose(table.softmax(x, axis).sum(axis), 1)
    np.testing.assert_allclose(np.exp(table.log_softmax(x, axis)), table.softmax(x, axis), atol=1e-300)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_of_nothing_is_nothing(name: str) -> None:
    assert getattr(table, name)(np.zeros((2, 0)), -1).shape == (2, 0)


def test_cross_entropy_of_a_sure_and_wrong_guess() -> None:
    found = table.cross_entropy(np.array([[1000.0, 0.0]]), np.array([1]))
    assert found.tolist() == [1000]


@pytest.mark.parametrize("shape", [(3, 4), (9, 4), (2, 100), (0, 4), (2, 0)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_soft_cross_entropy_is_minus_the_targets_times_log_softmax(
    shape: tuple[int, int], dtype: type[np.floating[Any]]
) -> None:
    rng = np.random.default_rng(shape)
    x, y = (
        rng.standard_normal(shape),
        rng.dirichlet(np.ones(shape[1]), shape[0]) if shape[1] else np.ones(shape),
    )
    found = table.soft_cross_entropy(x.astype(dtype), y.astype(dtype))
    assert found.dtype == dtype
    np.testing.assert_allclose(found, -(y * table.log_softmax(x, -1)).sum(1), rtol=20 * np.finfo(dtype).eps)


def test_a_target_of_zero_counts_nothing_even_of_minus_infinity() -> None:
    x = np.array([[0.0, 0.0, -np.inf], [-np.inf, 0.0, 0.0], [np.nan, 0.0, 0.0]])
    for upright in (1, 20):  # few classes of many rows are laid upright
        found = table.soft_cross_entropy(
            np.tile(x, (upright, 1)), np.tile([[0.5, 0.5, 0.0]], (3 * upright, 1))
        )
        np.testing.assert_allclose(found[:3], [np.log(2), np.inf, np.nan])


def test_logsumexp_of_huge_numbers() -> None:
    np.testing.assert_allclose(table.logsumexp(np.array([1e4, 1e4]), (0,), False), 1e4 + np.log(2))
    assert table.logsumexp(np.zeros((0, 2)), (0,), False).tolist() == [-np.inf] * 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_broadcast_to_owns_its_memory(dtype: type) -> None:
    x = np.ones(3, dtype)
    found = table.broadcast_to(x, (2, 3))
    assert found.flags.writeable
    assert not np.shares_memory(found, x)
    assert found.dtype == dtype


@pytest.mark.parametrize(
    "index",
    [1, slice(None, None, 2), (slice(None), 0), [0, 0, 2], (np.array([0, 0]), np.array([1, 1])),
     np.array([True, False, True])],
    ids=str,
)  # fmt: skip
def test_scatter_is_the_transpose_of_getitem(index: Any) -> None:
    rng = np.random.default_rng(0)
    index = np.array(index) if isinstance(index, list) else index
    x = rng.normal(size=(3, 2))
    g = rng.normal(size=x[index].shape)
    assert np.sum(table.getitem(x, index) * g) == pytest.approx(np.sum(x * table.scatter(g, index, x.shape)))


def test_one_hot() -> None:
    found = table.one_hot(np.array([[2, 0]]), 3)
    assert found.tolist() == [[[0, 0, 1], [1, 0, 0]]]


def test_linear_does_not_write_into_its_operands() -> None:
    x, weight, bias = np.ones((2, 3)), np.ones((4, 3)), np.ones(4)
    assert table.linear(x, weight, bias).tolist() == [[4] * 4] * 2
    assert bias.tolist() == [1] * 4


def test_the_mean_of_nothing_is_nan() -> None:
    assert np.isnan(table.mean(np.zeros(0), (0,), False))
