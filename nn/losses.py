"""Losses: functions of the model's outputs and the targets, small where the two agree."""

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.autograd import ops
from chainrule.autograd.errors import ShapeError
from chainrule.autograd.node import Node, data_of
from chainrule.autograd.tensor import Tensor
from chainrule.nn.errors import warn
from chainrule.nn.names import look_up

Loss = Callable[[Any, Any], Any]


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
    return _reduced(ops.square(predictions - _fitting("mse", predictions, targets)), reduction)


def mae(predictions: Any, targets: Any, reduction: str = "mean") -> Any:
    """The mean absolute error 1/n Σ |ŷᵢ − yᵢ|; its derivative at 0 is 0; arguments as `mse`.

    Example:
        >>> mae(Tensor([1.0, 2.0]), [1.0, 4.0]).item()
        1.0
    """
    return _reduced(ops.abs(predictions - _fitting("mae", predictions, targets)), reduction)


def binary_cross_entropy_with_logits(logits: Any, labels: Any, reduction: str = "mean") -> Any:
    """−y ln σ(z) − (1 − y) ln(1 − σ(z)) for logits z, with no overflow; its derivative is σ(z) − y.

    Args:
        logits: z, scores before the sigmoid: a Tensor of any shape, or a Value.
        labels: y, of the same shape: 0 or 1, or probabilities in between.
        reduction: as for `mse`.

    Returns:
        A scalar, or for ``"none"`` a Tensor of the same shape.

    Raises:
        ShapeError: the shapes differ.
        ValueError: a label outside 0..1, an unknown reduction.

    Warns:
        UserWarning: the logits are the output of a sigmoid.

    Example:
        >>> loss = binary_cross_entropy_with_logits(Tensor([40.0, -1000.0]), [1, 1])
        >>> loss.item()
        500.0
    """
    name = "binary_cross_entropy_with_logits"
    _warn_if_output_of(name, logits, "sigmoid")
    targets = _fitting(name, logits, labels)
    values = np.asarray(data_of(targets))
    outside = ~((values >= 0) & (values <= 1))
    if outside.any():
        row = int(np.argmax(outside))
        raise ValueError(f"{name}: label {values.flat[row]} at row {row} is outside 0..1")
    return _reduced(ops.bce_with_logits(logits, targets), reduction)


def cross_entropy(logits: Any, labels: Any, reduction: str = "mean") -> Any:
    """−Σ y ln softmax(z) for each row of logits z, with no overflow; its derivative is softmax(z) − y.

    Args:
        logits: z, scores before softmax; shape (N, C).
        labels: class numbers from 0 to C − 1, shape (N,); or y itself, shape (N, C): one-hot rows, or probabilities.
        reduction: ``"mean"`` over the rows, ``"sum"``, or ``"none"`` for the loss of each row.

    Returns:
        A scalar, or for ``"none"`` a Tensor of shape (N,).

    Raises:
        IndexError: a class number outside 0..C−1.
        ShapeError: the shapes do not fit.
        TypeError: class numbers that are no integers.
        ValueError: probabilities of a row that do not sum to 1, an unknown reduction.

    Warns:
        UserWarning: the logits are the output of softmax.

    Example:
        >>> round(cross_entropy(Tensor([[0.0, 0.0]]), [1]).item(), 4)
        0.6931
        >>> round(cross_entropy(Tensor([[0.0, 0.0]]), [[0.0, 1.0]]).item(), 4)
        0.6931
    """
    _warn_if_output_of("cross_entropy", logits, "softmax")
    if not isinstance(labels, Node):
        labels = np.asarray(labels)
    shape = ops.shape(logits)
    if len(shape) == 2 and ops.shape(labels) == shape:
        targets = _fitting("cross_entropy", logits, labels)
        _check_probabilities(np.asarray(data_of(targets)))
        return _reduced(-ops.sum(targets * ops.log_softmax(logits), -1), reduction)
    return _reduced(ops.cross_entropy(logits, labels), reduction)


LOSSES: dict[str, Loss] = {f.__name__: f for f in (mse, mae, binary_cross_entropy_with_logits, cross_entropy)}


def by_name(loss: str | Loss) -> Loss:
    """Return a loss itself, or the one of this name.

    Raises:
        ValueError: the name is unknown.

    Example:
        >>> by_name("mse") is mse
        True
    """
    return loss if callable(loss) else look_up("loss", loss, LOSSES)


def _fitting(name: str, predictions: Any, targets: Any) -> Any:
    """Return the targets, of the shape of the predictions; a constant is cast to their dtype."""
    data = data_of(predictions)
    if not isinstance(targets, Node):
        targets = targets if isinstance(data, float) else np.asarray(targets, data.dtype)
    a, b = ops.shape(predictions), ops.shape(targets)
    if a == b:
        return targets
    message = f"{name}: predictions have shape {a}, targets {b}; they must be equal"
    if sorted((a, b), key=len) == [a[:1], (*a[:1], 1)]:
        n = a[0]
        message = (
            f"{name}: shapes {a} and {b} would silently make a ({n}, {n}) matrix of every prediction against "
            f"every target; make the column flat with .reshape({n})"
        )
    raise ShapeError(message)


def _reduced(losses: Any, reduction: str) -> Any:
    if reduction not in ("mean", "sum", "none"):
        look_up("reduction", reduction, dict.fromkeys(("mean", "sum", "none")))
    if reduction == "none" or not isinstance(losses, Tensor):
        return losses
    return ops.mean(losses) if reduction == "mean" else ops.sum(losses)


def _check_probabilities(rows: Any) -> None:
    sums = rows.sum(axis=1)
    wrong = ~(np.abs(sums - 1) < 1e-3) | (rows < 0).any(axis=1)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"cross_entropy: the labels of row {row} are no probabilities: they sum to {sums[row]:.4g}, "
            f"the smallest is {rows[row].min():.4g}; give class numbers of shape ({len(rows)},), or one-hot rows"
        )


def _warn_if_output_of(name: str, logits: Any, op: str) -> None:
    if isinstance(logits, Node) and logits.op is not None and logits.op.name == op:
        warn(
            f"{name}: its first argument is the output of {op}, but {name} applies {op} itself; applied twice, "
            f"it makes the model unable to be sure and the gradients small. Pass the scores before {op}"
        )
