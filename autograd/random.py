"""One source of randomness for everything: initial weights, shuffles, dropout."""

from typing import Any

import numpy as np

from chainrule.autograd import ops
from chainrule.autograd.construct import allocate
from chainrule.autograd.node import data_of
from chainrule.autograd.tensor import Tensor

_source: dict[str, "np.random.Generator"] = {}


def seed(n: int) -> None:
    """Start all random numbers of the package anew, so that a run can be repeated bit for bit.

    Args:
        n: any non-negative integer.

    Example:
        >>> seed(0)
        >>> first = rand(2).numpy()
        >>> seed(0)
        >>> bool((rand(2).numpy() == first).all())
        True
    """
    _source["generator"] = np.random.Generator(np.random.Philox(n))


def generator() -> "np.random.Generator":
    """Return the generator that everything draws from (Philox, counter-based).

    It is made when first needed, since `numpy.random` takes a quarter as long to import as NumPy itself.
    """
    if not _source:
        _source["generator"] = np.random.Generator(np.random.Philox())
    return _source["generator"]


def rand(
    *shape: int | tuple[int, ...], dtype: Any = np.float64, requires_grad: bool | None = None, label: str = ""
) -> Tensor:
    """Uniform random numbers in [0, 1).

    Args:
        shape: length of each axis, as numbers or one tuple.
        dtype: a float dtype.
        requires_grad: as for `Tensor`.
        label: as for `Tensor`.

    Example:
        >>> rand(2, 3).shape
        (2, 3)
    """
    return Tensor(allocate("rand", generator().random, _lengths(shape)), dtype, requires_grad, label)


def _lengths(shape: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape


def randn(
    *shape: int | tuple[int, ...], dtype: Any = np.float64, requires_grad: bool | None = None, label: str = ""
) -> Tensor:
    """Random numbers of the standard normal distribution; arguments as `rand`.

    Example:
        >>> randn(2, 3).shape
        (2, 3)
    """
    return Tensor(
        allocate("randn", generator().standard_normal, _lengths(shape)), dtype, requires_grad, label
    )


def rand_like(x: Any, dtype: Any = None, requires_grad: bool | None = None, label: str = "") -> Tensor:
    """Uniform random numbers in [0, 1), in the shape of x.

    Args:
        x: a Tensor or array of floats.
        dtype: a float dtype; None means that of x.
        requires_grad: as for `Tensor`.
        label: as for `Tensor`.

    Example:
        >>> rand_like(Tensor([1.0, 2.0])).shape
        (2,)
    """
    like = np.asarray(x)
    return rand(
        *like.shape, dtype=like.dtype if dtype is None else dtype, requires_grad=requires_grad, label=label
    )


def randn_like(x: Any, dtype: Any = None, requires_grad: bool | None = None, label: str = "") -> Tensor:
    """Standard normal random numbers, in the shape of x; arguments as `rand_like`.

    Example:
        >>> randn_like(Tensor([1.0, 2.0])).shape
        (2,)
    """
    like = np.asarray(x)
    return randn(
        *like.shape, dtype=like.dtype if dtype is None else dtype, requires_grad=requires_grad, label=label
    )


def dropout(x: Any, p: float = 0.5, training: bool = True) -> Any:
    """Set elements to zero at random and scale the others up, so that the mean stays (Srivastava et al. 2014).

    Args:
        x: a Tensor of any shape, or a Value.
        p: the probability of becoming zero, from 0 up to but without 1.
        training: False returns x itself.

    Returns:
        A Tensor of the same shape, the product of x and a constant mask.

    Raises:
        ValueError: p is no such probability.

    Example:
        >>> seed(0)
        >>> sorted(set(dropout(Tensor(np.ones(100)), p=0.75).numpy().tolist()))
        [0.0, 4.0]
    """
    if not 0 <= p < 1:
        raise ValueError(f"dropout: p must be a probability from 0 up to but without 1, got {p}")
    if not training or p == 0:
        return x
    array = np.asarray(data_of(x))
    kept = generator().random(array.shape) >= p
    return ops.mul(x, np.asarray(kept / (1 - p), array.dtype))
