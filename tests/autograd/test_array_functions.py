"""Functions of whole arrays: NumPy's answers, exact cases, and what is said of arguments that do not fit."""

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import ShapeError, Tensor

X = np.random.default_rng(0).normal(size=(2, 3, 4))
Y = np.random.default_rng(1).normal(size=(4, 3, 2))
M = np.array([[2.0, 1.0, 0.5], [0.0, 3.0, 1.0], [1.0, 0.0, 4.0]])
TWO = np.ones((2, 2))


@pytest.mark.parametrize(
    ("ours", "numpy"),
    [
        (lambda: cr.dot(X, Y.T[0].T), lambda: np.dot(X, Y.T[0].T)),
        (lambda: cr.dot(X, Y.swapaxes(0, 1)), lambda: np.dot(X, Y.swapaxes(0, 1))),
        (lambda: cr.inner(X, Y.T), lambda: np.inner(X, Y.T)),
        (lambda: cr.tensordot(X, Y, ([2, 1], [0, 1])), lambda: np.tensordot(X, Y, ([2, 1], [0, 1]))),
        (lambda: cr.kron(X[0], Y), lambda: np.kron(X[0], Y)),
        (lambda: cr.moveaxis(X, (0, 2), (1, 0)), lambda: np.moveaxis(X, (0, 2), (1, 0))),
        (lambda: cr.roll(X, 5), lambda: np.roll(X, 5)),
        (lambda: cr.roll(X, (1, -2), (0, 2)), lambda: np.roll(X, (1, -2), (0, 2))),
        (lambda: cr.tile(X, (2, 1, 1, 3)), lambda: np.tile(X, (2, 1, 1, 3))),
        (lambda: cr.repeat(X, [0, 2, 1], 1), lambda: np.repeat(X, [0, 2, 1], 1)),
        (lambda: cr.repeat(X, 2), lambda: np.repeat(X, 2)),
        (lambda: cr.diagonal(X, 1, 2, 0), lambda: np.diagonal(X, 1, 2, 0)),
        (lambda: cr.median(X, (0, 2)), lambda: np.median(X, (0, 2))),
        (lambda: cr.diff(X, 2, 1), lambda: np.diff(X, 2, 1)),
        (lambda: cr.norm(X, axis=(0, 1), ord=3), lambda: np.linalg.vector_norm(X, axis=(0, 1), ord=3)),
        (lambda: cr.pinv(X), lambda: np.linalg.pinv(X)),
        (lambda: cr.matrix_power(M, -3), lambda: np.linalg.matrix_power(M, -3)),
        (
            lambda: cr.pad(X[0], ((0, 1), (2, 0)), value=5.0),
            lambda: np.pad(X[0], ((0, 1), (2, 0)), constant_values=5.0),
        ),
        (lambda: cr.take_along_axis(X, X.argsort(1), 1), lambda: np.sort(X, 1)),
        (lambda: cr.logcumsumexp(X, 1), lambda: np.logaddexp.accumulate(X, 1)),
        (lambda: cr.argmax(X, 1, keepdims=True), lambda: np.argmax(X, 1, keepdims=True)),
        (lambda: cr.argmin(X, keepdims=True), lambda: np.argmin(X, keepdims=True)),
        (lambda: cr.cumsum(X), lambda: np.cumsum(X)),
        (lambda: cr.cumprod(X), lambda: np.cumprod(X)),
        (lambda: cr.diff(X, 2, 0, prepend=1.0), lambda: np.diff(X, 2, 0, prepend=1.0)),
        (lambda: cr.diff(X, 1, 2, X[..., :2], 3), lambda: np.diff(X, 1, 2, X[..., :2], 3)),
        (lambda: cr.diff(X, 0, prepend=1.0), lambda: np.diff(X, 0, prepend=1.0)),
        (lambda: cr.diff(X, 9), lambda: np.diff(X, 9)),
        (lambda: cr.clip(X, min=0.1), lambda: np.clip(X, 0.1, None)),
        (lambda: cr.clip(X, X[0], 0.5), lambda: np.clip(X, X[0], 0.5)),
        (lambda: cr.take(X, [3, -1]), lambda: np.take(X, [3, -1])),
        (lambda: cr.concatenate([X, 1.0, M], None), lambda: np.concatenate([X, 1.0, M], None)),
        (lambda: cr.transpose(X, 2, 0, -2), lambda: X.transpose(2, 0, -2)),
        (lambda: cr.broadcast_to(1.5, 3), lambda: np.broadcast_to(1.5, 3)),
        (lambda: cr.expand_dims(X, [0, -1]), lambda: np.expand_dims(X, (0, -1))),
        (lambda: cr.round(100 * X, 1), lambda: np.round(100 * X, 1)),
        (lambda: cr.round(100 * X, -1), lambda: np.round(100 * X, -1)),
        (lambda: cr.matrix_norm(X), lambda: np.linalg.matrix_norm(X)),
        (lambda: cr.matrix_norm(X, ord=-1), lambda: np.linalg.matrix_norm(X, ord=-1)),
        (
            lambda: cr.matrix_norm(X, ord=np.inf, keepdims=True),
            lambda: np.linalg.matrix_norm(X, ord=np.inf, keepdims=True),
        ),
        *(
            (
                lambda mode=mode: cr.pad(X, ((1, 2), (0, 5), (9, 3)), mode),
                lambda mode=mode: np.pad(X, ((1, 2), (0, 5), (9, 3)), mode),
            )
            for mode in ("constant", "edge", "reflect", "symmetric", "wrap")
        ),
        (lambda: cr.eye(2, 4, -1).data, lambda: np.eye(2, 4, -1)),
        (lambda: cr.linspace(1, 2, 5, endpoint=False).data, lambda: np.linspace(1, 2, 5, endpoint=False)),
    ],
)
def test_numpy_agrees(ours: Any, numpy: Any) -> None:
    np.testing.assert_allclose(ours(), numpy(), rtol=1e-12, atol=1e-13)


