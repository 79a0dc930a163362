"""Mini-batches."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from chainrule.autograd.constants import odd_column
from chainrule.nn.data.check import Array, Labels, Seed, as_array, as_count, generator, same_length

Batch: TypeAlias = tuple[Array, ...]


class ArrayDataset:
    """Arrays that belong together row by row, such as X and y.

    Args:
        *arrays: arrays of numbers with the same number of rows. They are not copied, and their values are not
            looked at, so that a memory-mapped file stays on disk.

    Raises:
        ValueError: no rows, or different numbers of rows.
        TypeError: no array, or one that holds no numbers.

    >>> pairs = ArrayDataset([[1.0], [2.0], [3.0]], [0, 1, 0])
    >>> len(pairs), pairs[1]
    (3, (array([2.]), np.int64(1)))
    """

    def __init__(self, *arrays: ArrayLike) -> None:
        if not arrays:
            raise TypeError("ArrayDataset: give it at least one array, such as X, y")
        self.arrays = tuple(as_array("ArrayDataset", array, f"array {i}") for i, array in enumerate(arrays))
        same_length("ArrayDataset", **{f"array {i}": array for i, array in enumerate(self.arrays)})
        for i, array in enumerate(self.arrays):
            if array.dtype.kind not in "biuf":
                advice = "; encode categories with nn.data.TableEncoder or nn.data.one_hot"
                raise TypeError(
                    f"ArrayDataset: array {i} must hold numbers, got dtype {array.dtype}"
                    + (odd_column(arrays[i]) or advice)
                )

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, rows: int | slice | Labels) -> Batch:
        return tuple(array[rows] for array in self.arrays)


class DataLoader:
    """Goes over the rows in mini-batches; each `for` loop over it is one epoch.

    Args:
        data: an `ArrayDataset`, a tuple of arrays such as `(X, y)`, or one array.
        batch_size: rows per batch; the last batch may be smaller.
        shuffle: a new random order each epoch.
        drop_last: leave out a last batch that is smaller than the others.
        seed: number or generator from which the orders are drawn.
        prefetch: batches that a thread reads ahead while the caller computes; worth it where the arrays are
            memory-mapped files. An error in the thread is raised in the loop; the thread ends with the loop.

    Each batch is a tuple with one array per array of the data, a copy that the caller may change. The order
    of an epoch depends on `loader.seed` and `loader.epoch` alone; set both to resume where a run stopped.

    Raises:
        ValueError: a number out of range, arrays of different lengths, or `drop_last` that leaves no batch.

    >>> loader = DataLoader((np.arange(10), np.arange(10) % 2), batch_size=4, shuffle=True, seed=0)
    >>> len(loader), [x for x, y in loader]
    (3, [array([4, 6, 2, 7]), array([3, 5, 9, 0]), array([8, 1])])
    """

    def __init__(
        self,
        data: ArrayDataset | tuple[ArrayLike, ...] | ArrayLike,
        batch_size: int = 32,
        *,
        shuffle: bool = False,
        drop_last: bool = False,
        seed: Seed = None,
        prefetch: int = 0,
    ) -> None:
        if not isinstance(data, ArrayDataset):
            data = ArrayDataset(*data) if isinstance(data, tuple) else ArrayDataset(data)
        self.dataset = data
        self.batch_size = as_count("DataLoader", batch_size, "batch_size")
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.prefetch = as_count("DataLoader", prefetch, "prefetch", least=0)
        self.epoch = 0
        fresh = seed is None or isinstance(seed, np.random.Generator)
        self.seed = (
            int(generator("DataLoader", seed).integers(2**63))
            if fresh
            else as_count("DataLoader", seed, "seed", 0)
        )
        if len(self) == 0:
            raise ValueError(
                f"DataLoader: drop_last leaves no batch of {batch_size}: there are only {len(data)} rows; "
                "make batch_size smaller"
            )

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Batch]:
        n, size = len(self.dataset), self.batch_size
        order = np.arange(n)
        if self.shuffle:
            order = np.random.default_rng([self.seed, self.epoch]).permutation(n)
        self.epoch += 1
        rows = [order[i * size : (i + 1) * size] for i in range(len(self))]
        if self.prefetch:
            return _ahead(self.dataset.__getitem__, rows, self.prefetch)
        return (self.dataset[part] for part in rows)


def _ahead(read: Callable[[Labels], Batch], rows: list[Labels], count: int) -> Iterator[Batch]:
    """Yield what `read` gives for each part of the rows, `count` of them read ahead by a thread."""
    from concurrent.futures import ThreadPoolExecutor

    # Leaving the loop early closes this generator, and so the pool: the thread ends after the batch it is at.
    with ThreadPoolExecutor(1, thread_name_prefix="chainrule-prefetch") as pool:
        waiting = [pool.submit(read, part) for part in rows[:count]]
        try:
            for part in rows[count:]:
                waiting.append(pool.submit(read, part))
                yield waiting.pop(0).result()
            for future in waiting:
                yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
