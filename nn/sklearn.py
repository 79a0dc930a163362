"""Estimators for scikit-learn (the extra `sklearn`): they work in pipelines, grid searches and cross-validation.

Names, defaults and attributes are those of scikit-learn's estimators of the same names; below them is the network of
this package, in the attribute `module_`.

>>> from sklearn.model_selection import cross_val_score
>>> from sklearn.pipeline import make_pipeline
>>> from sklearn.preprocessing import StandardScaler
>>> wine = nn.data.load_wine()
>>> cross_val_score(make_pipeline(StandardScaler(), LogisticRegression()), wine.X, wine.y).mean() > 0.95
np.True_
"""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from chainrule.nn import models, optim
from chainrule.nn.callbacks import Callback, EarlyStopping
from chainrule.nn.data.check import Array
from chainrule.nn.history import History
from chainrule.nn.module import Module
from chainrule.nn.names import look_up

FLOATS = (np.float64, np.float32)


class _Estimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What all estimators here share.

    Attributes:
        module_: the trained network.
        n_features_in_: features per row.
        n_iter_: epochs, or iterations of L-BFGS.
        loss_curve_: the loss of each.
    """

    module_: Module

    def _rows(self, X: Any) -> Array:
        check_is_fitted(self)
        rows: Array = validate_data(self, X, dtype=FLOATS, reset=False)
        return rows

    def _remember(self, module: Module, history: History, most: int) -> None:
        self.module_ = module
        self.n_iter_ = history.epochs
        self.loss_curve_ = history.loss
        if history.epochs == most:
            warnings.warn(
                f"{type(self).__name__}: not converged after max_iter={most} iterations; raise max_iter, or scale the "
                "inputs with StandardScaler",
                ConvergenceWarning,
                stacklevel=3,
            )


class _Classifier(ClassifierMixin, _Estimator):  # type: ignore[misc]  # scikit-learn has no types
    """What the classifiers share: classes of any kind, numbered inside."""

    classes_: Array

    def _labels(self, y: Any) -> Array:
        """Return the numbers of the classes, and remember what they stand for."""
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__}: y has one class only, {self.classes_[0]!r}; give it two"
            )
        return labels

    def predict(self, X: Any) -> Array:
        """Return the most probable class of each row.

        Args:
            X: shape (rows, features).

        Raises:
            NotFittedError: `fit` was not called.
        """
        rows = self._rows(X)
        return np.asarray(self.classes_[self.module_.predict(rows)])

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, in the order of `classes_`: shape (rows, classes).

        Args:
            X: shape (rows, features).

        Raises:
            NotFittedError: `fit` was not called.
        """
        rows = self._rows(X)
        return self.module_.predict_proba(rows)

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithms of `predict_proba`.

        Args:
            X: shape (rows, features).

        Raises:
            NotFittedError: `fit` was not called.
        """
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.predict_proba(X)))


class LogisticRegression(_Classifier):
    """Logistic regression by L-BFGS; with an L1 penalty by OWL-QN, which makes weights exactly 0.

    Args:
        C: inverse strength of the penalty.
        penalty: ``"l2"``, ``"l1"`` or None.
        one_vs_rest: with more than two classes, learn each against all others by itself.
        class_weight: a dict, or ``"balanced"``.
        tol: stop when no derivative of the mean loss is larger.
        max_iter: the most iterations.

    Attributes:
        classes_: the classes.
        coef_: weights, shape (1, features) for two classes, else (classes, features).
        intercept_: shape (1,) or (classes,).

    Example:
        >>> iris = nn.data.load_iris()
        >>> model = LogisticRegression().fit(iris.X, iris.y)
        >>> model.score(iris.X, iris.y) > 0.95, model.coef_.shape
        (True, (3, 4))
    """

    def __init__(
        self,
        C: float = 1.0,
        *,
        penalty: str | None = "l2",
        one_vs_rest: bool = False,
        class_weight: str | Mapping[Any, float] | None = None,
        tol: float = 1e-7,
        max_iter: int = 1000,
    ) -> None:
        self.C = C
        self.penalty = penalty
        self.one_vs_rest = one_vs_rest
        self.class_weight = class_weight
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Find the weights.

        Args:
            X: shape (rows, features).
            y: one class per row.
            sample_weight: how much each row counts, or None.

        Raises:
            ValueError: the data or a setting cannot work.
        """
        X, y = validate_data(self, X, y, dtype=FLOATS)
        labels = self._labels(y)
        if not self.C > 0:
            raise ValueError(f"LogisticRegression: C must be positive, got {self.C!r}")
        weights = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        if self.class_weight is not None:
            weights = weights * compute_sample_weight(self.class_weight, y)
        strength = 1 / (self.C * weights.sum())
        penalties = look_up("penalty", str(self.penalty), {"l2": "l2", "l1": "l1", "None": ""})
        module = models.LogisticRegression(X.shape[1], len(self.classes_), self.one_vs_rest, dtype=X.dtype)
        history = module.fit(
            X,
            labels,
            epochs=self.max_iter,
            optimizer=optim.LBFGS(module.parameters(), tolerance_grad=self.tol, tolerance_change=0.0),
            sample_weight=weights,
            verbose=0,
            **({penalties: strength} if penalties else {}),
        )
        self._remember(module, history, self.max_iter)
        self.coef_ = module.linear.weight.numpy()
        assert module.linear.bias is not None
        self.intercept_ = module.linear.bias.numpy()
        return self

    def decision_function(self, X: Any) -> Array:
        """Return the logits: shape (rows,) for two classes, else (rows, classes).

        Args:
            X: shape (rows, features).

        Raises:
            NotFittedError: `fit` was not called.
        """
        scores = self._rows(X) @ self.coef_.T + self.intercept_
        return np.asarray(scores[:, 0] if scores.shape[1] == 1 else scores)


