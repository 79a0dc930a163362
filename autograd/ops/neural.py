"""Primitives of neural networks: fused where that is more stable, or faster, than composing them."""

import difflib
from typing import Any

import numpy as np

from chainrule.autograd.errors import ShapeError
from chainrule.autograd.node import Node, apply, data_of
from chainrule.autograd.op import Op
from chainrule.autograd.ops.activation import gelu, relu, sigmoid, silu, softplus
from chainrule.autograd.ops.define import Operand
from chainrule.autograd.ops.elementwise import add, div, mul, sqrt, sub
from chainrule.autograd.ops.indexing import check_labels, take
from chainrule.autograd.ops.join import split
from chainrule.autograd.ops.reduce import Axis, axes
from chainrule.autograd.ops.shape import one_axis, reshape, shape
from chainrule.autograd.ops.trigonometry import tanh
from chainrule.backends.layers import ACTIVATIONS, FROM_RESULT, before_activation

for _function in (relu, tanh, sigmoid, silu, gelu, softplus):
    _op: Op = vars(_function)["op"]
    (_rule,) = _op.rules
    assert _rule is not None
    ACTIVATIONS[_op.name] = _rule


def _rows(xp: Any, x: Any) -> Any:
    """Return x with all axes but the last in one."""
    return x if xp.ndim(x) == 2 else xp.reshape(x, (-1, xp.shape(x)[-1]))


def _affine_cotangent(xp: Any, g: Any, out: Any, x: Any, weight: Any, bias: Any, activation: str) -> Any:
    """Cotangent of x Wᵀ + b, from that of its activation."""
    y = out if activation in FROM_RESULT else xp.linear(x, weight, bias)
    return before_activation(xp, g, y, activation)


def _standardize_rule(xp: Any, g: Any, out: Any, x: Any, axis: tuple[int, ...], eps: float) -> Any:
    """Cotangent of x: what is left of g without its mean and its part along the result, over the deviation."""
    centred = x - xp.mean(x, axis, keepdims=True)
    deviation = xp.sqrt(xp.mean(xp.square(centred), axis, keepdims=True) + eps)
    along_out = out * xp.mean(g * out, axis, keepdims=True)
    return xp.div(g - xp.mean(g, axis, keepdims=True) - along_out, deviation)


_LINEAR = Op(
    "linear",
    "general",
    lambda xp, g, out, x, weight, bias: xp.matmul(g, weight),
    lambda xp, g, out, x, weight, bias: xp.matmul(xp.swapaxes(_rows(xp, g), 0, 1), _rows(xp, x)),
    lambda xp, g, out, x, weight, bias: g,  # the walk sums over the rows, along which bias was broadcast
)
_LINEAR_ACTIVATION = Op(
    "linear_activation",
    "general",
    lambda xp, g, out, x, weight, bias, activation: xp.matmul(
        _affine_cotangent(xp, g, out, x, weight, bias, activation), weight
    ),
    lambda xp, g, out, x, weight, bias, activation: xp.matmul(
        xp.swapaxes(_rows(xp, _affine_cotangent(xp, g, out, x, weight, bias, activation)), 0, 1), _rows(xp, x)
    ),
    _affine_cotangent,
)
_SOFTMAX = Op(
    "softmax",
    "general",
    lambda xp, g, out, x, axis: out * (g - xp.sum(g * out, axis, keepdims=True)),
)
_LOG_SOFTMAX = Op(
    "log_softmax",
    "general",
    lambda xp, g, out, x, axis: g - xp.exp(out) * xp.sum(g, axis, keepdims=True),
)
_CROSS_ENTROPY = Op(
    "cross_entropy",
    "general",
    lambda xp, g, out, logits, labels: (
        xp.expand_dims(g, -1) * (xp.softmax(logits, -1) - xp.one_hot(labels, xp.shape(logits)[-1]))
    ),
    None,
)
_SOFT_CROSS_ENTROPY = Op(
    "soft_cross_entropy",
    "general",
    lambda xp, g, out, logits, targets: (
        xp.expand_dims(g, -1) * (xp.softmax(logits, -1) * xp.sum(targets, -1, keepdims=True) - targets)
    ),
    lambda xp, g, out, logits, targets: xp.expand_dims(-g, -1) * xp.log_softmax(logits, -1),
)
_STANDARDIZE = Op("standardize", "general", _standardize_rule)
_NORMALIZE = Op(
    "normalize",
    "general",
    lambda xp, g, out, x, weight, bias, axis, eps: _standardize_rule(
        xp, g * weight, xp.standardize(x, axis, eps), x, axis, eps
    ),
    lambda xp, g, out, x, weight, bias, axis, eps: g * xp.standardize(x, axis, eps),
    lambda xp, g, out, x, weight, bias, axis, eps: g,  # as with `linear`
)


