import numpy as np
import pytest

import chainrule as cr
from chainrule import nn
from chainrule.nn import predict as predicting

RNG = np.random.default_rng(0)


def test_a_model_that_was_never_told_its_task():
    model = nn.MLP([2, 3])
    for call in (model.predict, model.predict_proba, lambda X: model.score(X, [0])):
        with pytest.raises(RuntimeError, match=r"call fit first, or set model.task"):
            call(np.zeros((1, 2)))
    model.task = "multiclass"
    assert model.predict(np.zeros((1, 2))).shape == (1,)


def test_no_probabilities_of_quantities():
    model = nn.MLP([2, 1])
    model.task = "regression"
    with pytest.raises(RuntimeError, match="predicts quantities"):
        model.predict_proba(np.zeros((1, 2)))


def test_classes_and_probabilities():
    model = nn.MLP([2, 3])
    model.task = "multiclass"
    X = RNG.standard_normal((5, 2))
    logits = model(X).data
    assert np.array_equal(model.predict(X), logits.argmax(axis=1))
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.allclose(model.predict_proba(X), expected)
    assert type(model.predict_proba(X)) is np.ndarray


@pytest.mark.parametrize("model", [nn.LogisticRegression(2), nn.MLP([2, 1])])
def test_two_classes(model):
    model.task = "binary"
    for parameter in model.parameters():
        parameter.data = RNG.standard_normal(parameter.shape)
    X = RNG.standard_normal((50, 2))
    logits = model(X).data.reshape(-1)
    assert np.array_equal(model.predict(X), logits > 0)
    assert model.predict(X).dtype == np.int64
    proba = model.predict_proba(X)
    assert np.allclose(proba, np.stack([1 / (1 + np.exp(logits)), 1 / (1 + np.exp(-logits))], axis=1))


def test_long_tables_go_in_parts(monkeypatch):
    model = nn.MLP([2, 4, 1])
    model.task = "regression"
    X = RNG.standard_normal((25, 2))
    whole = model.predict(X)
    monkeypatch.setattr(predicting, "ROWS", 10)
    assert np.allclose(model.predict(X), whole)
    assert whole.shape == (25,)


def test_several_quantities():
    model = nn.MLP([2, 3])
    model.task = "regression"
    X = RNG.standard_normal((25, 2))
    assert model.predict(X).shape == (25, 3)
    assert model.score(X, model.predict(X)) == 1.0


def test_predicting_records_nothing_and_keeps_the_mode():
    model = nn.MLP([2, 3])
    model.task = "multiclass"
    model[0].training = False
    model.predict(np.zeros((1, 2)))
    assert model.training
    assert not model[0].training


def test_score_counts_and_checks():
    model = nn.MLP([2, 3])
    model.task = "multiclass"
    X = RNG.standard_normal((20, 2))
    right = model.predict(X)
    wrong = (right + 1) % 3
    assert model.score(X, right) == 1
    assert model.score(X, np.where(np.arange(20) < 5, right, wrong)) == 0.25
    assert model.score(X, np.eye(3)[right]) == 1
    with pytest.raises(IndexError, match=r"score: label 3 at row 0"):
        model.score(X[:1], [3])
    with pytest.raises(cr.ShapeError, match="score: X has 20 rows"):
        model.score(X, right[:3])
