"""Inverses, determinants and factors of matrices; all take stacks of them."""

import math
from typing import Any, NamedTuple

import numpy as np

from chainrule.autograd.errors import ShapeError
from chainrule.autograd.node import apply, data_of
from chainrule.autograd.op import Op
from chainrule.autograd.ops.choice import abs, where
from chainrule.autograd.ops.define import Operand
from chainrule.autograd.ops.elementwise import add, mul
from chainrule.autograd.ops.products import matmul
from chainrule.autograd.ops.reduce import max, min, norm, sum
from chainrule.autograd.ops.shape import expand_dims, ndim, shape, squeeze, swapaxes


def _t(xp: Any, x: Any) -> Any:
    """Return xᵀ of each matrix."""
    return xp.swapaxes(x, -1, -2)


def _spread(xp: Any, g: Any) -> Any:
    """Return one number for each matrix as a stack of 1 × 1 matrices."""
    return xp.expand_dims(g, (-2, -1))


def _cholesky_rule(xp: Any, g: Any, out: Any, x: Any) -> Any:
    """L⁻ᵀ Φ(Lᵀ g) L⁻¹ with Φ the lower triangle, its diagonal halved (Murray 2016, equation 10)."""
    n = xp.shape(out)[-1]
    halved = np.tril(np.ones((n, n))) - 0.5 * np.eye(n)
    middle = xp.matmul(_t(xp, out), xp.tril(g, 0)) * halved
    return _t(xp, xp.solve(_t(xp, out), _t(xp, xp.solve(_t(xp, out), middle))))


def _pinv_rule(xp: Any, g: Any, p: Any, x: Any) -> Any:
    """Golub & Pereyra 1973, equation 4.12, transposed: for matrices whose rank does not change."""
    turned = _t(xp, p)
    outside = _t(xp, g) - xp.matmul(x, xp.matmul(p, _t(xp, g)))
    inside = _t(xp, g) - xp.matmul(_t(xp, g), xp.matmul(p, x))
    return (
        xp.matmul(outside, xp.matmul(p, turned))
        + xp.matmul(xp.matmul(turned, p), inside)
        - xp.matmul(turned, xp.matmul(g, turned))
    )


_INV = Op("inv", "general", lambda xp, g, out, x: -xp.matmul(_t(xp, out), xp.matmul(g, _t(xp, out))))
_SOLVE = Op(
    "solve",
    "general",
    lambda xp, g, out, a, b: -xp.matmul(xp.solve(_t(xp, a), g), _t(xp, out)),
    lambda xp, g, out, a, b: xp.solve(_t(xp, a), g),
)
_DET = Op("det", "general", lambda xp, g, out, x: _spread(xp, g * out) * _t(xp, xp.inv(x)))
_DET_SIGN = Op("det_sign", "constant")
_LOGABSDET = Op("logabsdet", "general", lambda xp, g, out, x: _spread(xp, g) * _t(xp, xp.inv(x)))
_CHOLESKY = Op("cholesky", "general", _cholesky_rule)
_PINV = Op("pinv", "general", _pinv_rule)


class SlogdetResult(NamedTuple):
    """Sign and logarithm of a determinant."""

    sign: Any
    logabsdet: Any


def _square(name: str, x: Operand) -> Operand:
    dims = shape(x)
    if len(dims) < 2 or dims[-1] != dims[-2]:
        raise ShapeError(
            f"{name}: shape {dims} has no square matrices; the last two axes must be equally long"
        )
    return _wide(name, x)


def _wide(name: str, x: Operand) -> Operand:
    if np.asarray(data_of(x)).dtype == np.float16:
        raise TypeError(f"{name}: NumPy has no linear algebra of float16; write x.astype('float32')")
    return x


def inv(x: Operand) -> Any:
    """The inverse matrix.

    Args:
        x: shape (..., n, n).

    Returns:
        A Tensor of the same shape.

    Raises:
        LinAlgError: a matrix has no inverse.
        ShapeError: the matrices are not square.

    Example:
        >>> inv(Tensor([[2.0, 0.0], [0.0, 4.0]])).numpy()
        array([[0.5 , 0.  ],
               [0.  , 0.25]])
    """
    return apply(_INV, _square("inv", x))


def pinv(x: Operand) -> Any:
    """The pseudo-inverse of Moore and Penrose; ``pinv(a) @ b`` solves a @ x = b by least squares.

    Its derivative holds where the rank stays the same around x.

    Args:
        x: shape (..., n, m).

    Returns:
        A Tensor of shape (..., m, n).

    Raises:
        ShapeError: x has fewer than two axes.

    Example:
        >>> pinv(Tensor([[2.0], [0.0]])).numpy()
        array([[0.5, 0. ]])
    """
    if ndim(x) < 2:
        raise ShapeError(f"pinv: shape {shape(x)} has no matrices; it needs two axes or more")
    return apply(_PINV, _wide("pinv", x))


