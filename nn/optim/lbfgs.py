"""`LBFGS`: an optimizer that looks at the loss of all rows several times a step."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from chainrule.autograd.tensor import Tensor
from chainrule.nn.optim.base import Array, Optimizer, Setting
from chainrule.nn.optim.descent import Descent, Function
from chainrule.nn.parameter import Parameter


class LBFGS(Optimizer):
    """L-BFGS with a line search for the strong Wolfe conditions; for the loss of all rows, not of mini-batches.

    It takes the steps of ``torch.optim.LBFGS(line_search_fn="strong_wolfe")`` (Nocedal and Wright, algorithm 7.5).

    Args:
        params: what `model.parameters()` returns; one group only.
        lr: how far to look first along each direction.
        max_iter: iterations in one call of `step`.
        max_eval: how often it may compute the loss in one call of `step`; None: 5/4 of `max_iter`, but at least 25,
            since the line search of a single iteration may need so many.
        tolerance_grad: stop when no derivative is larger.
        tolerance_change: stop when neither a parameter nor the loss changes by more.
        history_size: how many iterations are remembered.

    Raises:
        ValueError: a setting out of range, or several groups.

    Example:
        >>> w = nn.Parameter([3.0, -2.0])
        >>> optimizer = LBFGS([w])
        >>> def closure():
        ...     optimizer.zero_grad()
        ...     loss = ((w - 1) ** 4).sum()
        ...     loss.backward()
        ...     return loss
        >>> first = optimizer.step(closure)
        >>> first, closure().item() < 1e-6
        (97.0, True)
    """

    max_iter = Setting()
    max_eval = Setting()
    tolerance_grad = Setting()
    tolerance_change = Setting()
    history_size = Setting()

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
    ) -> None:
        super().__init__(
            params,
            lr,
            max_iter=max_iter,
            max_eval=max(25, max_iter * 5 // 4) if max_eval is None else max_eval,
            tolerance_grad=tolerance_grad,
            tolerance_change=tolerance_change,
            history_size=history_size,
        )
        if len(self.param_groups) > 1:
            raise ValueError("LBFGS: it takes one group of parameters, since all of them move along one line")
        self._descent: Descent | None = None

    def step(self, closure: Callable[[], Any] | None = None) -> float:  # type: ignore[override]  # it must look often
        """Take up to `max_iter` iterations.

        Args:
            closure: forgets the gradients, computes the loss of all rows, calls `backward()` on it, and returns it.

        Returns:
            The loss before the first iteration.

        Raises:
            TypeError: no closure.
        """
        if closure is None:
            raise TypeError(
                "LBFGS: step needs a function that computes the loss and its gradients anew: optimizer.step(closure); "
                "or let model.fit(X, y, optimizer='lbfgs') call it"
            )
        descent = self.start(lambda x: self._evaluate(closure, x), norm=1)
        first, end = descent.value, descent.evaluations - 1 + self.max_eval
        for iteration in range(1, self.max_iter + 1):
            if np.abs(descent.gradient).max() <= self.tolerance_grad:
                break
            before = descent.value
            if not descent.advance(end - descent.evaluations) or iteration == self.max_iter:
                break
            if descent.evaluations >= end:
                break
            assert descent.step is not None
            if np.abs(descent.step).max() <= self.tolerance_change:
                break
            if abs(descent.value - before) < self.tolerance_change:
                break
        self.put(descent.x)
        return first

    def start(self, function: Function, l1: Any = None, norm: int = 2) -> Descent:
        """Return the descent to go on with: a new one, or the last one with what it remembers."""
        x = np.concatenate([parameter._data.reshape(-1) for parameter in self.params])
        if self._descent is None:
            self._descent = Descent(function, x, self.lr, self.history_size, self.tolerance_change, l1, norm)
        else:
            self._descent.function, self._descent.x = function, x
            self._descent.lr, self._descent.l1 = self.lr, l1
            self._descent.look()
        return self._descent

    def put(self, x: Array) -> None:
        """Cut a flat array into the parameters."""
        start = 0
        for parameter in self.params:
            stop = start + parameter.size
            parameter.replace(x[start:stop].reshape(parameter.shape))
            start = stop

    def gradient(self) -> Array:
        """Return the gradients of all parameters in one flat array; 0 where there is none."""
        return np.concatenate(
            [
                np.zeros(w.size, w.dtype) if w.grad is None else np.asarray(w.grad).reshape(-1)
                for w in self.params
            ]
        )

    def _evaluate(self, closure: Callable[[], Any], x: Array) -> tuple[float, Array]:
        self.put(x)
        loss = closure()
        return loss.item() if isinstance(loss, Tensor) else float(loss), self.gradient()

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of the settings and of the iterations that are remembered."""
        saved = super().state_dict()
        descent = self._descent
        if descent is not None and descent.step is not None and descent.before is not None:
            memory = descent.memory
            saved["memory"] = {
                "steps": memory.steps.copy(),
                "changes": memory.changes.copy(),
                "step": descent.step.copy(),
                "gradient": descent.before.copy(),
            }
        return saved

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned; after an error nothing has changed.

        Raises:
            ValueError: it belongs to another optimizer or to other parameters.
        """
        memory, size = saved.get("memory"), sum(w.size for w in self.params)
        if memory is not None and (found := memory["step"].size) != size:
            raise ValueError(f"LBFGS: this is the state of {found} numbers, the parameters have {size}")
        super().load_state_dict({name: saved[name] for name in ("groups", "state")})
        self._descent = None
        if memory is not None:
            x = np.concatenate([w._data.reshape(-1) for w in self.params])
            self._descent = Descent(lambda x: (0.0, x), x, self.lr, self.history_size, self.tolerance_change)
            self._descent.began = True
            self._descent.step, self._descent.before = memory["step"].copy(), memory["gradient"].copy()
            for step, change in zip(memory["steps"], memory["changes"], strict=True):
                self._descent.memory.add(step, change)
