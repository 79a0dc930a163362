"""Clustering, where there are no labels to learn from: k-means."""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.nn.data.check import Labels, Seed, as_amount, as_count, as_numbers, generator

Floats64 = NDArray[np.float64]


class KMeans:
    """Find k centres so that the rows lie close to their nearest ones: Σ ‖x − centre‖² is small (Lloyd 1982).

    Each run chooses rows far from each other as first centres (k-means++, Arthur and Vassilvitskii 2007), and then, in
    turn, gives each row to its nearest centre and moves each centre to the mean of its rows. The best of some runs
    counts. A centre that lost all its rows moves to the row that is farthest from its own.

    Args:
        n_clusters: k.
        n_init: runs, of which the one with the smallest sum is kept.
        max_iter: rounds of a run.
        tol: a run ends when the centres move by no more than this, relative to the spread of the columns.
        seed: number or generator that makes it repeatable.

    Attributes:
        centers: float64 of shape (k, columns).
        labels: the cluster of each row that `fit` saw, from 0, shape (rows,).
        inertia: the sum of the squared distances.
        rounds: of the run that was kept.

    Raises:
        ValueError: fewer different rows than clusters, NaN, a setting out of range.

    Example:
        >>> X, _ = nn.data.make_blobs(90, 3, seed=0)
        >>> clusters = nn.KMeans(3, seed=0).fit(X)
        >>> np.bincount(clusters.labels), clusters.predict(X[:2]).shape
        (array([30, 30, 30]), (2,))
    """

    centers: Floats64
    labels: Labels
    inertia: float
    rounds: int

    def __init__(
        self, n_clusters: int, *, n_init: int = 10, max_iter: int = 300, tol: float = 1e-4, seed: Seed = None
    ) -> None:
        self.n_clusters = as_count("KMeans", n_clusters, "n_clusters")
        self.n_init = as_count("KMeans", n_init, "n_init")
        self.max_iter = as_count("KMeans", max_iter, "max_iter")
        self.tol = as_amount("KMeans", tol, "tol")
        self.seed = seed

    def fit(self, X: ArrayLike) -> Self:
        """Find the centres of rows of shape (rows, columns); returns itself."""
        rows = self._rows("fit", X)
        different = len(np.unique(rows, axis=0))
        if different < self.n_clusters:
            raise ValueError(
                f"KMeans.fit: {different} different rows cannot fill {self.n_clusters} clusters; use "
                f"n_clusters={different} or fewer"
            )
        rng = generator("KMeans", self.seed)
        # Around the mean, the squares of large coordinates do not swallow small distances.
        middle = rows.mean(axis=0)
        centred = rows - middle
        enough = self.tol * centred.var(axis=0).mean()
        runs = [self._run(centred, enough, rng) for _ in range(self.n_init)]
        self.inertia, self.labels, centers, self.rounds = min(runs, key=lambda run: run[0])
        self.centers = centers + middle
        return self

    def predict(self, X: ArrayLike) -> Labels:
        """Return the cluster of each row: that of its nearest centre.

        Raises:
            RuntimeError: `fit` has not been called.
            ValueError: rows with another number of columns.
        """
        if not hasattr(self, "centers"):
            raise RuntimeError("KMeans.predict: it has no centres yet; call fit(X) first")
        rows = self._rows("predict", X)
        if rows.shape[1] != self.centers.shape[1]:
            raise ValueError(
                f"KMeans.predict: fitted on {self.centers.shape[1]} columns, got rows of {rows.shape[1]}"
            )
        middle = self.centers.mean(axis=0)
        return _nearest(rows - middle, self.centers - middle)[0]

    def _rows(self, verb: str, X: ArrayLike) -> Floats64:
        rows = as_numbers(f"KMeans.{verb}", X)
        if rows.ndim != 2:
            raise ValueError(f"KMeans.{verb}: X must be (rows, columns), got shape {rows.shape}")
        return rows.astype(np.float64)

    def _run(
        self, rows: Floats64, enough: float, rng: np.random.Generator
    ) -> tuple[float, Labels, Floats64, int]:
        centers = _spread_out(rows, self.n_clusters, rng)
        labels, distances = _nearest(rows, centers)
        rounds, done = 0, False
        while not done and rounds < self.max_iter:
            rounds += 1
            moved = _means(rows, labels, distances, len(centers))
            shift = np.square(moved - centers).sum()
            before, centers = labels, moved
            labels, distances = _nearest(rows, centers)
            done = shift <= enough or np.array_equal(labels, before)
        return float(distances.sum()), labels, centers, rounds

    def __repr__(self) -> str:
        return f"KMeans({self.n_clusters})"


def _spread_out(rows: Floats64, k: int, rng: np.random.Generator) -> Floats64:
    """Choose rows one by one, each with a probability proportional to its squared distance from those chosen."""
    chosen = [int(rng.integers(len(rows)))]
    distances = np.square(rows - rows[chosen[0]]).sum(axis=1)
    while len(chosen) < k:
        total = np.cumsum(distances)
        # Rows on a chosen one have distance 0 and so are never drawn.
        chosen.append(int(np.searchsorted(total, rng.random() * total[-1], side="right")))
        distances = np.minimum(distances, np.square(rows - rows[chosen[-1]]).sum(axis=1))
    return rows[chosen]


def _nearest(rows: Floats64, centers: Floats64) -> tuple[Labels, Floats64]:
    """Return the nearest centre of each row, and the squared distance to it."""
    # ‖x − c‖² = ‖x‖² − 2 x·c + ‖c‖², and ‖x‖² is the same for all centres; the distance itself is taken exactly.
    labels = (np.square(centers).sum(axis=1) - 2 * rows @ centers.T).argmin(axis=1)
    return labels, np.square(rows - centers[labels]).sum(axis=1)


def _means(rows: Floats64, labels: Labels, distances: Floats64, k: int) -> Floats64:
    """Return the mean of each cluster's rows; for an empty one, a row that is far from its own centre."""
    counts = np.bincount(labels, minlength=k)
    empty = np.flatnonzero(counts == 0)
    if len(empty):
        labels = labels.copy()
        # A row that is alone in its cluster stays, or that one would be empty in turn.
        far = np.argsort(np.where(counts[labels] > 1, -distances, 0.0), kind="stable")[: len(empty)]
        labels[far] = empty
        counts = np.bincount(labels, minlength=k)
    sums = np.zeros((k, rows.shape[1]))
    np.add.at(sums, labels, rows)
    return sums / np.maximum(counts, 1)[:, None]
