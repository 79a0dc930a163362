"""Metrics against scikit-learn, and against numbers counted by hand."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from chainrule.nn import metrics

REASON = "needs scikit-learn: pip install 'chainrule[sklearn]'"
CLASSES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40)


@given(pairs=CLASSES)
def test_accuracy_and_confusion_same_as_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    peer = pytest.importorskip("sklearn.metrics", reason=REASON)
    true, predicted = zip(*pairs, strict=True)
    assert metrics.accuracy(true, predicted) == pytest.approx(peer.accuracy_score(true, predicted))
    np.testing.assert_array_equal(
        metrics.confusion_matrix(true, predicted, 4), peer.confusion_matrix(true, predicted, labels=range(4))
    )


@pytest.mark.parametrize("average", ["macro", "micro", "weighted", None])
@pytest.mark.parametrize("name", ["precision", "recall", "f1"])
@given(pairs=CLASSES)
def test_precision_recall_f1_same_as_scikit_learn(
    name: str, average: Any, pairs: list[tuple[int, int]]
) -> None:
    peer = pytest.importorskip("sklearn.metrics", reason=REASON)
    true, predicted = zip(*pairs, strict=True)
    labels = range(max(true + predicted) + 1) if average is None else None
    expected = getattr(peer, f"{name}_score")(
        true, predicted, labels=labels, average=average, zero_division=0
    )
    found = getattr(metrics, name)(true, predicted, average=average)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["precision", "recall", "f1"])
@given(pairs=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=40))
def test_binary_same_as_scikit_learn(name: str, pairs: list[tuple[int, int]]) -> None:
    peer = pytest.importorskip("sklearn.metrics", reason=REASON)
    true, predicted = zip(*pairs, strict=True)
    expected = getattr(peer, f"{name}_score")(true, predicted, zero_division=0)
    found = getattr(metrics, name)(np.array(true, dtype=bool), np.array(predicted, dtype=np.uint8))
    assert found == pytest.approx(expected, rel=1e-12)


@given(rows=st.lists(st.tuples(st.integers(0, 1), st.integers(-3, 3)), min_size=2, max_size=40))
def test_roc_auc_same_as_scikit_learn(rows: list[tuple[int, int]]) -> None:
    peer = pytest.importorskip("sklearn.metrics", reason=REASON)
    true, scores = zip(*rows, strict=True)
    if len(set(true)) == 2:
        assert metrics.roc_auc(true, scores) == pytest.approx(peer.roc_auc_score(true, scores), rel=1e-12)


def test_roc_auc_counts_pairs() -> None:
    rng = np.random.default_rng(0)
    true, scores = rng.integers(0, 2, 60), rng.integers(0, 9, 60)
    high, low = scores[true == 1], scores[true == 0]
    pairs = np.mean((high[:, None] > low) + 0.5 * (high[:, None] == low))
    assert metrics.roc_auc(true, scores) == pytest.approx(pairs, rel=1e-12)


@pytest.mark.parametrize("shape", [(30,), (30, 3)])
def test_mse_and_r2_same_as_scikit_learn(shape: tuple[int, ...]) -> None:
    peer = pytest.importorskip("sklearn.metrics", reason=REASON)
    rng = np.random.default_rng(0)
    true = rng.normal(size=shape)
    predicted = true + rng.normal(size=shape)
    assert metrics.mse(true, predicted) == pytest.approx(peer.mean_squared_error(true, predicted), rel=1e-12)
    assert metrics.r2(true, predicted) == pytest.approx(peer.r2_score(true, predicted), rel=1e-12)


@pytest.mark.parametrize(("predicted", "expected"), [([0.1, 0.1, 0.1], 1), ([0.1, 0.1, 0.2], 0)])
def test_r2_of_a_constant(predicted: list[float], expected: float) -> None:
    # The mean of three 0.1s is not 0.1 in floats; a spread of that size must not be divided by.
    assert metrics.r2([0.1] * 3, predicted) == expected


def test_float32_is_summed_in_float64() -> None:
    true = np.full(1_000_000, 1.1, dtype=np.float32)
    assert metrics.mse(true, np.zeros_like(true)) == pytest.approx(float(true[0]) ** 2, rel=1e-12)


def test_integers_do_not_wrap_around() -> None:
    assert metrics.mse(np.array([0], dtype=np.uint8), np.array([255], dtype=np.uint8)) == 255**2


@pytest.mark.parametrize(
    "name", ["accuracy", "confusion_matrix", "precision", "recall", "f1", "mse", "r2", "roc_auc"]
)
@pytest.mark.parametrize(
    ("true", "predicted", "error", "message"),
    [
        ([0, 1], [0, 1, 1], ValueError, r"true values of shape \(2,\) against predictions of shape \(3,\)"),
        ([0, 1], [[0], [1]], ValueError, r"reshape one of them|y_pred\.argmax\(axis=1\)"),
        ([], [], ValueError, "y_true is empty"),
        (["a", "b"], [0, 1], TypeError, "got dtype <U1"),
        ([0, 1], [0, np.nan], ValueError, "has nan at 1"),
        ([0, 1], [0, None], TypeError, "must hold numbers, got dtype object"),
    ],
)
def test_bad_input(name: str, true: Any, predicted: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"{name}: .*({message})"):
        getattr(metrics, name)(true, predicted)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: metrics.accuracy([0, 1], [[0.2, 0.8], [0.6, 0.4]]),
            ValueError,
            r"take y_pred\.argmax\(axis=1\)",
        ),
        (
            lambda: metrics.accuracy([0, 1], [0.2, 0.8]),
            TypeError,
            "y_pred must be integers, got dtype float64",
        ),
        (
            lambda: metrics.accuracy([[0, 1]], [[0, 1]]),
            ValueError,
            r"needs one value per row, shape \(n,\), got \(1, 2\)",
        ),
        (
            lambda: metrics.confusion_matrix([0, -1], [0, 0]),
            IndexError,
            r"true class -1 at row 1 is outside 0\.\.0",
        ),
        (
            lambda: metrics.confusion_matrix([0, 1], [0, 3], 3),
            IndexError,
            r"predicted class 3 at row 1 is outside 0\.\.2",
        ),
        (lambda: metrics.confusion_matrix([0], [0], 0), ValueError, "n_classes must be at least 1, got 0"),
        (
            lambda: metrics.f1([0, 2], [0, 1]),
            ValueError,
            "average='binary' is for the classes 0 and 1, got 3 classes; pass",
        ),
        (lambda: metrics.f1([0, 1], [0, 1], average="mean"), ValueError, "average must be .* got 'mean'"),  # type: ignore[arg-type]
        (lambda: metrics.roc_auc([1, 1], [0.1, 0.2]), ValueError, "got 0 of class 0 and 2 of class 1"),
        (
            lambda: metrics.roc_auc([0, 2], [0.1, 0.2]),
            IndexError,
            r"roc_auc: label 2 at row 1 is outside 0\.\.1",
        ),
        (lambda: metrics.roc_auc([0.0, 1.0], [0.1, 0.2]), TypeError, "y_true must be integers"),
        (lambda: metrics.r2([1.0], [1.0]), ValueError, "r2: needs at least 2 rows"),
    ],
)
def test_bad_arguments(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
