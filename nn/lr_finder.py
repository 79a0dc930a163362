"""`find_lr`: a learning rate to begin with, from one short run in which it grows (Smith 2017)."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from chainrule.nn import optim
from chainrule.nn.callbacks import Callback
from chainrule.nn.data.check import as_count
from chainrule.nn.pictures import pyplot

if TYPE_CHECKING:
    from chainrule.nn.history import History
    from chainrule.nn.losses import Loss
    from chainrule.nn.module import Module


@dataclass
class LearningRates:
    """What `find_lr` saw.

    Attributes:
        rates: the learning rates that were tried, each in one step.
        losses: the loss of each batch, smoothed.
        best: the learning rate where the loss fell fastest.
    """

    rates: list[float]
    losses: list[float]
    best: float

    def plot(self) -> Any:
        """Draw the loss over the learning rate with matplotlib (the extra `plot`), and mark the best.

        Returns:
            matplotlib's Axes.

        Raises:
            ImportError: matplotlib is not installed.

        Example:
            >>> LearningRates([0.01, 0.1, 1.0], [2.0, 1.0, 5.0], 0.1).plot().get_xscale()
            'log'
        """
        _, axes = pyplot().subplots(figsize=(4.8, 3.2), layout="constrained")
        axes.plot(self.rates, self.losses)
        axes.axvline(self.best, linestyle="--", color="gray", label=f"best: {self.best:.2g}")
        axes.set_xscale("log")
        axes.set_xlabel("learning rate")
        axes.set_ylabel("loss, smoothed")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
        return axes


def find_lr(
    model: "Module",
    X: ArrayLike,
    y: ArrayLike,
    *,
    optimizer: str | optim.Optimizer = "adam",
    loss: "str | Loss | None" = None,
    batch_size: int = 32,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 100,
    seed: int | np.random.Generator | None = None,
) -> LearningRates:
    """Try learning rates from low to high, one step with each, and find the one where the loss falls fastest.

    It ends early when the loss explodes. Model and optimizer are then put back as they were.

    Args:
        model: any module.
        X: as for `Module.fit`, like `y`, `loss`, `batch_size` and `seed`.
        y: one answer per row.
        optimizer: an object or a name; its own learning rate does not matter.
        loss: a function or a name.
        batch_size: rows per step.
        low: the first rate.
        high: the last rate.
        steps: how many rates to try, at least 10; the factor between two is always the same.
        seed: for the order of the rows.

    Returns:
        The rates, the losses, and the best rate.

    Raises:
        ValueError: low is not less than high, or not positive; and what `fit` raises.

    Example:
        >>> X, y = nn.data.make_moons(200, noise=0.1, seed=0)
        >>> model = nn.MLP([2, 16, 2], generator=np.random.default_rng(0))
        >>> 0.001 < find_lr(model, X, y, seed=0).best < 5
        True
    """
    if not 0 < low < high < math.inf:
        raise ValueError(f"find_lr: needs 0 < low < high, got low={low!r}, high={high!r}")
    as_count("find_lr", steps, "steps", 10)
    chosen = optim.by_name(optimizer, model.parameters())
    if isinstance(chosen, optim.LBFGS):
        raise ValueError("find_lr: L-BFGS searches for the length of each step by itself")
    kept, state, task = model.state_dict(), chosen.state_dict(), model.task
    watch = _Grow(np.geomspace(low, high, steps).tolist(), chosen)
    try:
        model.fit(
            X, y, epochs=steps, optimizer=chosen, loss=loss, batch_size=batch_size,
            callbacks=[watch], verbose=0, seed=seed,
        )  # fmt: skip
    except (_EnoughError, FloatingPointError):
        pass
    finally:
        model.load_state_dict(kept)
        chosen.load_state_dict(state)
        model.task = task
    return watch.result()


class _EnoughError(Exception):
    """The last rate was tried, or the loss exploded."""


class _Grow(Callback):
    """Sets the next rate before each step, and smooths the losses."""

    def __init__(self, rates: list[float], optimizer: optim.Optimizer) -> None:
        self.rates = rates
        self.optimizer = optimizer
        self.losses: list[float] = []
        self._mean = 0.0

    def on_start(self, model: "Module", history: "History") -> None:
        """Begin with the first rate, and see the loss of every batch."""
        assert self.training is not None
        self.optimizer.lr = self.rates[0]
        objective = self.training.objective
        own = objective.loss

        def watched(outputs: Any, target: Any, **settings: Any) -> Any:
            value = own(outputs, target, **settings)
            self._see(value.item())
            return value

        objective.loss = watched

    def on_step(self, model: "Module") -> None:
        """Go on to the next rate."""
        if len(self.losses) == len(self.rates):
            raise _EnoughError
        self.optimizer.lr = self.rates[len(self.losses)]

    def _see(self, loss: float) -> None:
        self._mean = 0.9 * self._mean + 0.1 * loss
        smooth = self._mean / (1 - 0.9 ** (len(self.losses) + 1))
        if not math.isfinite(smooth) or (self.losses and smooth > 4 * min(self.losses)):
            raise _EnoughError
        self.losses.append(smooth)

    def result(self) -> LearningRates:
        """Return what was seen; the slope at a rate is that of the line through the losses of the rates around it."""
        losses, rates = np.array(self.losses), self.rates[: len(self.losses)]
        half = max(1, len(losses) // 8)  # batches differ, so that the slope between two of them says nothing
        if len(losses) < 2 * half + 1:
            return LearningRates(rates, self.losses, self.rates[0])
        offsets = np.arange(-half, half + 1)
        slopes = np.correlate(losses, offsets / np.sum(offsets**2), "valid")
        return LearningRates(rates, self.losses, rates[half + int(np.argmin(slopes))])
