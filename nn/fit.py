"""The training loop behind `Module.fit`."""

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.autograd import random
from chainrule.autograd.errors import ShapeError
from chainrule.autograd.mode import enable_grad, record_lines
from chainrule.autograd.tensor import Tensor
from chainrule.nn import optim, predict as predicting, task as tasks
from chainrule.nn.callbacks import Callback
from chainrule.nn.data.check import as_count, as_numbers, shown
from chainrule.nn.data.loader import DataLoader
from chainrule.nn.history import History
from chainrule.nn.losses import Loss
from chainrule.nn.progress import Progress

if TYPE_CHECKING:
    from chainrule.nn.module import Module

Array = NDArray[Any]


def fit(
    model: "Module",
    X: ArrayLike,
    y: ArrayLike,
    *,
    epochs: int,
    batch_size: int,
    optimizer: str | optim.Optimizer,
    loss: str | Loss | None,
    validation_data: tuple[ArrayLike, ArrayLike] | None,
    callbacks: Sequence[Callback],
    verbose: int,
    shuffle: bool,
    seed: int | np.random.Generator | None,
) -> History:
    """See `Module.fit`."""
    as_count("fit", epochs, "epochs")
    _check_callbacks(callbacks)
    chosen = _optimizer(model, optimizer)
    dtype = chosen.params[0].dtype
    inputs = as_numbers("fit", X).astype(dtype, copy=False)
    sample = _sample(model, inputs)
    loss_function, task = tasks.choose(loss, model.task, sample, y)
    targets = tasks.targets(task, sample, y, len(inputs), "fit")
    judged = None
    if validation_data is not None:
        X_val, y_val = _pair(validation_data)
        rows = as_numbers("fit", X_val, "validation X").astype(dtype, copy=False)
        judged = rows, tasks.targets(task, sample, y_val, len(rows), "fit: validation_data")
    source = random.generator() if seed is None else seed
    loader = DataLoader((inputs, targets), batch_size, shuffle=shuffle, seed=source)
    model.task = task
    training = _Training(model, chosen, loss_function, loader, judged)
    return training.run(epochs, callbacks, show=bool(verbose))


def _optimizer(model: "Module", optimizer: str | optim.Optimizer) -> optim.Optimizer:
    """Return the optimizer, after a check that it can train this model."""
    parameters = model.parameters()
    if not any(parameter.requires_grad for parameter in parameters):
        raise ValueError(f"fit: {type(model).__name__} has no parameter to train")
    chosen = optim.by_name(optimizer, parameters)
    own = set(parameters)
    if not any(parameter in own for parameter in chosen.params):
        raise ValueError(
            "fit: the optimizer has the parameters of another model; make it with "
            f"nn.optim.{type(chosen).__name__}(model.parameters(), lr={chosen.lr})"
        )
    return chosen


def _sample(model: "Module", inputs: Array) -> Array:
    """Return the outputs of the first rows, which show what the outputs of all look like."""
    try:
        return predicting.outputs(model, inputs[:2], "fit")
    except ShapeError as error:
        takes = _features(model)
        if inputs.ndim == 2 and takes not in (None, inputs.shape[1]):
            raise ShapeError(
                f"fit: X has {inputs.shape[1]} features per row, the model takes {takes}; X has shape {inputs.shape}"
            ) from error
        raise ShapeError(
            f"fit: X of shape {inputs.shape} does not fit {type(model).__name__}; of its first rows: {error}"
        ) from error


def _features(model: "Module") -> int | None:
    """Return how many features per row the model takes, where its first layer tells and rows like that do fit."""
    takes: int | None = next(
        (m.arguments()["in_features"] for m in model.modules() if "in_features" in m.arguments()), None
    )
    try:
        predicting.outputs(model, np.zeros((1, takes or 1)), "fit")
    except ShapeError:
        return None
    return takes


def _pair(validation_data: Any) -> Any:
    if not isinstance(validation_data, tuple | list) or len(validation_data) != 2:
        raise TypeError(f"fit: validation_data must be a pair (X, y), got {shown(validation_data)}")
    return validation_data


def _check_callbacks(callbacks: Any) -> None:
    listed = isinstance(callbacks, Sequence)
    wrong = [c for c in callbacks if not isinstance(c, Callback)] if listed else [callbacks]
    if wrong:
        raise TypeError(f"fit: callbacks must be a list of nn.Callback, got {shown(wrong[0])}")