EINSUMS = [
    "ii",
    "ii->i",
    "ij,jk",
    "ij,jk->ki",
    "ij,kj->ik",
    "i...,j...->...",
    "...ij,...j",
    "ij,jk,kl",
    "ij,ij,ij->j",
]


@pytest.mark.parametrize("subscripts", EINSUMS)
def test_einsum_agrees_with_numpy(subscripts: str) -> None:
    operands = [M, M.T + 1, M @ M][: subscripts.count(",") + 1]
    np.testing.assert_allclose(cr.einsum(subscripts, *operands), np.einsum(subscripts, *operands), rtol=1e-13)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: cr.einsum("ij,jk", TWO, np.ones((3, 2))), ShapeError, "'j' in 'ij,jk' has length 2 .* 3"),
        (lambda: cr.einsum("ij", np.ones(2)), ShapeError, r"does not fit shape \(2,\)"),
        (lambda: cr.einsum("ij,jk", TWO), ValueError, "names 2 operands, got 1"),
        (lambda: cr.einsum("i.j", TWO), ValueError, "cannot read"),
        (lambda: cr.einsum("ij->ii", TWO), ValueError, "each once"),
        (lambda: cr.einsum("ij->k", TWO), ValueError, "axes of the operands"),
        (lambda: cr.einsum(TWO, "ij"), ValueError, "subscripts come first"),
        (lambda: cr.inv(np.ones((2, 3))), ShapeError, "no square matrices"),
        (lambda: cr.inv(Tensor(TWO)), np.linalg.LinAlgError, "inv: .* no inverse .* pinv"),
        (lambda: cr.solve(Tensor(TWO), np.ones((2, 3))), np.linalg.LinAlgError, "solve: .* no inverse"),
        (lambda: cr.solve(TWO, np.ones(3)), ShapeError, "b must have 2 rows"),
        (lambda: cr.cholesky(Tensor(-TWO)), np.linalg.LinAlgError, "not positive definite"),
        (lambda: cr.cross(np.ones(2), np.ones(2)), ShapeError, "length 3"),
        (lambda: cr.tensordot(TWO, np.ones((3, 2)), 1), ShapeError, "differ on axes"),
        (lambda: cr.diag(X), ShapeError, "neither a vector nor a matrix"),
        (lambda: cr.diagonal(np.ones(3)), ShapeError, "needs two axes"),
        (lambda: cr.tril(np.ones(3)), ShapeError, "needs two axes"),
        (lambda: cr.roll(TWO, (1, 2, 3), (0, 1)), ShapeError, "3 shifts for 2 axes"),
        (lambda: cr.rot90(TWO, 1, (0, 0)), ShapeError, "two different axes"),
        (lambda: cr.repeat(TWO, [1, 2, 3], 0), ShapeError, "do not fit axis 0"),
        (lambda: cr.moveaxis(TWO, (0, 1), 0), ShapeError, "equally many different axes"),
        (lambda: cr.pad(TWO, ((1, 2), (3, 4), (5, 6))), ShapeError, "a pair for each axis"),
        (lambda: cr.pad(TWO, -1), ShapeError, "negative"),
        (lambda: cr.take(TWO, [0.0], 0), TypeError, "take: indices must be integers, got float64"),
        (lambda: cr.take(TWO, [2], 0), IndexError, "out of bounds"),
        (lambda: cr.take_along_axis(TWO, [0], 0), ShapeError, "as many axes"),
        (lambda: cr.gather(TWO, np.zeros((1, 3), int), 0), ShapeError, "do not fit x"),
        (lambda: cr.embedding(TWO, [0, 2]), IndexError, "label 2 at row 1"),
        (lambda: cr.diff(TWO, -1), ValueError, "n counts how often to take differences, got -1"),
        (lambda: cr.diff(TWO, prepend=np.ones((3, 1))), ShapeError, "concatenate: shapes"),
        (lambda: cr.pad(TWO, 1, 7.0), ValueError, "mode must be one of constant, .* value=1.0"),  # type: ignore[call-overload]
        (lambda: cr.pad(TWO[:0], 1, "edge"), ShapeError, r"axis 0 of shape \(0, 2\) is empty"),
        (lambda: cr.transpose(X, 0, 1), ShapeError, r"to exchange two of them write swapaxes\(0, 1\)"),
        (lambda: cr.matrix_norm(TWO, ord=2), ValueError, "must be 'fro', 1, -1, inf or -inf, got 2"),
        (lambda: cr.matrix_norm(np.ones(3)), ShapeError, r"the length of vectors is norm\(x\)"),
        (lambda: cr.median(np.ones((0, 2)), 0), ShapeError, "no median of nothing"),
        (lambda: cr.norm(TWO, ord=0), ValueError, "ord must be a number other than 0"),
        (lambda: cr.norm(TWO, ord="fro"), ValueError, "got 'fro'; norms of matrices are in matrix_norm"),  # type: ignore[call-overload]
        (lambda: cr.conv1d(X, TWO), ShapeError, r"must be \(N, C, length\)"),
        (
            lambda: cr.conv1d(X, np.ones((1, 3, 5))),
            ShapeError,
            r"window of size \(5,\) does not fit into \(4,\)",
        ),
        (lambda: cr.conv1d(X, np.ones((1, 3, 2)), np.ones(2)), ShapeError, "bias has shape"),
        (lambda: cr.conv1d(X, np.ones((1, 3, 2)), stride=0), ValueError, "stride must be 1 numbers ≥ 1"),
        (lambda: cr.max_pool2d(np.ones(3), 2), ShapeError, "fewer than 2 axes"),
        (lambda: cr.batch_norm(np.ones(3)), ShapeError, "no channels"),
        (lambda: cr.batch_norm(TWO, mean=np.zeros(2)), ValueError, "both mean and var"),
        (lambda: cr.batch_norm(TWO, np.zeros(3)), ShapeError, "weight has shape"),
        (lambda: cr.glu(np.ones(3)), ShapeError, "no 2 equal parts"),
    ],
)
def test_what_does_not_fit_is_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_the_derivative_of_a_running_product_with_zeros_is_exact() -> None:
    x = Tensor([2.0, 0.0, 3.0, 0.0, 5.0])
    cr.cumprod(x, 0).sum().backward()
    # 2, 2b, 2bc, 2bcd, 2bcde at b = d = 0: by b it is 2 + 2c = 8, by all others but the first 0.
    np.testing.assert_array_equal(x.grad, [1.0, 8.0, 0.0, 0.0, 0.0])


