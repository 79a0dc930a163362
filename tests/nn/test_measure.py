import numpy as np
import pytest

import chainrule as cr
from chainrule import nn

SKLEARN = "needs scikit-learn: pip install 'chainrule[sklearn]'"


def trained(sizes, X, y, metrics):
    cr.seed(0)
    model = nn.MLP(sizes)
    history = model.fit(X, y, epochs=2, metrics=metrics, validation_data=(X, y), verbose=0)
    return model, history


@pytest.mark.parametrize("sizes", [[30, 1], [30, 2]])
def test_of_two_classes_as_scikit_learn(sizes):
    peers = pytest.importorskip("sklearn.metrics", reason=SKLEARN)
    data = nn.data.load_breast_cancer()
    X = nn.data.Standardize().fit_transform(data.X)
    names = ["accuracy", "precision", "recall", "f1", "roc_auc"]
    model, history = trained(sizes, X, data.y, names)
    assert list(history.metrics) == [f"{part}{name}" for part in ("", "val_") for name in names]
    predicted, scores = model.predict(X), model.predict_proba(X)[:, 1]
    for name, peer in [
        ("accuracy", peers.accuracy_score),
        ("precision", peers.precision_score),
        ("recall", peers.recall_score),
        ("f1", peers.f1_score),
    ]:
        assert history.last[f"val_{name}"] == pytest.approx(peer(data.y, predicted)), name
    assert history.last["val_roc_auc"] == pytest.approx(peers.roc_auc_score(data.y, scores), abs=1e-6)


def test_of_several_classes_they_are_means_over_the_classes():
    peers = pytest.importorskip("sklearn.metrics", reason=SKLEARN)
    data = nn.data.load_wine()
    X = nn.data.Standardize().fit_transform(data.X)
    model, history = trained([13, 3], X, data.y, ["f1", "recall"])
    assert history.last["val_f1"] == pytest.approx(peers.f1_score(data.y, model.predict(X), average="macro"))
    assert history.last["val_recall"] == pytest.approx(
        peers.recall_score(data.y, model.predict(X), average="macro")
    )


def test_of_quantities_and_functions_of_ones_own():
    X = np.linspace(-1, 1, 40)[:, None]
    y = 2 * X[:, 0]

    def worst(true, predicted):
        return np.abs(true - predicted).max()

    model, history = trained([1, 1], X, y, ["mse", "r2", worst])
    assert history.last["val_mse"] == pytest.approx(np.mean((model.predict(X) - y) ** 2), rel=1e-5)
    assert history.last["val_r2"] == pytest.approx(model.score(X, y))
    assert history.last["val_worst"] == pytest.approx(np.abs(model.predict(X) - y).max(), rel=1e-5)


def test_where_there_is_no_number_it_is_nan():
    model = nn.MLP([2, 1])
    model.task = "binary"
    history = model.fit(np.ones((3, 2)), [1, 1, 1], epochs=1, metrics=["roc_auc"], verbose=0)
    assert np.isnan(history.metrics["roc_auc"][0])


@pytest.mark.parametrize(
    ("sizes", "y", "metrics", "error", "message"),
    [
        ([2, 3], [0, 1, 2], ["roc_auc"], ValueError, "compares two classes, this model has 3"),
        (
            [2, 3],
            [0, 1, 2],
            ["acuracy"],
            ValueError,
            "unknown class metric 'acuracy'.*did you mean 'accuracy'",
        ),
        ([2, 3], [0, 1, 2], ["mse"], ValueError, "unknown class metric 'mse'; known class metrics: accuracy"),
        ([2, 1], [0.5, 1, 2], ["f1"], ValueError, "unknown regression metric 'f1'"),
        ([2, 3], [0, 1, 2], "f1", TypeError, "metrics must be a list of names or functions, got 'f1'"),
        ([2, 3], [0, 1, 2], [3], TypeError, r"a name or a function of \(true, predicted\), got 3"),
    ],
)
def test_what_cannot_work(sizes, y, metrics, error, message):
    with pytest.raises(error, match=message):
        nn.MLP(sizes).fit(np.zeros((3, 2)), y, metrics=metrics, verbose=0)
