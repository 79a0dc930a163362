"""Categories, tables and words as numbers."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from chainrule.nn.data.check import (
    Array,
    Floats,
    Labels,
    as_array,
    as_count,
    as_labels,
    as_numbers,
    in_classes,
    same_length,
)

Table: TypeAlias = Mapping[str, ArrayLike]


def one_hot(labels: ArrayLike, n_classes: int | None = None) -> Floats:
    """A vector of zeros with a single one for each label.

    Args:
        labels: class numbers from 0, of any shape.
        n_classes: length of the vectors; by default the largest label + 1.

    Returns:
        float32 of shape (*labels.shape, n_classes).

    Raises:
        TypeError: labels that are no integers.
        IndexError: a label outside 0..n_classes-1.

    >>> one_hot([0, 2, 1])
    array([[1., 0., 0.],
           [0., 0., 1.],
           [0., 1., 0.]], dtype=float32)
    """
    numbers = as_labels("one_hot", labels)
    length = int(numbers.max()) + 1 if n_classes is None else as_count("one_hot", n_classes, "n_classes")
    in_classes("one_hot", numbers, max(length, 1))
    vectors = np.zeros((numbers.size, length), dtype=np.float32)
    vectors[np.arange(numbers.size), numbers.ravel()] = 1.0
    return vectors.reshape(*numbers.shape, length)


class TableEncoder:
    """A table of numbers and categories as one array: numbers stay, each category gets a column of 0 and 1.

    Args:
        columns: the columns to use, in this order (default: all). Leave out what carries no meaning, such as
            an id.
        unknown: what a category that `fit` did not see does: "error", or "zeros" (none of its columns is
            set).

    After `fit`, `feature_names` names the columns of the result; they are not scaled (see `Standardize`).

    Raises:
        ValueError: an unknown category with "error", columns of different lengths, NaN.
        KeyError: a column that the table doesn't have.

    >>> table = {"age": [54, 35, 62], "city": ["London", "New York", "London"]}
    >>> encoder = TableEncoder(unknown="zeros").fit(table)
    >>> encoder.feature_names
    ('age', 'city=London', 'city=New York')
    >>> encoder.transform({"age": [23], "city": ["Oslo"]})
    array([[23.,  0.,  0.]], dtype=float32)
    """

    def __init__(
        self, columns: Sequence[str] | None = None, *, unknown: Literal["error", "zeros"] = "error"
    ) -> None:
        if isinstance(columns, str):
            raise TypeError(f"TableEncoder: columns must be a list of names; write [{columns!r}]")
        if columns is not None and not columns:
            raise ValueError("TableEncoder: columns is empty; name at least one, or pass None for all")
        if unknown not in ("error", "zeros"):
            raise ValueError(f"TableEncoder: unknown must be 'error' or 'zeros', got {unknown!r}")
        self.columns = columns
        self.unknown = unknown
        self.categories: dict[str, Array | None] = {}

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the columns of the encoded array; a category's is `column=category`."""
        names: list[str] = []
        for column, kinds in self.categories.items():
            names += [column] if kinds is None else [f"{column}={kind}" for kind in kinds]
        return tuple(names)

    def fit(self, table: Table) -> Self:
        """Learn which columns hold numbers, and the categories of the others; returns itself."""
        where = "TableEncoder.fit"
        rows = _columns(where, table, list(table) if self.columns is None else self.columns)
        self.categories = {
            name: None if column.dtype.kind in "biuf" else np.unique(column) for name, column in rows.items()
        }
        return self

    def transform(self, table: Table) -> Floats:
        """The table as float32 of shape (rows, len(feature_names))."""
        where = "TableEncoder.transform"
        if not self.categories:
            raise RuntimeError(f"{where}: it knows no categories yet; call fit(training_table) first")
        rows = _columns(where, table, list(self.categories))
        parts = [self._encode(where, name, column) for name, column in rows.items()]
        return np.concatenate(parts, axis=1, dtype=np.float32)

    def fit_transform(self, table: Table) -> Floats:
        """`fit(table)` and then `transform(table)`."""
        return self.fit(table).transform(table)

    def _encode(self, where: str, name: str, column: Array) -> Array:
        kinds = self.categories[name]
        if kinds is None:
            return as_numbers(where, column, f"column {name!r}")[:, None]
        if column.dtype.kind in "biuf":
            raise TypeError(f"{where}: column {name!r} held categories in fit, now it holds {column.dtype}")
        known = np.isin(column, kinds)
        if self.unknown == "error" and not known.all():
            row = int(np.argmin(known))
            raise ValueError(
                f"{where}: {name} {str(column[row])!r} at row {row} was not seen by fit "
                f"(known: {', '.join(map(str, kinds[:8]))}{', ...' if len(kinds) > 8 else ''}); "
                'pass unknown="zeros" to let it set none of the columns'
            )
        return np.equal(column[:, None], kinds)