def test_logcumsumexp_where_nothing_has_been_added() -> None:
    x = Tensor([-np.inf, 0.0, 1000.0])
    cr.logcumsumexp(x, 0).sum().backward()
    np.testing.assert_array_equal(x.grad, [0.0, 1.0, 1.0])


def test_sinc_at_zero() -> None:
    second = cr.grad(cr.grad(cr.sinc))
    assert second(0.0) == pytest.approx(-(np.pi**2) / 3, rel=1e-15)
    assert second(1e-4) == pytest.approx(-(np.pi**2) / 3, rel=1e-6)


def test_a_zero_cotangent_still_has_a_derivative() -> None:
    """Of w ln x, the derivative by x and then by w is 1/x, also where w = 0."""
    assert cr.grad(lambda w: cr.grad(lambda x: w * cr.log(x))(2.0))(0.0) == 0.5


def test_powers_whose_exponent_varies_through_zero() -> None:
    """∂²/∂x∂y of x^y at y = 0 is 1/x."""
    mixed = cr.grad(lambda y: cr.grad(lambda x: x**y)(4.0))
    assert mixed(0.0) == 0.25


def test_fmax_prefers_numbers() -> None:
    x, y = Tensor([np.nan, 1.0, 2.0]), Tensor([5.0, np.nan, 2.0])
    z = cr.fmax(x, y)
    z.sum().backward()
    assert z.data.tolist() == [5.0, 1.0, 2.0]
    assert (x.grad.tolist(), y.grad.tolist()) == ([0.0, 1.0, 0.5], [1.0, 0.0, 0.5])


def test_an_index_that_the_caller_changes_later() -> None:
    x, index = Tensor([1.0, 2.0, 3.0]), np.array([0, 1])
    y = cr.take(x, index, 0).sum()
    index[:] = 2
    y.backward()
    assert x.grad.tolist() == [1.0, 1.0, 0.0]
