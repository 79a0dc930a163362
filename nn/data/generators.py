"""Small made data sets to watch a network learn on. All give (X float32, y int64), rows in random order."""

import numpy as np

from chainrule.nn.data.check import Array, Floats, Labels, Seed, as_amount, as_count, generator


def make_moons(n: int = 200, noise: float = 0.1, *, seed: Seed = None) -> tuple[Floats, Labels]:
    """Two half circles of radius 1 that reach into each other.

    Args:
        n: number of points; the upper moon (class 0) gets the odd one.
        noise: standard deviation of the normal noise on both coordinates.
        seed: number or generator that makes it repeatable.

    Returns:
        X of shape (n, 2) and y of shape (n,) with the classes 0 and 1.

    Raises:
        ValueError: n below 2, or a negative noise.

    >>> X, y = make_moons(100, noise=0.0, seed=0)
    >>> X.shape, np.bincount(y)
    ((100, 2), array([50, 50]))
    """
    rng, y = _start("make_moons", n, 2, noise, seed)
    angle = _along(y) * np.pi
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    lower = np.array([1.0, 0.5]) - upper
    return _finish(rng, np.where(y[:, None] == 0, upper, lower), y, noise)


def make_circles(
    n: int = 200, noise: float = 0.05, *, factor: float = 0.5, seed: Seed = None
) -> tuple[Floats, Labels]:
    """A circle of radius 1 (class 0) around one of radius `factor` (class 1).

    Args:
        n: number of points, spread over the circles as evenly as it goes.
        noise: standard deviation of the normal noise on both coordinates.
        factor: radius of the inner circle, between 0 and 1.
        seed: number or generator that makes it repeatable.

    Raises:
        ValueError: n below 2, a negative noise, or a factor outside [0, 1).

    >>> X, y = make_circles(100, noise=0.0, seed=0)
    >>> np.hypot(*X[y == 1].T).round(3).max()
    np.float32(0.5)
    """
    if not 0 <= factor < 1:
        raise ValueError(f"make_circles: factor must lie in [0, 1) to keep the circles apart, got {factor!r}")
    rng, y = _start("make_circles", n, 2, noise, seed)
    # A full turn ends where it began, so the last point of each circle stops one step short.
    angle = 2 * np.pi * _along(y, closed=True)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return _finish(rng, circle * np.where(y[:, None] == 0, 1.0, factor), y, noise)


def make_blobs(
    n: int = 200, n_classes: int = 3, n_features: int = 2, *, noise: float = 1.0, seed: Seed = None
) -> tuple[Floats, Labels]:
    """One round cloud of points for each class, its centre drawn uniformly from [-10, 10].

    Args:
        n: number of points, spread over the classes as evenly as it goes.
        n_classes: number of clouds.
        n_features: number of coordinates.
        noise: standard deviation of each cloud.
        seed: number or generator that makes it repeatable.

    Returns:
        X of shape (n, n_features) and y of shape (n,) with the classes 0..n_classes-1.

    Raises:
        ValueError: fewer points than classes, no coordinate, or a negative noise.

    >>> X, y = make_blobs(90, 3, 4, seed=0)
    >>> X.shape, np.bincount(y)
    ((90, 4), array([30, 30, 30]))
    """
    n_classes = as_count("make_blobs", n_classes, "n_classes")
    n_features = as_count("make_blobs", n_features, "n_features")
    rng, y = _start("make_blobs", n, n_classes, noise, seed)
    centres = rng.uniform(-10.0, 10.0, (n_classes, n_features))
    return _finish(rng, centres[y], y, noise)


def make_spirals(
    n: int = 200, n_classes: int = 2, noise: float = 0.02, *, turns: float = 1.0, seed: Seed = None
) -> tuple[Floats, Labels]:
    """Spiral arms that start together at the middle and wind outwards to radius 1.

    Args:
        n: number of points, spread over the arms as evenly as it goes.
        n_classes: number of arms.
        noise: standard deviation of the normal noise on both coordinates.
        turns: how often each arm goes around; more is harder.
        seed: number or generator that makes it repeatable.

    Raises:
        ValueError: fewer points than arms, a negative noise, or negative turns.

    >>> X, y = make_spirals(90, 3, noise=0.0, seed=0)
    >>> bool(np.hypot(*X.T).max() <= 1.0 + 1e-6)
    True
    """
    n_classes = as_count("make_spirals", n_classes, "n_classes")
    turns = as_amount("make_spirals", turns, "turns")
    rng, y = _start("make_spirals", n, n_classes, noise, seed)
    radius = _along(y)
    angle = 2 * np.pi * (turns * radius + y / n_classes)
    return _finish(rng, np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), y, noise)


def make_xor(n: int = 200, noise: float = 0.2, *, seed: Seed = None) -> tuple[Floats, Labels]:
    """The four corners (±1, ±1): class 1 where the signs differ, so that no straight line separates them.

    Args:
        n: number of points, spread over the corners as evenly as it goes.
        noise: standard deviation of the normal noise on both coordinates.
        seed: number or generator that makes it repeatable.

    Raises:
        ValueError: n below 4, or a negative noise.

    >>> X, y = make_xor(4, noise=0.0, seed=0)
    >>> bool(((X[:, 0] * X[:, 1] < 0) == y).all())
    True
    """
    rng, corner = _start("make_xor", n, 4, noise, seed)
    corners = np.array([[-1.0, -1.0], [1.0, 1.0], [-1.0, 1.0], [1.0, -1.0]])
    return _finish(rng, corners[corner], (corner >= 2).astype(np.int64), noise)


def _start(where: str, n: int, groups: int, noise: float, seed: Seed) -> tuple[np.random.Generator, Labels]:
    """The generator and the group of each point, in order and of sizes that differ by one at most."""
    count = as_count(where, n, "n", least=groups)
    as_amount(where, noise, "noise")
    return generator(where, seed), np.arange(count) * groups // count


def _along(groups: Labels, *, closed: bool = False) -> Array:
    """Where each point lies within its group, evenly from 0 to 1 (`closed`: the 1 itself left out)."""
    sizes = np.bincount(groups)
    return np.concatenate([np.linspace(0.0, 1.0, size, endpoint=not closed) for size in sizes])


def _finish(rng: np.random.Generator, points: Array, y: Labels, noise: float) -> tuple[Floats, Labels]:
    order = rng.permutation(len(y))
    noisy = points + noise * rng.standard_normal(points.shape)
    return noisy[order].astype(np.float32), y[order]
