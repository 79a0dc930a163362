"""The metrics of `fit`, by name or as functions of the user's own."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.nn import metrics, predict as predicting, task as tasks
from chainrule.nn.data.check import Array, shown
from chainrule.nn.names import look_up

Measure = Callable[[Array, Array], float]
Metric = Callable[[Any, Any], float]

_OF_CLASSES: dict[str, Callable[..., Any]] = {
    "accuracy": metrics.accuracy,
    "precision": metrics.precision,
    "recall": metrics.recall,
    "f1": metrics.f1,
    "roc_auc": metrics.roc_auc,
}
_OF_QUANTITIES: dict[str, Callable[..., Any]] = {"mse": metrics.mse, "r2": metrics.r2}


def choose(given: Sequence[str | Metric] | None, task: str, outputs: Array) -> dict[str, Measure]:
    """Return what to measure: functions of a model's outputs and the targets, by name.

    Args:
        given: names or functions of (true, predicted), or None for the usual one.
        task: what the outputs mean.
        outputs: of a few rows.

    Raises:
        TypeError: something else.
        ValueError: an unknown name, or one that does not fit the task.

    Example:
        >>> found = choose(["recall"], "binary", np.zeros((2, 1)))
        >>> found["recall"](np.array([[1.0], [-1.0]]), np.array([[1.0], [1.0]]))
        0.5
    """
    known = _OF_QUANTITIES if task == "regression" else _OF_CLASSES
    if given is None:
        name = "r2" if task == "regression" else "accuracy"
        return {name: lambda found, targets: predicting.metric(task, found, targets)}
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise TypeError(f"fit: metrics must be a list of names or functions, got {shown(given)}")
    two = task == "binary" or outputs.shape[-1] == 2
    chosen: dict[str, Measure] = {}
    for metric in given:
        name = metric if isinstance(metric, str) else getattr(metric, "__name__", type(metric).__name__)
        if isinstance(metric, str):
            if name == "roc_auc" and not two:
                raise ValueError(
                    f"fit: roc_auc compares two classes, this model has {outputs.shape[-1]}; use f1"
                )
            function = look_up(f"{'class' if known is _OF_CLASSES else 'regression'} metric", metric, known)
        elif callable(metric):
            function = metric
        else:
            raise TypeError(
                f"fit: a metric is a name or a function of (true, predicted), got {shown(metric)}"
            )
        chosen[name] = _measure(function, task, two)
    return chosen


def _measure(function: Callable[..., Any], task: str, two: bool) -> Measure:
    def measure(found: Array, targets: Array) -> float:
        if task == "regression":
            predicted = tasks.decide(task, found)
            return _number(function, targets.reshape(predicted.shape), predicted)
        true = tasks.labels(task, targets)
        if function is metrics.roc_auc:
            scores = found.reshape(-1) if task == "binary" else found[:, 1] - found[:, 0]
            return _number(function, true, scores)
        predicted = tasks.decide(task, found)
        if function in (metrics.precision, metrics.recall, metrics.f1):
            return _number(function, true, predicted, average="binary" if two else "macro")
        return _number(function, true, predicted)

    return measure


def _number(function: Callable[..., Any], true: Array, predicted: Array, **settings: Any) -> float:
    """Return the number, or NaN where there is none: one class only, one row only, or the model gave NaN."""
    if not np.isfinite(predicted).all():
        return float("nan")
    if function is metrics.roc_auc and len(np.unique(true)) < 2:
        return float("nan")
    if function is metrics.r2 and len(true) < 2:
        return float("nan")
    return float(function(true, predicted, **settings))
