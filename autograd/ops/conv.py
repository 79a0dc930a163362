"""Convolution and pooling: sums and maxima over windows that slide along the last axes."""

from typing import Any

from chainrule.autograd.errors import ShapeError
from chainrule.autograd.node import apply
from chainrule.autograd.op import Op
from chainrule.autograd.ops.define import Operand
from chainrule.autograd.ops.elementwise import add
from chainrule.autograd.ops.join import pad
from chainrule.autograd.ops.reduce import max, mean
from chainrule.autograd.ops.shape import reshape, shape

Steps = int | tuple[int, ...]

# Σ x·w·g over all windows is linear in the image, the weight and the cotangent; each of these three ops is its
# derivative by one of them, so they are each other's rules, at every order.
_CONV = Op(
    "conv",
    "bilinear",
    lambda xp, g, out, x, w, stride, padding: xp.conv_input(g, w, xp.shape(x)[2:], stride, padding),
    lambda xp, g, out, x, w, stride, padding: xp.conv_weight(x, g, xp.shape(w)[2:], stride, padding),
)
_CONV_INPUT = Op(
    "conv_input",
    "bilinear",
    lambda xp, g, out, y, w, size, stride, padding: xp.conv(g, w, stride, padding),
    lambda xp, g, out, y, w, size, stride, padding: xp.conv_weight(g, y, xp.shape(w)[2:], stride, padding),
)
_CONV_WEIGHT = Op(
    "conv_weight",
    "bilinear",
    lambda xp, g, out, x, y, size, stride, padding: xp.conv_input(y, g, xp.shape(x)[2:], stride, padding),
    lambda xp, g, out, x, y, size, stride, padding: xp.conv(x, g, stride, padding),
)
_WINDOWS = Op("windows", "linear", lambda xp, g, out, x, size, stride: xp.overlap_add(g, xp.shape(x), stride))
_OVERLAP_ADD = Op(
    "overlap_add",
    "linear",
    lambda xp, g, out, x, shape, stride: xp.windows(g, xp.shape(x)[-len(stride) :], stride),
)


def conv(x: Operand, weight: Operand, stride: tuple[int, ...], padding: tuple[int, ...]) -> Any:
    """Correlate x (N, C, *lengths) with weight (O, C, *size): `conv1d` and `conv2d` without their checks."""
    return apply(_CONV, x, weight, stride=stride, padding=padding)


def conv_input(
    g: Operand, weight: Operand, size: tuple[int, ...], stride: tuple[int, ...], padding: tuple[int, ...]
) -> Any:
    """The transpose of `conv` in x, also called transposed convolution; `size` is that of the image."""
    return apply(_CONV_INPUT, g, weight, size=size, stride=stride, padding=padding)


def conv_weight(
    x: Operand, g: Operand, size: tuple[int, ...], stride: tuple[int, ...], padding: tuple[int, ...]
) -> Any:
    """The transpose of `conv` in its weight; `size` is that of the kernel."""
    return apply(_CONV_WEIGHT, x, g, size=size, stride=stride, padding=padding)


def windows(x: Operand, size: tuple[int, ...], stride: tuple[int, ...]) -> Any:
    """Return the windows of a size over the last axes, in shape (..., *positions, *size).

    Example:
        >>> windows(Tensor([1.0, 2.0, 3.0]), (2,), (1,)).numpy()
        array([[1., 2.],
               [2., 3.]])
    """
    return apply(_WINDOWS, x, size=size, stride=stride)


def overlap_add(g: Operand, shape: tuple[int, ...], stride: tuple[int, ...]) -> Any:
    """Add windows up where they lie, in zeros of `shape`: the transpose of `windows`."""
    return apply(_OVERLAP_ADD, g, shape=shape, stride=stride)


def conv1d(
    x: Operand, weight: Operand, bias: Operand | None = None, stride: int = 1, padding: int = 0
) -> Any:
    """Slide a kernel along one axis; as in other libraries, the kernel is not flipped.

    Args:
        x: shape (N, C, length): N sequences with C channels.
        weight: shape (O, C, size).
        bias: shape (O,), or None.
        stride: distance between windows.
        padding: zeros added at both ends.

    Returns:
        A Tensor of shape (N, O, positions), with positions = (length + 2·padding − size) // stride + 1.

    Raises:
        ShapeError: the shapes do not fit, or the kernel is larger than the padded sequence.

    Example:
        >>> conv1d(Tensor([[[1.0, 2.0, 4.0]]]), Tensor([[[-1.0, 1.0]]])).numpy()
        array([[[1., 2.]]])
    """
    return _convolve("conv1d", 1, x, weight, bias, stride, padding)


