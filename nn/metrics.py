"""How good predictions are: plain arrays in, numbers out. The true values always come first.

Class metrics take class numbers; from probabilities or logits, make them with `.argmax(axis=1)`.
"""

from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.nn.data.check import Array, Labels, as_count, as_labels, as_numbers, in_classes

Average: TypeAlias = Literal["binary", "macro", "micro", "weighted"] | None
Score: TypeAlias = float | NDArray[np.float64]


def accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Share of the predictions that are right.

    Args:
        y_true: the right class numbers, shape (n,).
        y_pred: the predicted ones, shape (n,).

    Raises:
        ValueError: different shapes, or probabilities instead of class numbers.

    >>> accuracy([0, 1, 2, 2], [0, 1, 2, 0])
    0.75
    """
    true, predicted = _label_pair("accuracy", y_true, y_pred)
    return float(np.mean(true == predicted))


def confusion_matrix(y_true: ArrayLike, y_pred: ArrayLike, n_classes: int | None = None) -> Labels:
    """How often each true class (row) was predicted as each class (column).

    Args:
        y_true: the right class numbers, from 0, shape (n,).
        y_pred: the predicted ones, shape (n,).
        n_classes: number of classes; by default the largest class number + 1.

    Returns:
        int64 of shape (n_classes, n_classes).

    Raises:
        IndexError: a class number outside 0..n_classes-1.
        ValueError: different shapes.

    >>> confusion_matrix([0, 1, 2, 2], [0, 1, 2, 0])
    array([[1, 0, 0],
           [0, 1, 0],
           [1, 0, 1]])
    """
    return _confusion("confusion_matrix", y_true, y_pred, n_classes)


def precision(y_true: ArrayLike, y_pred: ArrayLike, *, average: Average = "binary") -> Score:
    """Of what was predicted as a class, the share that is of that class: TP / (TP + FP).

    Args:
        y_true: the right class numbers, from 0, shape (n,).
        y_pred: the predicted ones, shape (n,).
        average: "binary" (class 1 of two), "macro" (mean over the classes), "weighted" (mean weighted by the
            true rows of each class), "micro" (all counted together), or None (one number per class).

    Returns:
        A float, or with None float64 of shape (classes,). A share of nothing counts as 0. Classes that occur
        neither in `y_true` nor in `y_pred` are left out of the macro mean.

    Raises:
        ValueError: different shapes, or more than two classes with "binary".
        IndexError: a negative class number.

    >>> precision([0, 1, 1, 1], [1, 1, 1, 0])
    0.6666666666666666
    """
    return _averaged("precision", y_true, y_pred, average, lambda tp, fp, fn: _share(tp, tp + fp))


def recall(y_true: ArrayLike, y_pred: ArrayLike, *, average: Average = "binary") -> Score:
    """Of what is of a class, the share that was predicted as it: TP / (TP + FN). Arguments as in `precision`.

    >>> recall([0, 1, 1, 1, 1], [1, 1, 1, 1, 0])
    0.75
    """
    return _averaged("recall", y_true, y_pred, average, lambda tp, fp, fn: _share(tp, tp + fn))


def f1(y_true: ArrayLike, y_pred: ArrayLike, *, average: Average = "binary") -> Score:
    """Harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN). Arguments as in `precision`.

    >>> f1([0, 1, 2, 2], [0, 1, 2, 0], average="macro")
    0.7777777777777777
    """
    return _averaged("f1", y_true, y_pred, average, lambda tp, fp, fn: _share(2 * tp, 2 * tp + fp + fn))


def roc_auc(y_true: ArrayLike, scores: ArrayLike) -> float:
    """Probability that a row of class 1 scores higher than one of class 0 (a tie counts half).

    It is the area under the ROC curve, computed from the ranks (Hanley and McNeil 1982).

    Args:
        y_true: the classes 0 and 1, shape (n,).
        scores: probability, logit or any number that rises with the belief in class 1, shape (n,).

    Raises:
        ValueError: different shapes, or only one class present.
        IndexError: a class other than 0 and 1.

    >>> roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    true = as_labels("roc_auc", y_true, "y_true")
    ranked = as_numbers("roc_auc", scores, "scores")
    _same_shape("roc_auc", true, ranked, flat=True)
    in_classes("roc_auc", true, 2)
    positive = int(true.sum())
    negative = len(true) - positive
    if positive == 0 or negative == 0:
        raise ValueError(
            f"roc_auc: needs rows of both classes, got {negative} of class 0 and {positive} of class 1"
        )
    _, group, counts = np.unique(ranked, return_inverse=True, return_counts=True)
    middle_rank = np.cumsum(counts) - (counts - 1) / 2
    rank_sum = middle_rank[group][true == 1].sum()
    return float((rank_sum - positive * (positive + 1) / 2) / (positive * negative))


