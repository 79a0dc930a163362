"""How far a training has come: a bar by tqdm, in a terminal or a notebook; plain lines where there is no tqdm."""

import warnings
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

_LINES = 20  # plain lines in a training of any length


class Progress:
    """Shows the steps of a training; a context manager.

    Args:
        epochs: number of epochs.
        steps: number of steps in each.
        show: False shows nothing.
        done: epochs that an earlier training, now resumed, has behind it.

    Example:
        >>> with Progress(epochs=1, steps=2, show=False) as progress:
        ...     progress.step()
        ...     progress.epoch(1, {"loss": 0.5})
    """

    def __init__(self, epochs: int, steps: int, show: bool, done: int = 0) -> None:
        self._epochs = epochs
        self._show = show
        tqdm = find_tqdm() if show else None
        self._bar = tqdm and tqdm(total=epochs * steps, initial=done * steps, unit="step")

    def step(self) -> None:
        """One step is done."""
        if self._bar is not None:
            self._bar.update()

    def epoch(self, number: int, numbers: Mapping[str, float]) -> None:
        """An epoch is done: `number` counts from 1, `numbers` are its loss and metrics."""
        if not self._show:
            return
        texts = {name: f"{value:.4g}" for name, value in numbers.items()}
        head = f"epoch {number}/{self._epochs}"
        if self._bar is not None:
            self._bar.set_description(head, refresh=False)
            self._bar.set_postfix(texts, refresh=False)
        elif number % max(1, self._epochs // _LINES) == 0 or number in (1, self._epochs):
            print(f"{head}: {', '.join(f'{name} {text}' for name, text in texts.items())}", flush=True)

    def end(self) -> None:
        """The training is over, be it before its time."""
        if self._bar is not None:
            self._bar.total = self._bar.n
            self._bar.refresh()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()


def find_tqdm() -> Any:
    """Return tqdm's class for this terminal or notebook, or None where it is not installed."""
    try:
        with warnings.catch_warnings():  # of a notebook without ipywidgets, where it shows a text bar instead
            warnings.simplefilter("ignore")
            from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm
