import numpy as np
import pytest

import chainrule as cr
from chainrule import nn
from chainrule.nn import optim

SKLEARN = "needs scikit-learn: pip install 'chainrule[sklearn]'"


def table(name):
    data = {
        "breast_cancer": nn.data.load_breast_cancer,
        "iris": nn.data.load_iris,
        "wine": nn.data.load_wine,
    }[name]()
    return nn.data.Standardize().fit_transform(data.X).astype(np.float64), data.y


def peer_model(linear_model, **settings):
    return linear_model.LogisticRegression(**{"max_iter": 20_000, "tol": 1e-10} | settings)


@pytest.mark.parametrize("name", ["breast_cancer", "iris", "wine"])
@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
def test_logistic_regression_with_l2_has_scikit_learns_coefficients(name, C):
    linear_model = pytest.importorskip("sklearn.linear_model", reason=SKLEARN)
    X, y = table(name)
    peer = peer_model(linear_model, C=C).fit(X, y)
    model = nn.LogisticRegression(X.shape[1], len(np.unique(y)), dtype=np.float64)
    exact = optim.LBFGS(model.parameters(), tolerance_grad=1e-9, tolerance_change=0.0)
    model.fit(X, y, l2=1 / (C * len(X)), optimizer=exact if C == 100 else None, verbose=0)
    weight, bias = model.linear.weight.data, model.linear.bias.data
    if len(bias) > 1:  # without a penalty on it, only differences between the classes' biases count
        bias = bias - bias.mean() + peer.intercept_.mean()
    assert np.allclose(weight, peer.coef_, atol=1e-4)
    assert np.allclose(bias, peer.intercept_, atol=1e-4)
    assert np.allclose(model.predict_proba(X), peer.predict_proba(X), atol=1e-4)


@pytest.mark.parametrize(("name", "C"), [("breast_cancer", 0.05), ("iris", 0.5), ("wine", 0.2)])
def test_logistic_regression_with_l1_has_scikit_learns_coefficients(name, C):
    linear_model = pytest.importorskip("sklearn.linear_model", reason=SKLEARN)
    X, y = table(name)
    peer = peer_model(linear_model, C=C, l1_ratio=1.0, solver="saga", tol=1e-7).fit(X, y)
    model = nn.LogisticRegression(X.shape[1], len(np.unique(y)), dtype=np.float64)
    model.fit(X, y, l1=1 / (C * len(X)), epochs=5000, verbose=0)
    weight = model.linear.weight.data

    def objective(weight, bias):
        logits = X @ weight.T + bias
        if len(bias) == 1:
            losses = np.logaddexp(0, logits[:, 0]) - y * logits[:, 0]
        else:
            losses = np.logaddexp.reduce(logits, axis=1) - logits[np.arange(len(y)), y]
        return losses.mean() + np.abs(weight).sum() / (C * len(X))

    assert objective(weight, model.linear.bias.data) <= objective(peer.coef_, peer.intercept_) + 1e-9
    assert np.allclose(weight, peer.coef_, atol=1e-4)
    assert (weight == 0).sum() >= 3


def test_one_vs_rest_has_scikit_learns_coefficients():
    linear_model = pytest.importorskip("sklearn.linear_model", reason=SKLEARN)
    multiclass = pytest.importorskip("sklearn.multiclass", reason=SKLEARN)
    X, y = table("wine")
    peer = multiclass.OneVsRestClassifier(peer_model(linear_model, C=0.5)).fit(X, y)
    model = nn.LogisticRegression(13, 3, one_vs_rest=True, dtype=np.float64)
    history = model.fit(X, y, l2=1 / (0.5 * len(X)), verbose=0)
    assert model.task == "one_vs_rest"
    for row, bias, own in zip(
        model.linear.weight.data, model.linear.bias.data, peer.estimators_, strict=True
    ):
        assert np.allclose(row, own.coef_[0], atol=1e-4)
        assert np.allclose(bias, own.intercept_, atol=1e-4)
    assert np.allclose(model.predict_proba(X), peer.predict_proba(X), atol=1e-4)
    assert np.array_equal(model.predict(X), peer.predict(X))
    assert history.metrics["accuracy"][-1] == model.score(X, y) == peer.score(X, y)


def test_one_vs_rest_is_saved_and_loaded(tmp_path):
    X, y = table("iris")
    model = nn.LogisticRegression(4, 3, one_vs_rest=True)
    model.fit(X, np.eye(3)[y], verbose=0)
    model.save(tmp_path / "m.safetensors")
    twin = nn.load(tmp_path / "m.safetensors")
    assert np.array_equal(twin.predict_proba(X), model.predict_proba(X))


def test_class_and_sample_weights_as_scikit_learn():
    linear_model = pytest.importorskip("sklearn.linear_model", reason=SKLEARN)
    X, y = table("iris")
    rows = np.random.default_rng(0).uniform(0, 2, len(X))
    classes = {0: 1.0, 1: 3.0, 2: 0.5}
    peer = peer_model(linear_model, C=1.0, class_weight=classes).fit(X, y, sample_weight=rows)
    total = (rows * np.array([1.0, 3.0, 0.5])[y]).sum()
    model = nn.LogisticRegression(4, 3, dtype=np.float64)
    model.fit(X, y, class_weight=classes, sample_weight=rows, l2=1 / total, verbose=0)
    assert np.allclose(model.linear.weight.data, peer.coef_, atol=1e-4)


