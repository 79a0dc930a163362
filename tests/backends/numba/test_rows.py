import numpy as np
import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

from chainrule.backends import numpy as reference
from chainrule.backends.numba import rows, table

SHAPES = [
    (1, 1),
    (3, 5),
    (128, 10),
    (9, rows.WIDE - 1),
    (9, rows.WIDE),
    (9, rows.WIDE_OF_SHORT - 1),
    (9, rows.WIDE_OF_SHORT),
    (17, 1000),
    (2, 5000),
    (700, 3),
]
TOLERANCE = {"float32": 3e-6, "float64": 1e-14}


def matrix(shape, dtype):
    return (np.random.default_rng(1).standard_normal(shape) * 5).astype(dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_rows(name, shape, dtype):
    x = matrix(shape, dtype)
    expected = getattr(reference, name)(x.astype(np.float64), -1)
    result = getattr(table, name)(x, -1)
    assert result.dtype == dtype
    np.testing.assert_allclose(result, expected, rtol=0, atol=TOLERANCE[dtype] * max(1, abs(expected).max()))


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_other_axes_and_shapes(name):
    x = matrix((4, 5, 6), "float32")
    for axis in (-1, 0, 1, 2):
        np.testing.assert_allclose(
            getattr(table, name)(x, axis), getattr(reference, name)(x, axis), rtol=1e-5, atol=1e-6
        )
    np.testing.assert_allclose(
        getattr(table, name)(x[0, 0], 0), getattr(reference, name)(x[0, 0], 0), rtol=1e-5
    )
    np.testing.assert_allclose(
        getattr(table, name)(x.T, -1), getattr(reference, name)(x.T, -1), rtol=1e-5, atol=1e-6
    )
    assert getattr(table, name)(x[:0], -1).shape == (0, 5, 6)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_infinite_and_missing_numbers(name):
    inf, nan = np.inf, np.nan
    x = np.array(
        [[1, 2, nan], [inf, 1, 2], [-inf, 1, 2], [-inf] * 3, [inf, inf, 0], [-nan, 1, 2]], np.float32
    )
    np.testing.assert_allclose(getattr(table, name)(x, -1), getattr(reference, name)(x, -1), rtol=1e-6)
    wide = np.tile(x, 200)
    np.testing.assert_allclose(getattr(table, name)(wide, -1), getattr(reference, name)(wide, -1), rtol=1e-5)


@pytest.mark.parametrize("columns", [10, 1000])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_a_nan_with_any_payload_reaches_its_row(name, columns):
    x = np.zeros((64, columns), np.float32)
    x[:, 3] = (np.float32(np.nan).view(np.int32) + np.arange(64, dtype=np.int32)).view(np.float32)
    assert np.isnan(getattr(table, name)(x, -1)).all()


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("columns", [rows.WIDE, rows.WIDE + 1, rows.WIDE_OF_SHORT, 1000, 1024 + 17])
def test_each_place_of_a_wide_row_counts_once(columns, dtype):
    x, one = np.zeros((columns, columns), dtype), np.arange(columns)
    x[one, one] = 5
    expected = reference.softmax(x, -1)
    np.testing.assert_allclose(table.softmax(x, -1), expected, rtol=20 * np.finfo(dtype).eps)
    for value in (np.nan, np.inf):
        x[one, one] = value
        assert np.isnan(table.softmax(x, -1)).all()
    x[one, one] = -np.inf
    found = table.softmax(x, -1)
    assert not found[one, one].any()
    np.testing.assert_allclose(found[0, 1:], 1 / (columns - 1), rtol=20 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(7001, 10), (900, 131), (133, 1003), (3, 50_001)])
def test_the_same_bits_on_several_threads(shape, dtype, set_threads):
    x = (3 * np.random.default_rng(shape).standard_normal(shape)).astype(dtype)

    def results():
        return rows.softmax(x, -1), rows.log_softmax(x, -1)

    set_threads(1)
    expected = results()
    for count in (2, 3, 16):
        set_threads(count)
        for found, exact in zip(results(), expected, strict=True):
            np.testing.assert_array_equal(found, exact)
