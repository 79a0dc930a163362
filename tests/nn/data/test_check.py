"""Bad arrays are named by the caller, the argument and the place."""

from typing import Any

import numpy as np
import pytest

from chainrule.nn.data import check


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ([], ValueError, r"f: X is empty \(shape \(0,\)\); it needs at least one row"),
        (np.zeros((3, 0)), ValueError, r"f: X is empty \(shape \(3, 0\)\)"),
        (5.0, ValueError, r"f: X must have rows, got the single value 5\.0$"),
        ([[1, 2], [3]], ValueError, r"f: X is ragged: row 1 has shape \(1,\), row 0 has \(2,\)"),
        ([[[1], [2]], [[1], [2, 3]]], ValueError, "f: X is ragged: its rows differ in depth"),
        (["a", "b"], TypeError, r"f: X must hold numbers, got dtype <U1; encode categories"),
        ([1, None], TypeError, "f: X must hold numbers, got dtype object"),
        ([1j], TypeError, "got dtype complex128"),
        ([0.0, np.nan], ValueError, "f: X has nan at 1; fill in or drop"),
        ([[0.0, 1.0], [np.inf, 0.0]], ValueError, r"f: X has inf at \(1, 0\)"),
    ],
)
def test_as_numbers_names_what_is_wrong(values: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        check.as_numbers("f", values)


def test_as_numbers_does_not_copy_and_may_let_nan_pass() -> None:
    array = np.array([1.0, np.nan])
    assert check.as_numbers("f", array, finite=False) is array


@pytest.mark.parametrize("values", [[0.0, 1.0], ["a"], [None]])
def test_as_labels_wants_integers(values: Any) -> None:
    with pytest.raises(TypeError, match="f: labels must be integers, got dtype"):
        check.as_labels("f", values)


def test_as_labels_takes_any_integer_dtype() -> None:
    labels = check.as_labels("f", np.array([1, 2], dtype=np.uint8))
    assert labels.dtype == np.int64
    assert labels.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("labels", "place"), [([0, 3], "label 3 at row 1"), ([[0, 1], [-2, 0]], r"label -2 at row \(1, 0\)")]
)
def test_in_classes_names_the_first_label_outside(labels: Any, place: str) -> None:
    with pytest.raises(IndexError, match=rf"f: {place} is outside 0\.\.2"):
        check.in_classes("f", np.array(labels), 3)


def test_same_length_names_every_length() -> None:
    with pytest.raises(ValueError, match="f: every array needs the same number of rows; X has 2, y has 3"):
        check.same_length("f", X=[1, 2], y=[1, 2, 3])


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [(0, ValueError, "n must be at least 1, got 0"), (1.5, TypeError, "n must be a whole number, got 1.5")],
)
def test_as_count(value: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"f: {message}"):
        check.as_count("f", value, "n")


@pytest.mark.parametrize("value", [-0.1, np.nan, np.inf])
def test_as_amount(value: float) -> None:
    with pytest.raises(ValueError, match="f: noise must be a finite number of at least 0"):
        check.as_amount("f", value, "noise")


def test_generator_takes_a_number_a_generator_or_nothing() -> None:
    rng = np.random.default_rng(3)
    assert check.generator("f", rng) is rng
    assert check.generator("f", 7).random() == np.random.default_rng(7).random()
    assert check.generator("f", None).random() != check.generator("f", None).random()
    with pytest.raises(ValueError, match="f: seed must be at least 0, got -1"):
        check.generator("f", -1)
    with pytest.raises(TypeError, match="f: seed must be a whole number, got 'x'"):
        check.generator("f", "x")  # type: ignore[arg-type]
