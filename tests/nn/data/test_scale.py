"""Normalisers against scikit-learn, and where columns are constant, huge or strangely shaped."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from chainrule.nn import data

ALL: list[Any] = [data.Standardize, data.MinMax, data.L2]
COLUMNS: list[Any] = [data.Standardize, data.MinMax]
PEER = {"Standardize": "StandardScaler", "MinMax": "MinMaxScaler", "L2": "Normalizer"}


@pytest.mark.parametrize("scaler", ALL)
@pytest.mark.parametrize("name", ["wine", "breast_cancer", "digits"])
def test_same_as_scikit_learn(scaler: Any, name: str) -> None:
    sklearn = pytest.importorskip(
        "sklearn.preprocessing", reason="needs scikit-learn: pip install 'chainrule[sklearn]'"
    )
    rows = getattr(data, f"load_{name}")().X.astype(np.float64)
    train, test = rows[::2], rows[1::2]
    ours, theirs = scaler().fit(train), getattr(sklearn, PEER[scaler.__name__])().fit(train)
    np.testing.assert_allclose(ours.transform(test), theirs.transform(test), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("scaler", COLUMNS)
@given(rows=arrays(np.float64, (5, 3), elements=st.floats(-1e6, 1e6)))
def test_inverse(scaler: Any, rows: Any) -> None:
    fitted = scaler().fit(rows)
    np.testing.assert_allclose(fitted.inverse_transform(fitted.transform(rows)), rows, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("scaler", COLUMNS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("constant", [0.1, 1 / 3, 1e30, 0.0])
def test_a_constant_column_becomes_zero(scaler: Any, dtype: Any, constant: float) -> None:
    # The naive mean of a thousand 0.1s is not 0.1, and dividing by their std would blow the rounding up.
    rows = np.full((1000, 1), constant, dtype=dtype)
    fitted = scaler().fit(rows)
    assert not fitted.transform(rows).any()
    assert fitted.transform(rows + 1).max() == (1 if constant < 1e9 else 0)


@pytest.mark.parametrize("scaler", ALL)
@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_no_overflow_and_no_underflow(scaler: Any, size: float) -> None:
    rows = np.array([[1.0, 2.0], [3.0, 5.0], [2.0, 8.0]])
    np.testing.assert_allclose(scaler().fit_transform(rows * size), scaler().fit_transform(rows), rtol=1e-12)


@pytest.mark.parametrize("scaler", ALL)
@pytest.mark.parametrize(
    ("given_dtype", "dtype"), [("f4", "f4"), ("f8", "f8"), ("u1", "f4"), ("i8", "f4"), ("?", "f4")]
)
def test_dtype(scaler: Any, given_dtype: str, dtype: str) -> None:
    rows = np.array([[0, 1], [1, 1]], dtype=given_dtype)
    fitted = scaler().fit(rows)
    assert fitted.transform(rows).dtype == dtype
    if scaler in COLUMNS:
        assert fitted.inverse_transform(fitted.transform(rows)).dtype == dtype


def test_smallest_integer_has_a_length() -> None:
    np.testing.assert_allclose(data.L2().fit_transform(np.array([[-128, 0]], dtype=np.int8)), [[-1, 0]])


def test_float32_statistics_are_taken_in_float64() -> None:
    rows = np.full((100_000, 1), 1000.1, dtype=np.float32)
    rows[::2] += 1
    fitted = data.Standardize().fit(rows)
    assert fitted.shift[0] == pytest.approx(rows.mean(dtype=np.float64), rel=1e-12)
    assert fitted.scale[0] == pytest.approx(rows.std(dtype=np.float64), rel=1e-9)


@pytest.mark.parametrize("scaler", COLUMNS)
def test_images_and_single_numbers_per_row(scaler: Any) -> None:
    images = np.random.default_rng(0).random((6, 4, 3))
    flat = data.flatten_images(images)
    np.testing.assert_array_equal(
        data.flatten_images(scaler().fit_transform(images)), scaler().fit_transform(flat)
    )
    y = images[:, 0, 0]
    np.testing.assert_array_equal(scaler().fit_transform(y), scaler().fit_transform(y[:, None])[:, 0])


@pytest.mark.parametrize("scaler", ALL)
def test_copies_and_pickles(scaler: Any) -> None:
    rows = np.array([[1.0, 2.0], [3.0, 5.0]])
    fitted = scaler().fit(rows)
    for twin in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):  # noqa: S301
        np.testing.assert_array_equal(twin.transform(rows), fitted.transform(rows))


@pytest.mark.parametrize("scaler", ALL)
def test_bad_input(scaler: Any) -> None:
    name = scaler.__name__
    with pytest.raises(
        RuntimeError, match=rf"{name}\(\)\.transform: it has no statistics yet; call fit\(X_train\)"
    ):
        scaler().transform([[1.0]])
    fitted = scaler().fit([[1.0, 2.0]])
    with pytest.raises(
        ValueError, match=r"transform: fitted on rows of shape \(2,\), got rows of shape \(3,\)"
    ):
        fitted.transform([[1.0, 2.0, 3.0]])
    with pytest.raises(ValueError, match=rf"{name}\(\)\.fit: X has nan at \(0, 1\)"):
        scaler().fit([[1.0, np.nan]])
    with pytest.raises(ValueError, match="transform: X has inf at"):
        fitted.transform([[1.0, np.inf]])
    with pytest.raises(ValueError, match="fit: X is empty"):
        scaler().fit(np.zeros((0, 2)))
    with pytest.raises(TypeError, match="fit: X must hold numbers, got dtype <U1"):
        scaler().fit([["a"]])


def test_l2_needs_columns() -> None:
    with pytest.raises(ValueError, match=r"L2\(\)\.fit: X must be \(rows, columns\), got shape \(2,\)"):
        data.L2().fit([1.0, 2.0])


def test_flatten_is_a_view_in_c_order() -> None:
    images = np.arange(24).reshape(2, 3, 4)
    flat = data.flatten_images(images)
    assert np.shares_memory(flat, images)
    assert flat[1].tolist() == list(range(12, 24))
    with pytest.raises(
        ValueError, match=r"flatten_images: images must be \(n, height, width, ...\), got shape \(3,\)"
    ):
        data.flatten_images([1, 2, 3])
