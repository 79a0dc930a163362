"""What `fit` makes small: the loss of a batch, weighted, and penalties on the weights."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chainrule.autograd import ops
from chainrule.nn import task as tasks
from chainrule.nn.data.check import Array, as_amount, as_numbers, shown
from chainrule.nn.losses import Loss
from chainrule.nn.parameter import Parameter


class Objective:
    """The mean loss of a batch's rows, and l1 · Σ|w| + l2/2 · Σw² over the weights.

    Args:
        loss: a function of (outputs, targets); for weighted rows it needs `reduction="none"` too.
        params: parameters; those of at least two axes are weights, the others biases, which are left alone.
        l1: factor of the first penalty.
        l2: factor of the second penalty.

    Raises:
        ValueError: a factor that is negative or not finite.

    Example:
        >>> w = nn.Parameter([[3.0, -4.0]])
        >>> round(Objective(nn.losses.mse, [w], l1=0.1, l2=1.0).penalty().item(), 3)
        13.2
    """

    def __init__(self, loss: Loss, params: Sequence[Parameter], l1: float = 0.0, l2: float = 0.0) -> None:
        self.loss = loss
        self.l1, self.l2 = as_amount("fit", l1, "l1"), as_amount("fit", l2, "l2")
        self.weights = [w for w in params if w._data.ndim > 1 and w.requires_grad]

    def __call__(self, outputs: Any, target: Array, weight: Array | None = None) -> Any:
        """Return the loss of a batch with all penalties, as a node."""
        total = self.of_rows(outputs, target, weight)
        return total + self.penalty() if self.l1 or self.l2 else total

    def of_rows(self, outputs: Any, target: Array, weight: Array | None = None) -> Any:
        """Return the mean loss of the rows, each times its weight."""
        if weight is None:
            return self.loss(outputs, target)
        each: Any = self.loss(outputs, target, reduction="none")
        if ops.ndim(each) > 1:
            each = ops.mean(each, tuple(range(1, ops.ndim(each))))
        return ops.mean(each * weight)

    def penalty(self) -> Any:
        """Return both penalties together, as a node."""
        terms = [self.l1 * ops.sum(ops.abs(w)) for w in self.weights if self.l1]
        terms += [self.l2 / 2 * ops.sum(ops.square(w)) for w in self.weights if self.l2]
        return sum(terms[1:], terms[0])

    def strengths(self, params: Sequence[Parameter]) -> tuple[Array, Array]:
        """Return the factors of both penalties for each number of the parameters, in two flat arrays."""
        chosen = {id(w) for w in self.weights}
        flags = np.concatenate([np.full(w.size, float(id(w) in chosen)) for w in params])
        return self.l1 * flags, self.l2 * flags


def weigh(
    loss: Loss,
    task: str,
    targets: Array,
    class_weight: str | Mapping[int, float] | None,
    sample_weight: ArrayLike | None,
) -> Array | None:
    """Return how much each row counts, with a mean of 1; None if all count the same.

    Raises:
        IndexError, TypeError, ValueError: weights that do not fit the rows or the classes.

    Example:
        >>> weigh(nn.losses.cross_entropy, "multiclass", np.array([0, 0, 0, 1]), "balanced", None)
        array([0.66666667, 0.66666667, 0.66666667, 2.        ])
    """
    if class_weight is None and sample_weight is None:
        return None
    if "reduction" not in inspect.signature(loss).parameters:
        raise TypeError(
            f"fit: weights need the loss of each row, but {getattr(loss, '__name__', 'the loss')} has no argument "
            "reduction; give it one that takes 'none' as well, as nn.losses.mse has"
        )
    weights = np.ones(len(targets))
    if sample_weight is not None:
        given = as_numbers("fit", sample_weight, "sample_weight")
        if given.shape != (len(targets),):
            raise ValueError(
                f"fit: sample_weight must have shape ({len(targets)},), one per row, got {given.shape}"
            )
        weights = weights * given
    if class_weight is not None:
        weights = weights * _of_classes(task, targets, class_weight)
    if (weights < 0).any() or not weights.any():
        raise ValueError("fit: weights must not be negative, and not all 0")
    return np.asarray(weights / weights.mean())


def _of_classes(task: str, targets: Array, class_weight: str | Mapping[int, float]) -> Array:
    if task == "regression":
        raise ValueError(
            "fit: class_weight is for classes, this model predicts quantities; use sample_weight"
        )
    labels = tasks.labels(task, targets)
    counts = np.bincount(labels)
    if class_weight == "balanced":
        return np.asarray(len(labels) / (np.count_nonzero(counts) * counts[labels]))
    if not isinstance(class_weight, Mapping):
        raise TypeError(
            f"fit: class_weight must be 'balanced' or a dict {{class: weight}}, got {shown(class_weight)}"
        )
    missing = [int(c) for c in np.unique(labels) if c not in class_weight]
    if missing:
        raise ValueError(f"fit: class_weight has no weight for class {missing[0]}; give every class one")
    return np.array([float(class_weight.get(c, 0.0)) for c in range(len(counts))])[labels]
