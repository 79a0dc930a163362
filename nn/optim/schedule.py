"""Learning rates that change while training goes on. Names, defaults and numbers are PyTorch's."""

import math
from collections.abc import Mapping
from typing import Any

from chainrule.nn.data.check import as_count
from chainrule.nn.optim.base import Optimizer


class Scheduler:
    """Base class: a learning rate for each step, in proportion to what the groups of the optimizer began with.

    A subclass writes `factor`. Call `step()` once an epoch, or once a batch if `per` is ``"batch"``; `fit` does.

    Args:
        optimizer: whose learning rates to set.
        per: ``"epoch"`` or ``"batch"``: what one step is.

    Attributes:
        steps: how many were taken.
        base_lrs: what the learning rates of the groups were at the start.

    Example:
        >>> class Halves(Scheduler):
        ...     def factor(self, step):
        ...         return 0.5**step
        >>> optimizer = nn.optim.SGD([nn.Parameter([1.0])], lr=0.1)
        >>> scheduler = Halves(optimizer)
        >>> scheduler.step()
        >>> optimizer.lr
        0.05
    """

    def __init__(self, optimizer: Optimizer, per: str = "epoch") -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"{type(self).__name__}: the first argument is the optimizer, got {type(optimizer).__name__}"
            )
        if per not in ("epoch", "batch"):
            raise ValueError(f"{type(self).__name__}: per must be 'epoch' or 'batch', got {per!r}")
        self.optimizer = optimizer
        self.per = per
        self.steps = 0
        self.base_lrs = [group["lr"] for group in optimizer.param_groups]
        self.apply()

    def factor(self, step: int) -> float:
        """Return what to multiply the first learning rates by, after this many steps."""
        raise NotImplementedError

    def apply(self) -> None:
        """Set the learning rates for the steps taken so far."""
        for group, base in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
            group["lr"] = base * self.factor(self.steps)

    def step(self, value: float | None = None) -> None:
        """An epoch or a batch is over; `value` is the number watched, for schedules that watch one."""
        self.steps += 1
        self.apply()

    def state_dict(self) -> dict[str, Any]:
        """Return everything that changes, as plain numbers, so that training can be resumed exactly."""
        return {name: value for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned; the learning rates themselves are in the optimizer's state.

        Raises:
            ValueError: it belongs to another scheduler.
        """
        own = self.state_dict()
        if saved.keys() != own.keys() or len(saved.get("base_lrs", ())) != len(own.get("base_lrs", ())):
            raise ValueError(f"{type(self).__name__}: this is the state of another scheduler: {dict(saved)}")
        vars(self).update(saved)


class StepLR(Scheduler):
    """Every `step_size` epochs the learning rate is multiplied by `gamma`.

    Args:
        optimizer: whose learning rates to set.
        step_size: epochs (or batches) between two changes.
        gamma: the factor.
        per: as for `Scheduler`.

    Raises:
        ValueError: `step_size` below 1.

    Example:
        >>> optimizer = nn.optim.SGD([nn.Parameter([1.0])], lr=0.5)
        >>> scheduler = StepLR(optimizer, step_size=2)
        >>> for _ in range(2):
        ...     scheduler.step()
        >>> optimizer.lr
        0.05
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, per: str = "epoch") -> None:
        self.step_size = as_count("StepLR", step_size, "step_size")
        self.gamma = gamma
        super().__init__(optimizer, per)

    def factor(self, step: int) -> float:
        """Return gamma to the power of the changes so far."""
        return float(self.gamma ** (step // self.step_size))


class ExponentialLR(Scheduler):
    """Every epoch the learning rate is multiplied by `gamma`; arguments as `StepLR`.

    Example:
        >>> optimizer = nn.optim.SGD([nn.Parameter([1.0])], lr=0.5)
        >>> ExponentialLR(optimizer, gamma=0.9).step()
        >>> optimizer.lr
        0.45
    """

    def __init__(self, optimizer: Optimizer, gamma: float, per: str = "epoch") -> None:
        self.gamma = gamma
        super().__init__(optimizer, per)

    def factor(self, step: int) -> float:
        """Return gamma to the power of the steps so far."""
        return float(self.gamma**step)


class CosineLR(Scheduler):
    """Up along a line for the warm-up, then down along half a cosine (Loshchilov and Hutter 2017).

    PyTorch's `LinearLR` followed by its `CosineAnnealingLR`.

    Args:
        optimizer: whose learning rates to set.
        total: epochs (or batches) until the end of the descent, the warm-up among them; after it the rate stays.
        warmup: epochs (or batches) of the warm-up.
        start_factor: with a warm-up, where it begins, as a share of the learning rate.
        min_lr: where the descent ends.
        per: as for `Scheduler`.

    Raises:
        ValueError: the warm-up takes all the time there is.

    Example:
        >>> optimizer = nn.optim.Adam([nn.Parameter([1.0])], lr=0.1)
        >>> scheduler = CosineLR(optimizer, total=6, warmup=2, start_factor=0.5)
        >>> rates = []
        >>> for _ in range(7):
        ...     rates.append(round(optimizer.lr, 3))
        ...     scheduler.step()
        >>> rates
        [0.05, 0.075, 0.1, 0.085, 0.05, 0.015, 0.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        total: int,
        warmup: int = 0,
        start_factor: float = 1 / 3,
        min_lr: float = 0.0,
        per: str = "epoch",
    ) -> None:
        self.total = as_count("CosineLR", total, "total")
        self.warmup = as_count("CosineLR", warmup, "warmup", 0)
        if warmup >= total:
            raise ValueError(f"CosineLR: a warm-up of {warmup} leaves nothing of the total of {total}")
        self.start_factor = start_factor
        self.min_lr = min_lr
        super().__init__(optimizer, per)

    def apply(self) -> None:
        """Set the learning rates for the steps taken so far."""
        for group, base in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
            if self.steps < self.warmup:
                share = self.start_factor + (1 - self.start_factor) * self.steps / self.warmup
                group["lr"] = base * share
            else:
                way = min(1.0, (self.steps - self.warmup) / (self.total - self.warmup))
                group["lr"] = self.min_lr + (base - self.min_lr) * (1 + math.cos(math.pi * way)) / 2


class OneCycleLR(Scheduler):
    """Up to `max_lr` and down to nearly 0, along cosines; the momentum goes the other way (Smith and Topin 2019).

    Args:
        optimizer: whose learning rates to set; and its `momentum`, or the first of its `betas`, where it has them.
        max_lr: the largest learning rate.
        total: how many batches the training has.
        pct_start: the share of them on the way up.
        base_momentum, max_momentum: where the momentum is when the learning rate is largest, and at both ends.
        div_factor: the first learning rate is max_lr / div_factor.
        final_div_factor: the last one is the first / final_div_factor.
        per: as for `Scheduler`.

    Raises:
        ValueError: a share outside 0..1.

    Example:
        >>> optimizer = nn.optim.SGD([nn.Parameter([1.0])], momentum=0.9)
        >>> scheduler = OneCycleLR(optimizer, max_lr=1.0, total=10)
        >>> for _ in range(2):
        ...     scheduler.step()
        >>> optimizer.lr, optimizer.momentum
        (1.0, 0.85)
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float,
        total: int,
        pct_start: float = 0.3,
        base_momentum: float = 0.85,
        max_momentum: float = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        per: str = "batch",
    ) -> None:
        if not 0 <= pct_start <= 1:
            raise ValueError(f"OneCycleLR: pct_start is a share from 0 to 1, got {pct_start!r}")
        self.max_lr = float(max_lr)
        self.total = as_count("OneCycleLR", total, "total", 2)
        self.pct_start = pct_start
        self.base_momentum, self.max_momentum = base_momentum, max_momentum
        self.div_factor, self.final_div_factor = div_factor, final_div_factor
        super().__init__(optimizer, per)

    def apply(self) -> None:
        """Set the learning rates and the momentum for the steps taken so far."""
        step, top, last = self.steps, self.pct_start * self.total - 1, self.total - 1
        first = self.max_lr / self.div_factor
        if step <= top:
            way = step / top
            lr = _along(first, self.max_lr, way)
            momentum = _along(self.max_momentum, self.base_momentum, way)
        else:
            way = min(1.0, (step - top) / (last - top))
            lr = _along(self.max_lr, first / self.final_div_factor, way)
            momentum = _along(self.base_momentum, self.max_momentum, way)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
            if "betas" in group:
                group["betas"] = (momentum, group["betas"][1])
            elif group.get("momentum"):
                group["momentum"] = momentum


class ReduceLROnPlateau(Scheduler):
    """When a number has not become better for some epochs, the learning rate is multiplied by `factor`.

    `fit` gives it the validation loss if there is one, else the loss.

    Args:
        optimizer: whose learning rates to set.
        factor: what to multiply by, less than 1.
        patience: epochs without improvement that are put up with.
        threshold: better means by this share of the best number.
        cooldown: epochs after a change that do not count.
        min_lr: the smallest learning rate.
        mode: ``"min"`` if small numbers are good, ``"max"`` if large ones are.

    Attributes:
        best: the best number so far.

    Raises:
        ValueError: a factor of 1 or more, an unknown mode.

    Example:
        >>> optimizer = nn.optim.SGD([nn.Parameter([1.0])], lr=0.5)
        >>> scheduler = ReduceLROnPlateau(optimizer, patience=1)
        >>> for loss in [3.0, 2.0, 2.0, 2.0]:
        ...     scheduler.step(loss)
        >>> optimizer.lr
        0.05
    """

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        mode: str = "min",
    ) -> None:
        if not 0 < factor < 1:
            raise ValueError(f"ReduceLROnPlateau: factor must lie between 0 and 1, got {factor!r}")
        if mode not in ("min", "max"):
            raise ValueError(f"ReduceLROnPlateau: mode must be 'min' or 'max', got {mode!r}")
        self.shrink = factor
        self.patience = as_count("ReduceLROnPlateau", patience, "patience", 0)
        self.threshold = threshold
        self.cooldown = as_count("ReduceLROnPlateau", cooldown, "cooldown", 0)
        self.min_lr = min_lr
        self.mode = mode
        self.best = math.inf if mode == "min" else -math.inf
        self.bad = self.cooling = 0
        super().__init__(optimizer)

    def apply(self) -> None:
        """Change nothing: what is done depends on the numbers that are given to `step`."""

    def step(self, value: float | None = None) -> None:
        """An epoch is over, and this is its number.

        Raises:
            TypeError: no number.
        """
        if value is None:
            raise TypeError("ReduceLROnPlateau: step needs the number to watch: scheduler.step(val_loss)")
        self.steps += 1
        least = self.best * (1 - self.threshold if self.mode == "min" else 1 + self.threshold)
        if value < least if self.mode == "min" else value > least:
            self.best, self.bad = value, 0
        else:
            self.bad += 1
        if self.cooling > 0:
            self.cooling -= 1
            self.bad = 0
        if self.bad > self.patience:
            for group in self.optimizer.param_groups:
                smaller = max(group["lr"] * self.shrink, self.min_lr)
                if group["lr"] - smaller > 1e-8:
                    group["lr"] = smaller
            self.cooling, self.bad = self.cooldown, 0


def _along(start: float, end: float, way: float) -> float:
    """Return where half a cosine from start to end is; `way` goes from 0 to 1."""
    return end + (start - end) / 2 * (1 + math.cos(math.pi * way))