class _MLP(_Estimator):
    """What both networks share."""

    monitor = ""

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate_init: float = 0.001,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change

    def _train(self, X: Array, y: Array, outputs: int, task: str) -> None:
        """Make a network and train it."""
        rng = np.random.default_rng(check_random_state(self.random_state).randint(2**31))
        hidden = np.atleast_1d(self.hidden_layer_sizes).tolist()
        names = {"identity": "identity", "logistic": "sigmoid"}
        activation = names.get(self.activation, self.activation)
        # As scikit-learn's: on columns that nobody standardised, He's larger weights begin far from any answer.
        module = models.MLP(
            [X.shape[1], *hidden, outputs], activation, "xavier_uniform", generator=rng, dtype=X.dtype
        )
        module.task = task
        kind: Any = look_up("solver", self.solver, optim.OPTIMIZERS)
        whole = kind is optim.LBFGS
        optimizer = kind(module.parameters(), **({} if whole else {"lr": self.learning_rate_init}))
        rows = len(X) if whole else min(200, len(X)) if self.batch_size == "auto" else int(self.batch_size)
        watch: Callback = _Plateau(self.n_iter_no_change, self.tol)
        if self.early_stopping:
            watch = EarlyStopping(self.n_iter_no_change, self.monitor, "max")
        history = module.fit(
            X,
            y,
            epochs=self.max_iter,
            batch_size=None if whole else rows,
            optimizer=optimizer,
            l2=self.alpha / rows,
            validation_split=self.validation_fraction if self.early_stopping else 0.0,
            callbacks=[watch],
            shuffle=self.shuffle,
            verbose=int(self.verbose),
            seed=rng,
        )
        self._remember(module, history, self.max_iter)
        weights = [parameter.numpy() for parameter in module.parameters()]
        self.coefs_ = [w.T for w in weights[::2]]
        self.intercepts_ = weights[1::2]
        self.n_layers_ = len(self.coefs_) + 1
        self.n_outputs_ = outputs


