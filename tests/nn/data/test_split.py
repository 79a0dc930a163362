"""Every row lands in exactly one part, and classes keep their shares."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from chainrule.nn import data

X = np.arange(40.0).reshape(20, 2)
Y = np.array([0] * 10 + [1] * 6 + [2] * 4)


def test_rows_stay_together_and_none_is_lost() -> None:
    X_train, X_test, y_train, y_test = data.train_test_split(X, X[:, 0], seed=0)
    assert len(X_test) == 5
    assert sorted([*X_train[:, 0], *X_test[:, 0]]) == X[:, 0].tolist()
    np.testing.assert_array_equal(X_train[:, 0], y_train)
    np.testing.assert_array_equal(X_test[:, 0], y_test)


def test_seed() -> None:
    one, again, other = (data.train_test_split(X, seed=seed)[1] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


@given(n=st.integers(2, 60), share=st.integers(1, 99).map(lambda percent: percent / 100))
def test_sizes_are_those_of_scikit_learn(n: int, share: float) -> None:
    n_test = int(np.ceil(share * n - 1e-9))
    if n_test < n:
        assert len(data.train_test_split(np.zeros(n), test_size=share)[1]) == n_test


def test_a_whole_product_is_not_rounded_up() -> None:
    assert 0.07 * 100 > 7
    assert len(data.train_test_split(np.zeros(100), test_size=0.07)[1]) == 7


def test_test_size_may_be_a_number_of_rows() -> None:
    assert len(data.train_test_split(X, test_size=3)[1]) == 3
    assert len(data.train_test_split(X, test_size=np.int64(3))[1]) == 3


@given(
    counts=st.lists(st.integers(2, 30), min_size=2, max_size=5),
    share=st.integers(10, 90).map(lambda percent: percent / 100),
    seed=st.integers(0, 100),
)
def test_stratified_parts_keep_the_shares(counts: list[int], share: float, seed: int) -> None:
    y = np.repeat(np.arange(len(counts)), counts)
    n, n_test = len(y), int(np.ceil(share * len(y) - 1e-9))
    if not len(counts) <= n_test <= n - len(counts):
        return
    train, test = data.train_test_split(np.arange(n), test_size=share, stratify=y, seed=seed)
    assert sorted([*train, *test]) == list(range(n))
    assert len(test) == n_test
    found = np.bincount(y[test], minlength=len(counts))
    assert np.abs(found - np.array(counts) * n_test / n).max() < 1


def test_stratified_rows_come_in_random_order() -> None:
    y = np.repeat(np.arange(10), 20)
    firsts = [data.train_test_split(y, stratify=y, seed=seed)[0][:2] for seed in range(300)]
    assert np.mean([a == b for a, b in firsts]) < 0.2  # one in ten, were it not for chance


def test_stratified_counts_of_digits_are_those_of_scikit_learn() -> None:
    sklearn = pytest.importorskip(
        "sklearn.model_selection", reason="needs scikit-learn: pip install 'chainrule[sklearn]'"
    )
    y = data.load_digits().y
    ours = data.train_test_split(y, stratify=y, seed=0)[1]
    theirs = sklearn.train_test_split(y, stratify=y, random_state=0)[1]
    assert len(ours) == len(theirs) == 450
    assert np.abs(np.bincount(ours) - np.bincount(theirs)).max() <= 1


def test_stratify_takes_words() -> None:
    words = np.array(["cat", "dog"])[Y % 2]
    _, test = data.train_test_split(words, stratify=words, test_size=0.5, seed=0)
    assert (test == "cat").sum() == 7


@pytest.mark.parametrize("stratify", [None, Y])
def test_folds_cover_every_row_once(stratify: Any) -> None:
    folds = list(data.k_fold(X, 4, stratify=stratify, seed=0))
    assert len(folds) == 4
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(20))
    for train, test in folds:
        assert sorted([*train, *test]) == list(range(20))
        assert len(test) == 5
        if stratify is not None:
            assert np.abs(np.bincount(Y[test], minlength=3) - np.array([2.5, 1.5, 1])).max() < 1


def test_folds_are_drawn_by_the_seed() -> None:
    folds = [[test.tolist() for _, test in data.k_fold(X, seed=seed)] for seed in (1, 1, 2)]
    assert folds[0] == folds[1] != folds[2]


def test_folds_of_uneven_sizes_differ_by_one() -> None:
    sizes = [len(test) for _, test in data.k_fold(np.zeros(23), 5, stratify=np.arange(23) % 2)]
    assert sorted(sizes) == [4, 4, 5, 5, 5]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (data.train_test_split, TypeError, "give it at least one array"),
        (lambda: data.train_test_split(X, Y[:5]), ValueError, "array 0 has 20, array 1 has 5"),
        (lambda: data.train_test_split([]), ValueError, "array 0 is empty"),
        (lambda: data.train_test_split(X, test_size=0.0), ValueError, "must lie between 0 and 1, got 0.0"),
        (lambda: data.train_test_split(X, test_size=1.5), ValueError, "must lie between 0 and 1, got 1.5"),
        (lambda: data.train_test_split(X, test_size=float("nan")), ValueError, "between 0 and 1, got nan"),
        (lambda: data.train_test_split(X, test_size=0), ValueError, "test_size must be at least 1, got 0"),
        (lambda: data.train_test_split(X, test_size=20), ValueError, "test_size=20 of 20 rows leaves none"),
        (lambda: data.train_test_split(X[:1]), ValueError, "of 1 rows leaves none to train on"),
        (
            lambda: data.train_test_split(X, stratify=Y[:5]),
            ValueError,
            r"shape \(20,\), one class per row, got \(5,\)",
        ),
        (lambda: data.train_test_split(X[:3], stratify=[0, 0, 7]), ValueError, "class 7 has 1 of the 2 rows"),
        (
            lambda: data.train_test_split(X, stratify=Y, test_size=2),
            ValueError,
            "3 classes don't fit into 2 test and 18 training rows",
        ),
        (lambda: data.k_fold(X, 1), ValueError, "k_fold: k must be at least 2, got 1"),
        (lambda: data.k_fold(X, 2.5), TypeError, "k_fold: k must be a whole number"),  # type: ignore[arg-type]
        (lambda: data.k_fold(X, 21), ValueError, "20 rows cannot fill 21 parts; use k=20 or fewer"),
        (lambda: data.k_fold(X, 5, stratify=Y), ValueError, "class 2 has 4 of the 5 rows that it needs"),
        (lambda: data.k_fold([], 2), ValueError, "k_fold: rows is empty"),
    ],
)
def test_bad_arguments(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
