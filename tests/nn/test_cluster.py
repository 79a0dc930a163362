"""k-means against scikit-learn's, and its corner cases."""

import numpy as np
import pytest

from chainrule import nn
from chainrule.nn import cluster

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("name", ["blobs", "iris", "wine", "digits"])
def test_as_good_as_scikit_learn(name):
    peer = pytest.importorskip(
        "sklearn.cluster", reason="needs scikit-learn: pip install 'chainrule[sklearn]'"
    )
    if name == "blobs":
        X, k = nn.data.make_blobs(300, 5, seed=1)[0], 5
    else:
        X, k = getattr(nn.data, f"load_{name}")().X, {"iris": 3, "wine": 3, "digits": 10}[name]
    ours = nn.KMeans(k, seed=0).fit(X)
    theirs = peer.KMeans(k, n_init=10, random_state=0).fit(X.astype(np.float64))
    assert ours.inertia <= theirs.inertia_ * 1.002
    # On their centres, both give each row to the same cluster.
    ours.centers = theirs.cluster_centers_
    assert np.array_equal(ours.predict(X), theirs.predict(X.astype(np.float64)))


def test_what_it_says_of_itself_is_true():
    X = RNG.standard_normal((200, 3))
    found = nn.KMeans(4, seed=0).fit(X)
    assert np.array_equal(found.labels, found.predict(X))
    assert found.inertia == pytest.approx(np.square(X - found.centers[found.labels]).sum())
    distances = np.square(X[:, None] - found.centers).sum(-1)
    assert np.array_equal(distances.argmin(1), found.labels)
    assert set(found.labels) == {0, 1, 2, 3}


def test_more_runs_are_never_worse_and_the_seed_repeats():
    X = RNG.standard_normal((200, 2))
    assert nn.KMeans(8, n_init=10, seed=3).fit(X).inertia <= nn.KMeans(8, n_init=1, seed=3).fit(X).inertia
    one, two = (nn.KMeans(8, seed=3).fit(X) for _ in range(2))
    assert np.array_equal(one.centers, two.centers)


def test_an_empty_cluster_gets_the_farthest_row():
    rows = np.array([[0.0], [0.1], [0.2], [9.0]])
    labels, distances = cluster._nearest(rows, np.array([[0.1], [50.0]]))
    assert labels.tolist() == [0, 0, 0, 0]
    assert cluster._means(rows, labels, distances, 2).ravel().tolist() == pytest.approx([0.1, 9.0])


@pytest.mark.parametrize("k", [1, 5])
def test_as_many_clusters_as_different_rows(k):
    X = np.repeat(np.arange(5.0)[:, None], 20, axis=0)
    found = nn.KMeans(k, seed=0).fit(X)
    assert found.inertia == pytest.approx(0 if k == 5 else 200)
    assert len(set(found.labels)) == k


def test_far_from_the_origin():
    X, y = nn.data.make_blobs(90, 3, noise=0.1, seed=0)
    moved = X.astype(np.float64) + 1e8
    assert np.array_equal(nn.KMeans(3, seed=0).fit(moved).labels, nn.KMeans(3, seed=0).fit(X).labels)
    assert len(set(zip(y, nn.KMeans(3, seed=0).fit(moved).labels, strict=True))) == 3


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.KMeans(0), ValueError, "n_clusters must be at least 1"),
        (lambda: nn.KMeans(2, tol=-1), ValueError, "tol must be"),
        (
            lambda: nn.KMeans(3).fit([[1.0], [1.0], [2.0]]),
            ValueError,
            "2 different rows cannot fill 3 clusters",
        ),
        (lambda: nn.KMeans(1).fit([1.0, 2.0]), ValueError, r"X must be \(rows, columns\), got shape \(2,\)"),
        (lambda: nn.KMeans(1).fit([[np.nan]]), ValueError, "has nan at"),
        (lambda: nn.KMeans(1).fit([["a"]]), TypeError, "must hold numbers"),
        (lambda: nn.KMeans(1).predict([[1.0]]), RuntimeError, r"call fit\(X\) first"),
        (
            lambda: nn.KMeans(1).fit([[1.0]]).predict([[1.0, 2.0]]),
            ValueError,
            "fitted on 1 columns, got rows of 2",
        ),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
