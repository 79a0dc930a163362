"""Losses: functions of the model's outputs and the targets, small where the two agree.

>>> sorted(LOSSES)[:3]
['binary_cross_entropy', 'binary_cross_entropy_with_logits', 'cosine']
"""

from collections.abc import Callable
from typing import Any

from chainrule.nn.losses.classes import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge,
    kl_div,
    nll,
)
from chainrule.nn.losses.quantities import cosine, huber, mae, mse
from chainrule.nn.names import look_up

__all__ = [
    "LOSSES",
    "Loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "by_name",
    "cosine",
    "cross_entropy",
    "hinge",
    "huber",
    "kl_div",
    "mae",
    "mse",
    "nll",
]

Loss = Callable[..., Any]
LOSSES: dict[str, Loss] = {
    f.__name__: f
    for f in (
        mse, mae, huber, cosine, binary_cross_entropy_with_logits, binary_cross_entropy, cross_entropy, nll, kl_div,
        hinge,
    )
}  # fmt: skip


def by_name(loss: str | Loss) -> Loss:
    """Return a loss itself, or the one of this name.

    Raises:
        ValueError: the name is unknown.

    Example:
        >>> by_name("mse") is mse
        True
    """
    return loss if callable(loss) else look_up("loss", loss, LOSSES)
