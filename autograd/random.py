"""One source of randomness for everything: initial weights, shuffles, dropout."""

from typing import Any

import numpy as np

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


def rand(*shape: int, dtype: Any = np.float64, requires_grad: bool | None = None, label: str = "") -> Tensor:
    """Uniform random numbers in [0, 1).

    Args:
        shape: length of each axis.
        dtype: a float dtype.
        requires_grad: as for `Tensor`.
        label: as for `Tensor`.

    Example:
        >>> rand(2, 3).shape
        (2, 3)
    """
    return Tensor(generator().random(shape), dtype, requires_grad, label)


def randn(*shape: int, dtype: Any = np.float64, requires_grad: bool | None = None, label: str = "") -> Tensor:
    """Random numbers of the standard normal distribution; arguments as `rand`.

    Example:
        >>> randn(2, 3).shape
        (2, 3)
    """
    return Tensor(generator().standard_normal(shape), dtype, requires_grad, label)