def mse(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Mean squared error, over all entries: mean((y_true - y_pred)^2).

    Args:
        y_true: the right numbers, of any shape.
        y_pred: the predicted ones, of the same shape.

    Raises:
        ValueError: different shapes.

    >>> mse([1.0, 2.0], [1.0, 4.0])
    2.0
    """
    true, predicted = _number_pair("mse", y_true, y_pred)
    return float(np.mean((true - predicted) ** 2))


def r2(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Coefficient of determination: 1 - sum((y_true - y_pred)^2) / sum((y_true - mean)^2).

    1 is perfect, 0 no better than the mean. With several columns, the mean over them. A constant column
    counts 1 if predicted exactly, else 0.

    Args:
        y_true: the right numbers, shape (n,) or (n, columns), n at least 2.
        y_pred: the predicted ones, of the same shape.

    Raises:
        ValueError: different shapes, or fewer than 2 rows.

    >>> r2([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    0.5
    """
    true, predicted = _number_pair("r2", y_true, y_pred)
    if len(true) < 2:
        raise ValueError("r2: needs at least 2 rows; a single one has no spread to explain")
    error = ((true - predicted) ** 2).sum(axis=0)
    spread = np.where(
        true.max(axis=0) == true.min(axis=0), 0.0, ((true - true.mean(axis=0)) ** 2).sum(axis=0)
    )
    constant = np.where(error == 0, 1.0, 0.0)
    return float(np.mean(np.where(spread == 0, constant, 1 - error / np.where(spread == 0, 1.0, spread))))


def _averaged(
    where: str,
    y_true: ArrayLike,
    y_pred: ArrayLike,
    average: Average,
    score: Callable[[Array, Array, Array], Array],
) -> Score:
    if average not in ("binary", "macro", "micro", "weighted", None):
        raise ValueError(
            f"{where}: average must be 'binary', 'macro', 'micro', 'weighted' or None, got {average!r}"
        )
    matrix = _confusion(where, y_true, y_pred, None)
    if average == "binary":
        if len(matrix) > 2:
            raise ValueError(
                f"{where}: average='binary' is for the classes 0 and 1, got {len(matrix)} classes; "
                "pass average='macro', 'micro', 'weighted' or None"
            )
        matrix = np.pad(matrix, (0, 2 - len(matrix)))
    tp = np.diag(matrix)
    fp, fn, rows = matrix.sum(axis=0) - tp, matrix.sum(axis=1) - tp, matrix.sum(axis=1)
    if average == "micro":
        return float(score(tp.sum(), fp.sum(), fn.sum()))
    each = score(tp, fp, fn)
    if average == "binary":
        return float(each[1])
    if average == "macro":
        return float(each[rows + fp > 0].mean())
    if average == "weighted":
        return float(np.average(each, weights=rows))
    return each


def _share(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.zeros(np.shape(whole)), where=np.asarray(whole) != 0)


def _confusion(where: str, y_true: ArrayLike, y_pred: ArrayLike, n_classes: int | None) -> Labels:
    true, predicted = _label_pair(where, y_true, y_pred)
    largest = int(max(true.max(), predicted.max()))
    n = max(largest + 1, 1) if n_classes is None else as_count(where, n_classes, "n_classes")
    in_classes(where, true, n, "true class")
    in_classes(where, predicted, n, "predicted class")
    return np.bincount(true * n + predicted, minlength=n * n).reshape(n, n)


def _label_pair(where: str, y_true: ArrayLike, y_pred: ArrayLike) -> tuple[Labels, Labels]:
    true, predicted = as_numbers(where, y_true, "y_true"), as_numbers(where, y_pred, "y_pred")
    if true.ndim == 1 and predicted.ndim == 2:
        raise ValueError(
            f"{where}: y_pred must be class numbers, got shape {predicted.shape}; "
            "from one column per class take y_pred.argmax(axis=1)"
        )
    _same_shape(where, true, predicted, flat=True)
    return as_labels(where, true, "y_true"), as_labels(where, predicted, "y_pred")


def _number_pair(where: str, y_true: ArrayLike, y_pred: ArrayLike) -> tuple[Array, Array]:
    true, predicted = as_numbers(where, y_true, "y_true"), as_numbers(where, y_pred, "y_pred")
    _same_shape(where, true, predicted)
    return true.astype(np.float64), predicted.astype(np.float64)


def _same_shape(where: str, true: Array, predicted: Array, *, flat: bool = False) -> None:
    if true.shape != predicted.shape:
        raise ValueError(
            f"{where}: true values of shape {true.shape} against predictions of shape {predicted.shape}; "
            "both need the same shape, so reshape one of them"
        )
    if flat and true.ndim != 1:
        raise ValueError(f"{where}: needs one value per row, shape (n,), got {true.shape}; use .ravel()")