class _Training:
    """One call of `fit`: everything is checked, now the steps."""

    def __init__(
        self,
        model: "Module",
        optimizer: optim.Optimizer,
        loss: Loss,
        loader: DataLoader,
        judged: tuple[Array, Array] | None,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.loss = loss
        self.loader = loader
        self.judged = judged
        assert model.task is not None
        self.task = model.task
        self.history = History()
        self._before: list[Array] = []  # the parameters' data before the last step
        self._stepping = False

    def run(self, epochs: int, callbacks: Sequence[Callback], show: bool) -> History:
        """Train for some epochs, or until a callback or Ctrl-C ends it."""
        flags = [(module, module.training) for module in self.model.modules()]
        for callback in callbacks:
            callback.on_start(self.model, self.history)
        with Progress(epochs, len(self.loader), show) as progress:
            try:
                for number in range(1, epochs + 1):
                    self._epoch(number, progress)
                    progress.epoch(number, self.history.last)
                    stops = [callback.on_epoch(self.model, self.history) for callback in callbacks]
                    if any(stops):
                        break
            except KeyboardInterrupt:
                self.history.interrupted = True
                if self._stepping:  # some parameters may be of this step and some of the last
                    self._go_back()
            finally:
                self.optimizer.zero_grad()
                for module, on in flags:
                    module.training = on
        for callback in callbacks:
            callback.on_end(self.model, self.history)
        return self.history

    def _epoch(self, number: int, progress: Progress) -> None:
        start = time.perf_counter()
        self.model.train()
        total, found, answers = 0.0, [], []
        # The line of every node would cost time in a notebook, and nobody sees these graphs.
        with enable_grad(), record_lines(False), np.errstate(all="ignore"):
            for step, (x, target) in enumerate(self.loader, 1):
                value, outputs = self._step(x, target)
                if not math.isfinite(value):
                    self._fail(f"the loss became {value} in epoch {number}, step {step}")
                total += value * len(x)
                found.append(outputs)
                answers.append(target)
                progress.step()
            if self._first_bad():
                self._fail(f"a parameter became NaN or infinite in epoch {number}, step {step}")
        self._write(total, np.concatenate(found), np.concatenate(answers))
        self.history.times.append(time.perf_counter() - start)

    def _step(self, x: Array, target: Array) -> tuple[float, Array]:
        """One step down the gradient; returns the loss and the outputs before it."""
        outputs = self.model(x)
        loss = self.loss(outputs, target)
        value = loss.item()
        if math.isfinite(value):
            self.optimizer.zero_grad()
            loss.backward()
            self._before = [parameter._data for parameter in self.optimizer.params]
            self._stepping = True
            self.optimizer.step()
            self._stepping = False
        return value, outputs._data

    def _write(self, total: float, found: Array, answers: Array) -> None:
        """Put the numbers of an epoch into the history."""
        history, name = self.history, "r2" if self.task == "regression" else "accuracy"
        history.loss.append(total / len(found))
        history.metrics.setdefault(name, []).append(predicting.metric(self.task, found, answers))
        if self.judged is not None:
            rows, answers = self.judged
            found = predicting.outputs(self.model, rows, "fit")
            with np.errstate(all="ignore"):
                history.val_loss.append(
                    self.loss(Tensor.from_numpy(found, requires_grad=False), answers).item()
                )
            history.metrics.setdefault(f"val_{name}", []).append(predicting.metric(self.task, found, answers))

    def _first_bad(self) -> str:
        """Return the name of the first parameter that holds NaN or infinity, or nothing."""
        for name, parameter in self.model.named_parameters():
            if not np.isfinite(parameter._data).all():
                return name
        return ""

    def _fail(self, what: str) -> None:
        bad = self._first_bad()
        where = f"the first bad parameter is {bad}" if bad else "all parameters are still finite numbers"
        kept = "The weights are those before the last step" if self._before else "No step was taken"
        self._go_back()
        raise FloatingPointError(
            f"fit: {what}; {where}. {kept}. A smaller learning rate than {self.optimizer.lr:g} or normalised "
            "inputs (nn.data.Standardize) usually help"
        )

    def _go_back(self) -> None:
        for parameter, array in zip(self.optimizer.params, self._before, strict=False):
            parameter.replace(array)
