"""Optimizers that need one gradient a step. Names, defaults and formulas are PyTorch's."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from chainrule.nn.optim.base import Formula, Numbers, Optimizer, Setting
from chainrule.nn.parameter import Parameter

Params = Iterable[Parameter] | Iterable[Mapping[str, Any]]


class SGD(Optimizer):
    """Gradient descent, w ← w − lr·g, with momentum v ← momentum·v + g in place of g if asked for.

    Args:
        params: what `model.parameters()` returns, or groups as for `Optimizer`.
        lr: learning rate.
        momentum: how much of the last velocity is kept.
        nesterov: look ahead along the velocity (needs momentum).
        weight_decay: as for `Optimizer`.

    Raises:
        ValueError: a setting out of range.

    Example:
        >>> w = nn.Parameter([1.0])
        >>> optimizer = SGD([w], lr=0.1)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w
        Parameter([0.8], dtype=float32)
    """

    momentum = Setting()
    nesterov = Setting()

    def __init__(
        self,
        params: Params,
        lr: float = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr, weight_decay, momentum=momentum, nesterov=nesterov)
        if any(group["nesterov"] and not group["momentum"] for group in self.param_groups):
            raise ValueError("SGD: nesterov needs momentum, for example momentum=0.9")

    def formula(self, numbers: Numbers, steps: int) -> Formula:
        """Return the formula of w − lr·g, or with momentum of w − lr·v."""
        lr, momentum, decay = numbers["lr"], numbers["momentum"], numbers["weight_decay"]
        if not momentum:
            return "sgd", (), (lr, decay)
        return "nesterov" if numbers["nesterov"] else "momentum", ("velocity",), (lr, momentum, decay)


class Adam(Optimizer):
    """Steps of about lr in each coordinate: the mean of the gradient over the root of the mean of its square.

    Kingma and Ba 2015. Both means forget at the rates `betas` and are corrected for having begun at 0.

    Args:
        params: what `model.parameters()` returns, or groups as for `Optimizer`.
        lr: learning rate.
        betas: how much of the mean gradient, and of the mean squared gradient, is kept.
        eps: keeps the division from exploding.
        weight_decay: as for `Optimizer`.

    Raises:
        ValueError: a setting out of range.

    Example:
        >>> w = nn.Parameter([1.0])
        >>> optimizer = Adam([w], lr=0.1)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w
        Parameter([0.9], dtype=float32)
    """

    betas = Setting()
    eps = Setting()
    counts = True

    def __init__(
        self,
        params: Params,
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr, weight_decay, betas=betas, eps=eps)

    def formula(self, numbers: Numbers, steps: int) -> Formula:
        """Return the formula of w − lr·m̂ / (√v̂ + eps)."""
        return _adam(numbers, steps, numbers["weight_decay"], 1.0)


class AdamW(Adam):
    """Adam with weight decay apart from the gradient: w shrinks by lr·weight_decay each step.

    Loshchilov and Hutter 2019. Arguments as `Adam`; `weight_decay` is 0.01 unless told.

    Example:
        >>> AdamW([nn.Parameter([1.0])]).weight_decay
        0.01
    """

    def __init__(
        self,
        params: Params,
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay)

    def formula(self, numbers: Numbers, steps: int) -> Formula:
        """Return the formula of Adam's step from the shrunk w."""
        return _adam(numbers, steps, 0.0, 1 - numbers["lr"] * numbers["weight_decay"])


class RMSprop(Optimizer):
    """The gradient over the root of its mean square, w ← w − lr·g / (√v + eps) (Hinton's lecture 6e).

    Args:
        params: what `model.parameters()` returns, or groups as for `Optimizer`.
        lr: learning rate.
        alpha: how much of the mean square is kept.
        eps: keeps the division from exploding.
        weight_decay: as for `Optimizer`.

    Raises:
        ValueError: a setting out of range.

    Example:
        >>> RMSprop([nn.Parameter([1.0])])
        RMSprop(1 parameters, lr=0.01, alpha=0.99, eps=1e-08, weight_decay=0.0)
    """

    alpha = Setting()
    eps = Setting()

    def __init__(
        self,
        params: Params,
        lr: float = 0.01,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr, weight_decay, alpha=alpha, eps=eps)

    def formula(self, numbers: Numbers, steps: int) -> Formula:
        """Return the formula of w − lr·g / (√v + eps)."""
        lr, alpha = numbers["lr"], numbers["alpha"]
        return "rmsprop", ("square",), (lr, alpha, 1 - alpha, numbers["eps"], numbers["weight_decay"])


class Adagrad(Optimizer):
    """The gradient over the root of the sum of all its squares, w ← w − lr·g / (√Σg² + eps).

    Duchi et al. 2011. Arguments as `RMSprop`, without `alpha`.

    Example:
        >>> Adagrad([nn.Parameter([1.0])]).lr
        0.01
    """

    eps = Setting()

    def __init__(
        self, params: Params, lr: float = 0.01, eps: float = 1e-10, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, lr, weight_decay, eps=eps)

    def formula(self, numbers: Numbers, steps: int) -> Formula:
        """Return the formula of w − lr·g / (√Σg² + eps)."""
        return "rmsprop", ("total",), (numbers["lr"], 1.0, 1.0, numbers["eps"], numbers["weight_decay"])


def _adam(numbers: Numbers, steps: int, decay: float, shrink: float) -> Formula:
    """Return the formula of shrink·w − lr·m̂ / (√v̂ + eps), with decay·w added to the gradient."""
    beta1, beta2 = numbers["betas"]
    # √v̂ = √v / √(1 − β₂ᵗ): the corrections are numbers, so they are moved out of the arrays.
    root = math.sqrt(1 - beta2**steps)
    lr, eps = numbers["lr"] * root / (1 - beta1**steps), numbers["eps"] * root
    return "adam", ("mean", "square"), (lr, beta1, 1 - beta1, beta2, 1 - beta2, eps, decay, shrink)
