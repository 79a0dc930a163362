"""Optimizers: how a gradient changes the parameters. Names, defaults and formulas are PyTorch's."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.nn.data.check import shown
from chainrule.nn.errors import warn
from chainrule.nn.names import look_up
from chainrule.nn.parameter import Parameter

Array = NDArray[Any]
State = dict[str, Any]


class Optimizer:
    """Base class: holds the parameters, and what it remembers of each.

    A subclass writes `update`. Parameters without a gradient are left alone.

    Args:
        params: what `model.parameters()` returns.
        lr: learning rate; may be assigned between steps.
        weight_decay: this many times the parameter is added to its gradient (L2 regularisation).

    Attributes:
        params: the parameters.
        state: for each of them, a dict of arrays and counters.

    Raises:
        TypeError: `params` holds something else than parameters.
        ValueError: no parameters, or a setting out of range.
    """

    def __init__(self, params: Iterable[Parameter], lr: float, weight_decay: float = 0.0) -> None:
        self.params = list(params)
        if not self.params:
            raise ValueError(f"{self._name}: there are no parameters; pass model.parameters()")
        for parameter in self.params:
            if not isinstance(parameter, Parameter):
                raise TypeError(
                    f"{self._name}: expected parameters, got {type(parameter).__name__}; "
                    "pass model.parameters(), or make a tensor of your own an nn.Parameter"
                )
        self.lr = lr
        self.weight_decay = weight_decay
        self.state: list[State] = [{} for _ in self.params]
        for name, value in self.settings().items():
            self._check(name, value)
            if isinstance(value, int | np.floating) and not isinstance(value, bool):
                setattr(self, name, float(value))  # a NumPy float64 would widen float32 parameters

    @property
    def _name(self) -> str:
        return type(self).__name__

    def _check(self, name: str, value: Any) -> None:
        """Raise for a setting that cannot work: negative, NaN, or for a rate of decay 1 and above."""
        if isinstance(value, bool):
            return
        for number in value if isinstance(value, tuple) else (value,):
            top = 1.0 if name in ("momentum", "betas", "alpha") else np.inf
            if not 0 <= number < top:
                raise ValueError(
                    f"{self._name}: {name} must be at least 0 and less than {top:g}, got {value!r}"
                )

    def update(self, w: Array, g: Array, state: State) -> Array:
        """Return the new data of one parameter, in a new array.

        Args:
            w: its data, not to be changed.
            g: its gradient, not to be changed.
            state: what is remembered of it; empty at the first step.
        """
        raise NotImplementedError

    def step(self) -> None:
        """Change each parameter by its gradient.

        Warns:
            UserWarning: none has one, so nothing changes.
        """
        if all(parameter.grad is None for parameter in self.params):
            warn(f"{self._name}: no parameter has a gradient: call loss.backward() first")
        for parameter, state in zip(self.params, self.state):
            g = parameter.grad
            if g is not None:
                w = parameter._data
                parameter.replace(self.update(w, np.asarray(self._decayed(w, g)), state))

    def _decayed(self, w: Array, g: Array) -> Array:
        return g + self.weight_decay * w if self.weight_decay else g

    def zero_grad(self) -> None:
        """Forget the gradients, so that the next `backward()` starts anew."""
        for parameter in self.params:
            parameter.grad = None

    def settings(self) -> dict[str, Any]:
        """Return the numbers that were given, such as the learning rate."""
        return {k: v for k, v in vars(self).items() if k not in ("params", "state")}

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of the settings and of everything remembered, so that training can be resumed exactly."""
        return {"settings": self.settings(), "state": [_copy(state) for state in self.state]}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned; after an error nothing has changed.

        Raises:
            ValueError: it belongs to another optimizer or to other parameters.
        """
        settings, states = dict(saved["settings"]), [_copy(state) for state in saved["state"]]
        if settings.keys() != self.settings().keys():
            raise ValueError(
                f"{self._name}: these settings are {sorted(settings)}, it has {sorted(self.settings())}"
            )
        if len(states) != len(self.params):
            raise ValueError(
                f"{self._name}: this is the state of {len(states)} parameters, it has {len(self.params)}"
            )
        for i, (parameter, state) in enumerate(zip(self.params, states, strict=True)):
            for name, value in state.items():
                if isinstance(value, np.ndarray) and value.shape != parameter.shape:
                    raise ValueError(
                        f"{self._name}: {name} of parameter {i} has shape {value.shape}, needs {parameter.shape}"
                    )
        vars(self).update(settings)
        self.state = states

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self.settings().items())
        return f"{self._name}({len(self.params)} parameters, {settings})"


class SGD(Optimizer):
    """Gradient descent, w ← w − lr·g, with momentum v ← momentum·v + g in place of g if asked for.

    Args:
        params: what `model.parameters()` returns.
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

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        self.momentum = momentum
        self.nesterov = nesterov
        super().__init__(params, lr, weight_decay)
        if nesterov and not momentum:
            raise ValueError("SGD: nesterov needs momentum, for example momentum=0.9")

    def update(self, w: Array, g: Array, state: State) -> Array:
        """Return w − lr·g, or with momentum w − lr·v."""
        if self.momentum:
            if "velocity" in state:
                velocity = state["velocity"]
                velocity *= self.momentum
                velocity += g
            else:
                velocity = state["velocity"] = g.copy()
            g = g + self.momentum * velocity if self.nesterov else velocity
        step = np.multiply(g, self.lr, out=np.empty_like(w))
        return np.subtract(w, step, out=step)


