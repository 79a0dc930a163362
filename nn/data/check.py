"""Checks shared by the data tools and the metrics: plain arrays in, one clear error out."""

import reprlib
from collections.abc import Sized
from operator import index
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.autograd.constants import from_table, odd_column

Array: TypeAlias = NDArray[Any]
Labels: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float32]
Seed: TypeAlias = int | np.random.Generator | None

_FROM_ZERO = "classes are numbered from 0: y = np.unique(y, return_inverse=True)[1]"


def as_array(where: str, values: ArrayLike, name: str = "X") -> Array:
    """Any non-empty array with at least one axis (not copied if it already is one).

    Args:
        where: the caller, for messages.
        values: array, or nested lists of equal lengths.
        name: what the caller calls it, for messages.

    Raises:
        ValueError: ragged lists, a single number, or nothing in it.

    >>> as_array("demo", [[1, 2], [3, 4]]).shape
    (2, 2)
    """
    try:
        array = np.asarray(from_table(values))
    except ValueError as error:
        raise ValueError(f"{where}: {name} is ragged: {_first_ragged_row(values)}") from error
    if array.ndim == 0:
        raise ValueError(f"{where}: {name} must have rows, got the single value {array.item()!r}")
    if array.size == 0:
        raise ValueError(
            f"{where}: {name} is empty (shape {array.shape}); it needs at least one row and one column"
        )
    return array


def as_numbers(where: str, values: ArrayLike, name: str = "X", *, finite: bool = True) -> Array:
    """A non-empty array of real numbers.

    Args:
        where: the caller, for messages.
        values: array, or nested lists of equal lengths.
        name: what the caller calls it, for messages.
        finite: also refuse NaN and infinity.

    Raises:
        TypeError: the dtype is no real number.
        ValueError: as in `as_array`, or NaN or infinity, with the first place named.

    >>> as_numbers("demo", [[1.0, float("nan")]])
    Traceback (most recent call last):
    ...
    ValueError: demo: X has nan at (0, 1); fill in or drop such rows first
    """
    array = as_array(where, values, name)
    if array.dtype.kind not in "biuf":
        advice = "; encode categories with nn.data.TableEncoder, or convert with .astype(float)"
        if name == "y" and any(isinstance(answer, str) for answer in array.flat):
            advice = f"; {_FROM_ZERO}"
        advice = odd_column(values) or advice
        raise TypeError(f"{where}: {name} must hold numbers, got dtype {array.dtype}{advice}")
    if finite and array.dtype.kind == "f" and not np.isfinite(array).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        shown = place[0] if array.ndim == 1 else place
        raise ValueError(
            f"{where}: {name} has {float(array[place])} at {shown}; fill in or drop such rows first"
        )
    return array


def as_labels(where: str, values: ArrayLike, name: str = "labels") -> Labels:
    """A non-empty int64 array of class numbers (booleans count as 0 and 1).

    Raises:
        TypeError: the dtype is neither integer nor boolean.

    >>> as_labels("demo", [True, False])
    array([1, 0])
    """
    array = as_array(where, values, name)
    if array.dtype.kind not in "biu":
        raise TypeError(
            f"{where}: {name} must be integers, got dtype {array.dtype}; "
            "convert whole numbers with .astype(int), words with nn.data.Vocabulary"
        )
    return array.astype(np.int64)


def in_classes(where: str, labels: Labels, n_classes: int, name: str = "label") -> None:
    """Check that every label names one of the classes 0..n_classes-1.

    Raises:
        IndexError: the first label outside, with its row.

    >>> in_classes("one_hot", np.array([0, -1]), 1)
    Traceback (most recent call last):
    ...
    IndexError: one_hot: label -1 at row 1 is outside 0..0
    """
    outside = (labels < 0) | (labels >= n_classes)
    if outside.any():
        place = tuple(int(i) for i in np.argwhere(outside)[0])
        row = place[0] if len(place) == 1 else place
        # Numbering them anew helps only where there are not too many classes.
        helps = name == "label" and len(np.unique(labels)) <= n_classes
        raise IndexError(
            f"{where}: {name} {int(labels[place])} at row {row} is outside 0..{n_classes - 1}"
            + (f"; {_FROM_ZERO}" if helps else "")
        )


def same_length(where: str, **named: Sized) -> int:
    """The common number of rows.

    Raises:
        ValueError: two of them differ.

    >>> same_length("demo", X=[1, 2], y=[1, 2])
    2
    """
    lengths = {name: len(rows) for name, rows in named.items()}
    if len(set(lengths.values())) != 1:
        found = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise ValueError(f"{where}: every array needs the same number of rows; {found}")
    return next(iter(lengths.values()))


def shown(value: Any) -> str:
    """How a value looks in a message: an array by its shape, a long list by its first elements.

    >>> shown(np.zeros((3, 2))), shown(1.5), shown([0] * 100)
    ('ndarray of shape (3, 2)', '1.5', '[0, 0, 0, 0, 0, 0, ...]')
    """
    shape = getattr(value, "shape", ())
    if shape:
        return f"{type(value).__name__} of shape {shape}"
    return reprlib.repr(value) if isinstance(value, list | tuple) else repr(value)


def as_count(where: str, value: Any, name: str, least: int = 1) -> int:
    """A whole number that is at least `least`.

    Raises:
        TypeError: not a whole number.
        ValueError: too small.

    >>> as_count("DataLoader", 0, "batch_size")
    Traceback (most recent call last):
    ...
    ValueError: DataLoader: batch_size must be at least 1, got 0
    """
    try:
        count = index(value)
    except TypeError:
        raise TypeError(f"{where}: {name} must be a whole number, got {shown(value)}") from None
    if count < least:
        raise ValueError(f"{where}: {name} must be at least {least}, got {count}")
    return count


def as_amount(where: str, value: float, name: str) -> float:
    """A finite number that is not negative, such as the standard deviation of some noise.

    Raises:
        ValueError: negative, NaN or infinite.

    >>> as_amount("make_moons", 0.1, "noise")
    0.1
    """
    if not 0 <= value < np.inf:
        raise ValueError(f"{where}: {name} must be a finite number of at least 0, got {value!r}")
    return float(value)


def generator(where: str, seed: Seed) -> np.random.Generator:
    """The random generator for a `seed` argument: a number, a generator (used as it is), or None (fresh).

    Raises:
        TypeError, ValueError: neither of these, or a negative number.

    >>> generator("demo", 0).integers(10)
    np.int64(8)
    """
    if isinstance(seed, np.random.Generator):
        return seed
    return np.random.default_rng(None if seed is None else as_count(where, seed, "seed", least=0))


def _first_ragged_row(values: Any) -> str:
    shapes = [np.shape(row) if not isinstance(row, (list, tuple)) else (len(row),) for row in values]
    for row, shape in enumerate(shapes):
        if shape != shapes[0]:
            return f"row {row} has shape {shape}, row 0 has {shapes[0]}"
    return "its rows differ in depth"
