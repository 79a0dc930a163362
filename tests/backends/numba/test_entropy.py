import numpy as np
import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

from chainrule.backends import numpy as reference
from chainrule.backends.numba import entropy, rows, table

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
INF, NAN = np.inf, np.nan
ODD = np.array([[1, 2, NAN], [INF, 1, 2], [-INF] * 3, [-INF, 1, 2], [1, -INF, -INF], [1, 2, 3]], np.float32)


def matrix(shape, dtype, seed=1):
    return (np.random.default_rng(seed).standard_normal(shape) * 5).astype(dtype)


def close(found, expected, dtype, times=1):
    assert found.dtype == dtype
    np.testing.assert_allclose(
        found, expected, rtol=0, atol=times * TOLERANCE[dtype] * max(1, abs(expected).max(initial=0))
    )


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", SHAPES)
def test_labels(shape, dtype):
    x, labels = matrix(shape, dtype), np.random.default_rng(2).integers(0, shape[1], shape[0])
    exact, g = x.astype(np.float64), matrix(shape[:1], dtype)
    loss = table.cross_entropy(x, labels)
    close(loss, reference.cross_entropy(exact, labels), dtype)
    gradient = reference.softmax(exact, -1)
    gradient[np.arange(len(x)), labels] -= 1
    for classes in (labels, labels.astype(np.int16), np.repeat(labels, 2)[::2]):
        kept_loss, kept = entropy.kept_entropy(x, classes)
        np.testing.assert_array_equal(kept_loss, loss)
        close(entropy.kept_entropy_grad(kept, g, kept_loss, x, classes), g[:, None] * gradient, dtype, 4)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("far", [0, 1e6])
def test_targets(shape, dtype, far):
    x, y, g = matrix(shape, dtype), matrix(shape, dtype, 2), matrix(shape[:1], dtype, 3)
    x, y[:, ::2] = x + np.asarray(far, dtype), 0
    exact, weights = x.astype(np.float64), y.astype(np.float64)
    logarithms = reference.log_softmax(exact, -1)
    scale = np.asarray(max(1, abs(weights).sum(1).max()), dtype)  # what rounding errors are relative to
    for targets in (y, np.asfortranarray(y), np.repeat(y, 2, 0)[::2]):
        loss, kept = entropy.soft_entropy(x, targets)
        close(loss / scale, -(weights * logarithms).sum(1) / scale, dtype, 2)
        np.testing.assert_array_equal(table.soft_cross_entropy(x, targets), loss)
        gradient = np.exp(logarithms) * weights.sum(1, keepdims=True) - weights
        found = entropy.soft_entropy_grad(kept, g, loss, x, targets)
        close(found / scale, g[:, None] * gradient / scale, dtype)
        close(entropy.soft_targets_grad(kept, g, loss, x, targets), -g[:, None] * logarithms, dtype)


def test_missing_numbers_reach_loss_and_gradient():
    for logits in (ODD, np.tile(ODD, 200)):
        labels, g = np.zeros(len(logits), np.int64), np.ones(len(logits), np.float32)
        loss, kept = entropy.kept_entropy(logits, labels)
        np.testing.assert_allclose(loss, reference.cross_entropy(logits, labels), rtol=1e-6)
        gradient = entropy.kept_entropy_grad(kept, g, loss, logits, labels)
        assert np.isnan(gradient[:3]).all()
        assert np.isfinite(gradient[3:]).all()


@pytest.mark.parametrize("columns", [3, 600])
def test_what_is_infinite_or_missing_is_as_with_numpy(columns):
    logits, engine, plain = (
        np.tile(ODD, columns // 3),
        entropy.KEEPING["soft_cross_entropy"],
        reference.keeping["soft_cross_entropy"],
    )
    g = np.ones(len(logits), np.float32)
    for row in ([1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0.5, 0.5], [NAN, 0, 1], [-1, 0, 2]):
        y = np.tile(np.array(row, np.float32), (len(logits), columns // 3))
        loss, kept = engine.forward(logits, y)
        expected, others = plain.forward(logits, y)
        np.testing.assert_allclose(loss, expected, rtol=1e-5)
        for ours, theirs in zip(engine.gradients, plain.gradients, strict=True):
            np.testing.assert_allclose(
                ours(kept, g, loss, logits, y), theirs(others, g, expected, logits, y), rtol=1e-4, atol=1e-4
            )
        if row == [0, 0.5, 0.5]:
            assert np.isfinite(loss[[3, 5]]).all()
            assert loss[4] == INF


def test_a_label_outside_raises(set_threads):
    for shape, threads in (((4, 3), 1), ((9000, 10), 2)):
        set_threads(threads)
        x = matrix(shape, "float32")
        for label in (shape[1], -1):
            labels = np.zeros(len(x), np.int64)
            labels[-2] = label
            for function in (table.cross_entropy, entropy.kept_entropy):
                with pytest.raises(IndexError, match="a label is outside"):
                    function(x, labels)


@pytest.mark.parametrize("change", [lambda x: x[::2], lambda x: x[::2].astype(np.float16), lambda x: x[:0]])
def test_other_logits_take_numpys_way(change):
    x = change(matrix((6, 4), "float32"))
    g, labels, y = np.ones(len(x), x.dtype), np.array([0, 3, 1])[: len(x)], matrix(x.shape, x.dtype, 2)
    for name, targets in (("cross_entropy", labels), ("soft_cross_entropy", y)):
        engine, plain = entropy.KEEPING[name], reference.keeping[name]
        loss, kept = engine.forward(x, targets)
        expected, others = plain.forward(x, targets)
        assert loss.dtype == x.dtype
        np.testing.assert_array_equal(loss, expected)
        np.testing.assert_array_equal(
            engine.gradients[0](kept, g, loss, x, targets),
            plain.gradients[0](others, g, expected, x, targets),
        )
        np.testing.assert_array_equal(getattr(table, name)(x, targets), expected)


def test_targets_of_another_dtype_are_promoted():
    x = matrix((6, 4), "float32")
    for y in (np.eye(4, dtype=int)[[0, 3, 1, 1, 2, 0]], matrix((6, 4), "float64", 2)):
        loss, kept = entropy.soft_entropy(x, y)
        expected = reference.soft_cross_entropy(x.astype(np.float64), y)
        np.testing.assert_allclose(loss, expected, rtol=1e-5)
        found = entropy.soft_entropy_grad(kept, np.ones(6), loss, x, y)
        softmax = reference.softmax(x.astype(np.float64), -1)
        np.testing.assert_allclose(found, softmax * y.sum(1, keepdims=True) - y, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(7001, 10), (900, 131), (133, 1003), (3, 50_001)])
def test_the_same_bits_on_several_threads(shape, dtype, set_threads):
    rng = np.random.default_rng(shape)
    x, y, g = matrix(shape, dtype), rng.random(shape).astype(dtype), matrix(shape[:1], dtype)
    labels = rng.integers(0, shape[1], shape[0])

    def results():
        losses, kept = entropy.kept_entropy(x, labels)
        yield from (losses, *kept, entropy.kept_entropy_grad(kept, g, losses, x, labels))
        yield entropy.cross_entropy(x, labels)
        losses, kept = entropy.soft_entropy(x, y)
        yield from (losses, kept, entropy.soft_entropy_grad(kept, g, losses, x, y))

    set_threads(1)
    expected = list(results())
    for count in (2, 3, 16):
        set_threads(count)
        for found, exact in zip(results(), expected, strict=True):
            np.testing.assert_array_equal(found, exact)
