"""Normalisers: learn the statistics on the training rows, apply them to any rows."""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from chainrule.nn.data.check import Array, as_numbers


class _Normaliser:
    """What all normalisers share: the shape of a row, the checks, the dtype."""

    _row: tuple[int, ...] | None = None

    def fit(self, X: ArrayLike) -> Self:
        """Learn the statistics of the rows of `X`; returns itself."""
        rows = as_numbers(f"{self}.fit", X)
        self._learn(rows)
        self._row = rows.shape[1:]
        return self

    def transform(self, X: ArrayLike) -> Array:
        """The normalised rows, float64 if `X` is, else float32."""
        rows = self._rows("transform", X)
        return self._apply(rows).astype(_float_dtype(rows), copy=False)

    def fit_transform(self, X: ArrayLike) -> Array:
        """`fit(X)` and then `transform(X)`."""
        return self.fit(X).transform(X)

    def _rows(self, verb: str, X: ArrayLike) -> Array:
        where = f"{self}.{verb}"
        if self._row is None:
            raise RuntimeError(f"{where}: it has no statistics yet; call fit(X_train) first")
        rows = as_numbers(where, X)
        if rows.shape[1:] != self._row:
            raise ValueError(
                f"{where}: fitted on rows of shape {self._row}, got rows of shape {rows.shape[1:]}"
            )
        return rows

    def _learn(self, X: Array) -> None:
        raise NotImplementedError

    def _apply(self, X: Array) -> Array:
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class _Columns(_Normaliser):
    """z = (x - shift) / scale, column by column; constant columns get the scale 1."""

    shift: Array
    scale: Array

    def inverse_transform(self, X: ArrayLike) -> Array:
        """The rows as they were before `transform`, up to rounding."""
        rows = self._rows("inverse_transform", X)
        return (rows * self.scale + self.shift).astype(_float_dtype(rows), copy=False)

    def _apply(self, X: Array) -> Array:
        return (X - self.shift) / self.scale


class Standardize(_Columns):
    """Columns of mean 0 and standard deviation 1: z = (x - mean) / std.

    A constant column becomes 0. Statistics are taken over the rows in float64 (std with divisor n), for every
    entry of a row by itself, whatever its shape; they are kept as `shift` (mean) and `scale` (std).

    >>> scaler = Standardize().fit([[1.0, 7.0], [3.0, 7.0]])
    >>> scaler.transform([[1.0, 7.0], [5.0, 7.0]])
    array([[-1.,  0.],
           [ 3.,  0.]])
    >>> scaler.inverse_transform([[3.0, 0.0]])
    array([[5., 7.]])
    """

    def _learn(self, X: Array) -> None:
        low = X.min(axis=0).astype(np.float64)
        span = X.max(axis=0) - low
        # Rounding can give a constant column a tiny variance, and squares of large numbers overflow;
        # deviations measured in spans do neither.
        deviation = (X - low) / np.where(span == 0, 1.0, span)
        self.shift = low + span * deviation.mean(axis=0)
        scale = span * deviation.std(axis=0)
        self.scale = np.where(scale == 0, 1.0, scale)


class MinMax(_Columns):
    """Columns that run from 0 to 1 on the fitted rows: z = (x - min) / (max - min).

    A constant column becomes 0. Rows seen later may fall outside 0..1. `shift` is min, `scale` is max - min.

    >>> MinMax().fit_transform([[0.0, 7.0], [8.0, 7.0], [16.0, 7.0]])
    array([[0. , 0. ],
           [0.5, 0. ],
           [1. , 0. ]])
    """

    def _learn(self, X: Array) -> None:
        self.shift = X.min(axis=0).astype(np.float64)
        span = X.max(axis=0) - self.shift
        self.scale = np.where(span == 0, 1.0, span)


class L2(_Normaliser):
    """Rows of length 1: z = x / ||x||, as `x / np.linalg.norm(x, axis=1, keepdims=True)`.

    A row of zeros stays 0. Every row is scaled by its own length, so there are no statistics and no way back.

    >>> L2().fit_transform([[3.0, 4.0], [0.0, 0.0]])
    array([[0.6, 0.8],
           [0. , 0. ]])
    """

    def _learn(self, X: Array) -> None:
        if X.ndim < 2:
            raise ValueError(f"{self}.fit: X must be (rows, columns), got shape {X.shape}")

    def _apply(self, X: Array) -> Array:
        axes = tuple(range(1, X.ndim))
        # Dividing by the largest entry first keeps the squares from overflowing or vanishing.
        largest = np.abs(X, dtype=np.float64).max(axis=axes, keepdims=True)
        scaled = X / np.where(largest == 0, 1.0, largest)
        length = np.sqrt(np.square(scaled).sum(axis=axes, keepdims=True))
        return scaled / np.where(length == 0, 1.0, length)


def flatten_images(images: ArrayLike) -> Array:
    """Images as rows of numbers: (n, height, width, ...) becomes (n, height * width * ...), in C order.

    Args:
        images: one image per entry of the first axis. A single image needs that axis too: `image[None]`.

    Returns:
        A view where NumPy can make one; the dtype stays.

    Raises:
        ValueError: fewer than 2 axes.

    >>> flatten_images(np.zeros((5, 28, 28, 3))).shape
    (5, 2352)
    """
    array = as_numbers("flatten_images", images, "images", finite=False)
    if array.ndim < 2:
        raise ValueError(f"flatten_images: images must be (n, height, width, ...), got shape {array.shape}")
    return array.reshape(len(array), -1)


def _float_dtype(rows: Array) -> type[np.float64] | type[np.float32]:
    return np.float64 if rows.dtype == np.float64 else np.float32
