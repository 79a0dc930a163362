"""What all optimizers share: parameters in groups, their settings, what is remembered, saving and resuming."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.autograd.mode import current
from chainrule.nn.errors import warn
from chainrule.nn.parameter import Parameter

Array = NDArray[Any]
State = dict[str, Any]
Group = dict[str, Any]
Numbers = Mapping[str, Any]


class Setting:
    """A number of an optimizer: reading gives the first group's, assigning sets it in every group."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, optimizer: "Optimizer | None", owner: type) -> Any:
        return self if optimizer is None else optimizer.param_groups[0][self.name]

    def __set__(self, optimizer: "Optimizer", value: Any) -> None:
        value = optimizer._checked(self.name, value)
        for group in optimizer.param_groups:
            group[self.name] = value


class Optimizer:
    """Base class: holds the parameters in groups, and what it remembers of each.

    A subclass writes `update`. Parameters without a gradient are left alone.

    Args:
        params: what `model.parameters()` returns; or a list of groups ``{"params": [...], "lr": ...}``, each with
            settings of its own where they are not those of the optimizer.
        lr: learning rate; may be assigned between steps, for all groups at once.
        weight_decay: this many times the parameter is added to its gradient (L2 regularisation).
        settings: the subclass's own numbers.

    Attributes:
        param_groups: a list of dicts, each with its ``"params"`` and settings; one of them unless told.
        params: the parameters of all groups.
        state: for each of them, a dict of arrays and counters.

    Raises:
        TypeError: `params` holds something else than parameters.
        ValueError: no parameters, one of them twice, or a setting out of range or unknown.

    Example:
        >>> slow, fast = nn.Parameter([1.0]), nn.Parameter([1.0])
        >>> optimizer = nn.optim.SGD([{"params": [slow]}, {"params": [fast], "lr": 0.5}], lr=0.1)
        >>> (slow + fast).sum().backward()
        >>> optimizer.step()
        >>> slow.item(), fast.item()
        (0.8999..., 0.5)
    """

    lr = Setting()
    weight_decay = Setting()

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[Mapping[str, Any]],
        lr: float,
        weight_decay: float = 0.0,
        **settings: Any,
    ) -> None:
        given = {"lr": lr, **settings, "weight_decay": weight_decay}
        defaults = {name: self._checked(name, value) for name, value in given.items()}
        listed: list[Any] = list(params)
        groups = listed if listed and isinstance(listed[0], Mapping) else [{"params": listed}]
        self.param_groups: list[Group] = [self._group(group, defaults) for group in groups]
        self.params: list[Parameter] = [w for group in self.param_groups for w in group["params"]]
        if len(set(self.params)) < len(self.params):
            raise ValueError(f"{self._name}: a parameter occurs twice; it can be in one group only")
        self.state: list[State] = [{} for _ in self.params]

    @property
    def _name(self) -> str:
        return type(self).__name__

    def _group(self, given: Any, defaults: Numbers) -> Group:
        """Return a group with all its settings, checked."""
        own = dict(given) if isinstance(given, Mapping) else {"params": [given]}
        params = list(own.pop("params", ()))
        for parameter in params:
            if not isinstance(parameter, Parameter):
                raise TypeError(
                    f"{self._name}: expected parameters, got {type(parameter).__name__}; "
                    "pass model.parameters(), or make a tensor of your own an nn.Parameter"
                )
        if not params:
            raise ValueError(f"{self._name}: there are no parameters; pass model.parameters()")
        if unknown := [name for name in own if name not in defaults]:
            raise ValueError(f"{self._name}: a group has no {unknown[0]!r}, only {', '.join(defaults)}")
        return {
            "params": params,
            **defaults,
            **{name: self._checked(name, value) for name, value in own.items()},
        }

    def _checked(self, name: str, value: Any) -> Any:
        """Return a setting as plain numbers; raise for one that cannot work."""
        if isinstance(value, bool | str | None):
            return value
        for number in value if isinstance(value, tuple | list) else (value,):
            top = 1.0 if name in ("momentum", "betas", "alpha") else np.inf
            if not 0 <= number < top:
                raise ValueError(
                    f"{self._name}: {name} must be at least 0 and less than {top:g}, got {value!r}"
                )
        # A NumPy float64 would widen float32 parameters.
        if isinstance(value, tuple | list):
            return tuple(float(number) for number in value)
        whole = name in ("max_iter", "max_eval", "history_size")
        return int(value) if whole else float(value)

    def update(self, w: Array, g: Array, state: State, numbers: Numbers) -> Array:
        """Return the new data of one parameter, in a new array.

        Args:
            w: its data, not to be changed.
            g: its gradient, not to be changed.
            state: what is remembered of it, changed in place; empty at the first step.
            numbers: the settings of its group.
        """
        raise NotImplementedError

    def step(self) -> None:
        """Change each parameter by its gradient.

        Warns:
            UserWarning: none has one, so nothing changes.
        """
        if all(parameter.grad is None for parameter in self.params):
            warn(f"{self._name}: no parameter has a gradient: call loss.backward() first")
        states = iter(self.state)
        for group in self.param_groups:
            for parameter, state in zip(group["params"], states):
                g = parameter.grad
                if g is not None:
                    parameter.replace(self.update(parameter._data, np.asarray(g), state, group))

    def zero_grad(self) -> None:
        """Forget the gradients, so that the next `backward()` starts anew."""
        for parameter in self.params:
            parameter.grad = None

    def settings(self) -> dict[str, Any]:
        """Return the numbers that were given, such as the learning rate: those of the first group."""
        return _settings(self.param_groups[0])

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of the settings and of everything remembered, so that training can be resumed exactly."""
        groups = [{**_settings(group), "params": len(group["params"])} for group in self.param_groups]
        return {"groups": groups, "state": [_copy(state) for state in self.state]}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned; after an error nothing has changed.

        Raises:
            ValueError: it belongs to another optimizer or to other parameters.
        """
        groups, states = list(saved["groups"]), [_copy(state) for state in saved["state"]]
        settings, own = [_settings(group) for group in groups], self.settings()
        for found in settings:
            if found.keys() != own.keys():
                raise ValueError(f"{self._name}: these settings are {sorted(found)}, it has {sorted(own)}")
        if len(states) != len(self.params):
            raise ValueError(
                f"{self._name}: this is the state of {len(states)} parameters, it has {len(self.params)}"
            )
        sizes = [group["params"] for group in groups]
        own_sizes = [len(group["params"]) for group in self.param_groups]
        if sizes != own_sizes:
            raise ValueError(f"{self._name}: these groups have {sizes} parameters, its own have {own_sizes}")
        for i, (parameter, state) in enumerate(zip(self.params, states, strict=True)):
            for name, value in state.items():
                if isinstance(value, np.ndarray) and value.shape != parameter.shape:
                    raise ValueError(
                        f"{self._name}: {name} of parameter {i} has shape {value.shape}, needs {parameter.shape}"
                    )
        checked = [{name: self._checked(name, v) for name, v in found.items()} for found in settings]
        for group, numbers in zip(self.param_groups, checked, strict=True):
            group.update(numbers)
        self.state = states

    def __repr__(self) -> str:
        shown = [
            ", ".join(
                [f"{len(g['params'])} parameters", *(f"{name}={v!r}" for name, v in _settings(g).items())]
            )
            for g in self.param_groups
        ]
        return f"{self._name}({'; '.join(shown)})"


