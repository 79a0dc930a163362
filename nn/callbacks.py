"""What `fit` calls while it trains."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.nn.history import History
from chainrule.nn.names import look_up

if TYPE_CHECKING:
    from chainrule.nn.module import Module
    from chainrule.nn.training import Training


class Callback:
    """Base class: does nothing; write the methods you need.

    Attributes:
        training: the running training, with its optimizer and data; None outside `fit`.
        last: whether it is called after those that are not.

    Example:
        >>> class Print(nn.Callback):
        ...     def on_epoch(self, model, history):
        ...         print(history.epochs)
        >>> _ = nn.MLP([1, 2]).fit([[0.0], [1.0]], [0, 1], epochs=2, callbacks=[Print()], verbose=0)
        1
        2
    """

    training: "Training | None" = None
    last: bool = False

    def on_start(self, model: "Module", history: History) -> None:
        """Training begins."""

    def on_batch(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the inputs of the next step, given those of the batch."""
        return x

    def on_gradients(self, model: "Module") -> None:
        """The gradients of a step are there, and the optimizer has not used them yet."""

    def on_step(self, model: "Module") -> None:
        """The optimizer has changed the parameters."""

    def on_epoch(self, model: "Module", history: History) -> bool | None:
        """An epoch is over, and its numbers are in the history; True ends the training."""

    def on_end(self, model: "Module", history: History) -> None:
        """Training has ended, by itself, by a callback or by Ctrl-C."""

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed training needs of this callback: numbers, texts, arrays, and dicts of them."""
        return {}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned."""


def overrides(callback: Callback, method: str) -> bool:
    """Say whether a callback has a method of its own, so that the others need not be called.

    Example:
        >>> overrides(EarlyStopping(), "on_epoch"), overrides(EarlyStopping(), "on_step")
        (True, False)
    """
    return getattr(type(callback), method) is not getattr(Callback, method)


class EarlyStopping(Callback):
    """Stop when a number has not improved for some epochs, and go back to the weights of the best epoch.

    Args:
        patience: epochs without improvement after which to stop.
        monitor: a name of `History.series`, such as ``"val_loss"``, ``"loss"`` or ``"val_accuracy"``.
        mode: ``"min"`` if it should become small, ``"max"`` if large.

    Raises:
        ValueError: an unknown mode; `fit` does not measure what is monitored (no `validation_data`).

    Attributes:
        best: the best value so far.
        best_epoch: the epoch it came from, counted from 1.

    Example:
        >>> stop = nn.EarlyStopping(patience=5, monitor="loss")
        >>> model = nn.MLP([1, 2])
        >>> history = model.fit([[0.0], [1.0]], [0, 1], epochs=3, callbacks=[stop], verbose=0)
        >>> stop.best_epoch
        3
    """

    def __init__(self, patience: int = 10, monitor: str = "val_loss", mode: str = "min") -> None:
        self.patience = patience
        self.monitor = monitor
        self._sign = look_up("mode", mode, {"min": 1.0, "max": -1.0})

    def on_start(self, model: "Module", history: History) -> None:
        """Forget an earlier training."""
        self.best = self._sign * float("inf")
        self.best_epoch = 0
        self._weights: dict[str, np.ndarray] = {}

    def on_epoch(self, model: "Module", history: History) -> bool:
        """Keep the weights if they are the best so far; say whether patience is at its end."""
        if self.monitor not in history.series:
            raise ValueError(
                f"EarlyStopping: fit does not measure {self.monitor!r}, only {', '.join(history.series)}; "
                "pass validation_data=(X, y) for val_loss"
            )
        value = history.series[self.monitor][-1]
        if self._sign * value < self._sign * self.best:
            self.best, self.best_epoch, self._weights = value, history.epochs, model.state_dict()
        return history.epochs - self.best_epoch >= self.patience

    def on_end(self, model: "Module", history: History) -> None:
        """Go back to the best weights."""
        if self._weights:
            model.load_state_dict(self._weights)

    def state_dict(self) -> dict[str, Any]:
        """Return the best epoch and its weights."""
        return {"best": self.best, "best_epoch": self.best_epoch, "weights": self._weights}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        self.best, self.best_epoch = float(saved["best"]), int(saved["best_epoch"])
        self._weights = dict(saved["weights"])
