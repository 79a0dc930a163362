"""Products of several operands, and solutions of linear systems."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def einsum(operands: Sequence[Array], subscripts: str) -> Any:
    return np.einsum(subscripts, *operands, optimize=len(operands) > 1)


contract = (
    einsum  # the name under which rules call it: in the recording table `einsum` takes the subscripts first
)


def inv(x: Array) -> Array:
    try:
        return np.linalg.inv(x)
    except np.linalg.LinAlgError as error:
        raise _singular("inv", x, error) from None


def solve(a: Array, b: Array) -> Array:
    try:
        return np.linalg.solve(a, b)
    except np.linalg.LinAlgError as error:
        raise _singular("solve", a, error) from None


def cholesky(x: Array) -> Array:
    try:
        return np.linalg.cholesky(x)
    except np.linalg.LinAlgError as error:
        raise np.linalg.LinAlgError(
            f"cholesky: a matrix of shape {x.shape} is not positive definite ({error}); "
            "add a small multiple of the identity if it should be"
        ) from None


def pinv(x: Array) -> Array:
    return np.linalg.pinv(x)


def det(x: Array) -> Any:
    return np.linalg.det(x)


def det_sign(x: Array) -> Any:
    return np.linalg.slogdet(x).sign


def logabsdet(x: Array) -> Any:
    with np.errstate(all="ignore"):
        return np.linalg.slogdet(x).logabsdet


def _singular(name: str, x: Array, error: Exception) -> np.linalg.LinAlgError:
    return np.linalg.LinAlgError(
        f"{name}: a matrix of shape {x.shape} has no inverse ({error}); its rows are linearly dependent. "
        "pinv(x) gives the pseudo-inverse"
    )
