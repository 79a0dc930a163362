"""Losses for quantities and for directions."""

from typing import Any

from chainrule.autograd import ops
from chainrule.nn.data.check import as_amount
from chainrule.nn.losses.base import fitting, reduced


def mse(predictions: Any, targets: Any, reduction: str = "mean") -> Any:
    """The mean squared error 1/n Σ (ŷᵢ − yᵢ)², for quantities.

    Args:
        predictions: ŷ, a Tensor of any shape, or a Value.
        targets: y, of the same shape.
        reduction: ``"mean"`` over all elements, ``"sum"``, or ``"none"`` for the loss of each element.

    Returns:
        A scalar, or for ``"none"`` a Tensor of the same shape.

    Raises:
        ShapeError: the shapes differ; (N,) against (N, 1) would silently make an (N, N) matrix.
        ValueError: an unknown reduction.

    Example:
        >>> mse(Tensor([1.0, 2.0]), [1.0, 4.0]).item()
        2.0
    """
    return reduced(ops.square(predictions - fitting("mse", predictions, targets)), reduction)


def mae(predictions: Any, targets: Any, reduction: str = "mean") -> Any:
    """The mean absolute error 1/n Σ |ŷᵢ − yᵢ|; its derivative at 0 is 0; arguments as `mse`.

    Example:
        >>> mae(Tensor([1.0, 2.0]), [1.0, 4.0]).item()
        1.0
    """
    return reduced(ops.abs(predictions - fitting("mae", predictions, targets)), reduction)


def huber(predictions: Any, targets: Any, reduction: str = "mean", *, delta: float = 1.0) -> Any:
    """½ r² for residuals |r| ≤ delta, else delta·(|r| − ½ delta): outliers pull no harder than delta (Huber 1964).

    Args:
        predictions: as for `mse`.
        targets: as for `mse`.
        reduction: as for `mse`.
        delta: where the parabola turns into straight lines.

    Raises:
        ValueError: a delta that is not positive.

    Example:
        >>> huber(Tensor([1.0, 4.0]), [1.5, 0.0], reduction="none")
        Tensor([0.125, 3.5  ], op=add)
    """
    if as_amount("huber", delta, "delta") == 0:
        raise ValueError("huber: delta must be greater than 0; the loss would be 0 everywhere")
    residuals = ops.abs(predictions - fitting("huber", predictions, targets))
    inner = ops.minimum(residuals, delta)
    return reduced(0.5 * ops.square(inner) + delta * (residuals - inner), reduction)


def cosine(predictions: Any, targets: Any, reduction: str = "mean") -> Any:
    """1 − cos of the angle between two vectors, along the last axis: 0 for one direction, 2 for opposite ones.

    Args:
        predictions: vectors, a Tensor of shape (..., n).
        targets: vectors of the same shape; a vector of zeros counts as at right angles to all.
        reduction: ``"mean"`` over the vectors, ``"sum"``, or ``"none"`` for the loss of each.

    Returns:
        A scalar, or for ``"none"`` a Tensor of shape (...).

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> cosine(Tensor([[1.0, 0.0], [0.0, 2.0]]), [[3.0, 0.0], [1.0, 0.0]], reduction="none")
        Tensor([0., 1.], op=sub)
    """
    targets = fitting("cosine", predictions, targets)
    tiny = 1e-8
    lengths = ops.maximum(ops.norm(predictions, axis=-1), tiny) * ops.maximum(
        ops.norm(targets, axis=-1), tiny
    )
    return reduced(1 - ops.div(ops.sum(predictions * targets, -1), lengths), reduction)
