"""Splitting rows into parts to learn from and parts to be judged on."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from chainrule.nn.data.check import Array, Labels, Seed, as_array, as_count, generator, same_length


def train_test_split(
    *arrays: ArrayLike, test_size: float = 0.25, stratify: ArrayLike | None = None, seed: Seed = None
) -> tuple[Array, ...]:
    """Split the rows of one or more arrays, at random, into a part to train on and a part to test on.

    Args:
        *arrays: arrays with the same number of rows, usually X and y.
        test_size: the share of rows to test on (a float between 0 and 1, rounded up to whole rows) or their
            number (a whole number).
        stratify: one class per row; each class is then split in the same proportion.
        seed: number or generator that makes the split repeatable.

    Returns:
        For each array its training and its test part: `X_train, X_test, y_train, y_test`.

    Raises:
        ValueError: arrays of different lengths, an empty part, or a class with fewer than 2 rows.

    >>> X, y = np.arange(8.0).reshape(4, 2), np.array([0, 0, 1, 1])
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, stratify=y, seed=0)
    >>> X_train.shape, X_test.shape, np.bincount(y_test)
    ((2, 2), (2, 2), array([1, 1]))
    """
    where = "train_test_split"
    if not arrays:
        raise TypeError(f"{where}: give it at least one array, such as X, y")
    rows = [as_array(where, array, f"array {i}") for i, array in enumerate(arrays)]
    n = same_length(where, **{f"array {i}": array for i, array in enumerate(rows)})
    n_test = _test_rows(where, n, test_size)
    rng = generator(where, seed)
    if stratify is None:
        order = rng.permutation(n)
    else:
        order = _stratified_order(where, _classes(where, stratify, n), n_test, rng)
    return tuple(part for array in rows for part in (array[order[n_test:]], array[order[:n_test]]))


def k_fold(
    rows: ArrayLike, k: int = 5, *, stratify: ArrayLike | None = None, seed: Seed = None
) -> Iterator[tuple[Labels, Labels]]:
    """Cut the rows, at random, into k parts, and let each in turn be the test part.

    Args:
        rows: the data, or any array with one entry per row; only its length counts.
        k: number of parts; their sizes differ by one at most (with `stratify`, in each class).
        stratify: one class per row; each part then gets the same share of each class.
        seed: number or generator that makes the parts repeatable.

    Returns:
        An iterator of k pairs (row numbers to train on, row numbers to test on), each in rising order.

    Raises:
        ValueError: fewer than 2 parts, more parts than rows, or a class with fewer than k rows.

    >>> for train, test in k_fold(np.zeros(6), 3, seed=0):
    ...     print(train, test)
    [0 1 2 5] [3 4]
    [1 3 4 5] [0 2]
    [0 2 3 4] [1 5]
    """
    where = "k_fold"
    n = len(as_array(where, rows, "rows"))
    if as_count(where, k, "k", least=2) > n:
        raise ValueError(f"{where}: {n} rows cannot fill {k} parts; use k={n} or fewer")
    rng = generator(where, seed)
    part = np.empty(n, dtype=np.int64)
    if stratify is None:
        part[rng.permutation(n)] = np.arange(n) % k
    else:
        # Dealing class after class without a pause keeps the sizes of the parts equal too.
        classes = _classes(where, stratify, n, least=k)
        order = rng.permutation(n)
        part[order[np.argsort(classes[order], kind="stable")]] = np.arange(n) % k
    return ((np.flatnonzero(part != i), np.flatnonzero(part == i)) for i in range(k))


def _test_rows(where: str, n: int, test_size: float) -> int:
    if isinstance(test_size, int | np.integer):
        n_test = as_count(where, test_size, "test_size")
    elif 0 < test_size < 1:
        # Rounding can put a whole product just above itself: ceil(0.07 * 100) would be 8.
        n_test = int(np.ceil(np.nextafter(test_size * n, 0)))
    else:
        raise ValueError(f"{where}: test_size as a share must lie between 0 and 1, got {test_size!r}")
    if n_test >= n:
        raise ValueError(
            f"{where}: test_size={test_size!r} of {n} rows leaves none to train on; make it smaller"
        )
    return n_test


def _classes(where: str, stratify: ArrayLike, n: int, least: int = 2) -> Labels:
    labels = as_array(where, stratify, "stratify")
    if labels.ndim != 1 or len(labels) != n:
        raise ValueError(f"{where}: stratify must have shape ({n},), one class per row, got {labels.shape}")
    names, classes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if counts.min() < least:
        rare = counts.argmin()
        raise ValueError(
            f"{where}: class {names[rare]} has {counts[rare]} of the {least} rows that it needs; "
            "leave the class out, or split without stratify"
        )
    return classes.astype(np.int64)


def _stratified_order(where: str, classes: Labels, n_test: int, rng: np.random.Generator) -> Labels:
    """The rows in random order, those to test on first, every class in proportion (largest remainders)."""
    n, counts = len(classes), np.bincount(classes)
    if n_test < len(counts) or n - n_test < len(counts):
        raise ValueError(
            f"{where}: {len(counts)} classes don't fit into {n_test} test and {n - n_test} training rows; "
            "change test_size, or split without stratify"
        )
    share, remainder = np.divmod(counts * n_test, n)
    share[np.argsort(-remainder, kind="stable")[: n_test - share.sum()]] += 1
    order = rng.permutation(n)
    rank = np.empty(n, dtype=np.int64)
    for c, count in enumerate(counts):
        rank[order[classes[order] == c]] = np.arange(count)
    tested = rank[order] < share[classes[order]]
    # In `order` the first rows left over are all of the few classes that filled their share early.
    return np.concatenate([rng.permutation(order[tested]), rng.permutation(order[~tested])])
