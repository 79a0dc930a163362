"""What a module can do with rows and answers: learn from them, predict them, be judged by them."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.nn import fit as fitting, predict as predicting
from chainrule.nn.fit import Settings
from chainrule.nn.history import History
from chainrule.nn.losses import Loss
from chainrule.nn.optim import Optimizer, Scheduler

if TYPE_CHECKING:
    from chainrule.nn.callbacks import Callback


class Learner:
    """The part of a `Module` that trains and predicts.

    Attributes:
        task: what the outputs mean: "multiclass", "binary" or "one_vs_rest" (logits), or "regression"; None until
            `fit` knows.
        solver: the optimizer of `fit` unless told.
    """

    task: str | None = None
    solver: str = "adam"

    def fit(
        self: Any,
        X: ArrayLike,
        y: ArrayLike,
        *,
        epochs: int | None = None,
        batch_size: int | None = None,
        optimizer: str | Optimizer | None = None,
        loss: str | Loss | None = None,
        validation_data: tuple[ArrayLike, ArrayLike] | None = None,
        validation_split: float = 0.0,
        class_weight: str | Mapping[int, float] | None = None,
        sample_weight: ArrayLike | None = None,
        metrics: Sequence[str | Callable[[Any, Any], float]] | None = None,
        scheduler: Scheduler | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
        callbacks: "Sequence[Callback]" = (),
        verbose: int = 1,
        shuffle: bool = True,
        seed: int | np.random.Generator | None = None,
    ) -> History:
        """Learn from rows and their answers, in mini-batches, or with L-BFGS from all rows at once.

        Args:
            X: shape (rows, ...); numbers of any dtype, cast once to the parameters'.
            y: one answer per row: class numbers (integers from 0), one-hot rows, or quantities.
            epochs: how often to go over all rows, 10 unless told; with L-BFGS the most iterations, 1000 unless told:
                it ends by itself when the gradient is 0.
            batch_size: rows per step, 32 unless told; L-BFGS takes all.
            optimizer: an `nn.optim` object over this module's parameters, or a name such as ``"adam"`` or ``"lbfgs"``.
                None: Adam; for linear and logistic regression L-BFGS, in float64, which finds the one best solution.
            loss: a function of (outputs, targets), or a name such as ``"mse"``. None: cross-entropy for class
                numbers and one-hot rows, binary if there is one output and they are 0 and 1, else the mean squared
                error.
            validation_data: (X, y) to judge each epoch on.
            validation_split: instead, the share of the rows to set aside for that: drawn at random, as much of each
                class.
            class_weight: how much a row of each class counts, ``{class: weight}``, or ``"balanced"`` for all classes
                to count the same.
            sample_weight: how much each row counts, shape (rows,). Weights are scaled to a mean of 1.
            metrics: what to measure besides the loss: names of ``accuracy precision recall f1 roc_auc mse r2`` or
                functions of (true, predicted); None: the accuracy, or R² for quantities.
            scheduler: an `nn.optim` schedule over the optimizer's learning rate.
            l1: this many times the sum of all weights' absolute values is added to the loss; biases are left alone.
                With L-BFGS, weights become exactly 0.
            l2: half of this many times the sum of all weights' squares is added to the loss.
            callbacks: objects told of each epoch, such as `nn.EarlyStopping` or `nn.Checkpoint`.
            verbose: 1 shows a progress bar (tqdm; without it, plain lines), 0 nothing.
            shuffle: a new random order of the rows each epoch.
            seed: a number or generator for the orders; None draws from the one that `chainrule.seed` seeds.

        Returns:
            The course of the training. Ctrl-C ends it early, and returns what there is.

        Raises:
            FloatingPointError: the loss became NaN or infinite; names epoch, step and the first bad parameter. The
                weights are those of the last step with a finite loss.
            IndexError, ShapeError, TypeError, ValueError: X or y do not fit the module; nothing was changed.

        Example:
            >>> model = nn.LogisticRegression(1)
            >>> history = model.fit([[-1.0], [1.0]], [0, 1], l2=0.1, verbose=0)
            >>> history.loss[-1] < history.loss[0], model.predict([[3.0]])
            (True, array([1]))
        """
        settings = Settings(
            epochs=epochs,
            batch_size=batch_size,
            optimizer=optimizer,
            loss=loss,
            validation_data=validation_data,
            validation_split=validation_split,
            class_weight=class_weight,
            sample_weight=sample_weight,
            metrics=metrics,
            scheduler=scheduler,
            l1=l1,
            l2=l2,
            callbacks=callbacks,
            verbose=verbose,
            shuffle=shuffle,
            seed=seed,
        )
        return fitting.fit(self, X, y, settings)

    def predict(self: Any, X: ArrayLike) -> NDArray[Any]:
        """Return what the model says of each row: class numbers, or quantities.

        Args:
            X: shape (rows, ...).

        Returns:
            int64 class numbers of shape (rows,), or the outputs themselves (a single column as (rows,)).

        Raises:
            RuntimeError: the meaning of the outputs is not known yet.
        """
        return predicting.predict(self, X)

    def predict_proba(self: Any, X: ArrayLike) -> NDArray[Any]:
        """Return the probability of each class for each row: shape (rows, classes); rows sum to 1.

        Raises:
            RuntimeError: the outputs are no logits of classes.
        """
        return predicting.predict_proba(self, X)

    def score(self: Any, X: ArrayLike, y: ArrayLike) -> float:
        """Return how good the predictions are: the share of right classes, or R² for quantities.

        Raises:
            RuntimeError: the meaning of the outputs is not known yet.
        """
        return predicting.score(self, X, y)
