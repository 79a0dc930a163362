"""Labels, tables and words become numbers, and what is unknown is named."""

from typing import Any

import numpy as np
import pytest

from chainrule.nn import data

# The table of the lecture on structured data.
TABLE: dict[str, list[Any]] = {
    "id": ["0001", "0002", "0003", "0004", "0005", "0006", "0007"],
    "age": [54, 35, 62, 23, 25, 29, 46],
    "gender": ["M", "F", "F", "M", "M", "F", "M"],
    "height": [186, 166, 170, 164, 180, 181, 172],
    "city": ["London", "New York", "Amsterdam", "London", "Cairo", "Beijing", "Chicago"],
}
USED = ["age", "gender", "height", "city"]


def test_one_hot() -> None:
    vectors = data.one_hot([[2, 0], [1, 2]], 4)
    assert vectors.dtype == np.float32
    assert vectors.shape == (2, 2, 4)
    np.testing.assert_array_equal(vectors.argmax(axis=-1), [[2, 0], [1, 2]])
    assert (vectors.sum(axis=-1) == 1).all()


def test_one_hot_is_rows_of_the_identity() -> None:
    labels = data.load_digits().y
    np.testing.assert_array_equal(data.one_hot(labels), np.eye(10)[labels])


@pytest.mark.parametrize(
    ("labels", "n_classes", "error", "message"),
    [
        ([0, -1, 2], None, IndexError, r"one_hot: label -1 at row 1 is outside 0\.\.2"),
        ([-1], None, IndexError, r"one_hot: label -1 at row 0 is outside 0\.\.0"),
        ([0, 3], 3, IndexError, r"one_hot: label 3 at row 1 is outside 0\.\.2"),
        ([[0, 1], [5, 1]], 3, IndexError, r"one_hot: label 5 at row \(1, 0\) is outside 0\.\.2"),
        (
            [0.0, 1.0],
            3,
            TypeError,
            r"one_hot: labels must be integers, got dtype float64; convert .* \.astype\(int\)",
        ),
        (["a"], 3, TypeError, "words with nn.data.Vocabulary"),
        ([], 3, ValueError, "one_hot: labels is empty"),
        (1, 3, ValueError, "one_hot: labels must have rows"),
        ([0], 0, ValueError, "one_hot: n_classes must be at least 1, got 0"),
    ],
)
def test_one_hot_bad_labels(labels: Any, n_classes: int | None, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        data.one_hot(labels, n_classes)


def test_table_of_the_lecture() -> None:
    encoder = data.TableEncoder(USED).fit(TABLE)
    assert encoder.feature_names == (
        "age", "gender=F", "gender=M", "height",
        "city=Amsterdam", "city=Beijing", "city=Cairo", "city=Chicago", "city=London", "city=New York",
    )  # fmt: skip
    rows = encoder.transform(TABLE)
    assert rows.shape == (7, 10)
    assert rows.dtype == np.float32
    assert rows[0].tolist() == [54, 0, 1, 186, 0, 0, 0, 0, 1, 0]
    assert (rows[:, 4:].sum(axis=1) == 1).all()


def test_table_same_as_scikit_learn() -> None:
    sklearn = pytest.importorskip(
        "sklearn.preprocessing", reason="needs scikit-learn: pip install 'chainrule[sklearn]'"
    )
    train, _ = data.make_people(100, seed=0)
    test, _ = data.make_people(50, seed=1)
    ours = data.TableEncoder(["gender", "city"], unknown="zeros").fit(train)
    theirs = sklearn.OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    theirs.fit(np.column_stack([train["gender"], train["city"]]))
    test["city"][3] = "Oslo"
    expected = theirs.transform(np.column_stack([test["gender"], test["city"]]))
    np.testing.assert_array_equal(ours.transform(test), expected)


def test_unknown_category() -> None:
    row = {"age": [1], "gender": ["M"], "height": [2], "city": ["Oslo"]}
    with pytest.raises(
        ValueError,
        match=r"city 'Oslo' at row 0 was not seen by fit \(known: Amsterdam, .*\); pass unknown=\"zeros\"",
    ):
        data.TableEncoder(USED).fit(TABLE).transform(row)
    rows = data.TableEncoder(USED, unknown="zeros").fit(TABLE).transform(row)
    assert rows.tolist() == [[1, 0, 1, 2, 0, 0, 0, 0, 0, 0]]


def test_a_longer_word_is_not_cut_to_a_known_one() -> None:
    encoder = data.TableEncoder(unknown="zeros").fit({"city": ["Rome", "Bern"]})
    assert encoder.transform({"city": ["Romeo"]}).tolist() == [[0, 0]]


def test_booleans_count_as_numbers_and_objects_as_words() -> None:
    encoder = data.TableEncoder()
    rows = encoder.fit_transform({"new": [True, False], "kind": np.array(["a", "b"], dtype=object)})
    assert encoder.feature_names == ("new", "kind=a", "kind=b")
    assert rows.tolist() == [[1, 1, 0], [0, 0, 1]]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: data.TableEncoder("age"), TypeError, r"columns must be a list of names; write \['age'\]"),
        (lambda: data.TableEncoder([]), ValueError, "columns is empty"),
        (
            lambda: data.TableEncoder(unknown="skip"),
            ValueError,
            "unknown must be 'error' or 'zeros', got 'skip'",
        ),  # type: ignore[arg-type]
        (lambda: data.TableEncoder().transform(TABLE), RuntimeError, r"call fit\(training_table\) first"),
        (
            lambda: data.TableEncoder(["size"]).fit(TABLE),
            KeyError,
            "has no column 'size'; it has 'id', 'age'",
        ),
        (
            lambda: data.TableEncoder(["age"]).fit(TABLE).transform({"x": [1]}),
            KeyError,
            "has no column 'age'",
        ),
        (lambda: data.TableEncoder().fit({}), ValueError, "the table has no columns"),
        (lambda: data.TableEncoder().fit([[1, 2]]), TypeError, "a table is a dict of columns"),  # type: ignore[arg-type]
        (lambda: data.TableEncoder().fit({"a": [1], "b": [1, 2]}), ValueError, "a has 1, b has 2"),
        (lambda: data.TableEncoder().fit({"a": []}), ValueError, "column 'a' is empty"),
        (
            lambda: data.TableEncoder().fit({"a": [[1, 2]]}),
            ValueError,
            r"one value per row, got shape \(1, 2\)",
        ),
        (
            lambda: data.TableEncoder().fit({"a": ["x", None]}),
            TypeError,
            "'a' holds words, but None at row 1",
        ),
        (lambda: data.TableEncoder().fit({"a": [1j]}), TypeError, "numbers or words, got dtype complex128"),
        (
            lambda: data.TableEncoder().fit_transform({"a": [1.0, np.nan]}),
            ValueError,
            "column 'a' has nan at 1",
        ),
        (
            lambda: data.TableEncoder().fit({"a": ["x"]}).transform({"a": [1]}),
            TypeError,
            "column 'a' held categories in fit, now it holds int64",
        ),
        (
            lambda: data.TableEncoder().fit({"a": [1]}).transform({"a": ["x"]}),
            TypeError,
            "column 'a' must hold numbers, got dtype <U1",
        ),
    ],
)
def test_bad_tables(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_words_of_the_lecture() -> None:
    vocabulary = data.Vocabulary(["Rome", "Paris", "Italy", "France"])
    assert len(vocabulary) == 5
    np.testing.assert_array_equal(vocabulary.one_hot(["Rome", "Paris", "Italy", "France"]), np.eye(5)[1:])
    assert vocabulary.decode(vocabulary.encode(["Italy", "Oslo"])) == ["Italy", "<unknown>"]


def test_words_of_texts() -> None:
    texts = ["This service is terrible!", "Your website is great!"]
    vocabulary = data.Vocabulary(word for text in texts for word in data.split_words(text))
    assert vocabulary.words[1:] == ["this", "service", "is", "terrible", "your", "website", "great"]
    assert vocabulary.encode(data.split_words("IS it great?")).tolist() == [3, 0, 7]
    assert data.split_words("Don't – naïve_x!") == ["don't", "naïve_x"]


def test_the_unknown_word_may_be_a_known_one() -> None:
    assert data.Vocabulary(["?", "a"], unknown="?").encode(["a", "?", "b"]).tolist() == [1, 0, 0]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: data.Vocabulary("a text"), TypeError, "words must be a list; split a text"),
        (lambda: data.Vocabulary([]), ValueError, "words is empty"),
        (lambda: data.Vocabulary(["a", 3]), TypeError, "every word must be a string, got 3"),  # type: ignore[list-item]
        (lambda: data.Vocabulary(["a"]).encode("a"), TypeError, "words must be a list"),
        (lambda: data.Vocabulary(["a"]).decode([2]), IndexError, r"number 2 at row 0 is outside 0\.\.1"),
        (lambda: data.Vocabulary(["a"]).one_hot([]), ValueError, "labels is empty"),
    ],
)
def test_bad_words(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
