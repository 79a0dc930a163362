import pickle
import warnings
from unittest import SkipTest

import numpy as np
import pytest

from chainrule import nn

sklearn = pytest.importorskip("sklearn", reason="needs scikit-learn: pip install 'chainrule[sklearn]'")

from sklearn import linear_model, neural_network  # noqa: E402  # after the skip
from sklearn.base import clone  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

from chainrule.nn.sklearn import LogisticRegression, MLPClassifier, MLPRegressor  # noqa: E402

ESTIMATORS = [
    LogisticRegression(),
    LogisticRegression(penalty="l1", one_vs_rest=True),
    MLPClassifier(),
    MLPRegressor(),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(ESTIMATORS)
def test_scikit_learns_own_checks(estimator, check):
    try:
        check(estimator)
    except SkipTest as skip:  # these estimators compute with NumPy's arrays alone
        if "array_api" not in str(skip):
            raise


def table(load):
    data = load()
    return train_test_split(
        StandardScaler().fit_transform(data.X.astype(np.float64)),
        data.y,
        random_state=0,
        test_size=0.3,
        stratify=data.y,
    )


@pytest.mark.parametrize("load", [nn.data.load_iris, nn.data.load_breast_cancer, nn.data.load_wine])
@pytest.mark.parametrize("C", [0.1, 1.0])
def test_logistic_regression_is_scikit_learns(load, C):
    X, X_test, y, y_test = table(load)
    ours = LogisticRegression(C).fit(X, y)
    theirs = linear_model.LogisticRegression(C=C, tol=1e-8, max_iter=5000).fit(X, y)
    assert np.allclose(ours.coef_, theirs.coef_, atol=1e-4)
    assert np.allclose(ours.predict_proba(X_test), theirs.predict_proba(X_test), atol=1e-4)
    assert ours.score(X_test, y_test) == theirs.score(X_test, y_test)
    assert np.allclose(
        np.argmax(np.c_[-ours.decision_function(X_test), ours.decision_function(X_test)], axis=1)
        if len(ours.classes_) == 2
        else ours.decision_function(X_test).argmax(axis=1),
        ours.predict(X_test),
    )


def test_penalties():
    X, _, y, _ = table(nn.data.load_breast_cancer)
    zeros = [
        (LogisticRegression(0.05, penalty=p, max_iter=5000).fit(X, y).coef_ == 0).sum() for p in ("l1", "l2")
    ]
    assert zeros[0] > 10 > zeros[1] == 0
    with pytest.raises(ValueError, match="unknown penalty 'l3'; known penalties: l2, l1, None"):
        LogisticRegression(penalty="l3").fit(X, y)
    with pytest.raises(ValueError, match="C must be positive"):
        LogisticRegression(C=0).fit(X, y)


@pytest.mark.parametrize("load", [nn.data.load_iris, nn.data.load_breast_cancer, nn.data.load_wine])
def test_mlp_is_as_good_as_scikit_learns(load):
    X, X_test, y, y_test = table(load)
    scores = {MLPClassifier: 0.0, neural_network.MLPClassifier: 0.0}
    for seed in range(3):
        for kind in scores:
            model = kind((32,), max_iter=300, random_state=seed, learning_rate_init=0.01).fit(X, y)
            scores[kind] += model.score(X_test, y_test) / 3
    assert scores[MLPClassifier] >= scores[neural_network.MLPClassifier] - 0.02


def test_attributes_are_shaped_as_scikit_learns():
    X, _, y, _ = table(nn.data.load_iris)
    ours, theirs = (
        kind((8, 5), solver="lbfgs", max_iter=9000, random_state=0).fit(X, y)
        for kind in (MLPClassifier, neural_network.MLPClassifier)
    )
    assert [w.shape for w in ours.coefs_] == [w.shape for w in theirs.coefs_]


def test_classes_may_be_words():
    X, X_test, y, y_test = table(nn.data.load_iris)
    names = np.array(["setosa", "versicolor", "virginica"])
    model = MLPClassifier((16,), solver="lbfgs", random_state=0).fit(X, names[y])
    assert model.classes_.tolist() == names.tolist()
    assert model.score(X_test, names[y_test]) > 0.9


def test_regression_of_several_quantities():
    X = np.linspace(-2, 2, 200)[:, None]
    y = np.c_[np.sin(X[:, 0]), np.cos(X[:, 0])]
    model = MLPRegressor((32,), "tanh", solver="lbfgs", max_iter=500, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
    assert model.predict(X).shape == (200, 2)
    assert model.score(X, y) > 0.999


def test_in_a_pipeline_a_grid_search_and_cross_validation():
    data = nn.data.load_wine()
    pipeline = make_pipeline(StandardScaler(), MLPClassifier((16,), solver="lbfgs", random_state=0))
    assert cross_val_score(pipeline, data.X, data.y, cv=3).mean() > 0.93
    grid = GridSearchCV(pipeline, {"mlpclassifier__alpha": [1e-4, 1e-1]}, cv=3).fit(data.X, data.y)
    assert grid.best_score_ > 0.93
    assert clone(grid.best_estimator_).get_params().keys() == grid.best_estimator_.get_params().keys()


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_pickle_gives_the_same_predictions(estimator):
    X, y = nn.data.make_moons(60, noise=0.1, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = clone(estimator).fit(X, y)
    twin = pickle.loads(pickle.dumps(fitted))  # noqa: S301  # our own bytes
    assert np.array_equal(twin.predict(X), fitted.predict(X))


def test_early_stopping_sets_rows_aside():
    """On so few rows one seed says little: the mean of several is compared with scikit-learn's."""
    X, X_test, y, y_test = table(nn.data.load_breast_cancer)
    settings = {"early_stopping": True, "max_iter": 400, "learning_rate_init": 0.01}
    scores = {}
    for kind in (MLPClassifier, neural_network.MLPClassifier):
        models = [kind((16,), random_state=seed, **settings).fit(X, y) for seed in range(6)]
        assert all(model.n_iter_ < 400 for model in models)
        scores[kind] = np.mean([model.score(X_test, y_test) for model in models])
    assert scores[MLPClassifier] > scores[neural_network.MLPClassifier] - 0.02


@pytest.mark.parametrize("seed", range(12))
def test_columns_that_nobody_scaled(seed):
    """He's larger weights began so far from any answer that one seed in twelve gave up on the way."""
    iris = nn.data.load_iris()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert MLPClassifier(random_state=seed).fit(iris.X, iris.y).score(iris.X, iris.y) > 0.95


def test_a_run_that_is_too_short_warns():
    X, y = nn.data.make_moons(60, noise=0.1, seed=0)
    with pytest.warns(ConvergenceWarning, match="not converged after max_iter=3 iterations; raise max_iter"):
        MLPClassifier(max_iter=3).fit(X, y)


def test_one_random_state_gives_one_network():
    X, y = nn.data.make_moons(60, noise=0.1, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        one, two, other = (MLPClassifier(max_iter=5, random_state=seed).fit(X, y) for seed in (1, 1, 2))
    assert np.array_equal(one.coefs_[0], two.coefs_[0])
    assert not np.array_equal(one.coefs_[0], other.coefs_[0])
