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


def test_missing_numbers_reach_loss_and_gradient():
    inf, nan = np.inf, np.nan
    x = np.array([[1, 2, nan], [inf, 1, 2], [-inf] * 3, [-inf, 1, 2], [1, 2, 3]], np.float32)
    labels, g = np.zeros(5, np.int64), np.ones(5, np.float32)
    for logits in (x, np.tile(x, 200)):
        with np.errstate(invalid="ignore", divide="ignore"):
            expected = reference.cross_entropy(logits, labels)
        loss, kept = rows.kept_entropy(logits, labels)
        np.testing.assert_allclose(loss, expected, rtol=1e-6)
        for gradient in (
            rows.kept_entropy_grad(kept, g, loss, logits, labels),
            rows.cross_entropy_grad(g, logits, labels),
        ):
            assert np.isnan(gradient[:3]).all()
            assert np.isfinite(gradient[3:]).all()


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


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", SHAPES)
def test_cross_entropy(shape, dtype):
    x, labels = matrix(shape, dtype), np.random.default_rng(2).integers(0, shape[1], shape[0])
    exact = x.astype(np.float64)
    loss = table.cross_entropy(x, labels)
    expected = reference.cross_entropy(exact, labels)
    assert loss.dtype == dtype
    np.testing.assert_allclose(loss, expected, rtol=0, atol=TOLERANCE[dtype] * max(1, expected.max()))
    g = matrix(shape[:1], dtype)
    gradient = reference.softmax(exact, -1)
    gradient[np.arange(len(x)), labels] -= 1
    for classes in (labels, labels.astype(np.int16), np.repeat(labels, 2)[::2]):
        result = rows.cross_entropy_grad(g, x, classes)
        np.testing.assert_allclose(result, g[:, None] * gradient, rtol=0, atol=20 * TOLERANCE[dtype])
        kept_loss, kept = rows.kept_entropy(x, classes)
        np.testing.assert_array_equal(kept_loss, loss)
        result = rows.kept_entropy_grad(kept, g, kept_loss, x, classes)
        assert result.dtype == dtype
        np.testing.assert_allclose(result, g[:, None] * gradient, rtol=0, atol=20 * TOLERANCE[dtype])


def test_a_label_outside_raises():
    x, g = matrix((4, 3), "float32"), np.ones(4, np.float32)
    for label in (3, -1):
        labels = np.array([0, 1, 2, label])
        with pytest.raises(IndexError, match="label"):
            table.cross_entropy(x, labels)
        with pytest.raises(IndexError, match="label"):
            rows.cross_entropy_grad(g, x, labels)
        with pytest.raises(IndexError, match="label"):
            rows.kept_entropy(x, labels)


def test_other_operands_take_numpys_way():
    x, labels = matrix((6, 4), "float32")[::2], np.array([0, 3, 1])
    np.testing.assert_allclose(table.cross_entropy(x, labels), reference.cross_entropy(x, labels), rtol=1e-6)
    g = np.ones(3, np.float32)
    np.testing.assert_allclose(
        rows.cross_entropy_grad(g, x, labels),
        rows.cross_entropy_grad(g, x.copy(), labels),
        rtol=1e-5,
        atol=1e-6,
    )
    for strided in (x, x.astype(np.float16)):
        loss, kept = rows.kept_entropy(strided, labels)
        np.testing.assert_allclose(loss, reference.cross_entropy(x, labels), rtol=2e-3)
        gradient = rows.kept_entropy_grad(kept, g.astype(loss.dtype), loss, strided, labels)
        np.testing.assert_allclose(gradient, rows.cross_entropy_grad(g, x, labels), rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(7001, 10), (900, 131), (133, 1003), (3, 50_001)])
def test_the_same_bits_on_several_threads(shape, dtype, set_threads):
    rng = np.random.default_rng(shape)
    x, g = (3 * rng.standard_normal(shape)).astype(dtype), rng.standard_normal(shape[0]).astype(dtype)
    labels = rng.integers(0, shape[1], shape[0])

    def results():
        losses, kept = rows.kept_entropy(x, labels)
        yield from (losses, *kept, rows.kept_entropy_grad(kept, g, losses, x, labels))
        yield from (rows.softmax(x, -1), rows.log_softmax(x, -1), rows.cross_entropy(x, labels))
        yield rows.cross_entropy_grad(g, x, labels)

    set_threads(1)
    expected = list(results())
    for count in (2, 3, 16):
        set_threads(count)
        for found, exact in zip(results(), expected, strict=True):
            np.testing.assert_array_equal(found, exact)


def test_a_label_outside_on_several_threads(set_threads):
    set_threads(2)
    x, labels = np.ones((9000, 10), np.float32), np.zeros(9000, np.int64)
    labels[8000] = 10
    for function in (rows.cross_entropy, rows.kept_entropy):
        with pytest.raises(IndexError, match="a label is outside"):
            function(x, labels)
