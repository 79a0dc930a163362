"""Every update against its formula in NumPy, in float64."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

from chainrule.backends.numba import updates
from chainrule.backends.numba.updates import UPDATES, update
from chainrule.backends.updates import FORMULAS

SHAPES = [(), (0,), (37,), (8, 5), (1, 2, 3), (7, 150)]


def formula(name, w, g, remembered, n):
    if name == "sgd":
        return w - n[0] * (g + n[1] * w), ()
    if name in ("momentum", "nesterov"):
        g = g + n[2] * w
        v = n[1] * remembered[0] + g
        return w - n[0] * (g + n[1] * v if name == "nesterov" else v), (v,)
    if name == "rmsprop":
        g = g + n[4] * w
        s = n[1] * remembered[0] + n[2] * g**2
        return w - n[0] * g / (np.sqrt(s) + n[3]), (s,)
    g = g + n[6] * w
    m, s = n[1] * remembered[0] + n[2] * g, n[3] * remembered[1] + n[4] * g**2
    return n[7] * w - n[0] * m / (np.sqrt(s) + n[5]), (m, s)


def drawn(name, shapes, dtype):
    """What `update` takes: lists of arrays, and numbers."""
    rng = np.random.default_rng(0)
    names, numbers = UPDATES[name]
    arrays = [[np.asarray(rng.uniform(0.1, 1, s), dtype) for s in shapes] for _ in names]
    return arrays, tuple(rng.uniform(0.1, 0.9, numbers))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shapes", [*([shape] for shape in SHAPES), SHAPES], ids=str)
@pytest.mark.parametrize("name", UPDATES)
def test_formulas(name, shapes, dtype):
    arrays, numbers = drawn(name, shapes, dtype)
    before = [[array.copy() for array in each] for each in arrays]
    result = update(name, arrays, numbers)
    tolerance = {"rtol": 3e-6 if dtype == "float32" else 1e-14, "atol": 1e-6 if dtype == "float32" else 1e-14}
    for i, shape in enumerate(shapes):
        w, g, *remembered = (each[i].astype(np.float64) for each in before)
        exact, memory = formula(name, w, g, remembered, numbers)
        np.testing.assert_allclose(result[i], exact, **tolerance)
        assert result[i].dtype == dtype
        assert result[i].shape == shape
        for each, expected in zip(arrays[2:], memory, strict=True):
            np.testing.assert_allclose(each[i], expected, **tolerance)
        np.testing.assert_array_equal(arrays[0][i], before[0][i])
        np.testing.assert_array_equal(arrays[1][i], before[1][i])


@pytest.mark.parametrize("name", UPDATES)
def test_as_numpy_where_numbers_are_not_finite(name):
    """Those in vectors and those after them, with decay and without."""
    special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-40, 3e38], np.float32)
    for decay in (0.0, 0.5):
        arrays, numbers = drawn(name, [(500,)], np.float32)
        rng, place = np.random.default_rng(1), -2 if name == "adam" else -1
        for (array,) in arrays:
            array[rng.integers(0, 500, 100)] = rng.choice(special, 100)
        numbers = list(numbers)
        numbers[place] = decay
        own = [array.copy() for (array,) in arrays]
        with np.errstate(all="ignore"):
            expected, *_ = FORMULAS[name](*own, *map(float, numbers))
        (found,) = update(name, arrays, tuple(numbers))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
        for (array,), other in zip(arrays[2:], own[2:], strict=True):
            np.testing.assert_allclose(array, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", UPDATES)
def test_many_are_each_as_alone(name):
    shapes = [(size,) for size in (*range(70), *range(120, 140), *range(250, 260))]
    many, numbers = drawn(name, shapes, np.float32)
    each = [[[array.copy()] for array in own] for own in zip(*many, strict=True)]
    together = update(name, many, numbers)
    for i, own in enumerate(each):
        np.testing.assert_array_equal(update(name, own, numbers)[0], together[i])
        for (array,), kind in zip(own, many, strict=True):
            np.testing.assert_array_equal(array, kind[i])


A = np.ones((4, 4), np.float32)
UNALIGNED = np.frombuffer(bytearray(65), np.uint8)[1:].view(np.float32).reshape(4, 4)
CONSTANT = A.copy()
CONSTANT.flags.writeable = False
NOT_LIKE_A = [
    A.astype(float),
    A.T[::2],
    A[:, :2],
    A[0],
    None,
    1.0,
    A.astype(">f4"),
    UNALIGNED,
    [[1.0] * 4] * 4,
]


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("kind", range(3), ids=["parameter", "gradient", "velocity"])
def test_if_one_does_not_fit_nothing_changes(kind, place):
    wrong = NOT_LIKE_A + [A[:, ::-1], CONSTANT, np.asfortranarray(A)] * (kind == 2)
    for array in wrong[: 3 if kind == 0 else None]:
        arrays = [[A.copy() for _ in range(3)] for _ in range(3)]
        arrays[kind][place] = array
        before = pickle.dumps(arrays)
        assert update("momentum", arrays, (0.1, 0.9, 0.0)) is None
        assert pickle.dumps(arrays) == before


def test_what_has_no_kernel():
    half = np.ones(3, np.float16)
    assert update("sgd", [[half], [half]], (0.1, 0.0)) is None
    assert update("unheard of", [[A], [A]], (0.1, 0.0)) is None
    for numbers in [(0.1,), (0.1, None), (0.1, "0"), ()]:
        assert update("sgd", [[A], [A]], numbers) is None


@pytest.mark.parametrize("arrays", [[[A]], [[A], []], [[A, A], [A]], [[A], [A], [A]], [[A], [A, A]]], ids=len)
def test_too_few_or_too_many_arrays(arrays):
    assert update("sgd", arrays, (0.1, 0.0)) is None


def test_numbers_may_be_whole():
    assert (update("sgd", [[A], [A]], (1, np.float64(0)))[0] == 0).all()


def test_where_objects_cannot_be_read_there_is_no_kernel(monkeypatch):
    monkeypatch.setattr(updates, "KERNELS", {})
    monkeypatch.setattr(updates, "READABLE", False)
    assert update("sgd", [[A], [A]], (0.1, 0.0)) is None


def test_arrays_that_were_pickled():
    """Their dtype is an object of its own."""
    arrays, numbers = drawn("adam", [(3, 4)], np.float32)
    copy = pickle.loads(pickle.dumps(arrays))  # noqa: S301 -- its own
    assert copy[0][0].dtype is not arrays[0][0].dtype
    np.testing.assert_array_equal(update("adam", copy, numbers), update("adam", arrays, numbers))
    np.testing.assert_array_equal(copy, arrays)


def test_a_gradient_of_any_order_will_do():
    w, g = np.ones((4, 3), np.float32), np.arange(12, dtype=np.float32).reshape(3, 4).T
    for same in (g, np.repeat(g, 2, axis=1)[:, ::2], g.view(type("Subclass", (np.ndarray,), {}))):
        found = update("sgd", [[w, w], [same, w]], (0.5, 0.0))
        np.testing.assert_array_equal(found, [1 - 0.5 * g, 0.5 * w])


def test_threads():
    arrays, numbers = drawn("sgd", SHAPES, np.float32)
    expected = update("sgd", arrays, numbers)

    def many(_):
        return [update("sgd", arrays, numbers) for _ in range(300)]

    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(many, range(4)):
            for each in found:
                for ours, other in zip(each, expected, strict=True):
                    np.testing.assert_array_equal(ours, other)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", UPDATES)
def test_the_same_bits_on_several_threads(name, dtype, set_threads):
    shapes = [(3,), (301, 401), (), (0, 5), (7, 50, 61)]

    def results():
        arrays, numbers = drawn(name, shapes, dtype)
        arrays[1][1] = np.asfortranarray(arrays[1][1])
        return [update(name, arrays, numbers), *arrays]

    set_threads(1)
    expected = results()
    for count in (2, 3, 16):
        set_threads(count)
        for found, exact in zip(results(), expected, strict=True):
            for ours, other in zip(found, exact, strict=True):
                np.testing.assert_array_equal(ours, other)


def test_what_is_large_and_does_not_fit_changes_nothing(set_threads):
    set_threads(2)
    w, velocity = np.ones((400, 401)), np.ones((401, 400)).T
    assert update("momentum", [[w], [w], [velocity]], (0.1, 0.9, 0.0)) is None
    assert (velocity == 1).all()