class Adam(Optimizer):
    """Steps of about lr in each coordinate: the mean of the gradient over the root of the mean of its square.

    Kingma and Ba 2015. Both means forget at the rates `betas` and are corrected for having begun at 0.

    Args:
        params: what `model.parameters()` returns.
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

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        self.betas = (float(betas[0]), float(betas[1]))
        self.eps = eps
        super().__init__(params, lr, weight_decay)

    def update(self, w: Array, g: Array, state: State) -> Array:
        """Return w − lr·m̂ / (√v̂ + eps)."""
        if not state:
            state.update(steps=0, mean=np.zeros_like(w), square=np.zeros_like(w))
        beta1, beta2 = self.betas
        state["steps"] = t = state["steps"] + 1
        mean, square = state["mean"], state["square"]
        mean *= beta1
        mean += (1 - beta1) * g
        square *= beta2
        square += (1 - beta2) * np.square(g)
        # √v̂ = √v / √(1 − β₂ᵗ): the corrections are numbers, so they are moved out of the arrays.
        root = math.sqrt(1 - beta2**t)
        return _scaled_step(w, mean, square, self.lr * root / (1 - beta1**t), self.eps * root)


class AdamW(Adam):
    """Adam with weight decay apart from the gradient: w shrinks by lr·weight_decay each step.

    Loshchilov and Hutter 2019. Arguments as `Adam`; `weight_decay` is 0.01 unless told.

    Example:
        >>> AdamW([nn.Parameter([1.0])]).weight_decay
        0.01
    """

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay)

    def _decayed(self, w: Array, g: Array) -> Array:
        return g

    def update(self, w: Array, g: Array, state: State) -> Array:
        """Return Adam's step from the shrunk w."""
        return super().update(w * float(1 - self.lr * self.weight_decay), g, state)


class RMSprop(Optimizer):
    """The gradient over the root of its mean square, w ← w − lr·g / (√v + eps) (Hinton's lecture 6e).

    Args:
        params: what `model.parameters()` returns.
        lr: learning rate.
        alpha: how much of the mean square is kept.
        eps: keeps the division from exploding.
        weight_decay: as for `Optimizer`.

    Raises:
        ValueError: a setting out of range.

    Example:
        >>> RMSprop([nn.Parameter([1.0])])
        RMSprop(1 parameters, alpha=0.99, eps=1e-08, lr=0.01, weight_decay=0.0)
    """

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 0.01,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        self.alpha = alpha
        self.eps = eps
        super().__init__(params, lr, weight_decay)

    def update(self, w: Array, g: Array, state: State) -> Array:
        """Return w − lr·g / (√v + eps)."""
        if not state:
            state["square"] = np.zeros_like(w)
        square = state["square"]
        square *= self.alpha
        square += (1 - self.alpha) * np.square(g)
        return _scaled_step(w, g, square, self.lr, self.eps)


class Adagrad(Optimizer):
    """The gradient over the root of the sum of all its squares, w ← w − lr·g / (√Σg² + eps).

    Duchi et al. 2011. Arguments as `RMSprop`, without `alpha`.

    Example:
        >>> Adagrad([nn.Parameter([1.0])]).lr
        0.01
    """

    def __init__(
        self, params: Iterable[Parameter], lr: float = 0.01, eps: float = 1e-10, weight_decay: float = 0.0
    ) -> None:
        self.eps = eps
        super().__init__(params, lr, weight_decay)

    def update(self, w: Array, g: Array, state: State) -> Array:
        """Return w − lr·g / (√Σg² + eps)."""
        if not state:
            state["total"] = np.zeros_like(w)
        total = state["total"]
        total += np.square(g)
        return _scaled_step(w, g, total, self.lr, self.eps)


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD, "adam": Adam, "adamw": AdamW, "rmsprop": RMSprop, "adagrad": Adagrad
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


def _scaled_step(w: Array, g: Array, square: Array, lr: float, eps: float) -> Array:
    """Return w − lr·g / (√square + eps), in one new array."""
    work = np.sqrt(square, out=np.empty_like(w))
    work += eps
    np.divide(g, work, out=work)
    work *= lr
    return np.subtract(w, work, out=work)


def _copy(state: Mapping[str, Any]) -> State:
    return {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in state.items()}
