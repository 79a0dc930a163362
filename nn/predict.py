"""Using a trained model: outputs, predictions, probabilities, scores."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.autograd import ops
from chainrule.autograd.mode import no_grad
from chainrule.nn import metrics, task as tasks
from chainrule.nn.data.check import as_numbers

if TYPE_CHECKING:
    from chainrule.nn.module import Module

Array = NDArray[Any]

ROWS = 8192  # at a time, so that the hidden layers of a long table need little memory


def outputs(model: "Module", X: ArrayLike, where: str) -> Array:
    """Return what the model gives for each row, in eval mode and with no graph.

    Args:
        model: any module.
        X: shape (rows, ...).
        where: the caller, for messages.
    """
    rows = as_numbers(where, X)
    training = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with no_grad(), np.errstate(all="ignore"):
            parts = [_plain(model(rows[i : i + ROWS])) for i in range(0, len(rows), ROWS)]
    finally:
        for module, on in training:
            module.training = on
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def predict(model: "Module", X: ArrayLike) -> Array:
    """See `Module.predict`."""
    return tasks.decide(_task(model, "predict"), outputs(model, X, "predict"))


def predict_proba(model: "Module", X: ArrayLike) -> Array:
    """See `Module.predict_proba`."""
    task = _task(model, "predict_proba")
    if task == "regression":
        raise RuntimeError("predict_proba: this model predicts quantities, not classes; use predict")
    logits = outputs(model, X, "predict_proba")
    if task == "multiclass":
        probabilities: Array = ops.softmax(logits)
        return probabilities
    if task == "one_vs_rest":
        each: Array = ops.sigmoid(logits)
        return np.asarray(each / each.sum(axis=1, keepdims=True))
    one: Array = ops.sigmoid(logits.reshape(len(logits)))
    return np.stack([1 - one, one], axis=1)


def score(model: "Module", X: ArrayLike, y: ArrayLike) -> float:
    """See `Module.score`."""
    task, found = _task(model, "score"), outputs(model, X, "score")
    return metric(task, found, tasks.targets(task, found, y, len(found), "score"))


def metric(task: str, found: Array, targets: Array) -> float:
    """Return the accuracy of outputs, or for quantities R²; `targets` are those of `task.targets`."""
    predictions = tasks.decide(task, found)
    if task == "regression":
        if len(predictions) < 2 or not np.isfinite(predictions).all():
            return float("nan")
        return metrics.r2(targets.reshape(predictions.shape), predictions)
    return metrics.accuracy(tasks.labels(task, targets), predictions)


def _task(model: "Module", where: str) -> str:
    if model.task is None:
        raise RuntimeError(
            f"{where}: it is not known yet what the outputs of this {type(model).__name__} mean; call fit first, "
            'or set model.task to "multiclass", "one_vs_rest", "binary" or "regression"'
        )
    return model.task


def _plain(result: Any) -> Array:
    return result._data if hasattr(result, "_data") else np.asarray(result)
