"""The loss of linear and logistic regression and its gradient, written out.

L-BFGS asks for them dozens of times; for a small table the graph would take longer than the arithmetic, and for many
rows of few classes the fast order of the axes is (classes, rows). A test compares both with the graph's.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.nn import losses, task as tasks
from chainrule.nn.data.check import Array
from chainrule.nn.parameter import Parameter

# logits or predictions (classes, rows), targets, weights / rows -> loss, its derivative by them
Loss = Callable[[Array, Array, Any], tuple[float, Array]]


def written_out(
    model: Any,
    params: Sequence[Parameter],
    loss: Any,
    rows: Array,
    targets: Array,
    weights: Array | None,
) -> Callable[[Array], tuple[float, Array, Array]] | None:
    """Return the loss as a function of the flat parameters: its value, gradient, and the outputs.

    Args:
        model: any module; those with a class attribute `affine` return the outputs of their `linear`.
        params: what is trained.
        loss: the function that `fit` was to make small.
        rows: shape (rows, features).
        targets: as the loss takes them.
        weights: how much each row counts, or None.

    Returns:
        None if the model is not a single linear layer with a bias, trained whole, or the loss is another one.

    Example:
        >>> X, y = np.array([[1.0], [2.0]]), np.array([0.0, 1.0])
        >>> model = nn.LogisticRegression(1)
        >>> f = written_out(model, model.parameters(), nn.losses.binary_cross_entropy_with_logits, X, y, None)
        >>> loss, gradient, outputs = f(np.zeros(2))
        >>> round(loss, 4), gradient
        (0.6931, array([-0.25,  0.  ]))
    """
    own = _LOSSES.get(loss)
    # A subclass may compute something else in its `forward`, and so may a hook.
    if own is None or not vars(type(model)).get("affine") or rows.ndim != 2:
        return None
    layer = model.linear
    if model._hooks or layer._hooks or [id(w) for w in params] != [id(layer.weight), id(layer.bias)]:
        return None
    if not (layer.weight.requires_grad and layer.bias.requires_grad):
        return None
    classes, flat = layer.weight.shape[0], targets.ndim == 1
    share = 1 / len(rows) if weights is None else weights / len(rows)
    goal = np.ascontiguousarray(targets.T) if targets.ndim == 2 else targets

    def function(x: Array) -> tuple[float, Array, Array]:
        weight, bias = x[:-classes].reshape(classes, -1), x[-classes:]
        logits = weight @ rows.T
        logits += bias[:, None]
        value, derivative = own(logits, goal, share)
        gradient = np.empty_like(x)
        np.matmul(derivative, rows, out=gradient[:-classes].reshape(classes, -1))
        derivative.sum(axis=1, out=gradient[-classes:])
        return value, gradient, logits[0] if flat and classes == 1 else logits.T

    return function


def _squares(outputs: Array, goal: Array, share: Any) -> tuple[float, Array]:
    error = outputs - goal
    share = share / len(error)  # a row's loss is the mean over its quantities
    weighted = share * error
    return float(np.vdot(weighted, error)), 2 * weighted


def _binary(logits: Array, goal: Array, share: Any) -> tuple[float, Array]:
    tail = np.exp(-np.abs(logits))
    losses = np.log1p(tail)
    losses += np.maximum(logits, 0)
    losses -= goal * logits
    derivative = np.where(logits >= 0, 1.0, tail)
    derivative /= 1 + tail
    derivative -= goal
    derivative *= share
    return float(np.sum(losses * share)), derivative


def _softmax(logits: Array, goal: Array, share: Any) -> tuple[float, Array]:
    top = logits.max(axis=0)
    powers = logits - top
    np.exp(powers, out=powers)
    total = powers.sum(axis=0)
    powers /= total
    if goal.ndim == 1:
        columns = np.arange(len(goal))
        own = logits[goal, columns]
        powers[goal, columns] -= 1
    else:
        own = np.einsum("cn,cn->n", goal, logits)
        powers -= goal
    value = float(np.sum((np.log(total) + top - own) * share))
    powers *= share
    return value, powers


def _each(logits: Array, goal: Array, share: Any) -> tuple[float, Array]:
    return _binary(logits, goal == np.arange(len(logits))[:, None], share)


_LOSSES: dict[Any, Loss] = {
    losses.mse: _squares,
    losses.binary_cross_entropy_with_logits: _binary,
    losses.cross_entropy: _softmax,
    tasks.one_vs_rest: _each,
}