class Vocabulary:
    """Numbers the distinct words, in the order in which they first come; 0 stands for every unknown word.

    Args:
        words: words to know; repeats are counted once.
        unknown: how the unknown word is written.

    Raises:
        ValueError: no word at all.
        TypeError: something in it is no string.

    >>> vocabulary = Vocabulary(["Rome", "Paris", "Italy", "Rome"])
    >>> len(vocabulary), vocabulary.encode(["Paris", "Oslo"])
    (4, array([2, 0]))
    >>> vocabulary.one_hot(["Paris"])
    array([[0., 0., 1., 0.]], dtype=float32)
    >>> vocabulary.decode([1, 0])
    ['Rome', '<unknown>']
    """

    def __init__(self, words: Iterable[str], *, unknown: str = "<unknown>") -> None:
        if isinstance(words, str):
            raise TypeError("Vocabulary: words must be a list; split a text with nn.data.split_words(text)")
        self.words = [unknown]
        self._numbers = {unknown: 0}
        for word in words:
            if not isinstance(word, str):
                raise TypeError(f"Vocabulary: every word must be a string, got {word!r}")
            if word not in self._numbers:
                self._numbers[word] = len(self.words)
                self.words.append(word)
        if len(self.words) == 1:
            raise ValueError("Vocabulary: words is empty; give it at least one word")

    def __len__(self) -> int:
        """Number of words, the unknown one included: the length of a one-hot vector."""
        return len(self.words)

    def encode(self, words: Iterable[str]) -> Labels:
        """The number of each word, shape (len(words),)."""
        if isinstance(words, str):
            raise TypeError(
                "Vocabulary.encode: words must be a list; split a text with nn.data.split_words(text)"
            )
        return np.array([self._numbers.get(word, 0) for word in words], dtype=np.int64)

    def one_hot(self, words: Iterable[str]) -> Floats:
        """The one-hot vector of each word, shape (len(words), len(vocabulary))."""
        return one_hot(self.encode(words), len(self))

    def decode(self, numbers: ArrayLike) -> list[str]:
        """The words with these numbers."""
        labels = as_labels("Vocabulary.decode", numbers, "numbers").ravel()
        in_classes("Vocabulary.decode", labels, len(self), "number")
        return [self.words[number] for number in labels]


def split_words(text: str) -> list[str]:
    """The words of a text in lower case, without punctuation.

    >>> split_words("Your website is great!")
    ['your', 'website', 'is', 'great']
    """
    return re.findall(r"\w+(?:'\w+)?", text.lower())


def _columns(where: str, table: Table, names: Sequence[str]) -> dict[str, Array]:
    """The named columns as 1-D arrays of one length; what isn't a number becomes a string."""
    if not isinstance(table, Mapping) and not hasattr(table, "columns"):  # a table of pandas has them
        raise TypeError(
            f"{where}: a table is a dict of columns such as {{'age': [54, 35]}}, or a DataFrame; "
            f"got {type(table).__name__}"
        )
    missing = [name for name in names if name not in table]
    if missing:
        raise KeyError(
            f"{where}: the table has no column {missing[0]!r}; it has {', '.join(map(repr, table))}"
        )
    columns = {name: as_array(where, table[name], f"column {name!r}") for name in names}
    if not columns:
        raise ValueError(f"{where}: the table has no columns")
    for name, column in columns.items():
        if column.ndim != 1:
            raise ValueError(
                f"{where}: column {name!r} must have one value per row, got shape {column.shape}"
            )
        if column.dtype.kind not in "biufUO":
            raise TypeError(f"{where}: column {name!r} must hold numbers or words, got dtype {column.dtype}")
        if column.dtype.kind == "O":
            columns[name] = _words(where, name, column)
    same_length(where, **columns)
    return columns


def _words(where: str, name: str, column: Array) -> Array:
    for row, value in enumerate(column):
        if not isinstance(value, str):
            raise TypeError(
                f"{where}: column {name!r} holds words, but {value!r} at row {row}; fill it in first"
            )
    return column.astype(str)
