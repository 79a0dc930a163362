"""Optimizers that need one gradient a step. Names, defaults and formulas are PyTorch's."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from chainrule.nn.optim.base import Array, Numbers, Optimizer, Setting, State, decayed, fused
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

    def update(self, w: Array, g: Array, state: State, numbers: Numbers) -> Array:
        """Return w − lr·g, or with momentum w − lr·v."""
        lr, momentum, nesterov = numbers["lr"], numbers["momentum"], numbers["nesterov"]
        if momentum and "velocity" not in state:
            state["velocity"] = np.zeros_like(w)
        remembered, kept = ((state["velocity"],), (momentum,)) if momentum else ((), ())
        name = ("nesterov" if nesterov else "momentum") if momentum else "sgd"
        found = fused(name, w, g, remembered, lr, *kept, numbers["weight_decay"])
        if found is not None:
            return found
        g = decayed(w, g, numbers)
        for velocity in remembered:
            velocity *= momentum
            velocity += g
            g = g + momentum * velocity if nesterov else velocity
        step = np.multiply(g, lr, out=np.empty_like(w))
        return np.subtract(w, step, out=step)


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

    def __init__(
        self,
        params: Params,
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr, weight_decay, betas=betas, eps=eps)

    def update(self, w: Array, g: Array, state: State, numbers: Numbers) -> Array:
        """Return w − lr·m̂ / (√v̂ + eps)."""
        return _adam(w, g, state, numbers, numbers["weight_decay"], 1.0)


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

    def update(self, w: Array, g: Array, state: State, numbers: Numbers) -> Array:
        """Return Adam's step from the shrunk w."""
        return _adam(w, g, state, numbers, 0.0, 1 - numbers["lr"] * numbers["weight_decay"])


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

    def update(self, w: Array, g: Array, state: State, numbers: Numbers) -> Array:
        """Return w − lr·g / (√v + eps)."""
        if not state:
            state["square"] = np.zeros_like(w)
        return _by_squares(w, g, state["square"], numbers, numbers["alpha"], 1 - numbers["alpha"])


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

    def update(self, w: Array, g: Array, state: State, numbers: Numbers) -> Array:
        """Return w − lr·g / (√Σg² + eps)."""
        if not state:
            state["total"] = np.zeros_like(w)
        return _by_squares(w, g, state["total"], numbers, 1.0, 1.0)


def _adam(w: Array, g: Array, state: State, numbers: Numbers, decay: float, shrink: float) -> Array:
    """Return shrink·w − lr·m̂ / (√v̂ + eps), with decay·w added to the gradient."""
    if not state:
        state.update(steps=0, mean=np.zeros_like(w), square=np.zeros_like(w))
    beta1, beta2 = numbers["betas"]
    state["steps"] = t = state["steps"] + 1
    mean, square = state["mean"], state["square"]
    # √v̂ = √v / √(1 − β₂ᵗ): the corrections are numbers, so they are moved out of the arrays.
    root = math.sqrt(1 - beta2**t)
    lr, eps = numbers["lr"] * root / (1 - beta1**t), numbers["eps"] * root
    rates = beta1, 1 - beta1, beta2, 1 - beta2
    found = fused("adam", w, g, (mean, square), lr, *rates, eps, decay, shrink)
    if found is not None:
        return found
    g = decayed(w, g, {"weight_decay": decay})
    mean *= beta1
    mean += (1 - beta1) * g
    square *= beta2
    square += (1 - beta2) * np.square(g)
    return _scaled_step(w * shrink if shrink != 1 else w, mean, square, lr, eps)


def _by_squares(w: Array, g: Array, square: Array, numbers: Numbers, keep: float, rest: float) -> Array:
    """Return w − lr·g / (√s + eps), after s ← keep·s + rest·g²."""
    lr, eps, decay = numbers["lr"], numbers["eps"], numbers["weight_decay"]
    found = fused("rmsprop", w, g, (square,), lr, keep, rest, eps, decay)
    if found is not None:
        return found
    g = decayed(w, g, numbers)
    square *= keep
    square += rest * np.square(g)
    return _scaled_step(w, g, square, lr, eps)


def _scaled_step(w: Array, g: Array, square: Array, lr: float, eps: float) -> Array:
    """Return w − lr·g / (√square + eps), in one new array."""
    work = np.sqrt(square, out=np.empty_like(w))
    work += eps
    np.divide(g, work, out=work)
    work *= lr
    return np.subtract(w, work, out=work)
