"""Everything that `Module.fit` checks and prepares before the first step."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.autograd import random
from chainrule.autograd.errors import ShapeError
from chainrule.nn import (
    measure as measures,
    objective as objectives,
    optim,
    predict as predicting,
    task as tasks,
)
from chainrule.nn.callbacks import Callback
from chainrule.nn.data.check import as_count, as_numbers, shown
from chainrule.nn.data.loader import DataLoader
from chainrule.nn.data.split import train_test_split
from chainrule.nn.full_batch import FullBatch
from chainrule.nn.history import History
from chainrule.nn.losses import Loss
from chainrule.nn.training import Training

if TYPE_CHECKING:
    from chainrule.nn.module import Module

Array = NDArray[Any]
EPOCHS, ITERATIONS, BATCH_SIZE = 10, 1000, 32


@dataclass(frozen=True)
class Settings:
    """The arguments of `Module.fit`, where they are explained."""

    epochs: int | None
    batch_size: int | None
    optimizer: str | optim.Optimizer | None
    loss: str | Loss | None
    validation_data: tuple[ArrayLike, ArrayLike] | None
    validation_split: float
    class_weight: str | Mapping[int, float] | None
    sample_weight: ArrayLike | None
    metrics: Sequence[str | Callable[[Any, Any], float]] | None
    scheduler: optim.Scheduler | None
    l1: float
    l2: float
    callbacks: Sequence[Callback]
    verbose: int
    shuffle: bool
    seed: int | np.random.Generator | None


def fit(model: "Module", X: ArrayLike, y: ArrayLike, given: Settings) -> History:
    """See `Module.fit`."""
    _check_callbacks(given.callbacks)
    optimizer = _optimizer(model, model.solver if given.optimizer is None else given.optimizer)
    _check_scheduler(given.scheduler, optimizer)
    whole = isinstance(optimizer, optim.LBFGS)
    epochs = (ITERATIONS if whole else EPOCHS) if given.epochs is None else given.epochs
    as_count("fit", epochs, "epochs")
    dtype = np.dtype(np.float64) if whole else optimizer.params[0].dtype
    inputs = as_numbers("fit", X).astype(dtype, copy=False)
    sample = _sample(model, inputs)
    loss, task = tasks.choose(given.loss, model.task, sample, y)
    targets = _cast(tasks.targets(task, sample, y, len(inputs), "fit"), dtype)
    weights = objectives.weigh(loss, task, targets, given.class_weight, given.sample_weight)
    arrays = [inputs, targets] + ([] if weights is None else [weights.astype(dtype)])
    judged = _validation(given, task, sample, dtype)
    source = random.generator() if given.seed is None else given.seed
    if judged is None and given.validation_split:
        arrays, judged = _set_aside(arrays, task, given.validation_split, source)
    size = len(arrays[0]) if whole and given.batch_size is None else given.batch_size or BATCH_SIZE
    if given.batch_size is not None:
        as_count("fit", given.batch_size, "batch_size")
    loader = DataLoader(tuple(arrays), size, shuffle=given.shuffle and not whole, seed=source)
    objective = objectives.Objective(loss, optimizer.params, given.l1, given.l2)
    measured = measures.choose(given.metrics, task, sample)
    kind = FullBatch if whole else Training
    training = kind(model, optimizer, objective, loader, judged, measured, given.scheduler, task)
    training.check(given.callbacks)
    model.task = task
    return training.run(epochs, given.callbacks, show=bool(given.verbose))


def _cast(targets: Array, dtype: np.dtype[Any]) -> Array:
    """Return targets in the dtype of the training; class numbers stay integers."""
    return targets if targets.dtype.kind == "i" else targets.astype(dtype, copy=False)


def _optimizer(model: "Module", optimizer: str | optim.Optimizer) -> optim.Optimizer:
    """Return the optimizer, after a check that it can train this model."""
    parameters = model.parameters()
    if not any(parameter.requires_grad for parameter in parameters):
        raise ValueError(f"fit: {type(model).__name__} has no parameter to train")
    if optimizer == "lbfgs":  # to the last digit: users compare coefficients
        optimizer = optim.LBFGS(parameters, tolerance_change=0.0)
    chosen = optim.by_name(optimizer, parameters)
    own = set(parameters)
    if not any(parameter in own for parameter in chosen.params):
        raise ValueError(
            "fit: the optimizer has the parameters of another model; make it with "
            f"nn.optim.{type(chosen).__name__}(model.parameters(), lr={chosen.lr})"
        )
    return chosen


def _check_scheduler(scheduler: Any, optimizer: optim.Optimizer) -> None:
    if scheduler is None:
        return
    if not isinstance(scheduler, optim.Scheduler):
        raise TypeError(f"fit: scheduler must be an nn.optim schedule, got {shown(scheduler)}")
    if scheduler.optimizer is not optimizer:
        raise ValueError(
            "fit: the scheduler sets the learning rate of another optimizer; make both first, and pass both: "
            f"optimizer=o, scheduler=nn.optim.{type(scheduler).__name__}(o, ...)"
        )


def _validation(
    given: Settings, task: str, sample: Array, dtype: np.dtype[Any]
) -> tuple[Array, Array] | None:
    """Return the rows to judge each epoch on, if they were given."""
    pair = given.validation_data
    if not 0 <= given.validation_split < 1:
        raise ValueError(
            f"fit: validation_split is a share from 0 up to but without 1, got {given.validation_split!r}"
        )
    if pair is None:
        return None
    if given.validation_split:
        raise ValueError("fit: give either validation_data or validation_split, not both")
    X, y = _pair(pair)
    rows = as_numbers("fit", X, "validation X").astype(dtype, copy=False)
    return rows, _cast(tasks.targets(task, sample, y, len(rows), "fit: validation_data"), dtype)


def _pair(validation_data: Any) -> Any:
    if not isinstance(validation_data, tuple | list) or len(validation_data) != 2:
        raise TypeError(f"fit: validation_data must be a pair (X, y), got {shown(validation_data)}")
    return validation_data


def _set_aside(
    arrays: list[Array], task: str, share: float, source: int | np.random.Generator
) -> tuple[list[Array], tuple[Array, Array]]:
    """Split the rows into those to learn from and those to judge on; in each class alike, where it has enough rows."""
    labels = None if task == "regression" else tasks.labels(task, arrays[1])
    n_test = int(np.ceil(share * len(arrays[0])))
    if labels is not None:
        counts = np.bincount(labels)
        counts = counts[counts > 0]
        if counts.min() < 2 or len(counts) > min(n_test, len(labels) - n_test):
            labels = None
    split = train_test_split(*arrays, test_size=n_test, stratify=labels, seed=source)
    return list(split[::2]), (split[1], split[3])


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


def _check_callbacks(callbacks: Any) -> None:
    listed = isinstance(callbacks, Sequence)
    wrong = [c for c in callbacks if not isinstance(c, Callback)] if listed else [callbacks]
    if wrong:
        raise TypeError(f"fit: callbacks must be a list of nn.Callback, got {shown(wrong[0])}")
