"""What a model's outputs mean, and the answers that fit them."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.autograd import ops
from chainrule.autograd.errors import ShapeError
from chainrule.nn import losses
from chainrule.nn.data.check import as_labels, as_numbers, in_classes
from chainrule.nn.names import look_up

Array = NDArray[Any]

_TASKS: dict[losses.Loss, str] = {
    losses.mse: "regression",
    losses.mae: "regression",
    losses.huber: "regression",
    losses.cosine: "regression",
    losses.kl_div: "regression",
    losses.binary_cross_entropy_with_logits: "binary",
    losses.hinge: "binary",
    losses.cross_entropy: "multiclass",
    losses.nll: "multiclass",
}


def one_vs_rest(logits: Any, labels: Array, reduction: str = "mean") -> Any:
    """The loss of a classifier for each class by itself, "this one or any other", summed over the classes.

    Args:
        logits: shape (rows, classes), for the sigmoid.
        labels: class numbers, shape (rows,).
        reduction: ``"mean"`` over the rows, ``"sum"``, or ``"none"`` for the loss of each row.

    Example:
        >>> round(one_vs_rest(Tensor([[0.0, 0.0, 0.0]]), np.array([2])).item(), 4)
        2.0794
    """
    own = np.arange(ops.shape(logits)[1]) == labels[:, None]
    each = ops.sum(losses.binary_cross_entropy_with_logits(logits, own, reduction="none"), -1)
    return each if reduction == "none" else ops.mean(each) if reduction == "mean" else ops.sum(each)


_LOSSES: dict[str, losses.Loss] = {
    "regression": losses.mse,
    "binary": losses.binary_cross_entropy_with_logits,
    "multiclass": losses.cross_entropy,
    "one_vs_rest": one_vs_rest,
}
CLASSES = ("binary", "multiclass", "one_vs_rest")


def choose(
    loss: str | losses.Loss | None, task: str | None, outputs: Array, y: ArrayLike
) -> tuple[losses.Loss, str]:
    """Return the loss to train with and the task, from what is known.

    Args:
        loss: what the user asked for, if anything.
        task: what the model says of itself, if anything.
        outputs: of a few rows, shape (rows, ...).
        y: the answers.

    Returns:
        A loss function, and ``"multiclass"``, ``"one_vs_rest"``, ``"binary"`` or ``"regression"``.

    Raises:
        ValueError: an unknown name, or a loss of probabilities.

    Example:
        >>> choose(None, None, np.zeros((2, 3)), [2, 0])[1]
        'multiclass'
        >>> choose(None, None, np.zeros((2, 3)), [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])[1]
        'multiclass'
        >>> choose(None, None, np.zeros((2, 1)), [2.5, 0.0])[1]
        'regression'
    """
    if task is not None:
        look_up("task", task, _LOSSES)
    given = None if loss is None else losses.by_name(loss)
    if given is losses.binary_cross_entropy:
        raise ValueError(
            "fit: binary_cross_entropy takes probabilities, but predict and predict_proba take the outputs of a model "
            "for logits; leave the sigmoid out of the model, and pass loss='binary_cross_entropy_with_logits'"
        )
    if given in _TASKS:
        return given, _TASKS[given]
    task = task or _guess(outputs, np.asarray(y))
    return given or _LOSSES[task], task


def _guess(outputs: Array, y: Array) -> str:
    if y.dtype.kind not in "biu":
        return "multiclass" if outputs.ndim == 2 and _one_hot(y) else "regression"
    if outputs.ndim == 2 and outputs.shape[1] > 1:
        return "multiclass"
    return "binary" if ((y == 0) | (y == 1)).all() else "regression"


def _one_hot(y: Array) -> bool:
    """Whether each row is a single 1 among zeros: nobody measures such quantities, whatever the dtype."""
    if y.ndim != 2 or y.shape[1] < 2 or y.dtype.kind != "f":
        return False
    return bool((((y == 0) | (y == 1)).all(axis=1) & (y.sum(axis=1) == 1)).all())


def targets(task: str, outputs: Array, y: ArrayLike, rows: int, where: str) -> Array:
    """Return the answers in the shape and dtype that the task's loss takes beside outputs like these.

    Args:
        task: ``"multiclass"``, ``"one_vs_rest"``, ``"binary"`` or ``"regression"``.
        outputs: of a few rows, shape (rows, ...).
        y: the answers.
        rows: how many rows there are.
        where: the caller, for messages.

    Raises:
        IndexError: a class that the model has no output for.
        ShapeError: the answers do not fit the outputs.
        TypeError: classes that are no integers.

    Example:
        >>> targets("regression", np.zeros((2, 1)), [2.5, 0.0], 2, "fit")
        array([[2.5],
               [0. ]])
    """
    given = as_numbers(where, y, "y")
    if len(given) != rows:
        raise ShapeError(
            f"{where}: X has {rows} rows, but y has {len(given)} (shape {given.shape}); give one answer per row"
        )
    flat = given.shape in ((rows,), (rows, 1))
    per_row = outputs.shape[1:]
    if task in ("multiclass", "one_vs_rest"):
        if len(per_row) == 1 and given.shape == (rows, *per_row) and given.shape != (rows, 1):
            return given.argmax(axis=1) if task == "one_vs_rest" else given.astype(outputs.dtype)  # one-hot
        if flat:
            return _classes(where, given, outputs.shape[-1])
    elif task == "binary":
        if flat and outputs[0].size == 1:
            return _classes(where, given, 2).astype(outputs.dtype).reshape(rows, *per_row)
    elif len(given) == rows and given[0].size == outputs[0].size:
        return given.astype(outputs.dtype).reshape(rows, *per_row)
    advice = "give one number per output, or class numbers as integers"
    raise ShapeError(
        f"{where}: X has {rows} rows and the model gives outputs of shape ({', '.join(map(str, ('rows', *per_row)))}), "
        f"but y has shape {given.shape}, which is no {task} target for them; "
        + (advice if task == "regression" else "give class numbers of shape (rows,)")
    )


def _classes(where: str, y: Array, classes: int) -> Array:
    """Return class numbers as integers; whole floats will do."""
    if y.dtype.kind == "f" and (y == np.round(y)).all():
        y = y.astype(np.int64)
    labels = as_labels(where, y.reshape(-1), "y")
    in_classes(where, labels, classes)
    return labels


def labels(task: str, targets: Array) -> Array:
    """Return the class numbers that targets of classes stand for.

    Example:
        >>> labels("multiclass", np.array([[0.0, 1.0], [1.0, 0.0]]))
        array([1, 0])
    """
    one_hot = task == "multiclass" and targets.ndim == 2
    return (targets.argmax(axis=1) if one_hot else targets.reshape(-1)).astype(np.int64)


def decide(task: str, outputs: Array) -> Array:
    """Return the prediction for each row: the most probable class, or the quantities themselves.

    Example:
        >>> decide("multiclass", np.array([[0.1, 2.0], [3.0, 1.0]]))
        array([1, 0])
    """
    if task in ("multiclass", "one_vs_rest"):
        classes: Array = outputs.argmax(axis=-1)
        return classes
    if task == "binary":
        return (outputs.reshape(len(outputs)) > 0).astype(np.int64)
    return outputs.reshape(len(outputs)) if outputs[0].size == 1 else outputs
