"""Plots of a training and what came of it, with matplotlib (the extra `plot`); each returns matplotlib's Axes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chainrule.nn import metrics
from chainrule.nn.data.check import as_count, as_labels, as_numbers, in_classes, same_length
from chainrule.nn.history import History
from chainrule.nn.pictures import curves as panels, pyplot

MARGIN = 0.1  # of the width of the data, around it
STEPS = 200  # points of a decision boundary along each axis


def curves(history: History, *names: str) -> list[Any]:
    """Draw the loss and the metrics of a training, each with its validation.

    Args:
        history: what `fit` returned.
        names: what to draw, such as ``"loss"``; none for everything.

    Returns:
        The Axes, one for each panel.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: an unknown name, or nothing to draw yet.

    Example:
        >>> history = nn.MLP([1, 1]).fit([[0.0], [1.0]], [0.0, 1.0], epochs=2, verbose=0)
        >>> len(curves(history))
        2
    """
    return panels(history.series, names)


def decision_boundary(model: Any, X: ArrayLike, y: ArrayLike, ax: Any = None) -> Any:
    """Colour the plane by what a model predicts there, and draw the rows with their classes over it.

    Args:
        model: anything with `predict` for rows of two features; its classes are numbers from 0.
        X: shape (rows, 2).
        y: class numbers, shape (rows,).
        ax: the Axes to draw on; None makes new ones.

    Returns:
        The Axes.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: X has other than two features.

    Example:
        >>> X, y = nn.data.make_moons(50, seed=0)
        >>> model = nn.LogisticRegression(2)
        >>> _ = model.fit(X, y, verbose=0)
        >>> decision_boundary(model, X, y).get_xlabel()
        'feature 0'
    """
    rows, labels = as_numbers("decision_boundary", X), as_labels("decision_boundary", y)
    same_length("decision_boundary", X=rows, y=labels)
    if rows.ndim != 2 or rows.shape[1] != 2:
        raise ValueError(f"decision_boundary: X must have two features, shape (rows, 2), got {rows.shape}")
    low, high = rows.min(axis=0), rows.max(axis=0)
    edge = MARGIN * np.where(high > low, high - low, 1)
    axes = [np.linspace(a, b, STEPS) for a, b in zip(low - edge, high + edge, strict=True)]
    grid = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2).astype(rows.dtype)
    found = np.asarray(model.predict(grid)).reshape(STEPS, STEPS)
    ax = _axes(ax, (4.5, 4))
    n = int(max(labels.max(), found.max())) + 1
    colours = pyplot().get_cmap("tab10")(np.arange(n) % 10)
    ax.contourf(*axes, found, levels=np.arange(n + 1) - 0.5, colors=colours, alpha=0.25)
    for c in np.unique(labels):
        chosen = rows[labels == c]
        ax.scatter(*chosen.T, color=colours[c], edgecolors="white", linewidths=0.6, s=28, label=f"class {c}")
    ax.set_xlabel("feature 0")
    ax.set_ylabel("feature 1")
    ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return ax


def weight_images(weights: ArrayLike, shape: Sequence[int], columns: int = 8) -> Any:
    """Draw the weights of each unit as an image: blue where an input speaks against it, red where it speaks for it.

    Args:
        weights: shape (units, inputs), such as `Linear.weight`; a Tensor or an array.
        shape: height and width of an image; their product is the number of inputs.
        columns: images side by side.

    Returns:
        The Axes; all images have one scale.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: the shapes do not fit.

    Example:
        >>> weight_images(nn.MLP([64, 12, 10])[0].weight, (8, 8)).get_title()
        '12 units'
    """
    rows = as_numbers("weight_images", getattr(weights, "data", weights), "weights")
    height, width = (as_count("weight_images", n, f"shape[{i}]") for i, n in enumerate(shape))
    if rows.ndim != 2 or rows.shape[1] != height * width:
        raise ValueError(
            f"weight_images: weights of shape {rows.shape} do not fit images of {height} × {width}; "
            f"they need shape (units, {height * width})"
        )
    across = min(as_count("weight_images", columns, "columns"), len(rows))
    down = -(-len(rows) // across)
    sheet = np.full((down * (height + 1) - 1, across * (width + 1) - 1), np.nan)
    for i, row in enumerate(rows):
        top, left = (i // across) * (height + 1), (i % across) * (width + 1)
        sheet[top : top + height, left : left + width] = row.reshape(height, width)
    ax = _axes(None, (0.8 * across + 1, 0.8 * down + 0.4))
    limit = float(np.abs(rows).max()) or 1.0
    image = ax.imshow(sheet, cmap="coolwarm", vmin=-limit, vmax=limit)
    ax.figure.colorbar(image, ax=ax, label="weight")
    ax.set_axis_off()
    ax.set_title(f"{len(rows)} units")
    return ax


def confusion_matrix(
    y_true: ArrayLike, y_pred: ArrayLike, names: Sequence[str] | None = None, ax: Any = None
) -> Any:
    """Draw how often each true class was predicted as each class.

    Args:
        y_true: the right class numbers, shape (rows,).
        y_pred: the predicted ones, shape (rows,).
        names: of the classes; None numbers them.
        ax: the Axes to draw on; None makes new ones.

    Returns:
        The Axes.

    Raises:
        ImportError: matplotlib is not installed.
        IndexError: a class without a name.
        ValueError: the shapes differ.

    Example:
        >>> axes = confusion_matrix([0, 1, 1], [0, 1, 0], names=["cat", "dog"])
        >>> [text.get_text() for text in axes.texts]
        ['1', '0', '1', '1']
    """
    if names is not None:
        for given in (y_true, y_pred):
            in_classes("confusion_matrix", as_labels("confusion_matrix", given), len(names), "class")
    counts = metrics.confusion_matrix(y_true, y_pred, None if names is None else len(names))
    n = len(counts)
    ax = _axes(ax, (1.6 + 0.45 * n, 1.2 + 0.45 * n))
    ax.imshow(counts, cmap="Blues")
    for (row, column), count in np.ndenumerate(counts):
        dark = count > counts.max() / 2
        ax.text(column, row, str(count), ha="center", va="center", color="white" if dark else "black")
    labels = [str(c) for c in range(n)] if names is None else list(names)
    ax.set_xticks(range(n), labels, rotation=0 if max(map(len, labels)) < 4 else 45)
    ax.set_yticks(range(n), labels)
    ax.set_xlabel("predicted")
    ax.set_ylabel("true")
    return ax


def _axes(given: Any, size: tuple[float, float]) -> Any:
    """Return the Axes that were given, or new ones of this size in inches."""
    return pyplot().subplots(figsize=size, layout="constrained")[1] if given is None else given
