"""Optimizers: how a gradient changes the parameters; and schedules for their learning rates."""

from collections.abc import Iterable
from typing import Any

from chainrule.nn.data.check import shown
from chainrule.nn.names import look_up
from chainrule.nn.optim.base import Optimizer as Optimizer
from chainrule.nn.optim.clip import clip_grad_norm as clip_grad_norm, clip_grad_value as clip_grad_value
from chainrule.nn.optim.lbfgs import LBFGS as LBFGS
from chainrule.nn.optim.methods import (
    SGD as SGD,
    Adagrad as Adagrad,
    Adam as Adam,
    AdamW as AdamW,
    RMSprop as RMSprop,
)
from chainrule.nn.optim.schedule import (
    CosineLR as CosineLR,
    ExponentialLR as ExponentialLR,
    OneCycleLR as OneCycleLR,
    ReduceLROnPlateau as ReduceLROnPlateau,
    Scheduler as Scheduler,
    StepLR as StepLR,
)
from chainrule.nn.parameter import Parameter

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD, "adam": Adam, "adamw": AdamW, "rmsprop": RMSprop, "adagrad": Adagrad, "lbfgs": LBFGS
}  # fmt: skip


def by_name(optimizer: str | Optimizer, params: Iterable[Parameter]) -> Optimizer:
    """Return an optimizer itself, or a new one of this name over the parameters, with its defaults.

    Raises:
        TypeError: neither, such as the class itself.
        ValueError: the name is unknown.

    Example:
        >>> by_name("sgd", [nn.Parameter([1.0])]).lr
        0.01
    """
    if isinstance(optimizer, Optimizer):
        return optimizer
    if not isinstance(optimizer, str):
        given = optimizer.__name__ if isinstance(optimizer, type) else shown(optimizer)
        name = given if given.lower() in OPTIMIZERS else "Adam"
        raise TypeError(
            f"{given} is no optimizer over parameters: pass an object, nn.optim.{name}(model.parameters()), "
            f"or a name such as {name.lower()!r}"
        )
    kind: Any = look_up("optimizer", optimizer, OPTIMIZERS)
    made: Optimizer = kind(params)
    return made
