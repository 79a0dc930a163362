import numpy as np
import pytest

import chainrule as cr
from chainrule import nn
from chainrule.nn import optim
from chainrule.nn.objective import Objective, weigh


def data(n=60, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 3))
    return X, (X[:, 0] + 0.3 * rng.standard_normal(n) > 0).astype(int)


def test_penalties_are_those_of_the_formula_and_leave_biases_alone():
    model = nn.MLP([2, 3, 1], dtype=np.float64)
    objective = Objective(nn.losses.mse, model.parameters(), l1=0.5, l2=0.2)
    weights = [model[0].weight.data, model[2].weight.data]
    expected = sum(0.5 * np.abs(w).sum() + 0.1 * (w**2).sum() for w in weights)
    assert objective.penalty().item() == pytest.approx(expected)
    model[0].bias.data = [1.0, 2.0, 3.0]
    assert objective.penalty().item() == pytest.approx(expected)
    l1, l2 = objective.strengths(model.parameters())
    assert l1.tolist() == [0.5] * 6 + [0] * 3 + [0.5] * 3 + [0]
    assert l2.tolist() == [0.2] * 6 + [0] * 3 + [0.2] * 3 + [0]


def test_l2_is_weight_decay_of_sgd():
    X, y = data()
    models = [nn.MLP([3, 4, 2], init="constant") for _ in range(2)]
    for model, settings, decay in zip(models, ({"l2": 0.3}, {}), (0.0, 0.3), strict=True):
        groups = [
            {"params": [w for w in model.parameters() if w.data.ndim == 2], "weight_decay": decay},
            {"params": [w for w in model.parameters() if w.data.ndim == 1]},
        ]
        model.fit(X, y, epochs=3, optimizer=optim.SGD(groups, lr=0.1), seed=0, verbose=0, **settings)
    for one, two in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert np.allclose(one.data, two.data, atol=1e-6)


def test_weights_count_like_repeated_rows():
    X, y = data(20)
    counts = np.random.default_rng(1).integers(1, 4, 20)
    models = [nn.MLP([3, 4, 2], init="constant", dtype=np.float64) for _ in range(2)]
    models[0].fit(
        X, y, sample_weight=counts, optimizer=optim.SGD(models[0].parameters(), lr=0.5),
        batch_size=20, epochs=20, verbose=0,
    )  # fmt: skip
    rows = np.repeat(np.arange(20), counts)
    models[1].fit(
        X[rows], y[rows], optimizer=optim.SGD(models[1].parameters(), lr=0.5),
        batch_size=len(rows), epochs=20, verbose=0,
    )  # fmt: skip
    for one, two in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert np.allclose(one.data, two.data, rtol=1e-9)


@pytest.mark.parametrize("sizes", [[3, 1], [3, 2]])
def test_a_rare_class_counts_more(sizes):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 3))
    y = (X[:, 0] + rng.standard_normal(300) > 1.8).astype(int)
    recalls = []
    for weight in (None, "balanced", {0: 1.0, 1: 100.0}):
        cr.seed(0)
        model = nn.MLP(sizes)
        model.task = "binary" if sizes[1] == 1 else "multiclass"
        model.fit(X, y, epochs=30, class_weight=weight, verbose=0)
        recalls.append(nn.metrics.recall(y, model.predict(X)))
    assert recalls[0] < recalls[1] < recalls[2]


def test_balanced_is_scikit_learns():
    utils = pytest.importorskip(
        "sklearn.utils.class_weight", reason="needs scikit-learn: pip install 'chainrule[sklearn]'"
    )
    y = np.array([0, 2, 2, 2, 5, 5, 0, 2])
    found = weigh(nn.losses.cross_entropy, "multiclass", y, "balanced", None)
    assert np.allclose(found, utils.compute_sample_weight("balanced", y))


def test_quantities_of_several_columns_are_weighted_by_row():
    X, _ = data(4)
    y = np.arange(8.0).reshape(4, 2)
    weights = np.array([2.0, 0.0, 1.0, 1.0])
    history = nn.Linear(3, 2, init="zeros").fit(X, y, epochs=1, sample_weight=weights, verbose=0)
    assert history.loss[0] == pytest.approx((weights * (y**2).mean(axis=1)).mean(), rel=1e-6)


X4, Y4 = np.zeros((4, 3)), [0, 1, 1, 0]


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"sample_weight": [1, 2]}, ValueError, r"sample_weight must have shape \(4,\), one per row, got \(2,\)"),
        ({"sample_weight": [1, 1, 1, -1]}, ValueError, "must not be negative"),
        ({"sample_weight": [0, 0, 0, 0]}, ValueError, "not all 0"),
        ({"sample_weight": [1, 1, 1, np.nan]}, ValueError, "sample_weight has nan at 3"),
        ({"class_weight": {0: 1.0}}, ValueError, "no weight for class 1"),
        ({"class_weight": [1.0, 2.0]}, TypeError, r"'balanced' or a dict \{class: weight\}, got \[1\.0, 2\.0\]"),
        ({"class_weight": "even"}, TypeError, "'balanced' or a dict"),
        ({"class_weight": "balanced", "loss": "mse"}, ValueError, "for classes, this model predicts quantities"),
        ({"sample_weight": [1, 1, 1, 1], "loss": lambda z, y: (z * 0).sum()}, TypeError, "no argument reduction"),
        ({"l1": -1.0}, ValueError, "l1 must be a finite number of at least 0"),
        ({"l2": np.inf}, ValueError, "l2 must be"),
    ],
)  # fmt: skip
def test_what_cannot_work(settings, error, message):
    model = nn.MLP([3, 1])
    with pytest.raises(error, match=message):
        model.fit(X4, Y4, verbose=0, **settings)
    assert model.task is None
