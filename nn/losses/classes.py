"""Losses for classes and for probabilities."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chainrule.autograd import ops
from chainrule.autograd.errors import ShapeError
from chainrule.autograd.mode import current
from chainrule.autograd.node import Node, data_of
from chainrule.autograd.ops.indexing import check_labels
from chainrule.nn.losses.base import check_reduction, fitting, reduced, refuse, warn_if_output_of

_TWICE = (
    "but {0} applies {1} itself; applied twice, it makes the model unable to be sure and the gradients small. "
    "Pass the scores before {1}"
)


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
    warn_if_output_of(name, logits, "sigmoid", _TWICE.format(name, "sigmoid"))
    return reduced(ops.bce_with_logits(logits, _binary(name, logits, labels)), reduction)


def binary_cross_entropy(probabilities: Any, labels: Any, reduction: str = "mean") -> Any:
    """−y ln p − (1 − y) ln(1 − p) for probabilities p, such as a sigmoid gives.

    Each logarithm is at least −100, as in PyTorch, so that a model that is sure and wrong has a finite loss; but its
    gradient is lost. `binary_cross_entropy_with_logits` has neither problem.

    Args:
        probabilities: p, a Tensor of any shape, or a Value.
        labels: y, of the same shape: 0 or 1, or probabilities in between.
        reduction: as for `mse`.

    Raises:
        ShapeError: the shapes differ.
        ValueError: a probability or label outside 0..1, an unknown reduction.

    Example:
        >>> round(binary_cross_entropy(Tensor([0.5, 0.25]), [1, 0]).item(), 4)
        0.4904
    """
    name = "binary_cross_entropy"
    targets = _binary(name, probabilities, labels)
    p = np.asarray(data_of(probabilities))
    advice = (
        "is no probability from 0 to 1; for scores before the sigmoid use binary_cross_entropy_with_logits"
    )
    refuse(name, ~((p >= 0) & (p <= 1)), p, advice)
    with np.errstate(divide="ignore"):
        right = targets * ops.maximum(ops.log(probabilities), -100.0)
        wrong = (1 - targets) * ops.maximum(ops.log1p(ops.neg(probabilities)), -100.0)
    return reduced(-(right + wrong), reduction)


def cross_entropy(
    logits: Any,
    labels: Any,
    reduction: str = "mean",
    *,
    weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
) -> Any:
    """−Σ y ln softmax(z) for each row of logits z, with no overflow; its derivative is softmax(z) − y.

    Args:
        logits: z, scores before softmax; shape (N, C).
        labels: class numbers from 0 to C − 1, shape (N,); or y itself, shape (N, C): one-hot rows, or probabilities.
        reduction: ``"mean"`` over the rows, ``"sum"``, or ``"none"`` for the loss of each row.
        weight: how much each class counts, shape (C,); with class numbers the mean is weighted, as in PyTorch.
        label_smoothing: this share of each row's y is spread evenly over all classes (Szegedy et al. 2016).
        ignore_index: rows with this class number count nothing; the mean of no rows is 0.

    Returns:
        A scalar, or for ``"none"`` a Tensor of shape (N,).

    Raises:
        IndexError: a class number outside 0..C−1.
        ShapeError: the shapes do not fit.
        TypeError: class numbers that are no integers.
        ValueError: probabilities of a row that do not sum to 1, a setting out of range.

    Warns:
        UserWarning: the logits are the output of softmax.

    Example:
        >>> round(cross_entropy(Tensor([[0.0, 0.0]]), [1]).item(), 4)
        0.6931
        >>> round(cross_entropy(Tensor([[0.0, 0.0]]), [[0.0, 1.0]]).item(), 4)
        0.6931
        >>> cross_entropy(Tensor([[0.0, 0.0], [5.0, 0.0]]), [1, -100], ignore_index=-100).item().__round__(4)
        0.6931
    """
    name = "cross_entropy"
    warn_if_output_of(name, logits, "softmax", _TWICE.format(name, "softmax"))
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"{name}: label_smoothing must be a share between 0 and 1, got {label_smoothing!r}")
    if not isinstance(labels, Node):
        labels = np.asarray(labels)
    dims, weights = ops.shape(logits), _weights(name, logits, weight)
    if len(dims) == 2 and not dims[1]:
        raise ShapeError(f"{name}: logits of shape {dims} have no classes; give a column for each class")
    if len(dims) == 2 and ops.shape(labels) == dims:
        if ignore_index is not None:
            raise ValueError(
                f"{name}: ignore_index is a class number, but the labels are rows of probabilities"
            )
        targets = fitting(name, logits, labels)
        if not label_smoothing and weights is None and (classes := _classes(targets)) is not None:
            return reduced(ops.cross_entropy(logits, classes), reduction)
        _check_probabilities(np.asarray(data_of(targets)))
        return reduced(ops.cross_entropy(logits, _spread(targets, label_smoothing, weights)), reduction)
    labels, kept = _without(labels, ignore_index)
    shares = None if weights is None else ops.take(weights, labels, 0)
    if label_smoothing and len(dims) == 2 and ops.shape(labels) == dims[:1]:
        check_labels(name, np.asarray(data_of(labels)), dims[1])
        rows = ops.astype(ops.one_hot(labels, dims[1]), np.asarray(data_of(logits)).dtype)
        losses = ops.cross_entropy(logits, _spread(rows, label_smoothing, weights))
    else:
        losses = ops.cross_entropy(logits, labels)
        losses = losses if shares is None else losses * shares
    return _averaged(losses, shares, kept, reduction)


def nll(
    log_probabilities: Any,
    labels: Any,
    reduction: str = "mean",
    *,
    weight: ArrayLike | None = None,
    ignore_index: int | None = None,
) -> Any:
    """The negative log-likelihood −ln p[label] of each row: what `cross_entropy` is after a `log_softmax`.

    Args:
        log_probabilities: ln p, such as `log_softmax` gives; shape (N, C).
        labels: class numbers from 0 to C − 1, shape (N,).
        reduction: as for `cross_entropy`.
        weight: as for `cross_entropy`.
        ignore_index: as for `cross_entropy`.

    Raises:
        IndexError: a class number outside 0..C−1.
        ShapeError: the shapes do not fit.
        TypeError: class numbers that are no integers.
        ValueError: a log-probability above 0.

    Example:
        >>> round(nll(Tensor([[0.0, 0.0]]).log_softmax(), [1]).item(), 4)
        0.6931
    """
    _check_logarithms("nll", log_probabilities)
    if not isinstance(labels, Node):
        labels = np.asarray(labels)
    dims, weights = ops.shape(log_probabilities), _weights("nll", log_probabilities, weight)
    if len(dims) != 2 or ops.shape(labels) != dims[:1]:
        raise ShapeError(
            f"nll: log-probabilities of shape {dims} need labels of shape {dims[:1] or '(N,)'}, "
            f"got {ops.shape(labels)}; give class numbers, one for each row"
        )
    labels, kept = _without(labels, ignore_index)
    check_labels("nll", np.asarray(data_of(labels)), dims[1])
    picked = ops.take_along_axis(log_probabilities, ops.expand_dims(labels, -1), 1)
    losses = -ops.squeeze(picked, -1)
    shares = None if weights is None else ops.take(weights, labels, 0)
    return _averaged(losses if shares is None else losses * shares, shares, kept, reduction)


def kl_div(log_probabilities: Any, targets: Any, reduction: str = "mean") -> Any:
    """Σ t ln(t / p): how far a distribution p is from t, along the last axis (Kullback and Leibler 1951).

    Args:
        log_probabilities: ln p, such as `log_softmax` gives; shape (..., C).
        targets: t, probabilities of the same shape; 0 ln 0 counts as 0.
        reduction: ``"mean"`` over the distributions (PyTorch's ``"batchmean"``), ``"sum"``, or ``"none"`` for that of
            each.

    Returns:
        A scalar, or for ``"none"`` a Tensor of shape (...).

    Raises:
        ShapeError: the shapes differ.
        ValueError: a log-probability above 0, a target outside 0..1, an unknown reduction.

    Example:
        >>> kl_div(Tensor([[0.5, 0.5]]).log(), [[0.5, 0.5]]).item()
        0.0
    """
    _check_logarithms("kl_div", log_probabilities)
    t = _binary("kl_div", log_probabilities, targets)
    return reduced(ops.sum(ops.xlogy(t, t) - t * log_probabilities, -1), reduction)


def hinge(scores: Any, labels: Any, reduction: str = "mean") -> Any:
    """max(0, 1 − t·z) with t = −1 or 1 for the two classes: 0 once a row is right by a margin, as in an SVM.

    Args:
        scores: z, positive for class 1; a Tensor of any shape, or a Value.
        labels: 0 and 1, or −1 and 1, of the same shape.
        reduction: as for `mse`.

    Raises:
        ShapeError: the shapes differ.
        ValueError: another label, an unknown reduction.

    Example:
        >>> hinge(Tensor([2.0, 0.5, 0.5]), [1, 1, 0], reduction="none")
        Tensor([0. , 0.5, 1.5], op=relu)
    """
    targets = fitting("hinge", scores, labels)
    values = np.asarray(data_of(targets))
    lowest = -1 if (values < 0).any() else 0
    refuse("hinge", (values != lowest) & (values != 1), values, f"is no label; use {lowest} and 1")
    signs = targets if lowest else 2 * targets - 1
    return reduced(ops.relu(1 - signs * scores), reduction)


def _binary(name: str, predictions: Any, labels: Any) -> Any:
    """Return labels between 0 and 1, of the shape of the predictions."""
    targets = fitting(name, predictions, labels)
    values = np.asarray(data_of(targets))
    outside = ~((values >= 0) & (values <= 1))
    if outside.any():
        row = int(np.argmax(outside))
        raise ValueError(f"{name}: label {values.flat[row]} at row {row} is outside 0..1")
    return targets


def _check_logarithms(name: str, log_probabilities: Any) -> None:
    values = np.asarray(data_of(log_probabilities))
    # What is a little above 0 may be the rounding of a logarithm of 1.
    refuse(
        name, values > 1e-3, values, "is no logarithm of a probability: take log_softmax of the scores first"
    )


def _weights(name: str, logits: Any, weight: ArrayLike | None) -> Any:
    """Return the weights of the classes in the dtype of the logits."""
    if weight is None:
        return None
    given, dims = np.asarray(weight, np.asarray(data_of(logits)).dtype), ops.shape(logits)
    if given.shape != dims[1:]:
        raise ShapeError(
            f"{name}: weight has shape {given.shape}, for logits of shape {dims} it must be {dims[1:]}"
        )
    refuse(name, ~(given >= 0), given, "is no weight; use numbers of at least 0")
    return given


def _without(labels: Any, ignore_index: int | None) -> tuple[Any, Any]:
    """Return the labels with class 0 in place of the ignored ones, and which are not ignored (None: all)."""
    if ignore_index is None:
        return labels, None
    kept = ops.not_equal(labels, ignore_index)
    return ops.where(kept, labels, 0), kept


def _averaged(losses: Any, shares: Any, kept: Any, reduction: str) -> Any:
    """Reduce the losses of rows of which some count more than others, or nothing."""
    check_reduction(reduction)
    if kept is not None:
        losses = ops.where(kept, losses, 0)
        ones = ops.astype(kept, np.asarray(data_of(losses)).dtype)
        shares = ones if shares is None else shares * ones
    if reduction != "mean" or shares is None:
        return reduced(losses, reduction)
    total = ops.sum(shares)
    return ops.div(ops.sum(losses), ops.where(ops.equal(total, 0), 1, total))


def _classes(targets: Any) -> Any:
    """Return the class numbers if all rows are one-hot, and constant: the loss reads them faster than rows.

    A node of the graph may get other data later, and so may a graph that is recorded whole.
    """
    if isinstance(targets, Node) or current().whole or not targets.size:
        return None
    if np.count_nonzero(targets[0]) != 1 or np.count_nonzero(targets != 0) != len(targets):
        return None
    classes = targets.argmax(1)
    return classes if (targets[np.arange(len(targets)), classes] == 1).all() else None


def _spread(rows: Any, label_smoothing: float, weights: Any) -> Any:
    """Return the rows of targets with a share of each spread over all classes, times the weights of the classes."""
    if label_smoothing:
        rows = (1 - label_smoothing) * rows + label_smoothing / ops.shape(rows)[1]
    return rows if weights is None else rows * weights


def _check_probabilities(rows: Any) -> None:
    sums = np.dot(rows, np.ones(rows.shape[1], rows.dtype))  # reads the rows three times as fast as a sum
    wrong = ~(np.abs(sums - 1) < 1e-3)
    if rows.min(initial=0) < 0:
        wrong |= (rows < 0).any(axis=1)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"cross_entropy: the labels of row {row} are no probabilities: they sum to {sums[row]:.4g}, "
            f"the smallest is {rows[row].min():.4g}; give class numbers of shape ({len(rows)},), or one-hot rows"
        )
