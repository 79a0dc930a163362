"""`History`: the course of a training."""

from dataclasses import dataclass, field
from typing import Any

from chainrule.nn.pictures import curves


@dataclass
class History:
    """What `fit` measured, one entry per finished epoch.

    Attributes:
        loss: mean loss of the epoch's batches, each taken before its step, with weights and penalties; with L-BFGS,
            the loss of all rows after the iteration.
        val_loss: loss on the validation data after the epoch; empty if there are none.
        metrics: further numbers by name: ``"accuracy"`` for classes or ``"r2"`` for quantities, or what `fit` was
            asked to measure, of the epoch's batches; and the same with ``val_`` of the validation data.
        times: seconds that each epoch took.
        interrupted: whether Ctrl-C ended the training.

    Example:
        >>> history = History(loss=[0.7, 0.2], metrics={"accuracy": [0.5, 1.0]}, times=[0.1, 0.1])
        >>> history
        History: 2 epochs in 0.2 s
            loss      0.7 -> 0.2
            accuracy  0.5 -> 1
    """

    loss: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    times: list[float] = field(default_factory=list)
    interrupted: bool = False

    @property
    def epochs(self) -> int:
        """Number of finished epochs."""
        return len(self.loss)

    @property
    def series(self) -> dict[str, list[float]]:
        """Every list of numbers by name: the losses and all metrics.

        Example:
            >>> History(loss=[0.7], metrics={"accuracy": [0.5]}).series
            {'loss': [0.7], 'accuracy': [0.5]}
        """
        losses = {"loss": self.loss, "val_loss": self.val_loss}
        return {name: numbers for name, numbers in (losses | self.metrics).items() if numbers}

    @property
    def last(self) -> dict[str, float]:
        """The numbers of the last epoch by name.

        Example:
            >>> History(loss=[0.7, 0.2]).last
            {'loss': 0.2}
        """
        return {name: numbers[-1] for name, numbers in self.series.items()}

    def plot(self, *names: str) -> Any:
        """Draw the course of the training with matplotlib (the extra `plot`): a panel for the loss and each metric.

        Args:
            names: what to draw, such as ``"loss"`` or ``"accuracy"``; each with its ``val_`` beside it. None: all.

        Returns:
            matplotlib's Axes, one in a list for each panel.

        Raises:
            ImportError: matplotlib is not installed.
            ValueError: an unknown name, or nothing to draw yet.

        Example:
            >>> history = History(loss=[0.7, 0.2], val_loss=[0.8, 0.4])
            >>> [axes.get_ylabel() for axes in history.plot()]
            ['loss']
        """
        return curves(self.series, names)

    def __repr__(self) -> str:
        head = (
            f"History: {self.epochs} epochs in {sum(self.times):.1f} s{' (interrupted)' * self.interrupted}"
        )
        width = max(map(len, self.series), default=0)
        rows = [f"    {name:<{width}}  {v[0]:.4g} -> {v[-1]:.4g}" for name, v in self.series.items()]
        return "\n".join([head, *rows])