def solve(a: Operand, b: Operand) -> Any:
    """Solve a @ x = b for x, more accurately and faster than with the inverse.

    Args:
        a: shape (..., n, n).
        b: shape (n,), or (..., n, k).

    Returns:
        A Tensor of shape (..., n) if b is a vector, else (..., n, k).

    Raises:
        LinAlgError: a matrix has no inverse.
        ShapeError: the shapes do not fit.

    Example:
        >>> solve(Tensor([[2.0, 0.0], [0.0, 4.0]]), Tensor([2.0, 2.0])).numpy()
        array([1. , 0.5])
    """
    n, dims = shape(_square("solve", a))[-1], shape(b)
    if not dims or dims[-2 if len(dims) > 1 else 0] != n:
        raise ShapeError(f"solve: a of shape {shape(a)} and b of shape {dims}: b must have {n} rows")
    if len(dims) == 1:
        return squeeze(apply(_SOLVE, a, expand_dims(b, 1)), -1)
    return apply(_SOLVE, a, b)


def det(x: Operand) -> Any:
    """The determinant. Its gradient is computed with the inverse, so it needs a matrix that has one.

    Args:
        x: shape (..., n, n).

    Returns:
        A Tensor of shape (...).

    Raises:
        ShapeError: the matrices are not square.

    Example:
        >>> round(det(Tensor([[1.0, 2.0], [3.0, 4.0]])).item(), 4)
        -2.0
    """
    return apply(_DET, _square("det", x))


def slogdet(x: Operand) -> SlogdetResult:
    """The sign of the determinant and the logarithm of its size, which neither overflows nor vanishes.

    Args:
        x: shape (..., n, n).

    Returns:
        A pair of Tensors of shape (...): `sign`, a constant, and `logabsdet`.

    Raises:
        ShapeError: the matrices are not square.

    Example:
        >>> sign, log = slogdet(Tensor([[1.0, 2.0], [3.0, 4.0]]))
        >>> sign.item(), round(log.item(), 4)
        (-1.0, 0.6931)
    """
    _square("slogdet", x)
    return SlogdetResult(apply(_DET_SIGN, x), apply(_LOGABSDET, x))


def cholesky(x: Operand) -> Any:
    """The lower triangular L with L Lᵀ = x, for symmetric positive definite x.

    Only the symmetric part (x + xᵀ) / 2 counts, so that the gradient is symmetric.

    Args:
        x: shape (..., n, n).

    Returns:
        A Tensor of the same shape.

    Raises:
        LinAlgError: a matrix is not positive definite.
        ShapeError: the matrices are not square.

    Example:
        >>> cholesky(Tensor([[4.0, 2.0], [2.0, 10.0]])).numpy()
        array([[2., 0.],
               [1., 3.]])
    """
    _square("cholesky", x)
    return apply(_CHOLESKY, mul(add(x, swapaxes(x, -1, -2)), 0.5))


def matrix_norm(x: Operand, *, ord: float | str = "fro", keepdims: bool = False) -> Any:
    """The norm of matrices, over the last two axes; NumPy's `matrix_norm`.

    Args:
        x: shape (..., n, m).
        ord: ``"fro"`` is the root of the sum of squares, 1 the largest sum of absolute values of a column, inf that of
            a row; -1 and -inf the smallest. The others of NumPy need singular values, which have no derivative here.
        keepdims: keep the two axes with length 1.

    Returns:
        A Tensor of shape (...).

    Raises:
        ShapeError: x has fewer than two axes.
        ValueError: there is no such `ord`.

    Example:
        >>> x = Tensor([[1.0, -2.0], [2.0, 4.0]])
        >>> matrix_norm(x).item(), matrix_norm(x, ord=1).item()
        (5.0, 6.0)
    """
    if ndim(x) < 2:
        raise ShapeError(f"matrix_norm: shape {shape(x)} has no matrices; the length of vectors is norm(x)")
    if ord == "fro":
        return norm(x, axis=(-2, -1), keepdims=keepdims)
    if ord not in (1, -1, math.inf, -math.inf):
        raise ValueError(f"matrix_norm: ord must be 'fro', 1, -1, inf or -inf, got {ord!r}")
    sums = sum(abs(x), -2 if abs(ord) == 1 else -1, keepdims=True)
    found = (max if ord > 0 else min)(sums, (-2, -1), keepdims=True)
    return found if keepdims else squeeze(found, (-2, -1))


def matrix_power(x: Operand, n: int) -> Any:
    """The product of n copies of a matrix, in about log₂ n products; a negative n takes the inverse.

    Args:
        x: shape (..., k, k).
        n: an integer.

    Returns:
        A Tensor of the same shape.

    Raises:
        LinAlgError: n is negative and a matrix has no inverse.
        ShapeError: the matrices are not square.

    Example:
        >>> matrix_power(Tensor([[1.0, 1.0], [0.0, 1.0]]), 5).numpy()
        array([[1., 5.],
               [0., 1.]])
    """
    square = _square("matrix_power", x)
    if n < 0:
        square, n = inv(square), -n
    result = where(False, x, np.eye(shape(x)[-1], dtype=np.asarray(data_of(x)).dtype))
    while n:
        if n & 1:
            result = matmul(result, square)
        n >>= 1
        if n:
            square = matmul(square, square)
    return result