_kernels: dict[str, Any] = {}  # backend -> its updates, once they were needed


def fused(name: str, w: Array, g: Array, remembered: tuple[Array, ...], *numbers: float) -> Array | None:
    """Return an optimizer's new parameter in one pass over memory, if the backend has a kernel for it.

    Args:
        name: of the formula; the kernels are in `chainrule.backends.numba.updates`.
        w: the parameter.
        g: its gradient, of the same shape.
        remembered: arrays of the same shape, changed in place.
        numbers: those of the formula, in its order.

    Returns:
        The new parameter; None if nothing was done, and the formula itself has to do.

    Example:
        >>> with cr.use_backend("numpy"):  # which has none
        ...     fused("sgd", np.array([1.0]), np.array([0.5]), (), 0.1, 0.0) is None
        True
    """
    mode = current()
    kernel = _kernels.get(mode.backend, False)
    if kernel is False:
        kernel = _kernels[mode.backend] = getattr(mode.table, "update", None)
    found: Array | None = kernel and kernel(name, w, g, remembered, *numbers)
    return found


def decayed(w: Array, g: Array, numbers: Numbers) -> Array:
    """Return the gradient with weight decay: g + weight_decay · w.

    Example:
        >>> decayed(np.array([2.0]), np.array([1.0]), {"weight_decay": 0.5})
        array([2.])
    """
    decay = numbers["weight_decay"]
    return np.asarray(g + float(decay) * w) if decay else g


def _settings(group: Numbers) -> dict[str, Any]:
    return {name: value for name, value in group.items() if name != "params"}


def _copy(state: Mapping[str, Any]) -> State:
    return {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in state.items()}
