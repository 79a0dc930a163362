"""What `fit` calls while it trains."""

from typing import TYPE_CHECKING

import numpy as np

from chainrule.nn.history import History

if TYPE_CHECKING:
    from chainrule.nn.module import Module


class Callback:
    """Base class: does nothing; write the methods you need.

    Example:
        >>> class Print(nn.Callback):
        ...     def on_epoch(self, model, history):
        ...         print(history.epochs)
        >>> _ = nn.LogisticRegression(1).fit([[0.0], [1.0]], [0, 1], epochs=2, callbacks=[Print()], verbose=0)
        1
        2
    """

    def on_start(self, model: "Module", history: History) -> None:
        """Training begins."""

    def on_epoch(self, model: "Module", history: History) -> bool | None:
        """An epoch is over, and its numbers are in the history; True ends the training."""

    def on_end(self, model: "Module", history: History) -> None:
        """Training has ended, by itself, by a callback or by Ctrl-C."""


class EarlyStopping(Callback):
    """Stop when a loss has not improved for some epochs, and go back to the weights of the best epoch.

    Args:
        patience: epochs without improvement after which to stop.
        monitor: what should become small: ``"val_loss"`` or ``"loss"``.

    Raises:
        ValueError: `fit` does not measure what is monitored (no `validation_data`).

    Attributes:
        best: the smallest value so far.
        best_epoch: the epoch it came from, counted from 1.

    Example:
        >>> stop = nn.EarlyStopping(patience=5, monitor="loss")
        >>> model = nn.LogisticRegression(1)
        >>> history = model.fit([[0.0], [1.0]], [0, 1], epochs=3, callbacks=[stop], verbose=0)
        >>> stop.best_epoch
        3
    """

    def __init__(self, patience: int = 10, monitor: str = "val_loss") -> None:
        self.patience = patience
        self.monitor = monitor

    def on_start(self, model: "Module", history: History) -> None:
        """Forget an earlier training."""
        self.best = float("inf")
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
        if value < self.best:
            self.best, self.best_epoch, self._weights = value, history.epochs, model.state_dict()
        return history.epochs - self.best_epoch >= self.patience

    def on_end(self, model: "Module", history: History) -> None:
        """Go back to the best weights."""
        if self._weights:
            model.load_state_dict(self._weights)
