"""What all optimizers share: parameters in groups, their settings, what is remembered, saving and resuming."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.autograd.mode import current
from chainrule.backends.updates import FORMULAS
from chainrule.nn.errors import warn
from chainrule.nn.parameter import Parameter, replace_all

Array = NDArray[Any]
State = dict[str, Any]
Group = dict[str, Any]
Numbers = Mapping[str, Any]
Formula = tuple[str, tuple[str, ...], tuple[float, ...]]

# From so many elements on, parameters move by themselves: the old one's memory, still in a cache, then serves the next.
TOGETHER = 1 << 18


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

    A subclass writes `update`; or, if one of the `FORMULAS` is what it computes, `formula`, and then a backend that has
    a kernel for it moves many parameters in one call. Parameters without a gradient are left alone.

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
    counts = False  # whether the formula depends on the number of the step

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
        self._batches = list(_batches(self.param_groups))

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

    def formula(self, numbers: Numbers, steps: int) -> Formula:
        """Say which of the `FORMULAS` moves a parameter.

        Args:
            numbers: the settings of its group.
            steps: how often it has moved, this step included; 0 unless the class says ``counts = True``.

        Returns:
            The formula's name; the names under which its arrays are remembered, which begin with zeros; its numbers.

        Example:
            >>> class Signs(nn.optim.Optimizer):  # RMSprop that remembers nothing
            ...     def formula(self, numbers, steps):
            ...         return "rmsprop", ("square",), (numbers["lr"], 0.0, 1.0, 0.0, 0.0)
            >>> w = nn.Parameter([1.0, 1.0])
            >>> w.grad = np.array([0.1, -100.0], np.float32)
            >>> Signs([w], lr=0.5).step()
            >>> w.data
            array([0.5, 1.5], dtype=float32)
        """
        raise NotImplementedError(f"{self._name}: an optimizer writes update or formula")

    def update(self, w: Array, g: Array, state: State, numbers: Numbers) -> Array:
        """Return the new data of one parameter, in a new array.

        Args:
            w: its data, not to be changed.
            g: its gradient, not to be changed.
            state: what is remembered of it, changed in place; empty at the first step.
            numbers: the settings of its group.
        """
        return self._updates([w], [g], [state], numbers)[0]

    def step(self) -> None:
        """Change each parameter by its gradient.

        Warns:
            UserWarning: none has one, so nothing changes.
        """
        moved = False
        at_once = getattr(self.update, "__func__", None) is Optimizer.update  # nobody has written another
        for group, params, gs, states in self._moving():
            moved = True
            ws = [parameter._data for parameter in params]
            if at_once:
                found = self._updates(ws, gs, states, group)
            else:
                found = [self.update(w, np.asarray(g), state, group) for w, g, state in zip(ws, gs, states)]
            replace_all(zip(params, found))
        if not moved:
            warn(f"{self._name}: no parameter has a gradient: call loss.backward() first")

    def _moving(self) -> Iterator[tuple[Group, list[Parameter], list[Any], list[State]]]:
        """Yield the parameters that have gradients: together those of a batch that have moved equally often."""
        for group, of_group, of_all in self._batches:
            params, states = group["params"][of_group], self.state[of_all]
            gs = [g for parameter in params if (g := parameter.grad) is not None]
            if len(gs) < len(params):
                states = [state for parameter, state in zip(params, states) if parameter.grad is not None]
                params = [parameter for parameter in params if parameter.grad is not None]
            counts = [state.get("steps", 0) for state in states] if self.counts else [0]
            if gs and counts.count(counts[0]) == len(counts):
                yield group, params, gs, states
            elif gs:  # some had no gradient at times
                for count in set(counts):
                    some = [i for i, own in enumerate(counts) if own == count]
                    yield group, [params[i] for i in some], [gs[i] for i in some], [states[i] for i in some]

    def _updates(self, ws: list[Array], gs: list[Any], states: list[State], numbers: Numbers) -> list[Array]:
        """Return the new data of parameters that have moved equally often, in one call if there is a kernel for it."""
        steps = states[0].get("steps", 0) + 1 if self.counts else 0
        name, kept, values = self.formula(numbers, steps)
        try:
            remembered = [[state[key] for state in states] for key in kept]
        except KeyError:
            if self.counts:
                for state in states:
                    state.setdefault("steps", 0)
            remembered = _begin(ws, states, kept)
        arrays, kernel = [ws, gs, *remembered], _kernel()
        found: list[Array] | None = kernel and kernel(name, arrays, values)
        if found is None:
            arrays[1] = [
                array if (array := np.asarray(g)).shape == w.shape else _fitting(w, array)
                for w, g in zip(ws, gs)
            ]
            found = _one_by_one(kernel if len(ws) > 1 else None, name, arrays, values)
        if self.counts:
            for state in states:
                state["steps"] = steps
        return found

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


def _batches(groups: list[Group]) -> Iterator[tuple[Group, slice, slice]]:
    """Cut groups into parameters that move together: each time a group, which of its own, and which of all."""
    before = 0
    for group in groups:
        start = size = 0
        for stop, parameter in enumerate(group["params"], 1):
            size += parameter.size
            if size > TOGETHER or stop == len(group["params"]):
                yield group, slice(start, stop), slice(before + start, before + stop)
                start, size = stop, 0
        before += len(group["params"])


_kernels: dict[str, Any] = {}  # backend -> its updates, once they were needed


def _kernel() -> Any:
    """Return what the backend computes updates with, in one pass over memory, or None."""
    mode = current()
    kernel = _kernels.get(mode.backend, False)
    if kernel is False:
        kernel = _kernels[mode.backend] = getattr(mode.table, "update", None)
    return kernel


def _begin(ws: list[Array], states: list[State], names: tuple[str, ...]) -> list[list[Array]]:
    """Return what is remembered of each parameter; what is missing begins with zeros."""
    return [
        [state.setdefault(name, np.zeros(w.shape, w.dtype)) for w, state in zip(ws, states, strict=True)]
        for name in names
    ]


def _one_by_one(kernel: Any, name: str, arrays: list[list[Array]], numbers: tuple[float, ...]) -> list[Array]:
    """Return the new data of parameters that no kernel takes together: by one for each, or by NumPy."""
    formula, found = FORMULAS[name], []
    for own in zip(*arrays, strict=True):
        new = kernel and kernel(name, [[array] for array in own], numbers)
        found.append(np.asarray((new or formula(*own, *numbers))[0], own[0].dtype, "C"))
    return found


def _fitting(w: Array, g: Array) -> Array:
    """Return a gradient of another shape, which somebody has assigned, in the shape of its parameter."""
    try:
        return np.broadcast_to(g, w.shape)
    except ValueError:
        raise ValueError(
            f"the gradient of a parameter of shape {w.shape} has shape {g.shape}; assign one of the same shape, "
            "or none: parameter.grad = None"
        ) from None


def _settings(group: Numbers) -> dict[str, Any]:
    return {name: value for name, value in group.items() if name != "params"}


def _copy(state: Mapping[str, Any]) -> State:
    return {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in state.items()}
