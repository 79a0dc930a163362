"""Layers over sequences and images: convolution and pooling."""

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.autograd import ops
from chainrule.nn import init as inits
from chainrule.nn.data.check import as_count
from chainrule.nn.layers import dtype_argument
from chainrule.nn.module import Module
from chainrule.nn.parameter import Parameter, as_input

Sizes = int | tuple[int, ...] | list[int]


class Conv2d(Module):
    """Slide small kernels over images; each output channel tells where its kernel fits.

    Args:
        in_channels: channels of x.
        out_channels: number of kernels.
        kernel_size: rows and columns of a kernel: one number for a square, or a pair.
        stride: distance between windows, or a pair.
        padding: zeros added on every side, or a pair; ``kernel_size // 2`` keeps the size (odd kernels, stride 1).
        bias: whether a number is added to each output channel.
        init: how the weights begin: a name or function of `nn.init`; the bias begins at 0.
        generator: what to draw from; None means the one that `chainrule.seed` seeds.
        dtype: a float dtype.

    Attributes:
        weight: of shape (out_channels, in_channels, rows, columns), as in PyTorch.
        bias: of shape (out_channels,), or None.

    Raises:
        ShapeError: x has other channels, or is smaller than a kernel (when called).
        ValueError: a size out of range.

    Example:
        >>> nn.Conv2d(3, 16, kernel_size=3, padding=1)(np.zeros((5, 3, 8, 8))).shape
        (5, 16, 8, 8)
    """

    axes = 2

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        bias: bool = True,
        init: str | inits.Init = "he_normal",
        generator: inits.Generator = None,
        dtype: Any = np.float32,
    ) -> None:
        where = type(self).__name__
        channels = as_count(where, out_channels, "out_channels"), as_count(where, in_channels, "in_channels")
        kernel = sizes(where, "kernel_size", kernel_size, self.axes)
        self.stride = sizes(where, "stride", stride, self.axes)
        self.padding = sizes(where, "padding", padding, self.axes, least=0)
        self.weight = Parameter.drawn((*channels, *kernel), init, generator, dtype)
        self.bias = Parameter.drawn(channels[:1], inits.zeros, None, dtype) if bias else None

    def forward(self, x: Any) -> Any:
        """Map (rows, in_channels, height, width) to (rows, out_channels, height, width)."""
        return ops.conv2d(as_input(x, self.weight), self.weight, self.bias, self.stride, self.padding)

    def arguments(self) -> dict[str, Any]:
        """Return the sizes, and what is not the default."""
        n_out, n_in, *kernel = self.weight.shape
        given = {"in_channels": n_in, "out_channels": n_out, "kernel_size": _shortest(tuple(kernel))}
        special = {"stride": _shortest(self.stride), "padding": _shortest(self.padding)}
        defaults = {"stride": 1, "padding": 0}
        given |= {name: value for name, value in special.items() if value != defaults[name]}
        return given | ({} if self.bias is not None else {"bias": False}) | dtype_argument(self.weight)


class Conv1d(Conv2d):
    """Slide small kernels along sequences: x of shape (rows, in_channels, length); arguments as `Conv2d`.

    Attributes:
        weight: of shape (out_channels, in_channels, kernel_size).

    Example:
        >>> nn.Conv1d(4, 8, kernel_size=3, stride=2)(np.zeros((5, 4, 9))).shape
        (5, 8, 4)
    """

    axes = 1

    def forward(self, x: Any) -> Any:
        """Map (rows, in_channels, length) to (rows, out_channels, positions)."""
        return ops.conv1d(as_input(x, self.weight), self.weight, self.bias, self.stride[0], self.padding[0])


class MaxPool2d(Module):
    """The largest number of each window; numbers that tie share the gradient.

    Args:
        kernel_size: rows and columns of a window: one number for a square, or a pair.
        stride: distance between windows, or a pair; None means `kernel_size`, so that they lie side by side.
        padding: how far windows reach over the border, or a pair; at most half a window.

    Raises:
        ShapeError: x is smaller than a window (when called).
        ValueError: a size out of range.

    Example:
        >>> nn.MaxPool2d(2)(np.arange(16.0).reshape(1, 1, 4, 4))
        array([[[[ 5.,  7.],
                 [13., 15.]]]])
    """

    axes = 2
    function: Callable[..., Any] = staticmethod(ops.max_pool2d)

    def __init__(self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0) -> None:
        where = type(self).__name__
        self.kernel_size = sizes(where, "kernel_size", kernel_size, self.axes)
        self.stride = self.kernel_size if stride is None else sizes(where, "stride", stride, self.axes)
        self.padding = sizes(where, "padding", padding, self.axes, least=0)
        if any(2 * side > size for side, size in zip(self.padding, self.kernel_size, strict=True)):
            raise ValueError(
                f"{where}: padding {padding} is more than half of kernel_size {kernel_size}, so that some windows "
                "would hold nothing but padding"
            )

    def forward(self, x: Any) -> Any:
        """Map (..., height, width) to (..., positions, positions)."""
        return self.function(x, self.kernel_size, self.stride, self.padding)

    def arguments(self) -> dict[str, Any]:
        """Return the sizes, and what is not the default."""
        given = {"kernel_size": _shortest(self.kernel_size)}
        if self.stride != self.kernel_size:
            given["stride"] = _shortest(self.stride)
        return given | ({"padding": _shortest(self.padding)} if any(self.padding) else {})


class MaxPool1d(MaxPool2d):
    """The largest number of each window along the last axis; arguments as `MaxPool2d`.

    Example:
        >>> nn.MaxPool1d(2)(np.array([[[1.0, 3.0, 2.0, 4.0]]]))
        array([[[3., 4.]]])
    """

    axes = 1
    function = staticmethod(ops.max_pool1d)


class AvgPool2d(MaxPool2d):
    """The mean of each window, padded zeros included; arguments as `MaxPool2d`.

    Example:
        >>> nn.AvgPool2d(2)(np.arange(16.0).reshape(1, 1, 4, 4))
        array([[[[ 2.5,  4.5],
                 [10.5, 12.5]]]])
    """

    function = staticmethod(ops.avg_pool2d)


class AvgPool1d(MaxPool2d):
    """The mean of each window along the last axis, padded zeros included; arguments as `MaxPool2d`.

    Example:
        >>> nn.AvgPool1d(2)(np.array([[[1.0, 3.0, 2.0, 4.0]]]))
        array([[[2., 3.]]])
    """

    axes = 1
    function = staticmethod(ops.avg_pool1d)


def sizes(where: str, name: str, value: Any, axes: int, least: int = 1) -> tuple[int, ...]:
    """Return one whole number for each axis.

    Args:
        where: the caller, for messages.
        name: what it calls the value.
        value: one number for all axes, or a sequence of one for each.
        axes: how many there are.
        least: the smallest that is allowed.

    Raises:
        TypeError: no whole numbers.
        ValueError: too small, or not as many as there are axes.

    Example:
        >>> sizes("Conv2d", "stride", 2, 2)
        (2, 2)
    """
    given = tuple(value) if isinstance(value, tuple | list) else (value,) * axes
    if len(given) != axes:
        raise ValueError(f"{where}: {name} must be one number, or {axes}, got {value!r}")
    return tuple(as_count(where, number, name, least) for number in given)


def _shortest(numbers: tuple[int, ...]) -> int | list[int]:
    """Return one number where it stands for all, as it would be written; else a list, as JSON has it."""
    return numbers[0] if len(set(numbers)) == 1 else list(numbers)
