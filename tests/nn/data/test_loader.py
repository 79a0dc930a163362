"""Batches cover every row once, and can be drawn again."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from chainrule.nn import data

X = np.arange(20.0).reshape(10, 2)
Y = np.arange(10)


@given(n=st.integers(1, 40), size=st.integers(1, 50), shuffle=st.booleans(), drop=st.booleans())
def test_an_epoch_covers_every_row_once(n: int, size: int, shuffle: bool, drop: bool) -> None:
    if drop and size > n:
        return
    loader = data.DataLoader(np.arange(n), size, shuffle=shuffle, drop_last=drop, seed=0)
    batches = [rows for (rows,) in loader]
    assert len(batches) == len(loader)
    assert all(len(rows) == size for rows in batches[:-1])
    seen = np.concatenate(batches)
    assert len(set(seen)) == len(seen) == (n - n % size if drop else n)
    if not shuffle:
        assert seen.tolist() == list(range(len(seen)))


def test_rows_stay_together() -> None:
    for x, y in data.DataLoader((X, Y), 3, shuffle=True, seed=0):
        np.testing.assert_array_equal(x[:, 0], 2 * y)


def epochs(loader: data.DataLoader, n: int) -> list[list[int]]:
    return [[int(row) for (rows,) in loader for row in rows] for _ in range(n)]


def test_epochs_differ_and_the_seed_repeats_them() -> None:
    first = epochs(data.DataLoader(Y, 4, shuffle=True, seed=5), 3)
    assert first[0] != first[1] != first[2]
    assert epochs(data.DataLoader(Y, 4, shuffle=True, seed=5), 3) == first
    assert epochs(data.DataLoader(Y, 4, shuffle=True, seed=6), 3) != first
    assert epochs(data.DataLoader(Y, 4, shuffle=True), 3) != epochs(data.DataLoader(Y, 4, shuffle=True), 3)


@pytest.mark.parametrize("seed", [5, None, np.random.default_rng(5)])
def test_resumes_at_an_epoch(seed: Any) -> None:
    first = data.DataLoader(Y, 4, shuffle=True, seed=seed)
    all_of_it = epochs(first, 3)
    resumed = data.DataLoader(Y, 4, shuffle=True, seed=first.seed)
    resumed.epoch = 2
    assert epochs(resumed, 1) == all_of_it[2:]


def test_two_loops_at_once_do_not_disturb_each_other() -> None:
    loader = data.DataLoader(Y, 1, shuffle=True, seed=0)
    outer = [(int(a[0]), len(list(loader))) for (a,) in loader]
    assert sorted(row for row, _ in outer) == list(range(10))
    assert {inner for _, inner in outer} == {10}


def test_batches_are_copies() -> None:
    for (x,) in data.DataLoader(X, 4):
        x += 100
    assert X.max() == 19


def test_memory_mapped_arrays_stay_on_disk(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    dataset = data.ArrayDataset(mapped)
    assert np.shares_memory(dataset.arrays[0], mapped)
    np.testing.assert_array_equal(next(iter(data.DataLoader(dataset, 4)))[0], X[:4])


def test_dataset_indexing() -> None:
    pairs = data.ArrayDataset(X, Y)
    assert len(pairs) == 10
    assert pairs[3][0].tolist() == [6, 7]
    assert [part.tolist() for part in pairs[1:3]] == [[[2, 3], [4, 5]], [1, 2]]
    assert pairs[np.array([9, 0])][1].tolist() == [9, 0]


def test_a_list_is_one_array() -> None:
    (batch,) = data.DataLoader([[1.0, 2.0], [3.0, 4.0]])
    assert batch[0].shape == (2, 2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (data.ArrayDataset, TypeError, "ArrayDataset: give it at least one array"),
        (lambda: data.DataLoader(()), TypeError, "ArrayDataset: give it at least one array"),
        (lambda: data.DataLoader((X, Y[:9])), ValueError, "array 0 has 10, array 1 has 9"),
        (lambda: data.DataLoader(np.zeros((0, 3))), ValueError, "array 0 is empty"),
        (lambda: data.DataLoader(7.0), ValueError, "array 0 must have rows, got the single value"),
        (lambda: data.DataLoader(["a", "b"]), TypeError, "array 0 must hold numbers, got dtype <U1"),
        (lambda: data.DataLoader([[1], [2, 3]]), ValueError, "array 0 is ragged: row 1"),
        (lambda: data.DataLoader(X, 0), ValueError, "DataLoader: batch_size must be at least 1, got 0"),
        (lambda: data.DataLoader(X, -3), ValueError, "DataLoader: batch_size must be at least 1, got -3"),
        (lambda: data.DataLoader(X, 2.0), TypeError, "batch_size must be a whole number, got 2.0"),  # type: ignore[arg-type]
        (
            lambda: data.DataLoader(X, 11, drop_last=True),
            ValueError,
            "drop_last leaves no batch of 11: there are only 10 rows",
        ),
        (lambda: data.DataLoader(X, prefetch=-1), ValueError, "DataLoader: prefetch must be at least 0"),
        (lambda: data.DataLoader(X, seed=-1), ValueError, "DataLoader: seed must be at least 0, got -1"),
    ],
)
def test_bad_arguments(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("chainrule-prefetch")]


@pytest.mark.parametrize("ahead", [1, 2, 3, 100])
@pytest.mark.parametrize("shuffle", [False, True])
def test_prefetched_batches_are_the_same(tmp_path: Path, ahead: int, shuffle: bool) -> None:
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    plain = data.DataLoader((X, Y), 3, shuffle=shuffle, seed=1)
    fetched = data.DataLoader((mapped, Y), 3, shuffle=shuffle, seed=1, prefetch=ahead)
    for _ in range(2):
        pairs = list(zip(plain, fetched, strict=True))
        assert all(np.array_equal(a, b) for one, two in pairs for a, b in zip(one, two, strict=True))
    assert not threads()


class Slow(data.ArrayDataset):
    """Counts what is read; the third part cannot be."""

    def __init__(self, fails: bool = False) -> None:
        super().__init__(X)
        self.fails, self.reads, self.names = fails, 0, set[str]()

    def __getitem__(self, rows: Any) -> Any:
        self.reads += 1
        self.names.add(threading.current_thread().name)
        if self.fails and self.reads == 3:
            raise OSError("the disk is gone")
        return super().__getitem__(rows)


def test_an_error_of_the_thread_arrives_in_the_loop() -> None:
    batches = iter(data.DataLoader(Slow(fails=True), 2, prefetch=2))
    assert len(next(batches)[0]) == len(next(batches)[0]) == 2
    with pytest.raises(OSError, match="the disk is gone"):
        next(batches)
    assert not threads()


def test_a_loop_that_is_left_ends_the_thread() -> None:
    dataset = Slow()
    for _ in data.DataLoader(dataset, 1, prefetch=2):
        break
    assert not threads()
    assert dataset.reads <= 4
    assert all(name.startswith("chainrule-prefetch") for name in dataset.names)


def test_a_loop_that_never_begins_has_no_thread() -> None:
    batches = iter(data.DataLoader(X, 2, prefetch=2))
    assert not threads()
    del batches