class MLPClassifier(_Classifier, _MLP):
    """A multilayer perceptron for classes.

    Args:
        hidden_layer_sizes: units in each hidden layer.
        activation: ``"relu"``, ``"tanh"``, ``"logistic"``, ``"identity"``, or any other name of `nn.MLP`.
        solver: ``"adam"``, ``"sgd"``, ``"lbfgs"``, or any other name of `nn.optim`.
        alpha: strength of the L2 penalty, divided by the rows of a batch.
        batch_size: rows per step; ``"auto"`` is 200, or all if there are fewer.
        learning_rate_init: learning rate, except for L-BFGS.
        max_iter: the most epochs.
        shuffle: a new random order of the rows each epoch.
        random_state: for initial weights, orders and what is set aside.
        tol: the loss must fall by this much to count as better.
        verbose: show a progress bar.
        early_stopping: set rows aside, and keep the weights that are best on them.
        validation_fraction: how many.
        n_iter_no_change: epochs without improvement after which to stop.

    Attributes:
        classes_: the classes.
        coefs_: the weights of each layer, shape (inputs, outputs).
        intercepts_: the biases of each layer.

    Example:
        >>> X, y = nn.data.make_moons(100, noise=0.1, seed=0)
        >>> model = MLPClassifier((16,), solver="lbfgs", random_state=0).fit(X, np.array(["a", "b"])[y])
        >>> model.score(X, np.array(["a", "b"])[y]), model.predict(X[:1])
        (1.0, array(['b'], dtype='<U1'))
    """

    monitor = "val_accuracy"

    def fit(self, X: Any, y: Any) -> Self:
        """Train a new network.

        Args:
            X: shape (rows, features).
            y: one class per row.

        Raises:
            ValueError: the data or a setting cannot work.
        """
        X, y = validate_data(self, X, y, dtype=FLOATS)
        labels = self._labels(y)
        two = len(self.classes_) == 2
        self._train(X, labels, 1 if two else len(self.classes_), "binary" if two else "multiclass")
        return self


class MLPRegressor(RegressorMixin, _MLP):  # type: ignore[misc]  # scikit-learn has no types
    """A multilayer perceptron for quantities; arguments as `MLPClassifier`.

    Attributes:
        coefs_: the weights of each layer, shape (inputs, outputs).
        intercepts_: the biases of each layer.

    Example:
        >>> X = np.linspace(-2, 2, 100)[:, None]
        >>> model = MLPRegressor((20,), "tanh", solver="lbfgs", random_state=0).fit(X, np.sin(X[:, 0]))
        >>> model.score(X, np.sin(X[:, 0])) > 0.99
        True
    """

    monitor = "val_r2"

    def fit(self, X: Any, y: Any) -> Self:
        """Train a new network.

        Args:
            X: shape (rows, features).
            y: one quantity per row, or shape (rows, quantities).

        Raises:
            ValueError: the data or a setting cannot work.
        """
        X, y = validate_data(self, X, y, dtype=FLOATS, multi_output=True, y_numeric=True)
        self._flat = y.ndim == 1
        self._train(X, y, 1 if self._flat else y.shape[1], "regression")
        return self

    def predict(self, X: Any) -> Array:
        """Return the quantity of each row, or quantities in the shape of y.

        Args:
            X: shape (rows, features).

        Raises:
            NotFittedError: `fit` was not called.
        """
        rows = self._rows(X)
        found = self.module_.predict(rows)
        return found if self._flat else found.reshape(len(rows), -1)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class _Plateau(Callback):
    """Stop when the loss has not fallen by `tol` for some epochs."""

    def __init__(self, patience: int, tol: float) -> None:
        self.patience, self.tol = patience, tol
        self.best, self.bad = np.inf, 0

    def on_epoch(self, model: Module, history: History) -> bool:
        """Say whether patience is at its end."""
        loss = history.loss[-1]
        self.bad = self.bad + 1 if loss > self.best - self.tol else 0
        self.best = min(self.best, loss)
        return self.bad > self.patience