def linear(x: Operand, weight: Operand, bias: Operand, activation: str | None = None) -> Any:
    """The affine map x Wᵀ + b, in one step; or a whole layer, activation(x Wᵀ + b), in one step.

    Args:
        x: shape (..., in).
        weight: shape (out, in), as in PyTorch and as the lectures' W[l].
        bias: shape (out,).
        activation: None, "relu", "tanh", "sigmoid", "silu", "gelu" or "softplus".

    Returns:
        A Tensor of shape (..., out).

    Raises:
        ShapeError: the shapes do not fit.
        ValueError: another activation.

    Example:
        >>> linear(Tensor([[1.0, 2.0]]), Tensor([[3.0, 4.0]]), Tensor([0.5]))
        Tensor([[11.5]], op=linear)
        >>> linear(Tensor([[1.0, 2.0]]), Tensor([[3.0, -4.0]]), Tensor([0.5]), activation="relu")
        Tensor([[0.]], op=linear_activation)
    """
    a, w, b = shape(x), shape(weight), shape(bias)
    if len(w) != 2 or not a or a[-1] != w[1]:
        raise ShapeError(
            f"linear: x of shape {a} does not fit weight of shape {w}: the last axis of x must have "
            f"{w[-1] if w else '?'} features, the weight's second axis"
        )
    if b != w[:1]:
        raise ShapeError(f"linear: bias has shape {b}, weight {w}; the bias must have shape {w[:1]}")
    if activation is None:
        return apply(_LINEAR, x, weight, bias)
    if activation not in tuple(ACTIVATIONS):  # what was given may have no hash
        raise ValueError(_no_such_activation(activation))
    return apply(_LINEAR_ACTIVATION, x, weight, bias, activation=activation)


def _no_such_activation(given: Any) -> str:
    near = difflib.get_close_matches(str(given), ACTIVATIONS, n=1)
    return (
        f"linear: activation must be one of {', '.join(map(repr, ACTIVATIONS))}, got {given!r}"
        + (f"; did you mean {near[0]!r}?" if near else "")
        + "; apply any other function to the result, such as chainrule.elu(chainrule.linear(x, weight, bias))"
    )


def softmax(x: Operand, axis: int = -1) -> Any:
    """eˣ / Σ eˣ along one axis: positive numbers that sum to 1, with no overflow.

    Args:
        x: a Tensor with at least one axis.
        axis: the axis that sums to 1.

    Returns:
        A Tensor of the same shape.

    Raises:
        ShapeError: there is no such axis.

    Example:
        >>> softmax(Tensor([0.0, 0.0]))
        Tensor([0.5, 0.5], op=softmax)
    """
    return apply(_SOFTMAX, x, axis=one_axis("softmax", shape(x), axis))


def log_softmax(x: Operand, axis: int = -1) -> Any:
    """ln softmax(x) along one axis, exact where softmax itself would be 0; arguments as `softmax`.

    Example:
        >>> log_softmax(Tensor([0.0, -1000.0]))
        Tensor([    0., -1000.], op=log_softmax)
    """
    return apply(_LOG_SOFTMAX, x, axis=one_axis("log_softmax", shape(x), axis))


def cross_entropy(logits: Operand, labels: Any) -> Any:
    """−Σ y ln softmax(logits) for each row, in one step and with no overflow; −ln softmax(logits)[label] for a label.

    Its derivative with respect to the logits is softmax(logits) Σ y − y, where y of a label is its one-hot row.

    Args:
        logits: shape (N, C); scores before softmax.
        labels: shape (N,), integers from 0 to C − 1; or y itself, shape (N, C), where 0 counts nothing even for a
            logit of −inf.

    Returns:
        A Tensor of shape (N,): one loss per row.

    Raises:
        ShapeError: the shapes do not fit.
        TypeError: the labels are no integers.
        IndexError: a label is outside 0..C−1.

    Example:
        >>> cross_entropy(Tensor([[0.0, 0.0]]), [1])
        Tensor([0.6931], op=cross_entropy)
        >>> cross_entropy(Tensor([[0.0, 0.0]]), [[0.25, 0.75]])
        Tensor([0.6931], op=soft_cross_entropy)
    """
    dims = shape(logits)
    found = np.asarray(data_of(labels))
    if len(dims) == 2 and found.shape == dims:
        return apply(_SOFT_CROSS_ENTROPY, logits, labels if isinstance(labels, Node) else found)
    if len(dims) != 2 or found.shape != dims[:1]:
        raise ShapeError(
            f"cross_entropy: logits of shape {dims} need labels of shape {dims[:1] or '(N,)'}, "
            f"got {found.shape}; give class numbers, one for each row"
        )
    check_labels("cross_entropy", found, dims[1])
    return apply(_CROSS_ENTROPY, logits, labels if isinstance(labels, Node) else found)


def embedding(weight: Operand, indices: Any) -> Any:
    """Look up rows of a table; the gradient of a row that is used twice adds up.

    Args:
        weight: shape (rows, features).
        indices: integers of any shape, from 0 to rows − 1.

    Returns:
        A Tensor of shape (*indices.shape, features).

    Raises:
        IndexError: an index is outside the table.
        TypeError: the indices are no integers.

    Example:
        >>> embedding(Tensor([[1.0, 2.0], [3.0, 4.0]]), [1, 1, 0]).shape
        (3, 2)
    """
    check_labels("embedding", np.asarray(data_of(indices)), shape(weight)[0])
    return take(weight, indices, 0)


