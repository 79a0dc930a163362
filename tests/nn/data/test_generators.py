"""The made sets have the shape that their names promise."""

from typing import Any

import numpy as np
import pytest

from chainrule.nn import data

MAKERS = [data.make_moons, data.make_circles, data.make_blobs, data.make_spirals, data.make_xor]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("n", [7, 60])
def test_rows_dtypes_balance(make: Any, n: int) -> None:
    X, y = make(n, seed=0)
    assert X.shape == (n, 2)
    assert X.dtype == np.float32
    assert y.shape == (n,)
    assert y.dtype == np.int64
    counts = np.bincount(y)
    assert counts.max() - counts.min() <= (2 if make is data.make_xor else 1)


@pytest.mark.parametrize("make", MAKERS)
def test_seed(make: Any) -> None:
    first, again, other = make(50, seed=1), make(50, seed=1), make(50, seed=2)
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])
    assert not np.array_equal(make(50)[0], make(50)[0])
    np.testing.assert_array_equal(make(50, seed=np.random.default_rng(1))[0], first[0])


@pytest.mark.parametrize("make", MAKERS)
def test_rows_come_in_random_order(make: Any) -> None:
    _, y = make(100, seed=0)
    assert np.any(np.diff(y) < 0)


@pytest.mark.parametrize("make", MAKERS)
def test_noise_is_a_standard_deviation(make: Any) -> None:
    noisy, clean = make(20_000, noise=0.3, seed=5)[0], make(20_000, noise=0.0, seed=5)[0]
    assert np.std(noisy - clean) == pytest.approx(0.3, rel=0.02)


@pytest.mark.parametrize("name", ["moons", "circles"])
def test_same_points_as_scikit_learn(name: str) -> None:
    sklearn = pytest.importorskip(
        "sklearn.datasets", reason="needs scikit-learn: pip install 'chainrule[sklearn]'"
    )
    options = {"factor": 0.4} if name == "circles" else {}
    X, y = getattr(data, f"make_{name}")(101 if name == "moons" else 100, 0.0, seed=0, **options)
    theirs, labels = getattr(sklearn, f"make_{name}")(
        (51, 50) if name == "moons" else 100, shuffle=False, noise=None, **options
    )
    ours = np.array(sorted(np.column_stack([y, X.round(4)]).tolist()))
    np.testing.assert_allclose(ours, sorted(np.column_stack([labels, theirs.round(4)]).tolist()), atol=1.1e-4)


def test_spirals_start_together_and_end_on_the_unit_circle() -> None:
    X, y = data.make_spirals(300, 3, 0.0, turns=1.5, seed=0)
    radius = np.hypot(*X.T)
    for arm in range(3):
        assert radius[y == arm].min() == 0
        assert radius[y == arm].max() == pytest.approx(1)
    # Turned back by their arm's angle, all arms are one.
    angle = 2 * np.pi * y / 3
    back = np.stack(
        [X[:, 0] * np.cos(angle) + X[:, 1] * np.sin(angle), X[:, 1] * np.cos(angle) - X[:, 0] * np.sin(angle)]
    )
    straight = 2 * np.pi * 1.5 * radius
    np.testing.assert_allclose(back, [radius * np.cos(straight), radius * np.sin(straight)], atol=1e-5)


def test_xor_is_beyond_a_straight_line() -> None:
    X, y = data.make_xor(400, noise=0.1, seed=0)
    design = np.column_stack([X, np.ones(400)])
    weights = np.linalg.lstsq(design, 2 * y - 1, rcond=None)[0]
    assert np.mean((design @ weights > 0) == y) < 0.8
    assert np.mean((X[:, 0] * X[:, 1] < 0) == y) == 1


def test_blobs_lie_around_as_many_centres() -> None:
    X, y = data.make_blobs(3000, 4, 3, noise=0.5, seed=0)
    assert X.shape == (3000, 3)
    for k in range(4):
        np.testing.assert_allclose(X[y == k].std(axis=0), 0.5, rtol=0.1)
        assert np.abs(X[y == k].mean(axis=0)).max() < 10.1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: data.make_moons(1), "make_moons: n must be at least 2, got 1"),
        (
            lambda: data.make_moons(noise=-1),
            "make_moons: noise must be a finite number of at least 0, got -1",
        ),
        (lambda: data.make_circles(factor=1.0), r"make_circles: factor must lie in \[0, 1\)"),
        (lambda: data.make_blobs(2, 3), "make_blobs: n must be at least 3, got 2"),
        (lambda: data.make_blobs(n_classes=0), "make_blobs: n_classes must be at least 1, got 0"),
        (lambda: data.make_blobs(n_features=0), "make_blobs: n_features must be at least 1, got 0"),
        (lambda: data.make_spirals(n_classes=0), "make_spirals: n_classes must be at least 1, got 0"),
        (lambda: data.make_spirals(turns=-1), "make_spirals: turns must be a finite number"),
        (lambda: data.make_xor(3), "make_xor: n must be at least 4, got 3"),
        (lambda: data.make_xor(seed=-1), "make_xor: seed must be at least 0, got -1"),
    ],
)
def test_bad_arguments(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
