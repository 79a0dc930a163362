"""What all losses share: targets of the right shape, the reduction, the warning about a function applied twice."""

from typing import Any

import numpy as np

from chainrule.autograd import ops
from chainrule.autograd.errors import ShapeError
from chainrule.autograd.node import Node, data_of
from chainrule.nn.errors import warn
from chainrule.nn.names import look_up


def fitting(name: str, predictions: Any, targets: Any) -> Any:
    """Return the targets, of the shape of the predictions; a constant is cast to their dtype.

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> fitting("mse", Tensor([1.0, 2.0], dtype="float32"), [0, 1])
        array([0., 1.], dtype=float32)
    """
    data = data_of(predictions)
    if not isinstance(targets, Node):
        targets = targets if isinstance(data, float) else np.asarray(targets, _float_of(data))
    a, b = ops.shape(predictions), ops.shape(targets)
    if a == b:
        return targets
    message = f"{name}: predictions have shape {a}, targets {b}; they must be equal"
    if sorted((a, b), key=len) == [a[:1], (*a[:1], 1)]:
        n = a[0]
        message = (
            f"{name}: shapes {a} and {b} would silently make a ({n}, {n}) matrix of every prediction against "
            f"every target; make the column flat with .reshape({n})"
        )
    raise ShapeError(message)


def reduced(losses: Any, reduction: str) -> Any:
    """Return the mean or the sum of losses, or with ``"none"`` themselves; that of a Value is itself.

    Raises:
        ValueError: an unknown reduction.

    Example:
        >>> reduced(Tensor([1.0, 3.0]), "mean").item()
        2.0
    """
    check_reduction(reduction)
    if reduction == "none" or isinstance(data_of(losses), float):
        return losses
    return ops.mean(losses) if reduction == "mean" else ops.sum(losses)


def check_reduction(reduction: str) -> None:
    """Raise if a reduction is unknown."""
    look_up("reduction", reduction, dict.fromkeys(("mean", "sum", "none")))


def refuse(name: str, wrong: Any, values: Any, what: str) -> None:
    """Raise for the first value that is wrong, if there is one.

    Args:
        name: of the loss.
        wrong: booleans, in the shape of the values.
        values: an array.
        what: what is wrong with it, and what to write instead.

    Raises:
        ValueError: there is one.

    Example:
        >>> refuse("hinge", np.array([False, True]), np.array([1, 7]), "is no label")
        Traceback (most recent call last):
        ...
        ValueError: hinge: 7 at row 1 is no label
    """
    if np.any(wrong):
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        where = f" at row {place[0]}" if len(place) == 1 else f" at {place}" if place else ""
        raise ValueError(f"{name}: {np.asarray(values)[place]}{where} {what}")


def warn_if_output_of(name: str, argument: Any, op: str, advice: str) -> None:
    """Warn if the first argument of a loss is what an op gave, which the loss applies, or does not expect."""
    if not isinstance(argument, Node) or argument.op is None:
        return
    if op in (argument.op.name, argument.params.get("activation")):
        warn(f"{name}: its first argument is the output of {op}, {advice}")


def _float_of(data: Any) -> Any:
    dtype = np.asarray(data).dtype
    return dtype if dtype.kind == "f" else np.float64
