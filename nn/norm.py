"""Layers that keep the numbers inside a network at mean 0 and variance 1."""

import math
from typing import Any

import numpy as np

from chainrule.autograd import ops
from chainrule.autograd.errors import ShapeError
from chainrule.autograd.mode import no_grad
from chainrule.nn import init as inits
from chainrule.nn.conv import Sizes, sizes
from chainrule.nn.data.check import as_amount, as_count
from chainrule.nn.layers import dtype_argument
from chainrule.nn.module import Module
from chainrule.nn.parameter import Buffer, Parameter, as_input


class _BatchNorm(Module):
    """Both kinds of batch norm, which differ in the shapes they take."""

    axes: tuple[int, ...]
    form: str

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        dtype: Any = np.float32,
    ) -> None:
        where, shape = type(self).__name__, (as_count(type(self).__name__, num_features, "num_features"),)
        self.eps = as_amount(where, eps, "eps")
        if momentum is not None and not 0 <= momentum <= 1:
            raise ValueError(f"{where}: momentum must lie between 0 and 1, or be None, got {momentum!r}")
        self.momentum = momentum if momentum is None else float(momentum)
        self.weight = Parameter.drawn(shape, inits.constant, None, dtype) if affine else None
        self.bias = Parameter.drawn(shape, inits.zeros, None, dtype) if affine else None
        self.running_mean = Buffer.filled(shape, lambda: np.zeros(shape, dtype), dtype)
        self.running_var = Buffer.filled(shape, lambda: np.ones(shape, dtype), dtype)
        self.num_batches_tracked = Buffer.filled((), lambda: np.zeros((), np.int64), np.int64)

    def forward(self, x: Any) -> Any:
        """Standardize each channel of (rows, channels, ...), then scale and shift it."""
        x = as_input(x, self.running_mean)
        dims, where = ops.shape(x), type(self).__name__
        if len(dims) not in self.axes or dims[1] != self.running_mean.size:
            raise ShapeError(
                f"{where}: x of shape {dims} must have shape {self.form} with C = {self.running_mean.size} channels"
            )
        if not self.training:
            statistics = self.running_mean, self.running_var
            return ops.batch_norm(x, self.weight, self.bias, *statistics, eps=self.eps)
        if dims[0] * math.prod(dims[2:]) < 2:
            raise ShapeError(
                f"{where}: x of shape {dims} has one number per channel, which has no variance; train on batches "
                "of at least 2 rows (choose batch_size so that none is left over alone), or call model.eval()"
            )
        with no_grad():
            self._track(x, (0, *range(2, len(dims))))
        return ops.batch_norm(x, self.weight, self.bias, eps=self.eps)

    def _track(self, x: Any, over: tuple[int, ...]) -> None:
        """Move the running statistics towards those of the batch; the variance is that of all rows it stands for."""
        count = self.num_batches_tracked + 1
        share = self.momentum if self.momentum is not None else 1 / ops.astype(count, self.running_mean.dtype)
        now = ops.mean(x, over), ops.var(x, over, ddof=1)
        for running, batch in zip((self.running_mean, self.running_var), now, strict=True):
            running.update(running + share * (batch - running))
        self.num_batches_tracked.update(count)

    def arguments(self) -> dict[str, Any]:
        """Return the number of channels, and what is not the default."""
        special = {"eps": self.eps, "momentum": self.momentum, "affine": self.weight is not None}
        defaults = {"eps": 1e-5, "momentum": 0.1, "affine": True}
        changed = {name: value for name, value in special.items() if value != defaults[name]}
        return {"num_features": self.running_mean.size, **changed, **dtype_argument(self.running_mean)}


class BatchNorm1d(_BatchNorm):
    """Standardize each feature over the batch, then scale and shift it (Ioffe and Szegedy 2015).

    In training with the batch's own mean and variance, which also move the running ones; in use (`eval()`) with
    the running ones, so that a row's result does not depend on the others.

    Args:
        num_features: C, the length of the second axis of x: (rows, C) or (rows, C, length).
        eps: added to the variance.
        momentum: how far the running statistics move towards a batch's; None means the plain mean over all batches.
        affine: whether there are a scale and a shift to learn.
        dtype: a float dtype.

    Attributes:
        weight, bias: scale and shift, of shape (C,), or None.
        running_mean, running_var, num_batches_tracked: buffers, as in PyTorch; the variance has divisor n − 1.

    Raises:
        ShapeError: x has other channels, or in training a single number for each (when called).
        ValueError: a setting out of range.

    Example:
        >>> layer = nn.BatchNorm1d(2)
        >>> layer(np.array([[1.0, 5.0], [3.0, 9.0]])).numpy().round(3)
        array([[-1., -1.],
               [ 1.,  1.]], dtype=float32)
        >>> layer.running_mean.numpy()
        array([0.2, 0.7], dtype=float32)
    """

    axes = (2, 3)
    form = "(rows, C) or (rows, C, length)"


class BatchNorm2d(_BatchNorm):
    """Standardize each channel of images over the batch and all places; arguments as `BatchNorm1d`.

    Example:
        >>> nn.BatchNorm2d(3)(np.random.rand(4, 3, 8, 8)).shape
        (4, 3, 8, 8)
    """

    axes = (4,)
    form = "(rows, C, height, width)"


class LayerNorm(Module):
    """Standardize each row by itself over its last axes, then scale and shift each element (Ba et al. 2016).

    Args:
        normalized_shape: lengths of the last axes: a number for one, or a list.
        eps: added to the variance.
        elementwise_affine: whether there are a scale and a shift to learn.
        dtype: a float dtype.

    Attributes:
        weight, bias: scale and shift, of shape `normalized_shape`, or None.

    Raises:
        ShapeError: x ends in other lengths (when called).

    Example:
        >>> nn.LayerNorm(2)(np.array([[1.0, 3.0]])).numpy().round(3)
        array([[-1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        normalized_shape: Sizes,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        dtype: Any = np.float32,
    ) -> None:
        axes = len(normalized_shape) if isinstance(normalized_shape, tuple | list) else 1
        self.shape = sizes("LayerNorm", "normalized_shape", normalized_shape, max(axes, 1))
        self.eps = as_amount("LayerNorm", eps, "eps")
        self.weight = Parameter.drawn(self.shape, inits.constant, None, dtype) if elementwise_affine else None
        self.bias = Parameter.drawn(self.shape, inits.zeros, None, dtype) if elementwise_affine else None

    def forward(self, x: Any) -> Any:
        """Standardize (..., *normalized_shape)."""
        if self.weight is not None:
            x = as_input(x, self.weight)
        n = len(self.shape)
        if ops.shape(x)[-n:] != self.shape:
            raise ShapeError(f"LayerNorm: x of shape {ops.shape(x)} must end in {self.shape}")
        return ops.layer_norm(x, self.weight, self.bias, self.eps, tuple(range(-n, 0)))

    def arguments(self) -> dict[str, Any]:
        """Return the lengths, and what is not the default."""
        lengths = self.shape[0] if len(self.shape) == 1 else list(self.shape)
        special = {} if self.eps == 1e-5 else {"eps": self.eps}
        if self.weight is None:
            return {"normalized_shape": lengths, **special, "elementwise_affine": False}
        return {"normalized_shape": lengths, **special, **dtype_argument(self.weight)}