def standardize(x: Operand, axis: Axis = -1, eps: float = 1e-5) -> Any:
    """(x − mean) / √(variance + eps) over axes: mean 0 and variance 1.

    Args:
        x: a Tensor of any shape.
        axis: one axis, several, or None for all.
        eps: keeps equal elements from giving 0 / 0.

    Returns:
        A Tensor of the same shape.

    Raises:
        ShapeError: there is no such axis.

    Example:
        >>> standardize(Tensor([1.0, 3.0]), eps=0.0)
        Tensor([-1.,  1.], op=standardize)
    """
    return apply(_STANDARDIZE, x, axis=axes("standardize", x, axis), eps=eps)


def layer_norm(
    x: Operand, weight: Operand | None = None, bias: Operand | None = None, eps: float = 1e-5, axis: Axis = -1
) -> Any:
    """Standardize each example by itself, then scale and shift (Ba et al. 2016).

    Args:
        x: a Tensor of any shape.
        weight: scale, of a shape that broadcasts; None for 1.
        bias: shift, of a shape that broadcasts; None for 0.
        eps: added to the variance.
        axis: the axes of one example's features.

    Returns:
        A Tensor of the same shape.

    Raises:
        ShapeError: there is no such axis, or the shapes do not broadcast.

    Example:
        >>> layer_norm(Tensor([[1.0, 3.0]]), eps=0.0, bias=1.0).numpy()
        array([[0., 2.]])
    """
    return _normalized(x, weight, bias, axes("layer_norm", x, axis), eps)


def batch_norm(
    x: Operand,
    weight: Operand | None = None,
    bias: Operand | None = None,
    mean: Operand | None = None,
    var: Operand | None = None,
    eps: float = 1e-5,
) -> Any:
    """Standardize each channel over the batch, then scale and shift (Ioffe & Szegedy 2015).

    Args:
        x: shape (N, C, ...), with C channels.
        weight: scale of shape (C,), or None for 1.
        bias: shift of shape (C,), or None for 0.
        mean: shape (C,); fixed, in place of the batch's own, when predicting.
        var: likewise.
        eps: added to the variance.

    Returns:
        A Tensor of the same shape.

    Raises:
        ShapeError: x has no channels, or another argument is not of shape (C,).
        ValueError: only one of `mean` and `var` is given.

    Example:
        >>> batch_norm(Tensor([[1.0, 5.0], [3.0, 9.0]]), eps=0.0).numpy()
        array([[-1., -1.],
               [ 1.,  1.]])
    """
    dims = shape(x)
    if len(dims) < 2:
        raise ShapeError(f"batch_norm: shape {dims} has no channels; it needs (N, C) or (N, C, ...)")
    if (mean is None) != (var is None):
        raise ValueError("batch_norm: give both mean and var, or neither")
    for name, part in (("weight", weight), ("bias", bias), ("mean", mean), ("var", var)):
        if part is not None and shape(part) != dims[1:2]:
            raise ShapeError(
                f"batch_norm: {name} has shape {shape(part)}, for x of shape {dims} it must be {dims[1:2]}"
            )

    def channels(part: Operand | None) -> Any:
        return None if part is None else reshape(part, (-1,) + (1,) * (len(dims) - 2))

    if mean is None:
        return _normalized(x, channels(weight), channels(bias), (0, *range(2, len(dims))), eps)
    centred = div(sub(x, channels(mean)), sqrt(add(channels(var), eps)))
    return _affine(centred, channels(weight), channels(bias))


def _normalized(
    x: Operand, weight: Operand | None, bias: Operand | None, axis: tuple[int, ...], eps: float
) -> Any:
    """Standardize, scale and shift: in one step where the result has the shape of x."""
    if weight is None or bias is None or not _fits_into(shape(weight), shape(bias), shape(x)):
        return _affine(standardize(x, axis, eps), weight, bias)
    return apply(_NORMALIZE, x, weight, bias, axis=axis, eps=eps)


def _fits_into(*shapes: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(*shapes) == shapes[-1]
    except ValueError:
        return False


def _affine(x: Operand, weight: Operand | None, bias: Operand | None) -> Any:
    scaled = x if weight is None else mul(x, weight)
    return scaled if bias is None else add(scaled, bias)


def glu(x: Operand, axis: int = -1) -> Any:
    """The first half along an axis, times the sigmoid of the second half (Dauphin et al. 2017).

    Args:
        x: a Tensor with an even number of elements along `axis`.
        axis: the axis to cut in half.

    Returns:
        A Tensor whose `axis` is half as long.

    Raises:
        ShapeError: the axis has an odd length.

    Example:
        >>> glu(Tensor([4.0, 0.0]))
        Tensor([2.], op=mul)
    """
    first, second = split(x, 2, axis)
    return mul(first, sigmoid(second))