def test_linear_regression_is_the_normal_equation():
    X = np.random.default_rng(0).standard_normal((50, 4))
    y = X @ [1.0, -2.0, 0.5, 0.0] + 3 + 0.1 * np.random.default_rng(1).standard_normal(50)
    model = nn.LinearRegression(4, dtype=np.float64)
    history = model.fit(X, y, verbose=0)
    expected = np.linalg.lstsq(np.c_[X, np.ones(50)], y, rcond=None)[0]
    assert np.allclose(np.r_[model.linear.weight.data[0], model.linear.bias.data], expected, atol=1e-6)
    assert history.loss[-1] == pytest.approx(np.mean((model.predict(X) - y) ** 2))
    assert history.epochs < 30


def test_history_and_validation_are_those_of_each_iteration():
    X, y = table("breast_cancer")
    seen = []

    class Spy(nn.Callback):
        def on_epoch(self, model, history):
            loss = nn.losses.binary_cross_entropy_with_logits(model(X), y).item()
            seen.append((loss, model.score(X, y)))

    model = nn.LogisticRegression(30)
    history = model.fit(X, y, l2=0.0, epochs=8, validation_data=(X, y), callbacks=[Spy()], verbose=0)
    assert np.allclose(history.loss, [loss for loss, _ in seen], rtol=1e-6)
    assert np.allclose(history.val_loss, history.loss, rtol=1e-6)
    assert history.metrics["accuracy"] == history.metrics["val_accuracy"] == [score for _, score in seen]
    assert all(a > b for a, b in zip(history.loss, history.loss[1:], strict=False))


def test_float32_parameters_stay_float32_and_are_those_of_float64():
    X, y = table("wine")
    one, two = nn.LogisticRegression(13, 3), nn.LogisticRegression(13, 3, dtype=np.float64)
    for model in (one, two):
        model.fit(X, y, l2=0.01, verbose=0)
    assert one.linear.weight.dtype == np.float32
    assert np.array_equal(one.linear.weight.data, two.linear.weight.data.astype(np.float32))


def test_an_mlp_too():
    cr.seed(0)
    X, y = nn.data.make_moons(200, noise=0.1, seed=0)
    model = nn.MLP([2, 10, 2], activation="tanh")
    model.fit(X, y, optimizer="lbfgs", epochs=100, l2=1e-4, verbose=0)
    assert model.score(X, y) > 0.99
    assert all(w.grad is None for w in model.parameters())


def test_gradient_descent_can_be_watched():
    """The lectures' algorithm: the loss falls slowly to the same minimum."""
    X, y = table("breast_cancer")
    best = nn.LogisticRegression(30).fit(X, y, l2=0.1, verbose=0).loss[-1]
    model = nn.LogisticRegression(30)
    history = model.fit(X, y, l2=0.1, optimizer=optim.SGD(model.parameters(), lr=0.5), epochs=30, verbose=0)
    assert history.epochs == 30
    assert best < history.loss[-1] < best + 0.01 < history.loss[0]


def test_ctrl_c_leaves_the_weights_of_the_last_iteration():
    X, y = table("breast_cancer")
    calls = []

    class Interrupted(nn.LogisticRegression):
        def forward(self, x):
            calls.append(1)
            if len(calls) == 9:
                raise KeyboardInterrupt
            return super().forward(x)

    model, kept = Interrupted(30), []

    class Keep(nn.Callback):
        def on_epoch(self, model, history):
            kept.append(model.state_dict()["linear.weight"])

    history = model.fit(X, y, callbacks=[Keep()], verbose=0)
    assert history.interrupted
    assert history.epochs == len(kept) > 2
    assert np.array_equal(model.linear.weight.data, kept[-1].astype(np.float32))


def test_a_loss_that_is_bad_from_the_start():
    model = nn.LogisticRegression(2)
    model.linear.weight.data = [[np.inf, 0.0]]
    with pytest.raises(FloatingPointError, match=r"at the start; the first bad parameter is linear\.weight"):
        model.fit(np.ones((4, 2)), [0, 1, 1, 0], verbose=0)
    assert model.linear.weight.dtype == np.float32


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 2}, "L-BFGS looks at all 4 rows in every step; leave out batch_size"),
        ({"callbacks": [nn.MaxNorm(1.0)]}, "MaxNorm changes what L-BFGS relies on"),
        ({"callbacks": [nn.Noise(1.0)]}, "Noise changes"),
    ],
)
def test_what_does_not_go_with_it(settings, message):
    with pytest.raises(ValueError, match=message):
        nn.LogisticRegression(2).fit(np.ones((4, 2)), [0, 1, 1, 0], verbose=0, **settings)


def test_a_scheduler_does_not_go_with_it():
    model = nn.LogisticRegression(2)
    optimizer = optim.LBFGS(model.parameters())
    with pytest.raises(ValueError, match="leave out scheduler"):
        model.fit(
            np.ones((4, 2)), [0, 1, 1, 0], optimizer=optimizer, scheduler=optim.StepLR(optimizer, 2), verbose=0
        )  # fmt: skip


def test_at_the_minimum_it_ends_at_once():
    X, y = table("iris")
    model = nn.LogisticRegression(4, 3, dtype=np.float64)
    model.fit(X, y, l2=0.1, verbose=0)
    assert model.fit(X, y, l2=0.1, verbose=0).epochs == 1