def conv2d(
    x: Operand, weight: Operand, bias: Operand | None = None, stride: Steps = 1, padding: Steps = 0
) -> Any:
    """Slide a kernel over images; as in other libraries, the kernel is not flipped.

    Args:
        x: shape (N, C, height, width): N images with C channels.
        weight: shape (O, C, rows, columns).
        bias: shape (O,), or None.
        stride: distance between windows, or one for each axis.
        padding: zeros added on every side, or one number for each axis.

    Returns:
        A Tensor of shape (N, O, positions, positions), as many as in `conv1d` on each axis.

    Raises:
        ShapeError: the shapes do not fit, or the kernel is larger than the padded image.

    Example:
        >>> conv2d(Tensor(np.ones((1, 1, 4, 4))), Tensor(np.ones((1, 1, 3, 3))), padding=1)[0, 0, 0].numpy()
        array([4., 6., 6., 4.])
    """
    return _convolve("conv2d", 2, x, weight, bias, stride, padding)


def _convolve(
    name: str, n: int, x: Operand, weight: Operand, bias: Operand | None, stride: Steps, padding: Steps
) -> Any:
    a, w = shape(x), shape(weight)
    if len(a) != n + 2 or len(w) != n + 2 or a[1] != w[1]:
        form = ("length", "height, width")[n - 1]
        raise ShapeError(
            f"{name}: x of shape {a} and weight of shape {w} must be (N, C, {form}) and (O, C, kernel), "
            "with equally many channels C"
        )
    steps, sides = _for_each(name, "stride", stride, n, 1), _for_each(name, "padding", padding, n, 0)
    _check_fit(name, tuple(length + 2 * p for length, p in zip(a[2:], sides, strict=True)), w[2:])
    out = conv(x, weight, steps, sides)
    if bias is None:
        return out
    if shape(bias) != w[:1]:
        raise ShapeError(
            f"{name}: bias has shape {shape(bias)}, weight {w}; the bias must have shape {w[:1]}"
        )
    return add(out, reshape(bias, (-1,) + (1,) * n))


def _for_each(name: str, what: str, value: Steps, n: int, least: int) -> tuple[int, ...]:
    values = (value,) * n if isinstance(value, int) else tuple(value)
    if len(values) != n or any(v < least for v in values):
        raise ValueError(f"{name}: {what} must be {n} numbers ≥ {least}, got {value}")
    return values


def _check_fit(name: str, lengths: tuple[int, ...], size: tuple[int, ...]) -> None:
    if any(k > length or k < 1 for length, k in zip(lengths, size, strict=True)):
        raise ShapeError(f"{name}: a window of size {size} does not fit into {lengths} (padding included)")


def _pooled(
    name: str, n: int, x: Operand, size: Steps, stride: Steps | None, padding: Steps, fill: float
) -> Any:
    """Return the windows to pool over."""
    if len(shape(x)) < n:
        raise ShapeError(f"{name}: shape {shape(x)} has fewer than {n} axes")
    window = _for_each(name, "size", size, n, 1)
    steps = window if stride is None else _for_each(name, "stride", stride, n, 1)
    sides = _for_each(name, "padding", padding, n, 0)
    if any(sides):
        x = pad(x, ((0, 0),) * (len(shape(x)) - n) + tuple((p, p) for p in sides), value=fill)
    _check_fit(name, shape(x)[-n:], window)
    return windows(x, window, steps)


def max_pool1d(x: Operand, size: int, stride: int | None = None, padding: int = 0) -> Any:
    """The largest element of each window along the last axis; elements that tie share the gradient.

    Args:
        x: shape (..., length).
        size: length of a window.
        stride: distance between windows; None means their size.
        padding: how far windows reach over both ends.

    Returns:
        A Tensor of shape (..., positions).

    Raises:
        ShapeError: the windows do not fit.

    Example:
        >>> max_pool1d(Tensor([1.0, 3.0, 2.0, 4.0]), 2)
        Tensor([3., 4.], op=max)
    """
    return max(_pooled("max_pool1d", 1, x, size, stride, padding, -float("inf")), -1)


def max_pool2d(x: Operand, size: Steps, stride: Steps | None = None, padding: Steps = 0) -> Any:
    """The largest element of each window over the last two axes; arguments as `max_pool1d`, or one for each axis.

    Example:
        >>> max_pool2d(Tensor([[1.0, 3.0], [2.0, 4.0]]), 2)
        Tensor([[4.]], op=max)
    """
    return max(_pooled("max_pool2d", 2, x, size, stride, padding, -float("inf")), (-2, -1))


def avg_pool1d(x: Operand, size: int, stride: int | None = None, padding: int = 0) -> Any:
    """The mean of each window along the last axis, padded zeros included; arguments as `max_pool1d`.

    Example:
        >>> avg_pool1d(Tensor([1.0, 3.0, 2.0, 4.0]), 2)
        Tensor([2., 3.], op=mean)
    """
    return mean(_pooled("avg_pool1d", 1, x, size, stride, padding, 0.0), -1)


def avg_pool2d(x: Operand, size: Steps, stride: Steps | None = None, padding: Steps = 0) -> Any:
    """The mean of each window over the last two axes; arguments as `avg_pool1d`, or one for each axis.

    Example:
        >>> avg_pool2d(Tensor([[1.0, 3.0], [2.0, 4.0]]), 2)
        Tensor([[2.5]], op=mean)
    """
    return mean(_pooled("avg_pool2d", 2, x, size, stride, padding, 0.0), (-2, -1))
